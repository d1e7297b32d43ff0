/* graph_walk.c: see graph_walk.h. */
#include "engine/graph_walk.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/bitmap.h"
#include "base/mem.h"
#include "engine/graph_format.h"
#include "engine/order.h"

#define BEAM 3                          /* nodes taken a step */
#define AHEAD (2 * BEAM)                /* nodes whose links are asked for early */
#define TAKEN (UINT64_C(1) << 31)       /* in a pair of the pool: its neighbours were seen */
#define FRESH (BEAM * GRAPH_DEGREE_MAX) /* most neighbours of a step */
#define SUPERS 3                        /* whose heads are looked at */
#define CHUNK 16                        /* groups compared at a time */

void graph_scratch_release(struct graph_scratch *scratch)
{
    mem_free(scratch->seen);
    mem_free(scratch->touched);
    mem_free(scratch->pool);
    mem_free(scratch->passed);
    mem_free(scratch->values);
    mem_free(scratch->bytes);
    *scratch = (struct graph_scratch){0};
}

/* ---- heads ---- */

struct best {
    uint64_t pairs[GRAPH_ENTRIES];
    size_t count;
    size_t wanted;
};

static void best_take(struct best *best, uint64_t pair)
{
    if (best->count == best->wanted && pair >= best->pairs[best->count - 1])
        return;
    size_t at = best->count < best->wanted ? best->count++ : best->count - 1;
    for (; at > 0 && best->pairs[at - 1] > pair; at--)
        best->pairs[at] = best->pairs[at - 1];
    best->pairs[at] = pair;
}

static void best_of_groups(const struct code_groups *groups, const struct code_kernel *kernel,
                           const int8_t *query, float scale, size_t first_place, struct best *best)
{
    const size_t size = code_group_size(groups->lines);
    for (size_t first = 0; first < groups->count; first += CHUNK) {
        const struct code_groups chunk = {
            groups->groups + first * size,
            groups->count - first < CHUNK ? groups->count - first : CHUNK, groups->lines};
        float keys[CHUNK * CODE_GROUP];
        kernel->tile7(&chunk, &query, 1, scale, keys);
        for (size_t i = 0; i < chunk.count * CODE_GROUP; i++) {
            const bool is_near =
                best->count < best->wanted || keys[i] < order_key(best->pairs[best->count - 1]);
            if (is_near && keys[i] < INFINITY)
                best_take(best,
                          order_pair(keys[i], (uint32_t)(first_place + first * CODE_GROUP + i)));
        }
    }
}

size_t graph_enter(const struct graph_heads *heads, const struct code_kernel *kernel,
                   const int8_t *query, float scale, uint32_t *ret_entries, float *ret_key)
{
    struct best supers = {.wanted = SUPERS};
    struct best best = {.wanted = GRAPH_ENTRIES};
    const struct code_groups first = {heads->supers, heads->super_groups, heads->lines};
    best_of_groups(&first, kernel, query, scale, 0, &supers);
    for (size_t i = 0; i < supers.count; i++) {
        const uint32_t super = order_number(supers.pairs[i]);
        const size_t start = heads->starts[super];
        const struct code_groups own = {heads->groups + start * code_group_size(heads->lines),
                                        heads->starts[super + 1] - start, heads->lines};
        best_of_groups(&own, kernel, query, scale, start * CODE_GROUP, &best);
    }
    for (size_t i = 0; i < best.count; i++)
        ret_entries[i] = heads->nodes[order_number(best.pairs[i])];
    *ret_key = best.count > 0 ? order_key(best.pairs[0]) : INFINITY;
    return best.count;
}

/* ---- the walk ---- */

/* Sorted pairs, at most `size`. */
struct list {
    uint64_t *pairs;
    size_t count;
    size_t size;
};

struct walk {
    const struct graph_view *view;
    const struct graph_goal *goal;
    struct graph_scratch *scratch;
    struct list pool;
    struct list passed;
    size_t cursor; /* all before it were taken */
    size_t steps;
    size_t taken;
    size_t fresh_count;
    uint32_t fresh[FRESH];
    float keys[FRESH + 4];
};

static float limit_of(const struct list *list)
{
    return list->count < list->size ? INFINITY : order_key(list->pairs[list->count - 1]);
}

/* Where the pair went; list->size: nowhere. */
static size_t insert(struct list *list, uint64_t pair)
{
    size_t low = 0;
    size_t high = list->count;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if ((list->pairs[middle] & ~TAKEN) < pair)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == list->size)
        return low;
    list->count += list->count < list->size;
    memmove(list->pairs + low + 1, list->pairs + low,
            (list->count - 1 - low) * sizeof *list->pairs);
    list->pairs[low] = pair;
    return low;
}

static bool is_seen(struct graph_scratch *scratch, uint32_t node)
{
    const uint64_t bit = (uint64_t)1 << node % 64;
    const uint64_t word = scratch->seen[node / 64];
    scratch->seen[node / 64] = word | bit;
    scratch->touched[scratch->touched_count] = node;
    scratch->touched_count += (word & bit) == 0;
    return (word & bit) != 0;
}

static void fetch_codes(const struct code_rows *rows, uint32_t node)
{
    const uint8_t *codes = rows->codes + node * rows->stride;
    for (size_t at = 0; at < rows->width; at += CODE_LINE)
        __builtin_prefetch(codes + at);
}

static void fetch_links(const struct graph_view *view, uint32_t node)
{
    const uint32_t *links = view->links + node * view->degree;
    for (size_t at = 0; at < view->degree; at += CODE_LINE / sizeof *links)
        __builtin_prefetch(links + at);
}

static void take_fresh(struct walk *walk, uint32_t node)
{
    if (is_seen(walk->scratch, node))
        return;
    walk->fresh[walk->fresh_count++] = node;
    fetch_codes(&walk->view->rows, node);
}

static void gather(struct walk *walk, uint32_t node)
{
    const uint32_t *links = walk->view->links + node * walk->view->degree;
    for (size_t i = 0; i < walk->view->degree && links[i] != node; i++)
        take_fresh(walk, links[i]);
}

static bool passes(const struct graph_mask *mask, uint32_t node)
{
    const uint32_t row = mask->rows[node];
    return (mask->allow == NULL || bitmap_get(mask->allow, row)) &&
           (mask->dead == NULL || !bitmap_get(mask->dead, row));
}

/* Keys beyond it can neither lead nor be found. */
static float reach_of(const struct walk *walk)
{
    const struct graph_goal *goal = walk->goal;
    const float limit = limit_of(&walk->pool);
    if (goal->spread <= 0.0F || walk->pool.count < goal->sure)
        return limit;
    const float last = order_key(walk->pool.pairs[goal->sure - 1]) + goal->origin;
    const float reach = last * (1.0F + goal->spread) - goal->origin;
    return reach < limit ? reach : limit;
}

/* Compares what was gathered; what is near enough joins the pool. */
static void judge(struct walk *walk)
{
    const struct graph_goal *goal = walk->goal;
    walk->view->distance(&walk->view->rows, walk->fresh, walk->fresh_count, goal->query,
                         goal->scale, walk->keys);
    walk->steps += walk->fresh_count;
    float limit = reach_of(walk);
    float limit_passed = goal->mask != NULL ? limit_of(&walk->passed) : -INFINITY;
    for (size_t i = 0; i < walk->fresh_count; i++) {
        const float key = walk->keys[i];
        if (key < limit_passed && passes(goal->mask, walk->fresh[i])) {
            (void)insert(&walk->passed, order_pair(key, walk->fresh[i]));
            limit_passed = limit_of(&walk->passed);
        }
        if (!(key < limit))
            continue;
        const size_t at = insert(&walk->pool, order_pair(key, walk->fresh[i]));
        walk->cursor = at < walk->cursor ? at : walk->cursor;
        if (at < walk->cursor + AHEAD)
            fetch_links(walk->view, walk->fresh[i]);
        limit = reach_of(walk);
    }
    walk->fresh_count = 0;
}

static void step(struct walk *walk)
{
    uint64_t *pairs = walk->pool.pairs;
    uint32_t taken[BEAM];
    size_t count = 0;
    size_t at = walk->cursor;
    for (; at < walk->pool.count && count < BEAM; at++)
        if ((pairs[at] & TAKEN) == 0) {
            taken[count++] = order_number(pairs[at]);
            pairs[at] |= TAKEN;
        }
    walk->cursor = at;
    walk->taken += count;
    for (size_t i = 0; i < count; i++)
        gather(walk, taken[i]);
    for (size_t ahead = 0; at < walk->pool.count && ahead < AHEAD; at++)
        if ((pairs[at] & TAKEN) == 0) {
            fetch_links(walk->view, order_number(pairs[at]));
            ahead++;
        }
    judge(walk);
    while (walk->cursor < walk->pool.count && (pairs[walk->cursor] & TAKEN) != 0)
        walk->cursor++;
}

static void forget(struct graph_scratch *scratch)
{
    for (size_t i = 0; i < scratch->touched_count; i++)
        scratch->seen[scratch->touched[i] / 64] = 0;
    scratch->touched_count = 0;
}

static bool fit_list(uint64_t **pairs, size_t *size, size_t wanted)
{
    if (wanted <= *size)
        return true;
    mem_free(*pairs);
    *pairs = mem_alloc(wanted, sizeof **pairs);
    *size = *pairs != NULL ? wanted : 0;
    return *pairs != NULL;
}

static bool fit(struct graph_scratch *scratch, const struct graph_view *view,
                const struct graph_goal *goal)
{
    if (view->nodes > scratch->seen_size) {
        mem_free(scratch->seen);
        scratch->seen = mem_zalloc(bitmap_words(view->nodes), sizeof *scratch->seen);
        scratch->seen_size = scratch->seen != NULL ? view->nodes : 0;
    }
    return view->nodes <= scratch->seen_size &&
           fit_list(&scratch->pool, &scratch->pool_size, goal->ef + 1) &&
           fit_list(&scratch->passed, &scratch->passed_size, goal->wanted + 1);
}

/* Room for what a step touches; what was touched stays. */
static bool fit_touched(struct graph_scratch *scratch)
{
    const size_t wanted = scratch->touched_count + FRESH + GRAPH_ENTRIES + 1;
    if (wanted <= scratch->touched_size)
        return true;
    uint32_t *touched = mem_realloc(scratch->touched, 2 * wanted, sizeof *touched);
    if (touched == NULL)
        return false;
    scratch->touched = touched;
    scratch->touched_size = 2 * wanted;
    return true;
}

/* Of the pool. */
static size_t count_passing(const struct walk *walk)
{
    size_t count = 0;
    for (size_t i = 0; walk->goal->mask != NULL && i < walk->pool.count; i++)
        count += passes(walk->goal->mask, order_number(walk->pool.pairs[i]));
    return count;
}

enum err_code graph_walk(const struct graph_view *view, const struct graph_goal *goal,
                         struct graph_scratch *scratch, struct graph_found *ret_found,
                         struct err *err)
{
    if (!fit(scratch, view, goal) || !fit_touched(scratch))
        return err_nomem(err, "search");
    struct walk walk;
    walk.view = view;
    walk.goal = goal;
    walk.scratch = scratch;
    walk.pool = (struct list){scratch->pool, 0, goal->ef};
    walk.passed = (struct list){scratch->passed, 0, goal->wanted};
    walk.cursor = 0;
    walk.steps = 0;
    walk.taken = 0;
    walk.fresh_count = 0;
    if (goal->skip != GRAPH_NO_NODE)
        (void)is_seen(scratch, goal->skip);
    for (size_t i = 0; i < goal->entry_count; i++)
        take_fresh(&walk, goal->entries[i]);
    judge(&walk);
    bool has_memory = true;
    while (has_memory && walk.cursor < walk.pool.count &&
           order_key(walk.pool.pairs[walk.cursor]) <= reach_of(&walk)) {
        has_memory = fit_touched(scratch);
        if (has_memory)
            step(&walk);
    }
    forget(scratch);
    for (size_t i = 0; i < walk.pool.count; i++)
        walk.pool.pairs[i] &= ~TAKEN;
    const struct list *found = goal->mask != NULL ? &walk.passed : &walk.pool;
    *ret_found = (struct graph_found){.pairs = found->pairs,
                                      .count = found->count,
                                      .steps = walk.steps,
                                      .taken = walk.taken,
                                      .pool = walk.pool.count,
                                      .pool_passing = count_passing(&walk)};
    return has_memory ? ERR_OK : err_nomem(err, "search");
}
