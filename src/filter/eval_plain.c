/* eval_plain.c: leaves over columns of plain types: BOOL, integers, FLOAT, DOUBLE.
 *
 * Ranges run in the loops of loops.h. Arithmetic and comparisons of two columns first bring a chunk
 * of values to int64 or double; integers wrap, FLOAT is computed in float. */
#include <string.h>

#include "filter/number.h"
#include "filter/plan.h"

#define CHUNK_ROWS 512
#define FEW_CONSTANTS 4 /* of a list that is searched as so many ranges */

static bool is_real(enum field_type type)
{
    return type == FIELD_FLOAT || type == FIELD_DOUBLE;
}

static const void *values_at(const struct column *column, size_t row)
{
    return (const uint8_t *)column->values + row * column->width;
}

static loops_integer integer_loop(const struct loops *loops, size_t width)
{
    return width == 1   ? loops->range_1
           : width == 2 ? loops->range_2
           : width == 4 ? loops->range_4
                        : loops->range_8;
}

#define WIDEN(from_type, to)                                                                       \
    do {                                                                                           \
        const from_type *from = values;                                                            \
        for (size_t i = 0; i < count; i++)                                                         \
            (to)[i] = from[i];                                                                     \
    } while (0)

static void widen_integers(const struct column *column, size_t row, size_t count, int64_t *to)
{
    const void *values = values_at(column, row);
    if (column->width == 1)
        WIDEN(int8_t, to);
    else if (column->width == 2)
        WIDEN(int16_t, to);
    else if (column->width == 4)
        WIDEN(int32_t, to);
    else
        memcpy(to, values, count * sizeof *to);
}

static void widen_reals(const struct column *column, size_t row, size_t count, double *to)
{
    const void *values = values_at(column, row);
    if (column->type == FIELD_FLOAT) {
        WIDEN(float, to);
    } else if (column->type == FIELD_DOUBLE) {
        memcpy(to, values, count * sizeof *to);
    } else {
        int64_t integers[CHUNK_ROWS];
        widen_integers(column, row, count, integers);
        for (size_t i = 0; i < count; i++)
            to[i] = (double)integers[i];
    }
}

static void eval_range(const struct leaf *leaf, struct block *block, uint64_t *bits)
{
    const struct column *column = block->columns[leaf->test->operand.field];
    uint64_t raw[PLAN_BLOCK_WORDS] = {0};
    if (column != NULL && !leaf->is_never) {
        const struct loops *loops = block->filter->loops;
        const void *values = values_at(column, block->first);
        if (column->type == FIELD_FLOAT)
            loops->range_float(values, block->count, leaf->real_low, leaf->real_high, raw);
        else if (column->type == FIELD_DOUBLE)
            loops->range_double(values, block->count, leaf->real_low, leaf->real_high, raw);
        else
            integer_loop(loops, column->width)(values, block->count, leaf->low, leaf->high, raw);
    }
    block_keep(leaf, block, column, raw, bits);
}

/* One loop for each operator, so that each can be vectorised. */
#define ARITH_LOOP(values, expression)                                                             \
    do {                                                                                           \
        for (size_t i = 0; i < count; i++) {                                                       \
            const __typeof__((values)[0]) a = (values)[i];                                         \
            (values)[i] = expression;                                                              \
        }                                                                                          \
    } while (0)

static void compute_integers(enum arith arith, int64_t by, int64_t *values, size_t count)
{
    if (arith == ARITH_ADD)
        ARITH_LOOP(values, wrap_add(a, by));
    else if (arith == ARITH_SUB)
        ARITH_LOOP(values, wrap_sub(a, by));
    else if (arith == ARITH_MUL)
        ARITH_LOOP(values, wrap_mul(a, by));
    else if (arith == ARITH_DIV)
        ARITH_LOOP(values, wrap_div(a, by));
    else
        ARITH_LOOP(values, wrap_mod(a, by));
}

static void compute_reals(enum arith arith, double by, double *values, size_t count)
{
    if (arith == ARITH_ADD)
        ARITH_LOOP(values, a + by);
    else if (arith == ARITH_SUB)
        ARITH_LOOP(values, a - by);
    else if (arith == ARITH_MUL)
        ARITH_LOOP(values, a * by);
    else
        ARITH_LOOP(values, a / by);
}

static void compute_chunk(const struct leaf *leaf, const struct block *block, size_t done,
                          size_t count, uint64_t *raw)
{
    const struct operand *operand = &leaf->test->operand;
    const struct column *column = block->columns[operand->field];
    if (!is_real(column->type)) {
        int64_t values[CHUNK_ROWS];
        widen_integers(column, block->first + done, count, values);
        compute_integers(operand->arith, operand->by.integer, values, count);
        block->filter->loops->range_8(values, count, leaf->low, leaf->high, raw);
        return;
    }
    double values[CHUNK_ROWS];
    widen_reals(column, block->first + done, count, values);
    compute_reals(operand->arith, operand->by.real, values, count);
    /* Of two floats, the double result rounded to float is the float result. */
    for (size_t i = 0; column->type == FIELD_FLOAT && i < count; i++)
        values[i] = (double)(float)values[i];
    block->filter->loops->range_double(values, count, leaf->real_low, leaf->real_high, raw);
}

static void eval_arith(const struct leaf *leaf, struct block *block, uint64_t *bits)
{
    const struct column *column = block->columns[leaf->test->operand.field];
    uint64_t raw[PLAN_BLOCK_WORDS] = {0};
    for (size_t done = 0; column != NULL && !leaf->is_never && done < block->count;
         done += CHUNK_ROWS) {
        const size_t left = block->count - done;
        compute_chunk(leaf, block, done, left < CHUNK_ROWS ? left : CHUNK_ROWS, raw + done / 64);
    }
    block_keep(leaf, block, column, raw, bits);
}

#define COMPARE_LOOP(operator)                                                                     \
    for (size_t i = 0; i < count; i++)                                                             \
    raw[i / 64] |= (uint64_t)(a[i] operator b[i]) << (i % 64)

static void compare_integers(enum compare compare, const int64_t *a, const int64_t *b, size_t count,
                             uint64_t *raw)
{
    if (compare == COMPARE_LT)
        COMPARE_LOOP(<);
    else if (compare == COMPARE_LE)
        COMPARE_LOOP(<=);
    else
        COMPARE_LOOP(==);
}

static void compare_reals(enum compare compare, const double *a, const double *b, size_t count,
                          uint64_t *raw)
{
    if (compare == COMPARE_LT)
        COMPARE_LOOP(<);
    else if (compare == COMPARE_LE)
        COMPARE_LOOP(<=);
    else
        COMPARE_LOOP(==);
}

static void compare_chunk(const struct test *test, const struct block *block, size_t done,
                          size_t count, uint64_t *raw)
{
    const struct column *left = block->columns[test->operand.field];
    const struct column *right = block->columns[test->other.field];
    const size_t row = block->first + done;
    if (is_real(left->type) || is_real(right->type)) {
        double a[CHUNK_ROWS];
        double b[CHUNK_ROWS];
        widen_reals(left, row, count, a);
        widen_reals(right, row, count, b);
        compare_reals(test->compare, a, b, count, raw);
        return;
    }
    int64_t a[CHUNK_ROWS];
    int64_t b[CHUNK_ROWS];
    widen_integers(left, row, count, a);
    widen_integers(right, row, count, b);
    compare_integers(test->compare, a, b, count, raw);
}

static void eval_columns(const struct leaf *leaf, struct block *block, uint64_t *bits)
{
    const struct column *left = block->columns[leaf->test->operand.field];
    const struct column *right = block->columns[leaf->test->other.field];
    uint64_t raw[PLAN_BLOCK_WORDS] = {0};
    for (size_t done = 0; left != NULL && right != NULL && done < block->count;
         done += CHUNK_ROWS) {
        const size_t rest = block->count - done;
        compare_chunk(leaf->test, block, done, rest < CHUNK_ROWS ? rest : CHUNK_ROWS,
                      raw + done / 64);
    }
    block_keep(leaf, block, left, raw, bits);
    for (size_t i = 0; i < bitmap_words(block->count); i++)
        bits[i] &= block_valid(block, right, i);
}

static enum answer integer_in_set(const struct leaf *leaf, struct block *block,
                                  const struct column *column, size_t row)
{
    (void)block;
    int64_t value;
    widen_integers(column, row, 1, &value);
    return set_has_integer(&leaf->set, value) ? ANSWER_YES : ANSWER_NO;
}

static enum answer real_in_set(const struct leaf *leaf, struct block *block,
                               const struct column *column, size_t row)
{
    (void)block;
    double value;
    widen_reals(column, row, 1, &value);
    return set_has_real(&leaf->set, value) ? ANSWER_YES : ANSWER_NO;
}

static enum answer bool_in_set(const struct leaf *leaf, struct block *block,
                               const struct column *column, size_t row)
{
    (void)block;
    const bool value = *(const uint8_t *)values_at(column, row) != 0;
    return leaf->set.boolean_index[value] != SET_NOT_FOUND ? ANSWER_YES : ANSWER_NO;
}

/* A short list: a range of one value for each constant. */
static void in_few(const struct leaf *leaf, const struct block *block, const struct column *column,
                   uint64_t *raw)
{
    static const int64_t limits[] = {0, INT8_MAX, INT16_MAX, 0, INT32_MAX, 0, 0, 0, INT64_MAX};
    const int64_t max = limits[column->width];
    const loops_integer loop = integer_loop(block->filter->loops, column->width);
    for (size_t i = 0; i < leaf->test->count; i++) {
        uint64_t equal[PLAN_BLOCK_WORDS];
        const int64_t value = leaf->test->items[i].integer;
        if (value > max || value < -max - 1)
            continue;
        loop(values_at(column, block->first), block->count, value, value, equal);
        for (size_t k = 0; k < bitmap_words(block->count); k++)
            raw[k] |= equal[k];
    }
}

static void eval_in(const struct leaf *leaf, struct block *block, uint64_t *bits)
{
    const struct column *column = block->columns[leaf->test->operand.field];
    const enum field_type type = leaf->test->operand.type;
    if (type == FIELD_BOOL) {
        block_ask(leaf, block, NULL, bool_in_set, bits);
    } else if (is_real(type)) {
        block_ask(leaf, block, NULL, real_in_set, bits);
    } else if (column != NULL && leaf->test->count <= FEW_CONSTANTS) {
        uint64_t raw[PLAN_BLOCK_WORDS] = {0};
        in_few(leaf, block, column, raw);
        block_keep(leaf, block, column, raw, bits);
    } else {
        block_ask(leaf, block, NULL, integer_in_set, bits);
    }
}

leaf_eval eval_plain_for(const struct test *test)
{
    if (test->kind == TEST_COLUMNS)
        return eval_columns;
    if (test->kind == TEST_IN)
        return eval_in;
    return test->operand.arith != ARITH_NONE ? eval_arith : eval_range;
}
