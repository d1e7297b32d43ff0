/* graph_base.h: what a graph is built from: the live rows of a segment, list by list, as 7-bit
 * codes of one common step, so that a distance between rows is an integer.
 *
 * A row stands twice: in groups of 16 for tiles (many rows against many), and in one piece for
 * single distances. As a query a row is its code less 64. */
#ifndef GODWIT_ENGINE_GRAPH_BASE_H
#define GODWIT_ENGINE_GRAPH_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/graph_codes.h"
#include "engine/lists.h"
#include "engine/lists_build.h"
#include "engine/truth.h"
#include "kernel/code.h"

struct graph_base {
    const struct lists_build_options *options;
    const struct lists *lists;
    const struct code_kernel *kernel;
    size_t nodes;
    size_t list_count;
    size_t lines;          /* of groups */
    uint32_t *rows;        /* the segment's row of each node */
    uint32_t *starts;      /* the first node of each list, and the end */
    uint8_t *groups;       /* of the rows, list by list */
    uint8_t *centroids;    /* groups with norms in the rows' steps */
    struct code_rows view; /* the rows in one piece */
    uint8_t *codes;
    float *norms; /* where they are apart; else NULL */
    float *own;   /* what a row's keys lack to be distances */
    /* the codes that go into the file */
    struct graph_layout at;
    uint8_t *file_codes;
    float *file_norms;
};

/* Reads and encodes all rows. `header`: what the file will say; nodes is set here.
 * graph_base_release in every case. Errors: ERR_NOMEM, ERR_INTERRUPTED. */
enum err_code graph_base_make(const struct lists_build_options *options, const struct lists *lists,
                              struct graph_header *header, struct graph_base *base,
                              struct err *err) MUST_USE;
void graph_base_release(struct graph_base *base);

/* Bytes that a build holds for each row, roughly. */
size_t graph_base_row_size(const struct graph_layout *at, size_t degree);

/* True for the rows that calibration asks with. They are nobody's neighbours until that is done, as
 * real queries are not; graph_links_join() adds them. */
static inline bool graph_base_is_held(const struct graph_base *base, uint32_t node)
{
    const uint64_t step = truth_step(base->nodes);
    return node % step == step / 2 && node / step < TRUTH_NEAR;
}

static inline uint8_t *graph_base_list(const struct graph_base *base, size_t list)
{
    return base->groups + base->lists->starts[list] * code_group_size(base->lines);
}

/* The row as a query of rows7 and tile7: padded to whole lines of a row.
 * Returns what its keys lack to be distances. */
float graph_base_query(const struct graph_base *base, uint32_t node, int8_t *ret_query);
static inline size_t graph_base_query_size(const struct graph_base *base)
{
    return code_row_lines(base->view.width) * CODE_LINE;
}

#endif
