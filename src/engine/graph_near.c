/* graph_near.c: see graph_near.h.
 *
 * Each row picks its nearest lists; then list after list is compared with the rows that picked it,
 * four rows and 128 columns at a time. The own list comes first, since it gives tight limits; of
 * those that are not so near only a few rows are looked at, for long links.
 * Of a very long list (many equal rows) only a stretch is looked at. */
#include "engine/graph_near.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "engine/order.h"

#define CHUNK 8 /* groups of a tile */
#define KEYS (CHUNK * CODE_GROUP)
#define ROOM (3 * GRAPH_NEAR_KEPT + KEYS)
#define LIST_GROUPS_MAX 64 /* of a list, looked at */
#define INNER 16           /* of a row's lists, the nearest, that are looked at whole ... */
#define OUTER_GROUPS 2     /* ... and groups of each of the others */
#define IS_OUTER (UINT64_C(1) << 31)
#define KEY_SCALE 2.0F
#define WORD 64 /* keys that within() looks at */
#define TILE_KEYS (CODE_TILE * KEYS + WORD)

enum err_code graph_near_init(struct graph_near *near, const struct graph_base *base,
                              struct err *err)
{
    *near = (struct graph_near){.base = base};
    near->queries = mem_aligned(GRAPH_NEAR_ROWS, graph_base_query_size(base));
    near->own = mem_alloc(GRAPH_NEAR_ROWS, sizeof *near->own);
    near->pairs = mem_alloc(GRAPH_NEAR_ROWS * ROOM, sizeof *near->pairs);
    near->best = mem_alloc((size_t)GRAPH_NEAR_ROWS * GRAPH_NEAR_PROBES, sizeof *near->best);
    near->visits = mem_alloc((size_t)GRAPH_NEAR_ROWS * GRAPH_NEAR_PROBES, sizeof *near->visits);
    const bool has_memory = near->queries != NULL && near->own != NULL && near->pairs != NULL &&
                            near->best != NULL && near->visits != NULL;
    return has_memory ? ERR_OK : err_nomem(err, "index");
}

void graph_near_release(struct graph_near *near)
{
    mem_free(near->queries);
    mem_free(near->own);
    mem_free(near->pairs);
    mem_free(near->best);
    mem_free(near->visits);
}

/* Pairs of one row that only get better: the `kept` best are sure to be among them. */
struct bag {
    uint64_t *pairs;
    size_t *count;
    float *limit;
    size_t kept;
    size_t room; /* at least kept + KEYS */
};

/* WORD floats behind the last key are read. */
static void bag_take(const struct bag *bag, const struct graph_base *base, const float *keys,
                     size_t count, uint32_t first)
{
    for (size_t from = 0; from < count; from += WORD) {
        uint64_t mask = base->options->kernel->within(keys + from, *bag->limit);
        mask &= count - from < WORD ? ((uint64_t)1 << (count - from)) - 1 : UINT64_MAX;
        for (; mask != 0; mask &= mask - 1) {
            const size_t i = from + (size_t)__builtin_ctzll(mask);
            bag->pairs[(*bag->count)++] = order_pair(keys[i], first + (uint32_t)i);
        }
    }
    if (*bag->count + KEYS <= bag->room)
        return;
    order_select(bag->pairs, *bag->count, bag->kept);
    *bag->count = bag->kept;
    *bag->limit = order_key(bag->pairs[bag->kept - 1]);
}

static struct bag bag_of(struct graph_near *near, size_t row, size_t kept)
{
    return (struct bag){near->pairs + row * ROOM, &near->counts[row], &near->limits[row], kept,
                        ROOM};
}

static const int8_t *query_of(const struct graph_near *near, size_t row)
{
    return near->queries + row * graph_base_query_size(near->base);
}

static void end_keys(float *end)
{
    for (size_t i = 0; i < WORD; i++)
        end[i] = NAN;
}

/* ---- which lists ---- */

/* Rows first .. first + count - 1 against all centroids; near->pairs serve as bags. */
static void pick_lists(struct graph_near *near, size_t first, size_t count, size_t probes)
{
    const struct graph_base *base = near->base;
    const size_t groups = base->list_count / CODE_GROUP;
    const int8_t *queries[CODE_TILE];
    for (size_t q = 0; q < count; q++)
        queries[q] = query_of(near, first + q);
    for (size_t g = 0; g < groups; g += CHUNK) {
        const struct code_groups columns = {base->centroids + g * code_group_size(base->lines),
                                            groups - g < CHUNK ? groups - g : CHUNK, base->lines};
        float keys[TILE_KEYS];
        const size_t width = columns.count * CODE_GROUP;
        base->kernel->tile7(&columns, queries, count, KEY_SCALE, keys);
        end_keys(keys + count * width);
        for (size_t q = 0; q < count; q++) {
            const struct bag bag = bag_of(near, first + q, probes);
            bag_take(&bag, base, keys + q * width, width, (uint32_t)(g * CODE_GROUP));
        }
    }
}

static size_t make_visits(struct graph_near *near)
{
    const size_t lists = near->base->list_count;
    const size_t probes = lists < GRAPH_NEAR_PROBES ? lists : GRAPH_NEAR_PROBES;
    size_t count = 0;
    for (size_t row = 0; row < near->rows; row++) {
        near->counts[row] = 0;
        near->limits[row] = INFINITY;
    }
    for (size_t row = 0; row < near->rows; row += CODE_TILE)
        pick_lists(near, row, near->rows - row < CODE_TILE ? near->rows - row : CODE_TILE, probes);
    for (size_t row = 0; row < near->rows; row++) {
        uint64_t *pairs = near->pairs + row * ROOM;
        order_select(pairs, near->counts[row], probes);
        order_sort(pairs, probes);
        near->visits[count++] = row; /* the own list is always looked at */
        for (size_t i = 0; i + 1 < probes; i++) {
            const uint64_t list = order_number(pairs[i]);
            if (list != near->list)
                near->visits[count++] = (list + 1) << 32 | (i < INNER ? 0 : IS_OUTER) | row;
        }
        near->counts[row] = 0;
        near->limits[row] = INFINITY;
    }
    order_sort(near->visits, count);
    return count;
}

/* ---- which rows ---- */

/* Part of a list. */
struct stretch {
    size_t list;
    size_t first_group; /* within the list */
    size_t groups;
    bool is_own;
};

static struct stretch stretch_of(const struct graph_near *near, uint64_t visit)
{
    const struct lists *lists = near->base->lists;
    const uint32_t place = (uint32_t)(visit >> 32);
    struct stretch s = {.list = place == 0 ? near->list : place - 1, .is_own = place == 0};
    s.groups = lists->starts[s.list + 1] - lists->starts[s.list];
    if ((visit & IS_OUTER) != 0 && s.groups > OUTER_GROUPS)
        s.groups = OUTER_GROUPS;
    if (s.groups <= LIST_GROUPS_MAX)
        return s;
    const size_t middle = s.is_own ? (near->first - near->base->starts[s.list]) / CODE_GROUP
                                   : near->first * UINT64_C(2654435761) % s.groups;
    s.first_group = middle < s.groups - LIST_GROUPS_MAX ? middle : s.groups - LIST_GROUPS_MAX;
    s.groups = LIST_GROUPS_MAX;
    return s;
}

/* Keys of a row with `width` nodes from `first` on. */
static void take_keys(struct graph_near *near, size_t row, float *keys, size_t width,
                      uint32_t first)
{
    const uint32_t own = near->first + (uint32_t)row;
    const struct bag bag = bag_of(near, row, GRAPH_NEAR_KEPT);
    if (own >= first && own < first + width)
        keys[own - first] = NAN;
    bag_take(&bag, near->base, keys, width, first);
}

/* Up to four rows against a stretch. */
static void compare(struct graph_near *near, const struct stretch *s, const size_t *rows,
                    size_t count)
{
    const struct graph_base *base = near->base;
    const int8_t *queries[CODE_TILE];
    uint64_t best[CODE_TILE];
    for (size_t q = 0; q < count; q++) {
        queries[q] = query_of(near, rows[q]);
        best[q] = UINT64_MAX;
    }
    const size_t end = s->first_group + s->groups;
    for (size_t g = s->first_group; g < end; g += CHUNK) {
        const struct code_groups columns = {graph_base_list(base, s->list) +
                                                g * code_group_size(base->lines),
                                            end - g < CHUNK ? end - g : CHUNK, base->lines};
        float keys[TILE_KEYS];
        const size_t width = columns.count * CODE_GROUP;
        const uint32_t first = base->starts[s->list] + (uint32_t)(g * CODE_GROUP);
        base->kernel->tile7(&columns, queries, count, KEY_SCALE, keys);
        end_keys(keys + count * width);
        for (size_t q = 0; q < count; q++) {
            float *own = keys + q * width;
            const size_t place = base->kernel->smallest(own, columns.count);
            const uint64_t pair = order_pair(own[place], first + (uint32_t)place);
            best[q] = pair < best[q] && own[place] < INFINITY ? pair : best[q];
            take_keys(near, rows[q], own, width, first);
        }
    }
    for (size_t q = 0; q < count && !s->is_own; q++)
        if (best[q] != UINT64_MAX)
            near->best[rows[q] * GRAPH_NEAR_PROBES + near->best_counts[rows[q]]++] = best[q];
}

void graph_near_find(struct graph_near *near, size_t list, uint32_t first, size_t rows)
{
    near->list = list;
    near->first = first;
    near->rows = rows;
    for (size_t row = 0; row < rows; row++) {
        near->best_counts[row] = 0;
        near->own[row] = graph_base_query(near->base, first + (uint32_t)row,
                                          near->queries + row * graph_base_query_size(near->base));
    }
    const size_t count = make_visits(near);
    for (size_t from = 0; from < count;) {
        const struct stretch s = stretch_of(near, near->visits[from]);
        const uint64_t place = near->visits[from] / IS_OUTER; /* with the mark */
        size_t end = from;
        while (end < count && near->visits[end] / IS_OUTER == place)
            end++;
        for (; from < end; from += CODE_TILE) {
            size_t four[CODE_TILE];
            const size_t part = end - from < CODE_TILE ? end - from : CODE_TILE;
            for (size_t q = 0; q < part; q++)
                four[q] = near->visits[from + q] % IS_OUTER;
            compare(near, &s, four, part);
        }
        from = end;
    }
}

size_t graph_near_take(struct graph_near *near, size_t row, uint64_t *ret_pairs)
{
    uint64_t *pairs = near->pairs + row * ROOM;
    const uint64_t *best = near->best + row * GRAPH_NEAR_PROBES;
    size_t count = near->counts[row];
    if (count > GRAPH_NEAR_KEPT) {
        order_select(pairs, count, GRAPH_NEAR_KEPT);
        count = GRAPH_NEAR_KEPT;
    }
    memcpy(ret_pairs, pairs, count * sizeof *pairs);
    memcpy(ret_pairs + count, best, near->best_counts[row] * sizeof *best);
    count += near->best_counts[row];
    order_sort(ret_pairs, count);
    size_t unique = 0;
    for (size_t i = 0; i < count; i++)
        if (i == 0 || ret_pairs[i] != ret_pairs[i - 1])
            ret_pairs[unique++] =
                order_pair(order_key(ret_pairs[i]) + near->own[row], order_number(ret_pairs[i]));
    return unique;
}
