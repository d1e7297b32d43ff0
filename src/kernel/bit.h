/* bit.h: the innermost loops over groups of binary rows, for indexes of bits.
 *
 * Rows come in groups of BIT_GROUP, so that one register holds one word of each row and no sum runs
 * across a register. A group is `lines` lines of 64 bytes; row r of a group has bytes 4r .. 4r + 3
 * of each line, so line i holds the rows' i-th 4 bytes. Where rows are compared by Jaccard distance
 * a last line holds 16 numbers of 4 bytes, the set bits of each row.
 * Rows and queries whose size is no multiple of 4 bytes end with zeros.
 *
 * Keys are those of scan.h, bit for bit: sums are integers, and one division makes a Jaccard key.
 * So all tables give the same. Functions are pure and read nothing behind a group's end. Threads:
 * any. */
#ifndef GODWIT_KERNEL_BIT_H
#define GODWIT_KERNEL_BIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/kernel.h"

#define BIT_GROUP 16
#define BIT_LINE 64
#define BIT_TILE 4    /* queries compared together */
#define BIT_LANES 64  /* lists weighed together */
#define BIT_WEIGHT 63 /* the largest weight */
#define BIT_TABLES_MAX 4

static inline size_t bit_lines(size_t row_size)
{
    return (row_size + 3) / 4;
}

/* Bytes of a group. */
static inline size_t bit_group_size(size_t lines, bool has_counts)
{
    return (lines + has_counts) * BIT_LINE;
}

struct bit_groups {
    const uint8_t *groups; /* count groups, one after another; any alignment */
    size_t count;
    size_t lines;
    bool has_counts; /* Jaccard keys; else differing bits */
};

struct bit_query {
    const uint8_t *words; /* 4 * lines bytes, any alignment */
    uint32_t bits;        /* set in them */
    float limit;          /* keys beyond it are of no interest */
};

/* Keys of all rows for each of `query_count` <= BIT_TILE queries.
 *   ret_keys   query_count x (16 * count) floats
 *   ret_masks  query_count x count: bit r of a mask is set when row r's key is <= the limit */
typedef void bit_scan_fn(const struct bit_groups *groups, const struct bit_query *queries,
                         size_t query_count, float *ret_keys, uint16_t *ret_masks);

/* Weights of `count` lists (a multiple of BIT_LANES) for each of `dim` bits, 0..BIT_WEIGHT: blocks
 * of BIT_LANES lists, each with a line of BIT_LANES bytes for each bit. */
struct bit_weights {
    const uint8_t *values;
    const float *norms; /* count */
    size_t dim;
    size_t count;
};
static inline size_t bit_weight_at(size_t dim, size_t list, size_t bit)
{
    return (list / BIT_LANES * dim + bit) * BIT_LANES + list % BIT_LANES;
}

/* Key of each list: norm - scale * (float)(sum of its weights for some bits).
 *   bits      numbers of bits, at most 32768
 *   ret_keys  count floats */
typedef void bit_weigh_fn(const struct bit_weights *weights, const uint16_t *bits, size_t bit_count,
                          float scale, float *ret_keys);

struct bit_kernel {
    const char *name; /* for tests and stats */
    bit_scan_fn *scan;
    bit_weigh_fn *weigh;
};

/* The table that goes with a table of exact kernels: the same instruction set. Lives for ever. */
const struct bit_kernel *bit_kernel_for(const struct kernel *kernel);
/* All tables that run on this machine, slowest first; returns how many. For tests. */
size_t bit_kernel_list(const struct bit_kernel *ret_kernels[BIT_TABLES_MAX]);

#endif
