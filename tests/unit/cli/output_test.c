/* output_test.c: numbers, names and tables as people see them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/output.h"

static void test_output__numbers(void **state)
{
    (void)state;
    char b[NUMBER_SIZE];
    assert_string_equal(format_number(0, b), "0");
    assert_string_equal(format_number(999, b), "999");
    assert_string_equal(format_number(1000, b), "1,000");
    assert_string_equal(format_number(1234567, b), "1,234,567");
    assert_string_equal(format_number(UINT64_MAX, b), "18,446,744,073,709,551,615");
}

static void test_output__sizes(void **state)
{
    (void)state;
    char b[NUMBER_SIZE];
    assert_string_equal(format_size(0, b), "0 B");
    assert_string_equal(format_size(999, b), "999 B");
    assert_string_equal(format_size(1000, b), "1.0 kB");
    assert_string_equal(format_size(1234567, b), "1.2 MB");
    assert_string_equal(format_size(999950, b), "1.0 MB");
    assert_string_equal(format_size(123456789012, b), "123 GB");
    assert_string_equal(format_size(UINT64_MAX, b), "18.4 EB");
}

static void test_output__durations(void **state)
{
    (void)state;
    char b[NUMBER_SIZE];
    assert_string_equal(format_duration(0, b), "0s");
    assert_string_equal(format_duration(184, b), "3m 04s");
    assert_string_equal(format_duration(3720, b), "1h 02m");
    assert_string_equal(format_duration(90000, b), "1d 01h");
    assert_string_equal(format_seconds(420000000, b), "0.42 s");
    assert_string_equal(format_seconds(61000000000, b), "1m 01s");
}

static void test_output__names_cannot_move_the_cursor(void **state)
{
    (void)state;
    static const char *const names[][2] = {
        {"plain", "plain"},        {"标签 ü🐳", "标签 ü🐳"},
        {"a\nb\tc", "a\\nb\\tc"},  {"\x1b[2J", "\\x1b[2J"},
        {"x\x7f", "x\\x7f"},       {"bad\xff\xc3", "bad\\xff\\xc3"},
        {"c1\xc2\x9b", "c1\\x9b"}, {"back\\slash", "back\\\\slash"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct text text;
        text_init(&text);
        output_name(&text, names[i][0]);
        assert_string_equal(text_get(&text), names[i][1]);
        text_release(&text);
    }
}

static void test_output__table(void **state)
{
    (void)state;
    static const char *const heads[] = {"name", ">rows", "note"};
    struct table table;
    struct text text;
    text_init(&text);
    table_init(&table, heads, 3);
    table_cell_name(&table, "", "a");
    table_cell_number(&table, 5);
    table_cell(&table, "");
    table_cell_name(&table, "  ", "longer");
    table_cell_number(&table, 12345);
    table_cell(&table, "last");
    table_write(&table, 1, &text);
    assert_string_equal(text_get(&text), " name        rows  note\n"
                                         " a              5\n"
                                         "   longer  12,345  last\n");
    text_release(&text);
}

static void test_output__table_without_rows(void **state)
{
    (void)state;
    static const char *const heads[] = {"name", ">rows"};
    struct table table;
    struct text text;
    text_init(&text);
    table_init(&table, heads, 2);
    table_write(&table, 0, &text);
    assert_string_equal(text_get(&text), "name  rows\n");
    text_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_output__numbers),
        cmocka_unit_test(test_output__sizes),
        cmocka_unit_test(test_output__durations),
        cmocka_unit_test(test_output__names_cannot_move_the_cursor),
        cmocka_unit_test(test_output__table),
        cmocka_unit_test(test_output__table_without_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
