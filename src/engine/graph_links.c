/* graph_links.c: see graph_links.h. */
#include "engine/graph_links.h"

#include <string.h>

#include "base/bitmap.h"
#include "base/mem.h"
#include "base/pool.h"
#include "engine/graph_near.h"
#include "engine/graph_prune.h"
#include "engine/order.h"

#define PIECE_ROWS 256  /* nodes of a job of step 3 */
#define SOURCES_MAX 440 /* links the other way that are considered */
#define WORK_NEAR 5     /* of step 1 and 2, for a row */
#define JOINED 8        /* links to a row that comes later */
#define ROUNDS 4        /* of step 4 */

static uint32_t *links_of(const struct graph_links *links, uint32_t node)
{
    return links->links + node * links->degree;
}

static void put_links(const struct graph_links *links, uint32_t node, const uint64_t *pairs,
                      size_t count)
{
    uint32_t *own = links_of(links, node);
    for (size_t i = 0; i < links->degree; i++)
        own[i] = i < count ? order_number(pairs[i]) : node;
}

/* ---- near and prune ---- */

/* A list, in pieces. */
static enum err_code link_list(void *argument, size_t list, struct err *err)
{
    struct graph_links *links = argument;
    const struct graph_base *base = links->base;
    struct graph_near near;
    struct graph_pruner pruner = {0};
    enum err_code code = graph_near_init(&near, base, err);
    if (code == ERR_OK)
        code = graph_pruner_init(&pruner, base, links->degree, err);
    for (uint32_t first = base->starts[list]; code == ERR_OK && first < base->starts[list + 1];
         first += GRAPH_NEAR_ROWS) {
        const size_t left = base->starts[list + 1] - first;
        const size_t rows = left < GRAPH_NEAR_ROWS ? left : GRAPH_NEAR_ROWS;
        graph_near_find(&near, list, first, rows);
        for (size_t row = 0; row < rows; row++) {
            uint64_t pairs[GRAPH_CANDIDATES];
            const size_t count = graph_near_take(&near, row, pairs);
            const size_t kept = graph_prune(&pruner, pairs, count);
            put_links(links, first + (uint32_t)row, pruner.kept, kept);
        }
        code = meter_pass(base->options->meter, 0, WORK_NEAR * rows, err);
    }
    graph_pruner_release(&pruner);
    graph_near_release(&near);
    return code;
}

/* ---- the other way ---- */

static size_t degree_of(const struct graph_links *links, uint32_t node)
{
    const uint32_t *own = links_of(links, node);
    size_t count = 0;
    while (count < links->degree && own[count] != node)
        count++;
    return count;
}

/* Links of a node that are offered the other way. */
static size_t offered(const struct graph_links *links, uint32_t node)
{
    return graph_base_is_held(links->base, node) ? 0 : degree_of(links, node);
}

/* Who links to each node: a counting sort. */
static enum err_code turn(struct graph_links *links, struct err *err)
{
    const size_t nodes = links->base->nodes;
    uint64_t *offsets = mem_zalloc(nodes + 2, sizeof *offsets);
    if (offsets == NULL)
        return err_nomem(err, "index");
    links->offsets = offsets;
    uint64_t total = 0;
    for (uint32_t node = 0; node < nodes; node++) {
        const size_t count = offered(links, node);
        for (size_t i = 0; i < count; i++)
            offsets[links_of(links, node)[i] + 2]++;
        total += count;
    }
    for (size_t i = 2; i < nodes + 2; i++)
        offsets[i] += offsets[i - 1];
    links->sources = mem_alloc((size_t)total, sizeof *links->sources);
    if (links->sources == NULL)
        return err_nomem(err, "index");
    for (uint32_t node = 0; node < nodes; node++) {
        const size_t count = offered(links, node);
        for (size_t i = 0; i < count; i++)
            links->sources[offsets[links_of(links, node)[i] + 1]++] = node;
    }
    return ERR_OK;
}

/* A node's own links and those that point to it, the nearest first. */
static size_t gather(const struct graph_links *links, struct graph_pruner *pruner, uint32_t node,
                     uint64_t *ret_pairs)
{
    uint32_t ids[GRAPH_DEGREE_MAX + SOURCES_MAX];
    size_t count = degree_of(links, node);
    memcpy(ids, links_of(links, node), count * sizeof *ids);
    for (uint64_t i = links->offsets[node];
         i < links->offsets[node + 1] && count < GRAPH_DEGREE_MAX + SOURCES_MAX; i++)
        ids[count++] = links->sources[i];
    return graph_pruner_sort(pruner, node, ids, count, ret_pairs);
}

struct merge {
    const struct graph_links *links;
    uint32_t *merged;
};

static enum err_code merge_piece(void *argument, size_t index, struct err *err)
{
    const struct merge *merge = argument;
    const struct graph_links *links = merge->links;
    const struct graph_base *base = links->base;
    const struct graph_links target = {.degree = links->degree, .links = merge->merged};
    struct graph_pruner pruner;
    enum err_code code = graph_pruner_init(&pruner, base, links->degree, err);
    uint32_t node = (uint32_t)(index * PIECE_ROWS);
    for (size_t i = 0; code == ERR_OK && i < PIECE_ROWS && node < base->nodes; i++, node++) {
        uint64_t pairs[GRAPH_DEGREE_MAX + SOURCES_MAX];
        const size_t count = gather(links, &pruner, node, pairs);
        if (count <= links->degree)
            put_links(&target, node, pairs, count);
        else
            put_links(&target, node, pruner.kept, graph_prune_full(&pruner, pairs, count));
    }
    graph_pruner_release(&pruner);
    return code == ERR_OK ? meter_pass(base->options->meter, 0, PIECE_ROWS, err) : code;
}

static enum err_code merge_links(struct graph_links *links, struct err *err)
{
    const struct graph_base *base = links->base;
    struct merge merge = {.links = links};
    merge.merged = mem_aligned(base->nodes * links->degree, sizeof *merge.merged);
    if (merge.merged == NULL)
        return err_nomem(err, "index");
    const enum err_code code =
        pool_run(base->options->threads, (base->nodes + PIECE_ROWS - 1) / PIECE_ROWS, merge_piece,
                 &merge, err);
    mem_free(links->links);
    links->links = merge.merged;
    mem_free(links->offsets);
    mem_free(links->sources);
    links->offsets = NULL;
    links->sources = NULL;
    return code;
}

enum err_code graph_links_make(const struct graph_base *base, size_t degree,
                               struct graph_links *links, struct err *err)
{
    *links = (struct graph_links){.base = base, .degree = degree};
    links->links = mem_aligned(base->nodes * degree, sizeof *links->links);
    if (links->links == NULL)
        return err_nomem(err, "index");
    enum err_code code = pool_run(base->options->threads, base->list_count, link_list, links, err);
    if (code == ERR_OK)
        code = turn(links, err);
    return code == ERR_OK ? merge_links(links, err) : code;
}

void graph_links_release(struct graph_links *links)
{
    mem_free(links->links);
    mem_free(links->offsets);
    mem_free(links->sources);
    *links = (struct graph_links){0};
}

void graph_links_join(struct graph_links *links)
{
    for (uint32_t node = 0; node < links->base->nodes; node++) {
        if (!graph_base_is_held(links->base, node))
            continue;
        const uint32_t *own = links_of(links, node);
        size_t joined = 0;
        for (size_t i = 0; i < links->degree && own[i] != node && joined < JOINED; i++) {
            const size_t count = degree_of(links, own[i]);
            if (count < links->degree) {
                links_of(links, own[i])[count] = node;
                joined++;
            }
        }
    }
    links->is_joined = true;
}

/* ---- connect ---- */

struct reach {
    struct graph_links *links;
    uint64_t *reached; /* a bit a node */
    uint32_t *queue;
    size_t queued;
};

static void reach_node(struct reach *reach, uint32_t node)
{
    if (bitmap_get(reach->reached, node))
        return;
    bitmap_set(reach->reached, node);
    reach->queue[reach->queued++] = node;
}

/* All that can be reached from what is queued. */
static void spread(struct reach *reach, size_t from)
{
    for (size_t i = from; i < reach->queued; i++) {
        const uint32_t node = reach->queue[i];
        const uint32_t *own = links_of(reach->links, node);
        for (size_t k = 0; k < reach->links->degree && own[k] != node; k++)
            reach_node(reach, own[k]);
    }
}

/* A link to `node` from the nearest node that is reached and that it links to itself, or from one
 * before it in its list. In a full node it takes the place of the longest link. */
static void attach(struct reach *reach, uint32_t node)
{
    const struct graph_links *links = reach->links;
    const uint32_t *own = links_of(links, node);
    uint32_t from = node;
    for (size_t k = 0; k < links->degree && own[k] != node && from == node; k++)
        if (bitmap_get(reach->reached, own[k]))
            from = own[k];
    for (uint32_t step = 1; step <= node && step < 4096 && from == node; step++)
        if (bitmap_get(reach->reached, node - step))
            from = node - step;
    if (from == node)
        return;
    const size_t count = degree_of(links, from);
    links_of(links, from)[count < links->degree ? count : count - 1] = node;
    reach_node(reach, node);
}

static size_t connect_once(struct reach *reach, const uint32_t *heads, size_t count)
{
    const size_t nodes = reach->links->base->nodes;
    size_t attached = 0;
    memset(reach->reached, 0, bitmap_words(nodes) * sizeof *reach->reached);
    reach->queued = 0;
    for (size_t i = 0; i < count; i++)
        reach_node(reach, heads[i]);
    spread(reach, 0);
    for (uint32_t node = 0; node < nodes; node++) {
        if (bitmap_get(reach->reached, node) ||
            (!reach->links->is_joined && graph_base_is_held(reach->links->base, node)))
            continue;
        const size_t queued = reach->queued;
        attach(reach, node);
        spread(reach, queued);
        attached++;
    }
    return attached;
}

enum err_code graph_links_connect(struct graph_links *links, const uint32_t *heads, size_t count,
                                  struct err *err)
{
    const size_t nodes = links->base->nodes;
    struct reach reach = {.links = links};
    reach.reached = mem_alloc(bitmap_words(nodes), sizeof *reach.reached);
    reach.queue = mem_alloc(nodes, sizeof *reach.queue);
    const bool has_memory = reach.reached != NULL && reach.queue != NULL;
    size_t attached = 1;
    for (size_t round = 0; has_memory && attached > 0 && round < ROUNDS; round++)
        attached = connect_once(&reach, heads, count);
    mem_free(reach.reached);
    mem_free(reach.queue);
    return has_memory ? ERR_OK : err_nomem(err, "index");
}
