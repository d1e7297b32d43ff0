/* define_test.c: databases, collections, fields, partitions, indexes, aliases and users: made,
 * changed, dropped, refused; and all of it there after the end of the process. */
#include "rows_fixture.h"

static struct fixture fixture;
static const struct collection_name name_c = {.name = "c"};

static void start(void)
{
    struct err err;
    fixture_open(&fixture, scratch("db"), NULL);
    assert_int_equal(fixture_create(&fixture, "c", false, &err), ERR_OK);
}

static struct snapshot *snapshot_of(struct collection_name name)
{
    struct snapshot *snapshot = NULL;
    struct err err;
    assert_int_equal(writer_snapshot(fixture.writer, name, &snapshot, &err), ERR_OK);
    return snapshot;
}

static enum err_code look(struct collection_name name)
{
    struct snapshot *snapshot = NULL;
    struct err err;
    const enum err_code code = writer_snapshot(fixture.writer, name, &snapshot, &err);
    snapshot_unref(snapshot);
    return code;
}

static void insert_keys(int64_t first, size_t count)
{
    int64_t keys[100];
    for (size_t k = 0; k < count; k++)
        keys[k] = first + (int64_t)k;
    assert_int_equal(fixture_insert(&fixture, "c", keys, count, 1), ERR_OK);
}

static uint64_t rows_of(struct collection_name name)
{
    struct snapshot *snapshot = snapshot_of(name);
    const uint64_t rows = snapshot_facts(snapshot)->rows;
    snapshot_unref(snapshot);
    return rows;
}

static void test_define__databases(void **state)
{
    (void)state;
    struct err err;
    struct arena arena;
    struct database_item *items = NULL;
    size_t count = 0;
    const struct collection_name in_other = {"other", "c"};
    start();
    assert_int_equal(define_create_database(fixture.writer, "other", "{\"a\":\"1\"}", &err),
                     ERR_OK);
    assert_int_equal(define_create_database(fixture.writer, "other", NULL, &err), ERR_EXISTS);
    assert_int_equal(define_create_database(fixture.writer, "a/b", NULL, &err), ERR_INVALID);
    assert_int_equal(look(in_other), ERR_NO_COLLECTION);
    insert_keys(0, 10);
    assert_int_equal(define_rename_collection(fixture.writer, name_c, in_other, &err), ERR_OK);
    assert_int_equal(look(name_c), ERR_NO_COLLECTION);
    assert_int_equal(rows_of(in_other), 10);
    assert_int_equal(define_drop_database(fixture.writer, "other", &err), ERR_STATE);
    assert_int_equal(define_drop_database(fixture.writer, "default", &err), ERR_STATE);
    fixture_close(&fixture);
    fixture_open(&fixture, scratch("db"), NULL);
    arena_init(&arena, 1 << 20);
    assert_int_equal(define_list_databases(fixture.writer, &arena, &items, &count, &err), ERR_OK);
    assert_int_equal(count, 2);
    assert_string_equal(items[0].name, "default");
    assert_string_equal(items[1].properties, "{\"a\":\"1\"}");
    struct collection_info *infos = NULL;
    assert_int_equal(define_list_collections(fixture.writer, "other", &arena, &infos, &count, &err),
                     ERR_OK);
    assert_int_equal(count, 1);
    assert_string_equal(infos[0].name, "c");
    assert_string_equal(infos[0].database, "other");
    arena_release(&arena);
    assert_int_equal(define_drop_collection(fixture.writer, in_other, &err), ERR_OK);
    assert_int_equal(define_drop_database(fixture.writer, "other", &err), ERR_OK);
    assert_int_equal(define_drop_database(fixture.writer, "other", &err), ERR_NOT_FOUND);
    fixture_close(&fixture);
}

static void test_define__aliases(void **state)
{
    (void)state;
    struct err err;
    const struct collection_name alias = {.name = "a"};
    start();
    assert_int_equal(fixture_create(&fixture, "d", false, &err), ERR_OK);
    insert_keys(0, 5);
    assert_int_equal(define_alter_alias(fixture.writer, name_c, "a", &err), ERR_NOT_FOUND);
    assert_int_equal(define_create_alias(fixture.writer, name_c, "a", &err), ERR_OK);
    assert_int_equal(define_create_alias(fixture.writer, name_c, "a", &err), ERR_EXISTS);
    assert_int_equal(define_create_alias(fixture.writer, name_c, "d", &err), ERR_EXISTS);
    assert_int_equal(rows_of(alias), 5);
    assert_int_equal(define_drop_collection(fixture.writer, name_c, &err), ERR_STATE);
    assert_int_equal(
        define_alter_alias(fixture.writer, (struct collection_name){.name = "d"}, "a", &err),
        ERR_OK);
    assert_int_equal(rows_of(alias), 0);
    struct snapshot *snapshot = snapshot_of(name_c);
    assert_int_equal(snapshot_info(snapshot)->alias_count, 0);
    snapshot_unref(snapshot);
    assert_int_equal(define_drop_alias(fixture.writer, NULL, "a", &err), ERR_OK);
    assert_int_equal(look(alias), ERR_NO_COLLECTION);
    assert_int_equal(define_drop_alias(fixture.writer, NULL, "a", &err), ERR_NOT_FOUND);
    assert_int_equal(define_drop_collection(fixture.writer, name_c, &err), ERR_OK);
    fixture_close(&fixture);
}

/* Rows of one partition, and of all. */
static void test_define__partitions(void **state)
{
    (void)state;
    struct err err;
    struct fixture_rows rows;
    struct mutation_result result;
    const int64_t keys[] = {1000, 1001, 1002};
    start();
    insert_keys(0, 10);
    fixture_rows_make(&rows, keys, 3, 1, false);
    rows.batch.partition = "a";
    const struct mutation insert = {.insert = &rows.batch};
    assert_int_equal(writer_apply(fixture.writer, name_c, &insert, &result, &err),
                     ERR_NO_PARTITION);
    assert_int_equal(define_create_partition(fixture.writer, name_c, "a", &err), ERR_OK);
    assert_int_equal(define_create_partition(fixture.writer, name_c, "a", &err), ERR_EXISTS);
    assert_int_equal(writer_apply(fixture.writer, name_c, &insert, &result, &err), ERR_OK);
    assert_int_equal(rows_of(name_c), 13);
    /* Made later, but before the other one in order: rows keep their partition. */
    assert_int_equal(define_create_partition(fixture.writer, name_c, "Z", &err), ERR_OK);
    assert_int_equal(writer_flush(fixture.writer, name_c, &err), ERR_OK);
    struct snapshot *snapshot = snapshot_of(name_c);
    size_t index = 0;
    assert_int_equal(snapshot_partition(snapshot, "a", &index, &err), ERR_OK);
    assert_int_equal(snapshot_facts(snapshot)->partitions[index].rows, 3);
    snapshot_unref(snapshot);
    const struct mutation remove = {.delete_keys = &rows.columns[FIXTURE_KEY],
                                    .delete_partition = "Z"};
    assert_int_equal(writer_apply(fixture.writer, name_c, &remove, &result, &err), ERR_OK);
    assert_int_equal(result.deleted, 0);
    fixture_rows_free(&rows);
    assert_int_equal(define_drop_partition(fixture.writer, name_c, "_default", &err), ERR_STATE);
    assert_int_equal(define_drop_partition(fixture.writer, name_c, "a", &err), ERR_OK);
    assert_int_equal(rows_of(name_c), 10);
    fixture_close(&fixture);
    fixture_open(&fixture, scratch("db"), NULL);
    assert_int_equal(rows_of(name_c), 10);
    fixture_close(&fixture);
}

static void expect_added(size_t index, int64_t key, bool is_null, int64_t value)
{
    struct snapshot *snapshot = snapshot_of(name_c);
    struct place place;
    struct row_set set;
    struct err err;
    const struct column keys = {.type = FIELD_INT64, .width = 8, .rows = 1, .values = &key};
    assert_int_equal(rows_find(snapshot, &keys, NULL, &place, &err), ERR_OK);
    assert_true(place.segment != PLACE_NONE);
    const struct rows_fetch fetch = {
        .places = &place, .count = 1, .fields = &index, .field_count = 1};
    assert_int_equal(rows_fetch(snapshot, &fetch, &set, &err), ERR_OK);
    assert_int_equal(column_is_null(&set.columns[0], 0), is_null);
    if (!is_null)
        assert_int_equal(((const int64_t *)set.columns[0].values)[0], value);
    row_set_release(&set);
    snapshot_unref(snapshot);
}

/* Older rows, sealed and growing, read as null or as the default. */
static void test_define__add_field(void **state)
{
    (void)state;
    struct err err;
    struct fixture_rows rows;
    struct mutation_result result;
    const struct field null = {.name = "x", .type = FIELD_INT64, .is_nullable = true};
    const struct field seven = {.name = "y", .type = FIELD_INT64, .default_value = "7"};
    const struct field none = {.name = "z", .type = FIELD_INT64};
    const int64_t key = 500;
    const int64_t value = 42;
    start();
    insert_keys(0, 10);
    assert_int_equal(writer_flush(fixture.writer, name_c, &err), ERR_OK);
    insert_keys(10, 10);
    assert_int_equal(define_add_field(fixture.writer, name_c, &none, &err), ERR_INVALID);
    assert_int_equal(define_add_field(fixture.writer, name_c, &null, &err), ERR_OK);
    assert_int_equal(define_add_field(fixture.writer, name_c, &null, &err), ERR_INVALID);
    assert_int_equal(define_add_field(fixture.writer, name_c, &seven, &err), ERR_OK);
    fixture_rows_make(&rows, &key, 1, 1, false);
    struct column columns[FIXTURE_FIELDS + 1];
    memcpy(columns, rows.columns, sizeof rows.columns);
    columns[FIXTURE_FIELDS] =
        (struct column){.type = FIELD_INT64, .width = 8, .rows = 1, .values = &value};
    const struct row_batch batch = {
        .rows = 1, .columns = columns, .column_count = FIXTURE_FIELDS + 1};
    const struct mutation insert = {.insert = &batch};
    assert_int_equal(writer_apply(fixture.writer, name_c, &insert, &result, &err), ERR_OK);
    fixture_rows_free(&rows);
    for (int pass = 0; pass < 3; pass++) {
        expect_added(FIXTURE_FIELDS, 5, true, 0);
        expect_added(FIXTURE_FIELDS + 1, 5, false, 7);
        expect_added(FIXTURE_FIELDS, 15, true, 0);
        expect_added(FIXTURE_FIELDS + 1, 15, false, 7);
        expect_added(FIXTURE_FIELDS, 500, false, 42);
        expect_added(FIXTURE_FIELDS + 1, 500, false, 7);
        if (pass == 0) {
            fixture_close(&fixture);
            fixture_open(&fixture, scratch("db"), NULL);
        } else {
            assert_int_equal(writer_compact(fixture.writer, name_c, NULL, &err), ERR_OK);
        }
    }
    fixture_close(&fixture);
}

static void test_define__indexes_and_settings(void **state)
{
    (void)state;
    struct err err;
    const struct declared_index scalar = {.name = "i", .field = "n", .params = "{}"};
    const struct declared_index wrong = {.name = "j", .field = "w", .metric = METRIC_HAMMING};
    const struct declared_index cosine = {.name = "v", .field = "v", .metric = METRIC_IP};
    struct collection_change change = {
        .properties = "{\"p\":\"q\"}", .state = "mine", .consistency = -1, .is_loaded = 1};
    start();
    insert_keys(0, 5);
    assert_int_equal(define_create_index(fixture.writer, name_c, &scalar, &err), ERR_OK);
    assert_int_equal(define_create_index(fixture.writer, name_c, &wrong, &err), ERR_INVALID);
    assert_int_equal(define_create_index(fixture.writer, name_c, &cosine, &err), ERR_EXISTS);
    assert_int_equal(define_drop_index(fixture.writer, name_c, "v", &err), ERR_OK);
    assert_int_equal(define_drop_index(fixture.writer, name_c, "v", &err), ERR_NOT_FOUND);
    assert_int_equal(define_create_index(fixture.writer, name_c, &cosine, &err), ERR_OK);
    assert_int_equal(define_alter_collection(fixture.writer, name_c, &change, &err), ERR_OK);
    fixture_close(&fixture);
    fixture_open(&fixture, scratch("db"), NULL);
    struct snapshot *snapshot = snapshot_of(name_c);
    const struct collection_info *info = snapshot_info(snapshot);
    assert_int_equal(snapshot_facts(snapshot)->metric, METRIC_IP);
    assert_int_equal(info->index_count, 2);
    assert_string_equal(info->properties, "{\"p\":\"q\"}");
    assert_string_equal(info->state, "mine");
    assert_true(info->is_loaded);
    snapshot_unref(snapshot);
    assert_int_equal(define_truncate_collection(fixture.writer, name_c, &err), ERR_OK);
    assert_int_equal(rows_of(name_c), 0);
    insert_keys(0, 5);
    assert_int_equal(rows_of(name_c), 5);
    fixture_close(&fixture);
}

static void test_define__users(void **state)
{
    (void)state;
    struct err err;
    struct arena arena;
    struct user_item *items = NULL;
    size_t count = 0;
    start();
    assert_int_equal(define_put_user(fixture.writer, "root", "one", &err), ERR_OK);
    assert_int_equal(define_put_user(fixture.writer, "root", "two", &err), ERR_OK);
    assert_int_equal(define_put_user(fixture.writer, "ada", "three", &err), ERR_OK);
    assert_int_equal(define_drop_user(fixture.writer, "bob", &err), ERR_NOT_FOUND);
    arena_init(&arena, 1 << 20);
    assert_int_equal(define_list_users(fixture.writer, &arena, &items, &count, &err), ERR_OK);
    assert_int_equal(count, 2);
    assert_string_equal(items[1].secret, "two");
    arena_release(&arena);
    fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_define__databases),
        SCRATCH_TEST(test_define__aliases),
        SCRATCH_TEST(test_define__partitions),
        SCRATCH_TEST(test_define__add_field),
        SCRATCH_TEST(test_define__indexes_and_settings),
        SCRATCH_TEST(test_define__users),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
