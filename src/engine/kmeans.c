/* kmeans.c: see kmeans.h.
 *
 * Six rounds. After all but the last two the smallest twelfth of the lists is moved onto samples
 * that are badly served (the worst of 24 drawn): without this, small clusters get no list of their
 * own. */
#include "engine/kmeans.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/pool.h"
#include "engine/order.h"

#define ROUNDS 6
#define ROUNDS_STILL 2 /* the last ones, which move no lists */
#define MOVED_SHARE 12
#define DRAWS 24
#define COLUMNS 64 /* groups of centroids looked at together: they fit a cache beside the rows */

static uint64_t next_random(uint64_t *state)
{
    *state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t mixed = *state;
    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ mixed >> 31;
}

static size_t group_size(const struct kmeans *kmeans)
{
    return code_group_size(kmeans->stride / CODE7_DIMS);
}

/* Writes a centroid; `values` in steps of a row's bytes. */
static void put_centroid(struct kmeans *kmeans, size_t list, const float *values)
{
    uint8_t *group = kmeans->groups + list / CODE_GROUP * group_size(kmeans);
    const size_t place = list % CODE_GROUP;
    double norm = 0.0;
    for (size_t j = 0; j < kmeans->stride; j++) {
        const float code = values[j] / KMEANS_STEP;
        const float low = code > -63.0F ? code : -63.0F;
        const int32_t level = (int32_t)lrintf(low < 63.0F ? low : 63.0F);
        group[j / CODE7_DIMS * CODE_LINE + 4 * place + j % CODE7_DIMS] = (uint8_t)(level + 64);
        norm += (double)(level * level);
    }
    const float squared = (float)norm * KMEANS_STEP * KMEANS_STEP;
    memcpy(group + kmeans->stride / CODE7_DIMS * CODE_LINE + place * sizeof squared, &squared,
           sizeof squared);
}

static void put_sample(struct kmeans *kmeans, size_t list, size_t sample, float *values)
{
    const int8_t *row = kmeans->rows + sample * kmeans->stride;
    for (size_t j = 0; j < kmeans->stride; j++)
        values[j] = (float)row[j];
    put_centroid(kmeans, list, values);
}

/* Rows first .. first + count - 1 of a batch against some groups; keeps what is nearer. */
static void assign_four(const struct kmeans *kmeans, const int8_t *rows, size_t count,
                        size_t first_group, uint64_t *best)
{
    const size_t groups = kmeans->lists / CODE_GROUP;
    const struct code_groups columns = {
        .groups = kmeans->groups + first_group * group_size(kmeans),
        .count = groups - first_group < COLUMNS ? groups - first_group : COLUMNS,
        .lines = kmeans->stride / CODE7_DIMS,
    };
    const int8_t *four[CODE_TILE];
    float keys[CODE_TILE * COLUMNS * CODE_GROUP];
    for (size_t q = 0; q < count; q++)
        four[q] = rows + q * kmeans->stride;
    kmeans->kernel->tile7(&columns, four, count, 2.0F * KMEANS_STEP, keys);
    for (size_t q = 0; q < count; q++) {
        const float *own = keys + q * columns.count * CODE_GROUP;
        const size_t place = kmeans->kernel->smallest(own, columns.count);
        const uint64_t pair = order_pair(own[place], (uint32_t)(first_group * CODE_GROUP + place));
        best[q] = pair < best[q] ? pair : best[q];
    }
}

void kmeans_assign(const struct kmeans *kmeans, const int8_t *rows, size_t count,
                   uint32_t *ret_lists, float *ret_keys)
{
    uint64_t best[KMEANS_BATCH];
    for (size_t i = 0; i < count; i++)
        best[i] = UINT64_MAX;
    for (size_t group = 0; group < kmeans->lists / CODE_GROUP; group += COLUMNS)
        for (size_t i = 0; i < count; i += CODE_TILE)
            assign_four(kmeans, rows + i * kmeans->stride,
                        count - i < CODE_TILE ? count - i : CODE_TILE, group, best + i);
    for (size_t i = 0; i < count; i++) {
        ret_lists[i] = order_number(best[i]);
        if (ret_keys != NULL)
            ret_keys[i] = order_key(best[i]);
    }
}

static enum err_code assign_batch(void *argument, size_t index, struct err *err)
{
    (void)err;
    struct kmeans *kmeans = argument;
    const size_t first = index * KMEANS_BATCH;
    const size_t left = kmeans->row_count - first;
    const size_t count = left < KMEANS_BATCH ? left : KMEANS_BATCH;
    const int8_t *rows = kmeans->rows + first * kmeans->stride;
    kmeans_assign(kmeans, rows, count, kmeans->nearest + first, kmeans->errors + first);
    for (size_t i = 0; i < count; i++) {
        /* what the key leaves out: |x|^2, and 64 steps in each dimension of the centroid */
        int32_t sum = 0;
        int32_t squares = 0;
        for (size_t j = 0; j < kmeans->stride; j++) {
            const int32_t value = rows[i * kmeans->stride + j];
            sum += value;
            squares += value * value;
        }
        kmeans->errors[first + i] += (float)squares + 128.0F * KMEANS_STEP * (float)sum;
    }
    return ERR_OK;
}

struct update {
    int32_t *sums; /* lists x stride */
    uint32_t *counts;
    float *values;   /* stride */
    uint64_t *order; /* lists */
    uint64_t random;
};

static void move_centroids(struct kmeans *kmeans, struct update *update)
{
    memset(update->sums, 0, kmeans->lists * kmeans->stride * sizeof *update->sums);
    memset(update->counts, 0, kmeans->lists * sizeof *update->counts);
    for (size_t i = 0; i < kmeans->row_count; i++) {
        int32_t *sums = update->sums + kmeans->nearest[i] * kmeans->stride;
        const int8_t *row = kmeans->rows + i * kmeans->stride;
        for (size_t j = 0; j < kmeans->stride; j++)
            sums[j] += row[j];
        update->counts[kmeans->nearest[i]]++;
    }
    for (size_t list = 0; list < kmeans->lists; list++) {
        if (update->counts[list] == 0)
            continue;
        const double count = update->counts[list];
        for (size_t j = 0; j < kmeans->stride; j++)
            update->values[j] = (float)(update->sums[list * kmeans->stride + j] / count);
        put_centroid(kmeans, list, update->values);
    }
}

/* The smallest lists start again where samples are far from any centroid. */
static void move_smallest(struct kmeans *kmeans, struct update *update)
{
    const size_t moved = kmeans->lists / MOVED_SHARE;
    for (size_t list = 0; list < kmeans->lists; list++)
        update->order[list] = order_pair((float)update->counts[list], (uint32_t)list);
    order_sort(update->order, kmeans->lists);
    for (size_t i = 0; i < moved; i++) {
        size_t worst = 0;
        for (size_t draw = 0; draw < DRAWS; draw++) {
            const size_t sample = next_random(&update->random) % kmeans->row_count;
            if (draw == 0 || kmeans->errors[sample] > kmeans->errors[worst])
                worst = sample;
        }
        kmeans->errors[worst] = 0.0F; /* it has a list now */
        put_sample(kmeans, order_number(update->order[i]), worst, update->values);
    }
}

static enum err_code run_rounds(struct kmeans *kmeans, struct update *update, struct err *err)
{
    const size_t batches = (kmeans->row_count + KMEANS_BATCH - 1) / KMEANS_BATCH;
    for (size_t list = 0; list < kmeans->lists; list++) {
        const size_t from = list * kmeans->row_count / kmeans->lists;
        const size_t end = (list + 1) * kmeans->row_count / kmeans->lists;
        put_sample(kmeans, list, from + next_random(&update->random) % (end - from),
                   update->values);
    }
    for (size_t round = 0; round < ROUNDS; round++) {
        const enum err_code code = pool_run(kmeans->threads, batches, assign_batch, kmeans, err);
        if (code != ERR_OK)
            return code;
        move_centroids(kmeans, update);
        if (round + ROUNDS_STILL < ROUNDS)
            move_smallest(kmeans, update);
    }
    return ERR_OK;
}

enum err_code kmeans_run(struct kmeans *kmeans, struct err *err)
{
    struct update update = {.random = 1};
    const size_t groups = kmeans->lists / CODE_GROUP;
    kmeans->groups = mem_aligned(groups, group_size(kmeans));
    kmeans->nearest = mem_alloc(kmeans->row_count, sizeof *kmeans->nearest);
    kmeans->errors = mem_alloc(kmeans->row_count, sizeof *kmeans->errors);
    update.sums = mem_alloc(kmeans->lists * kmeans->stride, sizeof *update.sums);
    update.counts = mem_alloc(kmeans->lists, sizeof *update.counts);
    update.values = mem_alloc(kmeans->stride, sizeof *update.values);
    update.order = mem_alloc(kmeans->lists, sizeof *update.order);
    enum err_code code = ERR_OK;
    if (kmeans->groups == NULL || kmeans->nearest == NULL || kmeans->errors == NULL ||
        update.sums == NULL || update.counts == NULL || update.values == NULL ||
        update.order == NULL)
        code = err_nomem(err, "index");
    else
        code = run_rounds(kmeans, &update, err);
    mem_free(update.sums);
    mem_free(update.counts);
    mem_free(update.values);
    mem_free(update.order);
    return code;
}

void kmeans_release(struct kmeans *kmeans)
{
    mem_free(kmeans->groups);
    mem_free(kmeans->nearest);
    mem_free(kmeans->errors);
    kmeans->groups = NULL;
    kmeans->nearest = NULL;
    kmeans->errors = NULL;
}
