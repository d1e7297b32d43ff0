/* decide.c: what the statistics of a block say of a filter, so that blocks need not be read.
 *
 * A leaf is asked what its test says of every row that has a value: true, false, or perhaps. Nulls
 * turn "true for all" into "perhaps", and never turn "false for all" into anything else. */
#include <string.h>

#include "filter/plan.h"

#define ITEMS_MAX 64 /* constants of a list that are looked at one by one */

enum outcome { OUTCOME_PERHAPS, OUTCOME_FALSE, OUTCOME_TRUE };

static enum outcome integer_outcome(const struct leaf *leaf, const struct filter_block *block)
{
    if (leaf->is_never || block->max.integer < leaf->low || block->min.integer > leaf->high)
        return OUTCOME_FALSE;
    return block->min.integer >= leaf->low && block->max.integer <= leaf->high ? OUTCOME_TRUE
                                                                               : OUTCOME_PERHAPS;
}

static enum outcome real_outcome(const struct leaf *leaf, const struct filter_block *block)
{
    if (leaf->is_never || block->max.real < leaf->real_low || block->min.real > leaf->real_high)
        return OUTCOME_FALSE;
    const bool is_inside = block->min.real >= leaf->real_low &&
                           block->max.real <= leaf->real_high && block->has_nan == 0;
    return is_inside ? OUTCOME_TRUE : OUTCOME_PERHAPS;
}

static union filter_bound prefix_of(const struct filter_value *value)
{
    union filter_bound bound = {.prefix = {0}};
    if (value->size > 0)
        memcpy(bound.prefix, value->string,
               value->size < sizeof bound.prefix ? value->size : sizeof bound.prefix);
    return bound;
}

static int prefix_order(const struct filter_value *value, const union filter_bound *bound)
{
    const union filter_bound prefix = prefix_of(value);
    return memcmp(prefix.prefix, bound->prefix, sizeof prefix.prefix);
}

/* Equal prefixes say nothing: what follows them may differ. */
static enum outcome text_outcome(const struct test *test, const struct filter_block *block)
{
    const bool is_below = test->low.is_set && prefix_order(&test->low.value, &block->max) > 0;
    const bool is_above = test->high.is_set && prefix_order(&test->high.value, &block->min) < 0;
    if (is_below || is_above)
        return OUTCOME_FALSE;
    const bool is_inside = (!test->low.is_set || prefix_order(&test->low.value, &block->min) < 0) &&
                           (!test->high.is_set || prefix_order(&test->high.value, &block->max) > 0);
    return is_inside ? OUTCOME_TRUE : OUTCOME_PERHAPS;
}

static bool is_integer(enum field_type type)
{
    return type >= FIELD_BOOL && type <= FIELD_INT64;
}

static bool may_hold(const struct filter_value *value, enum field_type type,
                     const struct filter_block *block)
{
    const int64_t integer = value->kind == FILTER_VALUE_BOOL ? value->boolean : value->integer;
    if (is_integer(type))
        return integer >= block->min.integer && integer <= block->max.integer;
    if (type == FIELD_VARCHAR)
        return prefix_order(value, &block->min) >= 0 && prefix_order(value, &block->max) <= 0;
    return value->real >= block->min.real && value->real <= block->max.real;
}

static enum outcome in_outcome(const struct test *test, const struct filter_block *block)
{
    if (test->count > ITEMS_MAX)
        return OUTCOME_PERHAPS;
    for (size_t i = 0; i < test->count; i++)
        if (may_hold(&test->items[i], test->operand.type, block))
            return OUTCOME_PERHAPS;
    return OUTCOME_FALSE;
}

static enum outcome leaf_outcome(const struct leaf *leaf, const struct filter_block *block)
{
    const struct test *test = leaf->test;
    const enum field_type type = test->operand.type;
    if (test->operand.shape != OPERAND_COLUMN || test->operand.arith != ARITH_NONE ||
        test->operand.is_length)
        return OUTCOME_PERHAPS;
    if (block->has_range == 0)
        return OUTCOME_PERHAPS;
    if (test->kind == TEST_IN)
        return in_outcome(test, block);
    if (test->kind != TEST_RANGE)
        return OUTCOME_PERHAPS;
    if (is_integer(type))
        return integer_outcome(leaf, block);
    return type == FIELD_VARCHAR ? text_outcome(test, block) : real_outcome(leaf, block);
}

static enum filter_verdict decide_leaf(const struct leaf *leaf,
                                       const struct filter_block *const *blocks)
{
    const struct test *test = leaf->test;
    const struct filter_block *block =
        test->kind != TEST_SAMPLE ? blocks[test->operand.field] : NULL;
    if (block == NULL || block->rows == 0)
        return FILTER_PERHAPS;
    const bool are_null = block->nulls == block->rows;
    if (test->kind == TEST_NULL) {
        if (block->nulls > 0 && !are_null)
            return FILTER_PERHAPS;
        return are_null != leaf->negate ? FILTER_ALL : FILTER_NONE;
    }
    if (are_null)
        return test->kind == TEST_EXISTS && leaf->negate ? FILTER_ALL : FILTER_NONE;
    const enum outcome outcome = leaf_outcome(leaf, block);
    if (outcome == OUTCOME_PERHAPS)
        return FILTER_PERHAPS;
    if ((outcome == OUTCOME_TRUE) == leaf->negate)
        return FILTER_NONE;
    return block->nulls == 0 ? FILTER_ALL : FILTER_PERHAPS;
}

/* Recursion: at most TREE_DEPTH_MAX deep. */
static enum filter_verdict decide_plan(const struct plan *plan,
                                       const struct filter_block *const *blocks)
{
    if (plan->kind == PLAN_LEAF)
        return decide_leaf(&plan->leaf, blocks);
    const enum filter_verdict deciding = plan->kind == PLAN_AND ? FILTER_NONE : FILTER_ALL;
    bool are_decided = true;
    for (size_t i = 0; i < plan->count; i++) {
        const enum filter_verdict verdict = decide_plan(plan->children[i], blocks);
        if (verdict == deciding)
            return deciding;
        are_decided = are_decided && verdict != FILTER_PERHAPS;
    }
    if (!are_decided)
        return FILTER_PERHAPS;
    return plan->kind == PLAN_AND ? FILTER_ALL : FILTER_NONE;
}

enum filter_verdict filter_decide(const struct filter *filter,
                                  const struct filter_block *const *blocks)
{
    return filter->plan != NULL ? decide_plan(filter->plan, blocks) : FILTER_ALL;
}
