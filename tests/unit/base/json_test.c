/* json_test.c: reading JSON. */
#include <errno.h>

#include "base/json.h"
#include "scratch.h"

static struct json *parse(const char *text)
{
    struct json *document = NULL;
    struct err err;
    const enum err_code code = js_parse(text, strlen(text), &document, &err);
    assert_int_equal(code, ERR_OK);
    return document;
}

static void refuse(const char *text)
{
    struct json *document = NULL;
    struct err err;
    assert_int_equal(js_parse(text, strlen(text), &document, &err), ERR_CORRUPT);
    assert_null(document);
}

static void test_json__values(void **state)
{
    (void)state;
    struct json *d = parse("{\"i\":-9223372036854775808,\"d\":2.5,\"s\":\"t\\u00e4g\",\"t\":true,"
                           "\"f\":false,\"n\":null,\"a\":[1,2,3],\"o\":{\"x\":1}}");
    assert_true(js_is_object(d));
    assert_true(js_int(js_get(d, "i"), 0) == INT64_MIN);
    assert_true(js_number(js_get(d, "d"), 0) == 2.5);
    assert_string_equal(js_string(js_get(d, "s"), ""), "t\xc3\xa4g");
    assert_true(js_is_true(js_get(d, "t")));
    assert_false(js_is_true(js_get(d, "f")));
    assert_false(js_is_true(js_get(d, "n")));
    assert_int_equal(js_size(js_get(d, "a")), 3);
    assert_int_equal(js_int(js_at(js_get(d, "a"), 2), 0), 3);
    assert_null(js_at(js_get(d, "a"), 3));
    assert_int_equal(js_int(js_get(js_get(d, "o"), "x"), 0), 1);
    js_free(d);
    js_free(NULL);
}

/* What is absent or of another kind gives the fallback, never a crash. */
static void test_json__fallbacks(void **state)
{
    (void)state;
    struct json *d = parse("{\"s\":\"7\",\"i\":7}");
    assert_int_equal(js_int(js_get(d, "s"), -1), -1);
    assert_string_equal(js_string(js_get(d, "i"), "no"), "no");
    assert_true(js_number(js_get(d, "i"), 0) == 7.0);
    assert_null(js_get(js_get(d, "i"), "x"));
    assert_null(js_get(NULL, "x"));
    assert_null(js_at(NULL, 0));
    assert_int_equal(js_size(d), 0);
    assert_int_equal(js_int(NULL, 5), 5);
    assert_false(js_is_object(NULL) || js_is_array(NULL) || js_is_int(NULL) || js_is_number(NULL) ||
                 js_is_string(NULL) || js_is_true(NULL));
    js_free(d);
}

static void test_json__what_is_refused(void **state)
{
    (void)state;
    refuse("");
    refuse("{");
    refuse("{\"a\":1,\"a\":2}");
    refuse("[1,]");
    refuse("\"\xff\"");
    refuse("1 2");
    refuse("[1e999]");
    refuse("99999999999999999999");
    struct json *document = NULL;
    struct err err;
    assert_int_equal(js_parse("{\n\"a\": nul}", 11, &document, &err), ERR_CORRUPT);
    assert_non_null(strstr(err.msg, "line 2"));
}

static void test_json__depth(void **state)
{
    (void)state;
    char text[4 * JSON_DEPTH_MAX];
    memset(text, '[', JSON_DEPTH_MAX);
    memset(text + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
    text[2 * JSON_DEPTH_MAX] = '\0';
    js_free(parse(text));
    memset(text, '[', JSON_DEPTH_MAX + 1);
    memset(text + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
    text[2 * JSON_DEPTH_MAX + 2] = '\0';
    refuse(text);
    /* Brackets inside strings do not count, nor does an escaped quote end the string. */
    js_free(parse(
        "\"\\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\""));
}

static enum err_code parse_and_dump(struct err *err)
{
    const char text[] = "{\"b\": [1, 2.5, \"x\"], \"a\": {\"n\": null}}";
    struct json *document = NULL;
    enum err_code code = js_parse(text, sizeof text - 1, &document, err);
    if (code != ERR_OK)
        return code;
    char *dump = js_dump(document);
    js_free(document);
    if (dump == NULL)
        return err_nomem(err, "dump");
    assert_string_equal(dump, "{\"a\":{\"n\":null},\"b\":[1,2.5,\"x\"]}");
    mem_free(dump);
    return ERR_OK;
}

static void test_json__memory_ends(void **state)
{
    (void)state;
    size_t failed = 0;
    for (size_t n = 0;; n++) {
        struct err err = {0};
        fault_arm(FAULT_MALLOC, n, ENOMEM);
        const enum err_code code = parse_and_dump(&err);
        if (!fault_disarm()) {
            assert_int_equal(code, ERR_OK);
            break;
        }
        /* The parser does not always know why it failed; it must only never pretend success. */
        assert_true(code == ERR_NOMEM || code == ERR_CORRUPT);
        failed++;
    }
    assert_true(failed > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json__values),          cmocka_unit_test(test_json__fallbacks),
        cmocka_unit_test(test_json__what_is_refused), cmocka_unit_test(test_json__depth),
        cmocka_unit_test(test_json__memory_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
