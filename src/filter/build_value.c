/* build_value.c: lists, arithmetic and whatever can be computed while parsing.
 *
 * Integers wrap modulo 2^64, as they do in a column; what is divided is truncated towards zero. */
#include <math.h>
#include <string.h>

#include "filter/number.h"
#include "filter/parse.h"

#define LIST_FIRST_CAPACITY 16

struct expr *build_list(struct parse *parse, struct token token)
{
    struct expr *expr = parse_expr(parse, EXPR_VALUE, token);
    if (expr != NULL)
        expr->value.kind = FILTER_VALUE_ARRAY;
    return expr;
}

static size_t array_depth(const struct filter_value *value)
{
    size_t depth = 0;
    for (; value->kind == FILTER_VALUE_ARRAY; value = &value->items[0]) {
        depth++;
        if (value->count == 0)
            break;
    }
    return depth;
}

struct expr *build_list_add(struct parse *parse, struct expr *list, struct expr *item)
{
    if (list == NULL || item == NULL)
        return NULL;
    if (item->kind != EXPR_VALUE)
        return parse_fail(parse, "a list can hold constants only");
    if (array_depth(&item->value) >= LITERAL_ARRAY_DEPTH_MAX)
        return parse_fail(parse, "the lists nest too deeply");
    struct filter_value *value = &list->value;
    struct filter_value *items = NULL;
    memcpy(&items, &value->items, sizeof items); /* the list under construction is ours to write */
    if (value->count == list->capacity) {
        const size_t wanted = list->capacity > 0 ? 2 * list->capacity : LIST_FIRST_CAPACITY;
        struct filter_value *bigger = parse_array(parse, wanted, sizeof *bigger);
        if (bigger == NULL)
            return NULL;
        if (value->count > 0)
            memcpy(bigger, items, value->count * sizeof *bigger);
        items = bigger;
        list->capacity = wanted;
    }
    items[value->count++] = item->value;
    value->items = items;
    parse->spare = item;
    return list;
}

static bool is_number(const struct filter_value *value)
{
    return value->kind == FILTER_VALUE_INT || value->kind == FILTER_VALUE_DOUBLE;
}

static double real_of(const struct filter_value *value)
{
    return value->kind == FILTER_VALUE_INT ? (double)value->integer : value->real;
}

int value_compare(const struct filter_value *left, const struct filter_value *right)
{
    if (left->kind == FILTER_VALUE_INT && right->kind == FILTER_VALUE_INT)
        return (left->integer > right->integer) - (left->integer < right->integer);
    if (is_number(left) && is_number(right)) {
        const double a = real_of(left);
        const double b = real_of(right);
        return a < b ? -1 : a > b ? 1 : a == b ? 0 : 2;
    }
    if (left->kind != right->kind)
        return 2;
    if (left->kind == FILTER_VALUE_BOOL)
        return left->boolean - right->boolean;
    if (left->kind != FILTER_VALUE_STRING)
        return 2;
    const size_t shorter = left->size < right->size ? left->size : right->size;
    const int order = shorter > 0 ? memcmp(left->string, right->string, shorter) : 0;
    return order != 0 ? (order > 0) - (order < 0)
                      : (left->size > right->size) - (left->size < right->size);
}

static struct expr *set_integer(struct expr *expr, int64_t integer)
{
    expr->value = (struct filter_value){.kind = FILTER_VALUE_INT, .integer = integer};
    return expr;
}

static struct expr *set_real(struct parse *parse, struct expr *expr, double real)
{
    if (!isfinite(real))
        return parse_fail(parse, "the result of constant arithmetic is out of range");
    expr->value = (struct filter_value){.kind = FILTER_VALUE_DOUBLE, .real = real};
    return expr;
}

static bool is_constant_number(const struct expr *expr)
{
    return expr->kind == EXPR_VALUE && is_number(&expr->value);
}

struct expr *build_negative(struct parse *parse, struct expr *right)
{
    if (right == NULL)
        return NULL;
    if (!is_constant_number(right))
        return parse_fail(parse, "unary minus applies to constant numbers only");
    if (right->value.kind == FILTER_VALUE_INT)
        return set_integer(right, wrap_sub(0, right->value.integer));
    return set_real(parse, right, -right->value.real);
}

struct expr *build_positive(struct parse *parse, struct expr *right)
{
    if (right == NULL || is_constant_number(right))
        return right;
    return parse_fail(parse, "unary plus applies to constant numbers only");
}

/* base ** exponent in integers; false when that does not fit. */
static bool integer_power(int64_t base, int64_t exponent, int64_t *ret)
{
    int64_t result = 1;
    if (exponent < 0)
        return false;
    while (exponent > 0) {
        if ((exponent & 1) != 0 && __builtin_mul_overflow(result, base, &result))
            return false;
        exponent >>= 1;
        if (exponent > 0 && __builtin_mul_overflow(base, base, &base))
            return false;
    }
    *ret = result;
    return true;
}

struct expr *build_power(struct parse *parse, struct expr *left, struct expr *right)
{
    if (left == NULL || right == NULL)
        return NULL;
    if (!is_constant_number(left) || !is_constant_number(right))
        return parse_fail(parse, "power can only apply on constants");
    int64_t result;
    if (left->value.kind == FILTER_VALUE_INT && right->value.kind == FILTER_VALUE_INT &&
        integer_power(left->value.integer, right->value.integer, &result))
        return set_integer(left, result);
    return set_real(parse, left, pow(real_of(&left->value), real_of(&right->value)));
}

struct expr *build_refused(struct parse *parse, struct token op)
{
    return parse_fail(parse, "bit operator %.*s is not supported", (int)op.size, op.text);
}

static const char *arith_name(enum arith arith)
{
    static const char *const names[] = {"", "+", "-", "*", "/", "%"};
    return names[arith];
}

static struct expr *fold(struct parse *parse, enum arith arith, struct expr *left,
                         const struct expr *right)
{
    const struct filter_value *a = &left->value;
    const struct filter_value *b = &right->value;
    const bool are_integers = a->kind == FILTER_VALUE_INT && b->kind == FILTER_VALUE_INT;
    if (!is_constant_number(left) || (arith == ARITH_MOD && !are_integers))
        return parse_fail(parse, "'%s' can only be used between numbers", arith_name(arith));
    if (are_integers)
        return set_integer(left, arith_integer(arith, a->integer, b->integer));
    return set_real(parse, left, arith_real(arith, real_of(a), real_of(b)));
}

/* The types on both sides of an operator; the right side of / and % is not 0. */
static bool check_constant(struct parse *parse, enum arith arith, const struct expr *right)
{
    if (!is_constant_number(right)) {
        parse_fail(parse, "'%s' can only be used between integer or floating expressions",
                   arith_name(arith));
        return false;
    }
    if (arith == ARITH_MOD && right->value.kind != FILTER_VALUE_INT) {
        parse_fail(parse, "modulo can only apply on integer types");
        return false;
    }
    if ((arith == ARITH_DIV || arith == ARITH_MOD) && real_of(&right->value) == 0) {
        parse_fail(parse, arith == ARITH_DIV ? "cannot divide by zero" : "cannot modulo by zero");
        return false;
    }
    return true;
}

static bool check_operand(struct parse *parse, enum arith arith, const struct operand *operand)
{
    if (operand->arith != ARITH_NONE || operand->is_length) {
        parse_fail(parse, "complicated arithmetic operations are not supported");
        return false;
    }
    switch (operand->type) {
    case FIELD_INT8:
    case FIELD_INT16:
    case FIELD_INT32:
    case FIELD_INT64:
        return true;
    case FIELD_FLOAT:
    case FIELD_DOUBLE:
        if (arith == ARITH_MOD)
            parse_fail(parse, "modulo can only apply on integer types");
        return arith != ARITH_MOD;
    case FIELD_JSON:
        if (operand->shape == OPERAND_PATH)
            return true;
        break;
    default:
        break;
    }
    parse_fail(parse, "'%s' cannot be used with the field \"%s\" of type %s", arith_name(arith),
               operand_name(parse, operand), field_type_name(operand->type));
    return false;
}

/* `field op constant` */
static struct expr *apply(struct parse *parse, enum arith arith, struct expr *left,
                          const struct expr *right)
{
    struct filter_value by = right->value;
    if (!check_constant(parse, arith, right) || !check_operand(parse, arith, &left->operand) ||
        !value_fit(parse, &left->operand, &by))
        return NULL;
    left->operand.arith = arith;
    left->operand.by = by;
    return left;
}

struct expr *build_arith(struct parse *parse, enum arith arith, struct expr *left,
                         struct expr *right)
{
    if (left == NULL || right == NULL)
        return NULL;
    if (left->kind == EXPR_TREE || right->kind == EXPR_TREE)
        return parse_fail(parse, "'%s' cannot be used with a condition", arith_name(arith));
    if (left->kind == EXPR_OPERAND)
        return right->kind == EXPR_VALUE
                   ? apply(parse, arith, left, right)
                   : parse_fail(parse, "'%s' between two fields is not supported",
                                arith_name(arith));
    if (right->kind == EXPR_VALUE)
        return check_constant(parse, arith, right) ? fold(parse, arith, left, right) : NULL;
    if (arith == ARITH_ADD || arith == ARITH_MUL)
        return apply(parse, arith, right, left);
    return parse_fail(parse, "'%s' with the constant on the left is not supported",
                      arith_name(arith));
}
