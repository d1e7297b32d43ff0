/* lists_search.h: one query in one segment by its lists.
 *
 * Opens lists round by round (lists_query.h) until the gap is above the rung's reach, keeps the
 * `rerank` rows with the smallest keys, and offers those to a topk with their exact scores. With a
 * filter, only rows that pass are kept, and groups of codes without one are not read. Ties
 * everywhere by number, so the answer does not depend on threads or instruction set. */
#ifndef GODWIT_ENGINE_LISTS_SEARCH_H
#define GODWIT_ENGINE_LISTS_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/lists.h"
#include "engine/lists_query.h"
#include "engine/segment.h"
#include "kernel/code.h"
#include "kernel/scan.h"

struct lists_request {
    const struct lists *lists;
    struct segment *segment;
    const struct code_kernel *kernel;
    const struct scan *scan;
    size_t query;           /* of the scan */
    uint64_t first_ordinal; /* of the segment's row 0 */
    const uint64_t *allow;  /* bit k: row k passes; NULL: all */
    double share;           /* of the rows that pass */
    float least;            /* exact keys below or above are of no interest: -INFINITY and ... */
    float most;             /* ... INFINITY: all are */
    size_t k;               /* with a filter: to choose among the classes' reaches */
    unsigned level;         /* 1 .. LISTS_LEVELS, likewise */
    struct lists_rung rungs[LISTS_LADDERS]; /* of the level, for the class of k */
};

struct lists_answer {
    uint64_t lists;    /* opened */
    uint64_t rows;     /* whose codes were looked at */
    uint64_t reranked; /* rows scored exactly */
    bool is_enough;    /* a row beyond `most` was scored, or all that pass were: there is no more to
                          find than was asked for */
    bool is_lost;      /* the level has no rung for this query: nothing was offered */
};

/* Takes the rung for the query's kind.
 * Errors: ERR_NOMEM; ERR_CORRUPT and ERR_IO of the segment's columns. */
enum err_code lists_search(const struct lists_request *request, struct lists_scratch *scratch,
                           struct topk *topk, struct lists_answer *ret_answer,
                           struct err *err) MUST_USE;

#endif
