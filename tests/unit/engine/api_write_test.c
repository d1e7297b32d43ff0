/* api_write_test.c: rows in and out through include/godwit.h alone. */
#include "scratch.h"

#include <godwit.h>

#define DIM 4
#define ROWS 100

static void insert(struct godwit *database, const char *partition, int64_t first, float shift)
{
    int64_t ids[ROWS];
    float vectors[ROWS * DIM];
    struct godwit_error error;
    for (size_t r = 0; r < ROWS; r++) {
        ids[r] = first + (int64_t)r;
        for (size_t j = 0; j < DIM; j++)
            vectors[r * DIM + j] = (float)(first + (int64_t)r) + shift + (float)j;
    }
    struct godwit_insert_request request = GODWIT_INSERT_INIT;
    request.collection = "c";
    request.partition = partition;
    request.ids = ids;
    request.vectors = vectors;
    request.count = ROWS;
    assert_int_equal(godwit_insert(database, &request, &error), GODWIT_OK);
}

static void expect_row(struct godwit *database, int64_t id, bool is_there, float first,
                       uint64_t rows)
{
    struct godwit_collection *collection = NULL;
    struct godwit_error error;
    float vector[DIM];
    uint8_t found = 0;
    uint64_t count = 0;
    assert_int_equal(godwit_collection_open(database, "c", &collection, &error), GODWIT_OK);
    assert_int_equal(godwit_get(collection, &id, 1, vector, &found, &error), GODWIT_OK);
    assert_int_equal(found, is_there);
    if (is_there)
        assert_true(vector[0] == first);
    assert_int_equal(godwit_count(collection, NULL, &count, &error), GODWIT_OK);
    assert_int_equal(count, rows);
    godwit_collection_close(collection);
}

static void test_api_write__life(void **state)
{
    (void)state;
    struct godwit *database = NULL;
    struct godwit *other = NULL;
    struct godwit_error error;
    const int64_t ids[] = {3, 4, 4000};
    uint64_t deleted = 0;
    assert_int_equal(godwit_open_writer(scratch("db"), &database, &error), GODWIT_OK);
    assert_int_equal(godwit_open_writer(scratch("db"), &other, &error), GODWIT_ERROR_LOCKED);
    assert_int_equal(godwit_create(database, "c", GODWIT_L2, DIM, &error), GODWIT_OK);
    insert(database, NULL, 0, 0.0F);
    insert(database, "p", 50, 0.5F);
    expect_row(database, 60, true, 60.5F, 150);
    assert_int_equal(godwit_delete(database, "c", ids, 3, &deleted, &error), GODWIT_OK);
    assert_int_equal(deleted, 2);
    expect_row(database, 3, false, 0.0F, 148);
    assert_int_equal(godwit_compact(database, "c", &error), GODWIT_OK);
    expect_row(database, 60, true, 60.5F, 148);
    godwit_close(database);
    assert_int_equal(godwit_open(scratch("db"), &database, &error), GODWIT_OK);
    expect_row(database, 7, true, 7.0F, 148);
    assert_int_equal(godwit_delete(database, "c", ids, 3, &deleted, &error), GODWIT_ERROR_INVALID);
    godwit_close(database);
}

int main(void)
{
    const struct CMUnitTest tests[] = {SCRATCH_TEST(test_api_write__life)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
