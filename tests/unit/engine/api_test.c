/* api_test.c: search through the C interface: structs of an older library, levels, ranges, ids. */
#include <godwit.h>
#include <string.h>

#include "index_sample.h"

#define SMALL 300

struct world {
    struct godwit *database;
    struct godwit_collection *collection;
    int64_t ids[SMALL];
    float scores[SMALL];
    size_t count;
    struct godwit_error error;
};

static struct world open_world(const struct fixture *fixture)
{
    struct world world = {0};
    fill(fixture->rows, DATA_CLUSTERS);
    import_data(fixture, "one", METRIC_L2, NULL, SMALL);
    assert_int_equal(godwit_open(fixture->folder, &world.database, &world.error), GODWIT_OK);
    assert_int_equal(godwit_collection_open(world.database, "one", &world.collection, &world.error),
                     GODWIT_OK);
    return world;
}

static void close_world(struct world *world)
{
    godwit_collection_close(world->collection);
    godwit_close(world->database);
}

static struct godwit_search_request request_of(const struct fixture *fixture, size_t k)
{
    struct godwit_search_request request = GODWIT_SEARCH_INIT;
    request.queries = fixture->rows + 7 * DIM;
    request.query_count = 1;
    request.dimension = DIM;
    request.k = k;
    return request;
}

static int search_world(struct world *world, const struct godwit_search_request *request)
{
    return godwit_search(world->collection, request, world->ids, world->scores, &world->count,
                         &world->error);
}

static void test_api__older_structs_are_served(void **state)
{
    const struct fixture *fixture = *state;
    struct world world = open_world(fixture);
    struct godwit_search_request request = request_of(fixture, 3);
    request.struct_size = offsetof(struct godwit_search_request, level);
    request.level = 99; /* behind what the caller's struct has */
    request.has_radius = 1;
    assert_int_equal(search_world(&world, &request), GODWIT_OK);
    assert_int_equal(world.count, 3);
    assert_int_equal(world.ids[0], 7);
    request.struct_size--;
    assert_int_equal(search_world(&world, &request), GODWIT_ERROR_INVALID);
    request = request_of(fixture, 3);
    request.level = 99;
    assert_int_equal(search_world(&world, &request), GODWIT_ERROR_INVALID);
    close_world(&world);
}

static void test_api__ranges_and_ids(void **state)
{
    const struct fixture *fixture = *state;
    static const int64_t only[] = {7, 20, 41, 100000};
    struct world world = open_world(fixture);
    struct godwit_search_request request = request_of(fixture, SMALL);
    assert_int_equal(search_world(&world, &request), GODWIT_OK);
    const float radius = world.scores[50];
    const float from = world.scores[20];
    request.has_radius = request.has_range_filter = 1;
    request.radius = radius;
    request.range_filter = from;
    assert_int_equal(search_world(&world, &request), GODWIT_OK);
    assert_int_equal(world.count, 30);
    assert_true(world.scores[0] == from && world.scores[29] < radius);
    request = request_of(fixture, 10);
    request.only_ids = only;
    request.only_id_count = sizeof only / sizeof only[0];
    assert_int_equal(search_world(&world, &request), GODWIT_OK);
    assert_int_equal(world.count, 3);
    assert_int_equal(world.ids[0], 7);
    assert_int_equal(world.ids[1] + world.ids[2], 61);
    request.only_id_count = 0;
    assert_int_equal(search_world(&world, &request), GODWIT_OK);
    assert_int_equal(world.count, 0);
    close_world(&world);
}

/* What dies after an index was made is no hit, whichever index it is. */
static void expect_no_dead(const struct fixture *fixture, const char *name, bool is_lists_only)
{
    static int64_t dead[ROWS / 4];
    const struct index_options options = {.threads = 2, .is_lists_only = is_lists_only};
    struct world world = {0};
    size_t built = 0;
    uint64_t deleted = 0;
    import_data(fixture, name, METRIC_L2, NULL, ROWS);
    expect_ok(build(fixture, name, &options, &built, err));
    assert_true(built > 0);
    for (size_t i = 0; i < ROWS / 4; i++)
        dead[i] = (int64_t)(4 * i);
    assert_int_equal(godwit_open_writer(fixture->folder, &world.database, &world.error), GODWIT_OK);
    assert_int_equal(godwit_delete(world.database, name, dead, ROWS / 4, &deleted, &world.error),
                     GODWIT_OK);
    assert_int_equal(deleted, ROWS / 4);
    assert_int_equal(godwit_collection_open(world.database, name, &world.collection, &world.error),
                     GODWIT_OK);
    size_t same = 0;
    for (size_t q = 0; q < QUERIES; q++) {
        struct godwit_search_request request = request_of(fixture, K);
        int64_t exact[K];
        request.queries = fixture->rows + q * DIM; /* the first ones are dead rows themselves */
        request.level = SEARCH_LEVEL_MAX;
        assert_int_equal(search_world(&world, &request), GODWIT_OK);
        memcpy(exact, world.ids, sizeof exact);
        request.level = 3;
        assert_int_equal(search_world(&world, &request), GODWIT_OK);
        assert_int_equal(world.count, K);
        for (size_t i = 0; i < K; i++) {
            assert_true(world.ids[i] % 4 != 0);
            for (size_t j = 0; j < K; j++)
                same += world.ids[i] == exact[j];
        }
    }
    assert_true(same >= QUERIES * K * 95 / 100);
    close_world(&world);
}

static void test_api__what_died_is_not_found(void **state)
{
    const struct fixture *fixture = *state;
    fill(fixture->rows, DATA_CLUSTERS);
    expect_no_dead(fixture, "lists", true);
    expect_no_dead(fixture, "graph", false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_api__older_structs_are_served, setup, teardown),
        cmocka_unit_test_setup_teardown(test_api__ranges_and_ids, setup, teardown),
        cmocka_unit_test_setup_teardown(test_api__what_died_is_not_found, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
