/* eval_rows.c: what the evaluators share: nulls, narrowing by a search over all bytes, scratch; and
 * the two leaves that look at no value. */
#include <string.h>

#include "filter/plan.h"

#define PROBE_ROWS 512 /* after so many rows a narrowing that keeps most of them is given up */

uint64_t block_valid(const struct block *block, const struct column *column, size_t word)
{
    if (column == NULL)
        return 0;
    if (column->valid == NULL)
        return UINT64_MAX;
    const size_t row = block->first + 64 * word;
    const size_t shift = row % 64;
    uint64_t valid = column->valid[row / 64] >> shift;
    if (shift != 0 && row / 64 + 1 < bitmap_words(column->rows))
        valid |= column->valid[row / 64 + 1] << (64 - shift);
    return valid;
}

void block_keep(const struct leaf *leaf, const struct block *block, const struct column *column,
                const uint64_t *raw, uint64_t *bits)
{
    const uint64_t flip = leaf->negate ? UINT64_MAX : 0;
    const size_t words = bitmap_words(block->count);
    if (column != NULL && column->valid == NULL) {
        for (size_t i = 0; i < words; i++)
            bits[i] &= raw[i] ^ flip;
        return;
    }
    for (size_t i = 0; i < words; i++)
        bits[i] &= (raw[i] ^ flip) & block_valid(block, column, i);
}

void *block_text(struct block *block, size_t size)
{
    struct filter_scratch *scratch = block->scratch;
    if (size > scratch->text_size || scratch->text == NULL) {
        mem_free(scratch->text);
        scratch->text = mem_alloc(size + 1, 1);
        scratch->text_size = scratch->text != NULL ? size : 0;
    }
    block->has_failed = block->has_failed || scratch->text == NULL;
    return scratch->text;
}

/* Where the needle and a backslash stand next; `end` when nowhere. */
struct finder {
    const struct leaf *leaf;
    const struct loops *loops;
    const uint8_t *end;
    const uint8_t *needle;
    const uint8_t *backslash; /* `end` too when none is looked for */
    const uint8_t *next;      /* the first of both */
};

/* Looks from `at` on for what was passed. */
static void find_next(struct finder *finder, const uint8_t *at)
{
    const size_t left = (size_t)(finder->end - at);
    if (finder->needle < at) {
        const size_t found =
            finder->loops->find(at, left, finder->leaf->needle, finder->leaf->needle_size);
        finder->needle = found != SIZE_MAX ? at + found : finder->end;
    }
    if (finder->backslash < at) {
        const uint8_t *found = memchr(at, '\\', left);
        finder->backslash = found != NULL ? found : finder->end;
    }
    finder->next = finder->needle < finder->backslash ? finder->needle : finder->backslash;
}

/* Whether one of them is in the row that ends at `end`; rows are asked in order. A needle that
 * reaches into the next row is none. */
static bool find_in_row(struct finder *finder, const uint8_t *end)
{
    const bool found = finder->backslash < end || finder->needle + finder->leaf->needle_size <= end;
    find_next(finder, end);
    return found;
}

/* Narrows rows [from, to) of the block, `from` a multiple of 64; returns how many are left. */
static size_t narrow(const struct leaf *leaf, const struct block *block, bool with_escapes,
                     size_t from, size_t to, uint64_t *bits)
{
    const struct column *column = block->columns[leaf->test->operand.field];
    const uint64_t *offsets = column->offsets + block->first;
    const uint8_t *start = column->bytes + offsets[from];
    const uint8_t *end = column->bytes + offsets[to];
    struct finder finder = {.leaf = leaf, .loops = block->filter->loops, .end = end};
    finder.needle = start == end ? end : NULL;
    finder.backslash = start == end || !with_escapes ? end : NULL;
    find_next(&finder, start);
    size_t found = 0;
    for (size_t row = from; row < to; row += 64) {
        uint64_t word = 0;
        for (size_t k = 0; k < 64 && row + k < to; k++) {
            const uint8_t *row_end = column->bytes + offsets[row + k + 1];
            if (finder.next < row_end && find_in_row(&finder, row_end))
                word |= (uint64_t)1 << k;
        }
        found += (size_t)__builtin_popcountll(word);
        bits[row / 64] &= word;
    }
    return found;
}

void block_prefilter(const struct leaf *leaf, const struct block *block, bool with_escapes,
                     uint64_t *bits)
{
    const size_t probed = block->count < PROBE_ROWS ? block->count : PROBE_ROWS;
    if (leaf->needle_size == 0 || block->columns[leaf->test->operand.field] == NULL)
        return;
    const size_t found = narrow(leaf, block, with_escapes, 0, probed, bits);
    if (found <= probed / 2)
        (void)narrow(leaf, block, with_escapes, probed, block->count, bits);
}

bool leaf_test_scalar(const struct leaf *leaf, const struct scalar *scalar)
{
    const struct test *test = leaf->test;
    if (scalar->kind == SCALAR_NONE)
        return false;
    if (test->operand.arith != ARITH_NONE) {
        const struct scalar result = scalar_arith(scalar, test->operand.arith, &test->operand.by);
        return scalar_in_range(&result, &test->low, &test->high);
    }
    if (test->kind == TEST_RANGE)
        return scalar_in_range(scalar, &test->low, &test->high);
    if (test->kind == TEST_IN)
        return set_find(&leaf->set, scalar) != SET_NOT_FOUND;
    return scalar->kind == SCALAR_STRING && like_match(&leaf->like, scalar->data, scalar->size);
}

void eval_null(const struct leaf *leaf, struct block *block, uint64_t *bits)
{
    const struct column *column = block->columns[leaf->test->operand.field];
    const uint64_t flip = leaf->negate ? 0 : UINT64_MAX;
    for (size_t i = 0; i < bitmap_words(block->count); i++)
        bits[i] &= block_valid(block, column, i) ^ flip;
}

/* A fair coin for each row, the same each time. */
static bool is_drawn(uint64_t row, uint64_t seed, double share)
{
    uint64_t hash = row + seed * UINT64_C(0x9E3779B97F4A7C15) + UINT64_C(0x632BE59BD9B4E019);
    hash = (hash ^ hash >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    hash = (hash ^ hash >> 27) * UINT64_C(0x94D049BB133111EB);
    hash ^= hash >> 31;
    return (double)(hash >> 11) * 0x1p-53 < share;
}

void eval_sample(const struct leaf *leaf, struct block *block, uint64_t *bits)
{
    for (size_t word = 0; word < bitmap_words(block->count); word++)
        for (uint64_t left = bits[word]; left != 0; left &= left - 1) {
            const size_t k = (size_t)__builtin_ctzll(left);
            if (!is_drawn(block->sample_base + 64 * word + k, block->filter->seed,
                          leaf->test->share))
                bits[word] &= ~((uint64_t)1 << k);
        }
}
