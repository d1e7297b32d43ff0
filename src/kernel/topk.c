/* topk.c: see topk.h. Folding selects the k best by quickselect (median of three; a pass that does
 * not shrink the range enough often enough falls back to sorting it, so the time stays
 * O(n log n) for any input).
 *
 * Invariant after a fold: count <= k; if count == k then limit and limit_ordinal are those of the
 * worst hit kept, and a hit that was dropped is worse than k (distinct) hits that were kept. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "kernel/topk.h"

#define SLACK_MIN 64 /* hits between two folds, at least */

static bool is_before(const struct topk_hit *a, const struct topk_hit *b)
{
    if (a->key != b->key)
        return a->key < b->key;
    return a->ordinal < b->ordinal;
}

static int compare_hits(const void *a, const void *b)
{
    const struct topk_hit *left = a;
    const struct topk_hit *right = b;
    if (is_before(left, right))
        return -1;
    return is_before(right, left) ? 1 : 0;
}

static void swap_hits(struct topk_hit *a, struct topk_hit *b)
{
    const struct topk_hit hit = *a;
    *a = *b;
    *b = hit;
}

/* Sorts the first, middle and last hit; the middle one is then a fair pivot. */
static struct topk_hit median_of_three(struct topk_hit *hits, size_t low, size_t high)
{
    const size_t middle = low + (high - low) / 2;
    if (is_before(&hits[middle], &hits[low]))
        swap_hits(&hits[middle], &hits[low]);
    if (is_before(&hits[high], &hits[low]))
        swap_hits(&hits[high], &hits[low]);
    if (is_before(&hits[high], &hits[middle]))
        swap_hits(&hits[high], &hits[middle]);
    return hits[middle];
}

/* Moves the k best of `count` hits to the front, 0 < k < count. */
static void select_best(struct topk_hit *hits, size_t count, size_t k)
{
    size_t low = 0;
    size_t high = count - 1;
    for (size_t pass = 0; low < high; pass++) {
        if (high - low < 16 || pass == 64) {
            qsort(hits + low, high - low + 1, sizeof hits[0], compare_hits);
            return;
        }
        const struct topk_hit pivot = median_of_three(hits, low, high);
        size_t i = low;
        size_t j = high;
        while (i <= j) {
            while (is_before(&hits[i], &pivot))
                i++;
            while (is_before(&pivot, &hits[j]))
                j--;
            if (i <= j)
                swap_hits(&hits[i++], &hits[j--]);
        }
        if (k - 1 <= j)
            high = j;
        else if (k - 1 >= i)
            low = i;
        else
            return;
    }
}

static size_t slot_of(const struct topk *topk, int64_t id)
{
    uint64_t mixed = (uint64_t)id * UINT64_C(0x9e3779b97f4a7c15);
    mixed ^= mixed >> 32;
    return (size_t)mixed & (topk->slot_count - 1);
}

/* Keeps the best hit of each id. */
static void drop_duplicates(struct topk *topk)
{
    memset(topk->slots, 0, topk->slot_count * sizeof topk->slots[0]);
    size_t kept = 0;
    for (size_t i = 0; i < topk->count; i++) {
        const struct topk_hit hit = topk->hits[i];
        size_t slot = slot_of(topk, hit.id);
        while (topk->slots[slot] != 0 && topk->hits[topk->slots[slot] - 1].id != hit.id)
            slot = (slot + 1) & (topk->slot_count - 1);
        if (topk->slots[slot] == 0) {
            topk->hits[kept++] = hit;
            topk->slots[slot] = (uint32_t)kept;
            continue;
        }
        struct topk_hit *twin = &topk->hits[topk->slots[slot] - 1];
        if (is_before(&hit, twin))
            *twin = hit;
    }
    topk->count = kept;
}

static void set_limit(struct topk *topk)
{
    const struct topk_hit *worst = &topk->hits[0];
    for (size_t i = 1; i < topk->count; i++)
        if (is_before(worst, &topk->hits[i]))
            worst = &topk->hits[i];
    topk->limit = worst->key;
    topk->limit_ordinal = worst->ordinal;
}

static void fold(struct topk *topk)
{
    if (topk->is_distinct)
        drop_duplicates(topk);
    if (topk->count < topk->k)
        return;
    if (topk->count > topk->k)
        select_best(topk->hits, topk->count, topk->k);
    topk->count = topk->k;
    set_limit(topk);
}

enum err_code topk_init(struct topk *topk, size_t k, bool is_distinct, struct err *err)
{
    if (k == 0 || k > TOPK_MAX)
        return err_set(err, ERR_INVALID, "top-k is %zu; it can be 1 to %d", k, TOPK_MAX);
    struct topk made = {.k = k, .is_distinct = is_distinct, .least = -INFINITY, .most = INFINITY};
    made.capacity = k + (k / 2 < SLACK_MIN ? SLACK_MIN : k / 2);
    made.hits = mem_alloc(made.capacity, sizeof made.hits[0]);
    if (made.hits == NULL)
        return err_nomem(err, "search results");
    if (is_distinct) {
        made.slot_count = 1;
        while (made.slot_count < 2 * made.capacity)
            made.slot_count *= 2;
        made.slots = mem_alloc(made.slot_count, sizeof made.slots[0]);
        if (made.slots == NULL) {
            mem_free(made.hits);
            return err_nomem(err, "search results");
        }
    }
    *topk = made;
    topk_reset(topk);
    return ERR_OK;
}

void topk_release(struct topk *topk)
{
    mem_free(topk->hits);
    mem_free(topk->slots);
    topk->hits = NULL;
    topk->slots = NULL;
}

void topk_restrict(struct topk *topk, float least, float most)
{
    topk->least = least;
    topk->most = most;
    topk->limit = most;
}

void topk_reset(struct topk *topk)
{
    topk->count = 0;
    topk->limit = topk->most;
    topk->limit_ordinal = UINT64_MAX;
}

float topk_limit(const struct topk *topk, uint64_t next_ordinal)
{
    if (next_ordinal <= topk->limit_ordinal)
        return topk->limit;
    return nextafterf(topk->limit, -INFINITY);
}

void topk_push(struct topk *topk, float key, int64_t id, uint64_t ordinal)
{
    if (!(key <= topk->limit) || key < topk->least ||
        (key == topk->limit && ordinal > topk->limit_ordinal))
        return;
    if (topk->count == topk->capacity) {
        fold(topk);
        if (key > topk->limit || (key == topk->limit && ordinal > topk->limit_ordinal))
            return;
    }
    topk->hits[topk->count++] = (struct topk_hit){.key = key, .id = id, .ordinal = ordinal};
}

void topk_merge(struct topk *topk, const struct topk *from)
{
    for (size_t i = 0; i < from->count; i++)
        topk_push(topk, from->hits[i].key, from->hits[i].id, from->hits[i].ordinal);
}

size_t topk_finish(struct topk *topk)
{
    fold(topk);
    qsort(topk->hits, topk->count, sizeof topk->hits[0], compare_hits);
    return topk->count;
}
