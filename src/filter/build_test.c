/* build_test.c: conditions on one operand, and whether their types allow them. */
#include <ctype.h>

#include "filter/parse.h"

const char *operand_name(const struct parse *parse, const struct operand *operand)
{
    const struct field *field = &parse->schema->fields[operand->field];
    if (!field->is_dynamic || operand->step_count == 0)
        return field->name;
    const struct step *step = &operand->steps[0];
    for (size_t i = 0; i < step->size; i++)
        if (!isalnum((unsigned char)step->key[i]) && step->key[i] != '_')
            return field->name; /* a sentence shows no bytes that may be anything */
    return step->key;
}

static const char *kind_name(const struct filter_value *value)
{
    static const char *const names[] = {"a bool", "an integer", "a float", "a string", "an array"};
    return names[value->kind];
}

static void refuse_value(struct parse *parse, const struct operand *operand,
                         const struct filter_value *value)
{
    parse_fail(parse, "cannot cast value to %s: the field \"%s\" is used with %s",
               operand->is_length ? "Int64" : field_type_name(operand->type),
               operand_name(parse, operand), kind_name(value));
}

static bool fit_real(struct filter_value *value, bool is_float)
{
    if (value->kind != FILTER_VALUE_INT && value->kind != FILTER_VALUE_DOUBLE)
        return false;
    const double real = value->kind == FILTER_VALUE_INT ? (double)value->integer : value->real;
    *value = (struct filter_value){.kind = FILTER_VALUE_DOUBLE,
                                   .real = is_float ? (double)(float)real : real};
    return true;
}

bool value_fit(struct parse *parse, const struct operand *operand, struct filter_value *value)
{
    bool fits = false;
    switch (operand->is_length ? FIELD_INT64 : operand->type) {
    case FIELD_BOOL:
        fits = value->kind == FILTER_VALUE_BOOL;
        break;
    case FIELD_INT8:
    case FIELD_INT16:
    case FIELD_INT32:
    case FIELD_INT64:
        fits = value->kind == FILTER_VALUE_INT;
        break;
    case FIELD_FLOAT:
    case FIELD_DOUBLE:
        fits = fit_real(value, operand->type == FIELD_FLOAT);
        break;
    case FIELD_VARCHAR:
        fits = value->kind == FILTER_VALUE_STRING;
        break;
    case FIELD_JSON:
        fits = value->kind != FILTER_VALUE_ARRAY;
        break;
    default:
        break;
    }
    if (!fits)
        refuse_value(parse, operand, value);
    return fits;
}

/* Whether one value of the operand can be looked at: not a whole array or document. */
static bool is_scalar(struct parse *parse, const struct operand *operand)
{
    if (operand->is_length)
        return true;
    if (operand->shape == OPERAND_COLUMN &&
        (operand->type == FIELD_ARRAY || operand->type == FIELD_JSON)) {
        parse_fail(
            parse,
            "comparisons with the whole %s field \"%s\" are not supported: name a part of it",
            field_type_name(operand->type), operand_name(parse, operand));
        return false;
    }
    return true;
}

static enum op flipped(enum op op)
{
    static const enum op flips[] = {OP_GT, OP_GE, OP_LT, OP_LE, OP_EQ, OP_NE};
    return flips[op];
}

/* ARRAY == [...], path == [...] */
static struct expr *compare_array(struct parse *parse, enum op op, struct expr *left,
                                  struct expr *right)
{
    const struct operand *operand = &left->operand;
    const bool is_array = operand->shape == OPERAND_COLUMN && operand->type == FIELD_ARRAY;
    const bool is_path = operand->shape == OPERAND_PATH;
    if ((!is_array && !is_path) || operand->is_length || operand->arith != ARITH_NONE ||
        (op != OP_EQ && op != OP_NE))
        return parse_fail(parse, "the field \"%s\" cannot be compared with an array that way",
                          operand_name(parse, operand));
    struct expr *expr = parse_test(parse, TEST_EQUAL, left->token);
    if (expr == NULL)
        return NULL;
    expr->tree->test.operand = *operand;
    if (!items_fit(parse, operand, &right->value))
        return NULL;
    expr->tree->test.items = right->value.items;
    expr->tree->test.count = right->value.count;
    return op == OP_NE ? build_not(parse, expr) : expr;
}

static struct expr *compare_value(struct parse *parse, enum op op, struct expr *left,
                                  struct expr *right)
{
    if (right->value.kind == FILTER_VALUE_ARRAY)
        return compare_array(parse, op, left, right);
    struct filter_value value = right->value;
    const struct operand *operand = &left->operand;
    if (!is_scalar(parse, operand) || !value_fit(parse, operand, &value))
        return NULL;
    if (value.kind == FILTER_VALUE_BOOL && op != OP_EQ && op != OP_NE)
        return parse_fail(parse,
                          "bool values have no order: \"%s\" can only be compared with == and !=",
                          operand_name(parse, operand));
    struct expr *expr = parse_test(parse, TEST_RANGE, left->token);
    if (expr == NULL)
        return NULL;
    struct test *test = &expr->tree->test;
    test->operand = *operand;
    if (op != OP_LT && op != OP_LE)
        test->low = (struct bound){.is_set = true, .is_open = op == OP_GT, .value = value};
    if (op != OP_GT && op != OP_GE)
        test->high = (struct bound){.is_set = true, .is_open = op == OP_LT, .value = value};
    return op == OP_NE ? build_not(parse, expr) : expr;
}

static bool is_plain_number(enum field_type type)
{
    return (type >= FIELD_INT8 && type <= FIELD_INT64) || type == FIELD_FLOAT ||
           type == FIELD_DOUBLE;
}

static bool is_column(const struct operand *operand)
{
    return operand->shape == OPERAND_COLUMN && !operand->is_length && operand->arith == ARITH_NONE;
}

/* Bool columns are equal or not, but have no order. */
static bool are_alike(enum field_type left, enum field_type right, enum op op)
{
    if (is_plain_number(left))
        return is_plain_number(right);
    return left == right && (left == FIELD_VARCHAR || (left == FIELD_BOOL && op >= OP_EQ));
}

static struct expr *compare_columns(struct parse *parse, enum op op, struct expr *left,
                                    struct expr *right)
{
    const struct operand *a = &left->operand;
    const struct operand *b = &right->operand;
    if (!is_column(a) || !is_column(b) || !are_alike(a->type, b->type, op))
        return parse_fail(parse,
                          "comparisons between \"%s\" and \"%s\" are not supported: two fields of "
                          "like types can be compared, everything else with constants",
                          operand_name(parse, a), operand_name(parse, b));
    struct expr *expr = parse_test(parse, TEST_COLUMNS, left->token);
    if (expr == NULL)
        return NULL;
    static const enum compare compares[] = {COMPARE_LT, COMPARE_LE, COMPARE_LT,
                                            COMPARE_LE, COMPARE_EQ, COMPARE_EQ};
    const bool is_swapped = op == OP_GT || op == OP_GE;
    struct test *test = &expr->tree->test;
    test->operand = is_swapped ? *b : *a;
    test->other = is_swapped ? *a : *b;
    test->compare = compares[op];
    return op == OP_NE ? build_not(parse, expr) : expr;
}

static struct expr *compare_constants(struct parse *parse, enum op op, struct expr *left,
                                      const struct expr *right)
{
    const int order = value_compare(&left->value, &right->value);
    if (order == 2)
        return parse_fail(parse, "%s and %s cannot be compared", kind_name(&left->value),
                          kind_name(&right->value));
    const bool truths[] = {order<0, order <= 0, order> 0, order >= 0, order == 0, order != 0};
    left->value = (struct filter_value){.kind = FILTER_VALUE_BOOL, .boolean = truths[op]};
    return left;
}

/* `1 < a` has been read, and now `< 5` follows. */
static struct expr *build_range(struct parse *parse, enum op op, struct expr *left,
                                struct expr *right)
{
    struct test *test = &left->tree->test;
    const bool is_descending = op == OP_GT || op == OP_GE;
    if (op >= OP_EQ || is_descending != left->is_descending)
        return parse_fail(parse, "a range is written a < x < b or a > x > b");
    if (right->kind != EXPR_VALUE)
        return parse_fail(parse, "the bounds of a range must be constants");
    struct filter_value value = right->value;
    if (!value_fit(parse, &test->operand, &value))
        return NULL;
    const struct bound bound = {
        .is_set = true, .is_open = op == OP_LT || op == OP_GT, .value = value};
    if (is_descending)
        test->low = bound;
    else
        test->high = bound;
    left->is_half_range = false;
    return left;
}

/* `constant < field`: turned around, and perhaps the first half of a range. */
static struct expr *compare_turned(struct parse *parse, enum op op, struct expr *left,
                                   struct expr *right)
{
    const bool is_field = right->operand.arith == ARITH_NONE && !right->operand.is_length;
    struct expr *expr = compare_value(parse, flipped(op), right, left);
    if (expr != NULL) {
        expr->is_half_range = op < OP_EQ && is_field;
        expr->is_descending = op == OP_GT || op == OP_GE;
    }
    return expr;
}

struct expr *build_compare(struct parse *parse, enum op op, struct expr *left, struct expr *right)
{
    if (left == NULL || right == NULL)
        return NULL;
    if (left->kind == EXPR_TREE && left->is_half_range)
        return build_range(parse, op, left, right);
    if (left->kind == EXPR_TREE || right->kind == EXPR_TREE)
        return parse_fail(parse, "conditions cannot be compared with each other or with constants");
    if (left->kind == EXPR_OPERAND)
        return right->kind == EXPR_OPERAND ? compare_columns(parse, op, left, right)
                                           : compare_value(parse, op, left, right);
    return right->kind == EXPR_OPERAND ? compare_turned(parse, op, left, right)
                                       : compare_constants(parse, op, left, right);
}

bool items_fit(struct parse *parse, const struct operand *operand, struct filter_value *list)
{
    struct operand element = *operand;
    const bool is_json = operand->type == FIELD_JSON;
    if (operand->type == FIELD_ARRAY) {
        element.type = parse->schema->fields[operand->field].element;
        element.shape = OPERAND_ELEMENT;
    }
    struct filter_value *items = parse_array(parse, list->count, sizeof *items);
    if (items == NULL)
        return false;
    for (size_t i = 0; i < list->count; i++) {
        items[i] = list->items[i];
        const bool is_nested = is_json && items[i].kind == FILTER_VALUE_ARRAY;
        if (!is_nested && !value_fit(parse, &element, &items[i]))
            return false;
    }
    list->items = items;
    return true;
}

struct expr *build_in(struct parse *parse, struct expr *left, struct expr *right, bool is_not)
{
    if (left == NULL || right == NULL)
        return NULL;
    if (right->kind != EXPR_VALUE || right->value.kind != FILTER_VALUE_ARRAY)
        return parse_fail(parse, "the right-hand side of 'in' must be a list of constants");
    if (left->kind != EXPR_OPERAND || left->operand.arith != ARITH_NONE || left->operand.is_length)
        return parse_fail(parse, "the left-hand side of 'in' must be a field");
    if (!is_scalar(parse, &left->operand))
        return NULL;
    for (size_t i = 0; i < right->value.count; i++)
        if (right->value.items[i].kind == FILTER_VALUE_ARRAY)
            return parse_fail(parse, "the list of 'in' cannot hold lists");
    struct filter_value list = right->value;
    struct expr *expr = parse_test(parse, TEST_IN, left->token);
    if (expr == NULL || !items_fit(parse, &left->operand, &list))
        return NULL;
    expr->tree->test.operand = left->operand;
    expr->tree->test.items = list.items;
    expr->tree->test.count = list.count;
    return is_not ? build_not(parse, expr) : expr;
}

struct expr *build_like(struct parse *parse, struct expr *left, struct expr *right)
{
    if (left == NULL || right == NULL)
        return NULL;
    if (right->kind != EXPR_VALUE || right->value.kind != FILTER_VALUE_STRING)
        return parse_fail(parse, "the right-hand side of 'like' must be a string");
    if (left->kind != EXPR_OPERAND || left->operand.arith != ARITH_NONE ||
        left->operand.is_length ||
        (left->operand.type != FIELD_VARCHAR && left->operand.shape != OPERAND_PATH))
        return parse_fail(parse, "like operation on a non-string field is not supported");
    struct expr *expr = parse_test(parse, TEST_LIKE, left->token);
    if (expr == NULL)
        return NULL;
    expr->tree->test.operand = left->operand;
    expr->tree->test.text = right->value;
    return expr;
}

struct expr *build_exists(struct parse *parse, struct expr *operand)
{
    if (operand == NULL)
        return NULL;
    if (operand->kind != EXPR_OPERAND || operand->operand.shape != OPERAND_PATH ||
        operand->operand.arith != ARITH_NONE || operand->operand.is_length)
        return parse_fail(parse, "exists operation can only be used on a key inside a JSON field");
    struct expr *expr = parse_test(parse, TEST_EXISTS, operand->token);
    if (expr != NULL)
        expr->tree->test.operand = operand->operand;
    return expr;
}

struct expr *build_null(struct parse *parse, struct expr *operand, bool is_not)
{
    if (operand == NULL)
        return NULL;
    if (operand->operand.shape == OPERAND_PATH) {
        struct expr *expr = build_exists(parse, operand);
        return is_not ? expr : build_not(parse, expr);
    }
    if (operand->operand.shape == OPERAND_ELEMENT)
        return parse_fail(parse, "is null cannot be used on an element of the array \"%s\"",
                          operand_name(parse, &operand->operand));
    struct expr *expr = parse_test(parse, TEST_NULL, operand->token);
    if (expr == NULL)
        return NULL;
    expr->tree->test.operand = operand->operand;
    return is_not ? build_not(parse, expr) : expr;
}
