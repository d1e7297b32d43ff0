/* parts_test.c: the parts below the language: patterns, words, JSON texts, sets, loops. */
#include <math.h>
#include <stdlib.h>

#include "rows.h"

#include "filter/jscan.h"

static uint64_t random_state = 1;

static size_t random_below(size_t limit)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (size_t)((random_state >> 33) % limit);
}

static bool is_like(const char *text, const char *pattern)
{
    struct arena arena;
    struct like like;
    arena_init(&arena, 1 << 20);
    assert_true(like_build(&like, &arena, pattern, strlen(pattern)));
    const bool found = like_match(&like, (const uint8_t *)text, strlen(text));
    arena_release(&arena);
    return found;
}

/* The definition: one character after another, every way for %. */
static bool is_like_naive(const char *text, const char *pattern)
{
    if (*pattern == '\0')
        return *text == '\0';
    if (*pattern == '%')
        return is_like_naive(text, pattern + 1) ||
               (*text != '\0' && is_like_naive(text + 1, pattern));
    if (*text == '\0')
        return false;
    if (*pattern == '_') {
        text++;
        while (((uint8_t)*text & 0xC0) == 0x80)
            text++;
        return is_like_naive(text, pattern + 1);
    }
    if (*pattern == '\\' && pattern[1] != '\0')
        pattern++;
    return *text == *pattern && is_like_naive(text + 1, pattern + 1);
}

static void append(char *to, const char *piece)
{
    memcpy(to + strlen(to), piece, strlen(piece) + 1);
}

static void test_like__as_defined(void **state)
{
    (void)state;
    static const char *const pieces[] = {"a", "b", "%", "_", "\\%", "\\_", "\\\\", "\xC3\xA4"};
    static const char *const letters[] = {"a", "b", "%", "_", "\\", "\xC3\xA4"};
    for (size_t i = 0; i < 200000; i++) {
        char pattern[64] = "";
        char text[64] = "";
        for (size_t k = random_below(8); k > 0; k--)
            append(pattern, pieces[random_below(8)]);
        for (size_t k = random_below(8); k > 0; k--)
            append(text, letters[random_below(6)]);
        if (is_like(text, pattern) != is_like_naive(text, pattern))
            fail_msg("%s like %s", text, pattern);
    }
}

static void test_like__characters_are_utf8(void **state)
{
    (void)state;
    assert_true(is_like("\xC3\xA4", "_"));
    assert_true(is_like("x\xF0\x9F\x98\x80y", "x_y"));
    assert_true(is_like("\xF0\x9F\x98\x80\xC3\xA4", "%__"));
    assert_false(is_like("\xC3\xA4", "__"));
    assert_true(is_like("a\\", "a\\"));
}

static bool matches(const char *text, const char *wanted, size_t slop, bool is_phrase)
{
    struct arena arena;
    struct err err;
    struct words words = {.slop = slop};
    uint16_t places[256];
    arena_init(&arena, 1 << 20);
    assert_int_equal(words_build(&words, &arena, wanted, strlen(wanted), &err), ERR_OK);
    assert_true(words_room(strlen(text)) <= sizeof places);
    const bool found = is_phrase ? words_phrase(&words, (const uint8_t *)text, strlen(text), places)
                                 : words_match(&words, (const uint8_t *)text, strlen(text));
    arena_release(&arena);
    return found;
}

static void test_words__any(void **state)
{
    (void)state;
    assert_true(matches("The quick brown fox", "QUICK", 0, false));
    assert_true(matches("The quick brown fox", "dog, fox!", 0, false));
    assert_false(matches("The quick brown fox", "qui", 0, false));
    assert_false(matches("The quick brown fox", "", 0, false));
    assert_false(matches("", "x", 0, false));
    assert_true(matches("covid-19", "19", 0, false));
    assert_true(matches("\xC3\x84RGER im B\xC3\xBCro", "\xC3\xA4rger", 0, false));
    assert_true(matches("\xD0\x9C\xD0\x98\xD0\xA0", "\xD0\xBC\xD0\xB8\xD1\x80", 0, false));
    assert_true(matches("\xE4\xB8\xAD\xE6\x96\x87\xE5\xAD\x97", "\xE6\x96\x87", 0, false));
    assert_false(matches("a\xE2\x80\x94"
                         "b",
                         "ab", 0, false));
    assert_true(matches("a\xE2\x80\x94"
                        "b",
                        "b", 0, false));
    assert_true(matches("a \xFF"
                        "b",
                        "a", 0, false)); /* a byte that is no character */
}

static void test_words__phrase(void **state)
{
    (void)state;
    assert_true(matches("the quick brown fox", "quick brown", 0, true));
    assert_false(matches("the quick brown fox", "quick fox", 0, true));
    assert_true(matches("the quick brown fox", "quick fox", 1, true));
    assert_false(matches("the quick brown fox", "brown quick", 1, true));
    assert_true(matches("the quick brown fox", "brown quick", 2, true));
    assert_false(matches("a b", "a a", 5, true));
    assert_true(matches("a b a", "a a", 1, true));
    assert_true(matches("x a b c", "A, B; c", 0, true));
    assert_false(matches("x a b c", "", 3, true));
    assert_false(matches("", "a", 3, true));
    assert_true(matches("b a", "a b", 2, true));
    assert_false(matches("a x x x b", "a b", 2, true));
    assert_true(matches("a x x x b", "a b", 3, true));
}

static void test_words__too_many(void **state)
{
    (void)state;
    struct arena arena;
    struct err err;
    struct words words = {0};
    char text[2 * WORDS_COUNT_MAX + 3];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = i % 2 == 0 ? 'a' : ' ';
    arena_init(&arena, 1 << 20);
    assert_int_equal(words_build(&words, &arena, text, 2 * WORDS_COUNT_MAX, &err), ERR_OK);
    assert_int_equal(words_build(&words, &arena, text, sizeof text, &err), ERR_INVALID);
    arena_release(&arena);
}

static struct scalar json_at(const char *text, const char *key, bool *escapes)
{
    const struct step step = {key, strlen(key), SIZE_MAX, strpbrk(key, "\"\\\n") == NULL};
    struct jvalue value;
    *escapes = false;
    if (!jscan_find((const uint8_t *)text, strlen(text), &step, 1, &value))
        return (struct scalar){.kind = SCALAR_NONE};
    return jscan_scalar(&value, escapes);
}

static void test_jscan__numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum scalar_kind kind;
        int64_t integer;
        double real;
    } numbers[] = {
        {"0", SCALAR_INT, 0, 0},
        {"-0", SCALAR_INT, 0, 0},
        {"-17", SCALAR_INT, -17, 0},
        {"9223372036854775807", SCALAR_INT, INT64_MAX, 0},
        {"-9223372036854775808", SCALAR_INT, INT64_MIN, 0},
        {"9223372036854775808", SCALAR_REAL, 0, 9223372036854775808.0},
        {"-9223372036854775809", SCALAR_REAL, 0, -9223372036854775808.0},
        {"123456789012345678901234567890", SCALAR_REAL, 0, 123456789012345678901234567890.0},
        {"1.5", SCALAR_REAL, 0, 1.5},
        {"-0.1", SCALAR_REAL, 0, -0.1},
        {"0.30000000000000004", SCALAR_REAL, 0, 0.30000000000000004},
        {"3.141592653589793", SCALAR_REAL, 0, 3.141592653589793},
        {"1e3", SCALAR_REAL, 0, 1000},
        {"1.5E-3", SCALAR_REAL, 0, 0.0015},
        {"5e-324", SCALAR_REAL, 0, 5e-324},
        {"1e999", SCALAR_NONE, 0, 0},
        {"-", SCALAR_NONE, 0, 0},
        {"1.", SCALAR_REAL, 0, 1},
        {"1x", SCALAR_NONE, 0, 0},
        {"--1", SCALAR_NONE, 0, 0},
        {"null", SCALAR_NONE, 0, 0},
        {"[1]", SCALAR_NONE, 0, 0},
        {"{}", SCALAR_NONE, 0, 0},
        {"true", SCALAR_BOOL, 0, 0},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        char text[128];
        bool escapes;
        (void)snprintf(text, sizeof text, "{\"x\": \"1,}\" , \"k\" : %s }", numbers[i].text);
        const struct scalar scalar = json_at(text, "k", &escapes);
        if (scalar.kind != numbers[i].kind ||
            (scalar.kind == SCALAR_INT && scalar.integer != numbers[i].integer) ||
            (scalar.kind == SCALAR_REAL && scalar.real != numbers[i].real))
            fail_msg("%s", numbers[i].text);
    }
}

static void test_jscan__keys(void **state)
{
    (void)state;
    bool escapes;
    assert_int_equal(json_at("{\"a\":{\"k\":1},\"k\":2}", "k", &escapes).integer, 2);
    assert_int_equal(json_at("{\"a\":[{\"k\":1},\"}\",\"\\\"\"],\"k\":3}", "k", &escapes).integer,
                     3);
    assert_int_equal(json_at("{\"\\u006b\":4}", "k", &escapes).integer, 4);
    assert_int_equal(json_at("{\"k\\n\":5}", "k\n", &escapes).integer, 5);
    assert_int_equal(json_at("{\"\\ud83d\\ude00\":6}", "\xF0\x9F\x98\x80", &escapes).integer, 6);
    assert_int_equal(json_at("{\"k\":1,\"k\":2}", "k", &escapes).integer, 1);
    assert_int_equal(json_at("{\"k\\\"k\":1,\"k\":2}", "k\"k", &escapes).integer, 1);
    assert_int_equal(json_at("{\"k\\\\\":1,\"k\":2}", "k\\", &escapes).integer, 1);
    assert_int_equal(json_at("{\"k\\\\\":1,\"k\":2}", "k", &escapes).integer, 2);
    assert_int_equal(json_at("{\"kk\":1,\"\":7}", "", &escapes).integer, 7);
    assert_int_equal(json_at(" \n{ \"k\"\t:\r8 }", "k", &escapes).integer, 8);
    assert_int_equal(json_at("{\"kk\":1}", "k", &escapes).kind, SCALAR_NONE);
    assert_int_equal(json_at("[1]", "k", &escapes).kind, SCALAR_NONE);
    assert_int_equal(json_at("", "k", &escapes).kind, SCALAR_NONE);
}

static void test_jscan__strings(void **state)
{
    (void)state;
    bool escapes;
    struct scalar scalar = json_at("{\"k\":\"a long enough text\"}", "k", &escapes);
    assert_int_equal(scalar.size, 18);
    assert_false(escapes);
    scalar = json_at("{\"k\":\"\\u00e4\\\\\\\"\\/\\b\\f\\n\\r\\t\\ud83d\\ude00\\ud83d.\"}", "k",
                     &escapes);
    assert_true(escapes);
    uint8_t text[128];
    const size_t size = jscan_decode(scalar.data, scalar.size, text);
    const char expected[] = "\xC3\xA4\\\"/\b\f\n\r\t\xF0\x9F\x98\x80\xED\xA0\xBD.";
    assert_int_equal(size, sizeof expected - 1);
    assert_memory_equal(text, expected, size);
}

/* Every cut and every changed byte of a document: the sanitizers see a byte read beyond it. */
static void test_jscan__damaged(void **state)
{
    (void)state;
    static const char whole[] = "{\"a\":[1,2,{\"b\":\"x\\u0041\\\\\"}],\"k\":-1.5e3,\"l\":[[],{}]}";
    static const struct step steps[] = {
        {"a", 1, SIZE_MAX, true}, {"2", 1, 2, true}, {"b", 1, SIZE_MAX, false}};
    for (size_t size = 0; size < sizeof whole; size++) {
        uint8_t *text = mem_alloc(size, 1);
        assert_non_null(text);
        for (size_t at = 0; at < size; at++) {
            for (size_t changed = 0; changed < 8; changed++) {
                memcpy(text, whole, size);
                text[at] = (uint8_t) "\"\\{}[],\xFF"[changed];
                struct jvalue value;
                bool escapes;
                uint8_t decoded[sizeof whole];
                for (size_t count = 0; count <= 3; count++) {
                    if (!jscan_find(text, size, steps, count, &value))
                        continue;
                    const struct scalar scalar = jscan_scalar(&value, &escapes);
                    if (scalar.kind == SCALAR_STRING)
                        assert_true(jscan_decode(scalar.data, scalar.size, decoded) <= scalar.size);
                    for (bool ok = jscan_first(&value, &value); ok; ok = jscan_next(&value))
                        (void)jscan_scalar(&value, &escapes);
                }
            }
        }
        mem_free(text);
    }
}

static size_t set_at(const struct set *set, struct scalar scalar)
{
    return set_find(set, &scalar);
}

static void test_set__finds_by_value(void **state)
{
    (void)state;
    const struct filter_value items[] = {
        {.kind = FILTER_VALUE_INT, .integer = 1},
        {.kind = FILTER_VALUE_INT, .integer = INT64_MIN},
        {.kind = FILTER_VALUE_DOUBLE, .real = 2.0},
        {.kind = FILTER_VALUE_DOUBLE, .real = 0.5},
        {.kind = FILTER_VALUE_DOUBLE, .real = (double)NAN},
        {.kind = FILTER_VALUE_DOUBLE, .real = -0.0},
        {.kind = FILTER_VALUE_STRING, .string = "1", .size = 1},
        {.kind = FILTER_VALUE_STRING, .string = "", .size = 0},
        {.kind = FILTER_VALUE_STRING, .string = "1", .size = 1},
        {.kind = FILTER_VALUE_BOOL, .boolean = true},
        {.kind = FILTER_VALUE_ARRAY, .count = 0},
        {.kind = FILTER_VALUE_INT, .integer = 1},
    };
    struct arena arena;
    struct set set;
    arena_init(&arena, 1 << 20);
    assert_true(set_build(&set, &arena, items, sizeof items / sizeof items[0]));
    assert_int_equal(set.count, 9); /* NaN is kept and found by nothing */
    assert_int_not_equal(set_at(&set, (struct scalar){.kind = SCALAR_INT, .integer = 1}),
                         SET_NOT_FOUND);
    assert_int_equal(set_at(&set, (struct scalar){.kind = SCALAR_REAL, .real = 1.0}),
                     set_at(&set, (struct scalar){.kind = SCALAR_INT, .integer = 1}));
    assert_true(set_has_integer(&set, 2) && set_has_integer(&set, INT64_MIN));
    assert_true(set_has_integer(&set, 0) && set_has_real(&set, 0.0) && set_has_real(&set, 0.5));
    assert_false(set_has_integer(&set, 3));
    assert_false(set_has_real(&set, (double)NAN));
    assert_false(set_has_real(&set, 1e300));
    assert_true(set_has_string(&set, (const uint8_t *)"1", 1));
    assert_true(set_has_string(&set, (const uint8_t *)"", 0));
    assert_false(set_has_string(&set, (const uint8_t *)"2", 1));
    assert_int_equal(set_at(&set, (struct scalar){.kind = SCALAR_BOOL, .boolean = false}),
                     SET_NOT_FOUND);
    assert_int_equal(set_at(&set, (struct scalar){.kind = SCALAR_NONE}), SET_NOT_FOUND);
    arena_release(&arena);
}

static void test_set__dense_and_sparse(void **state)
{
    (void)state;
    for (int64_t step = 1; step < INT64_C(1) << 40; step *= 37) {
        struct filter_value items[1000];
        for (int64_t i = 0; i < 1000; i++)
            items[i] = (struct filter_value){.kind = FILTER_VALUE_INT, .integer = (i - 500) * step};
        struct arena arena;
        struct set set;
        arena_init(&arena, 1 << 20);
        assert_true(set_build(&set, &arena, items, 1000));
        for (int64_t i = -600; i < 600; i++) {
            assert_int_equal(set_has_integer(&set, i * step), i >= -500 && i < 500);
            assert_int_equal(set_has_integer(&set, i * step + 1),
                             step == 1 && i >= -501 && i < 499);
        }
        arena_release(&arena);
    }
}

static void test_loops__all_agree(void **state)
{
    (void)state;
    const struct loops *loops[LOOPS_TABLES_MAX];
    const size_t count = loops_list(loops);
    int64_t values[300];
    double reals[300];
    for (size_t i = 0; i < 300; i++) {
        values[i] = (int64_t)random_below(1 << 20) * (INT64_C(1) << 43) + (int64_t)i;
        reals[i] = i % 7 == 0 ? (double)NAN : (double)values[i];
    }
    for (size_t size = 0; size <= 300; size++) {
        for (size_t k = 0; k < count; k++) {
            uint64_t bits[5] = {0};
            loops[k]->range_8(values, size, -5, INT64_C(1) << 60, bits);
            for (size_t i = 0; i < 64 * bitmap_words(size); i++)
                assert_int_equal(bitmap_get(bits, i),
                                 i < size && values[i] >= -5 && values[i] <= INT64_C(1) << 60);
            loops[k]->range_double(reals, size, -5, 0x1p60, bits);
            for (size_t i = 0; i < 64 * bitmap_words(size); i++)
                assert_int_equal(bitmap_get(bits, i),
                                 i < size && reals[i] >= -5 && reals[i] <= 0x1p60);
        }
    }
}

static void test_loops__environment(void **state)
{
    (void)state;
    const struct loops *loops[LOOPS_TABLES_MAX];
    const size_t count = loops_list(loops);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(setenv("GODWIT_ISA", loops[i]->isa, 1), 0);
        assert_ptr_equal(loops_best(), loops[i]);
    }
    assert_int_equal(setenv("GODWIT_ISA", "none", 1), 0);
    assert_ptr_equal(loops_best(), loops[count - 1]);
    assert_int_equal(unsetenv("GODWIT_ISA"), 0);
    assert_ptr_equal(loops_best(), loops[count - 1]);
}

static void test_loops__find(void **state)
{
    (void)state;
    const struct loops *loops[LOOPS_TABLES_MAX];
    const size_t count = loops_list(loops);
    for (size_t round = 0; round < 20000; round++) {
        const size_t size = random_below(300);
        const size_t needle_size = 1 + random_below(5);
        uint8_t text[300];
        uint8_t needle[5];
        for (size_t i = 0; i < size; i++)
            text[i] = (uint8_t)('a' + random_below(2 + round % 3));
        for (size_t i = 0; i < needle_size; i++)
            needle[i] = (uint8_t)('a' + random_below(2 + round % 3));
        const uint8_t *expected = memmem(text, size, needle, needle_size);
        for (size_t k = 0; k < count; k++)
            assert_int_equal(loops[k]->find(text, size, needle, needle_size),
                             expected != NULL ? (size_t)(expected - text) : SIZE_MAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_like__as_defined),
        cmocka_unit_test(test_like__characters_are_utf8),
        cmocka_unit_test(test_words__any),
        cmocka_unit_test(test_words__phrase),
        cmocka_unit_test(test_words__too_many),
        cmocka_unit_test(test_jscan__numbers),
        cmocka_unit_test(test_jscan__keys),
        cmocka_unit_test(test_jscan__strings),
        cmocka_unit_test(test_jscan__damaged),
        cmocka_unit_test(test_set__finds_by_value),
        cmocka_unit_test(test_set__dense_and_sparse),
        cmocka_unit_test(test_loops__all_agree),
        cmocka_unit_test(test_loops__environment),
        cmocka_unit_test(test_loops__find),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
