/* code.h: the innermost loops over small codes of vectors, for approximate plans.
 *
 * Codes come in groups of CODE_GROUP rows, so that one register holds one number of each row and
 * no sum runs across a register. A group is `lines` lines of 64 bytes and then 16 floats, the
 * rows' norms. Row r of a group has byte 4r + t of a line:
 *   4 bits  a line holds 8 dimensions: dimension t in the low half, 4 + t in the high half
 *   7 bits  a line holds 4 dimensions, each 0..127
 * Queries are signed bytes, -127..127, padded with zeros to whole lines. A key is
 *   norm - scale * (float)(sum of code x query)
 * one multiplication and one subtraction in single precision around an exact integer: so all
 * tables give the same bits (the sum stays far below 2^31: dimensions end at 32768).
 * A row whose norm is NaN is no row: its key is NaN and no comparison is true for it.
 *
 * Rows may also lie one after another, for a graph that visits them one by one: `width` bytes of
 * codes each, byte i of 4-bit codes with dimension i in the low half and width + i in the high one,
 * and a norm, within the row or apart. Queries are then padded with zeros to whole lines for each
 * half.
 *
 * Functions are pure and read nothing behind a group's end. Threads: any. */
#ifndef GODWIT_KERNEL_CODE_H
#define GODWIT_KERNEL_CODE_H

#include <stddef.h>
#include <stdint.h>

#include "kernel/kernel.h"

#define CODE_GROUP 16
#define CODE_LINE 64
#define CODE4_DIMS 8 /* dimensions of a line of 4-bit codes */
#define CODE7_DIMS 4 /* of 7-bit codes */
#define CODE_TILE 4  /* queries of a tile */
#define CODE_TABLES_MAX 4

static inline size_t code4_lines(size_t dim)
{
    return (dim + CODE4_DIMS - 1) / CODE4_DIMS;
}

static inline size_t code7_lines(size_t dim)
{
    return (dim + CODE7_DIMS - 1) / CODE7_DIMS;
}

/* Bytes of a group: its lines and the norms. */
static inline size_t code_group_size(size_t lines)
{
    return (lines + 1) * CODE_LINE;
}

struct code_groups {
    const uint8_t *groups; /* count groups, one after another; any alignment */
    size_t count;
    size_t lines;
};

struct code_rows {
    const uint8_t *codes; /* row 0; CODE_LINE bytes behind the last row's codes can be read */
    size_t stride;        /* from row to row; rows of at most a line may be closer than a line */
    size_t width;         /* bytes of codes */
    const uint8_t *norms; /* of row 0, a float */
    size_t norm_stride;
};

/* Lines of a row, and of each half of a query. */
static inline size_t code_row_lines(size_t width)
{
    return (width + CODE_LINE - 1) / CODE_LINE;
}

/* Keys of 4-bit rows for one query; bit r of ret_masks[g] is set when the key of row r of group g
 * is <= limit.
 *   query      8 * lines bytes
 *   ret_keys   16 * count floats; ret_masks  count masks */
typedef void code_scan4_fn(const struct code_groups *groups, const int8_t *query, float scale,
                           float limit, float *ret_keys, uint16_t *ret_masks);
/* Keys of 7-bit rows for `query_count` <= CODE_TILE queries of 4 * lines bytes each.
 *   ret_keys  query_count x (16 * count) floats */
typedef void code_tile7_fn(const struct code_groups *groups, const int8_t *const *queries,
                           size_t query_count, float scale, float *ret_keys);
/* Keys of `count` rows for one query.
 *   ids       numbers of rows
 *   query     rows4: code_row_lines() lines for the low halves, then as many for the high ones;
 *             rows7: so many lines in all
 *   ret_keys  count floats, and room for up to 3 more */
typedef void code_rows_fn(const struct code_rows *rows, const uint32_t *ids, size_t count,
                          const int8_t *query, float scale, float *ret_keys);
/* Place of the smallest of 16 * group_count keys, the first of equal ones; 0 when all are NaN or
 * +inf. */
typedef size_t code_smallest_fn(const float *keys, size_t group_count);

/* Which rows pass: bit r of ret_masks[g] is set when rows[16 g + r] is below row_count and its bit
 * in `allow` is set. Returns how many.
 *   rows  16 * count numbers;  allow  row_count bits */
typedef size_t code_passing_fn(const uint32_t *rows, size_t count, const uint64_t *allow,
                               uint32_t row_count, uint16_t *ret_masks);

struct code_kernel {
    const char *name; /* for tests and stats */
    code_scan4_fn *scan4;
    code_tile7_fn *tile7;
    code_rows_fn *rows4;
    code_rows_fn *rows7;
    code_smallest_fn *smallest;
    code_passing_fn *passing;
};

/* The table that goes with a table of exact kernels: the same instruction set, with VNNI where the
 * machine has it. Lives for ever. */
const struct code_kernel *code_kernel_for(const struct kernel *kernel);
/* All tables that run on this machine, slowest first; returns how many. For tests. */
size_t code_kernel_list(const struct code_kernel *ret_kernels[CODE_TABLES_MAX]);

#endif
