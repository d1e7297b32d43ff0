/* catalog.c: the schema of catalog.sqlite, its check, and its seal. Reading is in catalog_read.c.
 *
 * The seal is a checksum over everything published, computed by every reader. SQLite does not
 * notice a flipped bit in a number; the seal does. */
#include "engine/catalog.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/hash.h"

#define APPLICATION_ID 1196377172 /* "GODT" */

struct table {
    const char *name;
    const char *statement;
};

static const struct table tables[] = {
    {"meta", "CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL)"},
    {"collection",
     "CREATE TABLE collection (id INTEGER PRIMARY KEY, token TEXT, name TEXT NOT NULL,"
     " if_exists INTEGER NOT NULL, metric INTEGER NOT NULL, dim INTEGER NOT NULL,"
     " has_auto_ids INTEGER NOT NULL, index_type TEXT NOT NULL, index_params TEXT NOT NULL,"
     " index_file_size INTEGER NOT NULL, created_us INTEGER NOT NULL,"
     " duplicate_ids INTEGER NOT NULL)"},
    {"partition", "CREATE TABLE partition (id INTEGER PRIMARY KEY,"
                  " collection INTEGER NOT NULL REFERENCES collection(id), name TEXT NOT NULL,"
                  " UNIQUE (collection, name))"},
    {"segment",
     "CREATE TABLE segment (id INTEGER PRIMARY KEY,"
     " collection INTEGER NOT NULL REFERENCES collection(id),"
     " partition INTEGER NOT NULL REFERENCES partition(id), ord INTEGER NOT NULL,"
     " folder INTEGER NOT NULL, number INTEGER NOT NULL, origin TEXT NOT NULL,"
     " token TEXT NOT NULL, is_stored INTEGER NOT NULL, rows INTEGER NOT NULL,"
     " dead_rows INTEGER NOT NULL, ids_offset INTEGER NOT NULL, vec_offset INTEGER NOT NULL,"
     " is_linked INTEGER NOT NULL, sum_hash INTEGER NOT NULL, dead_hash INTEGER NOT NULL,"
     " UNIQUE (folder, number))"},
    {"publication", "CREATE TABLE publication (token TEXT PRIMARY KEY)"},
};

/* What collections of many fields, and rows that are not sealed yet, need. A catalog made before
 * there was such a thing has none of these tables; the first writer adds them all
 * (catalog_upgrade).
 */
static const struct table later_tables[] = {
    {"logical_database", "CREATE TABLE logical_database (id INTEGER PRIMARY KEY,"
                         " name TEXT NOT NULL UNIQUE, properties TEXT NOT NULL,"
                         " created_us INTEGER NOT NULL)"},
    {"detail",
     "CREATE TABLE detail (collection INTEGER PRIMARY KEY, description TEXT NOT NULL,"
     " properties TEXT NOT NULL, state TEXT NOT NULL, consistency INTEGER NOT NULL,"
     " shards INTEGER NOT NULL, partition_keys INTEGER NOT NULL, has_dynamic INTEGER NOT NULL,"
     " is_loaded INTEGER NOT NULL, is_1x INTEGER NOT NULL, updated_us INTEGER NOT NULL,"
     " next_segment INTEGER NOT NULL)"},
    {"field", "CREATE TABLE field (collection INTEGER NOT NULL, ord INTEGER NOT NULL,"
              " id INTEGER NOT NULL, name TEXT NOT NULL, description TEXT NOT NULL,"
              " type INTEGER NOT NULL, element INTEGER NOT NULL, dim INTEGER NOT NULL,"
              " max_length INTEGER NOT NULL, max_capacity INTEGER NOT NULL, flags INTEGER NOT NULL,"
              " default_value TEXT, params TEXT NOT NULL, metric INTEGER NOT NULL,"
              " PRIMARY KEY (collection, ord))"},
    {"declared_index",
     "CREATE TABLE declared_index (id INTEGER PRIMARY KEY, collection INTEGER NOT NULL,"
     " name TEXT NOT NULL, field TEXT NOT NULL, params TEXT NOT NULL, metric INTEGER NOT NULL,"
     " created_us INTEGER NOT NULL, UNIQUE (collection, name))"},
    {"alias", "CREATE TABLE alias (name TEXT PRIMARY KEY, collection INTEGER NOT NULL)"},
    {"user", "CREATE TABLE user (name TEXT PRIMARY KEY, secret TEXT NOT NULL)"},
    {"column_file", "CREATE TABLE column_file (segment INTEGER PRIMARY KEY, size INTEGER NOT NULL,"
                    " hash INTEGER NOT NULL)"},
    {"pending", "CREATE TABLE pending (id INTEGER PRIMARY KEY, collection INTEGER NOT NULL,"
                " partition INTEGER NOT NULL, rows INTEGER NOT NULL, hash INTEGER NOT NULL,"
                " data BLOB NOT NULL)"},
    {"dead", "CREATE TABLE dead (id INTEGER PRIMARY KEY, collection INTEGER NOT NULL,"
             " segment INTEGER NOT NULL, batch INTEGER NOT NULL, hash INTEGER NOT NULL,"
             " data BLOB NOT NULL)"},
};

static const char *const later_indexes[] = {
    "CREATE INDEX pending_collection ON pending (collection)",
    "CREATE INDEX dead_collection ON dead (collection)",
};

static const char *const indexes[] = {
    "CREATE UNIQUE INDEX collection_published ON collection (name) WHERE token IS NULL",
    "CREATE UNIQUE INDEX collection_staged ON collection (token, name) WHERE token IS NOT NULL",
    "CREATE INDEX segment_order ON segment (collection, ord)",
    "CREATE INDEX segment_origin ON segment (token, origin)",
    "CREATE INDEX segment_partition ON segment (partition)",
};

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

static enum err_code prepare(struct sql *sql, const char *statement, const char *types,
                             va_list args, struct sql_statement **ret_prepared, struct err *err)
{
    const enum err_code code = sql_prepare(sql, statement, ret_prepared, err);
    if (code != ERR_OK)
        return code;
    for (int k = 0; types[k] != '\0'; k++) {
        if (types[k] == 'i')
            sql_bind_int(*ret_prepared, k + 1, va_arg(args, int64_t));
        else
            sql_bind_text(*ret_prepared, k + 1, va_arg(args, const char *));
    }
    return ERR_OK;
}

enum err_code catalog_run(struct sql *sql, struct err *err, const char *statement,
                          const char *types, ...)
{
    struct sql_statement *prepared = NULL;
    va_list args;
    va_start(args, types);
    enum err_code code = prepare(sql, statement, types, args, &prepared, err);
    va_end(args);
    if (code == ERR_OK)
        code = sql_run(prepared, err);
    sql_finalize(prepared);
    return code;
}

enum err_code catalog_ask(struct sql *sql, struct catalog_answer *ret_answer, struct err *err,
                          const char *statement, const char *types, ...)
{
    struct sql_statement *prepared = NULL;
    va_list args;
    va_start(args, types);
    enum err_code code = prepare(sql, statement, types, args, &prepared, err);
    va_end(args);
    struct catalog_answer answer = {0};
    if (code == ERR_OK)
        code = sql_step(prepared, &answer.found, err);
    if (code == ERR_OK) {
        answer.value = answer.found ? sql_column_int(prepared, 0) : 0;
        *ret_answer = answer;
    }
    sql_finalize(prepared);
    return code;
}

static enum err_code ask_number(struct sql *sql, const char *statement, int64_t *ret_value,
                                struct err *err)
{
    struct catalog_answer answer = {0};
    const enum err_code code = catalog_ask(sql, &answer, err, statement, "");
    if (code == ERR_OK && !answer.found)
        return err_set(err, ERR_CORRUPT, "%s: \"%s\" has no answer", sql_path(sql), statement);
    if (code == ERR_OK)
        *ret_value = answer.value;
    return code;
}

static enum err_code check_table(struct sql *sql, const struct table *table, struct err *err)
{
    struct catalog_answer is_equal = {0};
    const enum err_code code =
        catalog_ask(sql, &is_equal, err,
                    "SELECT type = 'table' AND sql = ?1 FROM sqlite_schema WHERE name = ?2", "tt",
                    table->statement, table->name);
    if (code == ERR_OK && is_equal.value != 1)
        return err_set(err, ERR_CORRUPT,
                       "%s: table %s is %s; the catalog was damaged or changed by another program",
                       sql_path(sql), table->name,
                       is_equal.found ? "not the one we made" : "missing");
    return code;
}

enum err_code catalog_check(struct sql *sql, struct err *err)
{
    int64_t application = 0;
    int64_t format = 0;
    int64_t triggers = 0;
    enum err_code code = ask_number(sql, "PRAGMA application_id", &application, err);
    if (code == ERR_OK)
        code = ask_number(sql, "PRAGMA user_version", &format, err);
    if (code != ERR_OK)
        return code;
    if (application != APPLICATION_ID)
        return err_set(err, ERR_NOT_FOUND, "%s: not the catalog of a Godwit database",
                       sql_path(sql));
    if (format != CATALOG_FORMAT)
        return err_set(err, format > CATALOG_FORMAT ? ERR_UNSUPPORTED : ERR_CORRUPT,
                       "%s: format version %" PRId64 " found, %d expected; use the version of "
                       "godwit that wrote it, or a newer one",
                       sql_path(sql), format, CATALOG_FORMAT);
    code = ask_number(sql, "SELECT count(*) FROM sqlite_schema WHERE type = 'trigger'", &triggers,
                      err);
    if (code == ERR_OK && triggers != 0)
        return err_set(err, ERR_CORRUPT, "%s: %" PRId64 " triggers found, none expected",
                       sql_path(sql), triggers);
    for (size_t k = 0; code == ERR_OK && k < COUNT_OF(tables); k++)
        code = check_table(sql, &tables[k], err);
    bool has_rows = false;
    if (code == ERR_OK)
        code = catalog_has_rows(sql, &has_rows, err);
    for (size_t k = 0; code == ERR_OK && has_rows && k < COUNT_OF(later_tables); k++)
        code = check_table(sql, &later_tables[k], err);
    return code;
}

enum err_code catalog_has_rows(struct sql *sql, bool *ret_has_rows, struct err *err)
{
    int64_t count = 0;
    const enum err_code code =
        ask_number(sql, "SELECT count(*) FROM sqlite_schema WHERE name = 'detail'", &count, err);
    if (code == ERR_OK)
        *ret_has_rows = count != 0;
    return code;
}

static enum err_code make_later_tables(struct sql *sql, struct err *err)
{
    enum err_code code = ERR_OK;
    for (size_t k = 0; code == ERR_OK && k < COUNT_OF(later_tables); k++)
        code = sql_exec(sql, later_tables[k].statement, err);
    for (size_t k = 0; code == ERR_OK && k < COUNT_OF(later_indexes); k++)
        code = sql_exec(sql, later_indexes[k], err);
    if (code == ERR_OK)
        code = catalog_run(sql, err,
                           "INSERT INTO meta VALUES ('version', 1), ('next_id', 0),"
                           " ('next_batch', 1)",
                           "");
    return code;
}

enum err_code catalog_upgrade(struct sql *sql, struct err *err)
{
    bool has_rows = false;
    enum err_code code = catalog_has_rows(sql, &has_rows, err);
    if (code != ERR_OK || has_rows)
        return code;
    code = sql_begin(sql, err);
    if (code == ERR_OK)
        code = make_later_tables(sql, err);
    if (code == ERR_OK)
        code = sql_commit(sql, err);
    sql_rollback(sql);
    return code;
}

static enum err_code make_tables(struct sql *sql, struct err *err)
{
    enum err_code code = ERR_OK;
    for (size_t k = 0; code == ERR_OK && k < COUNT_OF(tables); k++)
        code = sql_exec(sql, tables[k].statement, err);
    for (size_t k = 0; code == ERR_OK && k < COUNT_OF(indexes); k++)
        code = sql_exec(sql, indexes[k], err);
    if (code == ERR_OK)
        code = make_later_tables(sql, err);
    if (code == ERR_OK)
        code = catalog_run(sql, err,
                           "INSERT INTO meta VALUES ('created_us', ?1), ('next_collection', 1),"
                           " ('seal', 0)",
                           "i", clock_now_us());
    if (code == ERR_OK)
        code = catalog_seal_update(sql, err);
    if (code == ERR_OK)
        code = sql_exec(sql, "PRAGMA application_id = 1196377172; PRAGMA user_version = 1", err);
    return code;
}

enum err_code catalog_create(struct sql *sql, struct err *err)
{
    enum err_code code = sql_begin(sql, err);
    if (code == ERR_OK)
        code = make_tables(sql, err);
    if (code == ERR_OK)
        code = sql_commit(sql, err);
    sql_rollback(sql);
    return code;
}

/* What of each table is sealed: i an integer, t a text. */
struct sealed_table {
    const char *statement;
    const char *types;
};
static const struct sealed_table sealed[] = {
    {"SELECT id, name, metric, dim, has_auto_ids, index_type, index_params, index_file_size,"
     " created_us, duplicate_ids FROM collection WHERE token IS NULL ORDER BY id",
     "itiiittiii"},
    {"SELECT id, collection, name FROM partition WHERE collection IN"
     " (SELECT id FROM collection WHERE token IS NULL) ORDER BY id",
     "iit"},
    {"SELECT id, collection, partition, ord, folder, number, origin, is_stored, rows, dead_rows,"
     " ids_offset, vec_offset, is_linked, sum_hash, dead_hash FROM segment WHERE collection IN"
     " (SELECT id FROM collection WHERE token IS NULL) ORDER BY id",
     "iiiiiitiiiiiiii"},
};

/* The same of the tables that came later: nothing is added while they are empty. */
static const struct sealed_table later_sealed[] = {
    {"SELECT id, name, properties, created_us FROM logical_database ORDER BY id", "itti"},
    {"SELECT collection, description, properties, state, consistency, shards, partition_keys,"
     " has_dynamic, is_loaded, is_1x, updated_us, next_segment FROM detail ORDER BY collection",
     "itttiiiiiiii"},
    {"SELECT collection, ord, id, name, description, type, element, dim, max_length, max_capacity,"
     " flags, default_value, params, metric FROM field ORDER BY collection, ord",
     "iiittiiiiiitti"},
    {"SELECT id, collection, name, field, params, metric, created_us FROM declared_index"
     " ORDER BY id",
     "iitttii"},
    {"SELECT name, collection FROM alias ORDER BY name", "ti"},
    {"SELECT name, secret FROM user ORDER BY name", "tt"},
    {"SELECT segment, size, hash FROM column_file ORDER BY segment", "iii"},
};

static void hash_row_columns(struct hasher *hasher, struct sql_statement *statement,
                             const char *types)
{
    for (int k = 0; types[k] != '\0'; k++) {
        uint8_t number[8];
        if (types[k] == 't') {
            const char *text = sql_column_text(statement, k);
            hasher_add(hasher, text, strlen(text) + 1);
        } else {
            put_u64(number, (uint64_t)sql_column_int(statement, k));
            hasher_add(hasher, number, sizeof number);
        }
    }
}

static enum err_code seal_table(struct sql *sql, const struct sealed_table *table,
                                struct hasher *hasher, struct err *err)
{
    struct sql_statement *statement = NULL;
    bool has_row = true;
    enum err_code code = sql_prepare(sql, table->statement, &statement, err);
    while (code == ERR_OK && has_row) {
        code = sql_step(statement, &has_row, err);
        if (code == ERR_OK && has_row)
            hash_row_columns(hasher, statement, table->types);
    }
    sql_finalize(statement);
    return code;
}

static enum err_code seal_compute(struct sql *sql, uint64_t *ret_seal, struct err *err)
{
    struct hasher *hasher = hasher_new(0);
    if (hasher == NULL)
        return err_nomem(err, sql_path(sql));
    enum err_code code = ERR_OK;
    for (size_t k = 0; code == ERR_OK && k < COUNT_OF(sealed); k++)
        code = seal_table(sql, &sealed[k], hasher, err);
    bool has_rows = false;
    if (code == ERR_OK)
        code = catalog_has_rows(sql, &has_rows, err);
    for (size_t k = 0; code == ERR_OK && has_rows && k < COUNT_OF(later_sealed); k++)
        code = seal_table(sql, &later_sealed[k], hasher, err);
    if (code == ERR_OK)
        *ret_seal = hasher_get(hasher);
    hasher_free(hasher);
    return code;
}

enum err_code catalog_seal_get(struct sql *sql, uint64_t *ret_seal, struct err *err)
{
    int64_t value = 0;
    const enum err_code code =
        ask_number(sql, "SELECT value FROM meta WHERE key = 'seal'", &value, err);
    if (code == ERR_OK)
        *ret_seal = (uint64_t)value;
    return code;
}

enum err_code catalog_stamp_get(struct sql *sql, struct catalog_stamp *ret_stamp, struct err *err)
{
    struct catalog_stamp stamp = {0};
    struct catalog_answer version = {0};
    enum err_code code = catalog_seal_get(sql, &stamp.seal, err);
    if (code == ERR_OK)
        code = catalog_ask(sql, &version, err, "SELECT value FROM meta WHERE key = 'version'", "");
    stamp.version = version.value;
    if (code == ERR_OK)
        *ret_stamp = stamp;
    return code;
}

enum err_code catalog_seal_check(struct sql *sql, uint64_t *ret_seal, struct err *err)
{
    uint64_t stored = 0;
    uint64_t computed = 0;
    enum err_code code = catalog_seal_get(sql, &stored, err);
    if (code == ERR_OK)
        code = seal_compute(sql, &computed, err);
    if (code == ERR_OK && stored != computed)
        return err_set(err, ERR_CORRUPT,
                       "%s: the published content has checksum %016" PRIx64 ", %016" PRIx64
                       " expected; the catalog is damaged: restore it, or migrate again",
                       sql_path(sql), computed, stored);
    if (code == ERR_OK)
        *ret_seal = stored;
    return code;
}

enum err_code catalog_seal_update(struct sql *sql, struct err *err)
{
    uint64_t seal = 0;
    const enum err_code code = seal_compute(sql, &seal, err);
    if (code != ERR_OK)
        return code;
    return catalog_run(sql, err, "UPDATE meta SET value = ?1 WHERE key = 'seal'", "i",
                       (int64_t)seal);
}

enum err_code catalog_find(struct sql *sql, const char *name, const char *token, bool *ret_found,
                           int64_t *ret_id, struct err *err)
{
    struct catalog_answer answer = {0};
    const enum err_code code =
        catalog_ask(sql, &answer, err, "SELECT id FROM collection WHERE name = ?1 AND token IS ?2",
                    "tt", name, token);
    if (code == ERR_OK) {
        *ret_found = answer.found;
        *ret_id = answer.value;
    }
    return code;
}
