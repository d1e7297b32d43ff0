/* code_test.c: every table gives the bits of the plain one, for all dimensions and edges. */
#include "sample.h"

#include "kernel/code.h"

#define GROUPS_MAX 9

struct world {
    uint8_t *groups;
    int8_t *queries; /* CODE_TILE of them, `width` bytes each */
    size_t width;
    struct code_groups view;
};

/* kind 0: any codes; 1: all extremes, which is where 16-bit sums would saturate. */
static struct world make_world(size_t lines, size_t count, size_t width, unsigned kind,
                               uint64_t *seed)
{
    struct world world = {.width = width};
    const size_t size = code_group_size(lines);
    const bool is_wide = width / lines == CODE7_DIMS;
    world.groups = malloc(count * size + 1);
    world.queries = malloc(CODE_TILE * width + 1);
    assert_true(world.groups != NULL && world.queries != NULL);
    for (size_t i = 0; i < count * size; i++) {
        const uint8_t any = (uint8_t)sample_next(seed);
        world.groups[i] = is_wide ? any & 127 : any;
        if (kind == 1)
            world.groups[i] = is_wide ? 127 : 255;
    }
    for (size_t i = 0; i < CODE_TILE * width; i++) {
        const int value = (int)(sample_next(seed) % 255) - 127;
        world.queries[i] = (int8_t)(kind == 1 ? (i / width % 2 == 0 ? 127 : -127) : value);
    }
    for (size_t g = 0; g < count; g++)
        for (size_t r = 0; r < CODE_GROUP; r++) {
            const float norm =
                sample_next(seed) % 7 == 0 ? NAN : sample_float(SAMPLE_PLAIN, seed) * 1000.0F;
            memcpy(world.groups + g * size + lines * CODE_LINE + r * sizeof norm, &norm,
                   sizeof norm);
        }
    world.view = (struct code_groups){world.groups, count, lines};
    return world;
}

static void expect_same(const float *found, const float *expected, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (!sample_is_same(found[i], expected[i]))
            fail_msg("%s: key %zu is %g, %g expected", name, i, (double)found[i],
                     (double)expected[i]);
}

static void compare_scan(const struct world *world, float scale, float limit)
{
    const struct code_kernel *kernels[CODE_TABLES_MAX];
    const size_t kernel_count = code_kernel_list(kernels);
    const size_t count = world->view.count;
    float expected[GROUPS_MAX * CODE_GROUP];
    uint16_t expected_masks[GROUPS_MAX];
    kernels[0]->scan4(&world->view, world->queries, scale, limit, expected, expected_masks);
    for (size_t k = 1; k < kernel_count; k++) {
        float keys[GROUPS_MAX * CODE_GROUP];
        uint16_t masks[GROUPS_MAX];
        kernels[k]->scan4(&world->view, world->queries, scale, limit, keys, masks);
        expect_same(keys, expected, count * CODE_GROUP, kernels[k]->name);
        assert_memory_equal(masks, expected_masks, count * sizeof masks[0]);
    }
}

static void compare_tile(const struct world *world, size_t query_count, float scale)
{
    const struct code_kernel *kernels[CODE_TABLES_MAX];
    const size_t kernel_count = code_kernel_list(kernels);
    const size_t count = query_count * world->view.count * CODE_GROUP;
    const int8_t *queries[CODE_TILE];
    for (size_t q = 0; q < CODE_TILE; q++)
        queries[q] = world->queries + q * world->width;
    float expected[CODE_TILE * GROUPS_MAX * CODE_GROUP];
    kernels[0]->tile7(&world->view, queries, query_count, scale, expected);
    const size_t best = kernels[0]->smallest(expected, world->view.count);
    for (size_t k = 1; k < kernel_count; k++) {
        float keys[CODE_TILE * GROUPS_MAX * CODE_GROUP];
        kernels[k]->tile7(&world->view, queries, query_count, scale, keys);
        expect_same(keys, expected, count, kernels[k]->name);
        assert_int_equal(kernels[k]->smallest(keys, world->view.count), best);
    }
}

static const size_t dims[] = {1, 3, 4, 5, 7, 8, 9, 15, 16, 31, 100, 127, 128, 384, 1000, 4096};

static void test_code__scan_is_the_same_everywhere(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (size_t d = 0; d < sizeof dims / sizeof dims[0]; d++)
        for (size_t count = 1; count <= GROUPS_MAX; count += 4)
            for (unsigned kind = 0; kind < 2; kind++) {
                const size_t lines = code4_lines(dims[d]);
                struct world world = make_world(lines, count, lines * CODE4_DIMS, kind, &seed);
                compare_scan(&world, 0.01F, 10.0F);
                compare_scan(&world, 0.0F, 10.0F);
                compare_scan(&world, 1e30F, INFINITY);
                free(world.groups);
                free(world.queries);
            }
}

static void test_code__tile_is_the_same_everywhere(void **state)
{
    (void)state;
    uint64_t seed = 2;
    for (size_t d = 0; d < sizeof dims / sizeof dims[0]; d++)
        for (size_t count = 1; count <= GROUPS_MAX; count += 4)
            for (unsigned kind = 0; kind < 2; kind++) {
                const size_t lines = code7_lines(dims[d]);
                struct world world = make_world(lines, count, lines * CODE7_DIMS, kind, &seed);
                for (size_t queries = 1; queries <= CODE_TILE; queries++)
                    compare_tile(&world, queries, 0.001F);
                free(world.groups);
                free(world.queries);
            }
}

#define ROWS 37

/* Rows of `width` bytes, their norms in their own padding or apart; what lies between is noise. */
static void compare_rows(size_t width, bool is_apart, unsigned kind, uint64_t *seed)
{
    const struct code_kernel *kernels[CODE_TABLES_MAX];
    const size_t kernel_count = code_kernel_list(kernels);
    const size_t lines = code_row_lines(width);
    const size_t stride = is_apart ? lines * CODE_LINE : (width + 4 + 63) / 64 * 64;
    uint8_t *codes = malloc(ROWS * stride + CODE_LINE);
    int8_t *query = malloc(2 * lines * CODE_LINE);
    float norms[ROWS];
    assert_true(codes != NULL && query != NULL);
    for (size_t i = 0; i < ROWS * stride; i++)
        codes[i] = kind == 1 ? 255 : (uint8_t)sample_next(seed);
    for (size_t i = 0; i < 2 * lines * CODE_LINE; i++)
        query[i] = (int8_t)(i % (lines * CODE_LINE) >= width ? 0
                            : kind == 1                      ? -127
                                        : (int)(sample_next(seed) % 255) - 127);
    for (size_t i = 0; i < ROWS; i++) {
        norms[i] = sample_float(SAMPLE_PLAIN, seed) * 1000.0F;
        if (!is_apart)
            memcpy(codes + i * stride + width, &norms[i], sizeof norms[i]);
    }
    const struct code_rows rows = {codes, stride, width,
                                   is_apart ? (const uint8_t *)norms : codes + width,
                                   is_apart ? sizeof norms[0] : stride};
    uint32_t ids[ROWS];
    for (size_t i = 0; i < ROWS; i++)
        ids[i] = (uint32_t)(sample_next(seed) % ROWS);
    for (size_t bits = 4; bits <= 7; bits += 3) {
        for (size_t i = 0; bits == 7 && i < ROWS; i++)
            for (size_t j = 0; j < width; j++)
                codes[i * stride + j] &= 127;
        for (size_t count = 0; count <= ROWS; count += count < 9 ? 1 : 7) {
            float expected[ROWS + 3];
            float keys[ROWS + 3];
            (bits == 4 ? kernels[0]->rows4 : kernels[0]->rows7)(&rows, ids, count, query, 0.01F,
                                                                expected);
            for (size_t k = 1; k < kernel_count; k++) {
                (bits == 4 ? kernels[k]->rows4 : kernels[k]->rows7)(&rows, ids, count, query, 0.01F,
                                                                    keys);
                expect_same(keys, expected, count, kernels[k]->name);
            }
        }
    }
    free(codes);
    free(query);
}

static void test_code__rows_are_the_same_everywhere(void **state)
{
    (void)state;
    uint64_t seed = 3;
    for (size_t d = 0; d < sizeof dims / sizeof dims[0]; d++)
        for (unsigned kind = 0; kind < 2; kind++) {
            compare_rows(dims[d], false, kind, &seed);
            compare_rows(dims[d], true, kind, &seed);
        }
}

static void test_code__rows_by_hand(void **state)
{
    (void)state;
    const struct code_kernel *kernels[CODE_TABLES_MAX];
    const size_t kernel_count = code_kernel_list(kernels);
    uint8_t codes[4 * 16 + CODE_LINE] = {0};
    const float norms[4] = {100.0F, 200.0F, 300.0F, 400.0F};
    codes[2 * 16 + 1] = 0x25; /* row 2: dimension 1 is 5, dimension 3 + 1 is 2 */
    int8_t query[2 * CODE_LINE] = {0, 10};
    query[CODE_LINE + 1] = -3;
    const struct code_rows rows = {codes, 16, 3, (const uint8_t *)norms, 4};
    const uint32_t ids[5] = {2, 0, 2, 3, 2};
    for (size_t k = 0; k < kernel_count; k++) {
        float keys[8];
        kernels[k]->rows4(&rows, ids, 5, query, 2.0F, keys);
        assert_true(keys[0] == 300.0F - 2.0F * 44.0F && keys[1] == 100.0F && keys[3] == 400.0F);
        assert_true(keys[2] == keys[0] && keys[4] == keys[0]);
        kernels[k]->rows7(&rows, ids, 5, query, 2.0F, keys);
        assert_true(keys[4] == 300.0F - 2.0F * 370.0F && keys[1] == 100.0F);
    }
}

static void test_code__scalar_by_hand(void **state)
{
    (void)state;
    const struct code_kernel *kernels[CODE_TABLES_MAX];
    const size_t kernel_count = code_kernel_list(kernels);
    uint8_t group[2 * CODE_LINE] = {0};
    group[4 * 3 + 1] = 0x25; /* row 3: dimension 1 is 5, dimension 5 is 2 */
    const float norm = 100.0F;
    memcpy(group + CODE_LINE + 3 * sizeof norm, &norm, sizeof norm);
    const int8_t query[8] = {0, 10, 0, 0, 0, -3, 0, 0};
    const struct code_groups groups = {group, 1, 1};
    for (size_t k = 0; k < kernel_count; k++) {
        float keys[CODE_GROUP];
        uint16_t mask = 0;
        kernels[k]->scan4(&groups, query, 2.0F, 0.0F, keys, &mask);
        assert_true(keys[3] == 100.0F - 2.0F * 44.0F && keys[0] == 0.0F);
        assert_int_equal(mask, 0xFFF7);
    }
}

static void test_code__smallest_of_equal_and_none(void **state)
{
    (void)state;
    const struct code_kernel *kernels[CODE_TABLES_MAX];
    const size_t kernel_count = code_kernel_list(kernels);
    float keys[3 * CODE_GROUP];
    for (size_t k = 0; k < kernel_count; k++) {
        for (size_t i = 0; i < 3 * CODE_GROUP; i++)
            keys[i] = NAN;
        assert_int_equal(kernels[k]->smallest(keys, 3), 0);
        keys[47] = -1.0F;
        assert_int_equal(kernels[k]->smallest(keys, 3), 47);
        keys[20] = keys[19] = -1.0F;
        assert_int_equal(kernels[k]->smallest(keys, 3), 19);
        keys[33] = -INFINITY;
        assert_int_equal(kernels[k]->smallest(keys, 3), 33);
    }
}

/* Rows at both ends of the bitmap, past it, and none at all. */
static void test_code__rows_that_pass(void **state)
{
    (void)state;
    static const uint32_t counts[] = {1, 31, 32, 33, 64, 1000, 4096};
    const struct code_kernel *kernels[CODE_TABLES_MAX];
    const size_t kernel_count = code_kernel_list(kernels);
    uint64_t seed = 7;
    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
        uint32_t rows[GROUPS_MAX * CODE_GROUP];
        uint64_t *allow = malloc((counts[c] + 63) / 64 * sizeof *allow);
        assert_non_null(allow);
        for (size_t i = 0; i < (counts[c] + 63) / 64; i++)
            allow[i] = (uint64_t)sample_next(&seed) << 32 | sample_next(&seed);
        for (size_t i = 0; i < GROUPS_MAX * CODE_GROUP; i++)
            rows[i] = i % 17 == 0 ? UINT32_MAX - (uint32_t)(i % 2)
                                  : (uint32_t)(sample_next(&seed) % (counts[c] + 3));
        for (size_t k = 0; k < kernel_count; k++) {
            uint16_t masks[GROUPS_MAX];
            kernels[k]->passing(rows, GROUPS_MAX, allow, counts[c], masks);
            for (size_t i = 0; i < GROUPS_MAX * CODE_GROUP; i++) {
                const bool expected =
                    rows[i] < counts[c] && (allow[rows[i] / 64] >> (rows[i] % 64) & 1) != 0;
                assert_int_equal(masks[i / CODE_GROUP] >> (i % CODE_GROUP) & 1, expected);
            }
        }
        free(allow);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_code__scan_is_the_same_everywhere),
                                       cmocka_unit_test(test_code__tile_is_the_same_everywhere),
                                       cmocka_unit_test(test_code__rows_are_the_same_everywhere),
                                       cmocka_unit_test(test_code__rows_by_hand),
                                       cmocka_unit_test(test_code__scalar_by_hand),
                                       cmocka_unit_test(test_code__smallest_of_equal_and_none),
                                       cmocka_unit_test(test_code__rows_that_pass)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
