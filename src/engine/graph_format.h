/* graph_format.h: the head of a graph file (NNNNNN.graph), and where its sections are.
 *
 * Bytes in, numbers out, and the other way; no I/O. Source: docs/database-format.md. The file is
 * derived from its segment: a reader that finds anything unexpected ignores it. */
#ifndef GODWIT_ENGINE_GRAPH_FORMAT_H
#define GODWIT_ENGINE_GRAPH_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/metric.h"

#define GRAPH_HEADER_SIZE ((size_t)4096)
#define GRAPH_BLOCK_SIZE ((size_t)262144) /* bytes of a checksum */
#define GRAPH_DEGREE_MAX 64
#define GRAPH_SUPERS_MAX 1024
#define GRAPH_NODES_MAX ((uint64_t)1 << 31) /* less one: the top bit of a number is the walk's */

/* How far to walk for a level, for one range of k and one kind of query. */
#define GRAPH_LEVELS 9 /* level 10 is exact */
#define GRAPH_K_CLASSES 3
#define GRAPH_KINDS 2 /* near and far, as in lists_format.h */
struct graph_rung {
    uint32_t ef;     /* nodes kept while walking, at most; 0: this level is not reached */
    uint32_t rerank; /* rows to score exactly */
    uint32_t steps;  /* codes that such a walk looks at, on average */
    float spread;    /* a walk ends at nodes this share further than the k-th found so far */
};
struct graph_ladder {
    float far; /* queries whose distance to the nearest head is above this are far */
    struct graph_rung rungs[GRAPH_KINDS][GRAPH_K_CLASSES][GRAPH_LEVELS];
};

struct graph_header {
    enum metric_type metric;
    size_t dim;
    uint64_t rows;  /* of the segment, at most UINT32_MAX - 1 */
    uint64_t nodes; /* live rows; 0: the segment is better served without a graph */
    uint64_t sums_hash;
    uint64_t dead_hash;
    uint32_t bits;   /* of a code: 4 or 7 */
    uint32_t degree; /* links of a node, a multiple of 16 */
    uint32_t supers; /* a multiple of 16 */
    uint32_t head_groups;
    bool is_rotated;
    float range;
    float longest;
    uint64_t table_hash;
    struct graph_ladder ladder;
};

/* Offsets of the sections, each a multiple of 64; all follow from the header. */
struct graph_layout {
    size_t space;
    size_t head_lines; /* of groups of 7-bit codes */
    size_t width;      /* bytes of codes of a row */
    size_t stride;     /* from row to row */
    bool is_4;         /* 4-bit codes */
    bool has_norms;    /* apart; else each row has its own behind its codes */
    uint64_t mean;     /* space floats */
    uint64_t step;     /* space floats */
    uint64_t supers;   /* groups of 7-bit codes */
    uint64_t starts;   /* supers + 1 numbers: the first group of heads of each */
    uint64_t heads;    /* 16 x head_groups numbers of nodes */
    uint64_t groups;   /* groups of 7-bit codes of the heads */
    uint64_t rows;     /* nodes numbers: which row of the segment */
    uint64_t norms;    /* nodes floats, or nothing */
    uint64_t codes;    /* nodes x stride, and 64 bytes */
    uint64_t links;    /* nodes x degree numbers of nodes; a node's own number ends its links */
    uint64_t table;    /* checksums, 8 bytes each, of the blocks from the header's end to here */
    uint64_t blocks;
    uint64_t size; /* of the file */
};

struct graph_layout graph_layout_of(const struct graph_header *header);

/* `buffer`: GRAPH_HEADER_SIZE bytes. */
void graph_header_encode(const struct graph_header *header, uint8_t *buffer);
/* Checks everything that the head says of itself, so that graph_layout_of() cannot overflow.
 * Errors: ERR_CORRUPT "offset O: N found, M expected"; ERR_UNSUPPORTED for another version. */
enum err_code graph_header_decode(struct bytes in, struct graph_header *ret_header,
                                  struct err *err) MUST_USE;
/* The whole file, its checksums too; afterwards every number in it is within its bounds. Errors:
 * ERR_CORRUPT. */
enum err_code graph_file_check(struct bytes in, const struct graph_header *header,
                               struct err *err) MUST_USE;

#endif
