/* id_set.h: finds the rows of some ids in a column of ids (for get and query by ids).
 *
 * A handful of ids is compared with every row by SIMD, at the speed of memory; more ids go through
 * a small hash table. Threads: a built set is read-only and may be shared. */
#ifndef GODWIT_KERNEL_ID_SET_H
#define GODWIT_KERNEL_ID_SET_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "kernel/kernel.h"

#define ID_SET_MAX 1048576
#define ID_SET_FEW 8 /* up to here each row is compared with each id */

struct id_set {
    const int64_t *ids; /* borrowed: as given to id_set_init */
    size_t count;
    uint32_t *slots;   /* 1 + index into ids, 0: free; NULL for a few ids */
    size_t slot_count; /* a power of two */
};

/* `ids`: `count` <= ID_SET_MAX ids (else ERR_INVALID), repeats allowed, borrowed until release. */
enum err_code id_set_init(struct id_set *set, const int64_t *ids, size_t count,
                          struct err *err) MUST_USE;
void id_set_release(struct id_set *set);

/* Marks the rows whose id is in the set.
 *   column      `count` little-endian int64, any alignment
 *   ret_bitmap  (count + 63) / 64 words, all written; bit k = row k
 * Returns how many rows are marked. */
size_t id_set_find(const struct id_set *set, const struct kernel *kernel, const void *column,
                   size_t count, uint64_t *ret_bitmap);

#endif
