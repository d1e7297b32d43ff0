/* search_test.c: exact search over several segments against a plain loop, for every metric; ties,
 * duplicates, dead rows, partitions, threads; wrong requests; damage. */
#include "sample.h"

#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "engine/search.h"

#define HITS_MAX (SAMPLE_SEGMENTS_MAX * SAMPLE_ROWS_MAX)

struct fixture {
    char *folder;
    char *target;
};

static int setup(void **state)
{
    struct fixture *fixture = mem_zalloc(1, sizeof *fixture);
    fixture->folder = scratch_make();
    fixture->target = scratch_path(fixture->folder, "db");
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    scratch_remove(fixture->folder);
    mem_free(fixture->target);
    mem_free(fixture);
    return 0;
}

struct naive_hit {
    double score;
    int64_t id;
    size_t place;
};

static double bits_score(enum metric_type metric, const uint8_t *query, const uint8_t *row,
                         size_t size)
{
    int differing = 0;
    int both = 0;
    int either = 0;
    int only_query = 0;
    int only_row = 0;
    for (size_t k = 0; k < size; k++) {
        differing += __builtin_popcount(query[k] ^ row[k]);
        both += __builtin_popcount(query[k] & row[k]);
        either += __builtin_popcount(query[k] | row[k]);
        only_query += __builtin_popcount(query[k] & ~row[k] & 0xff);
        only_row += __builtin_popcount(row[k] & ~query[k] & 0xff);
    }
    const double jaccard = either == 0 ? 1.0 : 1.0 - (double)both / either;
    switch (metric) {
    case METRIC_HAMMING:
        return differing;
    case METRIC_JACCARD:
        return jaccard;
    case METRIC_TANIMOTO:
        return -log2(1.0 - jaccard);
    case METRIC_SUBSTRUCTURE:
        return only_query == 0 ? 0.0 : NAN;
    default:
        return only_row == 0 ? 0.0 : NAN;
    }
}

static double float_score(enum metric_type metric, const uint8_t *query, const uint8_t *row,
                          size_t dim)
{
    double distance = 0;
    double product = 0;
    double norms[2] = {0, 0};
    for (size_t k = 0; k < dim; k++) {
        float a;
        float b;
        memcpy(&a, query + 4 * k, 4);
        memcpy(&b, row + 4 * k, 4);
        distance += ((double)a - (double)b) * ((double)a - (double)b);
        product += (double)a * (double)b;
        norms[0] += (double)a * (double)a;
        norms[1] += (double)b * (double)b;
    }
    if (metric == METRIC_L2)
        return distance;
    return metric == METRIC_IP ? product : product / sqrt(norms[0] * norms[1]);
}

static bool naive_larger_is_better;

static int compare_naive(const void *a, const void *b)
{
    const struct naive_hit *left = a;
    const struct naive_hit *right = b;
    if (left->score != right->score)
        return (left->score < right->score) != naive_larger_is_better ? -1 : 1;
    return (left->place > right->place) - (left->place < right->place);
}

/* Best first; of each id the best row only. */
static size_t naive_search(const struct sample *sample, const uint8_t *query, int partition,
                           struct naive_hit *hits)
{
    const struct source_collection *collection = &sample->collection;
    size_t count = 0;
    size_t place = 0;
    for (size_t k = 0; k < collection->segment_count; k++) {
        for (size_t row = 0; row < sample->data[k].rows; row++, place++) {
            const uint8_t *vector = sample->data[k].vectors + row * collection->row_size;
            if (!sample_is_live(sample, k, row) || (partition >= 0 && k % 3 != (size_t)partition))
                continue;
            const double score =
                metric_is_binary(collection->metric)
                    ? bits_score(collection->metric, query, vector, collection->row_size)
                    : float_score(collection->metric, query, vector, collection->dim);
            if (!isnan(score))
                hits[count++] = (struct naive_hit){score, sample->data[k].ids[row], place};
        }
    }
    naive_larger_is_better = metric_larger_is_better(collection->metric);
    qsort(hits, count, sizeof *hits, compare_naive);
    size_t kept = 0;
    for (size_t k = 0; k < count; k++) {
        bool is_new = true;
        for (size_t j = 0; j < kept && is_new; j++)
            is_new = hits[j].id != hits[k].id;
        if (is_new)
            hits[kept++] = hits[k];
    }
    return kept;
}

static bool is_close(double a, double b)
{
    return a == b || fabs(a - b) <= 1e-4 * fmax(1.0, fmax(fabs(a), fabs(b)));
}

/* Scores must be those of the plain loop at each rank; ids too, unless neighbours are as close as
 * rounding. */
static void expect_hits(const struct search_result *result, size_t query,
                        const struct naive_hit *hits, size_t count)
{
    const size_t expected = count < result->k ? count : result->k;
    assert_int_equal(result->counts[query], expected);
    for (size_t k = 0; k < expected; k++) {
        const size_t at = query * result->k + k;
        assert_true(is_close((double)result->scores[at], hits[k].score));
        size_t same = 0;
        while (same < count && hits[same].id != result->ids[at])
            same++;
        assert_true(same < count && is_close(hits[same].score, hits[k].score));
    }
}

static struct snapshot *make(const struct fixture *fixture, const struct sample *sample,
                             const char *name)
{
    struct database *database = NULL;
    struct snapshot *snapshot = NULL;
    const struct sample_job job = {.name = name, .token = name};
    expect_ok(sample_migrate_to(fixture->target, sample, &job, err));
    expect_ok(database_open(fixture->target, DATABASE_READ, &database, err));
    expect_ok(database_snapshot(database, name, &snapshot, err));
    database_close(database);
    return snapshot;
}

static void check_metric(const struct fixture *fixture, enum metric_type metric)
{
    struct sample sample;
    const struct sample_options options = {
        metric, metric_is_binary(metric) ? 40 : 19, 4, 700, -5, 9, true, NULL};
    sample_init(&sample, &options);
    const size_t row_size = sample.collection.row_size;
    struct naive_hit *hits = mem_alloc(HITS_MAX, sizeof *hits);
    struct snapshot *snapshot = make(fixture, &sample, metric_name(metric));
    static const char *const partition = "a b";
    for (int only = 0; only < 2; only++) {
        struct search_result result;
        const struct search_request request = {
            .queries = sample.data[0].vectors,
            .query_count = 9,
            .dim = options.dim,
            .k = 12,
            .partitions = &partition,
            .partition_count = (size_t)only,
            .threads = 2,
        };
        expect_ok(search_run(snapshot, &request, &result, err));
        for (size_t q = 0; q < 9; q++) {
            const size_t count = naive_search(&sample, sample.data[0].vectors + q * row_size,
                                              only != 0 ? 1 : -1, hits);
            expect_hits(&result, q, hits, count);
        }
        search_result_release(&result);
    }
    snapshot_unref(snapshot);
    mem_free(hits);
    sample_release(&sample);
}

static void test_search__every_metric(void **state)
{
    for (int metric = METRIC_L2; metric < METRIC_COUNT; metric++)
        check_metric(*state, (enum metric_type)metric);
}

/* Equal vectors everywhere: order is by segment and row, however many threads. */
static void test_search__ties_and_threads(void **state)
{
    const struct fixture *fixture = *state;
    struct sample sample;
    const struct sample_options options = {METRIC_L2, 4, 4, 4000, 0, 9, false, NULL};
    sample_init(&sample, &options);
    for (size_t k = 0; k < 4; k++)
        memset(sample.data[k].vectors, 0, 4000 * 16);
    struct snapshot *snapshot = make(fixture, &sample, "ties");
    const float query[4] = {1, 0, 0, 0};
    for (size_t threads = 1; threads <= 5; threads++) {
        struct search_result result;
        const struct search_request request = {
            .queries = query, .query_count = 1, .dim = 4, .k = 100, .threads = threads};
        expect_ok(search_run(snapshot, &request, &result, err));
        assert_int_equal(result.counts[0], 100);
        for (size_t k = 0; k < 100; k++) {
            assert_true(result.ids[k] == sample.data[0].ids[k]);
            assert_true(result.scores[k] == 1.0F);
        }
        search_result_release(&result);
    }
    snapshot_unref(snapshot);
    sample_release(&sample);
}

/* One id in every segment: it is returned once, with its best score. */
static void test_search__an_id_is_returned_once(void **state)
{
    const struct fixture *fixture = *state;
    struct sample sample;
    const struct sample_options options = {METRIC_L2, 8, 4, 600, 0, 9, true, NULL};
    sample_init(&sample, &options);
    for (size_t k = 0; k < 4; k++)
        for (size_t row = 0; row < 600; row++)
            sample.data[k].ids[row] = (int64_t)(row % 150);
    sample.collection.duplicate_ids = 150;
    struct naive_hit *hits = mem_alloc(HITS_MAX, sizeof *hits);
    struct snapshot *snapshot = make(fixture, &sample, "twice");
    struct search_result result;
    const struct search_request request = {
        .queries = sample.data[1].vectors, .query_count = 5, .dim = 8, .k = 200, .threads = 2};
    expect_ok(search_run(snapshot, &request, &result, err));
    for (size_t q = 0; q < 5; q++)
        expect_hits(&result, q, hits,
                    naive_search(&sample, sample.data[1].vectors + q * 32, -1, hits));
    search_result_release(&result);
    snapshot_unref(snapshot);
    mem_free(hits);
    sample_release(&sample);
}

static void test_search__partitions_of_hits(void **state)
{
    const struct fixture *fixture = *state;
    struct sample sample;
    const struct sample_options options = {METRIC_L2, 8, 3, 100, 0, 9, false, NULL};
    sample_init(&sample, &options);
    struct snapshot *snapshot = make(fixture, &sample, "partitions");
    for (size_t k = 0; k < 3; k++) {
        struct search_result result;
        const struct search_request request = {
            .queries = sample.data[k].vectors, .query_count = 1, .dim = 8, .k = 1};
        expect_ok(search_run(snapshot, &request, &result, err));
        assert_string_equal(snapshot_facts(snapshot)->partitions[result.partitions[0]].name,
                            sample.partitions[k].tag);
        assert_true(result.stats.rows == 300);
        assert_string_equal(result.stats.plan, "flat");
        search_result_release(&result);
    }
    snapshot_unref(snapshot);
    sample_release(&sample);
}

static void test_search__empty_collections_and_large_k(void **state)
{
    const struct fixture *fixture = *state;
    struct sample sample;
    struct sample_options options = {METRIC_L2, 4, 0, 0, 0, 9, false, NULL};
    const float query[4] = {0};
    struct search_result result;
    struct search_request request = {.queries = query, .query_count = 1, .dim = 4, .k = 16384};
    sample_init(&sample, &options);
    struct snapshot *snapshot = make(fixture, &sample, "empty");
    expect_ok(search_run(snapshot, &request, &result, err));
    assert_int_equal(result.counts[0], 0);
    search_result_release(&result);
    snapshot_unref(snapshot);
    sample_release(&sample);
    options.segments = 1;
    options.rows = 10;
    sample_init(&sample, &options);
    snapshot = make(fixture, &sample, "ten");
    expect_ok(search_run(snapshot, &request, &result, err));
    assert_int_equal(result.counts[0], 10);
    search_result_release(&result);
    snapshot_unref(snapshot);
    sample_release(&sample);
}

/* More queries than fit into one pass give what single ones give. */
static void test_search__many_queries(void **state)
{
    const struct fixture *fixture = *state;
    struct sample sample;
    const struct sample_options options = {METRIC_L2, 4, 1, 2000, 0, 9, false, NULL};
    sample_init(&sample, &options);
    struct snapshot *snapshot = make(fixture, &sample, "many");
    struct search_result all;
    struct search_request request = {
        .queries = sample.data[0].vectors, .query_count = 2000, .dim = 4, .k = 2000, .threads = 2};
    expect_ok(search_run(snapshot, &request, &all, err));
    assert_true(all.stats.rows > 2000); /* several passes */
    for (size_t q = 0; q < 2000; q += 333) {
        struct search_result one;
        request.queries = sample.data[0].vectors + q * 16;
        request.query_count = 1;
        expect_ok(search_run(snapshot, &request, &one, err));
        assert_int_equal(one.counts[0], all.counts[q]);
        assert_memory_equal(one.ids, all.ids + q * 2000, 2000 * sizeof *one.ids);
        search_result_release(&one);
    }
    search_result_release(&all);
    snapshot_unref(snapshot);
    sample_release(&sample);
}

static void test_search__wrong_requests(void **state)
{
    const struct fixture *fixture = *state;
    struct sample sample;
    const struct sample_options options = {METRIC_L2, 4, 1, 10, 0, 9, false, NULL};
    sample_init(&sample, &options);
    struct snapshot *snapshot = make(fixture, &sample, "wrong");
    static const char *const nowhere = "nowhere";
    const struct search_request right = {
        .queries = sample.data[0].vectors, .query_count = 1, .dim = 4, .k = 1};
    struct search_request wrong[8];
    for (size_t k = 0; k < 8; k++)
        wrong[k] = right;
    wrong[0].dim = 5;
    wrong[1].k = 0;
    wrong[2].k = SEARCH_K_MAX + 1;
    wrong[3].query_count = 0;
    wrong[4].level = 11;
    wrong[5].recall = 1.5F;
    wrong[6].recall = NAN;
    wrong[7].partitions = &nowhere;
    wrong[7].partition_count = 1;
    for (size_t k = 0; k < 8; k++) {
        struct search_result result;
        struct err failure = {0};
        assert_int_equal(search_run(snapshot, &wrong[k], &result, &failure),
                         k == 7 ? ERR_NO_PARTITION : ERR_INVALID);
    }
    snapshot_unref(snapshot);
    sample_release(&sample);
}

static void test_search__damage_is_an_error(void **state)
{
    const struct fixture *fixture = *state;
    struct sample sample;
    const struct sample_options options = {METRIC_L2, 4, 2, 3000, 0, 9, false, NULL};
    sample_init(&sample, &options);
    struct snapshot *snapshot = make(fixture, &sample, "damaged");
    char *path = scratch_path(fixture->target, "segments/1/000001.vec");
    const int fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, "x", 1, 20000), 1);
    (void)close(fd);
    struct search_result result;
    struct err failure = {0};
    const struct search_request request = {
        .queries = sample.data[0].vectors, .query_count = 1, .dim = 4, .k = 1};
    assert_int_equal(search_run(snapshot, &request, &result, &failure), ERR_CORRUPT);
    assert_non_null(strstr(failure.msg, "000001.vec"));
    mem_free(path);
    snapshot_unref(snapshot);
    sample_release(&sample);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_search__every_metric, setup, teardown),
        cmocka_unit_test_setup_teardown(test_search__ties_and_threads, setup, teardown),
        cmocka_unit_test_setup_teardown(test_search__an_id_is_returned_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_search__partitions_of_hits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_search__empty_collections_and_large_k, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_search__many_queries, setup, teardown),
        cmocka_unit_test_setup_teardown(test_search__wrong_requests, setup, teardown),
        cmocka_unit_test_setup_teardown(test_search__damage_is_an_error, setup, teardown),
    };
    return cmocka_run_group_tests_name("search", tests, NULL, NULL);
}
