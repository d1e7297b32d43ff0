/* lookup_test.c: get, count and the cursor over rows in id order. */
#include "sample.h"

#include <string.h>

#include "base/mem.h"
#include "engine/cursor.h"
#include "engine/lookup.h"

struct fixture {
    char *folder;
    char *target;
    struct sample sample;
    struct snapshot *snapshot;
};

static int setup(void **state)
{
    struct fixture *fixture = mem_zalloc(1, sizeof *fixture);
    struct database *database = NULL;
    const struct sample_options options = {METRIC_L2, 4, 3, 200, 0, 9, true, NULL};
    const struct sample_job job = {.name = "one", .token = "job-1"};
    fixture->folder = scratch_make();
    fixture->target = scratch_path(fixture->folder, "db");
    sample_init(&fixture->sample, &options);
    /* ids 0..199 in the first and the second segment, 400..599 in the third */
    for (size_t row = 0; row < 200; row++)
        fixture->sample.data[1].ids[row] -= 200;
    fixture->sample.collection.duplicate_ids = 1;
    expect_ok(sample_migrate_to(fixture->target, &fixture->sample, &job, err));
    expect_ok(database_open(fixture->target, DATABASE_READ, &database, err));
    expect_ok(database_snapshot(database, "one", &fixture->snapshot, err));
    database_close(database);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    snapshot_unref(fixture->snapshot);
    sample_release(&fixture->sample);
    scratch_remove(fixture->folder);
    mem_free(fixture->target);
    mem_free(fixture);
    return 0;
}

/* The first live row of an id, looking into segments from..to - 1; NULL when there is none. */
static const uint8_t *naive_get(const struct sample *sample, size_t from, size_t to, int64_t id)
{
    for (size_t k = from; k < to; k++)
        for (size_t row = 0; row < sample->data[k].rows; row++)
            if (sample->data[k].ids[row] == id && sample_is_live(sample, k, row))
                return sample->data[k].vectors + row * sample->collection.row_size;
    return NULL;
}

static void check_get(const struct fixture *fixture, const char *partition, size_t from, size_t to)
{
    int64_t ids[640];
    struct lookup_result result;
    for (size_t k = 0; k < 640; k++)
        ids[k] = (int64_t)((k * 37) % 620) - 5; /* some repeat, some are not there */
    expect_ok(lookup_get(fixture->snapshot, partition, ids, 640, &result, err));
    size_t found = 0;
    for (size_t k = 0; k < 640; k++) {
        const uint8_t *vector = naive_get(&fixture->sample, from, to, ids[k]);
        assert_int_equal(result.found[k], vector != NULL);
        found += vector != NULL;
        if (vector != NULL)
            assert_memory_equal(result.vectors + k * 16, vector, 16);
    }
    assert_int_equal(result.found_count, found);
    lookup_result_release(&result);
}

static void test_lookup__the_first_live_row_answers(void **state)
{
    check_get(*state, NULL, 0, 3);
}

static void test_lookup__within_a_partition(void **state)
{
    check_get(*state, "a b", 1, 2);
}

static void test_lookup__few_ids_and_none(void **state)
{
    const struct fixture *fixture = *state;
    const int64_t ids[3] = {450, -7, 450};
    struct lookup_result result;
    struct err failure = {0};
    expect_ok(lookup_get(fixture->snapshot, NULL, ids, 3, &result, err));
    const uint8_t *vector = naive_get(&fixture->sample, 0, 3, 450);
    assert_int_equal(result.found[0], vector != NULL);
    assert_int_equal(result.found[2], vector != NULL);
    assert_false(result.found[1]);
    lookup_result_release(&result);
    expect_ok(lookup_get(fixture->snapshot, NULL, ids, 0, &result, err));
    assert_int_equal(result.found_count, 0);
    lookup_result_release(&result);
    assert_int_equal(lookup_get(fixture->snapshot, "x", ids, 1, &result, &failure),
                     ERR_NO_PARTITION);
    assert_int_equal(
        lookup_get(fixture->snapshot, NULL, ids, LOOKUP_IDS_MAX + 1, &result, &failure),
        ERR_INVALID);
}

static void test_lookup__counts(void **state)
{
    const struct fixture *fixture = *state;
    uint64_t rows = 0;
    struct err failure = {0};
    expect_ok(lookup_count(fixture->snapshot, NULL, &rows, err));
    assert_int_equal(rows, fixture->sample.collection.live_rows);
    expect_ok(lookup_count(fixture->snapshot, "a b", &rows, err));
    assert_int_equal(rows, fixture->sample.segments[1].live_rows);
    assert_int_equal(lookup_count(fixture->snapshot, "x", &rows, &failure), ERR_NO_PARTITION);
    assert_non_null(strstr(failure.msg, "a b"));
}

static void test_lookup__cursor_of_a_partition(void **state)
{
    const struct fixture *fixture = *state;
    struct cursor *cursor = NULL;
    struct cursor_batch batch;
    expect_ok(cursor_open(fixture->snapshot, "a b", &cursor, err));
    assert_int_equal(cursor_rows(cursor), fixture->sample.segments[1].live_rows);
    expect_ok(cursor_next(cursor, &batch, err));
    assert_int_equal(batch.rows, fixture->sample.segments[1].live_rows);
    for (size_t k = 0; k < batch.rows; k++) {
        assert_true(k == 0 || batch.ids[k - 1] < batch.ids[k]);
        assert_memory_equal(batch.vectors + k * 16, naive_get(&fixture->sample, 1, 2, batch.ids[k]),
                            16);
    }
    cursor_close(cursor);
}

static void test_lookup__cursor_counts_duplicates(void **state)
{
    const struct fixture *fixture = *state;
    struct cursor *cursor = NULL;
    uint64_t ids = 0;
    uint64_t rows = 0;
    uint64_t expected = 0;
    for (int64_t id = 0; id < 200; id++)
        expected += naive_get(&fixture->sample, 0, 1, id) != NULL &&
                    naive_get(&fixture->sample, 1, 2, id) != NULL;
    expect_ok(cursor_open(fixture->snapshot, NULL, &cursor, err));
    cursor_count_duplicates(cursor, &ids, &rows);
    assert_int_equal(ids, expected);
    assert_int_equal(rows, expected);
    cursor_close(cursor);
}

static void test_lookup__marks_every_row_of_an_id(void **state)
{
    const struct fixture *fixture = *state;
    static int64_t ids[150];
    struct lookup_marks marks = {0};
    uint64_t rows = 0;
    for (size_t k = 0; k < 150; k++)
        ids[k] = (int64_t)k * 4; /* up to 596: in all three segments */
    expect_ok(lookup_mark(fixture->snapshot, ids, 150, &marks, err));
    assert_int_equal(marks.segment_count, snapshot_facts(fixture->snapshot)->segment_count);
    for (size_t k = 0; k < marks.segment_count; k++)
        for (size_t word = 0; word < 4; word++)
            rows += (uint64_t)__builtin_popcountll(marks.bitmaps[k][word]);
    uint64_t expected = 0;
    for (size_t k = 0; k < 3; k++)
        for (size_t row = 0; row < fixture->sample.data[k].rows; row++)
            expected += fixture->sample.data[k].ids[row] % 4 == 0 &&
                        sample_is_live(&fixture->sample, k, row);
    assert_int_equal(rows, expected); /* a copy has no dead rows */
    assert_int_equal(marks.rows, expected);
    lookup_marks_release(&marks);
    expect_ok(lookup_mark(fixture->snapshot, ids, 0, &marks, err));
    assert_int_equal(marks.rows, 0);
    lookup_marks_release(&marks);
    struct err failure = {0};
    assert_int_equal(
        lookup_mark(fixture->snapshot, ids, (size_t)LOOKUP_IDS_MAX + 1, &marks, &failure),
        ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_lookup__the_first_live_row_answers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lookup__within_a_partition, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lookup__few_ids_and_none, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lookup__marks_every_row_of_an_id, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lookup__counts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lookup__cursor_of_a_partition, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lookup__cursor_counts_duplicates, setup, teardown),
    };
    return cmocka_run_group_tests_name("lookup", tests, NULL, NULL);
}
