/* kill_set.c: see kill_set.h. */
#include "milvus1/kill_set.h"

#include <stdlib.h>

#include "base/mem.h"

#define FILTER_BITS_PER_ID 16

static uint64_t mix(int64_t id)
{
    uint64_t x = (uint64_t)id * 0x9e3779b97f4a7c15U;
    return x ^ x >> 32;
}

enum err_code kill_set_add(struct kill_set *set, const int64_t *ids, size_t count, uint64_t lsn,
                           struct err *err)
{
    for (size_t k = 0; k < count; k++) {
        if (!mem_grow(&set->kills, &set->capacity, set->count, sizeof *set->kills))
            return err_nomem(err, "deletes of the write-ahead log");
        set->kills[set->count++] = (struct kill){.id = ids[k], .lsn = lsn};
        set->last = lsn > set->last ? lsn : set->last;
    }
    return ERR_OK;
}

static int compare(const void *a, const void *b)
{
    const struct kill *x = a, *y = b;
    if (x->id != y->id)
        return x->id < y->id ? -1 : 1;
    return (x->lsn > y->lsn) - (x->lsn < y->lsn);
}

enum err_code kill_set_seal(struct kill_set *set, struct err *err)
{
    if (set->count == 0)
        return ERR_OK;
    qsort(set->kills, set->count, sizeof *set->kills, compare);
    size_t kept = 0;
    for (size_t k = 0; k < set->count; k++) {
        if (kept > 0 && set->kills[kept - 1].id == set->kills[k].id)
            kept--; /* the later delete wins */
        set->kills[kept++] = set->kills[k];
    }
    set->count = kept;
    uint64_t bits = 64;
    while (bits < (uint64_t)kept * FILTER_BITS_PER_ID)
        bits *= 2;
    set->filter = mem_zalloc((size_t)(bits / 64), sizeof(uint64_t));
    if (set->filter == NULL)
        return err_nomem(err, "deletes of the write-ahead log");
    set->filter_mask = bits - 1;
    for (size_t k = 0; k < kept; k++) {
        const uint64_t bit = mix(set->kills[k].id) & set->filter_mask;
        set->filter[bit / 64] |= (uint64_t)1 << (bit % 64);
    }
    return ERR_OK;
}

bool kill_set_find(const struct kill_set *set, int64_t id, size_t *ret_index)
{
    if (set->filter == NULL)
        return false;
    const uint64_t bit = mix(id) & set->filter_mask;
    if ((set->filter[bit / 64] >> (bit % 64) & 1) == 0)
        return false;
    size_t low = 0, high = set->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (set->kills[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    *ret_index = low;
    return low < set->count && set->kills[low].id == id;
}

bool kill_set_kills(const struct kill_set *set, int64_t id, uint64_t born)
{
    size_t k;
    return kill_set_find(set, id, &k) && set->kills[k].lsn > born;
}

void kill_set_release(struct kill_set *set)
{
    mem_free(set->kills);
    mem_free(set->filter);
    *set = (struct kill_set){0};
}

bool kill_view_kills(const struct kill_view *view, int64_t id)
{
    for (size_t k = 0; k < 2; k++)
        if (view->sets[k] != NULL && kill_set_kills(view->sets[k], id, view->born))
            return true;
    return false;
}

bool kill_view_is_active(const struct kill_view *view)
{
    for (size_t k = 0; k < 2; k++)
        if (view->sets[k] != NULL && view->sets[k]->last > view->born)
            return true;
    return false;
}
