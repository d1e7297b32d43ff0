/* whole_test.c: a filter as a whole: keys, limits, blocks that need not be read, places in a
 * column, matching words, drawing by chance, and memory that ends. */
#include <errno.h>

#include "rows.h"

static const struct field fields[] = {
    {.id = 100, .name = "id", .type = FIELD_INT64, .is_primary = true},
    {.id = 101, .name = "age", .type = FIELD_INT32, .is_nullable = true},
    {.id = 102,
     .name = "name",
     .type = FIELD_VARCHAR,
     .max_length = 64,
     .params = "{\"enable_match\": \"true\", \"max_length\": 64}"},
    {.id = 103, .name = "j", .type = FIELD_JSON},
    {.id = 104, .name = "price", .type = FIELD_FLOAT},
    {.id = 105, .name = "title", .type = FIELD_VARCHAR, .params = "{\"enable_match\": true}"},
    {.id = 106, .name = "plain", .type = FIELD_VARCHAR, .params = "{\"enable_match\": false}"},
};
static const struct schema schema = {.fields = fields, .field_count = 7, .primary = 0};
static const struct schema text_schema = {.fields = fields, .field_count = 7, .primary = 2};

static struct filter *compiled(const char *text, const struct schema *of)
{
    struct filter *filter = NULL;
    struct err err = {0};
    if (filter_compile(text, strlen(text), of, NULL, &filter, &err) != ERR_OK)
        fail_msg("%s: %s", text, err.msg);
    return filter;
}

static void test_keys__integers(void **state)
{
    (void)state;
    struct filter *filter = compiled("id in [5, 3, 5, -1] or id == 7 or (id == 3)", &schema);
    const struct filter_keys *keys = filter_get_keys(filter);
    const int64_t expected[] = {-1, 3, 5, 7};
    assert_non_null(keys);
    assert_int_equal(keys->count, 4);
    assert_memory_equal(keys->integers, expected, sizeof expected);
    assert_null(keys->strings);
    filter_free(filter);
    filter = compiled("id in []", &schema);
    assert_int_equal(filter_get_keys(filter)->count, 0);
    filter_free(filter);
}

static void test_keys__strings(void **state)
{
    (void)state;
    struct filter *filter = compiled("name in ['b', 'a', 'ab', 'a']", &text_schema);
    const struct filter_keys *keys = filter_get_keys(filter);
    assert_non_null(keys);
    assert_int_equal(keys->count, 3);
    assert_null(keys->integers);
    assert_int_equal(keys->strings[1].size, 2);
    assert_memory_equal(keys->strings[1].data, "ab", 2);
    filter_free(filter);
    filter = compiled("name == 'x'", &text_schema);
    assert_int_equal(filter_get_keys(filter)->count, 1);
    filter_free(filter);
}

static void test_keys__nothing_else(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "id != 5",
        "id > 5",
        "5 <= id <= 6",
        "id not in [5]",
        "not (id == 5)",
        "id == 5 and age == 1",
        "id == 5 or age == 1",
        "id + 1 == 5",
        "age == 5",
        "name == 'x'",
        "id in [1] and id in [2]",
        "random_sample(0.5)",
        "id == 5 and random_sample(0.5)",
        "",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct filter *filter = compiled(texts[i], &schema);
        if (filter_get_keys(filter) != NULL)
            fail_msg("%s", texts[i]);
        filter_free(filter);
    }
    struct filter *filter = compiled("name >= 'a' and name <= 'a'", &text_schema);
    assert_null(filter_get_keys(filter));
    filter_free(filter);
}

/* `count` times a piece between head and tail. */
static char *repeated(const char *head, const char *piece, size_t count, const char *tail)
{
    struct {
        char *data;
        size_t size;
    } text = {mem_alloc(strlen(head) + count * strlen(piece) + strlen(tail) + 1, 1), 0};
    assert_non_null(text.data);
    memcpy(text.data, head, strlen(head));
    text.size = strlen(head);
    for (size_t i = 0; i < count; i++, text.size += strlen(piece))
        memcpy(text.data + text.size, piece, strlen(piece));
    memcpy(text.data + text.size, tail, strlen(tail) + 1);
    return text.data;
}

static enum err_code compile_repeated(const char *head, const char *piece, size_t count,
                                      const char *tail)
{
    struct filter *filter = NULL;
    struct err err = {0};
    char *text = repeated(head, piece, count, tail);
    const enum err_code code = filter_compile(text, strlen(text), &schema, NULL, &filter, &err);
    mem_free(text);
    filter_free(filter);
    return code;
}

static void test_limits__nesting(void **state)
{
    (void)state;
    struct filter *filter = compiled("((((((((((((((((((((id == 1))))))))))))))))))))", &schema);
    filter_free(filter);
    assert_int_equal(compile_repeated("", "(", 1000000, ""), ERR_INVALID);
    assert_int_equal(compile_repeated("", "not ", 1000000, "id == 1"), ERR_INVALID);
    assert_int_equal(compile_repeated("id == ", "- ", 1000000, "1"), ERR_INVALID);
    assert_int_equal(compile_repeated("", "id == 1 and (age == 1 or (", 100000, ""), ERR_INVALID);
    assert_int_equal(compile_repeated("id in ", "[", 100000, ""), ERR_INVALID);
    assert_int_equal(compile_repeated("", "not ", 50, "id == 1"), ERR_OK);
    assert_int_equal(compile_repeated("id == 1", " + 1", 1, ""), ERR_OK);
}

static void test_limits__long_chains(void **state)
{
    (void)state;
    assert_int_equal(compile_repeated("id == 1", " or id == 2", 50000, ""), ERR_OK);
    assert_int_equal(compile_repeated("id == 1", " and age == 2", 50000, ""), ERR_OK);
    assert_int_equal(compile_repeated("id == 0", " + 1", 50000, ""), ERR_OK);
    assert_int_equal(compile_repeated("1 == 1", " and 2 == 2", 1000, ""), ERR_INVALID);
}

static void test_limits__long_lists(void **state)
{
    (void)state;
    assert_int_equal(compile_repeated("id in [", "1234567890123456789,", 16384, "]"), ERR_OK);
    assert_int_equal(compile_repeated("id in [", "1,", 1000000, "]"), ERR_OK);
    assert_int_equal(compile_repeated("name in [", "'abcdefghijklmnopqrst',", 100000, "]"), ERR_OK);
    assert_int_equal(compile_repeated("id in [", "1,", FILTER_TEXT_SIZE_MAX, "]"), ERR_INVALID);
    assert_int_equal(compile_repeated("id in [", "1,", FILTER_TEXT_SIZE_MAX / 2 - 8, "]"),
                     ERR_INVALID); /* too much memory */
}

static void test_limits__sentences_are_cut(void **state)
{
    (void)state;
    struct filter *filter = NULL;
    struct err err = {0};
    char *text = repeated("name == 1 and name == '", "\xC3\xA4", 5000, "'");
    assert_int_equal(filter_compile(text, strlen(text), &schema, NULL, &filter, &err), ERR_INVALID);
    assert_non_null(strstr(err.msg, "\xC3\xA4..., error: cannot cast"));
    mem_free(text);
    const char bad[] = "name == '\xFF'";
    assert_int_equal(filter_compile(bad, sizeof bad - 1, &schema, NULL, &filter, &err),
                     ERR_INVALID);
    assert_string_equal(err.msg, "cannot parse expression: (no text), error: the expression is not "
                                 "valid UTF-8");
    const char part[] = "name == 1 \xE4\xB8\xAD";
    assert_int_equal(filter_compile(part, sizeof part - 1, &schema, NULL, &filter, &err),
                     ERR_INVALID);
    assert_non_null(strstr(err.msg, "near \"\xE4\xB8\xAD\""));
}

static void test_limits__text_needs_no_end(void **state)
{
    (void)state;
    struct filter *filter = NULL;
    struct err err = {0};
    char *text = mem_alloc(7, 1); /* the sanitizers see a byte read beyond */
    assert_non_null(text);
    memcpy(text, "id == 1", 7);
    assert_int_equal(filter_compile(text, 7, &schema, NULL, &filter, &err), ERR_OK);
    mem_free(text);
    filter_free(filter);
}

static const char *const names[] = {"The quick brown fox", "jumps over", "the lazy dog; the fox",
                                    NULL, "QUICK-BROWN"};

static const char *words_selected(const char *text)
{
    struct column column = text_column(FIELD_VARCHAR, names, 5);
    const struct column *columns[7] = {[2] = &column, [5] = &column, [6] = &column};
    const char *answer = selected(text, &schema, NULL, columns, 5);
    text_column_free(&column);
    return answer;
}

static void test_match__words(void **state)
{
    (void)state;
    assert_string_equal(words_selected("text_match(name, 'quick DOG')"), "1 3 5");
    assert_string_equal(words_selected("not text_match(title, 'quick DOG')"), "2");
    assert_string_equal(words_selected("TEXT_MATCH(title, 'none')"), "");
    assert_string_equal(words_selected("phrase_match(name, 'quick brown')"), "1 5");
    assert_string_equal(words_selected("phrase_match(name, 'quick fox', 1)"), "1");
    assert_string_equal(words_selected("phrase_match(name, 'lazy fox', 2)"), "3");
    assert_string_equal(words_selected("phrase_match(name, 'lazy fox', 1)"), "");
}

static void test_match__refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "text_match(plain, 'x')",        "text_match(id, 'x')",
        "text_match(name, 1)",           "text_match(name)",
        "phrase_match(name, 'x', -1)",   "phrase_match(name, 'x', 1.5)",
        "phrase_match(name, 'x', 5000)", "phrase_match(name, 'x', 1, 2)",
        "text_match('x', 'x')",          "text_match(name, name)",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (strncmp(words_selected(texts[i]), "error: ", 7) != 0)
            fail_msg("%s", texts[i]);
}

static size_t drawn(const char *text, uint64_t seed, uint64_t base, uint64_t *bits)
{
    struct filter *filter = compiled(text, &schema);
    struct filter_scratch scratch = {0};
    struct err err;
    static int64_t ids[ROWS_MAX];
    for (size_t i = 0; i < ROWS_MAX; i++)
        ids[i] = (int64_t)i;
    const struct column column = {.type = FIELD_INT64, .width = 8, .rows = ROWS_MAX, .values = ids};
    const struct column *columns[7] = {&column};
    const struct filter_rows rows = {.columns = columns, .count = ROWS_MAX, .row_base = base};
    filter_set_seed(filter, seed);
    assert_int_equal(filter_eval(filter, &scratch, &rows, bits, &err), ERR_OK);
    filter_scratch_release(&scratch);
    filter_free(filter);
    return bitmap_count(bits, ROWS_MAX);
}

static void test_sample__share_and_seed(void **state)
{
    (void)state;
    static uint64_t first[ROWS_MAX / 64 + 1];
    static uint64_t second[ROWS_MAX / 64 + 1];
    const size_t count = drawn("random_sample(0.1)", 7, 0, first);
    assert_true(count > ROWS_MAX / 10 - 200 && count < ROWS_MAX / 10 + 200);
    assert_int_equal(drawn("random_sample(0.1)", 7, 0, second), count);
    assert_memory_equal(first, second, sizeof first);
    (void)drawn("random_sample(0.1)", 8, 0, second);
    assert_memory_not_equal(first, second, sizeof first);
    (void)drawn("random_sample(0.1)", 7, 1000000, second);
    assert_memory_not_equal(first, second, sizeof first);
    const size_t half = drawn("id < 10000 and random_sample(0.5)", 1, 0, first);
    assert_true(half > 4700 && half < 5300);
    assert_int_equal(bitmap_next(first, ROWS_MAX, 10000, true), ROWS_MAX);
}

/* Part of a column, from any row on, is what the whole says of those rows. */
static void test_eval__any_place(void **state)
{
    (void)state;
    enum { ROWS = 1000 };
    static int32_t ages[ROWS];
    static uint64_t valid[ROWS / 64 + 1];
    static const char *texts[ROWS];
    static char room[ROWS][40];
    for (size_t i = 0; i < ROWS; i++) {
        ages[i] = (int32_t)(i * 7 % 100);
        if (i % 3 != 0)
            bitmap_set(valid, i);
        (void)snprintf(room[i], sizeof room[i], "{\"k\":%zu,\"t\":\"%s\"}", i % 10,
                       i % 50 == 0 ? "ra\\u0072e" : "often");
        texts[i] = room[i];
    }
    struct column json = text_column(FIELD_JSON, texts, ROWS);
    const struct column age = {
        .type = FIELD_INT32, .width = 4, .rows = ROWS, .values = ages, .valid = valid};
    const struct column *columns[7] = {[1] = &age, [3] = &json};
    struct filter *filter = compiled("age < 50 and j['k'] > 3 or age is null and j['t'] == 'rare'"
                                     " or not (age != 70)",
                                     &schema);
    struct filter_scratch scratch = {0};
    struct err err;
    uint64_t whole[ROWS / 64 + 1];
    uint64_t part[ROWS / 64 + 1];
    const struct filter_rows all = {.columns = columns, .count = ROWS};
    assert_int_equal(filter_eval(filter, &scratch, &all, whole, &err), ERR_OK);
    for (size_t i = 0; i < ROWS; i++) {
        const bool is_null = i % 3 == 0;
        const bool expected = (!is_null && ages[i] < 50 && i % 10 > 3) ||
                              (is_null && i % 50 == 0) || (!is_null && ages[i] == 70);
        assert_int_equal(bitmap_get(whole, i), expected);
    }
    for (size_t first = 0; first < 200; first += 7)
        for (size_t count = 0; first + count <= ROWS; count += 113) {
            const struct filter_rows some = {.columns = columns, .first = first, .count = count};
            memset(part, 0xAA, sizeof part);
            assert_int_equal(filter_eval(filter, &scratch, &some, part, &err), ERR_OK);
            for (size_t i = 0; i < 64 * bitmap_words(count); i++)
                assert_int_equal(bitmap_get(part, i), i < count && bitmap_get(whole, first + i));
        }
    filter_scratch_release(&scratch);
    filter_free(filter);
    text_column_free(&json);
}

/* Rows beyond those that are probed: words that are rare, written with escapes, belong to another
 * key, or begin in one row and end in the next. */
static void test_eval__rare_words(void **state)
{
    (void)state;
    static const char *texts[ROWS_MAX];
    static const char *words[ROWS_MAX];
    for (size_t i = 0; i < ROWS_MAX; i++) {
        texts[i] = i % 97 == 0     ? "{\"size\":1,\"color\":\"red\"}"
                   : i % 1009 == 0 ? "{\"c\\u006flor\":\"r\\u0065d\"}"
                   : i % 13 == 0   ? "{\"size\":\"red\"}"
                   : i % 5 == 0    ? "{}"
                                   : "{\"color\":\"blue\",\"size\":[1]}";
        words[i] = i % 101 == 0 ? "a needle here" : i % 2 == 0 ? "x nee" : "dle y";
    }
    struct column json = text_column(FIELD_JSON, texts, ROWS_MAX);
    struct column name = text_column(FIELD_VARCHAR, words, ROWS_MAX);
    const struct column *columns[7] = {[2] = &name, [3] = &json};
    struct filter *red = compiled("j['color'] == 'red'", &schema);
    struct filter *other = compiled("j['color'] != 'red'", &schema);
    struct filter *needle = compiled("name like '%needle%'", &schema);
    static uint64_t bits[3][ROWS_MAX / 64 + 1];
    struct filter_scratch scratch = {0};
    struct err err;
    const struct filter_rows rows = {.columns = columns, .count = ROWS_MAX};
    const struct loops *loops[LOOPS_TABLES_MAX];
    for (size_t k = loops_list(loops); k-- > 0;) {
        red->loops = other->loops = needle->loops = loops[k];
        assert_int_equal(filter_eval(red, &scratch, &rows, bits[0], &err), ERR_OK);
        assert_int_equal(filter_eval(other, &scratch, &rows, bits[1], &err), ERR_OK);
        assert_int_equal(filter_eval(needle, &scratch, &rows, bits[2], &err), ERR_OK);
        for (size_t i = 0; i < ROWS_MAX; i++) {
            assert_int_equal(bitmap_get(bits[0], i), i % 97 == 0 || i % 1009 == 0);
            assert_int_equal(bitmap_get(bits[1], i), !bitmap_get(bits[0], i));
            assert_int_equal(bitmap_get(bits[2], i), i % 101 == 0);
        }
    }
    filter_scratch_release(&scratch);
    filter_free(red);
    filter_free(other);
    filter_free(needle);
    text_column_free(&json);
    text_column_free(&name);
}

/* FLOAT is computed and compared in float: 0.1 + 0.2 is 0.3 there. */
static void test_eval__float(void **state)
{
    (void)state;
    static const float prices[] = {0.1F, 0.3F, 1e30F};
    const struct column column = {.type = FIELD_FLOAT, .width = 4, .rows = 3, .values = prices};
    const struct column *columns[7] = {[4] = &column};
    assert_string_equal(selected("price + 0.2 == 0.3", &schema, NULL, columns, 3), "1");
    assert_string_equal(selected("price == 0.1", &schema, NULL, columns, 3), "1");
    assert_string_equal(selected("price > 0.1", &schema, NULL, columns, 3), "2 3");
    assert_string_equal(selected("price in [0.1, 0.3, 5]", &schema, NULL, columns, 3), "1 2");
    assert_string_equal(selected("price < 1e300", &schema, NULL, columns, 3), "1 2 3");
}

/* Everything that takes memory, in one filter. */
static enum err_code use_memory(struct err *err)
{
    static const char text[] =
        "(id in [1, 2, 3, 4, 5, 6, 7, 8] or name in ['a', 'b']) and name like '%x_y%' or "
        "json_contains_all(j['l'], [1, 'a', [2]]) or j['k'] == 'x' or text_match(name, 'a b') or "
        "phrase_match(name, 'over') or j['e'] like 'x%' or id in {t} or not (age < 5 or id == 1)";
    static const struct filter_value items[] = {{.kind = FILTER_VALUE_INT, .integer = 1}};
    static const struct filter_template template = {
        "t", {.kind = FILTER_VALUE_ARRAY, .items = items, .count = 1}};
    const struct filter_templates templates = {&template, 1};
    static const uint64_t offsets[] = {0, 24, 44};
    static const char bytes[] = "{\"e\":\"\\u0078\",\"l\":[1,2]}{\"e\":\"\\u0079\",\"k\":1}";
    static const uint64_t name_offsets[] = {0, 10, 20};
    static const int64_t ids[] = {10, 20};
    const struct column id = {.type = FIELD_INT64, .width = 8, .rows = 2, .values = ids};
    const struct column name = {.type = FIELD_VARCHAR,
                                .rows = 2,
                                .offsets = name_offsets,
                                .bytes = (const uint8_t *)"jumps overunder all "};
    const struct column j = {
        .type = FIELD_JSON, .rows = 2, .offsets = offsets, .bytes = (const uint8_t *)bytes};
    const struct column *columns[7] = {&id, NULL, &name, &j};
    struct filter *filter = NULL;
    enum err_code code = filter_compile(text, sizeof text - 1, &schema, &templates, &filter, err);
    struct filter_scratch scratch = {0};
    uint64_t bits = 0;
    const struct filter_rows rows = {.columns = columns, .count = 2};
    if (code == ERR_OK)
        code = filter_eval(filter, &scratch, &rows, &bits, err);
    if (code == ERR_OK)
        assert_int_equal(bits, 1);
    filter_scratch_release(&scratch);
    filter_free(filter);
    return code;
}

static void test_memory__every_allocation_fails(void **state)
{
    (void)state;
    assert_true(fail_each(FAULT_MALLOC, ENOMEM, ERR_NOMEM, use_memory) > 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys__integers),
        cmocka_unit_test(test_keys__strings),
        cmocka_unit_test(test_keys__nothing_else),
        cmocka_unit_test(test_limits__nesting),
        cmocka_unit_test(test_limits__long_chains),
        cmocka_unit_test(test_limits__long_lists),
        cmocka_unit_test(test_limits__sentences_are_cut),
        cmocka_unit_test(test_limits__text_needs_no_end),
        cmocka_unit_test(test_match__words),
        cmocka_unit_test(test_match__refused),
        cmocka_unit_test(test_sample__share_and_seed),
        cmocka_unit_test(test_eval__any_place),
        cmocka_unit_test(test_eval__rare_words),
        cmocka_unit_test(test_eval__float),
        cmocka_unit_test(test_memory__every_allocation_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
