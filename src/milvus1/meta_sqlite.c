/* meta_sqlite.c: metadata from a meta.sqlite, without touching it or its folder.
 *
 * SQLite cannot open a database with a left-over -wal without writing beside it, and the source may
 * be read-only. So the database, its -wal and (from very old crashes) its -journal are copied into
 * a private folder, and the copy is opened; the -shm is an index of the -wal that SQLite makes
 * anew. The copy counts only when a second look at the source finds the same bytes, else a running
 * server could hand us pages of two moments. Source of the schema: milvus-io/milvus v0.9.0..1.1,
 * core/src/db/meta/SqliteMetaImpl.cpp. */
#include <inttypes.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/path.h"
#include "base/sql.h"
#include "milvus1/meta_rows.h"

#define SQLITE_SIZE_MAX ((uint64_t)16 << 30)
#define COPY_BUFFER_SIZE ((size_t)1 << 20)
#define COPY_ATTEMPTS_MAX 3
#define COPY_NAME "meta.sqlite"
#define COPY_HASH_SEED 0x6d657461

static const char *const copied_suffixes[] = {"", "-wal", "-journal"};
#define COPIED_COUNT (sizeof copied_suffixes / sizeof *copied_suffixes)

/* One file of the source: `is_there` false and a checksum of 0 when it does not exist. */
struct look {
    bool is_there;
    uint64_t size;
    uint64_t checksum;
};

/* Reads one open file; fd >= 0: copies it there. */
static enum err_code read_through(const struct store_file *file, struct hasher *hasher, int fd,
                                  const char *copy_path, struct err *err)
{
    uint8_t *buffer = mem_alloc(COPY_BUFFER_SIZE, 1);
    if (buffer == NULL)
        return err_nomem(err, file->path);
    enum err_code code = ERR_OK;
    for (uint64_t at = 0; code == ERR_OK && at < file->size; at += COPY_BUFFER_SIZE) {
        const uint64_t left = file->size - at;
        const size_t now = left < COPY_BUFFER_SIZE ? (size_t)left : COPY_BUFFER_SIZE;
        code = store_file_read(file, buffer, now, at, err);
        if (code != ERR_OK)
            break;
        hasher_add(hasher, buffer, now);
        if (fd >= 0)
            code = file_write_at(fd, copy_path, buffer, now, at, err);
    }
    mem_free(buffer);
    return code;
}

/* Looks at one file of the source; `copy_path` not NULL: copies it there. */
static enum err_code look_at(const struct store *store, const char *path, const char *copy_path,
                             struct look *ret_look, struct err *err)
{
    struct look look = {0};
    struct store_file file;
    enum err_code code = store_file_open(store, path, &file, err);
    if (code == ERR_NOT_FOUND) {
        *ret_look = look;
        return copy_path != NULL ? file_remove(copy_path, err) : ERR_OK;
    }
    if (code != ERR_OK)
        return code;
    int fd = -1;
    struct hasher *hasher = hasher_new(COPY_HASH_SEED);
    if (hasher == NULL)
        code = err_nomem(err, path);
    else if (file.size > SQLITE_SIZE_MAX)
        code =
            err_set(err, ERR_CORRUPT, "%s: %" PRIu64 " bytes found, at most %" PRIu64 " expected",
                    path, file.size, SQLITE_SIZE_MAX);
    else if (copy_path != NULL)
        code = file_create(copy_path, &fd, err);
    if (code == ERR_OK)
        code = read_through(&file, hasher, fd, copy_path, err);
    if (code == ERR_OK)
        *ret_look =
            (struct look){.is_there = true, .size = file.size, .checksum = hasher_get(hasher)};
    file_close(fd);
    hasher_free(hasher);
    store_file_close(&file);
    return code;
}

static enum err_code look_at_all(const struct store *store, const char *path, const char *copy_path,
                                 struct look *ret_looks, struct err *err)
{
    enum err_code code = ERR_OK;
    for (size_t k = 0; code == ERR_OK && k < COPIED_COUNT; k++) {
        char *from = mem_printf("%s%s", path, copied_suffixes[k]);
        char *to = copy_path != NULL ? mem_printf("%s%s", copy_path, copied_suffixes[k]) : NULL;
        if (from == NULL || (copy_path != NULL && to == NULL))
            code = err_nomem(err, path);
        else
            code = look_at(store, from, to, &ret_looks[k], err);
        mem_free(from);
        mem_free(to);
    }
    return code;
}

static bool looks_agree(const struct look *a, const struct look *b)
{
    for (size_t k = 0; k < COPIED_COUNT; k++)
        if (a[k].is_there != b[k].is_there || a[k].size != b[k].size ||
            a[k].checksum != b[k].checksum)
            return false;
    return true;
}

static enum err_code copy_database(const struct store *store, const char *path,
                                   const char *copy_path, struct err *err)
{
    for (int attempt = 0; attempt < COPY_ATTEMPTS_MAX; attempt++) {
        struct look first[COPIED_COUNT] = {{0}};
        struct look second[COPIED_COUNT] = {{0}};
        enum err_code code = look_at_all(store, path, copy_path, first, err);
        if (code == ERR_OK && !first[0].is_there)
            return err_set(err, ERR_NOT_FOUND, "%s: no such file", path);
        if (code == ERR_OK)
            code = look_at_all(store, path, NULL, second, err);
        if (code != ERR_OK)
            return code;
        if (looks_agree(first, second))
            return ERR_OK;
    }
    return err_set(err, ERR_SOURCE, "%s: changes while it is read; stop the server first", path);
}

static enum err_code has_table(struct sql *sql, const char *name, bool *ret_has, struct err *err)
{
    struct sql_statement *statement = NULL;
    enum err_code code = sql_prepare(
        sql, "SELECT 1 FROM sqlite_master WHERE type='table' AND name=?1", &statement, err);
    if (code != ERR_OK)
        return code;
    sql_bind_text(statement, 1, name);
    code = sql_step(statement, ret_has, err);
    sql_finalize(statement);
    return code;
}

static enum err_code has_snapshot_tables(struct sql *sql, bool *ret_has, struct err *err)
{
    struct sql_statement *statement = NULL;
    enum err_code code =
        sql_prepare(sql, "SELECT name FROM sqlite_master WHERE type='table'", &statement, err);
    bool has_row = code == ERR_OK;
    *ret_has = false;
    while (has_row) {
        code = sql_step(statement, &has_row, err);
        has_row = has_row && code == ERR_OK;
        if (has_row && meta_is_snapshot_table(sql_column_text(statement, 0)))
            *ret_has = true;
    }
    sql_finalize(statement);
    return code;
}

static enum err_code check_tables(struct sql *sql, struct err *err)
{
    bool has_tables = false;
    bool has_files = false;
    bool is_snapshot = false;
    if (has_table(sql, "Tables", &has_tables, err) != ERR_OK ||
        has_table(sql, "TableFiles", &has_files, err) != ERR_OK ||
        has_snapshot_tables(sql, &is_snapshot, err) != ERR_OK)
        return err->code;
    if (has_tables && has_files)
        return ERR_OK;
    if (is_snapshot)
        return meta_refuse_snapshot(err);
    return err_set(err, ERR_SOURCE, "no table %s found; this is not the metadata of Milvus 0.9-1.1",
                   has_tables ? "TableFiles" : "Tables");
}

/* An integer column. `is_tolerant`: a number that left 64 bits and became a float is clamped. */
static bool read_int(struct sql_statement *statement, int index, bool is_tolerant,
                     int64_t *ret_value)
{
    if (sql_column_is_int(statement, index)) {
        *ret_value = sql_column_int(statement, index);
        return true;
    }
    if (!is_tolerant ||
        !(sql_column_is_real(statement, index) || sql_column_is_null(statement, index)))
        return false;
    const double value = sql_column_double(statement, index);
    *ret_value = value > 0 && value < 9e18 ? (int64_t)value : 0;
    return true;
}

static enum err_code wrong_type(const char *table, int64_t id, const char *column, struct err *err)
{
    return err_set(err, ERR_CORRUPT, "table %s, row id %" PRId64 ": column %s holds no integer",
                   table, id, column);
}

static enum err_code take_table(struct sql_statement *statement, struct meta_rows *rows,
                                struct err *err)
{
    static const char *const columns[] = {"id",          "state",       "dimension",
                                          "created_on",  "flag",        "index_file_size",
                                          "engine_type", "metric_type", "flush_lsn"};
    int64_t numbers[sizeof columns / sizeof *columns] = {0};
    for (int k = 0; k < (int)(sizeof columns / sizeof *columns); k++)
        if (!read_int(statement, k, false, &numbers[k]))
            return wrong_type("Tables", numbers[0], columns[k], err);
    const int text = (int)(sizeof columns / sizeof *columns);
    const struct meta_table table = {.id = numbers[0],
                                     .state = numbers[1],
                                     .dimension = numbers[2],
                                     .created_on = numbers[3],
                                     .flag = numbers[4],
                                     .index_file_size = numbers[5],
                                     .engine_type = numbers[6],
                                     .metric_type = numbers[7],
                                     .flush_lsn = (uint64_t)numbers[8],
                                     .table_id = sql_column_text(statement, text),
                                     .index_params = sql_column_text(statement, text + 1),
                                     .owner_table = sql_column_text(statement, text + 2),
                                     .partition_tag = sql_column_text(statement, text + 3),
                                     .version = sql_column_text(statement, text + 4)};
    return meta_rows_add_table(rows, &table, err);
}

static enum err_code take_file(struct sql_statement *statement, struct meta_rows *rows,
                               struct err *err)
{
    static const char *const columns[] = {"id",        "engine_type",  "file_type", "file_size",
                                          "row_count", "updated_time", "created_on"};
    int64_t numbers[sizeof columns / sizeof *columns] = {0};
    for (int k = 0; k < (int)(sizeof columns / sizeof *columns); k++)
        if (!read_int(statement, k, k == 3 || k == 4, &numbers[k]))
            return wrong_type("TableFiles", numbers[0], columns[k], err);
    const int text = (int)(sizeof columns / sizeof *columns);
    const struct meta_file file = {.id = numbers[0],
                                   .engine_type = numbers[1],
                                   .file_type = numbers[2],
                                   .file_size = numbers[3],
                                   .row_count = numbers[4],
                                   .updated_time = numbers[5],
                                   .created_on = numbers[6],
                                   .table_id = sql_column_text(statement, text),
                                   .segment_id = sql_column_text(statement, text + 1),
                                   .file_id = sql_column_text(statement, text + 2)};
    return meta_rows_add_file(rows, &file, err);
}

typedef enum err_code take_row(struct sql_statement *statement, struct meta_rows *rows,
                               struct err *err);

static enum err_code take_global_lsn(struct sql_statement *statement, struct meta_rows *rows,
                                     struct err *err)
{
    int64_t lsn = 0;
    if (!read_int(statement, 0, false, &lsn) || lsn < 0)
        return err_set(err, ERR_CORRUPT, "table Environment: global_lsn is no number from 0 on");
    struct meta *meta = &rows->meta;
    if (!meta->has_global_lsn || (uint64_t)lsn > meta->global_lsn)
        meta->global_lsn = (uint64_t)lsn;
    meta->has_global_lsn = true;
    return ERR_OK;
}

static enum err_code take_hybrid(struct sql_statement *statement, struct meta_rows *rows,
                                 struct err *err)
{
    return meta_rows_add_hybrid(rows, sql_column_text(statement, 0), err);
}

static enum err_code read_rows(struct sql *sql, const char *query, take_row *take,
                               struct meta_rows *rows, struct err *err)
{
    struct sql_statement *statement = NULL;
    enum err_code code = sql_prepare(sql, query, &statement, err);
    if (code != ERR_OK)
        return code;
    for (;;) {
        bool has_row = false;
        code = sql_step(statement, &has_row, err);
        if (code != ERR_OK || !has_row)
            break;
        code = take(statement, rows, err);
        if (code != ERR_OK)
            break;
    }
    sql_finalize(statement);
    return code;
}

static enum err_code read_optional(struct sql *sql, const char *table, const char *query,
                                   take_row *take, struct meta_rows *rows, struct err *err)
{
    bool has = false;
    const enum err_code code = has_table(sql, table, &has, err);
    return code == ERR_OK && has ? read_rows(sql, query, take, rows, err) : code;
}

static enum err_code read_tables(struct sql *sql, struct meta_rows *rows, struct err *err)
{
    return read_rows(sql,
                     "SELECT id, state, dimension, created_on, flag, index_file_size, engine_type, "
                     "metric_type, flush_lsn, table_id, index_params, owner_table, partition_tag, "
                     "version FROM Tables ORDER BY id",
                     take_table, rows, err);
}

static enum err_code read_files(struct sql *sql, struct meta_rows *rows, struct err *err)
{
    return read_rows(sql,
                     "SELECT id, engine_type, file_type, file_size, row_count, updated_time, "
                     "created_on, table_id, segment_id, file_id FROM TableFiles ORDER BY id",
                     take_file, rows, err);
}

static enum err_code read_all(struct sql *sql, struct meta_rows *rows, struct err *err)
{
    enum err_code code = read_tables(sql, rows, err);
    if (code == ERR_OK)
        code = read_files(sql, rows, err);
    if (code == ERR_OK)
        code = read_optional(sql, "Environment", "SELECT global_lsn FROM Environment",
                             take_global_lsn, rows, err);
    if (code == ERR_OK)
        code = read_optional(sql, "Fields", "SELECT DISTINCT collection_id FROM Fields",
                             take_hybrid, rows, err);
    return code;
}

static enum err_code load_copy(const char *copy_path, const char *path, struct meta_rows *rows,
                               struct err *err)
{
    struct sql *sql = NULL;
    enum err_code code = sql_open_foreign(copy_path, &sql, err);
    if (code == ERR_OK)
        code = check_tables(sql, err);
    if (code == ERR_OK)
        code = read_all(sql, rows, err);
    sql_close(sql);
    if (code != ERR_OK)
        (void)err_wrap(err, "%s (through a private copy)", path);
    return code;
}

enum err_code meta_sqlite_load(const struct store *store, const char *path, struct meta *ret_meta,
                               struct err *err)
{
    char *folder = NULL;
    char *copy_path = NULL;
    struct meta_rows rows = {0};
    struct err own;
    if (err == NULL)
        err = &own;
    enum err_code code = folder_make_temporary(&folder, err);
    if (code != ERR_OK)
        return code;
    copy_path = path_join(folder, COPY_NAME);
    if (copy_path == NULL)
        code = err_nomem(err, path);
    if (code == ERR_OK)
        code = copy_database(store, path, copy_path, err);
    if (code == ERR_OK)
        code = meta_rows_init(&rows, META_SQLITE, path, err);
    if (code == ERR_OK)
        code = load_copy(copy_path, path, &rows, err);
    /* A private copy that cannot be removed is no reason to refuse what was read. */
    const enum err_code removed = folder_remove(folder, NULL);
    (void)removed;
    if (code == ERR_OK)
        meta_rows_take(&rows, ret_meta);
    meta_rows_release(&rows);
    mem_free(copy_path);
    mem_free(folder);
    return code;
}
