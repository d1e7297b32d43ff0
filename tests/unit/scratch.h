/* scratch.h: what many unit tests need: cmocka, a private folder that is removed afterwards, files
 * with given content, and the loop that fails the n-th call for every n. */
#ifndef GODWIT_TESTS_UNIT_SCRATCH_H
#define GODWIT_TESTS_UNIT_SCRATCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/fault.h"
#include "base/file.h"
#include "base/mem.h"

static char *scratch_folder;

static inline int scratch_setup(void **state)
{
    (void)state;
    struct err err;
    return folder_make_temporary(&scratch_folder, &err) == ERR_OK ? 0 : -1;
}

static inline int scratch_teardown(void **state)
{
    (void)state;
    (void)fault_disarm();
    struct err err;
    const enum err_code code = folder_remove(scratch_folder, &err);
    mem_free(scratch_folder);
    scratch_folder = NULL;
    return code == ERR_OK ? 0 : -1;
}

/* The path of a name in the scratch folder; good for the next seven calls. */
static inline const char *scratch(const char *name)
{
    static char paths[8][FILE_PATH_MAX];
    static size_t next;
    char *path = paths[next++ % 8];
    (void)snprintf(path, FILE_PATH_MAX, "%s/%s", scratch_folder, name);
    return path;
}

/* Writes a file with this content and returns its path. */
static inline const char *scratch_file(const char *name, const void *data, size_t size)
{
    const char *path = scratch(name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    return path;
}

/* The file holds exactly these bytes. */
static inline void assert_file(const char *path, const void *data, size_t size)
{
    void *found = NULL;
    size_t found_size = 0;
    struct err err;
    assert_int_equal(file_read_all(path, (size_t)1 << 30, &found, &found_size, &err), ERR_OK);
    assert_int_equal(found_size, size);
    assert_memory_equal(found, data, size);
    mem_free(found);
}

/* Runs `action` with its n-th call of a kind failing, for n = 0, 1, ... until one run meets no
 * failure; that one must be fine, each other must end with `expected`. Returns the number of
 * failures tried. */
static inline size_t fail_each(enum fault_kind kind, int errno_value, enum err_code expected,
                               enum err_code (*action)(struct err *err))
{
    for (size_t n = 0; n < 100000; n++) {
        struct err err = {0};
        fault_arm(kind, n, errno_value);
        const enum err_code code = action(&err);
        if (!fault_disarm()) {
            assert_int_equal(code, ERR_OK);
            return n;
        }
        if (code != expected)
            print_error("call %zu: code %d, expected %d: %s\n", n, code, expected, err.msg);
        assert_int_equal(code, expected);
        assert_true(expected == ERR_OK || err.msg[0] != '\0');
    }
    fail_msg("a hundred thousand calls and no end");
    return 0;
}

#define SCRATCH_TEST(test) cmocka_unit_test_setup_teardown(test, scratch_setup, scratch_teardown)

#endif
