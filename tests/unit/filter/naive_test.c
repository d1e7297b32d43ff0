/* naive_test.c: random filters over random rows, beside an evaluator that takes one row at a time
 * and knows the language by its definition only: true, false, or unknown. */
#include <math.h>

#include "rows.h"

enum { ROWS = 300, ROUNDS = 20000, TEXT_MAX = 60000 };
enum tri { NO, YES, UNKNOWN };

static uint64_t random_state = 42;

static size_t below(size_t limit)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (size_t)((random_state >> 33) % limit);
}

/* A value in a row or in a filter. */
struct value {
    enum { NOTHING, BOOLEAN, INTEGER, REAL, STRING, LIST, OBJECT } kind;
    int64_t integer;
    double real;
    const char *string;
    int64_t items[4];
    size_t count;
};

enum { A, B, F, D, OK, S, ARR, J, COLUMNS };
static const char *const column_names[] = {"a", "b", "f", "d", "ok", "s", "arr", "j"};
static const struct field fields[] = {
    {.id = 100, .name = "a", .type = FIELD_INT8, .is_nullable = true},
    {.id = 101, .name = "b", .type = FIELD_INT64, .is_primary = true},
    {.id = 102, .name = "f", .type = FIELD_FLOAT},
    {.id = 103, .name = "d", .type = FIELD_DOUBLE, .is_nullable = true},
    {.id = 104, .name = "ok", .type = FIELD_BOOL},
    {.id = 105, .name = "s", .type = FIELD_VARCHAR, .is_nullable = true},
    {.id = 106, .name = "arr", .type = FIELD_ARRAY, .element = FIELD_INT16, .is_nullable = true},
    {.id = 107, .name = "j", .type = FIELD_JSON, .is_nullable = true},
};
static const struct schema schema = {.fields = fields, .field_count = COLUMNS, .primary = B};

/* j's value is that of its key "x". */
static struct value rows[ROWS][COLUMNS];
static bool has_document[ROWS];

static const char *const strings[] = {"", "a", "ab", "abc", "b", "ba%", "a_c", "\"q\"", "x\\y"};
#define STRINGS (sizeof strings / sizeof strings[0])

static struct value integer(int64_t value)
{
    return (struct value){.kind = INTEGER, .integer = value};
}

static struct value real(double value)
{
    return (struct value){.kind = REAL, .real = value};
}

static struct value list(void)
{
    struct value value = {.kind = LIST, .count = below(4)};
    for (size_t i = 0; i < value.count; i++)
        value.items[i] = (int64_t)below(4);
    return value;
}

static struct value json_value(void)
{
    switch (below(8)) {
    case 0:
        return integer((int64_t)below(7) - 3);
    case 1:
        return real((double)below(13) / 2 - 3);
    case 2:
    case 3:
        return (struct value){.kind = STRING, .string = strings[below(STRINGS)]};
    case 4:
        return (struct value){.kind = BOOLEAN, .integer = (int64_t)below(2)};
    case 5:
        return list();
    case 6:
        return (struct value){.kind = OBJECT, .integer = (int64_t)below(3)};
    default:
        return (struct value){.kind = NOTHING, .integer = (int64_t)below(2)}; /* missing, null */
    }
}

static void make_rows(void)
{
    static const struct value null = {.kind = NOTHING};
    for (size_t i = 0; i < ROWS; i++) {
        rows[i][A] = below(5) == 0 ? null : integer((int64_t)below(256) % 7 - 3);
        rows[i][B] = integer(below(9) == 0 ? INT64_MIN : (int64_t)below(7) - 3);
        rows[i][F] = real(below(9) == 0 ? (double)NAN : (double)below(9) / 2 - 2);
        rows[i][D] = below(5) == 0 ? null : real((double)below(9) / 2 - 2);
        rows[i][OK] = (struct value){.kind = BOOLEAN, .integer = (int64_t)below(2)};
        rows[i][S] = below(5) == 0
                         ? null
                         : (struct value){.kind = STRING, .string = strings[below(STRINGS)]};
        rows[i][ARR] = below(5) == 0 ? null : list();
        has_document[i] = below(6) != 0;
        rows[i][J] = has_document[i] ? json_value() : null;
    }
}

/* The columns of those rows. */
static int8_t column_a[ROWS];
static int64_t column_b[ROWS];
static float column_f[ROWS];
static double column_d[ROWS];
static uint8_t column_ok[ROWS];
static uint64_t valid[COLUMNS][ROWS / 64 + 1];
static int16_t elements[4 * ROWS];
static uint64_t element_offsets[ROWS + 1];
static struct column columns[COLUMNS];
static const struct column *column_list[COLUMNS];

static size_t put_string(char *to, size_t size, const char *string)
{
    size_t at = (size_t)snprintf(to, size, "\"");
    for (; *string != '\0'; string++) {
        if (*string == '"' || *string == '\\')
            at += (size_t)snprintf(to + at, size - at, "\\%c", *string);
        else if (below(6) == 0)
            at += (size_t)snprintf(to + at, size - at, "\\u%04x", (unsigned)*string);
        else
            at += (size_t)snprintf(to + at, size - at, "%c", *string);
    }
    return at + (size_t)snprintf(to + at, size - at, "\"");
}

static size_t put_list(char *to, size_t size, const struct value *value)
{
    size_t at = (size_t)snprintf(to, size, "[");
    for (size_t i = 0; i < value->count; i++)
        at += (size_t)snprintf(to + at, size - at, "%s%d", i > 0 ? ", " : "", (int)value->items[i]);
    return at + (size_t)snprintf(to + at, size - at, "]");
}

static const char *json_text(const struct value *value)
{
    static const char *const befores[] = {"{", "{\"xx\":{\"x\":1},", " { \"z\" : [\"x\",{}] , ",
                                          "{\"w\":\"\\\"x\\\":1\","};
    static const char *const names[] = {"\"x\":", "\"x\" : ", "\"\\u0078\":"};
    static char text[400];
    size_t at = (size_t)snprintf(text, sizeof text, "%s", befores[below(4)]);
    if (value->kind == NOTHING && value->integer == 0) {
        (void)snprintf(text + at, sizeof text - at, "\"y\":1}");
        return text;
    }
    at += (size_t)snprintf(text + at, sizeof text - at, "%s", names[below(3)]);
    if (value->kind == NOTHING)
        at += (size_t)snprintf(text + at, sizeof text - at, "null");
    else if (value->kind == BOOLEAN)
        at += (size_t)snprintf(text + at, sizeof text - at, value->integer ? "true" : "false");
    else if (value->kind == INTEGER)
        at += (size_t)snprintf(text + at, sizeof text - at, "%d", (int)value->integer);
    else if (value->kind == REAL)
        at += (size_t)snprintf(text + at, sizeof text - at, below(2) ? "%.1f" : "%e", value->real);
    else if (value->kind == STRING)
        at += put_string(text + at, sizeof text - at, value->string);
    else if (value->kind == LIST)
        at += put_list(text + at, sizeof text - at, value);
    else
        at += (size_t)snprintf(text + at, sizeof text - at, "{\"y\":%d}", (int)value->integer);
    (void)snprintf(text + at, sizeof text - at, below(2) ? "}" : ",\"x\":99 }");
    return text;
}

static void make_columns(void)
{
    static const char *texts[ROWS];
    static const char *documents[ROWS];
    for (size_t i = 0; i < ROWS; i++) {
        column_a[i] = (int8_t)rows[i][A].integer;
        column_b[i] = rows[i][B].integer;
        column_f[i] = (float)rows[i][F].real;
        column_d[i] = rows[i][D].real;
        column_ok[i] = (uint8_t)rows[i][OK].integer;
        texts[i] = rows[i][S].kind == STRING ? rows[i][S].string : NULL;
        documents[i] = has_document[i] ? mem_strdup(json_text(&rows[i][J])) : NULL;
        element_offsets[i + 1] = element_offsets[i] + 2 * rows[i][ARR].count;
        for (size_t k = 0; k < rows[i][ARR].count; k++)
            elements[element_offsets[i] / 2 + k] = (int16_t)rows[i][ARR].items[k];
        for (size_t k = 0; k < COLUMNS; k++)
            if (rows[i][k].kind != NOTHING)
                bitmap_set(valid[k], i);
    }
    columns[A] = (struct column){FIELD_INT8, 0, 1, ROWS, column_a, NULL, NULL, valid[A]};
    columns[B] = (struct column){FIELD_INT64, 0, 8, ROWS, column_b, NULL, NULL, NULL};
    columns[F] = (struct column){FIELD_FLOAT, 0, 4, ROWS, column_f, NULL, NULL, NULL};
    columns[D] = (struct column){FIELD_DOUBLE, 0, 8, ROWS, column_d, NULL, NULL, valid[D]};
    columns[OK] = (struct column){FIELD_BOOL, 0, 1, ROWS, column_ok, NULL, NULL, NULL};
    columns[S] = text_column(FIELD_VARCHAR, texts, ROWS);
    columns[ARR] = (struct column){
        FIELD_ARRAY, FIELD_INT16, 0, ROWS, NULL, element_offsets, (const uint8_t *)elements,
        valid[ARR]};
    columns[J] = text_column(FIELD_JSON, documents, ROWS);
    for (size_t k = 0; k < COLUMNS; k++)
        column_list[k] = &columns[k];
    for (size_t i = 0; i < ROWS; i++)
        free_borrowed(documents[i]);
}

static bool is_number(const struct value *value)
{
    return value->kind == INTEGER || value->kind == REAL;
}

static double real_of(const struct value *value)
{
    return value->kind == INTEGER ? (double)value->integer : value->real;
}

/* 0: <, 1: <=, 2: >, 3: >=, 4: ==; false where the kinds have no order. */
static bool compare(size_t op, const struct value *left, const struct value *right)
{
    double order;
    if (left->kind == INTEGER && right->kind == INTEGER)
        order = (double)((left->integer > right->integer) - (left->integer < right->integer));
    else if (is_number(left) && is_number(right))
        order = isnan(real_of(left)) ? (double)NAN : real_of(left) - real_of(right);
    else if (left->kind == STRING && right->kind == STRING)
        order = strcmp(left->string, right->string);
    else if (left->kind == BOOLEAN && right->kind == BOOLEAN)
        order = (double)(left->integer - right->integer);
    else
        return false;
    return op == 0   ? order < 0
           : op == 1 ? order <= 0
           : op == 2 ? order > 0
           : op == 3 ? order >= 0
                     : order == 0;
}

/* One condition. */
enum leaf_kind {
    L_COMPARE,
    L_RANGE,
    L_IN,
    L_ARITH,
    L_COLUMNS,
    L_LIKE,
    L_NULL,
    L_ELEMENT,
    L_LENGTH,
    L_CONTAINS
};

struct leaf_model {
    enum leaf_kind kind;
    size_t column;
    size_t other;
    size_t op; /* 5: != */
    char arith;
    struct value by;
    struct value values[4];
    size_t count;
    bool is_inner; /* j["x"]["y"] */
    size_t mode;
};

static struct value constant_for(size_t column)
{
    if (column == A || column == B || column == ARR)
        return integer((int64_t)below(9) - 4);
    if (column == F || column == D)
        return below(2) ? real((double)below(9) / 2 - 2) : integer((int64_t)below(5) - 2);
    if (column == OK)
        return (struct value){.kind = BOOLEAN, .integer = (int64_t)below(2)};
    if (column == S)
        return (struct value){.kind = STRING, .string = strings[below(STRINGS)]};
    for (;;) {
        const struct value value = json_value();
        if (value.kind != NOTHING && value.kind != LIST && value.kind != OBJECT)
            return value;
    }
}

static struct leaf_model random_leaf(void)
{
    struct leaf_model leaf = {
        .kind = (enum leaf_kind)below(10), .column = below(COLUMNS), .op = below(6)};
    if (leaf.kind >= L_ELEMENT)
        leaf.column = leaf.kind == L_ELEMENT || below(2) ? ARR : J;
    if (leaf.kind == L_ARITH)
        leaf.column = (size_t[]){A, B, F, D, J}[below(5)];
    if (leaf.kind == L_LIKE)
        leaf.column = below(2) ? S : J;
    if (leaf.kind == L_COLUMNS) {
        leaf.column = below(4);
        leaf.other = below(4);
    }
    if (leaf.column == ARR && leaf.kind < L_NULL)
        leaf.column = S;
    if (leaf.column == OK && leaf.kind <= L_RANGE)
        leaf = (struct leaf_model){.kind = L_COMPARE, .column = OK, .op = 4 + below(2)};
    leaf.is_inner = leaf.column == J && leaf.kind < L_NULL && below(5) == 0;
    leaf.arith = "+-*/%"[below(leaf.column == F || leaf.column == D ? 4 : 5)];
    leaf.by = leaf.column == J ? integer((int64_t)below(3) + 1) : constant_for(leaf.column);
    if ((leaf.arith == '/' || leaf.arith == '%') && real_of(&leaf.by) == 0)
        leaf.by = integer(-1);
    leaf.count = leaf.kind == L_IN || leaf.kind == L_CONTAINS ? below(5) : 2;
    for (size_t i = 0; i < 4; i++)
        leaf.values[i] = constant_for(leaf.column);
    if (leaf.kind == L_LENGTH)
        leaf.values[0] = integer((int64_t)below(4));
    if (leaf.kind == L_ARITH && !is_number(&leaf.values[0]))
        leaf.values[0] = integer(1);
    if (leaf.values[0].kind == BOOLEAN && leaf.kind <= L_RANGE) {
        leaf.kind = L_COMPARE;
        leaf.op = 4;
    }
    if (leaf.kind == L_RANGE && leaf.values[1].kind == BOOLEAN)
        leaf.values[1] = leaf.values[0];
    leaf.mode = below(3);
    return leaf;
}

static size_t put_value(char *to, size_t size, const struct value *value)
{
    if (value->kind == BOOLEAN)
        return (size_t)snprintf(to, size, value->integer ? "true" : "false");
    if (value->kind == INTEGER)
        return (size_t)snprintf(to, size, "%d", (int)value->integer);
    if (value->kind == REAL)
        return (size_t)snprintf(to, size, "%.1f", value->real);
    return put_string(to, size, value->string);
}

static const char *const operators[] = {"<", "<=", ">", ">=", "==", "!="};
static const char *const patterns[] = {"a%", "%b%",     "%c",      "_b%", "",
                                       "%",  "a\\\\_c", "ba\\\\%", "%q%"};

static size_t put_items(char *to, size_t size, const struct leaf_model *leaf)
{
    size_t at = (size_t)snprintf(to, size, "[");
    for (size_t i = 0; i < leaf->count; i++) {
        at += put_value(to + at, size - at, &leaf->values[i]);
        at += (size_t)snprintf(to + at, size - at, ",");
    }
    return at + (size_t)snprintf(to + at, size - at, "]");
}

static size_t put_comparison(char *to, size_t size, const char *left, size_t op,
                             const struct value *value)
{
    size_t at = (size_t)snprintf(to, size, "%s %s ", left, operators[op]);
    return at + put_value(to + at, size - at, value);
}

static size_t put_leaf(char *to, size_t size, const struct leaf_model *leaf)
{
    static const char *const contains[] = {"json_contains", "array_contains_any",
                                           "json_contains_all"};
    char name[60];
    char text[100];
    (void)snprintf(name, sizeof name, "%s%s%s", column_names[leaf->column],
                   leaf->column == J ? "[\"x\"]" : "", leaf->is_inner ? "['y']" : "");
    size_t at = 0;
    switch (leaf->kind) {
    case L_COMPARE:
        return put_comparison(to, size, name, leaf->op, &leaf->values[0]);
    case L_RANGE:
        at = put_value(to, size, &leaf->values[0]);
        at += (size_t)snprintf(to + at, size - at, " < ");
        return at + put_comparison(to + at, size - at, name, 1, &leaf->values[1]);
    case L_IN:
        at = (size_t)snprintf(to, size, "%s in ", name);
        return at + put_items(to + at, size - at, leaf);
    case L_ARITH:
        at = (size_t)snprintf(text, sizeof text, "%s %c ", name, leaf->arith);
        (void)put_value(text + at, sizeof text - at, &leaf->by);
        return put_comparison(to, size, text, leaf->op, &leaf->values[0]);
    case L_COLUMNS:
        return (size_t)snprintf(to, size, "%s %s %s", name, operators[leaf->op],
                                column_names[leaf->other]);
    case L_LIKE:
        return (size_t)snprintf(to, size, "%s like \"%s\"", name, patterns[leaf->op + leaf->mode]);
    case L_NULL:
        return (size_t)snprintf(to, size, "%s is null", name);
    case L_ELEMENT:
        (void)snprintf(text, sizeof text, "arr[%zu]", leaf->mode);
        return put_comparison(to, size, text, leaf->op, &leaf->values[0]);
    case L_LENGTH:
        (void)snprintf(text, sizeof text, "array_length(%s)", name);
        return put_comparison(to, size, text, leaf->op, &leaf->values[0]);
    case L_CONTAINS:
        at = (size_t)snprintf(to, size, "%s(%s, ", contains[leaf->mode], name);
        at += leaf->mode == 0 ? put_value(to + at, size - at, &leaf->values[0])
                              : put_items(to + at, size - at, leaf);
        return at + (size_t)snprintf(to + at, size - at, ")");
    }
    return 0;
}

static enum tri tri(bool is_true)
{
    return is_true ? YES : NO;
}

static enum tri compared(size_t op, const struct value *left, const struct value *right)
{
    return tri(op == 5 ? !compare(4, left, right) : compare(op, left, right));
}

static bool is_like(const char *text, const char *pattern)
{
    if (*pattern == '\0')
        return *text == '\0';
    if (*pattern == '%')
        return is_like(text, pattern + 1) || (*text != '\0' && is_like(text + 1, pattern));
    if (*pattern == '\\')
        pattern += 2; /* written twice in the filter */
    else if (*pattern == '_')
        return *text != '\0' && is_like(text + 1, pattern + 1);
    return *text == *pattern && is_like(text + 1, pattern + 1);
}

static struct value computed(const struct value *value, char arith, const struct value *by,
                             bool is_float)
{
    if (!is_number(value) || (arith == '%' && value->kind == REAL))
        return (struct value){.kind = NOTHING};
    if (value->kind == INTEGER && by->kind == INTEGER) {
        const uint64_t a = (uint64_t)value->integer;
        const uint64_t b = (uint64_t)by->integer;
        const bool is_minus_one = by->integer == -1; /* would overflow */
        const uint64_t result = arith == '+'   ? a + b
                                : arith == '-' ? a - b
                                : arith == '*' ? a * b
                                : is_minus_one ? (arith == '/' ? 0 - a : 0)
                                : arith == '/' ? (uint64_t)(value->integer / by->integer)
                                               : (uint64_t)(value->integer % by->integer);
        return integer((int64_t)result);
    }
    const double a = real_of(value);
    const double b = real_of(by);
    const double result = arith == '+'   ? a + b
                          : arith == '-' ? a - b
                          : arith == '*' ? a * b
                                         : a / b;
    return real(is_float ? (double)(float)result : result);
}

static enum tri contains(const struct leaf_model *leaf, const struct value *value)
{
    const size_t count = leaf->mode == 0 ? 1 : leaf->count;
    size_t met = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < value->count; k++) {
            const struct value item = integer(value->items[k]);
            if (compare(4, &item, &leaf->values[i])) {
                met++;
                break;
            }
        }
    return tri(value->kind == LIST && (leaf->mode == 2 ? met == count : met > 0));
}

static enum tri length_of(const struct leaf_model *leaf, const struct value *value)
{
    const struct value length = integer((int64_t)value->count);
    return value->kind == LIST ? compared(leaf->op, &length, &leaf->values[0]) : UNKNOWN;
}

static enum tri naive_leaf(const struct leaf_model *leaf, size_t row)
{
    struct value value = rows[row][leaf->column];
    const bool is_null = leaf->column == J ? !has_document[row] : value.kind == NOTHING;
    if (leaf->kind == L_NULL)
        return tri(leaf->column == J ? value.kind == NOTHING : is_null);
    if (is_null)
        return UNKNOWN;
    if (leaf->is_inner)
        value = value.kind == OBJECT ? integer(value.integer) : (struct value){.kind = NOTHING};
    struct value result;
    switch (leaf->kind) {
    case L_COMPARE:
        return compared(leaf->op, &value, &leaf->values[0]);
    case L_RANGE:
        return tri(compare(2, &value, &leaf->values[0]) && compare(1, &value, &leaf->values[1]));
    case L_IN:
        for (size_t i = 0; i < leaf->count; i++)
            if (compare(4, &value, &leaf->values[i]))
                return YES;
        return NO;
    case L_ARITH:
        result = computed(&value, leaf->arith, &leaf->by, leaf->column == F);
        return compared(leaf->op, &result, &leaf->values[0]);
    case L_COLUMNS:
        result = rows[row][leaf->other];
        return result.kind == NOTHING ? UNKNOWN : compared(leaf->op, &value, &result);
    case L_LIKE:
        return tri(value.kind == STRING && is_like(value.string, patterns[leaf->op + leaf->mode]));
    case L_ELEMENT:
        if (leaf->mode >= value.count)
            return UNKNOWN;
        result = integer(value.items[leaf->mode]);
        return compared(leaf->op, &result, &leaf->values[0]);
    case L_LENGTH:
        return length_of(leaf, &value);
    case L_CONTAINS:
        return contains(leaf, &value);
    case L_NULL:
        break;
    }
    return UNKNOWN;
}

static enum tri both(enum tri left, enum tri right)
{
    return left == NO || right == NO ? NO : left == YES && right == YES ? YES : UNKNOWN;
}

static enum tri opposite(enum tri value)
{
    return value == UNKNOWN ? UNKNOWN : tri(value == NO);
}

/* Writes a random filter and what it says of each row. */
static size_t random_filter(char *to, size_t size, size_t depth, enum tri *ret)
{
    const size_t kind = depth == 0 ? 0 : below(5);
    if (kind <= 1) {
        const struct leaf_model leaf = random_leaf();
        for (size_t i = 0; i < ROWS; i++)
            ret[i] = naive_leaf(&leaf, i);
        return put_leaf(to, size, &leaf);
    }
    if (kind == 2) {
        size_t at = (size_t)snprintf(to, size, "not (");
        at += random_filter(to + at, size - at, depth - 1, ret);
        for (size_t i = 0; i < ROWS; i++)
            ret[i] = opposite(ret[i]);
        return at + (size_t)snprintf(to + at, size - at, ")");
    }
    size_t at = (size_t)snprintf(to, size, "(");
    at += random_filter(to + at, size - at, depth - 1, ret);
    for (size_t terms = 1 + below(3); terms > 0; terms--) {
        enum tri other[ROWS];
        at += (size_t)snprintf(to + at, size - at, kind == 3 ? " and " : " || ");
        at += random_filter(to + at, size - at, depth - 1, other);
        for (size_t i = 0; i < ROWS; i++)
            ret[i] = kind == 3 ? both(ret[i], other[i])
                               : opposite(both(opposite(ret[i]), opposite(other[i])));
    }
    return at + (size_t)snprintf(to + at, size - at, ")");
}

static void check(const char *text, const enum tri *expected)
{
    struct filter *filter = NULL;
    struct err err = {0};
    struct filter_scratch scratch = {0};
    uint64_t bits[ROWS / 64 + 1];
    const struct filter_rows input = {.columns = column_list, .count = ROWS};
    if (filter_compile(text, strlen(text), &schema, NULL, &filter, &err) != ERR_OK)
        fail_msg("%s", err.msg);
    const struct loops *loops[LOOPS_TABLES_MAX];
    filter->loops = loops[below(loops_list(loops))];
    assert_int_equal(filter_eval(filter, &scratch, &input, bits, &err), ERR_OK);
    for (size_t i = 0; i < ROWS; i++)
        if (bitmap_get(bits, i) != (expected[i] == YES))
            fail_msg("row %zu: %d, expected %d (a=%d b=%d j: %.*s): %s", i, bitmap_get(bits, i),
                     expected[i], (int)rows[i][A].integer, (int)rows[i][B].integer,
                     (int)(columns[J].offsets[i + 1] - columns[J].offsets[i]),
                     (const char *)columns[J].bytes + columns[J].offsets[i], text);
    filter_scratch_release(&scratch);
    filter_free(filter);
}

static void test_naive__random_filters(void **state)
{
    (void)state;
    static char text[TEXT_MAX];
    enum tri expected[ROWS];
    make_rows();
    make_columns();
    size_t selected_rows = 0;
    for (size_t i = 0; i < ROUNDS; i++) {
        (void)random_filter(text, sizeof text, i % 4, expected);
        check(text, expected);
        for (size_t k = 0; k < ROWS; k++)
            selected_rows += expected[k] == YES;
    }
    assert_true(selected_rows > (size_t)ROUNDS * ROWS / 5); /* the filters are no nonsense */
    text_column_free(&columns[S]);
    text_column_free(&columns[J]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_naive__random_filters)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
