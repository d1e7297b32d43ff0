/* parts_test.c: base64, 16-bit floats, members of JSON objects, sessions. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/base64.h"
#include "base/mem.h"
#include "milvus2/half.h"
#include "milvus2/object.h"
#include "milvus2/sessions.h"

static void test_base64__round_trip(void **state)
{
    uint8_t bytes[40], back[48];
    char text[BASE64_SIZE(sizeof bytes) + 1];
    size_t size;
    (void)state;
    for (size_t k = 0; k < sizeof bytes; k++)
        bytes[k] = (uint8_t)(k * 37 + 11);
    for (size_t n = 0; n <= sizeof bytes; n++) {
        base64_encode(bytes, n, text);
        assert_int_equal(strlen(text), BASE64_SIZE(n));
        assert_true(base64_decode(text, strlen(text), back, &size));
        assert_int_equal(size, n);
        assert_memory_equal(back, bytes, n);
    }
    base64_encode((const uint8_t *)"root:Milvus", 11, text);
    assert_string_equal(text, "cm9vdDpNaWx2dXM=");
}

static void test_base64__refuses_others(void **state)
{
    static const char *const cases[] = {"a", "ab=c", "a===", "ab!d", "abcde", "=", "ab=", "abc=="};
    uint8_t out[16];
    size_t size;
    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++)
        assert_false(base64_decode(cases[k], strlen(cases[k]), out, &size));
    assert_true(base64_decode("ab", 2, out, &size) && size == 1);
}

static void test_half__every_value_returns(void **state)
{
    (void)state;
    for (unsigned k = 0; k < 65536; k++) {
        const float f16 = half_f16_to_float((uint16_t)k), bf16 = half_bf16_to_float((uint16_t)k);
        if (!isnan(f16))
            assert_int_equal(half_f16_from_float(f16), k);
        if (!isnan(bf16))
            assert_int_equal(half_bf16_from_float(bf16), k);
    }
    assert_int_equal(half_f16_from_float(1.0F), 0x3c00);
    assert_int_equal(half_f16_from_float(1e9F), 0x7c00);
    assert_int_equal(half_f16_from_float(-65520.0F), 0xfc00);
    assert_int_equal(half_f16_from_float(1e-9F), 0);
    assert_int_equal(half_bf16_from_float(1.0F), 0x3f80);
}

static void test_object__members(void **state)
{
    static const char text[] =
        " { \"a\" : 1 , \"b\\\"c\":{\"x\":[1,\"}\"]},\"d\":\"},{\\\"\" ,\"e\":null}";
    static const char *const keys[] = {"a", "b\\\"c", "d", "e"};
    static const char *const values[] = {"1", "{\"x\":[1,\"}\"]}", "\"},{\\\"\"", "null"};
    struct object_member member;
    size_t at = 0, count = 0;
    (void)state;
    while (object_next((struct bytes){(const uint8_t *)text, sizeof text - 1}, &at, &member)) {
        assert_true(count < 4);
        assert_int_equal(member.key.size, strlen(keys[count]));
        assert_memory_equal(member.key.data, keys[count], member.key.size);
        assert_int_equal(member.value.size, strlen(values[count]));
        assert_memory_equal(member.value.data, values[count], member.value.size);
        count++;
    }
    assert_int_equal(count, 4);
    at = 0;
    assert_false(object_next((struct bytes){(const uint8_t *)"{}", 2}, &at, &member));
}

static void test_object__damaged_text_ends(void **state)
{
    static const char text[] = "{\"a\":[{\"b\":\"c\\";
    (void)state;
    for (size_t size = 0; size < sizeof text; size++) {
        struct object_member member;
        size_t at = 0, count = 0;
        while (object_next((struct bytes){(const uint8_t *)text, size}, &at, &member))
            assert_true(++count < sizeof text);
        assert_true(at <= size);
    }
}

static void test_sessions__ties(void **state)
{
    struct err err;
    struct sessions *sessions = NULL;
    uint64_t hashes[] = {1, 2, 3};
    const struct session_ties ties = {.bound = 0.5F, .hashes = hashes, .count = 3};
    struct session_ties back;
    char token[SESSION_TOKEN_SIZE], other[SESSION_TOKEN_SIZE];
    (void)state;
    assert_int_equal(sessions_open(&sessions, &err), ERR_OK);
    sessions_make_token(token);
    sessions_make_token(other);
    assert_int_equal(strlen(token), 36);
    assert_int_equal(token[14], '4');
    assert_string_not_equal(token, other);
    assert_false(sessions_get(sessions, token, &back));
    sessions_put(sessions, token, &ties);
    assert_true(sessions_get(sessions, token, &back));
    assert_int_equal(back.count, 3);
    assert_memory_equal(back.hashes, hashes, sizeof hashes);
    mem_free(back.hashes);
    for (size_t k = 0; k < SESSIONS_MAX; k++) { /* the oldest is forgotten */
        sessions_make_token(other);
        sessions_put(sessions, other, &ties);
    }
    assert_false(sessions_get(sessions, token, &back));
    sessions_close(sessions);
}

static void test_sessions__compactions(void **state)
{
    struct err err;
    struct sessions *sessions = NULL;
    bool is_done = true;
    size_t plans;
    (void)state;
    assert_int_equal(sessions_open(&sessions, &err), ERR_OK);
    const int64_t id = sessions_add_compaction(sessions);
    assert_true(sessions_compaction(sessions, id, &is_done, &plans));
    assert_false(is_done);
    sessions_end_compaction(sessions, id, 2);
    assert_true(sessions_compaction(sessions, id, &is_done, &plans));
    assert_true(is_done && plans == 2);
    assert_false(sessions_compaction(sessions, id + 1, &is_done, &plans));
    assert_false(sessions_compaction(sessions, 0, &is_done, &plans));
    sessions_close(sessions);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base64__round_trip),
        cmocka_unit_test(test_base64__refuses_others),
        cmocka_unit_test(test_half__every_value_returns),
        cmocka_unit_test(test_object__members),
        cmocka_unit_test(test_object__damaged_text_ends),
        cmocka_unit_test(test_sessions__ties),
        cmocka_unit_test(test_sessions__compactions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
