/* text_test.c: the string builder and its JSON. */
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "base/text.h"
#include "scratch.h"

static void test_text__json_commas_and_escapes(void **state)
{
    (void)state;
    struct text text;
    text_init(&text);
    json_open(&text, NULL, '{');
    json_add_string(&text, "a\"b", "x\ny\\");
    json_open(&text, "list", '[');
    json_add_int(&text, NULL, INT64_MIN);
    json_add_uint(&text, NULL, UINT64_MAX);
    json_add_bool(&text, NULL, true);
    json_add_double(&text, NULL, NAN);
    json_add_float(&text, NULL, 0.1F);
    json_open(&text, NULL, '{');
    json_close(&text, '}');
    json_add_float(&text, NULL, -INFINITY);
    json_close(&text, ']');
    json_add_string(&text, "null", NULL);
    json_add_bool(&text, "no", false);
    json_add_string(&text, "control", "\x01\t\x7f");
    json_add_raw(&text, "raw", "[1]");
    json_add_string(&text, "latin1", "\xe9");
    json_add_string(&text, "utf8", "\xc3\xa9");
    json_close(&text, '}');
    assert_false(text_failed(&text));
    assert_string_equal(text_get(&text),
                        "{\"a\\\"b\":\"x\\ny\\\\\",\"list\":[-9223372036854775808,"
                        "18446744073709551615,true,null,0.1,{},null],\"null\":null,\"no\":false,"
                        "\"control\":\"\\u0001\\u0009\\u007f\",\"raw\":[1],\"latin1\":\"\\u00e9\","
                        "\"utf8\":\"\xc3\xa9\"}");
    text_release(&text);
}

/* The shortest digits that read back to the same bits. */
static void test_text__numbers_read_back(void **state)
{
    (void)state;
    static const double doubles[] = {0.0,     -0.0,   0.1,   1.0 / 3.0, 1e22,      DBL_MAX,
                                     DBL_MIN, 5e-324, 1e300, 123456789, 0.1 + 0.2, -2.5e-7};
    for (size_t k = 0; k < sizeof doubles / sizeof doubles[0]; k++) {
        struct text text;
        text_init(&text);
        json_add_double(&text, NULL, doubles[k]);
        const double back = strtod(text_get(&text), NULL);
        assert_memory_equal(&back, &doubles[k], sizeof back);
        text_release(&text);
        text_init(&text);
        const float single = (float)doubles[k];
        json_add_float(&text, NULL, single);
        if (isfinite(single)) {
            const float again = strtof(text_get(&text), NULL);
            assert_memory_equal(&again, &single, sizeof again);
            assert_true(strlen(text_get(&text)) <= 15);
        } else {
            assert_string_equal(text_get(&text), "null");
        }
        text_release(&text);
    }
}

static void test_text__grows(void **state)
{
    (void)state;
    struct text text;
    text_init(&text);
    assert_string_equal(text_get(&text), "");
    for (int k = 0; k < 1000; k++)
        text_addf(&text, "%d,", k);
    text_add_bytes(&text, NULL, 0);
    assert_int_equal(strlen(text_get(&text)), text.size);
    assert_int_equal(text.size, 10 * 2 + 90 * 3 + 900 * 4);
    char *taken = text_take(&text);
    assert_memory_equal(taken, "0,1,2,", 6);
    assert_string_equal(text_get(&text), "");
    mem_free(taken);
    taken = text_take(&text); /* of an empty one: empty, not NULL */
    assert_string_equal(taken, "");
    mem_free(taken);
}

static enum err_code build(struct err *err)
{
    struct text text;
    text_init(&text);
    for (int k = 0; k < 200; k++) {
        json_add_int(&text, "key", k);
        text_addf(&text, " %s ", "more");
    }
    const bool has_failed = text_failed(&text);
    char *taken = text_take(&text);
    assert_int_equal(taken == NULL, has_failed);
    text_release(&text);
    mem_free(taken);
    return has_failed ? err_nomem(err, "text") : ERR_OK;
}

static void test_text__strings_with_zero_bytes(void **state)
{
    (void)state;
    struct text text;
    text_init(&text);
    json_open(&text, NULL, '[');
    json_add_bytes(&text, NULL, "a\0b", 3);
    json_add_bytes(&text, NULL, NULL, 0);
    json_close(&text, ']');
    assert_string_equal(text_get(&text), "[\"a\\u0000b\",\"\"]");
    text_release(&text);
}

static void test_text__memory_ends(void **state)
{
    (void)state;
    assert_true(fail_each(FAULT_MALLOC, ENOMEM, ERR_NOMEM, build) >= 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text__json_commas_and_escapes),
        cmocka_unit_test(test_text__numbers_read_back),
        cmocka_unit_test(test_text__grows),
        cmocka_unit_test(test_text__strings_with_zero_bytes),
        cmocka_unit_test(test_text__memory_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
