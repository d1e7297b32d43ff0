/* writer_faults_test.c: memory that ends, a disk that fails, many threads at once. After a failure
 * what was acknowledged is there, and the next change works. */
#include "rows_fixture.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#define ROWS 120

static const struct collection_name name_c = {.name = "c"};
static struct fixture shared_fixture;

static void insert_range(struct fixture *fixture, int64_t first, size_t count, uint32_t version)
{
    int64_t keys[ROWS];
    for (size_t k = 0; k < count; k++)
        keys[k] = first + (int64_t)k;
    assert_int_equal(fixture_insert(fixture, "c", keys, count, version), ERR_OK);
}

/* Which call fails. */
struct fault {
    enum fault_kind kind;
    size_t n;
    int errno_value;
};

/* Insert, replace, delete, seal, merge: one small life. The fault is armed when the rows are made.
 */
static enum err_code live_once(struct fixture *fixture, const struct fault *fault, struct err *err)
{
    static uint32_t version = 10;
    struct fixture_rows rows;
    int64_t keys[40];
    struct mutation_result result;
    for (size_t k = 0; k < 40; k++)
        keys[k] = (int64_t)(k + ROWS - 20);
    version++;
    fixture_rows_make(&rows, keys, 40, version, false);
    if (fault != NULL)
        fault_arm(fault->kind, fault->n, fault->errno_value);
    const struct mutation insert = {.insert = &rows.batch};
    const struct mutation remove = {.delete_keys = &rows.columns[FIXTURE_KEY]};
    enum err_code code = writer_apply(fixture->writer, name_c, &insert, &result, err);
    if (code == ERR_OK)
        code = writer_flush(fixture->writer, name_c, err);
    if (code == ERR_OK)
        code = writer_apply(fixture->writer, name_c, &remove, &result, err);
    if (code == ERR_OK)
        code = writer_compact(fixture->writer, name_c, NULL, err);
    fixture_rows_free(&rows);
    return code;
}

static void expect_old_rows(struct fixture *fixture)
{
    struct snapshot *snapshot = NULL;
    struct err err;
    assert_int_equal(writer_snapshot(fixture->writer, name_c, &snapshot, &err), ERR_OK);
    for (int64_t key = 0; key < ROWS - 20; key++)
        assert_int_equal(fixture_find(snapshot, key), 1);
    snapshot_unref(snapshot);
}

static void fail_calls(enum fault_kind kind, int errno_value, size_t step)
{
    const struct writer_options options = {.no_background = true};
    struct fixture fixture;
    struct err err;
    fixture_open(&fixture, scratch("db"), &options);
    assert_int_equal(fixture_create(&fixture, "c", false, &err), ERR_OK);
    insert_range(&fixture, 0, ROWS, 1);
    bool was_reached = true;
    size_t failures = 0;
    for (size_t n = 0; was_reached; n += step) {
        const struct fault fault = {kind, n, errno_value};
        (void)!live_once(&fixture, &fault, &err);
        was_reached = fault_disarm();
        failures += was_reached;
        if (n % (step * 8) == 0)
            expect_old_rows(&fixture);
        const enum err_code code = live_once(&fixture, NULL, &err);
        if (code != ERR_OK)
            print_error("after call %zu: %s\n", n, err.msg);
        assert_int_equal(code, ERR_OK);
    }
    assert_true(failures > 3);
    expect_old_rows(&fixture);
    fixture_close(&fixture);
    fixture_open(&fixture, scratch("db"), &options);
    expect_old_rows(&fixture);
    fixture_close(&fixture);
}

static void test_writer_faults__writing_fails(void **state)
{
    (void)state;
    fail_calls(FAULT_WRITE, ENOSPC, 3);
}

static void test_writer_faults__commit_fails(void **state)
{
    (void)state;
    fail_calls(FAULT_COMMIT, EIO, 1);
}

static void test_writer_faults__sync_fails(void **state)
{
    (void)state;
    fail_calls(FAULT_FSYNC, EIO, 1);
}

static void test_writer_faults__memory_ends(void **state)
{
    (void)state;
    fail_calls(FAULT_MALLOC, ENOMEM, 5);
}

static void test_writer_faults__rename_fails(void **state)
{
    (void)state;
    fail_calls(FAULT_RENAME, EIO, 1);
}

/* ------------------------------------------------------------------------------ threads */

static atomic_bool is_over;
static atomic_size_t wrong;

/* Keys of its own, 1000 apart; each round with a new version. */
static void *write_rows(void *argument)
{
    const int64_t first = (int64_t)(intptr_t)argument * 1000;
    int64_t keys[50];
    uint64_t deleted = 0;
    for (uint32_t version = 1; version <= 30; version++) {
        for (size_t k = 0; k < 50; k++)
            keys[k] = first + (int64_t)((k * 7 + version * 13) % 200);
        if (fixture_insert(&shared_fixture, "c", keys, 50, version) != ERR_OK)
            atomic_fetch_add(&wrong, 1);
        if (version % 3 == 0 && fixture_delete(&shared_fixture, "c", keys, 20, &deleted) != ERR_OK)
            atomic_fetch_add(&wrong, 1);
    }
    return NULL;
}

static void *search_rows(void *argument)
{
    float query[FIXTURE_DIM] = {1, 2, 3, 4, 5, 6, 7, 8};
    (void)argument;
    while (!atomic_load(&is_over)) {
        struct snapshot *snapshot = NULL;
        struct search_result result;
        struct err err;
        const struct search_request request = {
            .queries = query, .query_count = 1, .dim = FIXTURE_DIM, .k = 10, .threads = 1};
        if (writer_snapshot(shared_fixture.writer, name_c, &snapshot, &err) != ERR_OK) {
            atomic_fetch_add(&wrong, 1);
            continue;
        }
        if (search_run(snapshot, &request, &result, &err) == ERR_OK) {
            for (size_t k = 0; k < result.counts[0]; k++) {
                struct rows_segment facts;
                rows_segment(snapshot, result.segments[k], &facts);
                if (facts.dead != NULL &&
                    (facts.dead[result.rows[k] / 64] >> result.rows[k] % 64 & 1) != 0)
                    atomic_fetch_add(&wrong, 1);
            }
            search_result_release(&result);
        } else {
            atomic_fetch_add(&wrong, 1);
        }
        snapshot_unref(snapshot);
    }
    return NULL;
}

static void *settle_rows(void *argument)
{
    (void)argument;
    while (!atomic_load(&is_over)) {
        struct err err;
        if (writer_flush(shared_fixture.writer, name_c, &err) != ERR_OK ||
            writer_compact(shared_fixture.writer, name_c, NULL, &err) != ERR_OK)
            atomic_fetch_add(&wrong, 1);
    }
    return NULL;
}

/* Every key in one row at most. */
static void check_unique(void)
{
    struct snapshot *snapshot = NULL;
    struct err err;
    uint64_t rows = 0;
    assert_int_equal(writer_snapshot(shared_fixture.writer, name_c, &snapshot, &err), ERR_OK);
    for (int64_t key = 0; key < 3000; key++)
        rows += fixture_find(snapshot, key) != 0;
    assert_int_equal(snapshot_facts(snapshot)->rows, rows);
    snapshot_unref(snapshot);
}

static void test_writer_faults__many_threads(void **state)
{
    (void)state;
    const struct writer_options options = {.segment_rows = 300};
    pthread_t threads[6];
    struct err err;
    fixture_open(&shared_fixture, scratch("db"), &options);
    assert_int_equal(fixture_create(&shared_fixture, "c", false, &err), ERR_OK);
    atomic_store(&is_over, false);
    atomic_store(&wrong, 0);
    for (size_t k = 0; k < 3; k++)
        assert_int_equal(pthread_create(&threads[k], NULL, write_rows, (void *)(intptr_t)k), 0);
    assert_int_equal(pthread_create(&threads[3], NULL, search_rows, NULL), 0);
    assert_int_equal(pthread_create(&threads[4], NULL, search_rows, NULL), 0);
    assert_int_equal(pthread_create(&threads[5], NULL, settle_rows, NULL), 0);
    for (size_t k = 0; k < 3; k++)
        assert_int_equal(pthread_join(threads[k], NULL), 0);
    atomic_store(&is_over, true);
    for (size_t k = 3; k < 6; k++)
        assert_int_equal(pthread_join(threads[k], NULL), 0);
    assert_int_equal(atomic_load(&wrong), 0);
    check_unique();
    fixture_close(&shared_fixture);
    fixture_open(&shared_fixture, scratch("db"), &options);
    check_unique();
    fixture_close(&shared_fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_writer_faults__writing_fails),
        SCRATCH_TEST(test_writer_faults__commit_fails),
        SCRATCH_TEST(test_writer_faults__sync_fails),
        SCRATCH_TEST(test_writer_faults__memory_ends),
        SCRATCH_TEST(test_writer_faults__rename_fails),
        SCRATCH_TEST(test_writer_faults__many_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
