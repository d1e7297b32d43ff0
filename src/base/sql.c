/* sql.c: see sql.h. */
#include "base/sql.h"

#include <errno.h>
#include <sqlite3.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"

#define BUSY_TIMEOUT_MS 30000

struct sql {
    sqlite3 *db;
    char *path;
};

struct sql_statement {
    sqlite3_stmt *stmt;
    struct sql *sql;
    int failure; /* SQLite's code when a bind or a conversion failed: the next step says so */
};

#ifdef GODWIT_FAULTS
/* SQLite's own calls become fault points: its memory as FAULT_MALLOC, its file calls under their
 * kinds. */
static sqlite3_mem_methods sqlite_memory;

static void *memory_malloc(int size)
{
    return fault_hit(FAULT_MALLOC) != 0 ? NULL : sqlite_memory.xMalloc(size);
}

static void *memory_realloc(void *block, int size)
{
    return fault_hit(FAULT_MALLOC) != 0 ? NULL : sqlite_memory.xRealloc(block, size);
}

static ssize_t faulty_pwrite(int fd, const void *data, size_t size, off_t offset)
{
    const int fault = fault_hit(FAULT_WRITE);
    if (fault > 0) {
        errno = fault;
        return -1;
    }
    return pwrite(fd, data, fault == FAULT_SHORT && size > 1 ? size / 2 : size, offset);
}

static ssize_t faulty_pread(int fd, void *data, size_t size, off_t offset)
{
    const int fault = fault_hit(FAULT_READ);
    if (fault > 0) {
        errno = fault;
        return -1;
    }
    return pread(fd, data, size, offset);
}

static int faulty_unlink(const char *path)
{
    const int fault = fault_hit(FAULT_UNLINK);
    if (fault > 0) {
        errno = fault;
        return -1;
    }
    return unlink(path);
}

/* fsync is no replaceable call of the unix VFS, so the fault point for syncs is sql_commit. */
static void install_faults(void)
{
    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &sqlite_memory);
    sqlite3_mem_methods faulty = sqlite_memory;
    faulty.xMalloc = memory_malloc;
    faulty.xRealloc = memory_realloc;
    sqlite3_config(SQLITE_CONFIG_MALLOC, &faulty);
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    if (vfs == NULL || vfs->xSetSystemCall == NULL)
        return;
    /* Which of the two a library was built to use is not known; where off_t has 64 bits they are
     * one. */
    static const char *const writes[] = {"pwrite", "pwrite64"};
    static const char *const reads[] = {"pread", "pread64"};
    for (int k = 0; k < 2; k++) {
        vfs->xSetSystemCall(vfs, writes[k], (sqlite3_syscall_ptr)faulty_pwrite);
        vfs->xSetSystemCall(vfs, reads[k], (sqlite3_syscall_ptr)faulty_pread);
    }
    vfs->xSetSystemCall(vfs, "unlink", (sqlite3_syscall_ptr)faulty_unlink);
}
#endif

void sql_start(void)
{
    static bool is_started;
    if (is_started)
        return;
    is_started = true;
#ifdef GODWIT_FAULTS
    install_faults();
#endif
    (void)sqlite3_initialize();
}

/* A failed system call: SQLite keeps its errno, which says more. */
static enum err_code io_error_code(sqlite3 *db)
{
    const int reason = sqlite3_system_errno(db);
    if (sqlite3_extended_errcode(db) == SQLITE_IOERR_NOMEM || reason == ENOMEM)
        return ERR_NOMEM;
    return reason == ENOSPC || reason == EDQUOT ? ERR_NO_SPACE : ERR_IO;
}

static enum err_code sql_error(sqlite3 *db, const char *path, const char *what, struct err *err)
{
    const int result = db != NULL ? sqlite3_errcode(db) & 0xff : SQLITE_NOMEM;
    const char *why = db != NULL ? sqlite3_errmsg(db) : "out of memory";
    enum err_code code = ERR_IO;
    switch (result) {
    case SQLITE_IOERR:
        code = io_error_code(db);
        break;
    case SQLITE_NOMEM:
        code = ERR_NOMEM;
        break;
    case SQLITE_FULL:
        code = ERR_NO_SPACE;
        break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        code = ERR_LOCKED;
        break;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_ERROR:
        code = ERR_CORRUPT;
        break;
    case SQLITE_CONSTRAINT:
        code = ERR_EXISTS;
        break;
    default:
        break;
    }
    return err_set(err, code, "%s: %s: %s", path, what, why);
}

static enum err_code open_flags(const char *path, int flags, struct sql **ret_sql, struct err *err)
{
    sql_start();
    struct sql *sql = mem_zalloc(1, sizeof *sql);
    char *copy = mem_strdup(path);
    if (sql == NULL || copy == NULL) {
        mem_free(sql);
        mem_free(copy);
        return err_nomem(err, path);
    }
    sql->path = copy;
    const int result = sqlite3_open_v2(path, &sql->db, flags | SQLITE_OPEN_NOMUTEX, NULL);
    if (result != SQLITE_OK) {
        const enum err_code code = sql_error(sql->db, path, "cannot be opened", err);
        sql_close(sql);
        return code;
    }
    (void)sqlite3_extended_result_codes(sql->db, 1);
    (void)sqlite3_busy_timeout(sql->db, BUSY_TIMEOUT_MS);
    *ret_sql = sql;
    return ERR_OK;
}

static enum err_code open_with(const char *path, int flags, const char *pragmas,
                               struct sql **ret_sql, struct err *err)
{
    struct sql *sql = NULL;
    enum err_code code = open_flags(path, flags, &sql, err);
    if (code == ERR_OK)
        code = sql_exec(sql, pragmas, err);
    if (code != ERR_OK) {
        sql_close(sql);
        return code;
    }
    *ret_sql = sql;
    return ERR_OK;
}

enum err_code sql_open(const char *path, struct sql **ret_sql, struct err *err)
{
    return open_with(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                     "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
                     ret_sql, err);
}

enum err_code sql_open_foreign(const char *path, struct sql **ret_sql, struct err *err)
{
    struct sql *sql = NULL;
    const enum err_code code = open_with(
        path, SQLITE_OPEN_READWRITE,
        "PRAGMA query_only=ON; PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON;"
        "PRAGMA schema_version;", /* the first that reads the file: is it a database at all? */
        &sql, err);
    if (code != ERR_OK)
        return code;
    (void)sqlite3_db_config(sql->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    *ret_sql = sql;
    return ERR_OK;
}

/* SQLite reads a WAL database only where it may make its -shm file. */
static bool is_on_readonly_medium(const char *path, struct text *log)
{
    char parent[FILE_PATH_MAX];
    text_addf(log, "%s-wal", path);
    return !text_failed(log) && !file_exists(text_get(log)) &&
           path_parent(path, parent, sizeof parent) && access(parent, W_OK) != 0;
}

/* The path as a URI: what has a meaning there is written as %XX. */
static void add_uri_path(struct text *uri, const char *path)
{
    for (; *path != '\0'; path++) {
        if (*path == '%' || *path == '?' || *path == '#')
            text_addf(uri, "%%%02X", (unsigned)*path);
        else
            text_add_bytes(uri, path, 1);
    }
}

static enum err_code open_immutable(const char *path, struct sql **ret_sql, struct err *err)
{
    struct text uri;
    text_init(&uri);
    text_add(&uri, "file:");
    if (path[0] == '/')
        text_add(&uri, "//");
    add_uri_path(&uri, path);
    text_add(&uri, "?immutable=1");
    enum err_code code = ERR_OK;
    if (text_failed(&uri))
        code = err_nomem(err, path);
    else
        code = open_with(text_get(&uri), SQLITE_OPEN_READONLY | SQLITE_OPEN_URI,
                         "PRAGMA query_only=ON;", ret_sql, err);
    text_release(&uri);
    return code;
}

enum err_code sql_open_readonly(const char *path, struct sql **ret_sql, struct err *err)
{
    if (!file_exists(path))
        return err_set(err, ERR_NOT_FOUND, "%s: no such file", path);
    struct text log;
    text_init(&log);
    const bool is_immutable = is_on_readonly_medium(path, &log);
    text_release(&log);
    if (is_immutable)
        return open_immutable(path, ret_sql, err);
    return open_with(path, SQLITE_OPEN_READONLY, "PRAGMA query_only=ON;", ret_sql, err);
}

void sql_close(struct sql *sql)
{
    if (sql == NULL)
        return;
    (void)sqlite3_close_v2(sql->db);
    mem_free(sql->path);
    mem_free(sql);
}

const char *sql_path(const struct sql *sql)
{
    return sql->path;
}

enum err_code sql_exec(struct sql *sql, const char *statements, struct err *err)
{
    if (sqlite3_exec(sql->db, statements, NULL, NULL, NULL) != SQLITE_OK)
        return sql_error(sql->db, sql->path, "statement failed", err);
    return ERR_OK;
}

enum err_code sql_begin(struct sql *sql, struct err *err)
{
    return sql_exec(sql, "BEGIN IMMEDIATE", err);
}

enum err_code sql_commit(struct sql *sql, struct err *err)
{
    const int fault = fault_hit(FAULT_COMMIT);
    if (fault > 0) {
        sql_rollback(sql);
        return err_errno(err, fault, "%s: commit failed", sql->path);
    }
    const enum err_code code = sql_exec(sql, "COMMIT", err);
    if (code != ERR_OK)
        sql_rollback(sql);
    return code;
}

void sql_rollback(struct sql *sql)
{
    if (sql != NULL && sqlite3_get_autocommit(sql->db) == 0)
        (void)sqlite3_exec(sql->db, "ROLLBACK", NULL, NULL, NULL);
}

int64_t sql_last_row(const struct sql *sql)
{
    return sqlite3_last_insert_rowid(sql->db);
}

int64_t sql_changes(const struct sql *sql)
{
    return sqlite3_changes(sql->db);
}

enum err_code sql_prepare(struct sql *sql, const char *statement,
                          struct sql_statement **ret_statement, struct err *err)
{
    struct sql_statement *prepared = mem_zalloc(1, sizeof *prepared);
    if (prepared == NULL)
        return err_nomem(err, sql->path);
    prepared->sql = sql;
    if (sqlite3_prepare_v2(sql->db, statement, -1, &prepared->stmt, NULL) != SQLITE_OK) {
        const enum err_code code = sql_error(sql->db, sql->path, "statement is refused", err);
        mem_free(prepared);
        return code;
    }
    *ret_statement = prepared;
    return ERR_OK;
}

static void note_failure(struct sql_statement *statement, int result)
{
    if (statement->failure == SQLITE_OK)
        statement->failure = result;
}

void sql_bind_int(struct sql_statement *statement, int index, int64_t value)
{
    note_failure(statement, sqlite3_bind_int64(statement->stmt, index, value));
}

void sql_bind_double(struct sql_statement *statement, int index, double value)
{
    note_failure(statement, sqlite3_bind_double(statement->stmt, index, value));
}

void sql_bind_text(struct sql_statement *statement, int index, const char *value)
{
    note_failure(statement, sqlite3_bind_text(statement->stmt, index, value, -1, SQLITE_TRANSIENT));
}

void sql_bind_blob(struct sql_statement *statement, int index, const void *data, size_t size)
{
    note_failure(statement, sqlite3_bind_blob64(statement->stmt, index, size > 0 ? data : "", size,
                                                SQLITE_TRANSIENT));
}

/* A column's text may need memory when it is first asked for. Asked for here, a failure is one of
 * this step, and sql_column_text() cannot fail for it. */
static bool fetch_texts(sqlite3_stmt *stmt)
{
    for (int k = sqlite3_column_count(stmt); k-- > 0;)
        if (sqlite3_column_type(stmt, k) == SQLITE_TEXT && sqlite3_column_text(stmt, k) == NULL)
            return false;
    return true;
}

enum err_code sql_step(struct sql_statement *statement, bool *ret_has_row, struct err *err)
{
    const int failure = statement->failure;
    if (failure == SQLITE_NOMEM)
        return err_nomem(err, statement->sql->path);
    if (failure != SQLITE_OK)
        return err_set(err, failure == SQLITE_TOOBIG ? ERR_INVALID : ERR_INTERNAL,
                       "%s: a value cannot be bound: %s", statement->sql->path,
                       sqlite3_errstr(failure));
    const int result = sqlite3_step(statement->stmt);
    if (result != SQLITE_ROW && result != SQLITE_DONE)
        return sql_error(statement->sql->db, statement->sql->path, "reading failed", err);
    if (result == SQLITE_ROW && !fetch_texts(statement->stmt))
        return err_nomem(err, statement->sql->path);
    *ret_has_row = result == SQLITE_ROW;
    return ERR_OK;
}

enum err_code sql_run(struct sql_statement *statement, struct err *err)
{
    bool has_row = true;
    enum err_code code = ERR_OK;
    while (code == ERR_OK && has_row)
        code = sql_step(statement, &has_row, err);
    sql_reset(statement);
    return code;
}

void sql_reset(struct sql_statement *statement)
{
    (void)sqlite3_reset(statement->stmt);
    (void)sqlite3_clear_bindings(statement->stmt);
    statement->failure = SQLITE_OK;
}

void sql_finalize(struct sql_statement *statement)
{
    if (statement == NULL)
        return;
    (void)sqlite3_finalize(statement->stmt);
    mem_free(statement);
}

int64_t sql_column_int(struct sql_statement *statement, int index)
{
    return sqlite3_column_int64(statement->stmt, index);
}

double sql_column_double(struct sql_statement *statement, int index)
{
    return sqlite3_column_double(statement->stmt, index);
}

const char *sql_column_text(struct sql_statement *statement, int index)
{
    const bool is_null = sqlite3_column_type(statement->stmt, index) == SQLITE_NULL;
    const char *text = (const char *)sqlite3_column_text(statement->stmt, index);
    if (text == NULL && !is_null) /* a number that is wanted as text */
        note_failure(statement, SQLITE_NOMEM);
    return text != NULL ? text : "";
}

const void *sql_column_blob(struct sql_statement *statement, int index, size_t *ret_size)
{
    const void *data = sqlite3_column_blob(statement->stmt, index);
    *ret_size = (size_t)sqlite3_column_bytes(statement->stmt, index);
    return data;
}

bool sql_column_is_null(struct sql_statement *statement, int index)
{
    return sqlite3_column_type(statement->stmt, index) == SQLITE_NULL;
}

bool sql_column_is_real(struct sql_statement *statement, int index)
{
    return sqlite3_column_type(statement->stmt, index) == SQLITE_FLOAT;
}

bool sql_column_is_int(struct sql_statement *statement, int index)
{
    return sqlite3_column_type(statement->stmt, index) == SQLITE_INTEGER;
}
