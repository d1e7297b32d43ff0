/* bits_format.h: the head of an index of binary vectors (NNNNNN.bits), and where its sections are.
 *
 * Bytes in, numbers out, and the other way; no I/O. Source: docs/database-format.md. The file is
 * derived from its segment: a reader that finds anything unexpected ignores it. */
#ifndef GODWIT_ENGINE_BITS_FORMAT_H
#define GODWIT_ENGINE_BITS_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/metric.h"
#include "engine/lists_format.h"

#define BITS_HEADER_SIZE ((size_t)4096)
#define BITS_BLOCK_SIZE ((size_t)262144) /* bytes of a checksum */
#define BITS_LISTS_MAX ((uint32_t)65536)
#define BITS_NO_ROW UINT32_MAX /* a place without a row */

/* How far to look for each level, range of k and kind of query (lists_format.h). */
struct bits_ladder {
    float far; /* queries whose distance to the nearest centroid is above this are LISTS_FAR */
    /* Lists to scan; 0: this level is not reached, scan every row. */
    uint32_t probes[LISTS_KINDS][LISTS_K_CLASSES][LISTS_LEVELS];
    /* Rows that a near query scans with them, on average. */
    float rows[LISTS_K_CLASSES][LISTS_LEVELS];
};

struct bits_header {
    enum metric_type metric; /* HAMMING, JACCARD or TANIMOTO */
    size_t dim;
    uint64_t rows;      /* of the segment, at most UINT32_MAX - 1 */
    uint64_t live_rows; /* in the lists */
    uint64_t sums_hash; /* of the segment: which one this belongs to */
    uint64_t dead_hash;
    uint32_t lists; /* a multiple of 64 */
    uint64_t groups;
    uint64_t table_hash; /* of the checksums at the end */
    struct bits_ladder ladder;
};

/* Offsets of the sections, each a multiple of 64; all follow from the header. */
struct bits_layout {
    size_t lines;    /* of a group */
    bool has_counts; /* groups end with the rows' set bits */
    size_t group_size;
    uint64_t starts;  /* lists + 1 numbers of 4 bytes: the first group of each list */
    uint64_t norms;   /* lists singles: sums of squared weights */
    uint64_t weights; /* dim x lists bytes: 63 x the share of rows that have the bit */
    uint64_t rows;    /* 16 x groups numbers of 4 bytes: which row of the segment */
    uint64_t codes;   /* groups of rows (kernel/bit.h) */
    uint64_t table;   /* checksums, 8 bytes each, of the blocks from the header's end to here */
    uint64_t blocks;
    uint64_t size; /* of the file */
};

/* True for metrics that this index is for. */
bool bits_support(enum metric_type metric);

struct bits_layout bits_layout_of(const struct bits_header *header);

/* `buffer`: BITS_HEADER_SIZE bytes. */
void bits_header_encode(const struct bits_header *header, uint8_t *buffer);
/* Checks everything that the head says of itself, so that bits_layout_of() cannot overflow.
 * Errors: ERR_CORRUPT "offset O: N found, M expected"; ERR_UNSUPPORTED for another version. */
enum err_code bits_header_decode(struct bytes in, struct bits_header *ret_header,
                                 struct err *err) MUST_USE;
/* The whole file, its checksums too. Errors: ERR_CORRUPT. */
enum err_code bits_file_check(struct bytes in, const struct bits_header *header,
                              struct err *err) MUST_USE;

#endif
