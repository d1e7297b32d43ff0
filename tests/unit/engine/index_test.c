/* index_test.c: what LISTS promise. Each level's recall, on data of several kinds; the same
 * file from any number of threads and any instruction set; damage, faults and foreign files never
 * show. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "index_sample.h"

#include "base/fault.h"
#include "base/file.h"
#include "base/mem.h"
#include "engine/calibrate.h"
#include "engine/lists_search.h"
#include "engine/snapshot_internal.h"
#include "kernel/kernel.h"

static void build_ok(const struct fixture *fixture, const char *name)
{
    const struct index_options options = {.threads = 2, .is_lists_only = true};
    size_t built = 0;
    expect_ok(build(fixture, name, &options, &built, err));
    assert_int_equal(built, 1);
}

/* Level 10 is what it was without an index; every other level keeps its promise. */
static void expect_levels(const struct fixture *fixture, const char *name, bool is_used)
{
    static int64_t before[QUERIES * K], exact[QUERIES * K], found[QUERIES * K];
    const char *plan = NULL;
    search(fixture, name, 0, before, &plan);
    assert_string_equal(plan, "flat");
    build_ok(fixture, name);
    search(fixture, name, SEARCH_LEVEL_MAX, exact, &plan);
    assert_string_equal(plan, "flat");
    assert_memory_equal(before, exact, sizeof exact);
    for (unsigned level = 0; level < SEARCH_LEVEL_MAX; level++) {
        const unsigned meant = level == 0 ? SEARCH_LEVEL_DEFAULT : level;
        search(fixture, name, level, found, &plan);
        if (is_used && meant <= SEARCH_LEVEL_DEFAULT)
            assert_string_equal(plan, "lists");
        const double recall = recall_of(found, exact);
        if (recall < (double)calibrate_targets[meant - 1] - 0.01)
            fail_msg("level %u of %s: recall %.4f, %.4f promised", level, name, recall,
                     (double)calibrate_targets[meant - 1]);
    }
}

static void test_index__clusters_keep_the_levels(void **state)
{
    const struct fixture *fixture = *state;
    fill(fixture->rows, DATA_CLUSTERS);
    import_data(fixture, "l2", METRIC_L2, NULL, ROWS);
    expect_levels(fixture, "l2", true);
    import_data(fixture, "cosine", METRIC_COSINE, NULL, ROWS);
    expect_levels(fixture, "cosine", true);
    import_data(fixture, "ip", METRIC_IP, NULL, ROWS);
    expect_levels(fixture, "ip", false);
}

static void test_index__other_data_keep_the_levels(void **state)
{
    const struct fixture *fixture = *state;
    fill(fixture->rows, DATA_UNIFORM);
    import_data(fixture, "uniform", METRIC_L2, NULL, ROWS);
    expect_levels(fixture, "uniform", false);
    fill(fixture->rows, DATA_OUTLIER);
    import_data(fixture, "outlier", METRIC_L2, NULL, ROWS);
    expect_levels(fixture, "outlier", false);
}

static void test_index__strange_queries_keep_the_levels(void **state)
{
    const struct fixture *fixture = *state;
    fill(fixture->rows, DATA_OTHER_QUERIES);
    import_data(fixture, "other", METRIC_L2, NULL, ROWS);
    expect_levels(fixture, "other", true);
}

/* Of equal rows others may be found than the exact scan shows: scores are compared. */
static void test_index__twins_have_the_same_scores(void **state)
{
    const struct fixture *fixture = *state;
    static int64_t ids[ROWS];
    static int64_t found[QUERIES * K], exact[QUERIES * K];
    const char *plan = NULL;
    fill(fixture->rows, DATA_TWINS);
    for (size_t i = 0; i < ROWS; i++)
        ids[i] = (int64_t)i;
    import_data(fixture, "twins", METRIC_L2, ids, ROWS);
    build_ok(fixture, "twins");
    search(fixture, "twins", 9, found, &plan);
    assert_string_equal(plan, "lists");
    search(fixture, "twins", 10, exact, &plan);
    size_t same = 0;
    for (size_t i = 0; i < QUERIES * K; i++)
        same += found[i] % 1000 == exact[i] % 1000;
    assert_true(same >= QUERIES * K * 98 / 100);
}

/* 40 ids in all: an index proposes too few of them, the scan has the last word. */
static void test_index__ids_that_repeat_do_not_shorten_answers(void **state)
{
    const struct fixture *fixture = *state;
    static int64_t ids[ROWS];
    static int64_t found[QUERIES * K];
    const char *plan = NULL;
    fill(fixture->rows, DATA_CLUSTERS);
    for (size_t i = 0; i < ROWS; i++)
        ids[i] = (int64_t)(i % 40);
    import_data(fixture, "one", METRIC_L2, ids, ROWS);
    build_ok(fixture, "one");
    search(fixture, "one", 1, found, &plan);
    for (size_t i = 0; i < QUERIES * K; i++)
        assert_true(found[i] >= 0);
}

static void test_index__nan_and_infinite_rows_do_no_harm(void **state)
{
    const struct fixture *fixture = *state;
    static int64_t found[QUERIES * K], exact[QUERIES * K];
    const char *plan = NULL;
    fill(fixture->rows, DATA_CLUSTERS);
    for (size_t i = 0; i < ROWS; i += 50) {
        fixture->rows[i * DIM + 3] = i % 100 == 0 ? NAN : INFINITY;
        memset(fixture->rows + (i + 1) * DIM, 0, DIM * sizeof(float));
    }
    fixture->rows[(ROWS + 1) * DIM] = NAN; /* a query: only zero rows score */
    import_data(fixture, "one", METRIC_COSINE, NULL, ROWS);
    build_ok(fixture, "one");
    search(fixture, "one", 9, found, &plan);
    search(fixture, "one", 10, exact, &plan);
    assert_true(recall_of(found, exact) >= 0.98);
    assert_memory_equal(found + K, exact + K, K * sizeof found[0]);
}

static void test_index__same_bytes_everywhere(void **state)
{
    const struct fixture *fixture = *state;
    const struct kernel *kernels[KERNEL_TABLES_MAX];
    const size_t kernel_count = kernel_list(kernels);
    fill(fixture->rows, DATA_CLUSTERS);
    import_data(fixture, "one", METRIC_L2, NULL, ROWS);
    build_ok(fixture, "one");
    size_t size = 0;
    void *expected = read_file(fixture, LISTS_FILE, &size);
    for (size_t i = 0; i < 2 * kernel_count; i++) {
        const struct index_options options = {.is_lists_only = true,
                                              .threads = i < kernel_count ? 1 : 3,
                                              .isa = kernels[i / 2]->isa,
                                              .is_forced = true};
        size_t built = 0;
        size_t found_size = 0;
        expect_ok(build(fixture, "one", &options, &built, err));
        void *found = read_file(fixture, LISTS_FILE, &found_size);
        assert_int_equal(found_size, size);
        assert_memory_equal(found, expected, size);
        mem_free(found);
    }
    mem_free(expected);
}

static bool is_built(const struct fixture *fixture, const char *name)
{
    struct database *database = NULL;
    struct snapshot *snapshot = NULL;
    struct index_facts facts;
    expect_ok(database_open(fixture->folder, DATABASE_READ, &database, err));
    expect_ok(database_snapshot(database, name, &snapshot, err));
    index_describe(database, snapshot, 0, &facts);
    snapshot_unref(snapshot);
    database_close(database);
    return facts.is_built;
}

static void test_index__damage_is_only_slower(void **state)
{
    const struct fixture *fixture = *state;
    static int64_t exact[QUERIES * K], found[QUERIES * K];
    const char *plan = NULL;
    fill(fixture->rows, DATA_CLUSTERS);
    import_data(fixture, "one", METRIC_L2, NULL, ROWS);
    search(fixture, "one", 0, exact, &plan);
    build_ok(fixture, "one");
    size_t size = 0;
    uint8_t *data = read_file(fixture, LISTS_FILE, &size);
    for (size_t at = 0; at < size; at += size / 23) {
        data[at] ^= 4;
        write_file(fixture, LISTS_FILE, data, size);
        data[at] ^= 4;
        assert_false(is_built(fixture, "one"));
        search(fixture, "one", 0, found, &plan);
        assert_memory_equal(found, exact, sizeof exact);
        assert_string_equal(plan, "flat");
    }
    for (size_t cut = 0; cut < size; cut += size / 7) {
        write_file(fixture, LISTS_FILE, data, cut);
        assert_false(is_built(fixture, "one"));
    }
    build_ok(fixture, "one"); /* what is damaged is built again */
    size_t again = 0;
    void *rebuilt = read_file(fixture, LISTS_FILE, &again);
    assert_int_equal(again, size);
    assert_memory_equal(rebuilt, data, size);
    mem_free(rebuilt);
    mem_free(data);
}

static void test_index__of_another_segment_is_ignored(void **state)
{
    const struct fixture *fixture = *state;
    fill(fixture->rows, DATA_CLUSTERS);
    import_data(fixture, "one", METRIC_L2, NULL, ROWS);
    build_ok(fixture, "one");
    size_t size = 0;
    void *data = read_file(fixture, LISTS_FILE, &size);
    fixture->rows[5] += 1.0F;
    import_data(fixture, "two", METRIC_L2, NULL, ROWS);
    write_file(fixture, "segments/2/000000.lists", data, size);
    assert_false(is_built(fixture, "two"));
    assert_true(is_built(fixture, "one"));
    mem_free(data);
}

static void test_index__survives_writers_and_is_dropped(void **state)
{
    const struct fixture *fixture = *state;
    struct database *database = NULL;
    struct snapshot *snapshot = NULL;
    size_t dropped = 0;
    fill(fixture->rows, DATA_CLUSTERS);
    import_data(fixture, "one", METRIC_L2, NULL, ROWS);
    build_ok(fixture, "one");
    write_file(fixture, LISTS_FILE ".tmp", "killed", 6);
    import_data(fixture, "two", METRIC_L2, NULL, 100); /* sweeps */
    assert_true(is_built(fixture, "one"));
    expect_ok(database_open(fixture->folder, DATABASE_WRITE, &database, err));
    expect_ok(database_snapshot(database, "one", &snapshot, err));
    expect_ok(index_drop(database, snapshot, &dropped, err));
    assert_int_equal(dropped, 1);
    snapshot_unref(snapshot);
    database_close(database);
    assert_false(is_built(fixture, "one"));
}

/* Each call of a build fails once: an error, and then the index is there or not, but never wrong.
 */
static void test_index__every_call_fails_once(void **state)
{
    const struct fixture *fixture = *state;
    static const enum fault_kind kinds[] = {FAULT_MALLOC, FAULT_OPEN,   FAULT_MAP,
                                            FAULT_WRITE,  FAULT_RENAME, FAULT_FSYNC};
    static const int reasons[] = {ENOMEM, EMFILE, EIO, ENOSPC, EIO, EIO};
    const struct index_options options = {.threads = 1, .is_forced = true, .is_lists_only = true};
    fill(fixture->rows, DATA_CLUSTERS);
    import_data(fixture, "one", METRIC_L2, NULL, INDEX_ROWS_MIN);
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        bool was_reached = true;
        for (size_t n = 0; was_reached; n += 1 + n / 4) {
            struct err failure = {0};
            size_t built = 0;
            fault_arm(kinds[k], n, reasons[k]);
            const enum err_code code = build(fixture, "one", &options, &built, &failure);
            was_reached = fault_disarm();
            if (code != ERR_OK)
                assert_true(strlen(failure.msg) > 10);
            else
                assert_int_equal(built, 1);
            if (!was_reached)
                assert_int_equal(code, ERR_OK);
        }
    }
    assert_true(is_built(fixture, "one"));
}

/* With all lists and all rows the lists find what the scan finds: no row is lost, dead ones stay
 * dead. */
static void test_index__every_live_row_is_in_a_list(void **state)
{
    const struct fixture *fixture = *state;
    struct sample sample;
    const struct sample_options options = {.metric = METRIC_L2,
                                           .dim = 12,
                                           .segments = 1,
                                           .rows = 4000,
                                           .seed = 3,
                                           .has_dead = true,
                                           .folder = fixture->folder};
    const struct sample_job job = {.name = "one", .token = "job", .link = true};
    char *target = scratch_path(fixture->folder, "db");
    char *path = scratch_path(fixture->folder, "db/" LISTS_FILE);
    struct database *database = NULL;
    struct snapshot *snapshot = NULL;
    sample_init(&sample, &options);
    expect_ok(sample_migrate_to(target, &sample, &job, err));
    expect_ok(database_open(target, DATABASE_READ, &database, err));
    expect_ok(database_snapshot(database, "one", &snapshot, err));
    struct segment *segment = &snapshot->segments[0];
    const struct kernel *kernel = NULL;
    expect_ok(kernel_select(NULL, &kernel, err));
    const struct lists_build_options build = {.segment = segment,
                                              .metric = METRIC_L2,
                                              .dim = 12,
                                              .threads = 2,
                                              .memory_max = 1 << 20,
                                              .kernel = kernel};
    expect_ok(lists_build(&build, path, err));
    segment_open_indexes(segment, target, METRIC_L2, 12);
    assert_true(segment->facts.dead_rows > 0 && lists_are_sound(segment->lists));
    const uint32_t live = (uint32_t)(segment->facts.rows - segment->facts.dead_rows);
    struct scan scan;
    const struct scan_request query = {.kernel = kernel,
                                       .metric = METRIC_L2,
                                       .dim = 12,
                                       .queries = sample.data[0].vectors,
                                       .query_count = 1};
    expect_ok(scan_init(&scan, &query, err));
    const struct lists_rung rung = {segment->lists->header.lists, live, INFINITY};
    const struct lists_request request = {.lists = segment->lists,
                                          .segment = segment,
                                          .kernel = code_kernel_for(kernel),
                                          .scan = &scan,
                                          .least = -INFINITY,
                                          .most = INFINITY,
                                          .rungs = {rung, rung, rung}};
    struct lists_scratch scratch = {0};
    struct topk topk;
    struct lists_answer answer;
    expect_ok(topk_init(&topk, 4000, false, err));
    expect_ok(lists_search(&request, &scratch, &topk, &answer, err));
    assert_true(answer.is_enough);
    assert_int_equal(topk_finish(&topk), live);
    for (size_t i = 0; i < live; i++)
        assert_true(sample_is_live(&sample, 0, (size_t)topk.hits[i].ordinal));
    topk_release(&topk);
    lists_scratch_release(&scratch);
    scan_release(&scan);
    lists_close(segment->lists); /* opened here, into a view of the segment */
    segment->lists = NULL;
    snapshot_unref(snapshot);
    database_close(database);
    sample_release(&sample);
    mem_free(target);
    mem_free(path);
}

#define INDEX_TEST(name) cmocka_unit_test_setup_teardown(test_index__##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        INDEX_TEST(clusters_keep_the_levels),
        INDEX_TEST(other_data_keep_the_levels),
        INDEX_TEST(strange_queries_keep_the_levels),
        INDEX_TEST(twins_have_the_same_scores),
        INDEX_TEST(ids_that_repeat_do_not_shorten_answers),
        INDEX_TEST(nan_and_infinite_rows_do_no_harm),
        INDEX_TEST(same_bytes_everywhere),
        INDEX_TEST(damage_is_only_slower),
        INDEX_TEST(of_another_segment_is_ignored),
        INDEX_TEST(survives_writers_and_is_dropped),
        INDEX_TEST(every_call_fails_once),
        INDEX_TEST(every_live_row_is_in_a_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
