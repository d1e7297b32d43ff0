/* lists_format.h: the head of an index file (NNNNNN.lists), and where its sections are.
 *
 * Bytes in, numbers out, and the other way; no I/O. Source: docs/database-format.md. The file is
 * derived from its segment: a reader that finds anything unexpected ignores it. */
#ifndef GODWIT_ENGINE_LISTS_FORMAT_H
#define GODWIT_ENGINE_LISTS_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/metric.h"

#define LISTS_HEADER_SIZE ((size_t)4096)
#define LISTS_BLOCK_SIZE ((size_t)262144) /* bytes of a checksum */
#define LISTS_MAX ((uint32_t)65536)
#define LISTS_NO_ROW UINT32_MAX /* a place without a row */

/* How far to look for a level, for one range of k and one kind of query. */
#define LISTS_LEVELS 9 /* level 10 is exact */
#define LISTS_K_CLASSES 3
enum lists_kind {
    LISTS_NEAR, /* a query like the rows */
    LISTS_FAR,  /* one that is further from the nearest centroid than nearly all rows */
    LISTS_KINDS
};
/* One more ladder: for near queries with a filter, LISTS_FILTERED_RERANK rows for each wanted in
 * every class. */
#define LISTS_FILTERED ((size_t)LISTS_KINDS)
#define LISTS_LADDERS ((size_t)LISTS_KINDS + 1)
#define LISTS_FILTERED_RERANK 4
struct lists_rung {
    uint32_t probes; /* lists opened, on average; 0: this level is not reached, scan every row */
    uint32_t rerank; /* rows to score exactly */
    float reach;     /* lists are opened until the gap is wider (lists_query.h) */
};
struct lists_ladder {
    float far; /* queries whose distance to the nearest centroid is above this are LISTS_FAR */
    struct lists_rung rungs[LISTS_LADDERS][LISTS_K_CLASSES][LISTS_LEVELS];
};

struct lists_header {
    enum metric_type metric;
    size_t dim;
    uint64_t rows;      /* of the segment, at most UINT32_MAX - 1 */
    uint64_t live_rows; /* in the lists */
    uint64_t sums_hash; /* of the segment: which one this belongs to */
    uint64_t dead_hash;
    uint32_t lists; /* a multiple of 16 */
    uint64_t groups;
    bool is_rotated;
    float range;
    float longest;
    uint64_t table_hash; /* of the checksums at the end */
    struct lists_ladder ladder;
};

/* Offsets of the sections, each a multiple of 64; all follow from the header. */
struct lists_layout {
    size_t space;
    size_t centroid_lines;
    size_t code_lines;
    uint64_t mean;      /* space floats */
    uint64_t step;      /* space floats */
    uint64_t starts;    /* lists + 1 numbers of 4 bytes: the first group of each list */
    uint64_t centroids; /* lists / 16 groups of 7-bit codes */
    uint64_t rows;      /* 16 x groups numbers of 4 bytes: which row of the segment */
    uint64_t codes;     /* groups of 4-bit codes */
    uint64_t table;     /* checksums, 8 bytes each, of the blocks from the header's end to here */
    uint64_t blocks;
    uint64_t size; /* of the file */
};

struct lists_layout lists_layout_of(const struct lists_header *header);

/* `buffer`: LISTS_HEADER_SIZE bytes. */
void lists_header_encode(const struct lists_header *header, uint8_t *buffer);
/* Checks everything that the head says of itself, so that lists_layout_of() cannot overflow.
 * Errors: ERR_CORRUPT "offset O: N found, M expected"; ERR_UNSUPPORTED for another version. */
enum err_code lists_header_decode(struct bytes in, struct lists_header *ret_header,
                                  struct err *err) MUST_USE;
/* The whole file, its checksums too. Errors: ERR_CORRUPT. */
enum err_code lists_file_check(struct bytes in, const struct lists_header *header,
                               struct err *err) MUST_USE;

#endif
