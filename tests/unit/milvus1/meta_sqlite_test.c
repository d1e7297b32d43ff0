/* meta_sqlite_test.c: rows out of meta.sqlite, and databases that are not what they should be. */
#include <errno.h>

#include "base/fault.h"
#include "installation_fixture.h"
#include "milvus1/meta.h"

static void loads(const char *folder, struct meta *meta)
{
    struct err err;
    const enum err_code code =
        meta_sqlite_load(store_local(), fixture_path(folder, "meta.sqlite"), meta, &err);
    if (code != ERR_OK)
        fail_msg("%s", err.msg);
}

static void refused(const char *statements, enum err_code expected, const char *word)
{
    char *folder = fixture_folder();
    struct meta meta;
    struct err err;
    fixture_sqlite(folder, "meta.sqlite", statements);
    const enum err_code code =
        meta_sqlite_load(store_local(), fixture_path(folder, "meta.sqlite"), &meta, &err);
    fixture_remove(folder);
    if (code != expected || strstr(err.msg, word) == NULL)
        fail_msg("code %d, \"%s\"; expected %d and \"%s\"", code, err.msg, expected, word);
}

static void test_meta_sqlite__rows(void **state)
{
    (void)state;
    char *folder = fixture_folder();
    struct meta meta;
    fixture_sqlite(folder, "meta.sqlite",
                   FIXTURE_SCHEMA FIXTURE_ROWS "INSERT INTO Fields VALUES('h','age',3,'{}');"
                                               "INSERT INTO Fields VALUES('h','vec',100,'{}');");
    loads(folder, &meta);
    assert_int_equal(meta.kind, META_SQLITE);
    assert_int_equal(meta.table_count, 2);
    assert_string_equal(meta.tables[1].table_id, "7000");
    assert_string_equal(meta.tables[1].owner_table, "c");
    assert_string_equal(meta.tables[1].partition_tag, "p 1");
    assert_int_equal(meta.tables[0].flush_lsn, 50);
    assert_int_equal(meta.tables[0].index_file_size, 1048576);
    assert_string_equal(meta.tables[0].index_params, "{\"nlist\":16}");
    assert_int_equal(meta.file_count, 4);
    assert_string_equal(meta.files[2].file_id, "555");
    assert_int_equal(meta.files[2].file_type, META_FILE_INDEX);
    assert_int_equal(meta.files[0].row_count, 2);
    assert_true(meta.has_global_lsn);
    assert_int_equal(meta.global_lsn, 40);
    assert_int_equal(meta.hybrid_table_count, 1);
    assert_string_equal(meta.hybrid_tables[0], "h");
    meta_release(&meta);
    fixture_remove(folder);
}

/* A killed server leaves rows in the -wal; the connection that stays open plays it. */
static void test_meta_sqlite__rows_only_in_the_wal(void **state)
{
    (void)state;
    char *folder = fixture_folder();
    struct sql *sql = NULL;
    struct meta meta;
    struct err err;
    assert_int_equal(sql_open(fixture_path(folder, "meta.sqlite"), &sql, &err), ERR_OK);
    assert_int_equal(sql_exec(sql, FIXTURE_SCHEMA FIXTURE_ROWS, &err), ERR_OK);
    char **names = NULL;
    size_t count = 0;
    assert_int_equal(folder_list(folder, 10, &names, &count, &err), ERR_OK);
    mem_free(names);
    assert_int_equal(count, 3);
    loads(folder, &meta);
    assert_int_equal(meta.table_count, 2);
    meta_release(&meta);
    assert_int_equal(folder_list(folder, 10, &names, &count, &err), ERR_OK);
    mem_free(names);
    assert_int_equal(count, 3);
    sql_close(sql);
    fixture_remove(folder);
}

static void test_meta_sqlite__row_count_beyond_64_bits(void **state)
{
    (void)state;
    char *folder = fixture_folder();
    struct meta meta;
    fixture_sqlite(folder, "meta.sqlite",
                   FIXTURE_SCHEMA FIXTURE_ROWS
                   "UPDATE TableFiles SET row_count=18446744073709551615 WHERE id=1;"
                   "UPDATE TableFiles SET row_count=-3 WHERE id=2;"
                   "DELETE FROM Environment;");
    loads(folder, &meta);
    assert_int_equal(meta.files[0].row_count, 0);
    assert_int_equal(meta.files[1].row_count, 0);
    assert_false(meta.has_global_lsn);
    meta_release(&meta);
    fixture_remove(folder);
}

static void test_meta_sqlite__not_the_metadata(void **state)
{
    (void)state;
    refused("CREATE TABLE x(a)", ERR_SOURCE, "Tables");
    refused("CREATE TABLE Tables(id INTEGER PRIMARY KEY)", ERR_SOURCE, "TableFiles");
    refused("CREATE VIEW Tables AS SELECT 1; CREATE VIEW TableFiles AS SELECT 2", ERR_SOURCE,
            "Tables");
    refused("CREATE TABLE Collection(id); CREATE TABLE CollectionCommit(id);"
            "CREATE TABLE Field(id)",
            ERR_UNSUPPORTED, "0.11");
}

static void test_meta_sqlite__columns_and_types(void **state)
{
    (void)state;
    refused(FIXTURE_SCHEMA FIXTURE_ROWS "ALTER TABLE Tables DROP COLUMN flush_lsn", ERR_CORRUPT,
            "flush_lsn");
    refused(FIXTURE_SCHEMA FIXTURE_ROWS "UPDATE Tables SET dimension='wide'", ERR_CORRUPT,
            "dimension");
    refused(FIXTURE_SCHEMA FIXTURE_ROWS "UPDATE Tables SET flush_lsn=-1", ERR_CORRUPT, "flush_lsn");
    refused(FIXTURE_SCHEMA FIXTURE_ROWS "UPDATE TableFiles SET file_type=1.5 WHERE id=1",
            ERR_CORRUPT, "file_type");
    refused(FIXTURE_SCHEMA FIXTURE_ROWS "UPDATE Environment SET global_lsn='x'", ERR_CORRUPT,
            "global_lsn");
}

static void test_meta_sqlite__names_cannot_lead_out(void **state)
{
    (void)state;
    refused(FIXTURE_SCHEMA FIXTURE_ROWS "UPDATE Tables SET table_id='../x' WHERE id=1", ERR_CORRUPT,
            "table_id");
    refused(FIXTURE_SCHEMA FIXTURE_ROWS "UPDATE TableFiles SET segment_id='..' WHERE id=1",
            ERR_CORRUPT, "segment_id");
    refused(FIXTURE_SCHEMA FIXTURE_ROWS "UPDATE TableFiles SET file_id='a/b' WHERE id=1",
            ERR_CORRUPT, "file_id");
}

static void test_meta_sqlite__no_database(void **state)
{
    (void)state;
    char *folder = fixture_folder();
    struct meta meta;
    struct err err;
    const char *path = fixture_path(folder, "meta.sqlite");
    assert_int_equal(meta_sqlite_load(store_local(), path, &meta, &err), ERR_NOT_FOUND);
    assert_false(file_exists(path));
    fixture_text(folder, "meta.sqlite", "this is no database, but long enough to look at it");
    assert_int_equal(meta_sqlite_load(store_local(), path, &meta, &err), ERR_CORRUPT);
    assert_non_null(strstr(err.msg, path));
    fixture_text(folder, "meta.sqlite", "");
    assert_int_equal(meta_sqlite_load(store_local(), path, &meta, &err), ERR_SOURCE);
    fixture_remove(folder);
}

static void fail_each(enum fault_kind kind, int errno_value, enum err_code expected)
{
    char *folder = fixture_folder();
    fixture_sqlite(folder, "meta.sqlite", FIXTURE_SCHEMA FIXTURE_ROWS);
    /* A copy whose removal fails goes away with the fixture. */
    assert_int_equal(setenv("TMPDIR", folder, 1), 0);
    for (size_t n = 0;; n++) {
        struct meta meta;
        struct err err;
        fault_arm(kind, n, errno_value);
        const enum err_code code =
            meta_sqlite_load(store_local(), fixture_path(folder, "meta.sqlite"), &meta, &err);
        const bool is_hit = fault_disarm();
        if (code == ERR_OK) {
            assert_int_equal(meta.file_count, 4);
            meta_release(&meta);
        }
        if (!is_hit) {
            assert_int_equal(code, ERR_OK);
            assert_true(n > 0);
            break;
        }
        /* SQLite does without some of its memory, and a failed removal of the copy is no error. */
        if (code != ERR_OK && code != expected)
            fail_msg("call %zu: code %d, %s", n, code, err.msg);
    }
    assert_int_equal(unsetenv("TMPDIR"), 0);
    fixture_remove(folder);
}

static void test_meta_sqlite__allocations_fail(void **state)
{
    (void)state;
    fail_each(FAULT_MALLOC, ENOMEM, ERR_NOMEM);
}

static void test_meta_sqlite__reads_fail(void **state)
{
    (void)state;
    char *folder = fixture_folder();
    fixture_sqlite(folder, "meta.sqlite", FIXTURE_SCHEMA FIXTURE_ROWS);
    struct meta meta;
    struct err err;
    fault_arm(FAULT_READ, 0, EIO);
    assert_int_equal(
        meta_sqlite_load(store_local(), fixture_path(folder, "meta.sqlite"), &meta, &err),
        ERR_SOURCE);
    assert_true(fault_disarm());
    fixture_remove(folder);
}

static void test_meta_sqlite__disk_full(void **state)
{
    (void)state;
    fail_each(FAULT_WRITE, ENOSPC, ERR_NO_SPACE);
}

int main(void)
{
    sql_start();
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_meta_sqlite__rows),
                                       cmocka_unit_test(test_meta_sqlite__rows_only_in_the_wal),
                                       cmocka_unit_test(test_meta_sqlite__row_count_beyond_64_bits),
                                       cmocka_unit_test(test_meta_sqlite__not_the_metadata),
                                       cmocka_unit_test(test_meta_sqlite__columns_and_types),
                                       cmocka_unit_test(test_meta_sqlite__names_cannot_lead_out),
                                       cmocka_unit_test(test_meta_sqlite__no_database),
                                       cmocka_unit_test(test_meta_sqlite__allocations_fail),
                                       cmocka_unit_test(test_meta_sqlite__reads_fail),
                                       cmocka_unit_test(test_meta_sqlite__disk_full)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
