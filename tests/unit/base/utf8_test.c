/* utf8_test.c: RFC 3629, its borders. */
#include "base/utf8.h"
#include "scratch.h"

static void test_utf8__valid(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "plain",
                                        "\x7f",
                                        "\xc2\x80",
                                        "\xdf\xbf",
                                        "\xe0\xa0\x80",
                                        "\xed\x9f\xbf",
                                        "\xee\x80\x80",
                                        "\xef\xbf\xbf",
                                        "\xf0\x90\x80\x80",
                                        "\xf4\x8f\xbf\xbf",
                                        "a\xe4\xb8\xad\xf0\x9f\x98\x80z"};
    for (size_t k = 0; k < sizeof texts / sizeof texts[0]; k++)
        assert_true(utf8_is_valid(texts[k], strlen(texts[k])));
    assert_true(utf8_is_valid("a\0b", 3));
}

static void test_utf8__invalid(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "\x80",             /* a continuation alone */
        "\xc0\x80",         /* overlong */
        "\xc1\xbf",         /* overlong */
        "\xc3",             /* cut */
        "\xc3(",            /* no continuation */
        "\xe0\x9f\xbf",     /* overlong */
        "\xe4\xb8",         /* cut */
        "\xe4\xb8(",        /* no third byte */
        "\xed\xa0\x80",     /* surrogate */
        "\xf0\x8f\xbf\xbf", /* overlong */
        "\xf4\x90\x80\x80", /* past U+10FFFF */
        "\xf5\x80\x80\x80",
        "\xff",
        "\xf0\x9f\x98",
        "abc\xe9",
    };
    for (size_t k = 0; k < sizeof texts / sizeof texts[0]; k++)
        assert_false(utf8_is_valid(texts[k], strlen(texts[k])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_utf8__valid),
                                       cmocka_unit_test(test_utf8__invalid)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
