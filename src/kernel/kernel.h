/* kernel.h: the innermost loops, one table of functions for each instruction set.
 *
 * All tables give the same bits for the same input: scores are defined by a fixed order of
 * operations (README.md, "Canonical score"), and the filter only decides which pairs are worth a
 * score. `scalar` is the plain twin that tests compare the others with.
 *
 * Rows are bytes of a mapped file and may start at any address; a row is never read past its end.
 * Queries are ours: aligned to 64 bytes and zero-padded to KERNEL_LANES floats (scan.c does it).
 * Functions here are pure: no memory, no I/O, no state. Threads: any. */
#ifndef GODWIT_KERNEL_KERNEL_H
#define GODWIT_KERNEL_KERNEL_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define KERNEL_LANES 16      /* partial sums of a canonical float score */
#define KERNEL_BLOCK 64      /* rows scored at a time; one word of a bitmap */
#define KERNEL_TILE_ROWS 32  /* most rows of a filter panel, over all tables */
#define KERNEL_TILE_GROUP 12 /* most queries of a filter group, over all tables */
#define KERNEL_TILE_RUN 256  /* dimensions summed in registers before they join the total */
#define KERNEL_TABLES_MAX 5

/* Canonical scores of `count` rows against one padded query: squared distance, or inner product.
 *   rows        `count` pointers to rows of `dim` floats, any alignment
 *   ret_scores  `count` floats */
typedef void kernel_score_fn(const float *query, size_t dim, const uint8_t *const *rows,
                             size_t count, float *ret_scores);
/* The same for COSINE: canonical inner product with the query, and of each row with itself. */
typedef void kernel_product_norm_fn(const float *query, size_t dim, const uint8_t *const *rows,
                                    size_t count, float *ret_products, float *ret_norms);

/* Bits of `size`-byte rows: set in query XOR row. `query` may have any alignment. */
typedef void kernel_xor_fn(const uint8_t *query, size_t size, const uint8_t *const *rows,
                           size_t count, uint32_t *ret_bits);
/* Bits set in query AND row, and in the row alone. */
typedef void kernel_and_fn(const uint8_t *query, size_t size, const uint8_t *const *rows,
                           size_t count, uint32_t *ret_both, uint32_t *ret_row);

/* Bit i is set when keys[i] <= limit (never for NaN). `keys` holds KERNEL_BLOCK floats. */
typedef uint64_t kernel_within_fn(const float *keys, float limit);

/* Bit i is set when ids[i] is one of `wanted`. `ids`: `count` <= KERNEL_BLOCK little-endian int64,
 * any alignment. Meant for a handful of wanted ids; id_set.h for more. */
typedef uint64_t kernel_match_fn(const uint8_t *ids, size_t count, const int64_t *wanted,
                                 size_t wanted_count);

/* Transposes `count` <= tile_rows rows, less the centre (NULL: none), into a panel of `dim` lines
 * of tile_rows floats; absent rows become zeros. ret_norms: tile_rows squared norms (approximate).
 * `panel` is 64-byte aligned. */
typedef void kernel_pack_fn(const uint8_t *const *rows, size_t count, size_t dim,
                            const float *centre, float *panel, float *ret_norms);

/* What a filter panel and a query group are compared with: a pair passes unless its approximate
 * inner product is below group.offset + panel.offset + group.slope * panel.slope; a NaN passes. */
struct kernel_panel {
    const float *values; /* from kernel_pack_fn */
    const float *offset; /* tile_rows floats */
    const float *slope;
};
struct kernel_group {
    const float *values; /* `dim` lines of `count` floats: queries interleaved */
    size_t count;        /* a multiple of tile_step, at most tile_group */
    const float *offset; /* `count` floats */
    const float *slope;
};
/* ret_passed: group.count masks; bit r = row r of the panel passed. */
typedef void kernel_tile_fn(const struct kernel_panel *panel, const struct kernel_group *group,
                            size_t dim, uint32_t *ret_passed);

struct kernel {
    const char *isa;  /* what GODWIT_ISA calls it */
    const char *name; /* the same, with the optional parts in use: for stats and tests */
    kernel_score_fn *squared_distance;
    kernel_score_fn *inner_product;
    kernel_product_norm_fn *product_norm;
    kernel_xor_fn *xor_bits;
    kernel_and_fn *and_bits;
    kernel_within_fn *within;
    kernel_match_fn *match_ids;
    kernel_pack_fn *pack;
    kernel_tile_fn *tile;
    size_t tile_rows;  /* rows of a panel: 8, 16 or 32 */
    size_t tile_group; /* queries of a full group */
    size_t tile_step;  /* smaller groups are multiples of this */
    size_t filter_min; /* queries from which the filter is faster than scoring all pairs */
};

/* The table to use on this machine.
 *   isa  the value of GODWIT_ISA: "scalar", "avx2" or "avx512" forces one; NULL or "" takes the
 * best Errors: ERR_CONFIG for an unknown name, ERR_UNSUPPORTED when this machine or build lacks it;
 * both name what there is. Threads: any. The table lives for ever. */
enum err_code kernel_select(const char *isa, const struct kernel **ret_kernel,
                            struct err *err) MUST_USE;

/* All tables that run on this machine, slowest first; returns how many. For tests and benchmarks.
 */
size_t kernel_list(const struct kernel *ret_kernels[KERNEL_TABLES_MAX]);

#endif
