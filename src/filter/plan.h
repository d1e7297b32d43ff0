/* plan.h: a filter as it is evaluated: `and` and `or` over leaves; `not` has been moved into the
 * leaves, so that a leaf only says which rows it selects, and rows whose answer is unknown (NULL)
 * are selected by neither a leaf nor its opposite.
 *
 * Children stand in order of what they cost. A leaf is asked only about the rows that are undecided
 * when its turn comes. */
#ifndef GODWIT_FILTER_PLAN_H
#define GODWIT_FILTER_PLAN_H

#include "base/bitmap.h"
#include "base/mem.h"
#include "filter/like.h"
#include "filter/loops.h"
#include "filter/set.h"
#include "filter/tree.h"
#include "filter/words.h"

#define PLAN_BLOCK_ROWS ((size_t)8192)
#define PLAN_BLOCK_WORDS (PLAN_BLOCK_ROWS / 64)

struct leaf;

/* One block of rows under evaluation. */
struct block {
    const struct filter *filter;
    const struct column *const *columns;
    size_t first; /* row of the columns */
    size_t count; /* at most PLAN_BLOCK_ROWS */
    uint64_t sample_base;
    struct filter_scratch *scratch;
    uint64_t *words; /* for `or`: two bitmaps a level */
    bool has_failed; /* memory ended */
};

/* Keeps those of the rows in `bits` that the leaf selects. Bits past block->count are 0. */
typedef void (*leaf_eval)(const struct leaf *leaf, struct block *block, uint64_t *bits);

struct leaf {
    const struct test *test;
    bool negate; /* selects where the test is false */
    leaf_eval eval;
    struct set set;
    struct like like;
    struct words words;
    const uint8_t *needle; /* bytes that a row must hold for the test to be true, or a backslash */
    size_t needle_size;
    const struct filter_value **arrays; /* items that are arrays */
    size_t array_count;
    bool is_never;     /* the test is true for no row */
    bool has_integers; /* JSON: the bounds are integers, low and high are for integer values */
    int64_t low;       /* a range of integers, closed, within the type */
    int64_t high;
    double real_low; /* a range of reals, closed */
    double real_high;
};

enum plan_kind { PLAN_AND, PLAN_OR, PLAN_LEAF };

struct plan {
    enum plan_kind kind;
    int cost;
    size_t or_depth; /* how many `or` lie on a way to a leaf, this one included */
    struct plan **children;
    size_t count;
    struct leaf leaf;
};

struct filter {
    struct arena arena;
    const struct loops *loops;
    struct plan *plan; /* NULL: always true */
    bool *reads;       /* by field */
    size_t field_count;
    uint64_t seed;
    size_t seen_words; /* of the bitmap that `contains all` needs */
    struct filter_keys keys;
    bool has_keys;
};

/* Makes the plan of a tree. ERR_NOMEM, or ERR_INVALID for a constant that is too large. */
enum err_code plan_build(struct filter *filter, const struct tree *tree,
                         const struct schema *schema, struct err *err) MUST_USE;

/* The test is `text == constant`. */
bool test_is_text_equality(const struct test *test);

/* keys.c: filter->keys, if the tree is nothing but keys. False when memory ends. */
bool keys_build(struct filter *filter, const struct tree *tree,
                const struct schema *schema) MUST_USE;

/* eval_*.c: the evaluators, and which one a test needs. */
leaf_eval eval_plain_for(const struct test *test);
leaf_eval eval_text_for(const struct leaf *leaf);
leaf_eval eval_json_for(const struct leaf *leaf);
leaf_eval eval_array_for(const struct test *test);
void eval_null(const struct leaf *leaf, struct block *block, uint64_t *bits);
void eval_sample(const struct leaf *leaf, struct block *block, uint64_t *bits);

/* eval_rows.c: what evaluators share. */

/* Bit k: row block->first + 64 * word + k has a value. */
uint64_t block_valid(const struct block *block, const struct column *column, size_t word);
/* bits = bits and valid and (raw, or its opposite when the leaf is negated) */
void block_keep(const struct leaf *leaf, const struct block *block, const struct column *column,
                const uint64_t *raw, uint64_t *bits);
/* Clears the bits of rows whose bytes hold neither leaf->needle nor, if with_escapes, a backslash.
 * May leave all as it is. */
void block_prefilter(const struct leaf *leaf, const struct block *block, bool with_escapes,
                     uint64_t *bits);
/* At least `size` bytes of scratch; NULL when memory ends, which block->has_failed then says. */
void *block_text(struct block *block, size_t size) MUST_USE;

/* Whether a value passes the leaf's range, list or pattern. */
bool leaf_test_scalar(const struct leaf *leaf, const struct scalar *scalar);

/* What one row says: unknown rows are never selected. */
enum answer { ANSWER_NO, ANSWER_YES, ANSWER_UNKNOWN };
typedef enum answer (*row_test)(const struct leaf *leaf, struct block *block,
                                const struct column *column, size_t row);

/* Asks for each row of `bits` that is not null and, where `candidates` is given, has its bit there;
 * rows without are taken to answer no. Inlined, so that the test is no call. */
static inline __attribute__((always_inline)) void block_ask(const struct leaf *leaf,
                                                            struct block *block,
                                                            const uint64_t *candidates,
                                                            row_test test, uint64_t *bits)
{
    const struct column *column = block->columns[leaf->test->operand.field];
    for (size_t word = 0; word < bitmap_words(block->count); word++) {
        const uint64_t asked = bits[word] & block_valid(block, column, word);
        uint64_t yes = 0;
        uint64_t known = asked;
        uint64_t left = candidates != NULL ? asked & candidates[word] : asked;
        for (; left != 0; left &= left - 1) {
            const size_t k = (size_t)__builtin_ctzll(left);
            const enum answer answer = test(leaf, block, column, block->first + 64 * word + k);
            yes |= (uint64_t)(answer == ANSWER_YES) << k;
            known &= ~((uint64_t)(answer == ANSWER_UNKNOWN) << k);
        }
        bits[word] = leaf->negate ? known & ~yes : yes;
    }
}

#endif
