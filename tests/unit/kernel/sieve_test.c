/* sieve_test.c: no pair that could be a hit is lost, and few others pass. */
#include "sample.h"

#include "kernel/scan.h"

#define ROWS 100
#define QUERIES 19 /* groups of 12 and 7, of 6 and 1, of 4 and 3 */

struct setup {
    struct scan scan;
    struct scan_scratch scratch;
    uint8_t *rows;
    uint8_t *rows_block;
    float keys[QUERIES][ROWS];
};

static void set_up(struct setup *setup, const struct kernel *kernel, enum metric_type metric,
                   enum sample_kind kind, size_t dim)
{
    uint64_t seed = dim + (uint64_t)kind;
    uint8_t *queries_block;
    struct err err;
    const uint8_t *queries = sample_floats(kind, QUERIES * dim, 0, &seed, &queries_block);
    setup->rows = sample_floats(kind, ROWS * dim, 8, &seed, &setup->rows_block);
    /* Near twins: the distance is lost in the rounding of the norms. */
    memcpy(setup->rows, queries, 3 * dim * sizeof(float));
    setup->rows[0] ^= 1;
    const struct scan_request request = {kernel, metric, dim, queries, QUERIES};
    assert_int_equal(scan_init(&setup->scan, &request, &err), ERR_OK);
    assert_non_null(setup->scan.sieve);
    assert_int_equal(scan_scratch_init(&setup->scratch, &setup->scan, &err), ERR_OK);
    for (size_t r = 0; r < ROWS; r++) {
        const uint8_t *row = setup->rows + r * dim * sizeof(float);
        for (size_t q = 0; q < QUERIES; q++)
            scan_keys(&setup->scan, q, &row, 1, &setup->keys[q][r]);
    }
    free(queries_block);
}

static void tear_down(struct setup *setup)
{
    scan_scratch_release(&setup->scratch);
    scan_release(&setup->scan);
    free(setup->rows_block);
}

/* Lists and packs up to one block of rows from `from`; returns how many. */
static size_t pack(struct setup *setup, size_t from)
{
    struct sieve_scratch *block = &setup->scratch.sieve;
    const size_t most = setup->scan.sieve->block_rows;
    block->count = ROWS - from < most ? ROWS - from : most;
    for (size_t r = 0; r < block->count; r++) {
        block->rows[r] = setup->rows + (from + r) * setup->scan.row_size;
        block->index[r] = (uint32_t)(from + r);
    }
    sieve_pack(setup->scan.sieve, block);
    return block->count;
}

/* With the limit of each query at the key of row `tight`: that row and all better ones must pass.
 * Returns how many of the others passed too. */
static size_t check_group(struct setup *setup, size_t group, size_t tight, size_t from)
{
    const size_t first = group * setup->scan.kernel->tile_group;
    const size_t width = setup->scan.kernel->tile_rows;
    float limits[KERNEL_TILE_GROUP] = {0};
    struct sieve_passed passed;
    for (size_t q = 0; q < setup->scan.kernel->tile_group && first + q < QUERIES; q++)
        limits[q] = setup->keys[first + q][tight];
    const size_t count =
        sieve_group(setup->scan.sieve, &setup->scratch.sieve, group, limits, &passed);
    size_t others = 0;
    for (size_t q = 0; q < count; q++) {
        for (size_t r = 0; r < setup->scratch.sieve.count; r++) {
            const bool has_passed = passed.masks[r / width][q] >> (r % width) & 1;
            if (setup->keys[first + q][from + r] <= limits[q])
                assert_true(has_passed);
            else
                others += has_passed;
        }
    }
    return others;
}

static size_t check(const struct kernel *kernel, enum metric_type metric, enum sample_kind kind,
                    size_t dim)
{
    struct setup setup;
    size_t others = 0;
    set_up(&setup, kernel, metric, kind, dim);
    for (size_t from = 0, count; from < ROWS; from += count) {
        count = pack(&setup, from);
        for (size_t group = 0; group < setup.scan.sieve->group_count; group++)
            for (size_t tight = 0; tight < ROWS; tight += 3)
                others += check_group(&setup, group, tight, from);
    }
    tear_down(&setup);
    return others;
}

static const enum metric_type metrics[] = {METRIC_L2, METRIC_IP, METRIC_COSINE};

static void test_sieve__loses_no_hit(void **state)
{
    (void)state;
    static const size_t dims[] = {1, 16, 31, 128, 600};
    const struct kernel *kernels[KERNEL_TABLES_MAX];
    const size_t count = kernel_list(kernels);
    for (size_t i = 0; i < count; i++)
        for (size_t m = 0; m < 3; m++)
            for (enum sample_kind kind = 0; kind < SAMPLE_KINDS; kind++)
                for (size_t d = 0; d < sizeof dims / sizeof dims[0]; d++)
                    check(kernels[i], metrics[m], kind, dims[d]);
}

/* Of 100 * 34 * 19 pairs with random limits, hardly any passes that should not. */
static void test_sieve__keeps_others_out(void **state)
{
    (void)state;
    const struct kernel *kernels[KERNEL_TABLES_MAX];
    const size_t count = kernel_list(kernels);
    for (size_t i = 0; i < count; i++) {
        for (size_t m = 0; m < 3; m++)
            assert_true(check(kernels[i], metrics[m], SAMPLE_PLAIN, 128) < 200);
        assert_true(check(kernels[i], METRIC_L2, SAMPLE_SHIFT, 128) < 200);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sieve__loses_no_hit),
                                       cmocka_unit_test(test_sieve__keeps_others_out)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
