/* labels_test.c: files that say what ids mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "cli/labels.h"

static char *folder;

static int make_folder(void **state)
{
    (void)state;
    struct err err;
    return folder_make_temporary(&folder, &err) == ERR_OK ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    struct err err;
    const enum err_code code = folder_remove(folder, &err);
    mem_free(folder);
    return code == ERR_OK ? 0 : -1;
}

static enum err_code load(const char *content, struct labels *labels, struct err *err)
{
    char *path = mem_printf("%s/labels.tsv", folder);
    assert_non_null(path);
    assert_int_equal(file_replace(path, content, strlen(content), err), ERR_OK);
    const enum err_code code = labels_load(path, labels, err);
    mem_free(path);
    return code;
}

static void test_labels__found_both_ways(void **state)
{
    (void)state;
    struct labels labels;
    struct err err;
    assert_int_equal(
        load("id\tword\tmore\r\n7\tking\tx\r\n-3\tqueen\n\n5\tthe crown", &labels, &err), ERR_OK);
    assert_string_equal(labels_get(&labels, 7), "king");
    assert_string_equal(labels_get(&labels, -3), "queen");
    assert_string_equal(labels_get(&labels, 5), "the crown");
    assert_null(labels_get(&labels, 6));
    int64_t id = 0;
    assert_true(labels_find(&labels, "queen", &id));
    assert_int_equal(id, -3);
    assert_false(labels_find(&labels, "jack", &id));
    labels_release(&labels);
}

static void test_labels__first_line_of_an_id_wins(void **state)
{
    (void)state;
    struct labels labels;
    struct err err;
    assert_int_equal(load("1\ta\n1\tb\n", &labels, &err), ERR_OK);
    assert_string_equal(labels_get(&labels, 1), "a");
    labels_release(&labels);
}

static void test_labels__empty_file(void **state)
{
    (void)state;
    struct labels labels;
    struct err err;
    assert_int_equal(load("", &labels, &err), ERR_OK);
    assert_null(labels_get(&labels, 1));
    labels_release(&labels);
}

static void test_labels__wrong_line_is_named(void **state)
{
    (void)state;
    struct labels labels;
    struct err err;
    assert_int_equal(load("1\ta\nx\tb\n", &labels, &err), ERR_INVALID);
    assert_non_null(strstr(err.msg, "line 2"));
    assert_int_equal(load("1\n", &labels, &err), ERR_INVALID);
    assert_non_null(strstr(err.msg, "line 1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_labels__found_both_ways),
        cmocka_unit_test(test_labels__first_line_of_an_id_wins),
        cmocka_unit_test(test_labels__empty_file),
        cmocka_unit_test(test_labels__wrong_line_is_named),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
