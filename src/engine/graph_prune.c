/* graph_prune.c: see graph_prune.h. */
#include "engine/graph_prune.h"

#include <string.h>

#include "base/mem.h"
#include "engine/order.h"

#define BLOCK 8     /* links compared at a time */
#define TWINS_MAX 4 /* links to rows at distance 0 */
#define CONSIDERED 160
#define AHEAD 3 /* candidates whose codes are asked for early */

enum err_code graph_pruner_init(struct graph_pruner *pruner, const struct graph_base *base,
                                size_t degree, struct err *err)
{
    *pruner = (struct graph_pruner){.base = base, .degree = degree};
    pruner->query = mem_aligned(1, graph_base_query_size(base));
    return pruner->query != NULL ? ERR_OK : err_nomem(err, "index");
}

void graph_pruner_release(struct graph_pruner *pruner)
{
    mem_free(pruner->query);
    pruner->query = NULL;
}

size_t graph_pruner_sort(struct graph_pruner *pruner, uint32_t node, const uint32_t *ids,
                         size_t count, uint64_t *ret_pairs)
{
    const struct graph_base *base = pruner->base;
    const float own = graph_base_query(base, node, pruner->query);
    base->kernel->rows7(&base->view, ids, count, pruner->query, 2.0F, pruner->keys);
    for (size_t i = 0; i < count; i++)
        ret_pairs[i] = order_pair(pruner->keys[i] + own, ids[i]);
    order_sort(ret_pairs, count);
    size_t unique = 0;
    for (size_t i = 0; i < count; i++)
        if (order_number(ret_pairs[i]) != node && (i == 0 || ret_pairs[i] != ret_pairs[i - 1]))
            ret_pairs[unique++] = ret_pairs[i];
    return unique;
}

static void fetch_row(const struct graph_base *base, uint32_t node)
{
    const uint8_t *row = base->view.codes + node * base->view.stride;
    for (size_t at = 0; at < base->view.width; at += CODE_LINE)
        __builtin_prefetch(row + at);
}

/* True when one of the kept links is nearer to the candidate than the row is. */
static bool is_occluded(struct graph_pruner *pruner, uint64_t pair)
{
    const struct graph_base *base = pruner->base;
    const float distance = order_key(pair);
    const float own = graph_base_query(base, order_number(pair), pruner->query);
    size_t twins = 0;
    for (size_t first = 0; first < pruner->kept_count; first += BLOCK) {
        const size_t left = pruner->kept_count - first;
        const size_t count = left < BLOCK ? left : BLOCK;
        base->kernel->rows7(&base->view, pruner->ids + first, count, pruner->query, 2.0F,
                            pruner->keys);
        for (size_t i = 0; i < count; i++) {
            const float between = pruner->keys[i] + own;
            twins += between <= 0.0F;
            if (between < distance)
                return true;
        }
    }
    return twins >= TWINS_MAX;
}

size_t graph_prune(struct graph_pruner *pruner, const uint64_t *pairs, size_t count)
{
    pruner->kept_count = 0;
    for (size_t i = 0; i < count && pruner->kept_count < pruner->degree; i++) {
        if (i + AHEAD < count)
            fetch_row(pruner->base, order_number(pairs[i + AHEAD]));
        if (is_occluded(pruner, pairs[i]))
            continue;
        pruner->ids[pruner->kept_count] = order_number(pairs[i]);
        pruner->kept[pruner->kept_count++] = pairs[i];
    }
    return pruner->kept_count;
}

size_t graph_prune_full(struct graph_pruner *pruner, const uint64_t *pairs, size_t count)
{
    const size_t kept = graph_prune(pruner, pairs, count < CONSIDERED ? count : CONSIDERED);
    size_t next = 0; /* of kept: both are sorted */
    for (size_t i = 0; i < count && pruner->kept_count < pruner->degree; i++) {
        if (next < kept && pruner->kept[next] == pairs[i])
            next++;
        else
            pruner->kept[pruner->kept_count++] = pairs[i];
    }
    return pruner->kept_count;
}
