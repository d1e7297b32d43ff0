/* bit_test.c: every table gives the bits of the plain one, which gives those of the exact scan;
 * for rows of 8 to 32768 bits, with and without a rest of a word. */
#include "sample.h"

#include "kernel/bit.h"
#include "kernel/scan.h"

#define GROUPS_MAX 5
#define ROWS_MAX (GROUPS_MAX * BIT_GROUP)

static const size_t dims[] = {8,   16,  24,   32,   40,   64,   104,  128,   256,  264,
                              512, 992, 1000, 1024, 1032, 2048, 4096, 16384, 32768};

struct world {
    size_t size; /* of a row */
    uint8_t *rows;
    uint8_t *groups;
    uint8_t *words; /* BIT_TILE queries */
    struct bit_groups view;
    struct bit_query queries[BIT_TILE];
};

static uint32_t count_bits(const uint8_t *bytes, size_t size)
{
    uint32_t bits = 0;
    for (size_t i = 0; i < size; i++)
        bits += (uint32_t)__builtin_popcount(bytes[i]);
    return bits;
}

/* kind 0: any bits; 1: all set or none; 2: few. */
static uint8_t some_byte(unsigned kind, size_t row, uint64_t *seed)
{
    const uint8_t any = (uint8_t)sample_next(seed);
    if (kind == 1)
        return row % 3 == 0 ? 255 : 0;
    return kind == 2 ? any & (uint8_t)sample_next(seed) & (uint8_t)sample_next(seed) & 17 : any;
}

static void make_groups(struct world *world)
{
    const size_t size = bit_group_size(world->view.lines, world->view.has_counts);
    for (size_t i = 0; i < world->view.count * BIT_GROUP; i++) {
        uint8_t *group = world->groups + i / BIT_GROUP * size;
        const uint8_t *row = world->rows + i * world->size;
        for (size_t b = 0; b < world->size; b++)
            group[b / 4 * BIT_LINE + 4 * (i % BIT_GROUP) + b % 4] = row[b];
        const uint32_t bits = count_bits(row, world->size);
        if (world->view.has_counts)
            memcpy(group + world->view.lines * BIT_LINE + 4 * (i % BIT_GROUP), &bits, sizeof bits);
    }
}

static struct world make_world(size_t dim, size_t count, bool has_counts, unsigned kind,
                               uint64_t *seed)
{
    struct world world = {.size = dim / 8};
    const size_t lines = bit_lines(world.size);
    world.rows = malloc(count * BIT_GROUP * world.size + 1);
    world.groups = calloc(count, bit_group_size(lines, has_counts));
    world.words = calloc(BIT_TILE, 4 * lines + 1);
    assert_true(world.rows != NULL && world.groups != NULL && world.words != NULL);
    for (size_t i = 0; i < count * BIT_GROUP * world.size; i++)
        world.rows[i] = some_byte(kind, i / world.size, seed);
    world.view = (struct bit_groups){world.groups, count, lines, has_counts};
    make_groups(&world);
    for (size_t q = 0; q < BIT_TILE; q++) {
        uint8_t *words = world.words + q * (4 * lines + 1); /* at any address */
        for (size_t b = 0; b < world.size; b++)
            words[b] = some_byte(kind, q, seed);
        world.queries[q] = (struct bit_query){.words = words,
                                              .bits = count_bits(words, world.size),
                                              .limit = has_counts ? 0.7F : (float)dim / 2.0F};
    }
    return world;
}

static void release(struct world *world)
{
    free(world->rows);
    free(world->groups);
    free(world->words);
}

/* The exact scan's keys of all rows. */
static void exact_keys(const struct world *world, size_t query, float *ret_keys)
{
    const struct kernel *kernels[KERNEL_TABLES_MAX];
    const uint8_t *rows[ROWS_MAX];
    struct scan scan;
    struct err err;
    (void)kernel_list(kernels);
    const struct scan_request request = {.kernel = kernels[0],
                                         .metric = world->view.has_counts ? METRIC_JACCARD
                                                                          : METRIC_HAMMING,
                                         .dim = world->size * 8,
                                         .queries = world->queries[query].words,
                                         .query_count = 1};
    assert_int_equal(scan_init(&scan, &request, &err), ERR_OK);
    const size_t count = world->view.count * BIT_GROUP;
    for (size_t i = 0; i < count; i++)
        rows[i] = world->rows + i * world->size;
    for (size_t i = 0; i < count; i += KERNEL_BLOCK)
        scan_keys(&scan, 0, rows + i, count - i < KERNEL_BLOCK ? count - i : KERNEL_BLOCK,
                  ret_keys + i);
    scan_release(&scan);
}

static void compare_tables(const struct world *world)
{
    const struct bit_kernel *kernels[BIT_TABLES_MAX];
    const size_t kernel_count = bit_kernel_list(kernels);
    const size_t count = world->view.count * BIT_GROUP;
    float expected[BIT_TILE * ROWS_MAX];
    for (size_t q = 0; q < BIT_TILE; q++)
        exact_keys(world, q, expected + q * count);
    for (size_t k = 0; k < kernel_count; k++)
        for (size_t queries = 1; queries <= BIT_TILE; queries++) {
            float keys[BIT_TILE * ROWS_MAX];
            uint16_t masks[BIT_TILE * GROUPS_MAX];
            kernels[k]->scan(&world->view, world->queries, queries, keys, masks);
            for (size_t i = 0; i < queries * count; i++) {
                if (!sample_is_same(keys[i], expected[i]))
                    fail_msg("%s: key %zu is %g, %g expected", kernels[k]->name, i, (double)keys[i],
                             (double)expected[i]);
                const bool is_within = (masks[i / BIT_GROUP] >> i % BIT_GROUP & 1) != 0;
                assert_int_equal(is_within, keys[i] <= world->queries[i / count].limit);
            }
        }
}

static void test_bit__keys_are_the_exact_ones(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (size_t d = 0; d < sizeof dims / sizeof dims[0]; d++)
        for (size_t count = 1; count <= GROUPS_MAX; count += 2)
            for (unsigned kind = 0; kind < 6; kind++) {
                struct world world = make_world(dims[d], count, kind % 2 == 1, kind / 2, &seed);
                compare_tables(&world);
                release(&world);
            }
}

#define LISTS (3 * BIT_LANES)

static void compare_weights(const struct bit_weights *weights, const uint16_t *bits, size_t count)
{
    const struct bit_kernel *kernels[BIT_TABLES_MAX];
    const size_t kernel_count = bit_kernel_list(kernels);
    float expected[LISTS];
    for (size_t list = 0; list < weights->count; list++) {
        uint32_t sum = 0;
        for (size_t i = 0; i < count; i++)
            sum += weights->values[bit_weight_at(weights->dim, list, bits[i])];
        expected[list] = weights->norms[list] - 3.0F * (float)sum;
    }
    for (size_t k = 0; k < kernel_count; k++) {
        float keys[LISTS];
        kernels[k]->weigh(weights, bits, count, 3.0F, keys);
        assert_memory_equal(keys, expected, weights->count * sizeof keys[0]);
    }
}

static void test_bit__weights_add_up_without_overflow(void **state)
{
    (void)state;
    static const size_t counts[] = {0, 1, 2, 3, 4, 5, 7, 100, 1023, 1024, 1025, 2049, 32768};
    static float norms[LISTS];
    static uint16_t bits[32768];
    const size_t dim = 32768;
    uint8_t *values = malloc(dim * LISTS);
    uint64_t seed = 2;
    assert_non_null(values);
    for (size_t list = 0; list < LISTS; list++)
        norms[list] = sample_float(SAMPLE_PLAIN, &seed);
    for (unsigned kind = 0; kind < 2; kind++) {
        for (size_t i = 0; i < dim * LISTS; i++)
            values[i] = (uint8_t)(kind == 0 ? sample_next(&seed) % (BIT_WEIGHT + 1) : BIT_WEIGHT);
        for (size_t i = 0; i < dim; i++)
            bits[i] = (uint16_t)(sample_next(&seed) % dim);
        for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++)
            for (size_t lists = BIT_LANES; lists <= LISTS; lists += BIT_LANES) {
                const struct bit_weights weights = {values, norms, dim, lists};
                compare_weights(&weights, bits, counts[c]);
            }
    }
    free(values);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bit__keys_are_the_exact_ones),
        cmocka_unit_test(test_bit__weights_add_up_without_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
