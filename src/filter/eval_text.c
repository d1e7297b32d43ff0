/* eval_text.c: leaves over VARCHAR columns. Text is compared byte by byte. */
#include <string.h>

#include "filter/plan.h"

static enum answer answer(bool is_true)
{
    return is_true ? ANSWER_YES : ANSWER_NO;
}

static enum answer is_equal(const struct leaf *leaf, struct block *block,
                            const struct column *column, size_t row)
{
    (void)block;
    const struct filter_value *wanted = &leaf->test->low.value;
    const uint64_t start = column->offsets[row];
    if (column->offsets[row + 1] - start != wanted->size)
        return ANSWER_NO;
    return answer(wanted->size == 0 ||
                  memcmp(column->bytes + start, wanted->string, wanted->size) == 0);
}

static enum answer in_range(const struct leaf *leaf, struct block *block,
                            const struct column *column, size_t row)
{
    (void)block;
    struct scalar scalar = {.kind = SCALAR_STRING};
    scalar.data = column_bytes(column, row, &scalar.size);
    return answer(scalar_in_range(&scalar, &leaf->test->low, &leaf->test->high));
}

static enum answer in_set(const struct leaf *leaf, struct block *block, const struct column *column,
                          size_t row)
{
    (void)block;
    size_t size;
    const uint8_t *text = column_bytes(column, row, &size);
    return answer(set_has_string(&leaf->set, text, size));
}

static enum answer is_like(const struct leaf *leaf, struct block *block,
                           const struct column *column, size_t row)
{
    (void)block;
    size_t size;
    const uint8_t *text = column_bytes(column, row, &size);
    return answer(like_match(&leaf->like, text, size));
}

/* "abc%": most rows differ in the first eight bytes. */
static enum answer has_prefix(const struct leaf *leaf, struct block *block,
                              const struct column *column, size_t row)
{
    (void)block;
    const struct like_piece *prefix = &leaf->like.pieces[0];
    size_t size;
    const uint8_t *text = column_bytes(column, row, &size);
    if (size < prefix->size)
        return ANSWER_NO;
    if (prefix->size >= sizeof(uint64_t)) {
        uint64_t word;
        uint64_t wanted;
        memcpy(&word, text, sizeof word);
        memcpy(&wanted, prefix->bytes, sizeof wanted);
        if (word != wanted)
            return ANSWER_NO;
    }
    return answer(memcmp(text, prefix->bytes, prefix->size) == 0);
}

static enum answer has_word(const struct leaf *leaf, struct block *block,
                            const struct column *column, size_t row)
{
    (void)block;
    size_t size;
    const uint8_t *text = column_bytes(column, row, &size);
    return answer(words_match(&leaf->words, text, size));
}

static enum answer has_phrase(const struct leaf *leaf, struct block *block,
                              const struct column *column, size_t row)
{
    size_t size;
    const uint8_t *text = column_bytes(column, row, &size);
    uint16_t *places = block_text(block, words_room(size));
    return answer(places != NULL && words_phrase(&leaf->words, text, size, places));
}

static enum answer in_order(const struct leaf *leaf, struct block *block,
                            const struct column *column, size_t row)
{
    const struct column *other = block->columns[leaf->test->other.field];
    if (other == NULL || column_is_null(other, row))
        return ANSWER_UNKNOWN;
    size_t left_size;
    size_t right_size;
    const uint8_t *left = column_bytes(column, row, &left_size);
    const uint8_t *right = column_bytes(other, row, &right_size);
    const int order = bytes_compare(left, left_size, right, right_size);
    const enum compare compare = leaf->test->compare;
    return answer(compare == COMPARE_EQ   ? order == 0
                  : compare == COMPARE_LT ? order < 0
                                          : order <= 0);
}

#define EVAL(name, test)                                                                           \
    static void name(const struct leaf *leaf, struct block *block, uint64_t *bits)                 \
    {                                                                                              \
        block_ask(leaf, block, NULL, test, bits);                                                  \
    }

EVAL(eval_equal, is_equal)
EVAL(eval_range, in_range)
EVAL(eval_in, in_set)
EVAL(eval_prefix, has_prefix)
EVAL(eval_words, has_word)
EVAL(eval_phrase, has_phrase)
EVAL(eval_columns, in_order)

static void eval_like(const struct leaf *leaf, struct block *block, uint64_t *bits)
{
    uint64_t candidates[PLAN_BLOCK_WORDS];
    memset(candidates, 0xFF, sizeof candidates);
    block_prefilter(leaf, block, false, candidates);
    block_ask(leaf, block, candidates, is_like, bits);
}

static bool is_prefix(const struct like *like)
{
    return like->count == 2 && like->pieces[0].size > 0 && like->pieces[0].is_any == NULL &&
           like->pieces[1].size == 0;
}

leaf_eval eval_text_for(const struct leaf *leaf)
{
    switch (leaf->test->kind) {
    case TEST_IN:
        return eval_in;
    case TEST_LIKE:
        return is_prefix(&leaf->like) ? eval_prefix : eval_like;
    case TEST_WORDS:
        return eval_words;
    case TEST_PHRASE:
        return eval_phrase;
    case TEST_COLUMNS:
        return eval_columns;
    default:
        return test_is_text_equality(leaf->test) ? eval_equal : eval_range;
    }
}
