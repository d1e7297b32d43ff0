/* kernel_test.c: every table gives the bits of the scalar one, and that one the right numbers. */
#include "sample.h"

#include "kernel/kernel.h"

#define ROWS 7 /* one full group of four and a rest */

struct scores {
    float distance[ROWS];
    float product[ROWS];
    float product_again[ROWS];
    float norm[ROWS];
};

static float *padded_query(enum sample_kind kind, size_t dim, uint64_t *seed)
{
    const size_t padded = (dim + KERNEL_LANES - 1) / KERNEL_LANES * KERNEL_LANES;
    float *query = aligned_alloc(64, padded * sizeof(float));
    assert_non_null(query);
    for (size_t k = 0; k < padded; k++)
        query[k] = k < dim ? sample_float(kind, seed) : 0.0F;
    return query;
}

static void score(const struct kernel *kernel, const float *query, size_t dim, const uint8_t *rows,
                  struct scores *ret_scores)
{
    const uint8_t *pointers[ROWS];
    for (size_t r = 0; r < ROWS; r++)
        pointers[r] = rows + r * dim * sizeof(float);
    kernel->squared_distance(query, dim, pointers, ROWS, ret_scores->distance);
    kernel->inner_product(query, dim, pointers, ROWS, ret_scores->product);
    kernel->product_norm(query, dim, pointers, ROWS, ret_scores->product_again, ret_scores->norm);
}

static void assert_same_scores(const struct scores *a, const struct scores *b)
{
    for (size_t r = 0; r < ROWS; r++) {
        assert_true(sample_is_same(a->distance[r], b->distance[r]));
        assert_true(sample_is_same(a->product[r], b->product[r]));
        assert_true(sample_is_same(a->product_again[r], b->product[r]));
        assert_true(sample_is_same(a->norm[r], b->norm[r]));
    }
}

static void compare_scores(enum sample_kind kind, size_t dim, size_t offset)
{
    uint64_t seed = dim * 100 + offset;
    uint8_t *block;
    const uint8_t *rows = sample_floats(kind, ROWS * dim, offset, &seed, &block);
    float *query = padded_query(kind, dim, &seed);
    const struct kernel *kernels[KERNEL_TABLES_MAX];
    const size_t count = kernel_list(kernels);
    struct scores expected;
    score(kernels[0], query, dim, rows, &expected);
    for (size_t i = 1; i < count; i++) {
        struct scores found;
        score(kernels[i], query, dim, rows, &found);
        assert_same_scores(&found, &expected);
    }
    free(query);
    free(block);
}

static void test_kernel__scores_equal_scalar(void **state)
{
    (void)state;
    static const size_t large[] = {255, 256, 257, 768, 1024, 4096, 32768};
    for (enum sample_kind kind = 0; kind < SAMPLE_KINDS; kind++) {
        for (size_t dim = 1; dim <= 130; dim++)
            compare_scores(kind, dim, dim % 16);
        for (size_t i = 0; i < sizeof large / sizeof large[0]; i++)
            compare_scores(kind, large[i], 8);
    }
}

static void test_kernel__scores_at_every_alignment(void **state)
{
    (void)state;
    for (size_t offset = 0; offset < 16; offset++)
        for (size_t dim = 1; dim <= 48; dim += 1)
            compare_scores(SAMPLE_PLAIN, dim, offset);
}

/* The definition of README.md, with the C library's fused multiply-add. */
static float defined_score(const float *query, const uint8_t *row, size_t dim, bool is_distance)
{
    float lanes[KERNEL_LANES] = {0};
    for (size_t k = 0; k < (dim + 15) / 16 * 16; k++) {
        float value = 0.0F;
        if (k < dim)
            memcpy(&value, row + k * sizeof value, sizeof value);
        const float difference = query[k] - value;
        lanes[k % 16] = is_distance ? fmaf(difference, difference, lanes[k % 16])
                                    : fmaf(query[k], value, lanes[k % 16]);
    }
    for (size_t width = 8; width > 0; width /= 2)
        for (size_t j = 0; j < width; j++)
            lanes[j] += lanes[j + width];
    return lanes[0];
}

static void test_kernel__scalar_is_the_definition(void **state)
{
    (void)state;
    const struct kernel *kernels[KERNEL_TABLES_MAX];
    kernel_list(kernels);
    uint64_t seed = 5;
    for (size_t round = 0; round < 6000; round++) {
        const enum sample_kind kind = (enum sample_kind)(round % SAMPLE_KINDS);
        const size_t dim = 1 + round % 70;
        uint8_t *block;
        const uint8_t *rows = sample_floats(kind, ROWS * dim, 0, &seed, &block);
        float *query = padded_query(kind, dim, &seed);
        struct scores found;
        score(kernels[0], query, dim, rows, &found);
        for (size_t r = 0; r < ROWS; r++) {
            const uint8_t *row = rows + r * dim * sizeof(float);
            assert_true(sample_is_same(found.distance[r], defined_score(query, row, dim, true)));
            assert_true(sample_is_same(found.product[r], defined_score(query, row, dim, false)));
        }
        free(query);
        free(block);
    }
}

/* Two roundings differ from one where the sum in double falls on the middle between two singles,
 * and only the bits it lost say on which side the exact value is: a * b is half a last place of c,
 * but for less than what double can add. */
static void test_kernel__one_rounding_at_midpoints(void **state)
{
    (void)state;
    const struct kernel *kernels[KERNEL_TABLES_MAX];
    const size_t count = kernel_list(kernels);
    uint64_t seed = 11;
    size_t double_roundings = 0;
    for (size_t round = 0; round < 20000; round++) {
        float row[17] = {1.0F};
        _Alignas(64) float query[32] = {0.0F};
        const float a = 1.0F + (float)(sample_next(&seed) >> 9) * 0x1p-23F;
        query[0] = 1.0F + (float)(sample_next(&seed) >> 9) * 0x1p-23F;
        query[16] = round % 2 == 0 ? a : -a;
        row[0] = round % 4 < 2 ? 1.0F : -1.0F;
        row[16] = 0x1p-24F / a;
        const float expected = fmaf(query[16], row[16], query[0] * row[0]);
        const double twice = (double)query[16] * (double)row[16] + (double)(query[0] * row[0]);
        double_roundings += (float)twice != expected;
        const uint8_t *pointer = (const uint8_t *)row;
        for (size_t i = 0; i < count; i++) {
            float found;
            kernels[i]->inner_product(query, 17, &pointer, 1, &found);
            assert_true(sample_is_same(found, expected));
        }
    }
    assert_true(double_roundings > 100);
}

static void test_kernel__scores_are_near_double(void **state)
{
    (void)state;
    const struct kernel *kernels[KERNEL_TABLES_MAX];
    const struct kernel *best = kernels[kernel_list(kernels) - 1];
    for (size_t dim = 1; dim < 2000; dim += 37) {
        uint64_t seed = dim;
        uint8_t *block;
        const uint8_t *rows = sample_floats(SAMPLE_PLAIN, ROWS * dim, 8, &seed, &block);
        float *query = padded_query(SAMPLE_PLAIN, dim, &seed);
        struct scores found;
        score(best, query, dim, rows, &found);
        double distance = 0.0;
        double product = 0.0;
        double norm = 0.0;
        for (size_t k = 0; k < dim; k++) {
            float value;
            memcpy(&value, rows + (3 * dim + k) * sizeof value, sizeof value);
            const double difference = (double)query[k] - (double)value;
            distance += difference * difference;
            product += (double)query[k] * (double)value;
            norm += (double)value * (double)value;
        }
        const double tolerance = 1e-5 * (double)dim;
        assert_true(fabs((double)found.distance[3] - distance) <= tolerance);
        assert_true(fabs((double)found.product[3] - product) <= tolerance);
        assert_true(fabs((double)found.norm[3] - norm) <= tolerance);
        free(query);
        free(block);
    }
}

struct bits {
    uint32_t differ[ROWS];
    uint32_t both[ROWS];
    uint32_t alone[ROWS];
};

static void count_bits(const struct kernel *kernel, const uint8_t *query, size_t size,
                       const uint8_t *rows, struct bits *ret_bits)
{
    const uint8_t *pointers[ROWS];
    for (size_t r = 0; r < ROWS; r++)
        pointers[r] = rows + r * size;
    kernel->xor_bits(query, size, pointers, ROWS, ret_bits->differ);
    kernel->and_bits(query, size, pointers, ROWS, ret_bits->both, ret_bits->alone);
}

static void count_bits_plainly(const uint8_t *query, size_t size, const uint8_t *rows,
                               struct bits *ret_bits)
{
    memset(ret_bits, 0, sizeof *ret_bits);
    for (size_t r = 0; r < ROWS; r++) {
        for (size_t i = 0; i < 8 * size; i++) {
            const unsigned query_bit = query[i / 8] >> (i % 8) & 1U;
            const unsigned row_bit = rows[r * size + i / 8] >> (i % 8) & 1U;
            ret_bits->differ[r] += query_bit ^ row_bit;
            ret_bits->both[r] += query_bit & row_bit;
            ret_bits->alone[r] += row_bit;
        }
    }
}

static void compare_bits(size_t size)
{
    uint64_t seed = size;
    uint8_t *query = sample_bytes(size, &seed);
    uint8_t *rows = sample_bytes(ROWS * size, &seed);
    memset(rows, 0xff, size);
    const struct kernel *kernels[KERNEL_TABLES_MAX];
    const size_t count = kernel_list(kernels);
    struct bits expected;
    count_bits_plainly(query, size, rows, &expected);
    for (size_t i = 0; i < count; i++) {
        struct bits found;
        count_bits(kernels[i], query, size, rows, &found);
        assert_memory_equal(&found, &expected, sizeof found);
    }
    free(query);
    free(rows);
}

static void test_kernel__bits_of_every_row_size(void **state)
{
    (void)state;
    for (size_t size = 1; size <= 130; size++)
        compare_bits(size);
    compare_bits(255);
    compare_bits(256);
    compare_bits(4096);
}

static void test_kernel__within_takes_equal_but_no_nan(void **state)
{
    (void)state;
    const struct kernel *kernels[KERNEL_TABLES_MAX];
    const size_t count = kernel_list(kernels);
    uint64_t seed = 3;
    for (size_t round = 0; round < 200; round++) {
        float keys[KERNEL_BLOCK];
        for (size_t i = 0; i < KERNEL_BLOCK; i++)
            keys[i] = sample_float(SAMPLE_EDGE, &seed);
        const float limit = keys[round % KERNEL_BLOCK];
        uint64_t expected = 0;
        for (size_t i = 0; i < KERNEL_BLOCK; i++)
            expected |= (uint64_t)(keys[i] <= limit) << i;
        for (size_t i = 0; i < count; i++)
            assert_true(kernels[i]->within(keys, limit) == expected);
    }
}

static void test_kernel__match_ids(void **state)
{
    (void)state;
    const struct kernel *kernels[KERNEL_TABLES_MAX];
    const size_t count = kernel_list(kernels);
    uint8_t column[KERNEL_BLOCK * sizeof(int64_t) + 1];
    for (size_t i = 0; i < KERNEL_BLOCK; i++) {
        const int64_t id = (int64_t)i * 3 - 60;
        memcpy(column + 1 + i * sizeof id, &id, sizeof id);
    }
    const int64_t wanted[] = {-60, 0, 0, 129, 5, INT64_MIN};
    for (size_t rows = 0; rows <= KERNEL_BLOCK; rows++) {
        uint64_t expected = 0;
        if (rows > 0)
            expected |= 1;
        if (rows > 20)
            expected |= UINT64_C(1) << 20;
        if (rows > 63)
            expected |= UINT64_C(1) << 63;
        for (size_t i = 0; i < count; i++)
            assert_true(kernels[i]->match_ids(column + 1, rows, wanted, 6) == expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_kernel__scores_equal_scalar),
                                       cmocka_unit_test(test_kernel__scores_at_every_alignment),
                                       cmocka_unit_test(test_kernel__scalar_is_the_definition),
                                       cmocka_unit_test(test_kernel__one_rounding_at_midpoints),
                                       cmocka_unit_test(test_kernel__scores_are_near_double),
                                       cmocka_unit_test(test_kernel__bits_of_every_row_size),
                                       cmocka_unit_test(test_kernel__within_takes_equal_but_no_nan),
                                       cmocka_unit_test(test_kernel__match_ids)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
