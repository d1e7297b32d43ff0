/* file_test.c: files under every fault: interrupted, short, failing and full. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "scratch.h"

#define DATA_SIZE ((size_t)100003)

static uint8_t data[DATA_SIZE];

static void fill_data(void)
{
    for (size_t k = 0; k < DATA_SIZE; k++)
        data[k] = (uint8_t)(k * 2654435761U >> 13);
}

static enum err_code write_data(struct err *err)
{
    int fd = -1;
    const char *path = scratch("written");
    enum err_code code = file_create(path, &fd, err);
    if (code == ERR_OK)
        code = file_write_at(fd, path, data, DATA_SIZE, 7, err);
    if (code == ERR_OK)
        code = file_sync(fd, path, err);
    file_close(fd);
    return code;
}

static enum err_code read_data(struct err *err)
{
    int fd = -1;
    const char *path = scratch("written");
    static uint8_t back[DATA_SIZE];
    memset(back, 0, sizeof back);
    enum err_code code = file_open_read(path, &fd, err);
    if (code == ERR_OK)
        code = file_read_at(fd, path, back, DATA_SIZE, 7, err);
    file_close(fd);
    if (code == ERR_OK)
        assert_memory_equal(back, data, DATA_SIZE);
    return code;
}

static void test_file__interrupted_calls_are_tried_again(void **state)
{
    (void)state;
    struct err err;
    assert_true(fail_each(FAULT_OPEN, EINTR, ERR_OK, write_data) >= 1);
    assert_true(fail_each(FAULT_WRITE, EINTR, ERR_OK, write_data) >= 1);
    assert_true(fail_each(FAULT_FSYNC, EINTR, ERR_OK, write_data) >= 1);
    assert_true(fail_each(FAULT_READ, EINTR, ERR_OK, read_data) >= 1);
    assert_int_equal(read_data(&err), ERR_OK);
}

static void test_file__short_transfers_are_continued(void **state)
{
    (void)state;
    assert_true(fail_each(FAULT_WRITE, FAULT_SHORT, ERR_OK, write_data) >= 1);
    assert_true(fail_each(FAULT_READ, FAULT_SHORT, ERR_OK, read_data) >= 1);
    assert_int_equal(setenv("GODWIT_FAULT", "read:0:short+", 1), 0);
    assert_true(fault_from_environment());
    struct err err;
    assert_int_equal(read_data(&err), ERR_OK);
    assert_int_equal(setenv("GODWIT_FAULT", "write:0:short+", 1), 0);
    assert_true(fault_from_environment());
    assert_int_equal(write_data(&err), ERR_OK);
    assert_true(fault_disarm());
    assert_int_equal(unsetenv("GODWIT_FAULT"), 0);
    assert_int_equal(read_data(&err), ERR_OK);
}

static void test_file__failures_keep_their_reason(void **state)
{
    (void)state;
    assert_true(fail_each(FAULT_WRITE, ENOSPC, ERR_NO_SPACE, write_data) >= 1);
    assert_true(fail_each(FAULT_WRITE, EDQUOT, ERR_NO_SPACE, write_data) >= 1);
    assert_true(fail_each(FAULT_FSYNC, EIO, ERR_IO, write_data) >= 1);
    assert_true(fail_each(FAULT_OPEN, EACCES, ERR_IO, write_data) >= 1);
    assert_true(fail_each(FAULT_READ, EIO, ERR_IO, read_data) >= 1);
    struct err err;
    fault_arm(FAULT_WRITE, 0, ENOSPC);
    assert_int_equal(write_data(&err), ERR_NO_SPACE);
    assert_non_null(strstr(err.msg, "written: offset 7"));
}

static void test_file__full_disk(void **state)
{
    (void)state;
    struct err err;
    int fd = -1;
    if (access("/dev/full", W_OK) != 0)
        skip();
    assert_int_equal(file_create("/dev/full", &fd, &err), ERR_OK);
    assert_int_equal(file_write_at(fd, "/dev/full", data, 100, 0, &err), ERR_NO_SPACE);
    file_close(fd);
}

static void test_file__what_is_no_regular_file(void **state)
{
    (void)state;
    struct err err;
    int fd = -1;
    assert_int_equal(file_open_read(scratch("nothing"), &fd, &err), ERR_NOT_FOUND);
    (void)scratch_file("file", "x", 1);
    assert_int_equal(file_open_read(scratch("file/below"), &fd, &err), ERR_NOT_FOUND);
    assert_int_equal(file_open_read(scratch_folder, &fd, &err), ERR_IO);
    assert_int_equal(mkfifo(scratch("pipe"), 0600), 0);
    assert_int_equal(file_open_read(scratch("pipe"), &fd, &err), ERR_IO); /* and does not wait */
    assert_int_equal(fd, -1);
    assert_int_equal(file_lock_holder(scratch("pipe")), 0);
}

static void test_file__create_follows_no_link(void **state)
{
    (void)state;
    struct err err;
    int fd = -1;
    const char *target = scratch_file("target", "precious", 8);
    assert_int_equal(symlink(target, scratch("link")), 0);
    assert_int_equal(file_create(scratch("link"), &fd, &err), ERR_IO);
    assert_int_equal(file_lock(scratch("link"), &fd, &err), ERR_IO);
    assert_file(target, "precious", 8);
}

static void test_file__reading_past_the_end(void **state)
{
    (void)state;
    struct err err;
    int fd = -1;
    uint8_t buffer[16];
    const char *path = scratch_file("ten", "0123456789", 10);
    uint64_t size = 0;
    assert_int_equal(file_open_read(path, &fd, &err), ERR_OK);
    assert_int_equal(file_size(fd, path, &size, &err), ERR_OK);
    assert_int_equal(size, 10);
    assert_int_equal(file_read_at(fd, path, buffer, 4, 6, &err), ERR_OK);
    assert_memory_equal(buffer, "6789", 4);
    assert_int_equal(file_read_at(fd, path, buffer, 0, 10, &err), ERR_OK);
    assert_int_equal(file_read_at(fd, path, buffer, 5, 6, &err), ERR_CORRUPT);
    assert_non_null(strstr(err.msg, "offset 10: the file ends, 1 more bytes expected"));
    assert_int_equal(file_read_at(fd, path, buffer, 16, UINT64_MAX - 8, &err), ERR_CORRUPT);
    assert_int_equal(file_read_at(fd, path, buffer, 1, INT64_MAX, &err), ERR_CORRUPT);
    assert_int_equal(file_write_at(fd, path, buffer, 16, UINT64_MAX - 8, &err), ERR_INTERNAL);
    file_close(fd);
}

static enum err_code replace(struct err *err)
{
    return file_replace(scratch("replaced"), "new", 3, err);
}

/* Whatever fails, the old content is there, or the new one, and nothing else. */
static void test_file__replace_is_all_or_nothing(void **state)
{
    (void)state;
    static const struct {
        enum fault_kind kind;
        int errno_value;
        enum err_code expected;
    } faults[] = {{FAULT_OPEN, EACCES, ERR_IO},
                  {FAULT_WRITE, ENOSPC, ERR_NO_SPACE},
                  {FAULT_RENAME, EIO, ERR_IO},
                  {FAULT_MALLOC, ENOMEM, ERR_NOMEM}};
    for (size_t k = 0; k < sizeof faults / sizeof faults[0]; k++) {
        struct err err;
        (void)scratch_file("replaced", "old", 3);
        fault_arm(faults[k].kind, 0, faults[k].errno_value);
        assert_int_equal(replace(&err), faults[k].expected);
        assert_true(fault_disarm());
        assert_file(scratch("replaced"), "old", 3);
        assert_false(file_exists(scratch("replaced.tmp")));
    }
    assert_int_equal(fail_each(FAULT_FSYNC, EIO, ERR_IO, replace), 2); /* the file, the folder */
    assert_file(scratch("replaced"), "new", 3);
}

static enum err_code read_whole(struct err *err)
{
    void *found = NULL;
    size_t size = 0;
    const enum err_code code = file_read_all(scratch("whole"), 100, &found, &size, err);
    if (code == ERR_OK) {
        assert_int_equal(size, 5);
        assert_string_equal(found, "whole"); /* terminated */
        mem_free(found);
    }
    return code;
}

static void test_file__read_all(void **state)
{
    (void)state;
    struct err err;
    void *found = NULL;
    size_t size = 99;
    assert_int_equal(file_read_all(scratch("whole"), 9, &found, &size, &err), ERR_NOT_FOUND);
    (void)scratch_file("whole", "whole", 5);
    assert_int_equal(fail_each(FAULT_MALLOC, ENOMEM, ERR_NOMEM, read_whole), 1);
    assert_int_equal(fail_each(FAULT_READ, EIO, ERR_IO, read_whole), 1);
    assert_int_equal(file_read_all(scratch("whole"), 4, &found, &size, &err), ERR_CORRUPT);
    assert_null(found);
    assert_int_equal(size, 99);
    (void)scratch_file("empty", "", 0);
    assert_int_equal(file_read_all(scratch("empty"), 4, &found, &size, &err), ERR_OK);
    assert_int_equal(size, 0);
    mem_free(found);
}

static void test_file__rename_remove_exists(void **state)
{
    (void)state;
    struct err err;
    (void)scratch_file("from", "f", 1);
    (void)scratch_file("to", "t", 1);
    assert_int_equal(file_rename(scratch("from"), scratch("to"), &err), ERR_OK);
    assert_file(scratch("to"), "f", 1);
    assert_false(file_exists(scratch("from")));
    assert_int_equal(file_rename(scratch("from"), scratch("to"), &err), ERR_IO);
    fault_arm(FAULT_RENAME, 0, EIO);
    assert_int_equal(file_move(scratch("to"), scratch("from"), &err), ERR_IO);
    fault_arm(FAULT_FSYNC, 0, EIO); /* not reached: that is the caller's part */
    assert_int_equal(file_move(scratch("to"), scratch("from"), &err), ERR_OK);
    assert_false(fault_disarm());
    assert_int_equal(file_move(scratch("from"), scratch("to"), &err), ERR_OK);
    fault_arm(FAULT_UNLINK, 0, EACCES);
    assert_int_equal(file_remove(scratch("to"), &err), ERR_IO);
    (void)fault_disarm();
    assert_true(file_exists(scratch("to")));
    assert_int_equal(file_remove(scratch("to"), &err), ERR_OK);
    assert_int_equal(file_remove(scratch("to"), &err), ERR_OK);
    assert_true(file_is_folder(scratch_folder));
    assert_false(file_is_folder(scratch("to")));
    assert_true(file_same_filesystem(scratch_folder, scratch_folder));
    assert_false(file_same_filesystem(scratch_folder, scratch("to")));
}

/* A storage folder may hold symbolic links to another disk: the link must reach the data. */
static void test_file__link_reaches_the_data(void **state)
{
    (void)state;
    struct err err;
    const char *original = scratch_file("original", "data", 4);
    assert_int_equal(symlink(original, scratch("symbolic")), 0);
    assert_int_equal(file_link(scratch("symbolic"), scratch("hard"), &err), ERR_OK);
    struct stat st;
    assert_int_equal(lstat(scratch("hard"), &st), 0);
    assert_true(S_ISREG(st.st_mode));
    assert_int_equal(st.st_nlink, 2);
    assert_int_equal(file_link(original, scratch("hard"), &err), ERR_IO); /* it exists */
    fault_arm(FAULT_LINK, 0, EXDEV);
    assert_int_equal(file_link(original, scratch("other"), &err), ERR_UNSUPPORTED);
    assert_non_null(strstr(err.msg, "two filesystems"));
}

static void test_file__free_space_of_what_is_not_there_yet(void **state)
{
    (void)state;
    struct err err;
    uint64_t here = 0;
    uint64_t below = 0;
    assert_int_equal(file_free_space(scratch_folder, &here, &err), ERR_OK);
    assert_int_equal(file_free_space(scratch("not/yet/there"), &below, &err), ERR_OK);
    assert_true(here > 0 && below > 0);
    char path[FILE_PATH_MAX + 10];
    memset(path, 'p', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    assert_int_equal(file_free_space(path, &here, &err), ERR_USAGE);
}

static void test_file__map(void **state)
{
    (void)state;
    struct err err;
    struct file_map map = {0};
    const char *path = scratch_file("mapped", data, DATA_SIZE);
    assert_int_equal(file_map_open(path, &map, &err), ERR_OK);
    assert_int_equal(map.size, DATA_SIZE);
    assert_memory_equal(map.data, data, DATA_SIZE);
    file_map_close(&map);
    assert_null(map.data);
    file_map_close(&map);
    assert_int_equal(file_map_open(scratch_file("empty", "", 0), &map, &err), ERR_OK);
    assert_null(map.data);
    assert_int_equal(map.size, 0);
    fault_arm(FAULT_MAP, 0, ENOMEM);
    assert_int_equal(file_map_open(path, &map, &err), ERR_NOMEM);
    assert_true(fault_disarm());
    assert_int_equal(file_map_open(scratch("nothing"), &map, &err), ERR_NOT_FOUND);
    assert_int_equal(file_map_open(path, &map, &err), ERR_OK);
    assert_int_equal(file_map_populate(&map, path, 5000, DATA_SIZE - 5000, &err), ERR_OK);
    fault_arm(FAULT_MAP, 0, EFAULT);
    assert_int_equal(file_map_populate(&map, path, 5000, 1, &err), ERR_IO);
    assert_non_null(strstr(err.msg, "mapped: offset 5000"));
    fault_arm(FAULT_MAP, 0, EINVAL); /* a kernel that does not know it */
    assert_int_equal(file_map_populate(&map, path, 0, 1, &err), ERR_OK);
    assert_true(fault_disarm());
    file_map_close(&map);
}

static void test_file__hints_harm_nothing(void **state)
{
    (void)state;
    struct err err;
    int fd = -1;
    const char *path = scratch_file("hinted", data, DATA_SIZE);
    assert_int_equal(file_open_read(path, &fd, &err), ERR_OK);
    file_start_writeback(fd, 0, DATA_SIZE);
    file_will_read(fd, 0, DATA_SIZE);
    file_forget_cache(fd, 0, UINT64_MAX);
    file_close(fd);
    file_close(-1);
    assert_file(path, data, DATA_SIZE);
}

/* 0: the child got the lock, 1: it was told who has it, 2: anything else. */
static int lock_in_child(const char *path)
{
    const pid_t parent = getpid();
    const pid_t child = fork();
    if (child == 0) {
        struct err err;
        int fd = -1;
        const enum err_code code = file_lock(path, &fd, &err);
        char wanted[64];
        (void)snprintf(wanted, sizeof wanted, "locked by process %d", (int)parent);
        if (code == ERR_OK)
            _exit(0);
        _exit(code == ERR_LOCKED && strstr(err.msg, wanted) != NULL ? 1 : 2);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_file__lock(void **state)
{
    (void)state;
    struct err err;
    int fd = -1;
    int second = -1;
    const char *path = scratch("LOCK");
    assert_int_equal(file_lock(path, &fd, &err), ERR_OK);
    assert_int_equal(lock_in_child(path), 1);
    assert_int_equal(file_lock(path, &second, &err),
                     ERR_LOCKED); /* not twice in a process either */
    (void)file_lock_holder(path);
    assert_true(file_lock_is_held(path));
    assert_int_equal(lock_in_child(path), 1); /* looking at it does not lose it */
    file_close(fd);
    assert_false(file_lock_is_held(path));
    assert_false(file_lock_is_held(scratch("none")));
    assert_int_equal(lock_in_child(path), 0); /* the child has ended since */
    assert_int_equal(file_lock(path, &fd, &err), ERR_OK);
    file_close(fd);
}

static void test_file__holder_of_a_foreign_lock(void **state)
{
    (void)state;
    const char *path = scratch_file("lock", "", 0);
    assert_int_equal(file_lock_holder(path), 0);
    assert_int_equal(file_lock_holder(scratch("nothing")), 0);
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    const pid_t child = fork();
    if (child == 0) {
        FILE *file = fopen(path, "r+");
        const bool is_locked = file != NULL && lockf(fileno(file), F_TLOCK, 0) == 0;
        const ssize_t told = write(ready[1], is_locked ? "y" : "n", 1);
        _exit(told == 1 ? (int)pause() : 1);
    }
    char answer = 0;
    assert_int_equal(read(ready[0], &answer, 1), 1);
    const int holder = file_lock_holder(path);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(answer, 'y');
    assert_int_equal(holder, child);
    assert_int_equal(file_lock_holder(path), 0);
    (void)close(ready[0]);
    (void)close(ready[1]);
}

int main(void)
{
    fill_data();
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_file__interrupted_calls_are_tried_again),
        SCRATCH_TEST(test_file__short_transfers_are_continued),
        SCRATCH_TEST(test_file__failures_keep_their_reason),
        SCRATCH_TEST(test_file__full_disk),
        SCRATCH_TEST(test_file__what_is_no_regular_file),
        SCRATCH_TEST(test_file__create_follows_no_link),
        SCRATCH_TEST(test_file__reading_past_the_end),
        SCRATCH_TEST(test_file__replace_is_all_or_nothing),
        SCRATCH_TEST(test_file__read_all),
        SCRATCH_TEST(test_file__rename_remove_exists),
        SCRATCH_TEST(test_file__link_reaches_the_data),
        SCRATCH_TEST(test_file__free_space_of_what_is_not_there_yet),
        SCRATCH_TEST(test_file__map),
        SCRATCH_TEST(test_file__hints_harm_nothing),
        SCRATCH_TEST(test_file__lock),
        SCRATCH_TEST(test_file__holder_of_a_foreign_lock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
