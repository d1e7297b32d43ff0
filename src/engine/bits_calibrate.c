/* bits_calibrate.c: see bits_calibrate.h. */
#include "engine/bits_calibrate.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/pool.h"
#include "engine/bits_kmeans.h"
#include "engine/bits_search.h"
#include "engine/calibrate.h"
#include "engine/order.h"
#include "engine/truth.h"

#define FAR_SHARE 0.98
#define CHUNK 64
#define K_SHARE 20      /* a class needs so many live rows for each of its k */
#define SAFETY_NEAR 0.2 /* of what may be missed */
#define SAFETY_FAR 0.5
#define COST_START 2.0   /* microseconds */
#define COST_WEIGHTS 6e4 /* weights added a microsecond; half of the bits are set at most */
#define COST_LISTS 600.0 /* lists ranked a microsecond */
#define COST_PROBE 0.03  /* of going to another list */
#define COST_BYTES 30e3  /* of rows, a microsecond */
#define COST_MASK 0.001  /* of asking a filter about a row */

/* What all queries of a kind find and scan at each place of their rankings. */
struct sums {
    atomic_uint_least32_t *found; /* lists */
    atomic_uint_least64_t *rows;  /* lists */
    atomic_uint_least64_t total;  /* neighbours there are */
    atomic_uint_least64_t queries;
};

struct calibration {
    const struct lists_build_options *options;
    const struct bits *bits;
    const struct bit_kernel *kernel;
    struct truth truth;
    float distances[TRUTH_QUERIES]; /* to the nearest centroid */
    float far;
    size_t classes; /* that are measured */
    struct sums sums[LISTS_KINDS][LISTS_K_CLASSES];
};

double bits_cost(const struct bits_header *header, size_t class, size_t level, double share)
{
    const struct bits_layout at = bits_layout_of(header);
    const double lists = (double)header->lists;
    const double row_size = (double)at.group_size / BIT_GROUP + 4.0;
    const double probes = (double)header->ladder.probes[LISTS_NEAR][class][level];
    const double rows = (double)header->ladder.rows[class][level] / share;
    return COST_START + lists * (double)header->dim / 2.0 / COST_WEIGHTS + lists / COST_LISTS +
           probes / share * COST_PROBE + rows * row_size / COST_BYTES +
           (share < 1.0 ? rows * COST_MASK : 0.0);
}

/* ---- one query ---- */

/* Queries that share a pass over all rows. */
struct tile {
    const struct calibration *calibration;
    size_t first; /* query */
    size_t count;
    float limits[BIT_TILE][LISTS_K_CLASSES]; /* keys of the k-th true neighbours */
    uint32_t *matches;                       /* BIT_TILE x LISTS_K_CLASSES x lists */
    uint8_t *words;                          /* BIT_TILE rows, padded */
    struct bit_query queries[BIT_TILE];
    struct bits_scratch scratch;
};

static const uint8_t *query_row(const struct calibration *c, size_t query)
{
    return c->truth.queries + query * c->options->segment->facts.row_size;
}

static uint32_t *matches_of(const struct tile *tile, size_t q, size_t class)
{
    const size_t lists = tile->calibration->bits->header.lists;
    return tile->matches + (q * LISTS_K_CLASSES + class) * lists;
}

static void set_limits(const struct calibration *c, struct tile *tile, size_t q)
{
    const struct truth *truth = &c->truth;
    const struct segment *segment = c->options->segment;
    const size_t query = tile->first + q;
    const size_t count = truth->counts[query];
    uint16_t *bits = tile->scratch.bits;
    uint8_t *words = tile->words + q * c->bits->at.lines * 4;
    memset(words, 0, c->bits->at.lines * 4);
    memcpy(words, query_row(c, query), segment->facts.row_size);
    tile->queries[q] = (struct bit_query){
        .words = words,
        .bits = (uint32_t)bits_of_row(query_row(c, query), segment->facts.row_size, bits),
        .limit = -INFINITY};
    for (size_t class = 0; class < c->classes && count > 0; class ++) {
        const size_t k = count < calibrate_ks[class] ? count : calibrate_ks[class];
        const uint8_t *row =
            segment->vectors.data +
            (size_t)truth->rows[query * truth->wanted + k - 1] * segment->facts.row_size;
        scan_keys(&truth->scan, query, &row, 1, &tile->limits[q][class]);
        tile->queries[q].limit = tile->limits[q][class]; /* the last is the largest */
    }
}

/* Counts rows that are right, but for the query's twins. */
static void count_group(struct tile *tile, size_t q, uint32_t list, size_t first_place,
                        const float *keys, unsigned mask)
{
    const struct calibration *c = tile->calibration;
    for (; mask != 0; mask &= mask - 1) {
        const size_t r = (size_t)__builtin_ctz(mask);
        if (c->bits->rows[first_place + r] >= c->bits->header.rows || keys[r] == 0.0F)
            continue;
        for (size_t class = 0; class < c->classes; class ++)
            if (keys[r] <= tile->limits[q][class])
                matches_of(tile, q, class)[list]++;
    }
}

static void match_list(const struct calibration *c, struct tile *tile, uint32_t list)
{
    const struct bits *bits = c->bits;
    float keys[BIT_TILE * CHUNK * BIT_GROUP];
    uint16_t masks[BIT_TILE * CHUNK];
    for (uint32_t first = bits->starts[list]; first < bits->starts[list + 1]; first += CHUNK) {
        const uint32_t left = bits->starts[list + 1] - first;
        const struct bit_groups chunk = {
            .groups = bits->groups + first * bits->at.group_size,
            .count = left < CHUNK ? left : CHUNK,
            .lines = bits->at.lines,
            .has_counts = bits->at.has_counts,
        };
        c->kernel->scan(&chunk, tile->queries, tile->count, keys, masks);
        for (size_t q = 0; q < tile->count; q++)
            for (size_t g = 0; g < chunk.count; g++)
                count_group(tile, q, list, (first + g) * BIT_GROUP,
                            keys + (q * chunk.count + g) * BIT_GROUP, masks[q * chunk.count + g]);
    }
}

/* Walks the lists of one query in the order of a search. */
static void walk(const struct calibration *c, const struct tile *tile, size_t q, size_t class,
                 struct sums *sums)
{
    const uint32_t *matches = matches_of(tile, q, class);
    const size_t count = c->truth.counts[tile->first + q];
    const size_t k = count < calibrate_ks[class] ? count : calibrate_ks[class];
    size_t found = 0;
    for (size_t i = 0; i < c->bits->header.lists; i++) {
        const uint32_t list = order_number(tile->scratch.order[i]);
        const size_t more = matches[list] < k - found ? matches[list] : k - found;
        const uint32_t groups = c->bits->starts[list + 1] - c->bits->starts[list];
        found += more;
        atomic_fetch_add_explicit(&sums->found[i], (uint32_t)more, memory_order_relaxed);
        atomic_fetch_add_explicit(&sums->rows[i], (uint64_t)groups * BIT_GROUP,
                                  memory_order_relaxed);
    }
    atomic_fetch_add(&sums->total, k);
    atomic_fetch_add(&sums->queries, 1);
}

static enum err_code judge_query(struct calibration *c, struct tile *tile, size_t q,
                                 struct err *err)
{
    const size_t query = tile->first + q;
    const enum lists_kind kind = query < c->truth.near_count ? LISTS_NEAR : LISTS_FAR;
    const enum err_code code =
        bits_compare(c->bits, c->kernel, query_row(c, query), &tile->scratch, err);
    if (code != ERR_OK || c->truth.counts[query] == 0 ||
        (kind == LISTS_NEAR && tile->scratch.distance > c->far))
        return code;
    for (uint32_t list = 0; list < c->bits->header.lists; list++)
        tile->scratch.order[list] = order_pair(tile->scratch.keys[list], list);
    order_sort(tile->scratch.order, c->bits->header.lists);
    for (size_t class = 0; class < c->classes; class ++)
        walk(c, tile, q, class, &c->sums[kind][class]);
    return ERR_OK;
}

static enum err_code judge_tile(void *argument, size_t index, struct err *err)
{
    struct calibration *c = argument;
    const size_t lists = c->bits->header.lists;
    const size_t left = c->truth.query_count - index * BIT_TILE;
    struct tile tile = {
        .calibration = c, .first = index * BIT_TILE, .count = left < BIT_TILE ? left : BIT_TILE};
    tile.matches = mem_zalloc(BIT_TILE * LISTS_K_CLASSES * lists, sizeof *tile.matches);
    tile.words = mem_aligned(BIT_TILE * c->bits->at.lines, 4);
    enum err_code code = ERR_OK;
    if (tile.matches == NULL || tile.words == NULL)
        code = err_nomem(err, "index");
    if (code == ERR_OK) /* makes room in the scratch */
        code = bits_compare(c->bits, c->kernel, query_row(c, tile.first), &tile.scratch, err);
    for (size_t q = 0; code == ERR_OK && q < tile.count; q++)
        set_limits(c, &tile, q);
    for (uint32_t list = 0; code == ERR_OK && list < lists; list++)
        match_list(c, &tile, list);
    for (size_t q = 0; code == ERR_OK && q < tile.count; q++)
        code = judge_query(c, &tile, q, err);
    mem_free(tile.matches);
    mem_free(tile.words);
    bits_scratch_release(&tile.scratch);
    return code == ERR_OK ? meter_pass(c->options->meter, 0, 0, err) : code;
}

/* ---- rungs ---- */

/* Fewest lists that find the share; 0: not possible. Sets the rows that a query scans. */
static uint32_t fewest_probes(const struct calibration *c, enum lists_kind kind, size_t class,
                              double target, float *ret_rows)
{
    const struct sums *sums = &c->sums[kind][class];
    const uint64_t queries = atomic_load(&sums->queries);
    const double share = target + (kind == LISTS_NEAR ? SAFETY_NEAR : SAFETY_FAR) * (1.0 - target);
    const uint64_t needed = (uint64_t)(share * (double)atomic_load(&sums->total)) + 1;
    uint64_t found = 0;
    uint64_t rows = 0;
    for (size_t i = 0; queries > 0 && i < c->bits->header.lists; i++) {
        found += atomic_load_explicit(&sums->found[i], memory_order_relaxed);
        rows += atomic_load_explicit(&sums->rows[i], memory_order_relaxed);
        if (found >= needed) {
            *ret_rows = (float)((double)rows / (double)queries);
            return (uint32_t)i + 1;
        }
    }
    return 0;
}

static void make_ladder(const struct calibration *c, struct bits_ladder *ret_ladder)
{
    struct bits_ladder ladder;
    memset(&ladder, 0, sizeof ladder);
    ladder.far = c->far;
    for (size_t class = 0; class < c->classes; class ++)
        for (size_t level = 0; level < LISTS_LEVELS; level++) {
            const double target = (double)calibrate_targets[level];
            float ignored = 0.0F;
            ladder.probes[LISTS_NEAR][class][level] =
                fewest_probes(c, LISTS_NEAR, class, target, &ladder.rows[class][level]);
            ladder.probes[LISTS_FAR][class][level] =
                fewest_probes(c, LISTS_FAR, class, target, &ignored);
        }
    *ret_ladder = ladder;
}

/* ---- the whole ---- */

static int compare_floats(const void *a, const void *b)
{
    const float left = *(const float *)a;
    const float right = *(const float *)b;
    return (left > right) - (left < right);
}

/* How far the rows are from their nearest centroids. */
static enum err_code measure_far(struct calibration *c, struct err *err)
{
    struct bits_scratch scratch = {0};
    enum err_code code = ERR_OK;
    for (size_t query = 0; code == ERR_OK && query < c->truth.near_count; query++) {
        code = bits_compare(c->bits, c->kernel, query_row(c, query), &scratch, err);
        c->distances[query] = scratch.distance;
    }
    bits_scratch_release(&scratch);
    if (code != ERR_OK)
        return code;
    qsort(c->distances, c->truth.near_count, sizeof *c->distances, compare_floats);
    c->far = c->distances[(size_t)(FAR_SHARE * (double)(c->truth.near_count - 1))];
    return ERR_OK;
}

static enum err_code make_sums(struct calibration *c, struct err *err)
{
    const size_t count = c->bits->header.lists;
    for (size_t kind = 0; kind < LISTS_KINDS; kind++)
        for (size_t class = 0; class < c->classes; class ++) {
            struct sums *sums = &c->sums[kind][class];
            sums->found = mem_zalloc(count, sizeof *sums->found);
            sums->rows = mem_zalloc(count, sizeof *sums->rows);
            if (sums->found == NULL || sums->rows == NULL)
                return err_nomem(err, "index");
        }
    return ERR_OK;
}

static void release(struct calibration *c)
{
    for (size_t kind = 0; kind < LISTS_KINDS; kind++)
        for (size_t class = 0; class < LISTS_K_CLASSES; class ++) {
            mem_free(c->sums[kind][class].found);
            mem_free(c->sums[kind][class].rows);
        }
    truth_release(&c->truth);
    mem_free(c);
}

enum err_code bits_calibrate(const struct lists_build_options *options, const struct bits *bits,
                             struct bits_ladder *ret_ladder, struct err *err)
{
    struct calibration *c = mem_zalloc(1, sizeof *c);
    if (c == NULL)
        return err_nomem(err, "index");
    c->options = options;
    c->bits = bits;
    c->kernel = bit_kernel_for(options->kernel);
    while (c->classes < LISTS_K_CLASSES &&
           calibrate_ks[c->classes] * K_SHARE <= bits->header.live_rows)
        c->classes++;
    enum err_code code = ERR_OK;
    if (c->classes > 0)
        code = truth_make(options, bits->rows, bits->header.groups * BIT_GROUP,
                          calibrate_ks[c->classes - 1], &c->truth, err);
    if (code == ERR_OK && c->truth.query_count > 0) {
        code = measure_far(c, err);
        if (code == ERR_OK)
            code = make_sums(c, err);
        if (code == ERR_OK)
            code = pool_run(options->threads, (c->truth.query_count + BIT_TILE - 1) / BIT_TILE,
                            judge_tile, c, err);
        if (code == ERR_OK)
            make_ladder(c, ret_ladder);
    }
    release(c);
    return code;
}
