/* lists_filter_test.c: the promise of a level is about the rows that pass: filters that let few or
 * many rows through, at random, near the queries or far from them, on data of every kind; ranges;
 * and no search reads more than without a filter by far. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "index_sample.h"

#include "base/bitmap.h"
#include "base/mem.h"
#include "engine/calibrate.h"
#include "kernel/kernel.h"

enum filter_kind { FILTER_RANDOM, FILTER_FAR, FILTER_NEAR, FILTER_KINDS };
static const char *const filter_names[] = {"random", "far", "near"};

struct world {
    const struct fixture *made;
    struct database *database;
    struct snapshot *snapshot;
    const char *name;
};

static void build_lists(const struct fixture *made, const char *name)
{
    const struct index_options options = {.threads = 2, .is_lists_only = true};
    size_t built = 0;
    expect_ok(build(made, name, &options, &built, err));
    assert_int_equal(built, 1);
}

static struct world open_world(const struct fixture *made, const char *name)
{
    struct world world = {.made = made, .name = name};
    expect_ok(database_open(made->folder, DATABASE_READ, &world.database, err));
    expect_ok(database_snapshot(world.database, name, &world.snapshot, err));
    return world;
}

static void close_world(struct world *world)
{
    snapshot_unref(world->snapshot);
    database_close(world->database);
}

static double squared_distance(const float *a, const float *b)
{
    double sum = 0.0;
    for (size_t j = 0; j < DIM; j++)
        sum += ((double)a[j] - (double)b[j]) * ((double)a[j] - (double)b[j]);
    return sum;
}

static int compare_doubles(const void *a, const void *b)
{
    const double left = *(const double *)a;
    const double right = *(const double *)b;
    return (left > right) - (left < right);
}

/* FAR and NEAR are as the first query sees it; for others they are correlated somehow. */
static void make_filter(const struct fixture *made, enum filter_kind kind, unsigned percent,
                        uint64_t *bits)
{
    static double distances[ROWS], sorted[ROWS];
    uint64_t seed = percent;
    for (size_t row = 0; row < ROWS; row++)
        distances[row] = squared_distance(made->rows + row * DIM, made->rows + ROWS * DIM);
    memcpy(sorted, distances, sizeof sorted);
    qsort(sorted, ROWS, sizeof sorted[0], compare_doubles);
    const size_t part = ROWS * percent / 100;
    memset(bits, 0, bitmap_words(ROWS) * sizeof *bits);
    for (size_t row = 0; row < ROWS; row++) {
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        bool passes = (seed >> 33) % 100 < percent;
        if (kind == FILTER_FAR)
            passes = distances[row] >= sorted[ROWS - part];
        if (kind == FILTER_NEAR)
            passes = distances[row] < sorted[part];
        if (passes)
            bitmap_set(bits, row);
    }
}

/* Share of the scores that the exact search has too; `stats` of all queries together. */
static double share_found(const struct world *world, struct search_request request,
                          struct search_stats *ret_stats)
{
    size_t hits = 0;
    size_t expected = 0;
    *ret_stats = (struct search_stats){0};
    request.dim = DIM;
    request.query_count = 1;
    for (size_t q = 0; q < QUERIES; q++) {
        struct search_result found, exact;
        struct search_request whole = request;
        request.queries = whole.queries = world->made->rows + (ROWS + q) * DIM;
        whole.level = SEARCH_LEVEL_MAX;
        expect_ok(search_run(world->snapshot, &request, &found, err));
        expect_ok(search_run(world->snapshot, &whole, &exact, err));
        if (!request.has_radius)
            assert_int_equal(found.counts[0], exact.counts[0]);
        for (size_t i = 0; i < found.counts[0]; i++)
            for (size_t j = 0; j < exact.counts[0]; j++)
                hits += found.rows[i] == exact.rows[j];
        expected += exact.counts[0];
        ret_stats->rows += found.stats.rows;
        ret_stats->plan = found.stats.plan;
        search_result_release(&found);
        search_result_release(&exact);
    }
    return expected > 0 ? (double)hits / (double)expected : 1.0;
}

static void expect_level(const struct world *world, const struct search_request *request,
                         const char *what, unsigned percent)
{
    struct search_stats stats;
    const double promised = (double)calibrate_targets[request->level - 1];
    const double recall = share_found(world, *request, &stats);
    if (recall < promised - 0.01)
        fail_msg("%s, filter %s %u %%, level %u, plan %s: recall %.4f, %.4f promised", world->name,
                 what, percent, request->level, stats.plan, recall, promised);
}

static void expect_filters(const struct fixture *made, const char *name, enum metric_type metric)
{
    static const unsigned percents[] = {1, 10, 50, 90};
    static uint64_t bits[(ROWS + 63) / 64];
    static const uint64_t *const allow[] = {bits};
    import_data(made, name, metric, NULL, ROWS);
    build_lists(made, name);
    struct world world = open_world(made, name);
    for (enum filter_kind kind = FILTER_RANDOM; kind < FILTER_KINDS; kind++)
        for (size_t i = 0; i < sizeof percents / sizeof percents[0]; i++) {
            make_filter(made, kind, percents[i], bits);
            for (unsigned level = 1; level <= 7; level += 3) {
                const struct search_request request = {.k = K, .level = level, .allow = allow};
                expect_level(&world, &request, filter_names[kind], percents[i]);
            }
        }
    close_world(&world);
}

static void test_lists_filter__clusters(void **state)
{
    const struct fixture *made = *state;
    fill(made->rows, DATA_CLUSTERS);
    expect_filters(made, "l2", METRIC_L2);
    expect_filters(made, "cosine", METRIC_COSINE);
    expect_filters(made, "ip", METRIC_IP);
}

static void test_lists_filter__uniform(void **state)
{
    const struct fixture *made = *state;
    fill(made->rows, DATA_UNIFORM);
    expect_filters(made, "uniform", METRIC_L2);
}

static void test_lists_filter__outlier(void **state)
{
    const struct fixture *made = *state;
    fill(made->rows, DATA_OUTLIER);
    expect_filters(made, "outlier", METRIC_L2);
}

static void test_lists_filter__strange_queries(void **state)
{
    const struct fixture *made = *state;
    fill(made->rows, DATA_OTHER_QUERIES);
    expect_filters(made, "other", METRIC_L2);
}

/* Fewer rows pass: fewer codes are looked at than of all rows, and in the end none but theirs. */
static void test_lists_filter__cost_falls(void **state)
{
    const struct fixture *made = *state;
    static uint64_t bits[(ROWS + 63) / 64];
    static const uint64_t *const allow[] = {bits};
    fill(made->rows, DATA_CLUSTERS);
    import_data(made, "one", METRIC_L2, NULL, ROWS);
    build_lists(made, "one");
    struct world world = open_world(made, "one");
    struct search_request request = {.k = K, .level = 1};
    struct search_stats stats;
    (void)share_found(&world, request, &stats);
    const uint64_t whole = stats.rows;
    request.allow = allow;
    for (unsigned percent = 90; percent >= 1; percent /= 3) {
        make_filter(made, FILTER_RANDOM, percent, bits);
        (void)share_found(&world, request, &stats);
        assert_true(stats.rows < 4 * whole || stats.rows < 2 * QUERIES * ROWS * percent / 100);
    }
    assert_string_equal(stats.plan, "flat");
    close_world(&world);
}

/* Rings around the queries: the nearest rows are not wanted. */
static void test_lists_filter__ranges(void **state)
{
    const struct fixture *made = *state;
    fill(made->rows, DATA_CLUSTERS);
    import_data(made, "l2", METRIC_L2, NULL, ROWS);
    build_lists(made, "l2");
    struct world world = open_world(made, "l2");
    static const float rings[][2] = {{0.0F, 6.0F}, {5.0F, 7.0F}, {7.0F, 9.0F}, {12.0F, 1e9F}};
    for (size_t i = 0; i < sizeof rings / sizeof rings[0]; i++) {
        const struct search_request request = {.k = K,
                                               .level = 4,
                                               .has_radius = true,
                                               .has_range_filter = i > 0,
                                               .radius = rings[i][1],
                                               .range_filter = rings[i][0]};
        expect_level(&world, &request, "ring", (unsigned)i);
    }
    close_world(&world);
}

/* The same answers on every instruction set, with any number of threads, alone or together. */
static void test_lists_filter__answers_are_the_same_everywhere(void **state)
{
    const struct fixture *made = *state;
    static uint64_t bits[(ROWS + 63) / 64];
    static const uint64_t *const allow[] = {bits};
    const struct kernel *kernels[KERNEL_TABLES_MAX];
    const size_t kernel_count = kernel_list(kernels);
    fill(made->rows, DATA_CLUSTERS);
    import_data(made, "one", METRIC_L2, NULL, ROWS);
    build_lists(made, "one");
    struct world world = open_world(made, "one");
    make_filter(made, FILTER_RANDOM, 40, bits);
    for (unsigned filtered = 0; filtered < 2; filtered++) {
        struct search_request request = {.queries = made->rows + ROWS * DIM,
                                         .query_count = QUERIES,
                                         .dim = DIM,
                                         .k = K,
                                         .level = 2,
                                         .threads = 1,
                                         .allow = filtered != 0 ? allow : NULL};
        struct search_result expected;
        expect_ok(search_run(world.snapshot, &request, &expected, err));
        for (size_t i = 0; i < 3 * kernel_count; i++) {
            struct search_result found;
            request.isa = kernels[i / 3]->isa;
            request.threads = 1 + i % 3;
            request.query_count = i % 3 == 2 ? 1 : QUERIES; /* alone: by several threads, perhaps */
            expect_ok(search_run(world.snapshot, &request, &found, err));
            const size_t cells = request.query_count * K;
            assert_memory_equal(found.ids, expected.ids, cells * sizeof *found.ids);
            assert_memory_equal(found.scores, expected.scores, cells * sizeof *found.scores);
            search_result_release(&found);
        }
        search_result_release(&expected);
    }
    close_world(&world);
}

#define FILTER_TEST(name)                                                                          \
    cmocka_unit_test_setup_teardown(test_lists_filter__##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILTER_TEST(clusters),
        FILTER_TEST(uniform),
        FILTER_TEST(outlier),
        FILTER_TEST(strange_queries),
        FILTER_TEST(cost_falls),
        FILTER_TEST(ranges),
        FILTER_TEST(answers_are_the_same_everywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
