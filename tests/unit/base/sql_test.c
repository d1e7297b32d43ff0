/* sql_test.c: SQLite behind our errors and fault points. */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sql.h"
#include "scratch.h"

static struct sql *open_with_table(void)
{
    struct sql *sql = NULL;
    struct err err;
    assert_int_equal(sql_open(scratch("db"), &sql, &err), ERR_OK);
    assert_int_equal(
        sql_exec(sql, "CREATE TABLE IF NOT EXISTS t(a INTEGER PRIMARY KEY, b TEXT, c);", &err),
        ERR_OK);
    return sql;
}

static int64_t row_count(struct sql *sql)
{
    struct err err;
    struct sql_statement *statement = NULL;
    bool has_row = false;
    assert_int_equal(sql_prepare(sql, "SELECT count(*) FROM t", &statement, &err), ERR_OK);
    assert_int_equal(sql_step(statement, &has_row, &err), ERR_OK);
    assert_true(has_row);
    const int64_t count = sql_column_int(statement, 0);
    sql_finalize(statement);
    return count;
}

static void test_sql__values_come_back(void **state)
{
    (void)state;
    struct err err;
    struct sql *sql = open_with_table();
    struct sql_statement *statement = NULL;
    bool has_row = true;
    assert_int_equal(sql_prepare(sql, "INSERT INTO t VALUES(?, ?, ?)", &statement, &err), ERR_OK);
    sql_bind_int(statement, 1, INT64_MIN);
    sql_bind_text(statement, 2, "t\xc3\xa4g");
    sql_bind_blob(statement, 3, "a\0b", 3);
    assert_int_equal(sql_run(statement, &err), ERR_OK);
    assert_int_equal(sql_changes(sql), 1);
    assert_int_equal(sql_last_row(sql), INT64_MIN);
    sql_bind_int(statement, 1, 7);
    sql_bind_text(statement, 2, NULL);
    sql_bind_double(statement, 3, 0.1);
    assert_int_equal(sql_run(statement, &err), ERR_OK);
    sql_bind_int(statement, 1, 8);
    sql_bind_blob(statement, 3, NULL, 0);
    assert_int_equal(sql_run(statement, &err), ERR_OK); /* parameter 2 was cleared: NULL */
    sql_finalize(statement);

    size_t size = 0;
    assert_int_equal(sql_prepare(sql, "SELECT a, b, c FROM t ORDER BY a", &statement, &err),
                     ERR_OK);
    assert_int_equal(sql_step(statement, &has_row, &err), ERR_OK);
    assert_true(sql_column_int(statement, 0) == INT64_MIN);
    assert_string_equal(sql_column_text(statement, 1), "t\xc3\xa4g");
    assert_memory_equal(sql_column_blob(statement, 2, &size), "a\0b", 3);
    assert_int_equal(size, 3);
    assert_false(sql_column_is_null(statement, 1));
    assert_int_equal(sql_step(statement, &has_row, &err), ERR_OK);
    assert_string_equal(sql_column_text(statement, 0), "7");
    assert_true(sql_column_is_null(statement, 1));
    assert_string_equal(sql_column_text(statement, 1), "");
    assert_true(sql_column_is_real(statement, 2));
    assert_true(sql_column_double(statement, 2) > 0.09 && sql_column_double(statement, 2) < 0.11);
    assert_int_equal(sql_step(statement, &has_row, &err), ERR_OK);
    assert_true(sql_column_is_null(statement, 1));
    assert_false(sql_column_is_null(statement, 2));
    (void)sql_column_blob(statement, 2, &size);
    assert_int_equal(size, 0);
    assert_int_equal(sql_step(statement, &has_row, &err), ERR_OK);
    assert_false(has_row);
    sql_finalize(statement);
    sql_finalize(NULL);
    sql_close(sql);
    sql_close(NULL);
}

static void test_sql__our_databases_are_durable(void **state)
{
    (void)state;
    static const struct {
        const char *pragma;
        const char *value;
    } wanted[] = {
        {"PRAGMA journal_mode", "wal"}, {"PRAGMA synchronous", "2"}, {"PRAGMA foreign_keys", "1"}};
    struct sql *sql = open_with_table();
    for (size_t k = 0; k < 3; k++) {
        struct err err;
        struct sql_statement *statement = NULL;
        bool has_row = false;
        assert_int_equal(sql_prepare(sql, wanted[k].pragma, &statement, &err), ERR_OK);
        assert_int_equal(sql_step(statement, &has_row, &err), ERR_OK);
        assert_string_equal(sql_column_text(statement, 0), wanted[k].value);
        sql_finalize(statement);
    }
    assert_string_equal(sql_path(sql), scratch("db"));
    sql_close(sql);
}

static void test_sql__transactions(void **state)
{
    (void)state;
    struct err err;
    struct sql *sql = open_with_table();
    assert_int_equal(sql_begin(sql, &err), ERR_OK);
    assert_int_equal(sql_exec(sql, "INSERT INTO t(a) VALUES(1)", &err), ERR_OK);
    sql_rollback(sql);
    sql_rollback(sql);
    sql_rollback(NULL);
    assert_int_equal(row_count(sql), 0);
    assert_int_equal(sql_begin(sql, &err), ERR_OK);
    assert_int_equal(sql_exec(sql, "INSERT INTO t(a) VALUES(1)", &err), ERR_OK);
    fault_arm(FAULT_COMMIT, 0, ENOSPC);
    assert_int_equal(sql_commit(sql, &err), ERR_NO_SPACE);
    assert_true(fault_disarm());
    assert_int_equal(row_count(sql), 0); /* and no transaction is left open: */
    assert_int_equal(sql_begin(sql, &err), ERR_OK);
    assert_int_equal(sql_exec(sql, "INSERT INTO t(a) VALUES(1)", &err), ERR_OK);
    assert_int_equal(sql_commit(sql, &err), ERR_OK);
    assert_int_equal(row_count(sql), 1);
    sql_close(sql);
}

static void test_sql__error_codes(void **state)
{
    (void)state;
    struct err err;
    struct sql *sql = open_with_table();
    assert_int_equal(sql_exec(sql, "INSERT INTO t(a) VALUES(1)", &err), ERR_OK);
    assert_int_equal(sql_exec(sql, "INSERT INTO t(a) VALUES(1)", &err), ERR_EXISTS);
    assert_non_null(strstr(err.msg, "/db: statement failed: UNIQUE"));
    struct sql_statement *statement = NULL;
    assert_int_equal(sql_prepare(sql, "SELECT nothing FROM nowhere", &statement, &err),
                     ERR_CORRUPT);
    assert_null(statement);
    assert_int_equal(sql_prepare(sql, "INSERT INTO t(a) VALUES(?)", &statement, &err), ERR_OK);
    sql_bind_int(statement, 2, 1); /* there is no second parameter: our bug, and it is told */
    assert_int_equal(sql_run(statement, &err), ERR_INTERNAL);
    sql_finalize(statement);
    sql_close(sql);

    const char *path =
        scratch_file("no-database", "This is no database, however long it may be.", 44);
    assert_int_equal(sql_open_foreign(path, &sql, &err), ERR_CORRUPT);
    assert_int_equal(sql_open_foreign(scratch("nothing"), &sql, &err), ERR_IO);
    assert_int_equal(sql_open_readonly(scratch("nothing"), &sql, &err), ERR_NOT_FOUND);
    assert_false(file_exists(scratch("nothing")));
}

static void test_sql__readers_cannot_write(void **state)
{
    (void)state;
    struct err err;
    struct sql *writer = open_with_table();
    struct sql *reader = NULL;
    assert_int_equal(sql_exec(writer, "INSERT INTO t(a) VALUES(1)", &err), ERR_OK);
    assert_int_equal(sql_open_readonly(scratch("db"), &reader, &err), ERR_OK);
    assert_int_equal(row_count(reader), 1);
    assert_int_not_equal(sql_exec(reader, "DELETE FROM t", &err), ERR_OK);
    sql_close(reader);
    sql_close(writer);
    assert_int_equal(sql_open_foreign(scratch("db"), &reader, &err), ERR_OK);
    assert_int_not_equal(sql_exec(reader, "DELETE FROM t", &err), ERR_OK);
    assert_int_not_equal(
        sql_exec(reader, "PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql=''", &err),
        ERR_OK);
    assert_int_equal(row_count(reader), 1);
    sql_close(reader);
}

#define CANNOT_TRY 3

/* Reads the database of a folder that nobody may write into; 0 when that went well. */
static int read_in_a_closed_folder(void)
{
    struct err err;
    struct sql *sql = NULL;
    struct sql_statement *statement = NULL;
    bool has_row = false;
    if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
        return 2;
    if (access(scratch("closed/a%20b?#"), R_OK) != 0)
        return CANNOT_TRY; /* $TMPDIR is closed to other users */
    enum err_code code = sql_open_readonly(scratch("closed/a%20b?#"), &sql, &err);
    if (code == ERR_OK)
        code = sql_prepare(sql, "SELECT a FROM t", &statement, &err);
    if (code == ERR_OK)
        code = sql_step(statement, &has_row, &err);
    const bool is_right = code == ERR_OK && has_row && sql_column_int(statement, 0) == 7;
    sql_finalize(statement);
    sql_close(sql);
    return is_right ? 0 : 1;
}

static void test_sql__read_only_media(void **state)
{
    (void)state;
    struct err err;
    struct sql *sql = NULL;
    assert_int_equal(folder_make(scratch("closed"), &err), ERR_OK);
    assert_int_equal(sql_open(scratch("closed/a%20b?#"), &sql, &err), ERR_OK);
    assert_int_equal(sql_exec(sql, "CREATE TABLE t(a); INSERT INTO t VALUES(7)", &err), ERR_OK);
    sql_close(sql);
    assert_int_equal(chmod(scratch_folder, 0755), 0);
    assert_int_equal(chmod(scratch("closed"), 0555), 0);
    const pid_t child = fork();
    if (child == 0)
        _exit(read_in_a_closed_folder());
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(chmod(scratch("closed"), 0755), 0);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == CANNOT_TRY)
        skip();
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* Opens, inserts long texts and reads them back: what is there is right, whatever fails. */
static enum err_code insert_and_read(struct err *err)
{
    static char text[20000];
    memset(text, 't', sizeof text - 1);
    struct sql *sql = NULL;
    struct sql_statement *insert = NULL;
    struct sql_statement *query = NULL;
    enum err_code code = sql_open(scratch("db"), &sql, err);
    if (code == ERR_OK)
        code = sql_exec(sql, "CREATE TABLE IF NOT EXISTS x(a INTEGER, b TEXT, c)", err);
    if (code == ERR_OK)
        code = sql_begin(sql, err);
    if (code == ERR_OK)
        code = sql_prepare(sql, "INSERT INTO x VALUES(?, ?, ?)", &insert, err);
    if (code == ERR_OK) {
        sql_bind_int(insert, 1, 12345678901);
        sql_bind_text(insert, 2, text);
        sql_bind_blob(insert, 3, text, 5000);
        code = sql_run(insert, err);
    }
    sql_finalize(insert);
    if (code == ERR_OK)
        code = sql_commit(sql, err);
    if (code == ERR_OK)
        code = sql_prepare(sql, "SELECT a, b, c FROM x", &query, err);
    bool has_row = code == ERR_OK;
    while (code == ERR_OK && has_row) {
        code = sql_step(query, &has_row, err);
        if (code != ERR_OK || !has_row)
            continue;
        size_t size = 0;
        assert_string_equal(sql_column_text(query, 1), text);
        assert_memory_equal(sql_column_blob(query, 2, &size), text, 5000);
        assert_int_equal(size, 5000);
        const char *number = sql_column_text(query, 0); /* may need memory; then the step tells */
        assert_true(strcmp(number, "12345678901") == 0 || *number == '\0');
    }
    sql_finalize(query);
    sql_close(sql);
    return code;
}

static void test_sql__memory_ends_anywhere(void **state)
{
    (void)state;
    /* SQLite swallows a few of these (a cache that stays smaller), so each result may be fine. */
    size_t failed = 0;
    size_t tried = 0;
    for (;; tried++) {
        struct err err = {0};
        fault_arm(FAULT_MALLOC, tried, ENOMEM);
        const enum err_code code = insert_and_read(&err);
        if (!fault_disarm())
            break;
        assert_true(code == ERR_OK || code == ERR_NOMEM);
        failed += code != ERR_OK;
    }
    assert_true(failed > 10 && tried < 10000);
}

static enum err_code insert_some(struct err *err)
{
    struct sql *sql = NULL;
    enum err_code code = sql_open(scratch("db"), &sql, err);
    if (code == ERR_OK)
        code = sql_exec(
            sql, "CREATE TABLE IF NOT EXISTS x(a); INSERT INTO x VALUES(randomblob(99999))", err);
    sql_close(sql);
    return code;
}

/* SQLite's own writes are fault points: a full disk is ERR_NO_SPACE, not just "failed". */
static void test_sql__disk_full_anywhere(void **state)
{
    (void)state;
    static const int reasons[] = {ENOSPC, EDQUOT};
    for (size_t r = 0; r < 2; r++) {
        size_t refused = 0;
        for (size_t n = 0; n < 10000; n++) {
            struct err err = {0};
            fault_arm(FAULT_WRITE, n, reasons[r]);
            const enum err_code code = insert_some(&err);
            if (!fault_disarm())
                break;
            /* OK: a checkpoint at the end, which may wait. SQLite may lose the reason of EDQUOT. */
            assert_true(code == ERR_OK || code == ERR_NO_SPACE ||
                        (code == ERR_IO && reasons[r] == EDQUOT));
            refused += code == ERR_NO_SPACE;
        }
        assert_true(refused > 0);
    }
}

static void test_sql__short_and_failing_reads(void **state)
{
    (void)state;
    struct err err = {0};
    assert_int_equal(insert_some(&err), ERR_OK);
    size_t refused = 0;
    for (size_t n = 0; n < 10000; n++) {
        fault_arm(FAULT_READ, n, EIO);
        const enum err_code code = insert_some(&err);
        if (!fault_disarm())
            break;
        /* SQLite takes EIO for a damaged filesystem, so the data may be called damaged. */
        assert_true(code == ERR_OK || code == ERR_IO || code == ERR_CORRUPT);
        refused += code != ERR_OK;
    }
    assert_true(refused > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_sql__values_come_back),
        SCRATCH_TEST(test_sql__our_databases_are_durable),
        SCRATCH_TEST(test_sql__transactions),
        SCRATCH_TEST(test_sql__error_codes),
        SCRATCH_TEST(test_sql__readers_cannot_write),
        SCRATCH_TEST(test_sql__read_only_media),
        SCRATCH_TEST(test_sql__memory_ends_anywhere),
        SCRATCH_TEST(test_sql__disk_full_anywhere),
        SCRATCH_TEST(test_sql__short_and_failing_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
