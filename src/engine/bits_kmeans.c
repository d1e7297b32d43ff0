/* bits_kmeans.c: see bits_kmeans.h. Rounds and the moving of small lists are those of kmeans.c. */
#include "engine/bits_kmeans.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/pool.h"
#include "engine/order.h"

#define ROUNDS 6
#define ROUNDS_STILL 2 /* the last ones, which move no lists */
#define MOVED_SHARE 12
#define DRAWS 24

static uint64_t next_random(uint64_t *state)
{
    *state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t mixed = *state;
    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ mixed >> 31;
}

size_t bits_of_row(const uint8_t *row, size_t size, uint16_t *ret_bits)
{
    size_t count = 0;
    for (size_t at = 0; at < size; at++)
        for (unsigned byte = row[at]; byte != 0; byte &= byte - 1)
            ret_bits[count++] = (uint16_t)(8 * at + (size_t)__builtin_ctz(byte));
    return count;
}

void bits_kmeans_assign(const struct bits_kmeans *kmeans, const uint8_t *const *rows, size_t count,
                        uint16_t *bits, uint32_t *ret_lists, float *ret_errors)
{
    uint64_t best[BITS_KMEANS_BATCH];
    size_t counts[BITS_KMEANS_BATCH];
    for (size_t i = 0; i < count; i++) {
        best[i] = UINT64_MAX;
        counts[i] = bits_of_row(rows[i], kmeans->dim / 8, bits + i * kmeans->dim);
    }
    /* A block of lists stays in the cache while all rows of the batch meet it. */
    for (size_t list = 0; list < kmeans->lists; list += BIT_LANES) {
        const struct bit_weights block = {.values =
                                              kmeans->weights + bit_weight_at(kmeans->dim, list, 0),
                                          .norms = kmeans->norms + list,
                                          .dim = kmeans->dim,
                                          .count = BIT_LANES};
        for (size_t i = 0; i < count; i++) {
            float keys[BIT_LANES];
            kmeans->kernel->weigh(&block, bits + i * kmeans->dim, counts[i], BITS_KMEANS_SCALE,
                                  keys);
            const size_t place = kmeans->code_kernel->smallest(keys, BIT_LANES / CODE_GROUP);
            const uint64_t pair = order_pair(keys[place], (uint32_t)(list + place));
            best[i] = pair < best[i] ? pair : best[i];
        }
    }
    for (size_t i = 0; i < count; i++) {
        ret_lists[i] = order_number(best[i]);
        if (ret_errors != NULL)
            ret_errors[i] = order_key(best[i]) + BITS_KMEANS_UNIT * (float)counts[i];
    }
}

static enum err_code assign_batch(void *argument, size_t index, struct err *err)
{
    struct bits_kmeans *kmeans = argument;
    const size_t first = index * BITS_KMEANS_BATCH;
    const size_t left = kmeans->row_count - first;
    uint16_t *bits = mem_alloc(BITS_KMEANS_BATCH * kmeans->dim, sizeof *bits);
    if (bits == NULL)
        return err_nomem(err, "index");
    bits_kmeans_assign(kmeans, kmeans->rows + first,
                       left < BITS_KMEANS_BATCH ? left : BITS_KMEANS_BATCH, bits,
                       kmeans->nearest + first, kmeans->errors + first);
    mem_free(bits);
    return meter_pass(kmeans->meter, 0, 0, err);
}

struct update {
    uint32_t *sums; /* lists x dim: rows that have a bit */
    uint32_t *counts;
    uint16_t *bits;  /* dim */
    uint64_t *order; /* lists */
    uint64_t random;
};

static void set_weight(struct bits_kmeans *kmeans, size_t list, size_t bit, uint32_t weight)
{
    kmeans->weights[bit_weight_at(kmeans->dim, list, bit)] = (uint8_t)weight;
    kmeans->norms[list] += (float)(weight * weight);
}

/* Makes a centroid of one sample. */
static void put_sample(struct bits_kmeans *kmeans, size_t list, size_t sample)
{
    const uint8_t *row = kmeans->rows[sample];
    kmeans->norms[list] = 0.0F;
    for (size_t bit = 0; bit < kmeans->dim; bit++)
        set_weight(kmeans, list, bit, (row[bit / 8] >> bit % 8 & 1) != 0 ? BIT_WEIGHT : 0);
}

static void move_centroids(struct bits_kmeans *kmeans, struct update *update)
{
    memset(update->sums, 0, kmeans->lists * kmeans->dim * sizeof *update->sums);
    memset(update->counts, 0, kmeans->lists * sizeof *update->counts);
    for (size_t i = 0; i < kmeans->row_count; i++) {
        uint32_t *sums = update->sums + kmeans->nearest[i] * kmeans->dim;
        const size_t count = bits_of_row(kmeans->rows[i], kmeans->dim / 8, update->bits);
        for (size_t b = 0; b < count; b++)
            sums[update->bits[b]]++;
        update->counts[kmeans->nearest[i]]++;
    }
    for (size_t list = 0; list < kmeans->lists; list++) {
        const uint32_t count = update->counts[list];
        if (count == 0)
            continue;
        kmeans->norms[list] = 0.0F;
        for (size_t bit = 0; bit < kmeans->dim; bit++)
            set_weight(kmeans, list, bit,
                       (BIT_WEIGHT * update->sums[list * kmeans->dim + bit] + count / 2) / count);
    }
}

/* The smallest lists start again where samples are far from any centroid. */
static void move_smallest(struct bits_kmeans *kmeans, struct update *update)
{
    for (size_t list = 0; list < kmeans->lists; list++)
        update->order[list] = order_pair((float)update->counts[list], (uint32_t)list);
    order_sort(update->order, kmeans->lists);
    for (size_t i = 0; i < kmeans->lists / MOVED_SHARE; i++) {
        size_t worst = 0;
        for (size_t draw = 0; draw < DRAWS; draw++) {
            const size_t sample = next_random(&update->random) % kmeans->row_count;
            if (draw == 0 || kmeans->errors[sample] > kmeans->errors[worst])
                worst = sample;
        }
        kmeans->errors[worst] = 0.0F; /* it has a list now */
        put_sample(kmeans, order_number(update->order[i]), worst);
    }
}

static enum err_code run_rounds(struct bits_kmeans *kmeans, struct update *update, struct err *err)
{
    const size_t batches = (kmeans->row_count + BITS_KMEANS_BATCH - 1) / BITS_KMEANS_BATCH;
    for (size_t list = 0; list < kmeans->lists; list++) {
        const size_t from = list * kmeans->row_count / kmeans->lists;
        const size_t end = (list + 1) * kmeans->row_count / kmeans->lists;
        put_sample(kmeans, list, from + next_random(&update->random) % (end - from));
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

enum err_code bits_kmeans_run(struct bits_kmeans *kmeans, struct err *err)
{
    struct update update = {.random = 1};
    kmeans->weights = mem_aligned(kmeans->lists, kmeans->dim);
    kmeans->norms = mem_alloc(kmeans->lists, sizeof *kmeans->norms);
    kmeans->nearest = mem_alloc(kmeans->row_count, sizeof *kmeans->nearest);
    kmeans->errors = mem_alloc(kmeans->row_count, sizeof *kmeans->errors);
    update.sums = mem_alloc(kmeans->lists * kmeans->dim, sizeof *update.sums);
    update.counts = mem_alloc(kmeans->lists, sizeof *update.counts);
    update.bits = mem_alloc(kmeans->dim, sizeof *update.bits);
    update.order = mem_alloc(kmeans->lists, sizeof *update.order);
    enum err_code code = ERR_OK;
    if (kmeans->weights == NULL || kmeans->norms == NULL || kmeans->nearest == NULL ||
        kmeans->errors == NULL || update.sums == NULL || update.counts == NULL ||
        update.bits == NULL || update.order == NULL)
        code = err_nomem(err, "index");
    else
        code = run_rounds(kmeans, &update, err);
    mem_free(update.sums);
    mem_free(update.counts);
    mem_free(update.bits);
    mem_free(update.order);
    return code;
}

void bits_kmeans_release(struct bits_kmeans *kmeans)
{
    mem_free(kmeans->weights);
    mem_free(kmeans->norms);
    mem_free(kmeans->nearest);
    mem_free(kmeans->errors);
    kmeans->weights = NULL;
    kmeans->norms = NULL;
    kmeans->nearest = NULL;
    kmeans->errors = NULL;
}
