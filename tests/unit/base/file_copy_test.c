/* file_copy_test.c: extents by the kernel, by the buffer, and half by each. */
#include <errno.h>
#include <stdlib.h>

#include "base/file.h"
#include "scratch.h"

#define SOURCE_SIZE ((size_t)3 << 20)
#define EXTENT_OFFSET ((size_t)8)
#define EXTENT_SIZE (SOURCE_SIZE - 1000)
#define TARGET_OFFSET ((size_t)64)

static uint8_t source[SOURCE_SIZE];

static enum err_code copy(struct err *err)
{
    const char *from = scratch("source");
    const char *to = scratch("target");
    struct file_extent extent = {.path = from, .offset = EXTENT_OFFSET, .size = EXTENT_SIZE};
    int fd = -1;
    enum err_code code = file_open_read(from, &extent.fd, err);
    assert_int_equal(code, ERR_OK);
    assert_int_equal(file_create(to, &fd, err), ERR_OK);
    code = file_copy_extent(&extent, fd, to, TARGET_OFFSET, err);
    if (code == ERR_OK) {
        static uint8_t back[EXTENT_SIZE];
        uint64_t size = 0;
        assert_int_equal(file_size(fd, to, &size, err), ERR_OK);
        assert_int_equal(size, TARGET_OFFSET + EXTENT_SIZE);
        assert_int_equal(file_read_at(fd, to, back, EXTENT_SIZE, TARGET_OFFSET, err), ERR_OK);
        assert_memory_equal(back, source + EXTENT_OFFSET, EXTENT_SIZE);
    }
    file_close(extent.fd);
    file_close(fd);
    return code;
}

static void make_source(void)
{
    for (size_t k = 0; k < SOURCE_SIZE; k++)
        source[k] = (uint8_t)(k * 2654435761U >> 11);
    (void)scratch_file("source", source, SOURCE_SIZE);
}

static void test_file_copy__by_the_kernel(void **state)
{
    (void)state;
    struct err err;
    make_source();
    assert_int_equal(copy(&err), ERR_OK);
}

/* Old kernels, foreign filesystems: each answer that means "not here" leads to the buffer. */
static void test_file_copy__falls_back(void **state)
{
    (void)state;
    static const int answers[] = {ENOSYS, EXDEV, EINVAL, EOPNOTSUPP, EPERM, EBADF, ETXTBSY};
    make_source();
    for (size_t k = 0; k < sizeof answers / sizeof answers[0]; k++)
        assert_true(fail_each(FAULT_COPY, answers[k], ERR_OK, copy) >= 1);
}

static void test_file_copy__falls_back_in_the_middle(void **state)
{
    (void)state;
    make_source();
    struct err err;
    assert_int_equal(setenv("GODWIT_FAULT", "copy:0:short", 1), 0);
    assert_true(fault_from_environment());
    assert_int_equal(copy(&err), ERR_OK);
    assert_true(fault_disarm());
    assert_int_equal(setenv("GODWIT_FAULT", "copy:0:enosys+", 1), 0);
    assert_true(fault_from_environment());
    assert_int_equal(copy(&err), ERR_OK);
    assert_true(fault_disarm());
    assert_int_equal(unsetenv("GODWIT_FAULT"), 0);
    assert_true(fail_each(FAULT_COPY, EINTR, ERR_OK, copy) >= 1);
}

static void test_file_copy__failures(void **state)
{
    (void)state;
    make_source();
    assert_true(fail_each(FAULT_COPY, ENOSPC, ERR_NO_SPACE, copy) >= 1);
    assert_true(fail_each(FAULT_COPY, EIO, ERR_IO, copy) >= 1);
}

/* The fall-back meets faults of its own. */
static enum err_code copy_by_buffer(struct err *err)
{
    const char *from = scratch("source");
    struct file_extent extent = {.path = from, .offset = 1, .size = SOURCE_SIZE - 1};
    int fd = -1;
    assert_int_equal(file_open_read(from, &extent.fd, err), ERR_OK);
    const enum err_code opened = file_open_read("/dev/null", &fd, err);
    assert_int_equal(opened, ERR_IO); /* no regular file */
    assert_int_equal(file_create("/dev/null", &fd, err), ERR_OK);
    const enum err_code code = file_copy_extent(&extent, fd, "/dev/null", 0, err);
    file_close(extent.fd);
    file_close(fd);
    return code;
}

static void test_file_copy__failures_of_the_buffer(void **state)
{
    (void)state;
    make_source();
    assert_true(fail_each(FAULT_READ, EIO, ERR_IO, copy_by_buffer) >= 3);
    assert_true(fail_each(FAULT_WRITE, ENOSPC, ERR_NO_SPACE, copy_by_buffer) >= 3);
    assert_true(fail_each(FAULT_MALLOC, ENOMEM, ERR_NOMEM, copy_by_buffer) >= 1);
}

static void test_file_copy__source_is_shorter(void **state)
{
    (void)state;
    struct err err;
    int fd = -1;
    const char *from = scratch_file("short", "0123456789", 10);
    struct file_extent extent = {.path = from, .offset = 4, .size = 20};
    assert_int_equal(file_open_read(from, &extent.fd, &err), ERR_OK);
    assert_int_equal(file_create(scratch("target"), &fd, &err), ERR_OK);
    assert_int_equal(file_copy_extent(&extent, fd, "target", 0, &err), ERR_CORRUPT);
    assert_non_null(strstr(err.msg, "short: offset 10: the file ends, 14 more bytes expected"));
    extent.size = 0;
    assert_int_equal(file_copy_extent(&extent, fd, "target", 0, &err), ERR_OK);
    file_close(extent.fd);
    file_close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_file_copy__by_the_kernel),
        SCRATCH_TEST(test_file_copy__falls_back),
        SCRATCH_TEST(test_file_copy__falls_back_in_the_middle),
        SCRATCH_TEST(test_file_copy__failures),
        SCRATCH_TEST(test_file_copy__failures_of_the_buffer),
        SCRATCH_TEST(test_file_copy__source_is_shorter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
