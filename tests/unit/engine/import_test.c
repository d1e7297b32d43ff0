/* import_test.c: rows from arrays: new and existing collections, ids given or made up, refusals. */
#include "sample.h"

#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "engine/cursor.h"
#include "engine/import.h"

struct fixture {
    char *folder;
    struct database *database;
};

static const float vectors[5][2] = {{1, 2}, {3, 4}, {5, 6}, {7, 8}, {9, 10}};
static const int64_t ids[5] = {50, 40, 30, 20, 10};

static int setup(void **state)
{
    struct fixture *fixture = mem_zalloc(1, sizeof *fixture);
    fixture->folder = scratch_make();
    char *target = scratch_path(fixture->folder, "db");
    expect_ok(database_open(target, DATABASE_CREATE, &fixture->database, err));
    mem_free(target);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    database_close(fixture->database);
    scratch_remove(fixture->folder);
    mem_free(fixture);
    return 0;
}

static struct import_request plain_request(void)
{
    return (struct import_request){
        .collection = "new", .dim = 2, .ids = ids, .vectors = (const uint8_t *)vectors, .rows = 5};
}

/* Rows in id order: their ids, and the first float of each. */
static void expect_rows(const struct fixture *fixture, size_t count, const int64_t *expected_ids,
                        const float *expected_values)
{
    struct snapshot *snapshot = NULL;
    struct cursor *cursor = NULL;
    struct cursor_batch batch;
    expect_ok(database_snapshot(fixture->database, "new", &snapshot, err));
    expect_ok(cursor_open(snapshot, NULL, &cursor, err));
    expect_ok(cursor_next(cursor, &batch, err));
    assert_int_equal(batch.rows, count);
    for (size_t k = 0; k < count; k++) {
        float value;
        memcpy(&value, batch.vectors + k * 8, sizeof value);
        assert_true(batch.ids[k] == expected_ids[k]);
        assert_true(value == expected_values[k]);
    }
    cursor_close(cursor);
    snapshot_unref(snapshot);
}

static void test_import__makes_a_collection(void **state)
{
    const struct fixture *fixture = *state;
    const struct import_request request = plain_request();
    struct import_result result;
    struct collection_list list;
    expect_ok(import_rows(fixture->database, &request, &result, err));
    assert_true(result.is_new);
    assert_int_equal(result.rows, 5);
    expect_rows(fixture, 5, (const int64_t[]){10, 20, 30, 40, 50}, (const float[]){9, 7, 5, 3, 1});
    expect_ok(database_list(fixture->database, &list, err));
    assert_int_equal(list.items[0].metric, METRIC_L2);
    assert_false(list.items[0].has_auto_ids);
    assert_true(list.items[0].may_have_duplicates);
    collection_list_release(&list);
}

static void test_import__made_up_ids_count_on(void **state)
{
    const struct fixture *fixture = *state;
    struct import_request request = plain_request();
    struct import_result result;
    request.ids = NULL;
    request.rows = 2;
    expect_ok(import_rows(fixture->database, &request, &result, err));
    assert_true(result.first_id == 0);
    expect_ok(import_rows(fixture->database, &request, &result, err));
    assert_true(result.first_id == 2);
    assert_false(result.is_new);
    expect_rows(fixture, 4, (const int64_t[]){0, 1, 2, 3}, (const float[]){1, 3, 1, 3});
    request.ids = (const int64_t[]){INT64_MAX - 1, 5};
    expect_ok(import_rows(fixture->database, &request, &result, err));
    request.ids = NULL;
    struct err failure = {0};
    assert_int_equal(import_rows(fixture->database, &request, &result, &failure), ERR_INVALID);
}

static void test_import__into_a_partition(void **state)
{
    const struct fixture *fixture = *state;
    struct import_request request = plain_request();
    struct import_result result;
    struct collection_list list;
    request.partition = "p";
    expect_ok(import_rows(fixture->database, &request, &result, err));
    expect_ok(database_list(fixture->database, &list, err));
    assert_int_equal(list.items[0].partition_count, 2);
    assert_int_equal(list.items[0].partitions[0].rows, 0);
    assert_string_equal(list.items[0].partitions[1].name, "p");
    assert_int_equal(list.items[0].partitions[1].rows, 5);
    collection_list_release(&list);
}

static void test_import__refusals_change_nothing(void **state)
{
    const struct fixture *fixture = *state;
    struct import_result result;
    struct collection_list list;
    struct import_request wrong[6];
    expect_ok(import_rows(fixture->database,
                          &(struct import_request){.collection = "old",
                                                   .dim = 2,
                                                   .metric = METRIC_IP,
                                                   .vectors = (const uint8_t *)vectors,
                                                   .rows = 5},
                          &result, err));
    for (size_t k = 0; k < 6; k++)
        wrong[k] = plain_request();
    wrong[0].metric = METRIC_HAMMING; /* floats */
    wrong[1].dim = 0;
    wrong[2].collection = "";
    wrong[3].collection = "old";
    wrong[3].dim = 1;
    wrong[4].collection = "old";
    wrong[4].metric = METRIC_L2;
    wrong[5].is_binary = true;
    wrong[5].dim = 12;
    for (size_t k = 0; k < 6; k++) {
        struct err failure = {0};
        assert_int_equal(import_rows(fixture->database, &wrong[k], &result, &failure), ERR_INVALID);
    }
    expect_ok(database_list(fixture->database, &list, err));
    assert_int_equal(list.count, 1);
    assert_int_equal(list.items[0].rows, 5);
    collection_list_release(&list);
}

static void test_import__no_rows_make_an_empty_collection(void **state)
{
    const struct fixture *fixture = *state;
    struct import_request request = plain_request();
    struct import_result result;
    request.rows = 0;
    expect_ok(import_rows(fixture->database, &request, &result, err));
    expect_rows(fixture, 0, NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_import__makes_a_collection, setup, teardown),
        cmocka_unit_test_setup_teardown(test_import__made_up_ids_count_on, setup, teardown),
        cmocka_unit_test_setup_teardown(test_import__into_a_partition, setup, teardown),
        cmocka_unit_test_setup_teardown(test_import__refusals_change_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_import__no_rows_make_an_empty_collection, setup,
                                        teardown),
    };
    return cmocka_run_group_tests_name("import", tests, NULL, NULL);
}
