/* folder_test.c: making, listing and removing folders. */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "scratch.h"

static enum err_code make(struct err *err)
{
    const enum err_code code = folder_make(scratch("a/b//c"), err);
    if (code == ERR_OK) {
        struct err other;
        assert_true(file_is_folder(scratch("a/b/c")));
        assert_int_equal(folder_remove(scratch("a"), &other), ERR_OK);
    }
    return code;
}

static void test_folder__make(void **state)
{
    (void)state;
    struct err err;
    assert_int_equal(folder_make("", &err), ERR_USAGE);
    assert_int_equal(folder_make(scratch("a/b/c/"), &err), ERR_OK);
    assert_int_equal(folder_make(scratch("a/b/c"), &err), ERR_OK);
    struct stat st;
    assert_int_equal(stat(scratch("a/b/c"), &st), 0);
    assert_int_equal(st.st_mode & 077, 0);
    assert_int_equal(folder_remove(scratch("a"), &err), ERR_OK);
    (void)scratch_file("a", "", 0);
    assert_int_equal(folder_make(scratch("a/b"), &err), ERR_IO);
}

static void test_folder__make_meets_faults(void **state)
{
    (void)state;
    /* What an earlier failure has made may stay: the next try goes on from there. */
    assert_true(fail_each(FAULT_MKDIR, EACCES, ERR_IO, make) >= 1);
    assert_true(fail_each(FAULT_MKDIR, ENOSPC, ERR_NO_SPACE, make) >= 1);
    assert_true(fail_each(FAULT_FSYNC, EIO, ERR_IO, make) >= 1);
    assert_true(fail_each(FAULT_FSYNC, EINVAL, ERR_OK, make) >= 1); /* no fsync of folders here */
}

static enum err_code list(struct err *err)
{
    char **names = NULL;
    size_t count = 0;
    const enum err_code code = folder_list(scratch_folder, 3, &names, &count, err);
    if (code == ERR_OK) {
        assert_int_equal(count, 3);
        assert_string_equal(names[0], "B");
        assert_string_equal(names[1], "a");
        assert_string_equal(names[2], "\xc3\xa4");
        mem_free(names);
    }
    return code;
}

static void test_folder__list_is_sorted_by_bytes(void **state)
{
    (void)state;
    struct err err;
    (void)scratch_file("\xc3\xa4", "", 0);
    (void)scratch_file("a", "", 0);
    assert_int_equal(folder_make(scratch("B"), &err), ERR_OK);
    assert_true(fail_each(FAULT_MALLOC, ENOMEM, ERR_NOMEM, list) >= 2);
    (void)scratch_file("c", "", 0);
    assert_int_equal(list(&err), ERR_CORRUPT); /* more than three */
    char **names = NULL;
    size_t count = 9;
    assert_int_equal(folder_list(scratch("none"), 3, &names, &count, &err), ERR_NOT_FOUND);
    assert_int_equal(folder_list(scratch("a"), 3, &names, &count, &err), ERR_NOT_FOUND);
    assert_int_equal(folder_list(scratch("B"), 3, &names, &count, &err), ERR_OK);
    assert_int_equal(count, 0);
    mem_free(names);
}

static void test_folder__list_many(void **state)
{
    (void)state;
    struct err err;
    char name[32];
    for (int k = 0; k < 2000; k++) {
        (void)snprintf(name, sizeof name, "f%04d", (k * 7) % 2000);
        (void)scratch_file(name, "", 0);
    }
    char **names = NULL;
    size_t count = 0;
    assert_int_equal(folder_list(scratch_folder, 5000, &names, &count, &err), ERR_OK);
    assert_int_equal(count, 2000);
    for (int k = 0; k < 2000; k++) {
        (void)snprintf(name, sizeof name, "f%04d", k);
        assert_string_equal(names[k], name);
    }
    mem_free(names);
}

static void test_folder__remove_follows_no_link(void **state)
{
    (void)state;
    struct err err;
    assert_int_equal(folder_make(scratch("outside"), &err), ERR_OK);
    (void)scratch_file("outside/precious", "p", 1);
    assert_int_equal(folder_make(scratch("tree/deep/deeper"), &err), ERR_OK);
    (void)scratch_file("tree/deep/file", "x", 1);
    assert_int_equal(symlink(scratch("outside"), scratch("tree/deep/link")), 0);
    assert_int_equal(folder_remove(scratch("tree"), &err), ERR_OK);
    assert_false(file_exists(scratch("tree")));
    assert_file(scratch("outside/precious"), "p", 1);
    assert_int_equal(folder_remove(scratch("tree"), &err), ERR_OK);
}

static void test_folder__remove_meets_a_fault(void **state)
{
    (void)state;
    struct err err;
    assert_int_equal(folder_make(scratch("tree/inner"), &err), ERR_OK);
    for (size_t n = 0; n < 2; n++) {
        fault_arm(FAULT_UNLINK, n, EACCES);
        assert_int_equal(folder_remove(scratch("tree"), &err), ERR_IO);
        assert_true(fault_disarm());
        assert_true(file_exists(scratch("tree")));
        assert_int_equal(folder_make(scratch("tree/inner"), &err), ERR_OK);
    }
}

static void test_folder__remove_is_not_endless(void **state)
{
    (void)state;
    struct err err;
    char path[1024] = "deep";
    for (int k = 0; k < 40; k++)
        (void)snprintf(path + strlen(path), sizeof path - strlen(path), "/d");
    assert_int_equal(folder_make(scratch(path), &err), ERR_OK);
    assert_int_equal(folder_remove(scratch("deep"), &err), ERR_STATE);
    char inner[1024] = "deep";
    for (int k = 0; k < 25; k++)
        (void)snprintf(inner + strlen(inner), sizeof inner - strlen(inner), "/d");
    assert_int_equal(rename(scratch(inner), scratch("rest")), 0);
    assert_int_equal(folder_remove(scratch("rest"), &err), ERR_OK);
    for (int k = 24; k >= 10; k--) {
        inner[4 + 2 * k] = '\0';
        assert_int_equal(rmdir(scratch(inner)), 0);
    }
}

static void test_folder__temporary(void **state)
{
    (void)state;
    struct err err;
    char *path = NULL;
    const char *before = getenv("TMPDIR");
    char *kept = mem_strdup(before != NULL ? before : "/tmp");
    assert_int_equal(setenv("TMPDIR", scratch_folder, 1), 0);
    assert_int_equal(folder_make_temporary(&path, &err), ERR_OK);
    assert_memory_equal(path, scratch_folder, strlen(scratch_folder));
    mem_free(path);
    assert_int_equal(setenv("TMPDIR", scratch("nowhere"), 1), 0);
    assert_int_equal(folder_make_temporary(&path, &err), ERR_IO);
    assert_non_null(strstr(err.msg, "TMPDIR"));
    assert_int_equal(setenv("TMPDIR", kept, 1), 0);
    mem_free(kept);
}

static void test_folder__inside(void **state)
{
    (void)state;
    struct err err;
    assert_int_equal(folder_make(scratch("a/b"), &err), ERR_OK);
    assert_int_equal(folder_make(scratch("ab"), &err), ERR_OK);
    assert_int_equal(symlink(scratch("a"), scratch("link")), 0);
    char *folder = mem_strdup(scratch("a"));
    assert_non_null(folder);
    assert_true(file_is_inside(folder, folder));
    assert_true(file_is_inside(scratch("a/"), folder));
    assert_true(file_is_inside(scratch("a/b/new/er"), folder));
    assert_true(file_is_inside(scratch("ab/../a/new"), folder));
    assert_true(file_is_inside(scratch("link/new"), folder));
    assert_false(file_is_inside(scratch("ab/new"), folder));
    assert_false(file_is_inside(scratch_folder, folder));
    assert_false(file_is_inside(scratch("new"), scratch("absent")));
    assert_true(file_is_inside("/absent", "/"));
    mem_free(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_folder__make),
        SCRATCH_TEST(test_folder__make_meets_faults),
        SCRATCH_TEST(test_folder__list_is_sorted_by_bytes),
        SCRATCH_TEST(test_folder__list_many),
        SCRATCH_TEST(test_folder__remove_follows_no_link),
        SCRATCH_TEST(test_folder__remove_meets_a_fault),
        SCRATCH_TEST(test_folder__remove_is_not_endless),
        SCRATCH_TEST(test_folder__temporary),
        SCRATCH_TEST(test_folder__inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
