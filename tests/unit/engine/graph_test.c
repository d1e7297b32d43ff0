/* graph_test.c: what GRAPH promises. Each level's recall, on data of several kinds and without the
 * lists' help; the same file from any number of threads and any instruction set; damage, faults and
 * foreign files never show; all nodes are linked. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "index_sample.h"

#include "base/bitmap.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/mem.h"
#include "engine/calibrate.h"
#include "engine/graph_search.h"
#include "engine/snapshot_internal.h"
#include "kernel/kernel.h"

static void build_ok(const struct fixture *fixture, const char *name)
{
    const struct index_options options = {.threads = 2, .keeps_graphs = true};
    size_t built = 0;
    expect_ok(build(fixture, name, &options, &built, err));
    assert_int_equal(built, 1);
}

static void remove_file(const struct fixture *fixture, const char *file)
{
    char *path = scratch_path(fixture->folder, file);
    expect_ok(file_remove(path, err));
    mem_free(path);
}

/* Every level keeps its promise, by the graph alone. */
static void expect_levels(const struct fixture *fixture, const char *name, const char *lists)
{
    static int64_t exact[QUERIES * K], found[QUERIES * K];
    const char *plan = NULL;
    search(fixture, name, 0, exact, &plan);
    assert_string_equal(plan, "flat");
    build_ok(fixture, name);
    remove_file(fixture, lists);
    for (unsigned level = 1; level < SEARCH_LEVEL_MAX; level++) {
        search(fixture, name, level, found, &plan);
        if (level <= SEARCH_LEVEL_DEFAULT)
            assert_string_equal(plan, "graph");
        const double recall = recall_of(found, exact);
        if (recall < (double)calibrate_targets[level - 1] - 0.01)
            fail_msg("level %u of %s: recall %.4f, %.4f promised", level, name, recall,
                     (double)calibrate_targets[level - 1]);
    }
}

static void test_graph__clusters_keep_the_levels(void **state)
{
    const struct fixture *fixture = *state;
    fill(fixture->rows, DATA_CLUSTERS);
    import_data(fixture, "l2", METRIC_L2, NULL, ROWS);
    expect_levels(fixture, "l2", "segments/1/000000.lists");
    import_data(fixture, "cosine", METRIC_COSINE, NULL, ROWS);
    expect_levels(fixture, "cosine", "segments/2/000000.lists");
    import_data(fixture, "ip", METRIC_IP, NULL, ROWS);
    expect_levels(fixture, "ip", "segments/3/000000.lists");
}

static void test_graph__other_data_keep_the_levels(void **state)
{
    const struct fixture *fixture = *state;
    fill(fixture->rows, DATA_UNIFORM);
    import_data(fixture, "uniform", METRIC_L2, NULL, ROWS);
    expect_levels(fixture, "uniform", "segments/1/000000.lists");
    fill(fixture->rows, DATA_OUTLIER);
    import_data(fixture, "outlier", METRIC_L2, NULL, ROWS);
    expect_levels(fixture, "outlier", "segments/2/000000.lists");
}

static void test_graph__strange_queries_keep_the_levels(void **state)
{
    const struct fixture *fixture = *state;
    fill(fixture->rows, DATA_OTHER_QUERIES);
    import_data(fixture, "other", METRIC_L2, NULL, ROWS);
    expect_levels(fixture, "other", LISTS_FILE);
}

/* Of equal rows others may be found than the exact scan shows: which kind they are of is compared.
 */
static void test_graph__twins_have_the_same_scores(void **state)
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
    remove_file(fixture, LISTS_FILE);
    search(fixture, "twins", 9, found, &plan);
    search(fixture, "twins", 10, exact, &plan);
    size_t same = 0;
    for (size_t i = 0; i < QUERIES * K; i++)
        same += found[i] % 1000 == exact[i] % 1000;
    assert_true(same >= QUERIES * K * 98 / 100);
}

/* 9,000 equal rows among others: one heap that no walk may get lost in. */
static void test_graph__a_heap_of_equal_rows(void **state)
{
    const struct fixture *fixture = *state;
    static int64_t found[QUERIES * K], exact[QUERIES * K];
    const char *plan = NULL;
    fill(fixture->rows, DATA_CLUSTERS);
    for (size_t i = 1; i < 9000; i++)
        memcpy(fixture->rows + i * DIM, fixture->rows, DIM * sizeof(float));
    import_data(fixture, "heap", METRIC_L2, NULL, ROWS);
    build_ok(fixture, "heap");
    remove_file(fixture, LISTS_FILE);
    search(fixture, "heap", 9, found, &plan);
    search(fixture, "heap", 10, exact, &plan);
    size_t same = 0;
    for (size_t i = 0; i < QUERIES * K; i++)
        same += found[i] == exact[i] || (found[i] < 9000 && exact[i] < 9000);
    assert_true(same >= QUERIES * K * 98 / 100);
}

static void test_graph__nan_and_infinite_rows_do_no_harm(void **state)
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
    remove_file(fixture, LISTS_FILE);
    search(fixture, "one", 9, found, &plan);
    search(fixture, "one", 10, exact, &plan);
    assert_true(recall_of(found, exact) >= 0.98);
    assert_memory_equal(found + K, exact + K, K * sizeof found[0]);
}

static void test_graph__same_bytes_everywhere(void **state)
{
    const struct fixture *fixture = *state;
    const struct kernel *kernels[KERNEL_TABLES_MAX];
    const size_t kernel_count = kernel_list(kernels);
    fill(fixture->rows, DATA_CLUSTERS);
    import_data(fixture, "one", METRIC_L2, NULL, INDEX_ROWS_MIN);
    build_ok(fixture, "one");
    size_t size = 0;
    void *expected = read_file(fixture, GRAPH_FILE, &size);
    for (size_t i = 0; i < kernel_count; i++) {
        const struct index_options options = {.threads = i % 2 == 0 ? 1 : 3,
                                              .isa = kernels[i]->isa,
                                              .is_forced = true,
                                              .keeps_graphs = true};
        size_t built = 0;
        size_t found_size = 0;
        expect_ok(build(fixture, "one", &options, &built, err));
        void *found = read_file(fixture, GRAPH_FILE, &found_size);
        assert_int_equal(found_size, size);
        assert_memory_equal(found, expected, size);
        mem_free(found);
    }
    mem_free(expected);
}

static bool has_graph(const struct fixture *fixture, const char *name)
{
    struct database *database = NULL;
    struct snapshot *snapshot = NULL;
    struct index_facts facts;
    expect_ok(database_open(fixture->folder, DATABASE_READ, &database, err));
    expect_ok(database_snapshot(database, name, &snapshot, err));
    index_describe(database, snapshot, 0, &facts);
    snapshot_unref(snapshot);
    database_close(database);
    return facts.has_graph;
}

static void test_graph__damage_is_only_slower(void **state)
{
    const struct fixture *fixture = *state;
    static int64_t exact[QUERIES * K], found[QUERIES * K];
    const char *plan = NULL;
    fill(fixture->rows, DATA_CLUSTERS);
    import_data(fixture, "one", METRIC_L2, NULL, ROWS);
    search(fixture, "one", 0, exact, &plan);
    build_ok(fixture, "one");
    remove_file(fixture, LISTS_FILE);
    size_t size = 0;
    uint8_t *data = read_file(fixture, GRAPH_FILE, &size);
    for (size_t at = 0; at < size; at += size / 11) {
        data[at] ^= 4;
        write_file(fixture, GRAPH_FILE, data, size);
        data[at] ^= 4;
        assert_false(has_graph(fixture, "one"));
        search(fixture, "one", 0, found, &plan);
        assert_memory_equal(found, exact, sizeof exact);
        assert_string_equal(plan, "flat");
    }
    for (size_t cut = 0; cut < size; cut += size / 7) {
        write_file(fixture, GRAPH_FILE, data, cut);
        assert_false(has_graph(fixture, "one"));
    }
    build_ok(fixture, "one"); /* what is damaged is built again */
    size_t again = 0;
    void *rebuilt = read_file(fixture, GRAPH_FILE, &again);
    assert_int_equal(again, size);
    assert_memory_equal(rebuilt, data, size);
    mem_free(rebuilt);
    mem_free(data);
}

static void test_graph__of_another_segment_is_ignored(void **state)
{
    const struct fixture *fixture = *state;
    fill(fixture->rows, DATA_CLUSTERS);
    import_data(fixture, "one", METRIC_L2, NULL, ROWS);
    build_ok(fixture, "one");
    size_t size = 0;
    void *data = read_file(fixture, GRAPH_FILE, &size);
    fixture->rows[5] += 1.0F;
    import_data(fixture, "two", METRIC_L2, NULL, ROWS);
    write_file(fixture, "segments/2/000000.graph", data, size);
    assert_false(has_graph(fixture, "two"));
    assert_true(has_graph(fixture, "one"));
    mem_free(data);
}

static void test_graph__survives_writers_and_is_dropped(void **state)
{
    const struct fixture *fixture = *state;
    struct database *database = NULL;
    struct snapshot *snapshot = NULL;
    size_t dropped = 0;
    char *path = scratch_path(fixture->folder, GRAPH_FILE);
    char *temporary = scratch_path(fixture->folder, GRAPH_FILE ".tmp");
    fill(fixture->rows, DATA_CLUSTERS);
    import_data(fixture, "one", METRIC_L2, NULL, ROWS);
    build_ok(fixture, "one");
    write_file(fixture, GRAPH_FILE ".tmp", "killed", 6);
    import_data(fixture, "two", METRIC_L2, NULL, 100); /* sweeps */
    assert_true(has_graph(fixture, "one"));
    assert_false(file_exists(temporary));
    expect_ok(database_open(fixture->folder, DATABASE_WRITE, &database, err));
    expect_ok(database_snapshot(database, "one", &snapshot, err));
    expect_ok(index_drop(database, snapshot, &dropped, err));
    assert_int_equal(dropped, 1);
    snapshot_unref(snapshot);
    database_close(database);
    assert_false(has_graph(fixture, "one"));
    assert_false(file_exists(path));
    mem_free(path);
    mem_free(temporary);
}

/* Each call of a build fails once: an error, and then the graph is there or not, but never wrong.
 */
static void test_graph__every_call_fails_once(void **state)
{
    const struct fixture *fixture = *state;
    static const enum fault_kind kinds[] = {FAULT_MALLOC, FAULT_OPEN,   FAULT_MAP,
                                            FAULT_WRITE,  FAULT_RENAME, FAULT_FSYNC};
    static const int reasons[] = {ENOMEM, EMFILE, EIO, ENOSPC, EIO, EIO};
    const struct index_options lists = {.threads = 1, .is_lists_only = true};
    const struct index_options options = {.threads = 1, .keeps_graphs = true};
    size_t built = 0;
    fill(fixture->rows, DATA_CLUSTERS);
    import_data(fixture, "one", METRIC_L2, NULL, INDEX_ROWS_MIN);
    expect_ok(build(fixture, "one", &lists, &built, err));
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        bool was_reached = true;
        for (size_t n = 0; was_reached; n = 3 * n + 1) {
            struct err failure = {0};
            remove_file(fixture, GRAPH_FILE);
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
    assert_true(has_graph(fixture, "one"));
}

/* Each node can be reached from the heads; its links are of other nodes, none twice. */
static void test_graph__all_nodes_are_linked(void **state)
{
    const struct fixture *fixture = *state;
    struct database *database = NULL;
    struct snapshot *snapshot = NULL;
    fill(fixture->rows, DATA_CLUSTERS);
    import_data(fixture, "one", METRIC_L2, NULL, ROWS);
    build_ok(fixture, "one");
    expect_ok(database_open(fixture->folder, DATABASE_READ, &database, err));
    expect_ok(database_snapshot(database, "one", &snapshot, err));
    struct graph *graph = snapshot->segments[0].graph;
    assert_true(graph_is_sound(graph));
    assert_int_equal(graph->header.nodes, ROWS);
    static uint64_t reached[ROWS / 64 + 1];
    static uint32_t queue[ROWS];
    size_t queued = 0;
    for (size_t i = 0; i < graph->header.head_groups * CODE_GROUP; i++)
        if (!bitmap_get(reached, graph->heads.nodes[i])) {
            bitmap_set(reached, graph->heads.nodes[i]);
            queue[queued++] = graph->heads.nodes[i];
        }
    for (size_t at = 0; at < queued; at++) {
        const uint32_t *links = graph->view.links + queue[at] * graph->view.degree;
        for (size_t i = 0; i < graph->view.degree && links[i] != queue[at]; i++) {
            for (size_t j = 0; j < i; j++)
                assert_int_not_equal(links[i], links[j]);
            if (!bitmap_get(reached, links[i])) {
                bitmap_set(reached, links[i]);
                queue[queued++] = links[i];
            }
        }
    }
    assert_int_equal(queued, ROWS);
    static uint64_t rows[ROWS / 64 + 1];
    for (size_t node = 0; node < ROWS; node++) {
        assert_false(bitmap_get(rows, graph->rows[node]));
        bitmap_set(rows, graph->rows[node]);
    }
    snapshot_unref(snapshot);
    database_close(database);
}

/* Half of the rows pass: hits are of that half and nearly all of them are found. */
static void test_graph__walks_through_what_a_filter_hides(void **state)
{
    const struct fixture *fixture = *state;
    struct database *database = NULL;
    struct snapshot *snapshot = NULL;
    static uint64_t allow[ROWS / 64 + 1];
    const uint64_t *allows[] = {allow};
    fill(fixture->rows, DATA_CLUSTERS);
    import_data(fixture, "one", METRIC_L2, NULL, ROWS);
    build_ok(fixture, "one");
    remove_file(fixture, LISTS_FILE);
    for (size_t row = 0; row < ROWS; row++)
        if (row * 7919 % 100 < 40)
            bitmap_set(allow, row);
    expect_ok(database_open(fixture->folder, DATABASE_READ, &database, err));
    expect_ok(database_snapshot(database, "one", &snapshot, err));
    struct search_request request = {.queries = fixture->rows + ROWS * DIM,
                                     .query_count = 1,
                                     .dim = DIM,
                                     .k = K,
                                     .allow = allows};
    size_t hits = 0;
    for (size_t q = 0; q < QUERIES; q++) {
        struct search_result found, exact;
        request.queries = fixture->rows + (ROWS + q) * DIM;
        request.level = 3;
        expect_ok(search_run(snapshot, &request, &found, err));
        request.level = SEARCH_LEVEL_MAX;
        expect_ok(search_run(snapshot, &request, &exact, err));
        assert_string_equal(found.stats.plan, "graph");
        assert_int_equal(found.counts[0], K);
        for (size_t i = 0; i < K; i++) {
            assert_true(bitmap_get(allow, found.rows[i]));
            for (size_t j = 0; j < K; j++)
                hits += found.rows[i] == exact.rows[j];
        }
        search_result_release(&found);
        search_result_release(&exact);
    }
    assert_true((double)hits >= 0.955 * QUERIES * K);
    snapshot_unref(snapshot);
    database_close(database);
}

/* Rows that die later are never hits, and the others are still found. */
static void test_graph__rows_that_died_later(void **state)
{
    const struct fixture *fixture = *state;
    struct database *database = NULL;
    struct snapshot *snapshot = NULL;
    static uint64_t dead[ROWS / 64 + 1];
    fill(fixture->rows, DATA_CLUSTERS);
    import_data(fixture, "one", METRIC_L2, NULL, ROWS);
    build_ok(fixture, "one");
    remove_file(fixture, LISTS_FILE);
    expect_ok(database_open(fixture->folder, DATABASE_READ, &database, err));
    expect_ok(database_snapshot(database, "one", &snapshot, err));
    struct segment *segment = &snapshot->segments[0];
    for (size_t row = 0; row < ROWS; row += 7) {
        bitmap_set(dead, row);
        segment->facts.dead_rows++;
    }
    segment->dead = dead;
    size_t hits = 0;
    for (size_t q = 0; q < QUERIES; q++) {
        struct search_result found, exact;
        struct search_request request = {.queries = fixture->rows + (ROWS + q) * DIM,
                                         .query_count = 1,
                                         .dim = DIM,
                                         .k = K,
                                         .level = SEARCH_LEVEL_DEFAULT};
        expect_ok(search_run(snapshot, &request, &found, err));
        request.level = SEARCH_LEVEL_MAX;
        expect_ok(search_run(snapshot, &request, &exact, err));
        assert_string_equal(found.stats.plan, "graph");
        for (size_t i = 0; i < K; i++) {
            assert_false(bitmap_get(dead, found.rows[i]));
            for (size_t j = 0; j < K; j++)
                hits += found.rows[i] == exact.rows[j];
        }
        search_result_release(&found);
        search_result_release(&exact);
    }
    assert_true((double)hits >= 0.955 * QUERIES * K);
    segment->dead = NULL;
    segment->facts.dead_rows = 0;
    snapshot_unref(snapshot);
    database_close(database);
}

/* A set on which lists do as well keeps no graph, and is not tried again. */
static void test_graph__needless_ones_are_remembered(void **state)
{
    const struct fixture *fixture = *state;
    const struct index_options options = {.threads = 2};
    size_t built = 0;
    fill(fixture->rows, DATA_CLUSTERS);
    import_data(fixture, "one", METRIC_L2, NULL, ROWS);
    expect_ok(build(fixture, "one", &options, &built, err));
    assert_int_equal(built, 1);
    expect_ok(build(fixture, "one", &options, &built, err));
    assert_int_equal(built, 0);
}

#define GRAPH_TEST(name) cmocka_unit_test_setup_teardown(test_graph__##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        GRAPH_TEST(clusters_keep_the_levels),
        GRAPH_TEST(other_data_keep_the_levels),
        GRAPH_TEST(strange_queries_keep_the_levels),
        GRAPH_TEST(twins_have_the_same_scores),
        GRAPH_TEST(a_heap_of_equal_rows),
        GRAPH_TEST(nan_and_infinite_rows_do_no_harm),
        GRAPH_TEST(same_bytes_everywhere),
        GRAPH_TEST(damage_is_only_slower),
        GRAPH_TEST(of_another_segment_is_ignored),
        GRAPH_TEST(survives_writers_and_is_dropped),
        GRAPH_TEST(every_call_fails_once),
        GRAPH_TEST(all_nodes_are_linked),
        GRAPH_TEST(walks_through_what_a_filter_hides),
        GRAPH_TEST(rows_that_died_later),
        GRAPH_TEST(needless_ones_are_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
