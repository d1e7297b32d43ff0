/* graph_links.h: chooses the links of a graph.
 *
 *   1 near     for each row its nearest rows among those of the 16 nearest lists, by tiles, and the
 *              best of each of those and of 32 more lists: long links out of its neighbourhood
 *   2 prune    a candidate that is nearer to a link chosen before than to the row itself is left
 *              out: the walk will come to it from there
 *   3 return   each link is offered the other way; what is too much is pruned again
 *   4 connect  what no head leads to gets a link from the nearest row that one leads to
 * Rows are independent of each other in 1 to 3, so the links do not depend on threads. */
#ifndef GODWIT_ENGINE_GRAPH_LINKS_H
#define GODWIT_ENGINE_GRAPH_LINKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/graph_base.h"

struct graph_links {
    const struct graph_base *base;
    size_t degree;
    bool is_joined;
    uint32_t *links; /* degree a node; a node's own number ends them */
    /* links the other way */
    uint64_t *offsets; /* nodes + 1 */
    uint32_t *sources;
};

/* Steps 1 to 3. graph_links_release in every case. Errors: ERR_NOMEM, ERR_INTERRUPTED. */
enum err_code graph_links_make(const struct graph_base *base, size_t degree,
                               struct graph_links *links, struct err *err) MUST_USE;
/* Links to the rows that calibration asked with. */
void graph_links_join(struct graph_links *links);
/* Step 4; before graph_links_join() without the rows that calibration asks with.
 *   heads  nodes where walks begin */
enum err_code graph_links_connect(struct graph_links *links, const uint32_t *heads, size_t count,
                                  struct err *err) MUST_USE;
void graph_links_release(struct graph_links *links);

#endif
