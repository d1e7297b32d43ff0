/* status_test.c: codes and words that clients decide by; names and numbers that are accepted. */
#include "milvus2/status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "milvus2/names.h"

static void test_status__both_numberings(void **state)
{
    static const struct {
        enum milvus_code code;
        int older;
    } cases[] = {{MILVUS_NO_COLLECTION, 4}, {MILVUS_NO_INDEX, 25},        {MILVUS_INVALID, 5},
                 {MILVUS_NO_PARTITION, 15}, {MILVUS_SCHEMA_MISMATCH, 62}, {MILVUS_UNIMPLEMENTED, 1},
                 {MILVUS_RATE_LIMIT, 49},   {MILVUS_NO_MEMORY, 52},       {MILVUS_ERROR, 1}};
    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct status status = {0};
        assert_false(status_fail(&status, cases[k].code, "x"));
        assert_int_equal(status.code, cases[k].code);
        assert_int_equal(status.older, cases[k].older);
    }
}

static void test_status__wording(void **state)
{
    struct status status = {0};
    (void)state;
    (void)status_fields(&status, MILVUS_NO_COLLECTION, "[database=%s][collection=%s]", "d", "c");
    assert_string_equal(status.reason, "collection not found[database=d][collection=c]");
    assert_true(status.is_input_error);
    (void)status_wrap(&status, MILVUS_INVALID, "topk is %s", "wrong");
    assert_string_equal(status.reason, "topk is wrong: invalid parameter");
    (void)status_wrap(&status, MILVUS_REST_NO_AUTH, "%s", "");
    assert_string_equal(status.reason, "user hasn't authenticated");
    (void)status_expected(&status, "2", "3", "rows of %s", "f");
    assert_string_equal(status.reason, "rows of f: invalid parameter[expected=2][actual=3]");
}

static void test_status__takes_over_errors(void **state)
{
    struct status status = {0};
    struct err err;
    (void)state;
    (void)err_set(&err, ERR_NO_SPACE, "catalog: no space left");
    assert_false(status_fail_err(&status, &err));
    assert_string_equal(status.reason, "catalog: no space left");
    assert_int_not_equal(status.code, MILVUS_OK);
    assert_true(status.is_retriable);
}

static void test_status__long_sentences_are_cut(void **state)
{
    static char text[2 * STATUS_REASON_SIZE];
    struct status status = {0};
    (void)state;
    memset(text, 'x', sizeof text - 1);
    (void)status_wrap(&status, MILVUS_INVALID, "%s", text);
    assert_int_equal(strlen(status.reason), STATUS_REASON_SIZE - 1);
    (void)status_expected(&status, text, text, "%s", text);
    assert_int_equal(strlen(status.reason), STATUS_REASON_SIZE - 1);
}

static void test_names__rules(void **state)
{
    struct status status = {0};
    char name[NAME_SIZE_MAX + 2];
    (void)state;
    memset(name, 'a', sizeof name);
    name[NAME_SIZE_MAX] = '\0';
    assert_true(name_check_collection(&status, name));
    name[NAME_SIZE_MAX] = 'a';
    name[NAME_SIZE_MAX + 1] = '\0';
    assert_false(name_check_collection(&status, name));
    assert_false(name_check_collection(&status, ""));
    assert_string_equal(status.reason, "collection name should not be empty: invalid parameter");
    assert_false(name_check_collection(&status, "1a"));
    assert_non_null(strstr(status.reason, "the first character of a collection name must be an "
                                          "underscore or letter"));
    assert_false(name_check_collection(&status, "a-b"));
    assert_true(name_check_collection(&status, "_a1"));
    assert_true(name_check_partition(&status, "2019-x"));
    assert_false(name_check_partition(&status, "-x"));
    assert_int_equal(status.code, MILVUS_ERROR);
    assert_false(name_check_database(&status, "a b"));
    assert_int_equal(status.code, MILVUS_DATABASE_NAME);
    assert_false(name_check_field(&status, "json_contains"));
    assert_false(name_check_field(&status, "JSON_CONTAINS"));
    assert_true(name_check_field(&status, "json"));
    assert_false(name_check_field(&status, "$meta"));
    assert_int_equal(status.code, MILVUS_FIELD_NAME);
    assert_false(name_check_user(&status, "1x"));
    assert_false(name_check_password(&status, "short"));
    assert_true(name_check_password(&status, "longer"));
}

static void test_names__windows(void **state)
{
    struct status status = {0};
    (void)state;
    assert_true(limit_check_window(&status, 16384, 0));
    assert_true(limit_check_window(&status, 1, 16383));
    assert_false(limit_check_window(&status, 1, 16384));
    assert_false(limit_check_window(&status, 0, 0));
    assert_false(limit_check_window(&status, 1, -1));
    assert_false(limit_check_window(&status, INT64_MAX, INT64_MAX));
}

static void test_names__numbers(void **state)
{
    int64_t number = 7;
    double real = 7;
    (void)state;
    assert_true(number_parse_int("9223372036854775807", &number) && number == INT64_MAX);
    assert_false(number_parse_int("9223372036854775808", &number));
    assert_false(number_parse_int("1x", &number));
    assert_false(number_parse_int("", &number));
    assert_true(number_parse_double(" 0.5 ", &real) && real == 0.5);
    assert_false(number_parse_double("nan", &real));
    assert_true(number_parse_bool("True") && number_parse_bool("1") && !number_parse_bool("no"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_status__both_numberings),
        cmocka_unit_test(test_status__wording),
        cmocka_unit_test(test_status__takes_over_errors),
        cmocka_unit_test(test_status__long_sentences_are_cut),
        cmocka_unit_test(test_names__rules),
        cmocka_unit_test(test_names__windows),
        cmocka_unit_test(test_names__numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
