/* store_test.c: reading a source through the local store. */
#include <errno.h>

#include "base/store.h"
#include "scratch.h"

static void test_store__reads_inside_the_file_only(void **state)
{
    (void)state;
    struct err err;
    struct store_file file = {0};
    char buffer[16];
    const char *path = scratch_file("ten", "0123456789", 10);
    assert_int_equal(store_file_open(store_local(), path, &file, &err), ERR_OK);
    assert_int_equal(file.size, 10);
    assert_true(file.fd >= 0);
    assert_int_equal(store_file_read(&file, buffer, 4, 6, &err), ERR_OK);
    assert_memory_equal(buffer, "6789", 4);
    assert_int_equal(store_file_read(&file, buffer, 0, 10, &err), ERR_OK);
    assert_int_equal(store_file_read(&file, buffer, 1, 10, &err), ERR_CORRUPT);
    assert_non_null(strstr(err.msg, "ten: offset 10: 1 bytes expected, the file ends at 10"));
    assert_int_equal(store_file_read(&file, buffer, 0, 11, &err), ERR_CORRUPT);
    assert_int_equal(store_file_read(&file, buffer, 16, UINT64_MAX - 4, &err), ERR_CORRUPT);
    store_file_close(&file);
    store_file_close(&file);
    struct store_file never = {0};
    store_file_close(&never);
}

static void test_store__trouble_is_the_sources(void **state)
{
    (void)state;
    struct err err;
    struct store_file file = {0};
    assert_int_equal(store_file_open(store_local(), scratch("no"), &file, &err), ERR_NOT_FOUND);
    assert_int_equal(store_file_open(store_local(), scratch_folder, &file, &err), ERR_SOURCE);
    assert_null(file.store);
    const char *path = scratch_file("file", "content", 7);
    fault_arm(FAULT_OPEN, 0, EACCES);
    assert_int_equal(store_file_open(store_local(), path, &file, &err), ERR_SOURCE);
    (void)fault_disarm();
    char buffer[7];
    assert_int_equal(store_file_open(store_local(), path, &file, &err), ERR_OK);
    fault_arm(FAULT_READ, 0, EIO);
    assert_int_equal(store_file_read(&file, buffer, 7, 0, &err), ERR_SOURCE);
    assert_int_equal(err.code, ERR_SOURCE);
    assert_true(fault_disarm());
    store_file_close(&file);
}

static enum err_code read_whole(struct err *err)
{
    void *data = NULL;
    size_t size = 0;
    const enum err_code code = store_read_all(store_local(), scratch("file"), 7, &data, &size, err);
    if (code == ERR_OK) {
        assert_int_equal(size, 7);
        assert_string_equal(data, "content");
        mem_free(data);
    }
    return code;
}

static void test_store__read_all(void **state)
{
    (void)state;
    struct err err;
    void *data = NULL;
    size_t size = 0;
    (void)scratch_file("file", "content", 7);
    assert_int_equal(fail_each(FAULT_MALLOC, ENOMEM, ERR_NOMEM, read_whole), 2);
    assert_int_equal(store_read_all(store_local(), scratch("file"), 6, &data, &size, &err),
                     ERR_CORRUPT);
    assert_null(data);
    assert_int_equal(store_read_all(store_local(), scratch("no"), 6, &data, &size, &err),
                     ERR_NOT_FOUND);
}

static void test_store__folders(void **state)
{
    (void)state;
    struct err err;
    const struct store *store = store_local();
    (void)scratch_file("file", "", 0);
    assert_true(store->ops->exists(store, scratch("file")));
    assert_false(store->ops->is_folder(store, scratch("file")));
    assert_true(store->ops->is_folder(store, scratch_folder));
    assert_false(store->ops->exists(store, scratch("none")));
    char **names = NULL;
    size_t count = 0;
    assert_int_equal(store->ops->list(store, scratch_folder, 10, &names, &count, &err), ERR_OK);
    assert_int_equal(count, 1);
    assert_string_equal(names[0], "file");
    mem_free(names);
    assert_int_equal(store->ops->list(store, scratch("none"), 10, &names, &count, &err),
                     ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_store__reads_inside_the_file_only),
        SCRATCH_TEST(test_store__trouble_is_the_sources),
        SCRATCH_TEST(test_store__read_all),
        SCRATCH_TEST(test_store__folders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
