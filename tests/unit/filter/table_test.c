/* table_test.c: one small table, and what each expression selects of it. */
#include "rows.h"

static const struct field fields[] = {
    {.id = 100, .name = "id", .type = FIELD_INT64, .is_primary = true},
    {.id = 101, .name = "age", .type = FIELD_INT64},
    {.id = 102, .name = "price", .type = FIELD_DOUBLE},
    {.id = 103, .name = "name", .type = FIELD_VARCHAR, .max_length = 64},
    {.id = 104, .name = "ok", .type = FIELD_BOOL},
    {.id = 105, .name = "tags", .type = FIELD_ARRAY, .element = FIELD_INT64, .max_capacity = 8},
    {.id = 106, .name = "j", .type = FIELD_JSON},
    {.id = 107, .name = "note", .type = FIELD_VARCHAR, .max_length = 64, .is_nullable = true},
    {.id = 108, .name = "vector", .type = FIELD_FLOAT_VECTOR, .dim = 4},
    {.id = 109, .name = "$meta", .type = FIELD_JSON, .is_dynamic = true},
};
static const struct schema schema = {
    .fields = fields, .field_count = 10, .has_dynamic = true, .primary = 0};

static const int64_t ids[] = {1, 2, 3, 4, 5};
static const int64_t ages[] = {10, 20, 30, 40, 50};
static const double prices[] = {1.5, 2.0, 10.0, -3.0, 0.0};
static const uint8_t oks[] = {1, 0, 1, 0, 1};
static const int64_t tags[] = {1, 2, 3, 4, 5, 2, 3, 3};
static const uint64_t tag_offsets[] = {0, 24, 40, 40, 48, 64};
static const char *const names[] = {"alpha", "beta", "alphabet", "50%off", "a_b"};
static const char *const documents[] = {"{\"a\":1,\"b\":{\"c\":\"x\"},\"l\":[1,2,3]}",
                                        "{\"a\":2.5,\"l\":[\"p\",\"q\"]}", "{\"a\":\"1\"}",
                                        "{\"b\":null}", "{}"};
static const char *const notes[] = {NULL, "", "hi", NULL, "HI"};
static const char *const dynamics[] = {"{\"color\":\"red\"}", "{\"color\":\"blue\"}", "{}",
                                       "{\"color\":7}", "{}"};

static struct column columns[10];
static const struct column *column_list[10];

static int table_setup(void **state)
{
    (void)state;
    columns[0] = (struct column){.type = FIELD_INT64, .width = 8, .rows = 5, .values = ids};
    columns[1] = (struct column){.type = FIELD_INT64, .width = 8, .rows = 5, .values = ages};
    columns[2] = (struct column){.type = FIELD_DOUBLE, .width = 8, .rows = 5, .values = prices};
    columns[3] = text_column(FIELD_VARCHAR, names, 5);
    columns[4] = (struct column){.type = FIELD_BOOL, .width = 1, .rows = 5, .values = oks};
    columns[5] = (struct column){.type = FIELD_ARRAY,
                                 .element = FIELD_INT64,
                                 .rows = 5,
                                 .offsets = tag_offsets,
                                 .bytes = (const uint8_t *)tags};
    columns[6] = text_column(FIELD_JSON, documents, 5);
    columns[7] = text_column(FIELD_VARCHAR, notes, 5);
    columns[9] = text_column(FIELD_JSON, dynamics, 5);
    for (size_t i = 0; i < 10; i++)
        column_list[i] = i != 8 ? &columns[i] : NULL;
    return 0;
}

static int table_teardown(void **state)
{
    (void)state;
    text_column_free(&columns[3]);
    text_column_free(&columns[6]);
    text_column_free(&columns[7]);
    text_column_free(&columns[9]);
    return 0;
}

static const struct filter_value strings[] = {
    {.kind = FILTER_VALUE_STRING, .string = "beta", .size = 4},
    {.kind = FILTER_VALUE_STRING, .string = "a_b", .size = 3},
};
static const struct filter_template template_items[] = {
    {"x", {.kind = FILTER_VALUE_INT, .integer = 10}},
    {"n", {.kind = FILTER_VALUE_ARRAY, .items = strings, .count = 2}},
    {"f", {.kind = FILTER_VALUE_DOUBLE, .real = 1.5}},
    {"yes", {.kind = FILTER_VALUE_BOOL, .boolean = true}},
    {"p", {.kind = FILTER_VALUE_STRING, .string = "alpha%", .size = 6}},
};
static const struct filter_templates templates = {template_items, 5};

struct row {
    const char *expression;
    const char *ids; /* NULL: refused */
};

#define ALL "1 2 3 4 5"

static const struct row table[] = {
    {"age == 30", "3"},
    {"age != 30", "1 2 4 5"},
    {"10 < age <= 40", "2 3 4"},
    {"40 >= age > 10", "2 3 4"},
    {"age in [10, 50, 99,]", "1 5"},
    {"age not in [10, 50]", "2 3 4"},
    {"not (age in [10])", "2 3 4 5"},
    {"age in []", ""},
    {"age not in []", ALL},
    {"age % 20 == 0", "2 4"},
    {"age + 10 == 20", "1"},
    {"age * 2 > 60", "4 5"},
    {"age / 3 == 3", "1"},
    {"age == 10 + 10 * 2", "3"},
    {"age == 0x1E", "3"},
    {"price >= 2", "2 3"},
    {"price < -1", "4"},
    {"'alpha' == name", "1"},
    {"name > \"alpha\"", "2 3"},
    {"name like \"alpha%\"", "1 3"},
    {"name like \"%bet%\"", "2 3"},
    {"name like \"%b\"", "5"},
    {"name like \"a_b\"", "5"},
    {"name like \"50\\\\%off\"", "4"},
    {"ok == true", "1 3 5"},
    {"ok == true and age < 40", "1 3"},
    {"ok == true or ok == false and age > 100", "1 3 5"},
    {"note is null", "1 4"},
    {"note != \"hi\"", "2 5"},
    {"not (note == \"hi\")", "2 5"},
    {"j[\"a\"] == 1", "1"},
    {"j[\"a\"] > 1", "2"},
    {"j[\"a\"] != 1", "2 3 4 5"},
    {"j['a'] == \"1\"", "3"},
    {"j[\"a\"] in [1, 2]", "1"},
    {"j[\"b\"][\"c\"] == \"x\"", "1"},
    {"exists j[\"a\"]", "1 2 3"},
    {"exists j[\"b\"]", "1"},
    {"j[\"b\"] is null", "2 3 4 5"},
    {"j[\"l\"][0] == 1", "1"},
    {"json_contains(j[\"l\"], 2)", "1"},
    {"JSON_CONTAINS_ALL(j[\"l\"], [1, 3])", "1"},
    {"json_contains_any(j[\"l\"], [\"q\", 3])", "1 2"},
    {"array_contains(tags, 3)", "1 5"},
    {"array_contains_all(tags, [2, 3])", "1"},
    {"ARRAY_CONTAINS_ANY(tags, [4, 2])", "1 2 4"},
    {"array_length(tags) == 0", "3"},
    {"array_length(j[\"l\"]) == 2", "2"},
    {"tags[1] > 2", "2 5"},
    {"color == \"red\"", "1"},
    {"$meta[\"color\"] == \"blue\"", "2"},
    {"color > 5", "4"},
    {"exists color", "1 2 4"},
    {"age > {x} and name in {n}", "2 5"},
    {"price < age", ALL},
    {"", ALL},
    {"age == 1.5", NULL},
    {"ok", NULL},
    {"true", NULL},
    {"1 < 2", NULL},
    {"-age == -10", NULL},
    {"age ** 2 > 4", NULL},
    {"1 in tags", NULL},
    {"age > \"x\"", NULL},
    {"age % 0 == 1", NULL},
};

/* What the language's description says beside its table. */
static const struct row more[] = {
    /* constants and words */
    {" \t\r\n ", ALL},
    {"age == 036", "3"},
    {"age == 0b11110", "3"},
    {"age < 9223372036854775807", ALL},
    {"age > -9223372036854775808", ALL},
    {"price == 15e-1 || price == .15E1", "1"},
    {"price == 0x1.8p0", "1"},
    {"price == 2.", "2"},
    {"ok == True AND ok != FALSE", "1 3 5"},
    {"name == \"\\x61\\154ph\\u0061\"", "1"},
    {"name == 'al' || name == \"a\\x5Fb\" or name == 'a\\137b'", "5"},
    {"age==10||age==20&&!(ok==true)", "1 2"},
    {"age In[10, 20] Or age NOT in[10,20,30,40]", "1 2 5"},
    {"(((age))) == (30)", "3"},
    {"age == 2 ** 3 ** 1 * 5", "4"},
    {"age == -(-30)", "3"},
    {"age == 100 - 40 - 30", "3"},
    {"age == 7 / 2 * 10", "3"},
    {"age == -7 / 2 + 33", "3"},
    {"age == 37 % 7 * 15", "3"},
    /* not */
    {"not age == 30", "1 2 4 5"},
    {"NOT color == \"green\"", ALL},
    {"not note is null", "2 3 5"},
    {"note IS NOT NULL", "2 3 5"},
    {"not not age == 30", "3"},
    {"not (age > 20 and ok == true)", "1 2 4"},
    {"not (age > 20 or ok == true)", "2"},
    {"!(note == \"hi\" or age == 10)", "2 5"},
    {"not (note > \"a\" and age > 100)", ALL},
    {"not age in [10] and age < 40", "2 3"},
    {"age is null", ""},
    {"age is not null", ALL},
    /* ranges and comparisons */
    {"40 > age > 10", "2 3"},
    {"\"alpha\" < name <= \"beta\"", "2 3"},
    {"30 <= age", "3 4 5"},
    {"1 <= price <= 2.0", "1 2"},
    {"1 < j[\"a\"] < 3", "2"},
    {"not (10 < age <= 40)", "1 5"},
    {"age > price", ALL},
    {"age != price", ALL},
    {"name == note", ""},
    {"name > note", "2 5"},
    {"id < age and id != age", ALL},
    {"name != note", "2 3 5"},
    {"price <= 9223372036854775807", ALL},
    {"price in [2, 1.5, -3]", "1 2 4"},
    {"ok in [true]", "1 3 5"},
    {"ok in [true, false]", ALL},
    {"name in [\"alpha\", 'x']", "1"},
    {"note in [\"\"]", "2"},
    {"note not in [\"\", \"zz\"]", "3 5"},
    {"note not in []", "2 3 5"},
    {"age in [1,2,3,4,5,6,7,8,9,10,11,12,13,14,50]", "1 5"},
    {"age in [10, 5000000000, -5000000000, 7000000000, 30, 123456789012, 20]", "1 2 3"},
    {"price in [0.25, 1.5, 10, 11, 12, 13, 14]", "1 3"},
    /* arithmetic */
    {"10 + age == 20", "1"},
    {"2 * age > 60", "4 5"},
    {"60 < age * 2", "4 5"},
    {"price * 2 == 3", "1"},
    {"price / 2 == 5", "3"},
    {"price - 1 < 0", "4 5"},
    {"age / -1 == -10", "1"},
    {"age * 9223372036854775807 == -10", "1"},
    {"age - 9223372036854775807 < 0", ALL},
    {"j[\"a\"] + 1 == 2", "1"},
    {"j[\"a\"] * 2 == 5", "2"},
    {"j[\"a\"] % 2 == 1", "1"},
    {"not (j[\"a\"] + 1 == 2)", "2 3 4 5"},
    {"tags[0] + 1 == 2", "1"},
    {"tags[0] % 2 == 0", "2 4"},
    /* like */
    {"name like \"%\"", ALL},
    {"name like \"alpha\"", "1"},
    {"name like \"%a%a%\"", "1 3"},
    {"name like \"_l%\"", "1 3"},
    {"name like \"%_b%\"", "3 5"},
    {"name like \"%a_e%\"", "3"},
    {"name like \"a\\\\_b\"", "5"},
    {"name like \"%\\\\%%\"", "4"},
    {"name like \"_____\"", "1"},
    {"name like \"\"", ""},
    {"note like \"\"", "2"},
    {"name like {p}", "1 3"},
    {"not (name like \"alpha%\")", "2 4 5"},
    {"not (note like \"h%\")", "2 5"},
    {"color like \"r%\"", "1"},
    {"not (color like \"r%\")", "2 3 4 5"},
    {"j[\"b\"][\"c\"] like \"_\"", "1"},
    /* JSON */
    {"j[\"a\"] == 1.0", "1"},
    {"j[\"a\"] >= 2.5", "2"},
    {"j[\"a\"] == \"x\"", ""},
    {"j[\"a\"] == true", ""},
    {"j[\"a\"] != true", ALL},
    {"not (j[\"a\"] == 1)", "2 3 4 5"},
    {"j[\"a\"] not in [1, 2.5]", "3 4 5"},
    {"j[\"a\"] in [1, \"1\"]", "1 3"},
    {"not exists j[\"a\"]", "4 5"},
    {"j[\"a\"] is not null", "1 2 3"},
    {"exists j[\"b\"][\"c\"]", "1"},
    {"color is null", "3 5"},
    {"exists $meta[\"color\"]", "1 2 4"},
    {"j[\"l\"][1] == \"q\"", "2"},
    {"j[\"l\"][9] == 1", ""},
    {"j[\"l\"][2] != 3", "2 3 4 5"},
    {"color == 7", "4"},
    {"color != \"red\"", "2 3 4 5"},
    {"color in [\"red\", 7]", "1 4"},
    {"shape[\"deep\"][0] == 1", ""},
    {"j[\"l\"] == [1, 2, 3]", "1"},
    {"j[\"l\"] != [1, 2, 3]", "2 3 4 5"},
    {"is == 1", ""},
    {"null == 1 or is is null", ALL},
    /* arrays */
    {"tags == [4, 5]", "2"},
    {"tags != [4, 5]", "1 3 4 5"},
    {"tags == []", "3"},
    {"tags[0] in [1, 2]", "1 4"},
    {"tags[5] == 1", ""},
    {"tags[2] != 3", ""},
    {"not (tags[1] == 2)", "2 5"},
    {"tags[1] not in [2]", "2 5"},
    {"array_contains_all(tags, [])", ALL},
    {"array_contains_any(tags, [])", ""},
    {"not array_contains(tags, 3)", "2 3 4"},
    {"array_contains_all(tags, [3, 3, 3])", "1 5"},
    {"array_length(tags) > 1", "1 2 5"},
    {"array_length(tags) != 2", "1 3 4"},
    {"array_length(j[\"l\"]) != 2", "1"},
    {"not (array_length(j[\"l\"]) == 2)", "1"},
    {"1 < array_length(tags)", "1 2 5"},
    {"json_contains(j[\"l\"], [1])", ""},
    {"not json_contains(j[\"l\"], 2)", "2 3 4 5"},
    {"json_contains(j[\"l\"], 2.0)", "1"},
    {"json_contains(j[\"l\"], \"p\")", "2"},
    {"json_contains_all(j[\"l\"], [])", "1 2"},
    {"json_contains(tags, 4)", "2"},
    {"array_contains(j[\"l\"], 2)", "1"},
    {"json_contains_any(j[\"l\"], [1.5, [2]])", ""},
    /* templates */
    {"price == {f}", "1"},
    {"ok == { yes }", "1 3 5"},
    {"age in [{x}, 20]", "1 2"},
    {"age + {x} == 20", "1"},
    {"{x} < age < 40", "2 3"},
    /* logic */
    {"age == 10 or age == 20 or age == 30", "1 2 3"},
    {"(age == 10 or age == 20) and (ok == false or price > 5)", "2"},
    {"age > 5 and (ok == true or note is null) and not (id in [1])", "3 4 5"},
};

static const char *const refused[] = {
    "age == 1.5",
    "not ok",
    "ok and age > 1",
    "true and age > 1",
    "1 == 1 or 2 == 3",
    "\"a\" == \"b\"",
    "+age == 1",
    "~age == 1",
    "~1 == age",
    "age << 1 == 2",
    "1 >> 1 == age",
    "age & 1 == 1",
    "age | 1 == 1",
    "age ^ 1 == 1",
    "age ** 2 == 4",
    "age / 0 == 1",
    "price / 0 == 1",
    "age % 0 == 1",
    "price % 2 == 1",
    "age % 1.5 == 1",
    "age + 1.5 == 2",
    "age + age == 2",
    "age + 1 + 1 == 2",
    "(age + 1) * 2 == 4",
    "10 - age == 0",
    "100 / age == 10",
    "name + \"x\" == \"y\"",
    "ok + 1 == 2",
    "tags + 1 == 2",
    "j + 1 == 2",
    "age + price == 3",
    "age + 1 == price",
    "missing_bracket == (1",
    "age ==",
    "== 1",
    "age = 1",
    "age === 1",
    "age 1",
    "age == 1)",
    "age in",
    "age in 10",
    "age in (10)",
    "age in [10",
    "age in [10 20]",
    "age in [,]",
    "age in [age]",
    "age in [1.5]",
    "age in [\"x\"]",
    "name in [1]",
    "ok in [1]",
    "age + 1 in [2]",
    "1 in [1]",
    "1 in tags",
    "tags in [1]",
    "j in [1]",
    "j[\"a\"] in [[1]]",
    "age in {missing}",
    "age == {missing}",
    "age == {n}",
    "age > {p}",
    "age > {f}",
    "name in {x}",
    "age > \"x\"",
    "name > 1",
    "name == true",
    "ok == 1",
    "ok > true",
    "true < ok < false",
    "ok < ok",
    "age == ok",
    "age == name",
    "tags == 1",
    "tags > [1]",
    "tags == [\"x\"]",
    "age == [1]",
    "j == 1",
    "j > j",
    "j[\"a\"] == age",
    "j[\"a\"] == j[\"b\"]",
    "tags[0] == age",
    "tags[0] == tags[1]",
    "tags == tags",
    "tags[\"a\"] == 1",
    "tags[0][1] == 1",
    "age[0] == 1",
    "name[\"a\"] == 1",
    "tags[99999999999] == 1",
    "vector == 1",
    "vector is null",
    "(age == 10) == true",
    "(1 < age) < 40",
    "1 < age > 5",
    "1 < age + 1 < 5",
    "1 < age < price",
    "price < age < 40",
    "1 < age < \"x\"",
    "1 < age < 5 < 7",
    "age == 10 == 20",
    "age like \"x\"",
    "name like 1",
    "name like name",
    "tags like \"x\"",
    "tags[0] like \"x\"",
    "\"x\" like \"x\"",
    "exists age",
    "exists j",
    "exists tags[0]",
    "exists $meta",
    "exists 1",
    "tags[0] is null",
    "1 is null",
    "(age) is null",
    "age is",
    "age is not",
    "age is 1",
    "exists j[\"a\"] + 1",
    "json_contains(age, 1)",
    "json_contains(j[\"l\"])",
    "json_contains(j[\"l\"], 1, 2)",
    "json_contains_all(j[\"l\"], 1)",
    "json_contains_any(j[\"l\"], age)",
    "array_contains(tags, \"x\")",
    "array_contains(tags, 1.5)",
    "array_contains(tags, [1])",
    "array_contains_any(tags, [1, \"x\"])",
    "array_contains(tags[0], 1)",
    "array_length(age) == 1",
    "array_length(tags)",
    "array_length(tags) == 1.5",
    "array_length(tags) == \"1\"",
    "array_length(tags) + 1 == 2",
    "array_length(tags) == age",
    "array_length() == 1",
    "text_match(name, \"alpha\")",
    "text_match(age, \"alpha\")",
    "phrase_match(name, \"alpha\", 1)",
    "random_sample(0)",
    "random_sample(1.0)",
    "random_sample(0.0)",
    "random_sample(age)",
    "random_sample(0.5) and age > 1",
    "random_sample(0.5) or age > 1",
    "age > 1 or random_sample(0.5)",
    "not random_sample(0.5)",
    "age > 1 and random_sample(0.5) and age > 2",
    "age > 1 and (age > 2 or (age > 3 and random_sample(0.5)))",
    "st_contains(age, \"POINT(1 1)\")",
    "ST_WITHIN(age, \"POINT(1 1)\")",
    "element_filter(tags, 1)",
    "match_any(tags, 1)",
    "no_such(age)",
    "no_such()",
    "f(1,2,3,4,5)",
    "name == \"\\q\"",
    "name == \"\\uD800\"",
    "name == \"\\777\"",
    "name == \"open",
    "name == 'open",
    "age == 09",
    "age == 12abc",
    "age == 0x",
    "age == 9223372036854775808",
    "age == 99999999999999999999",
    "price == 1e999",
    "age == 1 and",
    "and age == 1",
    "age == 1 age == 2",
    "age @ 1",
    "age == 1;",
    "j [\"a\"] == 1",
    "[1, 2]",
    "[1] == [1]",
    "age == 1 and 5",
    "age == 1 and name",
    "\xff == 1",
    "age == \"\xc3\"",
};

static void check_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *found = selected(rows[i].expression, &schema, &templates, column_list, 5);
        const bool is_error = strncmp(found, "error: ", 7) == 0;
        if (rows[i].ids == NULL ? !is_error : strcmp(found, rows[i].ids) != 0)
            fail_msg("%s: found %s, expected %s", rows[i].expression, found,
                     rows[i].ids != NULL ? rows[i].ids : "an error");
    }
}

static void test_table__every_row(void **state)
{
    (void)state;
    check_rows(table, sizeof table / sizeof table[0]);
}

static void test_table__more_of_the_language(void **state)
{
    (void)state;
    check_rows(more, sizeof more / sizeof more[0]);
}

static void test_table__refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        const char *found = selected(refused[i], &schema, &templates, column_list, 5);
        if (strncmp(found, "error: cannot parse expression: ", 32) != 0 ||
            strstr(found, ", error: ") == NULL)
            fail_msg("%s: found %s, expected a refusal", refused[i], found);
    }
}

static void test_table__sentences(void **state)
{
    (void)state;
    static const struct row sentences[] = {
        {"age == 1.5", "error: cannot parse expression: age == 1.5, error: cannot cast value to "
                       "Int64: the field \"age\" is used with a float"},
        {"age ==", "error: cannot parse expression: age ==, error: syntax error: the expression "
                   "ends too early"},
        {"age == == 1", "error: cannot parse expression: age == == 1, error: syntax error at byte "
                        "7, near \"==\""},
        {"ok", "error: cannot parse expression: ok, error: predicate is not a boolean expression: "
               "\"ok\", data type: Bool"},
        {"age == {t}", "error: cannot parse expression: age == {t}, error: the value of expression "
                       "template variable name {t} is not found"},
        {"age % 0 == 1",
         "error: cannot parse expression: age % 0 == 1, error: cannot modulo by zero"},
        {"no_such(1)",
         "error: cannot parse expression: no_such(1), error: function no_such not found"},
    };
    for (size_t i = 0; i < sizeof sentences / sizeof sentences[0]; i++)
        assert_string_equal(selected(sentences[i].expression, &schema, NULL, column_list, 5),
                            sentences[i].ids);
}

static void test_table__without_dynamic_field(void **state)
{
    (void)state;
    const struct schema plain = {.fields = fields, .field_count = 9, .primary = 0};
    assert_string_equal(selected("color == 1", &plain, NULL, column_list, 5),
                        "error: cannot parse expression: color == 1, error: field color not exist");
    assert_non_null(
        strstr(selected("$meta[\"color\"] == 1", &plain, NULL, column_list, 5), "not exist"));
}

/* A field that was added after the rows: every value is null. */
static void test_table__missing_columns(void **state)
{
    (void)state;
    const struct column *none[10] = {NULL};
    static const struct row rows[] = {
        {"age == 1", ""},           {"age != 1", ""},
        {"age is null", ALL},       {"age is not null", ""},
        {"age in [1,2,3,4,5]", ""}, {"not (age in [1])", ""},
        {"age + 1 == 2", ""},       {"not (age % 2 == 1)", ""},
        {"name like \"%x%\"", ""},  {"not (name == \"x\")", ""},
        {"age < price", ""},        {"not (name < note)", ""},
        {"j[\"a\"] != 1", ""},      {"exists j[\"a\"]", ""},
        {"j[\"a\"] is null", ALL},  {"array_length(tags) == 0", ""},
        {"tags != [1]", ""},        {"not array_contains(tags, 1)", ""},
        {"price > 1", ""},          {"price in [1.5, 2, 3, 4, 5, 6]", ""},
        {"ok in [true]", ""},       {"age is null or price > 1", ALL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *found = selected(rows[i].expression, &schema, NULL, none, 5);
        if (strcmp(found, rows[i].ids) != 0)
            fail_msg("%s: found %s, expected %s", rows[i].expression, found, rows[i].ids);
    }
}

static void test_table__what_it_reads(void **state)
{
    (void)state;
    struct filter *filter;
    struct err err;
    const char text[] = "age > 1 and (color == 2 or price < id)";
    assert_int_equal(filter_compile(text, sizeof text - 1, &schema, NULL, &filter, &err), ERR_OK);
    const bool expected[] = {true, true, true, false, false, false, false, false, false, true};
    for (size_t i = 0; i < 10; i++)
        assert_int_equal(filter_reads(filter, i), expected[i]);
    assert_false(filter_reads(filter, 10));
    assert_false(filter_is_always_true(filter));
    filter_free(filter);
    assert_int_equal(filter_compile("  ", 2, &schema, NULL, &filter, &err), ERR_OK);
    assert_true(filter_is_always_true(filter));
    assert_false(filter_reads(filter, 1));
    filter_free(filter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table__every_row),
        cmocka_unit_test(test_table__more_of_the_language),
        cmocka_unit_test(test_table__refused),
        cmocka_unit_test(test_table__sentences),
        cmocka_unit_test(test_table__without_dynamic_field),
        cmocka_unit_test(test_table__missing_columns),
        cmocka_unit_test(test_table__what_it_reads),
    };
    return cmocka_run_group_tests(tests, table_setup, table_teardown);
}
