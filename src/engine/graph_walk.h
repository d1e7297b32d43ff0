/* graph_walk.h: from some entries to the nodes of a graph that are nearest to a query.
 *
 * The best `ef` nodes seen so far stand sorted in a pool. Each step takes the nearest few that have
 * not been taken yet, looks at all their neighbours that were not seen yet, and puts those that are
 * near enough into the pool; it ends when all of the pool was taken, or when what is left is too
 * much further than the k-th node found: a walk for an easy query is short. Several nodes a step,
 * since what costs is the wait for memory: all their neighbours' codes are asked for before the
 * first one is needed, and so are the links of the nodes that will probably come next.
 *
 * Keys are kernel/code.h's; ties by number, so a walk does not depend on the instruction set. */
#ifndef GODWIT_ENGINE_GRAPH_WALK_H
#define GODWIT_ENGINE_GRAPH_WALK_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "kernel/code.h"

#define GRAPH_NO_NODE UINT32_MAX
#define GRAPH_ENTRIES 4

/* Some nodes (heads) spread over all data, grouped around super heads: where a walk begins. */
struct graph_heads {
    const uint8_t *supers; /* groups of 7-bit codes */
    size_t super_groups;
    const uint32_t *starts; /* the first group of each super's heads, and the end */
    const uint8_t *groups;  /* of 7-bit codes of the heads */
    const uint32_t *nodes;  /* 16 a group */
    size_t lines;
};

struct graph_view {
    struct code_rows rows;
    code_rows_fn *distance; /* rows4 or rows7 */
    const uint32_t *links;  /* `degree` a node; its own number ends them early */
    size_t degree;
    size_t nodes;
};

/* Working memory of one thread; grows with what it is used for. Zero-initialise. */
struct graph_scratch {
    uint64_t *seen;    /* a bit a node; all zero between walks */
    uint32_t *touched; /* nodes whose bits are set */
    uint64_t *pool;
    uint64_t *passed;
    float *values; /* of queries */
    int8_t *bytes;
    size_t seen_size; /* nodes */
    size_t touched_count;
    size_t touched_size;
    size_t pool_size;
    size_t passed_size;
    size_t values_size;
    size_t bytes_size;
};
void graph_scratch_release(struct graph_scratch *scratch);

/* Rows that may be hits, by node: NULL bitmaps let all pass. */
struct graph_mask {
    const uint32_t *rows;  /* of each node */
    const uint64_t *allow; /* a bit a row */
    const uint64_t *dead;  /* a bit a row */
};

struct graph_goal {
    const int8_t *query;
    float scale;
    const uint32_t *entries; /* nodes to begin at */
    size_t entry_count;
    size_t ef;
    size_t sure;   /* k: when so many were found ... */
    float spread;  /* ... nodes this share further than the last of them end the walk; 0: none */
    float origin;  /* added to a key it is a squared distance */
    uint32_t skip; /* a node that is not there; GRAPH_NO_NODE */
    const struct graph_mask *mask; /* NULL: all pass */
    size_t wanted;                 /* with a mask: nodes that pass to be kept */
};

struct graph_found {
    const uint64_t *pairs; /* order.h, nearest first; in the scratch */
    size_t count;
    size_t steps; /* nodes looked at */
    size_t taken; /* nodes whose links were followed */
    /* With a mask: */
    size_t pool;         /* nodes in the pool at the end, and ... */
    size_t pool_passing; /* ... those of them that pass */
};

/* The up to GRAPH_ENTRIES nearest heads.
 *   query, scale  for tile7
 *   ret_key       of the nearest head
 * Returns how many. */
size_t graph_enter(const struct graph_heads *heads, const struct code_kernel *kernel,
                   const int8_t *query, float scale, uint32_t *ret_entries, float *ret_key);

/* Nearest nodes; of those that pass where there is a mask. Errors: ERR_NOMEM. */
enum err_code graph_walk(const struct graph_view *view, const struct graph_goal *goal,
                         struct graph_scratch *scratch, struct graph_found *ret_found,
                         struct err *err) MUST_USE;

#endif
