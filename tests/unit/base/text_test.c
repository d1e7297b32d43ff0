/* text_test.c: the string builder and its JSON. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"

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
    json_close(&text, ']');
    json_add_string(&text, "latin1", "\xe9");
    json_add_string(&text, "utf8", "\xc3\xa9");
    json_close(&text, '}');
    assert_false(text_failed(&text));
    assert_string_equal(text_get(&text),
                        "{\"a\\\"b\":\"x\\ny\\\\\",\"list\":[-9223372036854775808,"
                        "18446744073709551615,true,null,0.1],\"latin1\":\"\\u00e9\","
                        "\"utf8\":\"\xc3\xa9\"}");
    text_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_text__json_commas_and_escapes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
