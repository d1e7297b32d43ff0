/* scan_test.c: the whole search against a plain one: score every row, sort, take k. */
#include "sample.h"

#include <errno.h>

#include "base/bitmap.h"
#include "base/fault.h"
#include "kernel/scan.h"

struct scan_case {
    enum metric_type metric;
    enum sample_kind kind;
    size_t dim;
    size_t rows;
    size_t queries;
    size_t k;
    size_t block;       /* rows given at a time */
    unsigned dead_in_8; /* of 8 rows, about so many are dead */
    bool has_allow;
    bool is_distinct;
};

struct data {
    uint8_t *rows_block;
    uint8_t *rows;
    uint8_t *queries;
    uint8_t *ids; /* unaligned */
    uint64_t *dead;
    uint64_t *allow;
};

#define FIRST_BIT 37 /* rows begin in the middle of a word */
#define FIRST_ORDINAL 1000000

static int64_t id_of(const struct scan_case *c, size_t row)
{
    return c->is_distinct ? (int64_t)(row % 50) : (int64_t)row * -3;
}

static struct data make_data(const struct scan_case *c)
{
    uint64_t seed = c->dim * 31 + c->rows + (uint64_t)c->kind + (uint64_t)c->metric;
    struct data data;
    const size_t row_size = metric_row_size(c->metric, c->dim);
    if (metric_is_binary(c->metric)) {
        data.rows_block = data.rows = sample_bytes(c->rows * row_size, &seed);
        data.queries = sample_bytes(c->queries * row_size, &seed);
        memset(data.queries, 0, row_size);
        memset(data.rows + row_size, 0, row_size);
        for (size_t i = 0; i < row_size; i++) /* rows that cover, and that are covered */
            data.rows[5 * row_size + i] |= data.queries[(c->queries - 1) * row_size + i];
        for (size_t i = 0; i < row_size; i++)
            data.rows[6 * row_size + i] &= data.queries[(c->queries - 1) * row_size + i];
    } else {
        data.rows = sample_floats(c->kind, c->rows * c->dim, 8, &seed, &data.rows_block);
        uint8_t *block;
        data.queries = sample_floats(c->kind, c->queries * c->dim, 0, &seed, &block);
        memset(data.rows + row_size, 0, row_size);
        memcpy(data.rows + 5 * row_size, data.queries, row_size);
        memcpy(data.rows + 6 * row_size, data.queries, row_size);
    }
    data.ids = malloc(c->rows * 8 + 1);
    data.dead = calloc(bitmap_words(FIRST_BIT + c->rows), sizeof(uint64_t));
    data.allow = calloc(bitmap_words(FIRST_BIT + c->rows), sizeof(uint64_t));
    assert_true(data.ids != NULL && data.dead != NULL && data.allow != NULL);
    for (size_t r = 0; r < c->rows; r++) {
        const int64_t id = id_of(c, r);
        memcpy(data.ids + 1 + r * 8, &id, 8);
        if (sample_next(&seed) % 8 < c->dead_in_8)
            bitmap_set(data.dead, FIRST_BIT + r);
        if (r / 100 % 2 == 0)
            bitmap_set(data.allow, FIRST_BIT + r);
    }
    return data;
}

static void free_data(struct data *data)
{
    free(data->rows_block);
    free(data->queries);
    free(data->ids);
    free(data->dead);
    free(data->allow);
}

static int compare(const void *a, const void *b)
{
    const struct topk_hit *left = a;
    const struct topk_hit *right = b;
    if (left->key != right->key)
        return left->key < right->key ? -1 : 1;
    return left->ordinal < right->ordinal ? -1 : left->ordinal > right->ordinal;
}

/* Scores each live row alone with the scalar table and sorts. */
static size_t search_plainly(const struct scan_case *c, const struct data *data, size_t query,
                             struct topk_hit *ret_hits)
{
    const struct kernel *kernels[KERNEL_TABLES_MAX];
    kernel_list(kernels);
    const size_t size = metric_row_size(c->metric, c->dim);
    const struct scan_request request = {kernels[0], c->metric, c->dim,
                                         data->queries + query * size, 1};
    struct scan scan;
    struct err err;
    assert_int_equal(scan_init(&scan, &request, &err), ERR_OK);
    size_t count = 0;
    for (size_t r = 0; r < c->rows; r++) {
        const uint8_t *row = data->rows + r * size;
        float key;
        if (bitmap_get(data->dead, FIRST_BIT + r) ||
            (c->has_allow && !bitmap_get(data->allow, FIRST_BIT + r)))
            continue;
        scan_keys(&scan, 0, &row, 1, &key);
        if (!isnan(key))
            ret_hits[count++] = (struct topk_hit){key, id_of(c, r), FIRST_ORDINAL + r};
    }
    scan_release(&scan);
    qsort(ret_hits, count, sizeof ret_hits[0], compare);
    size_t best = 0;
    for (size_t i = 0; i < count && best < c->k; i++) {
        bool is_repeated = false;
        for (size_t j = 0; j < best && c->is_distinct; j++)
            is_repeated = is_repeated || ret_hits[j].id == ret_hits[i].id;
        if (!is_repeated)
            ret_hits[best++] = ret_hits[i];
    }
    return best;
}

/* Two topks for each query take turns with the blocks and are merged, as two threads would do. */
static void search(const struct scan_case *c, const struct data *data, const struct kernel *kernel,
                   struct topk *ret_topks)
{
    const size_t size = metric_row_size(c->metric, c->dim);
    const struct scan_request request = {kernel, c->metric, c->dim, data->queries, c->queries};
    struct scan scan;
    struct scan_scratch scratch;
    struct err err;
    assert_int_equal(scan_init(&scan, &request, &err), ERR_OK);
    assert_int_equal(scan_scratch_init(&scratch, &scan, &err), ERR_OK);
    for (size_t q = 0; q < 2 * c->queries; q++)
        assert_int_equal(topk_init(&ret_topks[q], c->k, c->is_distinct, &err), ERR_OK);
    for (size_t from = 0, turn = 0; from < c->rows; from += c->block, turn++) {
        const struct scan_rows rows = {.rows = data->rows + from * size,
                                       .row_count =
                                           c->rows - from < c->block ? c->rows - from : c->block,
                                       .ids = data->ids + 1 + from * 8,
                                       .first_ordinal = FIRST_ORDINAL + from,
                                       .dead = data->dead,
                                       .allow = c->has_allow ? data->allow : NULL,
                                       .first_bit = FIRST_BIT + from};
        scan_block(&scan, &rows, &scratch, ret_topks + turn % 2 * c->queries);
    }
    for (size_t q = 0; q < c->queries; q++) {
        topk_merge(&ret_topks[q], &ret_topks[c->queries + q]);
        topk_release(&ret_topks[c->queries + q]);
    }
    scan_scratch_release(&scratch);
    scan_release(&scan);
}

static void check(struct scan_case c)
{
    struct data data = make_data(&c);
    struct topk_hit *expected = calloc(c.rows + 1, sizeof *expected);
    struct topk *topks = calloc(2 * c.queries, sizeof *topks);
    assert_true(expected != NULL && topks != NULL);
    const struct kernel *kernels[KERNEL_TABLES_MAX];
    const size_t kernel_count = kernel_list(kernels);
    for (size_t i = 0; i < kernel_count; i++) {
        search(&c, &data, kernels[i], topks);
        for (size_t q = 0; q < c.queries; q++) {
            const size_t count = search_plainly(&c, &data, q, expected);
            assert_int_equal(topk_finish(&topks[q]), count);
            for (size_t h = 0; h < count; h++) {
                assert_memory_equal(&topks[q].hits[h].key, &expected[h].key, sizeof(float));
                assert_true(topks[q].hits[h].ordinal == expected[h].ordinal);
                assert_true(topks[q].hits[h].id == expected[h].id);
            }
            topk_release(&topks[q]);
        }
    }
    free(expected);
    free(topks);
    free_data(&data);
}

static const enum metric_type float_metrics[] = {METRIC_L2, METRIC_IP, METRIC_COSINE};
static const enum metric_type binary_metrics[] = {METRIC_HAMMING, METRIC_JACCARD, METRIC_TANIMOTO,
                                                  METRIC_SUBSTRUCTURE, METRIC_SUPERSTRUCTURE};

static void test_scan__single_queries(void **state)
{
    (void)state;
    for (size_t m = 0; m < 3; m++)
        for (enum sample_kind kind = 0; kind < SAMPLE_KINDS; kind++)
            check(
                (struct scan_case){float_metrics[m], kind, 19, 1000, 2, 10, 300, 1, false, false});
}

/* From kernel->filter_min queries on the filter decides: for hostile numbers too. */
static void test_scan__batches_equal_single_queries(void **state)
{
    (void)state;
    static const size_t queries[] = {4, 12, 15, 26};
    static const size_t ks[] = {1, 3, 40, 300};
    for (size_t m = 0; m < 3; m++)
        for (enum sample_kind kind = 0; kind < SAMPLE_KINDS; kind++)
            for (size_t i = 0; i < 4; i++)
                check((struct scan_case){float_metrics[m], kind, 24 + i, 1500, queries[i], ks[i],
                                         700, 0, false, false});
}

static void test_scan__batches_of_many_dimensions(void **state)
{
    (void)state;
    static const size_t dims[] = {1, 2, 7, 8, 9, 15, 16, 17, 128, 255, 256, 257, 600, 1500};
    for (size_t m = 0; m < 3; m++)
        for (size_t i = 0; i < sizeof dims / sizeof dims[0]; i++)
            check((struct scan_case){float_metrics[m], SAMPLE_PLAIN, dims[i], 400, 14, 2, 400, 2,
                                     false, false});
    check((struct scan_case){METRIC_L2, SAMPLE_PLAIN, 32768, 70, 12, 2, 70, 0, false, false});
}

static void test_scan__bitmaps_blocks_and_duplicates(void **state)
{
    (void)state;
    for (size_t m = 0; m < 3; m++)
        for (size_t block = 1; block < 2000; block = block * 3 + 1)
            for (unsigned dead = 0; dead < 8; dead += 3)
                check((struct scan_case){float_metrics[m], SAMPLE_SMALL, 6, 800,
                                         12 * (dead != 3) + 1, 7, block, dead, block % 2 == 0,
                                         dead == 6});
}

static void test_scan__more_hits_wanted_than_rows(void **state)
{
    (void)state;
    check((struct scan_case){METRIC_L2, SAMPLE_PLAIN, 8, 100, 1, 5000, 64, 0, false, false});
    check((struct scan_case){METRIC_IP, SAMPLE_EDGE, 8, 100, 16, 5000, 64, 0, false, false});
    check((struct scan_case){METRIC_HAMMING, SAMPLE_PLAIN, 64, 9, 1, 100, 5, 0, false, false});
    check((struct scan_case){METRIC_L2, SAMPLE_PLAIN, 8, 100, 12, 3, 64, 8, false, false});
}

static void test_scan__binary_metrics(void **state)
{
    (void)state;
    static const size_t dims[] = {8, 16, 64, 72, 512, 1040};
    for (size_t m = 0; m < 5; m++)
        for (size_t i = 0; i < sizeof dims / sizeof dims[0]; i++)
            check((struct scan_case){binary_metrics[m], SAMPLE_PLAIN, dims[i], 500, 1 + i, 10, 123,
                                     (unsigned)i, i % 2 == 0, i == 3});
}

/* Keys of rows {query itself, all ones, all zero, complement} for a query with some bits. */
static void bit_scores(enum metric_type metric, const uint8_t query[2], float ret_scores[4])
{
    const uint8_t rows[4][2] = {
        {query[0], query[1]}, {0xff, 0xff}, {0, 0}, {(uint8_t)~query[0], (uint8_t)~query[1]}};
    const uint8_t *pointers[4] = {rows[0], rows[1], rows[2], rows[3]};
    const struct kernel *kernel;
    struct scan scan;
    struct err err;
    assert_int_equal(kernel_select(NULL, &kernel, &err), ERR_OK);
    const struct scan_request request = {kernel, metric, 16, query, 1};
    assert_int_equal(scan_init(&scan, &request, &err), ERR_OK);
    scan_keys(&scan, 0, pointers, 4, ret_scores);
    for (size_t i = 0; i < 4; i++)
        if (!isnan(ret_scores[i]))
            ret_scores[i] = scan_score(metric, ret_scores[i]);
    scan_release(&scan);
}

static void assert_scores(enum metric_type metric, const uint8_t query[2], const float expected[4])
{
    float found[4];
    bit_scores(metric, query, found);
    for (size_t i = 0; i < 4; i++)
        assert_true(sample_is_same(found[i], expected[i]));
}

static void test_scan__scores_of_1x_binary_metrics(void **state)
{
    (void)state;
    const uint8_t some[2] = {0x0f, 0};
    const uint8_t none[2] = {0, 0};
    assert_scores(METRIC_HAMMING, some, (const float[]){0, 12, 4, 16});
    assert_scores(METRIC_JACCARD, some, (const float[]){0, 0.75F, 1, 1});
    assert_scores(METRIC_TANIMOTO, some, (const float[]){0, 2, INFINITY, INFINITY});
    assert_scores(METRIC_SUBSTRUCTURE, some, (const float[]){0, 0, NAN, NAN});
    assert_scores(METRIC_SUPERSTRUCTURE, some, (const float[]){0, NAN, 0, NAN});
    assert_scores(METRIC_JACCARD, none, (const float[]){1, 1, 1, 1});
    assert_scores(METRIC_TANIMOTO, none, (const float[]){INFINITY, INFINITY, INFINITY, INFINITY});
    assert_scores(METRIC_SUBSTRUCTURE, none, (const float[]){0, 0, 0, 0});
}

/* The score of one row for one query, of 32 dimensions each: `a` and `b` repeated. */
static float score_of(enum metric_type metric, float a, float b)
{
    float query[32];
    float row[32];
    for (size_t k = 0; k < 32; k++) {
        query[k] = a;
        row[k] = k % 2 == 0 ? b : 2.0F * b;
    }
    const uint8_t *pointer = (const uint8_t *)row;
    const struct kernel *kernel;
    struct scan scan;
    struct err err;
    float key;
    assert_int_equal(kernel_select(NULL, &kernel, &err), ERR_OK);
    const struct scan_request request = {kernel, metric, 32, query, 1};
    assert_int_equal(scan_init(&scan, &request, &err), ERR_OK);
    scan_keys(&scan, 0, &pointer, 1, &key);
    scan_release(&scan);
    return scan_score(metric, key);
}

static void test_scan__cosine_at_every_scale(void **state)
{
    (void)state;
    const float expected = (float)(3.0 / sqrt(10.0));
    for (int exponent = -140; exponent <= 125; exponent += 5) {
        assert_true(fabsf(score_of(METRIC_COSINE, 1.0F, ldexpf(1.0F, exponent)) - expected) <
                    1e-6F);
        assert_true(fabsf(score_of(METRIC_COSINE, ldexpf(-1.0F, exponent), 1.0F) + expected) <
                    1e-6F);
    }
    assert_true(sample_is_same(score_of(METRIC_COSINE, 1.0F, 0.0F), 0.0F));
    assert_true(sample_is_same(score_of(METRIC_COSINE, -0.0F, 1.0F), 0.0F));
    assert_true(isnan(score_of(METRIC_COSINE, INFINITY, 1.0F)));
}

static void test_scan__float_scores_are_1x_scores(void **state)
{
    (void)state;
    assert_true(score_of(METRIC_L2, 1.0F, 2.0F) == 16 * 1.0F + 16 * 9.0F);
    assert_true(score_of(METRIC_IP, 3.0F, 2.0F) == 16 * 6.0F + 16 * 12.0F);
    assert_true(sample_is_same(score_of(METRIC_IP, -1e-30F, 1e-30F), 0.0F));
    assert_true(score_of(METRIC_L2, FLT_MAX, -FLT_MAX) == INFINITY);
}

static void test_scan__bad_requests(void **state)
{
    (void)state;
    const struct kernel *kernel;
    const float query[4] = {0};
    struct scan scan;
    struct err err;
    assert_int_equal(kernel_select(NULL, &kernel, &err), ERR_OK);
    const struct scan_request bad[] = {
        {kernel, METRIC_NONE, 4, query, 1},     {kernel, METRIC_COUNT, 4, query, 1},
        {kernel, METRIC_L2, 0, query, 1},       {kernel, METRIC_L2, DIMENSION_MAX + 1, query, 1},
        {kernel, METRIC_HAMMING, 12, query, 1}, {kernel, METRIC_L2, SIZE_MAX, query, 1},
        {kernel, METRIC_L2, 4, query, 0},       {kernel, METRIC_L2, 4, query, SIZE_MAX}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(scan_init(&scan, &bad[i], &err), ERR_INVALID);
}

static void test_scan__out_of_memory(void **state)
{
    (void)state;
    static const enum metric_type metrics[] = {METRIC_L2, METRIC_COSINE, METRIC_JACCARD};
    const struct kernel *kernel;
    struct err err;
    assert_int_equal(kernel_select(NULL, &kernel, &err), ERR_OK);
    const float queries[12 * 8] = {1};
    for (size_t m = 0; m < 3; m++) {
        const struct scan_request request = {kernel, metrics[m], 8, queries, 12};
        for (size_t n = 0;; n++) {
            struct scan scan;
            struct scan_scratch scratch;
            fault_arm(FAULT_MALLOC, n, ENOMEM);
            const enum err_code made = scan_init(&scan, &request, &err);
            const enum err_code code =
                made == ERR_OK ? scan_scratch_init(&scratch, &scan, &err) : made;
            const bool is_reached = fault_disarm();
            if (code == ERR_OK)
                scan_scratch_release(&scratch);
            if (made == ERR_OK)
                scan_release(&scan);
            assert_int_equal(code, is_reached ? ERR_NOMEM : ERR_OK);
            if (!is_reached)
                break;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_scan__single_queries),
                                       cmocka_unit_test(test_scan__batches_equal_single_queries),
                                       cmocka_unit_test(test_scan__batches_of_many_dimensions),
                                       cmocka_unit_test(test_scan__bitmaps_blocks_and_duplicates),
                                       cmocka_unit_test(test_scan__more_hits_wanted_than_rows),
                                       cmocka_unit_test(test_scan__binary_metrics),
                                       cmocka_unit_test(test_scan__scores_of_1x_binary_metrics),
                                       cmocka_unit_test(test_scan__cosine_at_every_scale),
                                       cmocka_unit_test(test_scan__float_scores_are_1x_scores),
                                       cmocka_unit_test(test_scan__bad_requests),
                                       cmocka_unit_test(test_scan__out_of_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
