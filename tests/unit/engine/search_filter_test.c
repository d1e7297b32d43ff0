/* search_filter_test.c: filters, ranges of scores and places of hits in the exact search, held
 * against the list of all rows by score that a search for everything gives. */
#include "sample.h"

#include <math.h>
#include <string.h>

#include "base/bitmap.h"
#include "base/mem.h"
#include "engine/search.h"
#include "engine/snapshot_segments.h"

#define SEGMENTS 3
#define ROWS 700
#define ALL (SEGMENTS * ROWS)
#define DIM 32
#define QUERIES 20
#define K 12

struct fixture {
    char *folder;
    char *target;
    struct sample sample;
    struct database *database;
    struct snapshot *snapshot;
    uint64_t bits[SEGMENTS][(ROWS + 63) / 64];
    const uint64_t *allow[SEGMENTS];
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

static void open_sample(struct fixture *fixture, enum metric_type metric)
{
    const struct sample_options options = {.metric = metric,
                                           .dim = DIM,
                                           .segments = SEGMENTS,
                                           .rows = ROWS,
                                           .seed = 5 + (unsigned)metric,
                                           .has_dead = true,
                                           .folder = fixture->folder};
    const struct sample_job job = {
        .name = metric_name(metric), .token = metric_name(metric), .link = true};
    sample_init(&fixture->sample, &options);
    expect_ok(sample_migrate_to(fixture->target, &fixture->sample, &job, err));
    expect_ok(database_open(fixture->target, DATABASE_READ, &fixture->database, err));
    expect_ok(database_snapshot(fixture->database, job.name, &fixture->snapshot, err));
}

static void close_sample(struct fixture *fixture)
{
    snapshot_unref(fixture->snapshot);
    database_close(fixture->database);
    sample_release(&fixture->sample);
}

/* Each row of the segments passes with a chance of `percent`; segment 1 has no bitmap. */
static void fill_filter(struct fixture *fixture, unsigned percent)
{
    uint64_t seed = percent;
    memset(fixture->bits, 0, sizeof fixture->bits);
    for (size_t s = 0; s < SEGMENTS; s++) {
        fixture->allow[s] = s == 1 ? NULL : fixture->bits[s];
        for (size_t row = 0; row < ROWS; row++) {
            seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            if ((seed >> 33) % 100 < percent)
                bitmap_set(fixture->bits[s], row);
        }
    }
}

static struct search_request request_of(const struct fixture *fixture, size_t k)
{
    return (struct search_request){
        .queries = fixture->sample.data[0].vectors, .query_count = QUERIES, .dim = DIM, .k = k};
}

static bool passes(const struct fixture *fixture, const struct search_request *request,
                   const struct search_result *all, size_t at)
{
    const float score = all->scores[at];
    const bool is_larger_better = metric_larger_is_better(fixture->sample.collection.metric);
    const uint64_t *allow = request->allow != NULL ? request->allow[all->segments[at]] : NULL;
    if (allow != NULL && !bitmap_get(allow, (size_t)all->rows[at]))
        return false;
    if (request->has_radius &&
        !(is_larger_better ? score > request->radius : score < request->radius))
        return false;
    return !request->has_range_filter ||
           (is_larger_better ? score <= request->range_filter : score >= request->range_filter);
}

/* What the request finds is what of all hits passes, in the same order. */
static void expect_filtered(const struct fixture *fixture, const struct search_request *request,
                            const struct search_result *all)
{
    struct search_result found;
    expect_ok(search_run(fixture->snapshot, request, &found, err));
    for (size_t q = 0; q < request->query_count; q++) {
        size_t count = 0;
        for (size_t i = 0; i < all->counts[q] && count < request->k; i++) {
            const size_t at = q * all->k + i;
            if (!passes(fixture, request, all, at))
                continue;
            assert_true(count < found.counts[q]);
            const size_t to = q * found.k + count++;
            assert_int_equal(found.ids[to], all->ids[at]);
            assert_memory_equal(&found.scores[to], &all->scores[at], sizeof(float));
            assert_int_equal(found.segments[to], all->segments[at]);
            assert_int_equal(found.rows[to], all->rows[at]);
        }
        assert_int_equal(found.counts[q], count);
    }
    search_result_release(&found);
}

/* Ranges whose ends are scores that rows have. */
static void expect_ranges(const struct fixture *fixture, struct search_request request,
                          const struct search_result *all)
{
    static const size_t ranks[][2] = {{0, 5}, {3, 9}, {3, 3}, {10, 900}, {0, 1000000}};
    for (size_t i = 0; i < sizeof ranks / sizeof ranks[0]; i++) {
        const size_t last = all->counts[0] - 1;
        request.range_filter = all->scores[ranks[i][0] < last ? ranks[i][0] : last];
        request.radius = all->scores[ranks[i][1] < last ? ranks[i][1] : last];
        request.has_radius = true;
        request.has_range_filter = false;
        expect_filtered(fixture, &request, all);
        request.has_range_filter = request.radius != request.range_filter;
        expect_filtered(fixture, &request, all);
        request.has_range_filter = true;
        request.has_radius = false;
        expect_filtered(fixture, &request, all);
    }
}

static void expect_metric(struct fixture *fixture, enum metric_type metric)
{
    static const unsigned percents[] = {0, 2, 30, 90, 100};
    open_sample(fixture, metric);
    struct search_request request = request_of(fixture, ALL);
    struct search_result all;
    expect_ok(search_run(fixture->snapshot, &request, &all, err));
    request = request_of(fixture, K);
    expect_ranges(fixture, request, &all);
    for (size_t i = 0; i < sizeof percents / sizeof percents[0]; i++) {
        fill_filter(fixture, percents[i]);
        request = request_of(fixture, K);
        request.allow = fixture->allow;
        for (size_t count = 1; count <= QUERIES; count += QUERIES - 1) {
            request.query_count = count;
            expect_filtered(fixture, &request, &all);
        }
        expect_ranges(fixture, request, &all);
    }
    search_result_release(&all);
    close_sample(fixture);
}

static void test_search_filter__float_metrics(void **state)
{
    expect_metric(*state, METRIC_L2);
    expect_metric(*state, METRIC_IP);
    expect_metric(*state, METRIC_COSINE);
}

static void test_search_filter__binary_metrics(void **state)
{
    expect_metric(*state, METRIC_HAMMING);
    expect_metric(*state, METRIC_JACCARD);
    expect_metric(*state, METRIC_TANIMOTO);
    expect_metric(*state, METRIC_SUBSTRUCTURE);
}

/* The places of hits lead back to the vectors: with the row itself as the query, to the query. */
static void test_search_filter__places_are_those_of_the_rows(void **state)
{
    struct fixture *fixture = *state;
    open_sample(fixture, METRIC_L2);
    for (size_t s = 0; s < SEGMENTS; s++) {
        const struct segment_facts *facts = snapshot_segment_facts(fixture->snapshot, s);
        assert_int_equal(facts->rows, ROWS);
        for (size_t row = 0; row < ROWS; row += 50) {
            struct search_request request = request_of(fixture, 1);
            struct search_result found;
            request.queries = fixture->sample.data[s].vectors + row * DIM * sizeof(float);
            request.query_count = 1;
            expect_ok(search_run(fixture->snapshot, &request, &found, err));
            if (sample_is_live(&fixture->sample, s, row)) {
                assert_int_equal(found.segments[0], s);
                assert_int_equal(found.rows[0], row);
                assert_int_equal(found.partitions[0], facts->partition);
            }
            search_result_release(&found);
        }
    }
    close_sample(fixture);
}

static void expect_invalid(const struct fixture *fixture, const struct search_request *request,
                           const char *word)
{
    struct search_result found;
    struct err err = {0};
    assert_int_equal(search_run(fixture->snapshot, request, &found, &err), ERR_INVALID);
    assert_non_null(strstr(err.msg, word));
}

static void test_search_filter__wrong_ranges_are_refused(void **state)
{
    struct fixture *fixture = *state;
    open_sample(fixture, METRIC_L2);
    struct search_request request = request_of(fixture, 3);
    request.has_radius = request.has_range_filter = true;
    request.radius = 2.0F;
    request.range_filter = 2.0F;
    expect_invalid(fixture, &request, "smaller");
    request.radius = NAN;
    expect_invalid(fixture, &request, "numbers");
    close_sample(fixture);
    open_sample(fixture, METRIC_IP);
    request = request_of(fixture, 3);
    request.has_radius = request.has_range_filter = true;
    request.radius = 2.0F;
    request.range_filter = 1.0F;
    expect_invalid(fixture, &request, "larger");
    close_sample(fixture);
}

#define FILTER_TEST(name)                                                                          \
    cmocka_unit_test_setup_teardown(test_search_filter__##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILTER_TEST(float_metrics),
        FILTER_TEST(binary_metrics),
        FILTER_TEST(places_are_those_of_the_rows),
        FILTER_TEST(wrong_ranges_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
