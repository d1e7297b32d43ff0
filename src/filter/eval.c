/* eval.c: filter_eval: block after block, node after node.
 *
 * A node is given a bitmap of the rows that are still undecided and keeps those that it selects.
 * `and` hands the same bitmap from child to child and stops when it is empty; `or` asks each child
 * only about the rows that no child before it selected. */
#include <string.h>

#include "filter/plan.h"

static bool is_empty(const uint64_t *bits, size_t words)
{
    uint64_t any = 0;
    for (size_t i = 0; i < words; i++)
        any |= bits[i];
    return any == 0;
}

static void eval_plan(const struct plan *plan, struct block *block, uint64_t *bits);

static void eval_or(const struct plan *plan, struct block *block, uint64_t *bits)
{
    const size_t words = bitmap_words(block->count);
    uint64_t *rest = block->words + 2 * (plan->or_depth - 1) * PLAN_BLOCK_WORDS;
    uint64_t *found = rest + PLAN_BLOCK_WORDS;
    memcpy(rest, bits, words * sizeof *bits);
    memset(bits, 0, words * sizeof *bits);
    for (size_t i = 0; i < plan->count && !is_empty(rest, words); i++) {
        memcpy(found, rest, words * sizeof *bits);
        eval_plan(plan->children[i], block, found);
        for (size_t k = 0; k < words; k++) {
            bits[k] |= found[k];
            rest[k] &= ~found[k];
        }
    }
}

/* Recursion: at most TREE_DEPTH_MAX deep. */
static void eval_plan(const struct plan *plan, struct block *block, uint64_t *bits)
{
    const size_t words = bitmap_words(block->count);
    if (plan->kind == PLAN_LEAF) {
        plan->leaf.eval(&plan->leaf, block, bits);
    } else if (plan->kind == PLAN_OR) {
        eval_or(plan, block, bits);
    } else {
        for (size_t i = 0; i < plan->count && !is_empty(bits, words); i++)
            eval_plan(plan->children[i], block, bits);
    }
}

static void set_all(uint64_t *bits, size_t count)
{
    memset(bits, 0xFF, count / 64 * sizeof *bits);
    if (count % 64 != 0)
        bits[count / 64] = ((uint64_t)1 << (count % 64)) - 1;
}

static bool prepare(const struct filter *filter, struct filter_scratch *scratch)
{
    const size_t words = 2 * filter->plan->or_depth * PLAN_BLOCK_WORDS + filter->seen_words;
    const size_t size = words * sizeof(uint64_t);
    if (size <= scratch->words_size)
        return true;
    mem_free(scratch->words);
    scratch->words = mem_alloc(words, sizeof(uint64_t));
    scratch->words_size = scratch->words != NULL ? size : 0;
    return scratch->words != NULL;
}

enum err_code filter_eval(const struct filter *filter, struct filter_scratch *scratch,
                          const struct filter_rows *rows, uint64_t *ret_bits, struct err *err)
{
    set_all(ret_bits, rows->count);
    if (filter->plan == NULL)
        return ERR_OK;
    if (!prepare(filter, scratch))
        return err_nomem(err, "filter");
    for (size_t done = 0; done < rows->count; done += PLAN_BLOCK_ROWS) {
        const size_t left = rows->count - done;
        struct block block = {.filter = filter,
                              .columns = rows->columns,
                              .first = rows->first + done,
                              .count = left < PLAN_BLOCK_ROWS ? left : PLAN_BLOCK_ROWS,
                              .sample_base = rows->row_base + done,
                              .scratch = scratch,
                              .words = scratch->words};
        eval_plan(filter->plan, &block, ret_bits + done / 64);
        if (block.has_failed)
            return err_nomem(err, "filter");
    }
    return ERR_OK;
}

void filter_scratch_release(struct filter_scratch *scratch)
{
    mem_free(scratch->words);
    mem_free(scratch->text);
    *scratch = (struct filter_scratch){0};
}
