/* export_test.c: export and package of a small installation, and what happens when they fail. */
#include <errno.h>

#include "base/fault.h"
#include "installation_fixture.h"
#include "milvus1/located.h"
#include "milvus1/manifest.h"

static char *made(void)
{
    char *folder = fixture_folder();
    fixture_installation(folder);
    fixture_text(folder, "wal/0.wal", "");
    fixture_text(folder, "wal/mxlog.meta", "123456781234567812345678");
    return folder;
}

static void ok(enum err_code code, const struct err *err)
{
    if (code != ERR_OK)
        fail_msg("code %d: %s", code, err->msg);
}

static void packs(const char *folder, const char *to)
{
    struct err err;
    ok(milvus1_package(&(struct milvus1_options){.path = folder}, to, NULL, &err), &err);
}

static enum err_code opens(const char *folder, struct err *err)
{
    struct arena arena;
    struct finding_list findings;
    struct located located;
    arena_init(&arena, 1 << 20);
    finding_list_init(&findings, &arena);
    const enum err_code code =
        located_find(&(struct milvus1_options){.path = folder}, &findings, &located, err);
    if (code == ERR_OK) {
        assert_true(located.is_package);
        assert_non_null(located.manifest);
        assert_int_equal(located.meta.table_count, 2);
        assert_int_equal(located.meta.file_count, 2);
        assert_int_equal(located.meta.tables[1].flush_lsn, 60);
        located_release(&located);
    }
    finding_list_release(&findings);
    arena_release(&arena);
    return code;
}

static void same_file(const char *a, const char *b)
{
    void *data[2];
    size_t size[2];
    struct err err;
    ok(file_read_all(a, 1 << 20, &data[0], &size[0], &err), &err);
    ok(file_read_all(b, 1 << 20, &data[1], &size[1], &err), &err);
    assert_int_equal(size[0], size[1]);
    assert_memory_equal(data[0], data[1], size[0]);
    mem_free(data[0]);
    mem_free(data[1]);
}

static void test_export__of_named_metadata_alone(void **state)
{
    (void)state;
    char *folder = fixture_folder();
    struct err err;
    fixture_sqlite(folder, "copy.sqlite", FIXTURE_SCHEMA FIXTURE_ROWS);
    const char *out = fixture_path(folder, "a/b");
    const struct milvus1_options options = {.path = folder,
                                            .meta = fixture_path(folder, "copy.sqlite")};
    ok(milvus1_export(&options, out, &err), &err);
    ok(milvus1_export(&options, out, &err), &err);
    struct meta meta;
    ok(meta_json_load(store_local(), fixture_path(folder, "a/b/meta.json"), &meta, &err), &err);
    assert_int_equal(meta.table_count, 2);
    assert_int_equal(meta.file_count, 2);
    assert_string_equal(meta.tables[1].partition_tag, "p 1");
    meta_release(&meta);
    assert_int_equal(milvus1_export(&(struct milvus1_options){.meta = "/nowhere"}, out, &err),
                     ERR_NOT_FOUND);
    fixture_remove(folder);
}

static void test_export__a_package_holds_what_lives(void **state)
{
    (void)state;
    char *folder = made();
    char *out = fixture_folder();
    struct err err;
    packs(folder, out);
    ok(opens(out, &err), &err);
    static const char *const kept[] = {"tables/c/100/100.rv",          "tables/c/100/100.uid",
                                       "tables/c/100/deleted_docs",    "tables/7000/101/101.rv",
                                       "tables/7000/101/deleted_docs", "tables/7000/101/101.uid"};
    for (size_t k = 0; k < sizeof kept / sizeof *kept; k++) {
        char from[FILE_PATH_MAX];
        (void)snprintf(from, sizeof from, "%s/db/%s", folder, kept[k]);
        same_file(from, fixture_path(out, kept[k]));
    }
    same_file(fixture_path(folder, "wal/mxlog.meta"), fixture_path(out, "wal/mxlog.meta"));
    assert_true(file_exists(fixture_path(out, "wal/0.wal")));
    assert_false(file_exists(fixture_path(out, "tables/c/99")));
    assert_false(file_exists(fixture_path(out, "tables/7000/101/555")));
    assert_false(file_exists(fixture_path(out, MANIFEST_PARTIAL_NAME)));
    fixture_remove(out);
    fixture_remove(folder);
}

static void test_export__a_package_again(void **state)
{
    (void)state;
    char *folder = made();
    char *out = fixture_folder();
    struct err err;
    packs(folder, out);
    /* What changed since, and a log file that the source has no more. */
    fixture_text(folder, "wal/mxlog.meta", "x");
    fixture_text(out, "wal/7.wal", "old");
    fixture_text(out, "tables/c/100/100.rv", "other bytes, 24 of them.");
    packs(folder, out);
    ok(opens(out, &err), &err);
    assert_false(file_exists(fixture_path(out, "wal/7.wal")));
    same_file(fixture_path(folder, "wal/mxlog.meta"), fixture_path(out, "wal/mxlog.meta"));
    same_file(fixture_path(folder, "db/tables/c/100/100.rv"),
              fixture_path(out, "tables/c/100/100.rv"));
    fixture_remove(out);
    fixture_remove(folder);
}

static void test_export__a_package_of_a_package(void **state)
{
    (void)state;
    char *folder = made();
    char *out = fixture_folder();
    char *again = fixture_folder();
    packs(folder, out);
    packs(out, again);
    same_file(fixture_path(out, "meta.json"), fixture_path(again, "meta.json"));
    same_file(fixture_path(out, MANIFEST_NAME), fixture_path(again, MANIFEST_NAME));
    fixture_remove(again);
    fixture_remove(out);
    fixture_remove(folder);
}

static void refused(const char *folder, const char *to, enum err_code expected)
{
    struct err err;
    const enum err_code code =
        milvus1_package(&(struct milvus1_options){.path = folder}, to, NULL, &err);
    if (code != expected)
        fail_msg("code %d: %s", code, err.msg);
}

static void test_export__wrong_targets_are_left_alone(void **state)
{
    (void)state;
    char *folder = made();
    char *out = fixture_folder();
    fixture_text(out, "mine.txt", "kept");
    refused(folder, out, ERR_EXISTS);
    refused(folder, fixture_path(out, "mine.txt"), ERR_EXISTS);
    refused(folder, folder, ERR_USAGE);
    refused(folder, fixture_path(folder, "db/tables/new"), ERR_USAGE);
    refused(folder, fixture_path(folder, "wal/new"), ERR_USAGE);
    assert_false(file_exists(fixture_path(folder, "db/tables/new")));
    assert_false(file_exists(fixture_path(out, MANIFEST_PARTIAL_NAME)));
    fixture_remove(out);
    fixture_remove(folder);
}

static void test_export__damage(void **state)
{
    (void)state;
    char *folder = made();
    char *out = fixture_folder();
    struct err err;
    fixture_text(folder, "db/tables/c/100/100.rv", "short");
    refused(folder, out, ERR_CORRUPT);
    assert_false(file_exists(fixture_path(out, MANIFEST_PARTIAL_NAME)));
    assert_int_equal(
        milvus1_package(&(struct milvus1_options){.path = folder, .skip_damaged = true}, out, NULL,
                        &err),
        ERR_LEFT_OUT);
    assert_non_null(strstr(err.msg, "c/100"));
    ok(opens(out, &err), &err);
    assert_false(file_exists(fixture_path(out, "tables/c/100")));
    fixture_remove(out);
    fixture_remove(folder);
}

/* 0.9 could split a segment over two roots: one folder comes out, with all deletes. */
static void test_export__a_segment_in_two_roots(void **state)
{
    (void)state;
    static const unsigned char first[] = {4, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 77};
    static const unsigned char second[] = {4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    static const unsigned char both[] = {8, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0};
    char *folder = made();
    char *out = fixture_folder();
    char config[2 * FILE_PATH_MAX];
    (void)snprintf(config, sizeof config,
                   "storage_config:\n  primary_path: %s\n  secondary_path: %s/second\n", folder,
                   folder);
    fixture_text(folder, "conf/server_config.yaml", config);
    fixture_file(folder, "db/tables/c/100/deleted_docs", first, sizeof first);
    fixture_file(folder, "second/tables/c/100/deleted_docs", second, sizeof second);
    packs(folder, out);
    void *data = NULL;
    size_t size = 0;
    struct err err;
    ok(file_read_all(fixture_path(out, "tables/c/100/deleted_docs"), 100, &data, &size, &err),
       &err);
    assert_int_equal(size, sizeof both);
    assert_memory_equal(data, both, sizeof both);
    mem_free(data);
    fixture_remove(out);
    fixture_remove(folder);
}

static void test_export__no_log_when_it_was_off(void **state)
{
    (void)state;
    char *folder = made();
    char *out = fixture_folder();
    fixture_text(folder, "server_config.yaml", "wal:\n  enable: false\n");
    packs(folder, out);
    assert_false(file_exists(fixture_path(out, "wal/mxlog.meta")));
    struct meta meta;
    struct err err;
    ok(meta_json_load(store_local(), fixture_path(out, "meta.json"), &meta, &err), &err);
    assert_int_equal(meta.log_state, LOG_OFF);
    meta_release(&meta);
    fixture_remove(out);
    fixture_remove(folder);
}

static void test_export__a_damaged_package_is_told(void **state)
{
    (void)state;
    static const char *const broken[] = {"meta.json", "wal/mxlog.meta", MANIFEST_NAME};
    char *folder = made();
    char *out = fixture_folder();
    struct err err;
    for (size_t k = 0; k < sizeof broken / sizeof *broken; k++) {
        packs(folder, out);
        fixture_text(out, broken[k], "other bytes, 24 of them.");
        assert_int_equal(opens(out, &err), ERR_CORRUPT);
        assert_non_null(strstr(err.msg, broken[k]));
    }
    packs(folder, out);
    struct manifest *manifest = NULL;
    const char *rv = fixture_path(out, "tables/c/100/100.rv");
    ok(manifest_open(store_local(), out, &manifest, &err), &err);
    ok(manifest_check_file(manifest, store_local(), rv, &err), &err);
    fixture_text(out, "tables/c/100/100.rv", "other bytes, 24 of them.");
    assert_int_equal(manifest_check_file(manifest, store_local(), rv, &err), ERR_CORRUPT);
    assert_int_equal(
        manifest_check_file(manifest, store_local(), fixture_path(out, "tables/c/100/x.rv"), &err),
        ERR_CORRUPT);
    manifest_close(manifest);
    ok(file_remove(rv, &err), &err);
    assert_int_equal(opens(out, &err), ERR_CORRUPT);
    assert_non_null(strstr(err.msg, "missing"));
    fixture_remove(out);
    fixture_remove(folder);
}

static void test_export__wrong_manifests(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum err_code code;
    } wrong[] = {
        {"{}", ERR_CORRUPT},
        {"{\"version\":2,\"files\":[]}", ERR_UNSUPPORTED},
        {"{\"version\":1,\"files\":[{\"path\":\"../x\",\"size\":1,\"xxh3\":"
         "\"0123456789abcdef\"}]}",
         ERR_CORRUPT},
        {"{\"version\":1,\"files\":[{\"path\":\"a/../../x\",\"size\":1,\"xxh3\":"
         "\"0123456789abcdef\"}]}",
         ERR_CORRUPT},
        {"{\"version\":1,\"files\":[{\"path\":\"/x\",\"size\":1,\"xxh3\":"
         "\"0123456789abcdef\"}]}",
         ERR_CORRUPT},
        {"{\"version\":1,\"files\":[{\"path\":\"x\",\"size\":-1,\"xxh3\":"
         "\"0123456789abcdef\"}]}",
         ERR_CORRUPT},
        {"{\"version\":1,\"files\":[{\"path\":\"x\",\"size\":1,\"xxh3\":\"01\"}]}", ERR_CORRUPT},
        {"{\"version\":1,\"files\":[{\"path\":\"x\",\"size\":1,\"xxh3\":"
         "\"0123456789abcdef\"},{\"path\":\"x\",\"size\":1,\"xxh3\":\"0123456789abcdef\"}]}",
         ERR_CORRUPT},
    };
    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
        struct manifest *manifest = NULL;
        struct err err;
        ok(manifest_new("x", &manifest, &err), &err);
        assert_int_equal(manifest_decode(wrong[k].text, strlen(wrong[k].text), manifest, &err),
                         wrong[k].code);
        manifest_close(manifest);
    }
}

/* Whatever call fails: an error, nothing that looks whole, and the next run makes it right. */
static void fail_each(enum fault_kind kind, int errno_value)
{
    char *folder = made();
    char *work = fixture_folder();
    assert_int_equal(setenv("TMPDIR", work, 1), 0);
    for (size_t n = 0;; n++) {
        char out[FILE_PATH_MAX];
        struct err err;
        (void)snprintf(out, sizeof out, "%s/package", work);
        fault_arm(kind, n, errno_value);
        const enum err_code code =
            milvus1_package(&(struct milvus1_options){.path = folder}, out, NULL, &err);
        const bool is_hit = fault_disarm();
        if (code != ERR_OK && file_exists(fixture_path(out, MANIFEST_NAME)))
            fail_msg("call %zu failed (%s) but the package looks whole", n, err.msg);
        if (code == ERR_OK)
            ok(opens(out, &err), &err);
        packs(folder, out);
        ok(opens(out, &err), &err);
        ok(folder_remove(out, &err), &err);
        if (!is_hit) {
            assert_int_equal(code, ERR_OK);
            assert_true(n > 0);
            break;
        }
    }
    assert_int_equal(unsetenv("TMPDIR"), 0);
    fixture_remove(work);
    fixture_remove(folder);
}

static void test_export__allocations_fail(void **state)
{
    (void)state;
    fail_each(FAULT_MALLOC, ENOMEM);
}

static void test_export__calls_fail(void **state)
{
    (void)state;
    fail_each(FAULT_WRITE, ENOSPC);
    fail_each(FAULT_RENAME, EIO);
    fail_each(FAULT_MKDIR, EACCES);
    fail_each(FAULT_READ, EIO);
}

int main(void)
{
    sql_start();
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_export__of_named_metadata_alone),
                                       cmocka_unit_test(test_export__a_package_holds_what_lives),
                                       cmocka_unit_test(test_export__a_package_again),
                                       cmocka_unit_test(test_export__a_package_of_a_package),
                                       cmocka_unit_test(test_export__wrong_targets_are_left_alone),
                                       cmocka_unit_test(test_export__damage),
                                       cmocka_unit_test(test_export__a_segment_in_two_roots),
                                       cmocka_unit_test(test_export__no_log_when_it_was_off),
                                       cmocka_unit_test(test_export__a_damaged_package_is_told),
                                       cmocka_unit_test(test_export__wrong_manifests),
                                       cmocka_unit_test(test_export__allocations_fail),
                                       cmocka_unit_test(test_export__calls_fail)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
