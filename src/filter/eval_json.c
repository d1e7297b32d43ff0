/* eval_json.c: leaves over JSON columns, the dynamic field among them.
 *
 * Each undecided row's text is walked as far as the value that is asked for. Before that all bytes
 * of the block are searched for what a row must hold to pass, so that most rows of a rare value are
 * never walked. A missing key, null, or a value of another type makes a test false, not unknown;
 * only the length of what is no array is unknown. */
#include <string.h>

#include "filter/contains.h"

static bool find_value(const struct leaf *leaf, const struct column *column, size_t row,
                       struct jvalue *ret)
{
    size_t size;
    const uint8_t *text = column_bytes(column, row, &size);
    return jscan_find(text, size, leaf->test->operand.steps, leaf->test->operand.step_count, ret);
}

static enum answer has_scalar(const struct leaf *leaf, struct block *block,
                              const struct column *column, size_t row)
{
    struct jvalue value;
    if (!find_value(leaf, column, row, &value))
        return ANSWER_NO;
    const struct scalar scalar = json_scalar(&value, block);
    return leaf_test_scalar(leaf, &scalar) ? ANSWER_YES : ANSWER_NO;
}

static enum answer has_integer(const struct leaf *leaf, struct block *block,
                               const struct column *column, size_t row)
{
    struct jvalue value;
    int64_t integer;
    if (!find_value(leaf, column, row, &value))
        return ANSWER_NO;
    if (jscan_short_integer(&value, &integer))
        return integer >= leaf->low && integer <= leaf->high ? ANSWER_YES : ANSWER_NO;
    const struct scalar scalar = json_scalar(&value, block);
    return leaf_test_scalar(leaf, &scalar) ? ANSWER_YES : ANSWER_NO;
}

static enum answer has_length(const struct leaf *leaf, struct block *block,
                              const struct column *column, size_t row)
{
    (void)block;
    struct jvalue value;
    struct jvalue item;
    if (!find_value(leaf, column, row, &value) || !jscan_is_array(&value))
        return ANSWER_UNKNOWN;
    struct scalar length = {.kind = SCALAR_INT};
    for (bool ok = jscan_first(&value, &item); ok; ok = jscan_next(&item))
        length.integer++;
    return leaf_test_scalar(leaf, &length) ? ANSWER_YES : ANSWER_NO;
}

static enum answer has_elements(const struct leaf *leaf, struct block *block,
                                const struct column *column, size_t row)
{
    struct jvalue value;
    struct jvalue item;
    if (!find_value(leaf, column, row, &value) || !jscan_is_array(&value))
        return ANSWER_NO;
    struct met met = met_start(leaf, block);
    bool is_done = met.left == 0;
    for (bool ok = jscan_first(&value, &item); ok && !is_done; ok = jscan_next(&item)) {
        if (jscan_is_array(&item)) {
            is_done = met_array(&met, &item, block);
        } else {
            const struct scalar scalar = json_scalar(&item, block);
            is_done = met_scalar(&met, &scalar);
        }
    }
    return is_done ? ANSWER_YES : ANSWER_NO;
}

static enum answer is_array(const struct leaf *leaf, struct block *block,
                            const struct column *column, size_t row)
{
    struct jvalue value;
    return find_value(leaf, column, row, &value) &&
                   json_equals_array(&value, leaf->test->items, leaf->test->count, block)
               ? ANSWER_YES
               : ANSWER_NO;
}

static enum answer has_key(const struct leaf *leaf, struct block *block,
                           const struct column *column, size_t row)
{
    (void)block;
    struct jvalue value;
    return find_value(leaf, column, row, &value) && !jscan_is_null(&value) ? ANSWER_YES : ANSWER_NO;
}

#define EVAL(name, ask)                                                                            \
    static void name(const struct leaf *leaf, struct block *block, uint64_t *bits)                 \
    {                                                                                              \
        uint64_t candidates[PLAN_BLOCK_WORDS];                                                     \
        memset(candidates, 0xFF, sizeof candidates);                                               \
        block_prefilter(leaf, block, true, candidates);                                            \
        block_ask(leaf, block, candidates, ask, bits);                                             \
    }

EVAL(eval_scalar, has_scalar)
EVAL(eval_integer, has_integer)
EVAL(eval_elements, has_elements)
EVAL(eval_array, is_array)
EVAL(eval_key, has_key)

/* Rows without the key are unknown here, so none may be left out. */
static void eval_length(const struct leaf *leaf, struct block *block, uint64_t *bits)
{
    block_ask(leaf, block, NULL, has_length, bits);
}

/* A document that is null has no keys: that is known. */
static void eval_exists(const struct leaf *leaf, struct block *block, uint64_t *bits)
{
    const struct column *column = block->columns[leaf->test->operand.field];
    uint64_t nulls[PLAN_BLOCK_WORDS];
    for (size_t i = 0; i < bitmap_words(block->count); i++)
        nulls[i] = leaf->negate ? bits[i] & ~block_valid(block, column, i) : 0;
    eval_key(leaf, block, bits);
    for (size_t i = 0; i < bitmap_words(block->count); i++)
        bits[i] |= nulls[i];
}

leaf_eval eval_json_for(const struct leaf *leaf)
{
    const struct test *test = leaf->test;
    if (test->operand.is_length)
        return eval_length;
    switch (test->kind) {
    case TEST_CONTAINS:
        return eval_elements;
    case TEST_EQUAL:
        return eval_array;
    case TEST_EXISTS:
        return eval_exists;
    default:
        return leaf->has_integers ? eval_integer : eval_scalar;
    }
}
