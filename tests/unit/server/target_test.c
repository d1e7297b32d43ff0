/* target_test.c: request targets and lists of pairs. */
#include "scratch.h"
#include "server/target.h"

static struct bytes text_of(const char *text)
{
    return (struct bytes){(const uint8_t *)text, strlen(text)};
}

static void test_target__paths(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"/", "/"},
        {"/a/b", "/a/b"},
        {"/a%20b%2Fc", "/a b/c"},
        {"/a+b", "/a+b"},
        {"/%c3%A4", "/\xc3\xa4"},
        {"/a?b=/c", "/a"},
        {"http://host:1/a?b", "/a"},
        {"https://host", "/"},
        {"*", "*"},
        {"", ""},
        {"?x", ""},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        char *path = NULL;
        struct pairs query = {0};
        struct err err;
        assert_int_equal(target_parse(text_of(cases[k][0]), &path, &query, &err), ERR_OK);
        assert_string_equal(path, cases[k][1]);
        mem_free(path);
        pairs_release(&query);
    }
}

static void test_target__broken_paths(void **state)
{
    (void)state;
    static const char *const cases[] = {"/%", "/%4", "/%zz", "/%00", "/a%0", "/%-1", "/% 1"};
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        char *path = NULL;
        struct pairs query = {0};
        struct err err;
        assert_int_equal(target_parse(text_of(cases[k]), &path, &query, &err), ERR_INVALID);
        assert_null(path);
        pairs_release(&query);
    }
    /* a zero byte as it is */
    char *path = NULL;
    struct pairs query = {0};
    struct err err;
    const struct bytes zero = {(const uint8_t *)"/a\0b", 4};
    assert_int_equal(target_parse(zero, &path, &query, &err), ERR_INVALID);
}

static void test_target__queries(void **state)
{
    (void)state;
    char *path = NULL;
    struct pairs query = {0};
    struct err err;
    assert_int_equal(
        target_parse(text_of("/p?a=1&b=x%26y+z&c&=d&a=2&&e=%zz&f=%00g&A=3"), &path, &query, &err),
        ERR_OK);
    assert_string_equal(pairs_find(&query, "a", true), "1");
    assert_string_equal(pairs_find(&query, "A", true), "3");
    assert_string_equal(pairs_find(&query, "b", true), "x&y z");
    assert_string_equal(pairs_find(&query, "c", true), "");
    assert_null(pairs_find(&query, "d", true));
    assert_null(pairs_find(&query, "", true));
    assert_string_equal(pairs_find(&query, "e", true), "%zz");
    assert_string_equal(pairs_find(&query, "f", true), "%00g");
    mem_free(path);
    pairs_release(&query);
}

static void test_target__many_pairs(void **state)
{
    (void)state;
    struct pairs pairs = {0};
    char name[32];
    for (int k = 0; k < 1000; k++) {
        (void)snprintf(name, sizeof name, "Name-%d", k);
        assert_true(pairs_add(&pairs, text_of(name), text_of("value")));
    }
    assert_string_equal(pairs_find(&pairs, "nAME-999", false), "value");
    assert_null(pairs_find(&pairs, "nAME-999", true));
    const char *found;
    const char *value;
    int count = 0;
    for (size_t at = 0; pairs_next(&pairs, &at, &found, &value);)
        count++;
    assert_int_equal(count, 1000);
    pairs_release(&pairs);
}

static enum err_code parse(struct err *err)
{
    char *path = NULL;
    struct pairs query = {0};
    const enum err_code code = target_parse(text_of("/path?a=b"), &path, &query, err);
    mem_free(path);
    pairs_release(&query);
    return code;
}

static void test_target__memory_ends(void **state)
{
    (void)state;
    assert_int_equal(fail_each(FAULT_MALLOC, 12, ERR_NOMEM, parse), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_target__paths),       cmocka_unit_test(test_target__broken_paths),
        cmocka_unit_test(test_target__queries),     cmocka_unit_test(test_target__many_pairs),
        cmocka_unit_test(test_target__memory_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
