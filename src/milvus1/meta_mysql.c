/* meta_mysql.c: metadata from MySQL or MariaDB.
 *
 * Only SELECT is sent, in one transaction with a consistent snapshot, so that the rows of all
 * tables are of one moment. LOAD DATA LOCAL stays off: a hostile server could ask for our files by
 * it. TLS is used when the server offers it; its certificate is not verified (servers of that age
 * sign their own), so TLS here hides the traffic but does not prove who answers.
 *
 * Names and tags: the old server set no character set, so its client library spoke its own default,
 * often latin1, and UTF-8 text went through that: into a latin1 column as the plain bytes, into a
 * utf8 column encoded once more. So each text is asked for twice, as utf8mb4 and as the bytes of
 * its latin1 form; when those bytes are valid UTF-8 with a character of several bytes, they are
 * what the user typed. Source: milvus-io/milvus v0.9.0..1.1, core/src/db/meta/MySQLMetaImpl.cpp. */
#include <errmsg.h>
#include <errno.h>
#include <inttypes.h>
#include <mysql.h>
#include <mysqld_error.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/path.h"
#include "base/utf8.h"
#include "milvus1/meta_rows.h"

#define CONNECT_TIMEOUT_S 15
#define TRANSFER_TIMEOUT_S 120

/* A text column: its utf8mb4 form, then the bytes of its latin1 form. */
#define TEXT_COLUMN(name) #name ", CAST(CONVERT(" #name " USING latin1) AS BINARY)"

static const char tables_query[] =
    "SELECT id, state, dimension, created_on, flag, index_file_size, engine_type, metric_type, "
    "flush_lsn, index_params, version, " TEXT_COLUMN(table_id) ", " TEXT_COLUMN(
        owner_table) ", " TEXT_COLUMN(partition_tag) " FROM Tables ORDER BY id";
static const char files_query[] =
    "SELECT id, engine_type, file_type, file_size, row_count, updated_time, created_on, table_id, "
    "segment_id, file_id FROM TableFiles ORDER BY id";
static const char environment_query[] = "SELECT global_lsn FROM Environment";
static const char fields_query[] = "SELECT DISTINCT collection_id FROM Fields";

/* One open connection and who it is for, for messages: "user@host:port/database". */
struct connection {
    MYSQL *mysql;
    const char *where;
    struct meta_rows *rows;
};

static enum err_code mysql_failure(const struct connection *connection, const char *what,
                                   struct err *err)
{
    const unsigned number = mysql_errno(connection->mysql);
    enum err_code code = ERR_SOURCE;
    if (number == CR_OUT_OF_MEMORY)
        code = ERR_NOMEM;
    else if (number == ER_ACCESS_DENIED_ERROR || number == ER_DBACCESS_DENIED_ERROR ||
             number == ER_BAD_DB_ERROR || number == CR_UNKNOWN_HOST ||
             number == CR_AUTH_PLUGIN_CANNOT_LOAD)
        code = ERR_CONFIG;
    else if (number == CR_CONN_HOST_ERROR || number == CR_CONNECTION_ERROR ||
             number == CR_SERVER_GONE_ERROR || number == CR_SERVER_LOST ||
             number == ER_CON_COUNT_ERROR)
        code = ERR_TEMPORARY;
    return err_set(
        err, code, "%s: %s: %s%s", connection->where, what, mysql_error(connection->mysql),
        number == CR_AUTH_PLUGIN_CANNOT_LOAD ? "; use a user that logs in by mysql_native_password"
                                             : "");
}

/* ---- connecting ---- */

static void start_library(void)
{
    (void)mysql_server_init(0, NULL, NULL);
}

static MYSQL *new_handle(bool with_tls)
{
    MYSQL *mysql = mysql_init(NULL);
    if (mysql == NULL)
        return NULL;
    const unsigned connect_s = CONNECT_TIMEOUT_S;
    const unsigned transfer_s = TRANSFER_TIMEOUT_S;
    const unsigned off = 0;
    const my_bool no = 0;
    (void)mysql_options(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &connect_s);
    (void)mysql_options(mysql, MYSQL_OPT_READ_TIMEOUT, &transfer_s);
    (void)mysql_options(mysql, MYSQL_OPT_WRITE_TIMEOUT, &transfer_s);
    (void)mysql_options(mysql, MYSQL_OPT_LOCAL_INFILE, &off);
    (void)mysql_options(mysql, MYSQL_OPT_RECONNECT, &no);
    (void)mysql_options(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &no);
    (void)mysql_options(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    if (with_tls)
        (void)mysql_ssl_set(mysql, NULL, NULL, NULL, NULL, NULL);
    return mysql;
}

static const char *or_null(const char *text)
{
    return *text != '\0' ? text : NULL;
}

static enum err_code connect_to(const struct meta_mysql *to, struct connection *connection,
                                struct err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, start_library);
    /* First with TLS; a server whose TLS is too old for today's library is asked without. */
    for (int with_tls = 1; with_tls >= 0; with_tls--) {
        connection->mysql = new_handle(with_tls == 1);
        if (connection->mysql == NULL)
            return err_nomem(err, connection->where);
        if (mysql_real_connect(connection->mysql, or_null(to->host), to->user, to->password,
                               to->database, to->port, or_null(to->socket), 0) != NULL)
            return ERR_OK;
        if (with_tls == 0 || mysql_errno(connection->mysql) != CR_SSL_CONNECTION_ERROR)
            break;
        mysql_close(connection->mysql);
        connection->mysql = NULL;
    }
    return mysql_failure(connection, "connecting failed", err);
}

/* ---- cells ---- */

static bool read_int(const char *cell, int64_t *ret_value)
{
    if (cell == NULL || *cell == '\0')
        return false;
    char *end = NULL;
    errno = 0;
    const long long value = strtoll(cell, &end, 10);
    if (*end != '\0' || errno != 0)
        return false;
    *ret_value = value;
    return true;
}

static const char *text_of(const char *cell)
{
    return cell != NULL ? cell : "";
}

static bool is_ascii(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text >= 0x80)
            return false;
    return true;
}

/* The better one of a text's two forms (see the head of this file). */
static const char *true_text(struct meta_rows *rows, const char *utf8, const char *bytes)
{
    if (bytes == NULL || is_ascii(text_of(utf8)) || is_ascii(bytes) ||
        !utf8_is_valid(bytes, strlen(bytes)) || strcmp(utf8, bytes) == 0)
        return text_of(utf8);
    rows->meta.repaired_texts++;
    return bytes;
}

/* ---- rows ---- */

typedef enum err_code take_row(MYSQL_ROW row, struct meta_rows *rows, struct err *err);

static enum err_code wrong_cell(const char *table, const char *id, const char *column,
                                struct err *err)
{
    return err_set(err, ERR_CORRUPT, "table %s, row id %.20s: column %s holds no integer", table,
                   text_of(id), column);
}

static enum err_code take_table(MYSQL_ROW row, struct meta_rows *rows, struct err *err)
{
    static const char *const columns[] = {"id",          "state",       "dimension",
                                          "created_on",  "flag",        "index_file_size",
                                          "engine_type", "metric_type", "flush_lsn"};
    enum { NUMBERS = sizeof columns / sizeof *columns };
    int64_t numbers[NUMBERS] = {0};
    for (size_t k = 0; k < NUMBERS; k++)
        if (!read_int(row[k], &numbers[k]))
            return wrong_cell("Tables", row[0], columns[k], err);
    const struct meta_table table = {
        .id = numbers[0],
        .state = numbers[1],
        .dimension = numbers[2],
        .created_on = numbers[3],
        .flag = numbers[4],
        .index_file_size = numbers[5],
        .engine_type = numbers[6],
        .metric_type = numbers[7],
        .flush_lsn = (uint64_t)numbers[8],
        .index_params = text_of(row[NUMBERS]),
        .version = text_of(row[NUMBERS + 1]),
        .table_id = true_text(rows, row[NUMBERS + 2], row[NUMBERS + 3]),
        .owner_table = true_text(rows, row[NUMBERS + 4], row[NUMBERS + 5]),
        .partition_tag = true_text(rows, row[NUMBERS + 6], row[NUMBERS + 7])};
    return meta_rows_add_table(rows, &table, err);
}

static enum err_code take_file(MYSQL_ROW row, struct meta_rows *rows, struct err *err)
{
    static const char *const columns[] = {"id",        "engine_type",  "file_type", "file_size",
                                          "row_count", "updated_time", "created_on"};
    enum { NUMBERS = sizeof columns / sizeof *columns, SIZE_AT = 3, ROWS_AT = 4 };
    int64_t numbers[NUMBERS] = {0};
    for (size_t k = 0; k < NUMBERS; k++)
        if (!read_int(row[k], &numbers[k]) && k != SIZE_AT && k != ROWS_AT)
            return wrong_cell("TableFiles", row[0], columns[k], err);
    const struct meta_file file = {.id = numbers[0],
                                   .engine_type = numbers[1],
                                   .file_type = numbers[2],
                                   .file_size = numbers[SIZE_AT],
                                   .row_count = numbers[ROWS_AT],
                                   .updated_time = numbers[5],
                                   .created_on = numbers[6],
                                   .table_id = text_of(row[NUMBERS]),
                                   .segment_id = text_of(row[NUMBERS + 1]),
                                   .file_id = text_of(row[NUMBERS + 2])};
    return meta_rows_add_file(rows, &file, err);
}

static enum err_code take_global_lsn(MYSQL_ROW row, struct meta_rows *rows, struct err *err)
{
    int64_t lsn = 0;
    if (!read_int(row[0], &lsn) || lsn < 0)
        return err_set(err, ERR_CORRUPT, "table Environment: global_lsn is no number from 0 on");
    struct meta *meta = &rows->meta;
    if (!meta->has_global_lsn || (uint64_t)lsn > meta->global_lsn)
        meta->global_lsn = (uint64_t)lsn;
    meta->has_global_lsn = true;
    return ERR_OK;
}

static enum err_code take_hybrid(MYSQL_ROW row, struct meta_rows *rows, struct err *err)
{
    return meta_rows_add_hybrid(rows, text_of(row[0]), err);
}

/* A cell with a zero byte would be cut silently; the server of old could not have written one. */
static bool has_zero_byte(MYSQL_RES *result, MYSQL_ROW row)
{
    const unsigned long *sizes = mysql_fetch_lengths(result);
    for (unsigned k = 0; k < mysql_num_fields(result); k++)
        if (row[k] != NULL && strlen(row[k]) != sizes[k])
            return true;
    return false;
}

static enum err_code read_rows(struct connection *connection, const char *query, take_row *take,
                               struct err *err)
{
    if (mysql_query(connection->mysql, query) != 0)
        return mysql_failure(connection, "the metadata cannot be read", err);
    MYSQL_RES *result = mysql_use_result(connection->mysql);
    if (result == NULL)
        return mysql_failure(connection, "the metadata cannot be read", err);
    enum err_code code = ERR_OK;
    MYSQL_ROW row;
    while (code == ERR_OK && (row = mysql_fetch_row(result)) != NULL) {
        if (has_zero_byte(result, row))
            code = err_set(err, ERR_CORRUPT, "a text holds a zero byte");
        else
            code = take(row, connection->rows, err);
        if (code != ERR_OK)
            (void)err_wrap(err, "%s", connection->where);
    }
    if (code == ERR_OK && mysql_errno(connection->mysql) != 0)
        code = mysql_failure(connection, "the metadata cannot be read to its end", err);
    mysql_free_result(result);
    return code;
}

/* ---- the tables ---- */

struct found_tables {
    bool has_tables;
    bool has_files;
    bool has_environment;
    bool has_fields;
    bool is_snapshot;
};

static bool is_named(const char *name, const char *wanted)
{
    return strcasecmp(name, wanted) == 0;
}

static enum err_code list_tables(struct connection *connection, struct found_tables *found,
                                 struct err *err)
{
    if (mysql_query(connection->mysql, "SHOW TABLES") != 0)
        return mysql_failure(connection, "the tables cannot be listed", err);
    MYSQL_RES *result = mysql_store_result(connection->mysql);
    if (result == NULL)
        return mysql_failure(connection, "the tables cannot be listed", err);
    for (MYSQL_ROW row = mysql_fetch_row(result); row != NULL; row = mysql_fetch_row(result)) {
        const char *name = text_of(row[0]);
        found->has_tables = found->has_tables || is_named(name, "Tables");
        found->has_files = found->has_files || is_named(name, "TableFiles");
        found->has_environment = found->has_environment || is_named(name, "Environment");
        found->has_fields = found->has_fields || is_named(name, "Fields");
        found->is_snapshot = found->is_snapshot || meta_is_snapshot_table(name);
    }
    mysql_free_result(result);
    return ERR_OK;
}

static enum err_code run(struct connection *connection, const char *statement, struct err *err)
{
    return mysql_query(connection->mysql, statement) == 0
               ? ERR_OK
               : mysql_failure(connection, "no snapshot of the metadata can be taken", err);
}

static enum err_code read_all(struct connection *connection, struct err *err)
{
    struct found_tables found = {0};
    enum err_code code = list_tables(connection, &found, err);
    if (code != ERR_OK)
        return code;
    if (!found.has_tables || !found.has_files) {
        if (found.is_snapshot) {
            (void)meta_refuse_snapshot(err);
            return err_wrap(err, "%s", connection->where);
        }
        return err_set(err, ERR_SOURCE,
                       "%s: no table %s in this database; is it the one of Milvus 0.9-1.1?",
                       connection->where, found.has_tables ? "TableFiles" : "Tables");
    }
    code = run(connection, "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ", err);
    if (code == ERR_OK)
        code = run(connection, "START TRANSACTION WITH CONSISTENT SNAPSHOT", err);
    if (code == ERR_OK)
        code = read_rows(connection, tables_query, take_table, err);
    if (code == ERR_OK)
        code = read_rows(connection, files_query, take_file, err);
    if (code == ERR_OK && found.has_environment)
        code = read_rows(connection, environment_query, take_global_lsn, err);
    if (code == ERR_OK && found.has_fields)
        code = read_rows(connection, fields_query, take_hybrid, err);
    return code;
}

enum err_code meta_mysql_load(const struct meta_mysql *mysql, struct meta *ret_meta,
                              struct err *err)
{
    char where[1024];
    const char *at = *mysql->socket != '\0' ? mysql->socket : mysql->host;
    char port[16] = "";
    if (mysql->port > 0 && *mysql->socket == '\0')
        (void)snprintf(port, sizeof port, ":%u", mysql->port);
    (void)snprintf(where, sizeof where, "mysql://%s@%s%s/%s", mysql->user, at, port,
                   mysql->database);
    struct meta_rows rows;
    enum err_code code = meta_rows_init(&rows, META_MYSQL, where, err);
    struct connection connection = {.where = where, .rows = &rows};
    if (code == ERR_OK)
        code = connect_to(mysql, &connection, err);
    if (code == ERR_OK)
        code = read_all(&connection, err);
    if (connection.mysql != NULL)
        mysql_close(connection.mysql);
    if (code == ERR_OK)
        meta_rows_take(&rows, ret_meta);
    meta_rows_release(&rows);
    return code;
}
