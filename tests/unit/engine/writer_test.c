/* writer_test.c: rows in, found, replaced, deleted, sealed, merged; by the server and by a reader.
 */
#include "rows_fixture.h"

#include "base/clock.h"
#include "base/sql.h"
#include "engine/import.h"
#include "engine/snapshot_segments.h"

static const struct collection_name name_c = {.name = "c"};

static struct snapshot *snapshot_of(struct fixture *fixture, const char *name)
{
    struct snapshot *snapshot = NULL;
    struct err err;
    assert_int_equal(
        writer_snapshot(fixture->writer, (struct collection_name){.name = name}, &snapshot, &err),
        ERR_OK);
    return snapshot;
}

static void insert_range(struct fixture *fixture, int64_t first, size_t count, uint32_t version)
{
    int64_t *keys = mem_alloc(count + 1, sizeof *keys);
    assert_non_null(keys);
    for (size_t k = 0; k < count; k++)
        keys[k] = first + (int64_t)k;
    assert_int_equal(fixture_insert(fixture, "c", keys, count, version), ERR_OK);
    mem_free(keys);
}

static uint64_t delete_range(struct fixture *fixture, int64_t first, size_t count)
{
    int64_t *keys = mem_alloc(count + 1, sizeof *keys);
    uint64_t deleted = 0;
    assert_non_null(keys);
    for (size_t k = 0; k < count; k++)
        keys[k] = first + (int64_t)k;
    assert_int_equal(fixture_delete(fixture, "c", keys, count, &deleted), ERR_OK);
    mem_free(keys);
    return deleted;
}

/* The nearest row of a key's own vector has distance 0. */
static void check_search(struct snapshot *snapshot, size_t field, int64_t key, uint32_t version)
{
    struct fixture_rows rows;
    struct snapshot *view = NULL;
    struct search_result result;
    struct err err;
    fixture_rows_make(&rows, &key, 1, version, false);
    assert_int_equal(snapshot_for_field(snapshot, field, &view, &err), ERR_OK);
    const struct search_request request = {.queries = rows.columns[FIXTURE_VECTOR].values,
                                           .query_count = 1,
                                           .dim = FIXTURE_DIM,
                                           .k = 1};
    assert_int_equal(search_run(view, &request, &result, &err), ERR_OK);
    assert_int_equal(result.counts[0], 1);
    assert_true(field == FIXTURE_VECTOR ? result.scores[0] == 0.0F : result.scores[0] > 0.999F);
    search_result_release(&result);
    fixture_rows_free(&rows);
}

static void check_life(bool has_text_keys)
{
    struct fixture fixture;
    struct err err;
    size_t made = 0;
    fixture_open(&fixture, scratch("db"), NULL);
    assert_int_equal(fixture_create(&fixture, "c", has_text_keys, &err), ERR_OK);
    insert_range(&fixture, 0, 1000, 1);
    struct snapshot *first = snapshot_of(&fixture, "c");
    assert_int_equal(snapshot_facts(first)->rows, 1000);
    check_search(first, FIXTURE_VECTOR, 17, 1);
    check_search(first, FIXTURE_SECOND, 17, 1);
    insert_range(&fixture, 500, 1000, 2);
    assert_int_equal(delete_range(&fixture, 100, 50), 50);
    assert_int_equal(delete_range(&fixture, 100, 50), 0);
    struct snapshot *second = snapshot_of(&fixture, "c");
    assert_int_equal(snapshot_facts(second)->rows, 1450);
    assert_int_equal(snapshot_facts(first)->rows, 1000);
    assert_int_equal(fixture_find(second, 99), 1);
    assert_int_equal(fixture_find(second, 120), 0);
    assert_int_equal(fixture_find(second, 500), 2);
    assert_int_equal(fixture_find(second, 1499), 2);
    assert_int_equal(fixture_find(first, 120), 1);
    assert_int_equal(fixture_find(first, 500), 1);
    assert_int_equal(writer_flush(fixture.writer, name_c, &err), ERR_OK);
    struct snapshot *third = snapshot_of(&fixture, "c");
    struct rows_segment facts;
    rows_segment(third, 0, &facts);
    assert_false(facts.is_growing);
    assert_int_equal(snapshot_facts(third)->rows, 1450);
    assert_int_equal(fixture_find(third, 99), 1);
    assert_int_equal(fixture_find(third, 120), 0);
    assert_int_equal(fixture_find(third, 500), 2);
    check_search(third, FIXTURE_VECTOR, 17, 1);
    check_search(third, FIXTURE_SECOND, 1017, 2);
    insert_range(&fixture, 50, 100, 3);
    assert_int_equal(delete_range(&fixture, 1000, 100), 100);
    assert_int_equal(writer_compact(fixture.writer, name_c, &made, &err), ERR_OK);
    assert_true(made > 0);
    struct snapshot *fourth = snapshot_of(&fixture, "c");
    assert_int_equal(snapshot_facts(fourth)->rows, 1400);
    assert_int_equal(snapshot_facts(fourth)->dead_rows, 0);
    assert_int_equal(fixture_find(fourth, 99), 3);
    assert_int_equal(fixture_find(fourth, 1050), 0);
    assert_int_equal(fixture_find(fourth, 500), 2);
    assert_int_equal(fixture_find(third, 1050), 2);
    snapshot_unref(first);
    snapshot_unref(second);
    snapshot_unref(third);
    snapshot_unref(fourth);
    fixture_close(&fixture);
}

static void test_writer__life_with_int_keys(void **state)
{
    (void)state;
    check_life(false);
}

static void test_writer__life_with_text_keys(void **state)
{
    (void)state;
    check_life(true);
}

static void check_reader(uint64_t rows)
{
    struct database *database = NULL;
    struct snapshot *snapshot = NULL;
    struct err err;
    assert_int_equal(database_open(scratch("db"), DATABASE_READ, &database, &err), ERR_OK);
    assert_int_equal(database_snapshot(database, "c", &snapshot, &err), ERR_OK);
    assert_int_equal(snapshot_facts(snapshot)->rows, rows);
    assert_int_equal(fixture_find(snapshot, 10), 0);
    assert_int_equal(fixture_find(snapshot, 150), 1);
    assert_int_equal(fixture_find(snapshot, 350), 2);
    snapshot_unref(snapshot);
    database_close(database);
}

/* What is pending and dead is there after the end of the process, for readers and writers. */
static void test_writer__reopen(void **state)
{
    (void)state;
    struct fixture fixture;
    struct err err;
    fixture_open(&fixture, scratch("db"), NULL);
    assert_int_equal(fixture_create(&fixture, "c", false, &err), ERR_OK);
    insert_range(&fixture, 0, 300, 1);
    assert_int_equal(writer_flush(fixture.writer, name_c, &err), ERR_OK);
    insert_range(&fixture, 200, 200, 2);
    assert_int_equal(delete_range(&fixture, 0, 40), 40);
    assert_int_equal(delete_range(&fixture, 390, 10), 10);
    check_reader(350);
    fixture_close(&fixture);
    check_reader(350);
    fixture_open(&fixture, scratch("db"), NULL);
    struct snapshot *snapshot = snapshot_of(&fixture, "c");
    assert_int_equal(snapshot_facts(snapshot)->rows, 350);
    snapshot_unref(snapshot);
    assert_int_equal(delete_range(&fixture, 40, 10), 10);
    assert_int_equal(delete_range(&fixture, 380, 10), 10);
    insert_range(&fixture, 40, 20, 1);
    assert_int_equal(writer_compact(fixture.writer, name_c, NULL, &err), ERR_OK);
    fixture_close(&fixture);
    check_reader(340);
}

static void import_floats(struct database *database, const int64_t *ids, uint64_t count)
{
    float vectors[30 * FIXTURE_DIM];
    struct import_result result;
    struct err err;
    for (size_t k = 0; k < 30 * FIXTURE_DIM; k++)
        vectors[k] = (float)k;
    const struct import_request request = {.collection = "c",
                                           .metric = METRIC_L2,
                                           .dim = FIXTURE_DIM,
                                           .ids = ids,
                                           .vectors = (const uint8_t *)vectors,
                                           .rows = count};
    assert_int_equal(import_rows(database, &request, &result, &err), ERR_OK);
}

static struct place find_id(struct snapshot *snapshot, int64_t id)
{
    struct place place;
    struct err err;
    const struct column keys = {.type = FIELD_INT64, .width = 8, .rows = 1, .values = &id};
    assert_int_equal(rows_find(snapshot, &keys, NULL, &place, &err), ERR_OK);
    return place;
}

static uint64_t delete_id(struct fixture *fixture, int64_t id)
{
    struct mutation_result result;
    struct err err;
    const struct column keys = {.type = FIELD_INT64, .width = 8, .rows = 1, .values = &id};
    const struct mutation mutation = {.delete_keys = &keys};
    assert_int_equal(writer_apply(fixture->writer, name_c, &mutation, &result, &err), ERR_OK);
    return result.deleted;
}

/* A folder from before there were rows that change: read as it is, then served; an id that stands
 * in two rows is deleted in both. */
static void test_writer__older_folder(void **state)
{
    (void)state;
    static const char drop[] =
        "DROP TABLE logical_database; DROP TABLE detail; DROP TABLE field;"
        "DROP TABLE declared_index; DROP TABLE alias; DROP TABLE user; DROP TABLE column_file;"
        "DROP TABLE pending; DROP TABLE dead;"
        "DELETE FROM meta WHERE key IN ('version', 'next_id', 'next_batch')";
    struct fixture fixture = {0};
    struct snapshot *snapshot = NULL;
    struct sql *sql = NULL;
    struct err err;
    int64_t ids[30];
    for (size_t k = 0; k < 30; k++)
        ids[k] = (int64_t)k / 2; /* each twice */
    assert_int_equal(database_open(scratch("db"), DATABASE_CREATE, &fixture.database, &err),
                     ERR_OK);
    import_floats(fixture.database, ids, 30);
    database_close(fixture.database);
    assert_int_equal(sql_open(scratch("db/catalog.sqlite"), &sql, &err), ERR_OK);
    assert_int_equal(sql_exec(sql, drop, &err), ERR_OK);
    sql_close(sql);
    assert_int_equal(database_open(scratch("db"), DATABASE_READ, &fixture.database, &err), ERR_OK);
    assert_int_equal(database_snapshot(fixture.database, "c", &snapshot, &err), ERR_OK);
    assert_int_equal(snapshot_facts(snapshot)->rows, 30);
    assert_true(snapshot_info(snapshot)->is_1x);
    assert_int_equal(find_id(snapshot, 7).row, 14); /* the first, as 1.x would */
    snapshot_unref(snapshot);
    database_close(fixture.database);
    for (int pass = 0; pass < 2; pass++) {
        fixture_open(&fixture, scratch("db"), NULL);
        snapshot = snapshot_of(&fixture, "c");
        assert_int_equal(snapshot_facts(snapshot)->rows, 30 - 2 * pass);
        assert_string_equal(snapshot_info(snapshot)->schema.fields[1].name, FIELD_1X_VECTOR);
        assert_int_equal(snapshot_info(snapshot)->index_count, 1);
        snapshot_unref(snapshot);
        if (pass == 0)
            assert_int_equal(delete_id(&fixture, 7), 2);
        fixture_close(&fixture);
    }
    fixture_open(&fixture, scratch("db"), NULL);
    assert_int_equal(writer_compact(fixture.writer, name_c, NULL, &err), ERR_OK);
    snapshot = snapshot_of(&fixture, "c");
    assert_int_equal(snapshot_facts(snapshot)->rows, 28);
    assert_int_equal(find_id(snapshot, 7).segment, PLACE_NONE);
    assert_int_equal(find_id(snapshot, 8).row, 14);
    snapshot_unref(snapshot);
    fixture_close(&fixture);
}

/* Rows of a segment that is a file. */
static bool has_sealed(struct fixture *fixture, const char *name)
{
    struct snapshot *snapshot = snapshot_of(fixture, name);
    bool is_sealed = false;
    for (size_t k = 0; k < snapshot_facts(snapshot)->segment_count; k++)
        is_sealed = is_sealed || snapshot_segment_facts(snapshot, k)->sums_hash != 0;
    snapshot_unref(snapshot);
    return is_sealed;
}

static void test_writer__growing_rows_of_all_are_limited(void **state)
{
    (void)state;
    const struct writer_options options = {.growing_max = 100000};
    struct fixture fixture;
    struct err err;
    fixture_open(&fixture, scratch("db"), &options);
    for (int round = 0; round < 2; round++) {
        const char *name = round == 0 ? "c" : "d";
        assert_int_equal(fixture_create(&fixture, name, false, &err), ERR_OK);
        int64_t keys[1000];
        for (size_t k = 0; k < 1000; k++)
            keys[k] = (int64_t)k;
        assert_int_equal(fixture_insert(&fixture, name, keys, round == 0 ? 1000 : 500, 1), ERR_OK);
        assert_false(round == 0 && has_sealed(&fixture, name)); /* alone it is below the limit */
    }
    while (!has_sealed(&fixture, "c")) /* the larger one; the test's own time limit ends this */
        clock_sleep_ns(1000000);
    assert_false(has_sealed(&fixture, "d"));
    struct snapshot *snapshot = snapshot_of(&fixture, "c");
    assert_int_equal(snapshot_facts(snapshot)->rows, 1000);
    assert_int_equal(fixture_find(snapshot, 999), 1);
    snapshot_unref(snapshot);
    fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_writer__life_with_int_keys),
        SCRATCH_TEST(test_writer__life_with_text_keys),
        SCRATCH_TEST(test_writer__reopen),
        SCRATCH_TEST(test_writer__older_folder),
        SCRATCH_TEST(test_writer__growing_rows_of_all_are_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
