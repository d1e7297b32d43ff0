/* graph_heads.h: where walks begin: the middle row of each list, around super heads. */
#ifndef GODWIT_ENGINE_GRAPH_HEADS_H
#define GODWIT_ENGINE_GRAPH_HEADS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/graph_base.h"
#include "engine/graph_walk.h"
#include "engine/kmeans.h"

struct graph_head_set {
    uint32_t *heads; /* nodes, one for each list that is not empty */
    size_t count;
    struct kmeans kmeans; /* of the heads: the supers */
    int8_t *samples;
    uint8_t *supers;
    uint32_t *starts;
    uint32_t *nodes;
    uint8_t *groups;
    size_t group_count;
    struct graph_heads view;
};

/* graph_heads_release in every case. Errors: ERR_NOMEM. */
enum err_code graph_heads_make(const struct graph_base *base, struct graph_head_set *set,
                               struct err *err) MUST_USE;
void graph_heads_release(struct graph_head_set *set);

#endif
