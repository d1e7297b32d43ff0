/* id_set.c: see id_set.h. */
#include <string.h>

#include "base/mem.h"
#include "kernel/id_set.h"

static size_t slot_of(const struct id_set *set, int64_t id)
{
    uint64_t mixed = (uint64_t)id * UINT64_C(0x9e3779b97f4a7c15);
    mixed ^= mixed >> 32;
    return (size_t)mixed & (set->slot_count - 1);
}

static void insert(struct id_set *set, size_t index)
{
    size_t slot = slot_of(set, set->ids[index]);
    while (set->slots[slot] != 0) {
        if (set->ids[set->slots[slot] - 1] == set->ids[index])
            return;
        slot = (slot + 1) & (set->slot_count - 1);
    }
    set->slots[slot] = (uint32_t)index + 1;
}

enum err_code id_set_init(struct id_set *set, const int64_t *ids, size_t count, struct err *err)
{
    if (count > ID_SET_MAX)
        return err_set(err, ERR_INVALID, "%zu ids at once; the most is %d", count, ID_SET_MAX);
    struct id_set made = {.ids = ids, .count = count};
    if (count > ID_SET_FEW) {
        made.slot_count = 1;
        while (made.slot_count < 4 * count)
            made.slot_count *= 2;
        made.slots = mem_zalloc(made.slot_count, sizeof made.slots[0]);
        if (made.slots == NULL)
            return err_nomem(err, "set of ids");
        for (size_t i = 0; i < count; i++)
            insert(&made, i);
    }
    *set = made;
    return ERR_OK;
}

void id_set_release(struct id_set *set)
{
    mem_free(set->slots);
    set->slots = NULL;
}

static uint64_t look_up(const struct id_set *set, const uint8_t *column, size_t count)
{
    uint64_t mask = 0;
    for (size_t i = 0; i < count; i++) {
        int64_t id;
        memcpy(&id, column + i * sizeof id, sizeof id);
        size_t slot = slot_of(set, id);
        while (set->slots[slot] != 0 && set->ids[set->slots[slot] - 1] != id)
            slot = (slot + 1) & (set->slot_count - 1);
        mask |= (uint64_t)(set->slots[slot] != 0) << i;
    }
    return mask;
}

size_t id_set_find(const struct id_set *set, const struct kernel *kernel, const void *column,
                   size_t count, uint64_t *ret_bitmap)
{
    size_t found = 0;
    for (size_t from = 0; from < count; from += KERNEL_BLOCK) {
        const uint8_t *ids = (const uint8_t *)column + from * sizeof(int64_t);
        const size_t left = count - from < KERNEL_BLOCK ? count - from : KERNEL_BLOCK;
        const uint64_t mask = set->slots != NULL
                                  ? look_up(set, ids, left)
                                  : kernel->match_ids(ids, left, set->ids, set->count);
        ret_bitmap[from / KERNEL_BLOCK] = mask;
        found += (size_t)__builtin_popcountll(mask);
    }
    return found;
}
