/* topk.h: the k best hits seen so far, without a heap.
 *
 * Hits that beat the limit are appended; when the buffer is full it is folded: the best k stay and
 * the k-th becomes the new limit. So the hot loop only compares and, rarely, appends.
 *
 * Order is total and independent of arrival: smaller key first, then smaller ordinal (the row's
 * place in the whole search, unique). A key is a score turned so that smaller is better (scan.h).
 * NaN keys are never taken. With `is_distinct`, of rows with the same id only the best is kept.
 *
 * Threads: one topk belongs to one thread at a time; merge them afterwards. */
#ifndef GODWIT_KERNEL_TOPK_H
#define GODWIT_KERNEL_TOPK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define TOPK_MAX 16384

struct topk_hit {
    float key;
    int64_t id;
    uint64_t ordinal;
};

struct topk {
    struct topk_hit *hits; /* in no order until topk_finish() */
    uint32_t *slots;       /* is_distinct: hash table over ids, 1 + index into hits; else NULL */
    size_t slot_count;     /* a power of two, at least twice the capacity */
    size_t k;
    size_t count;
    size_t capacity;
    float limit;            /* only keys <= limit can matter ... */
    uint64_t limit_ordinal; /* ... and of those == limit only smaller ordinals */
    bool is_distinct;
    float least; /* smaller keys are never taken */
    float most;  /* nor are larger ones: where the limit begins */
};

/* Makes an empty one. k: 1..TOPK_MAX (else ERR_INVALID). ERR_NOMEM leaves nothing to release. */
enum err_code topk_init(struct topk *topk, size_t k, bool is_distinct, struct err *err) MUST_USE;
void topk_release(struct topk *topk);

/* Of an empty one: only keys least <= key <= most are taken from now on. */
void topk_restrict(struct topk *topk, float least, float most);

/* Forgets all hits, keeps k, the bounds and the memory. */
void topk_reset(struct topk *topk);

/* The largest key that a row may have to matter, when no later ordinal is below `next_ordinal`:
 * below the limit itself once ties would lose. */
float topk_limit(const struct topk *topk, uint64_t next_ordinal);

/* Takes a hit; a NaN or a key beyond the limit is ignored. */
void topk_push(struct topk *topk, float key, int64_t id, uint64_t ordinal);

/* Adds all hits of `from`, which is left as it is. Both have the same metric and is_distinct. */
void topk_merge(struct topk *topk, const struct topk *from);

/* Sorts what is there, best first, at most k; returns how many. topk->hits then holds them, and
 * more hits may be pushed later. */
size_t topk_finish(struct topk *topk);

#endif
