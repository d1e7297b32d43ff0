/* err_test.c: sentences, codes, and the one table behind them. */
#include <errno.h>

#include "base/err.h"
#include "scratch.h"

static void test_err__set_and_wrap(void **state)
{
    (void)state;
    struct err err;
    assert_int_equal(err_set(&err, ERR_CORRUPT, "offset %d: bad", 8), ERR_CORRUPT);
    assert_int_equal(err_wrap(&err, "%s", "a/b.rv"), ERR_CORRUPT);
    assert_int_equal(err.code, ERR_CORRUPT);
    assert_string_equal(err.msg, "a/b.rv: offset 8: bad");
    assert_int_equal(err_recode(&err, ERR_SOURCE), ERR_SOURCE);
    assert_int_equal(err.code, ERR_SOURCE);
    assert_string_equal(err.msg, "a/b.rv: offset 8: bad");
}

static void test_err__no_error_wanted(void **state)
{
    (void)state;
    assert_int_equal(err_set(NULL, ERR_IO, "x"), ERR_IO);
    assert_int_equal(err_errno(NULL, ENOSPC, "x"), ERR_NO_SPACE);
    assert_int_equal(err_nomem(NULL, "x"), ERR_NOMEM);
    assert_int_equal(err_recode(NULL, ERR_IO), ERR_IO);
}

static void test_err__control_characters_forge_no_line(void **state)
{
    (void)state;
    struct err err;
    (void)err_set(&err, ERR_IO, "%s", "a\nERROR: forged\r\x1b[2J\x7f");
    assert_string_equal(err.msg, "a?ERROR: forged??[2J?");
    (void)err_wrap(&err, "%s", "tag\twith\ttabs");
    assert_null(strpbrk(err.msg, "\n\r\t\x1b"));
}

static void test_err__long_text_is_cut(void **state)
{
    (void)state;
    char text[3 * ERR_MSG_SIZE];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    struct err err;
    (void)err_set(&err, ERR_IO, "%s", text);
    assert_int_equal(strlen(err.msg), ERR_MSG_SIZE - 1);
    (void)err_wrap(&err, "front %s", text);
    assert_int_equal(strlen(err.msg), ERR_MSG_SIZE - 1);
    assert_memory_equal(err.msg, "front xxx", 9);
}

static void test_err__errno_values(void **state)
{
    (void)state;
    struct err err;
    assert_int_equal(err_errno(&err, EDQUOT, "f"), ERR_NO_SPACE);
    assert_int_equal(err_errno(&err, ENOMEM, "f"), ERR_NOMEM);
    assert_int_equal(err_errno(&err, EIO, "f"), ERR_IO);
    assert_string_equal(err.msg, "f: Input/output error");
}

/* The exit codes are the command line's contract. */
static void test_err__exit_codes(void **state)
{
    (void)state;
    static const struct {
        enum err_code code;
        int exit_status;
    } wanted[] = {{ERR_OK, 0},        {ERR_INTERNAL, 1}, {ERR_USAGE, 2},  {ERR_CONFIG, 2},
                  {ERR_SOURCE, 3},    {ERR_CORRUPT, 3},  {ERR_TARGET, 4}, {ERR_EXISTS, 4},
                  {ERR_TEMPORARY, 5}, {ERR_NO_SPACE, 5}, {ERR_NOMEM, 5},  {ERR_LEFT_OUT, 6},
                  {ERR_MISMATCH, 7},  {ERR_LOCKED, 8},   {ERR_STATE, 8},  {ERR_INTERRUPTED, 130}};
    for (size_t k = 0; k < sizeof wanted / sizeof wanted[0]; k++)
        assert_int_equal(err_mapping(wanted[k].code)->exit_status, wanted[k].exit_status);
    for (int code = 0; code < ERR_CODE_COUNT; code++) {
        assert_non_null(err_mapping((enum err_code)code)->text);
        assert_memory_equal(err_mapping((enum err_code)code)->name, "ERR_", 4);
    }
    assert_string_equal(err_mapping(ERR_CODE_COUNT)->name, "ERR_INTERNAL");
    assert_string_equal(err_mapping((enum err_code) - 1)->name, "ERR_INTERNAL");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_err__set_and_wrap),
        cmocka_unit_test(test_err__no_error_wanted),
        cmocka_unit_test(test_err__control_characters_forge_no_line),
        cmocka_unit_test(test_err__long_text_is_cut),
        cmocka_unit_test(test_err__errno_values),
        cmocka_unit_test(test_err__exit_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
