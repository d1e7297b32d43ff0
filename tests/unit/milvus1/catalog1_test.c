/* catalog1_test.c: which collections, partitions and segments live. */
#include "world.h"

static struct catalog1 catalog;
static struct arena arena;
static struct finding_list findings;

static void build(struct world *world)
{
    world->located.meta.where = "meta";
    world->located.meta.tables = world->tables;
    world->located.meta.table_count = world->table_count;
    world->located.meta.files = world->files;
    world->located.meta.file_count = world->file_count;
    arena_init(&arena, 1 << 24);
    finding_list_init(&findings, &arena);
    assert_int_equal(catalog1_build(&world->located.meta, &arena, &findings, &catalog, &world->err),
                     ERR_OK);
}

static void done(struct world *world)
{
    finding_list_release(&findings);
    arena_release(&arena);
    mem_free(world);
}

static void has(const char *code, enum finding_severity severity, const char *collection)
{
    for (size_t k = 0; k < findings.count; k++)
        if (strcmp(findings.items[k].code, code) == 0) {
            assert_int_equal(findings.items[k].severity, severity);
            assert_string_equal(findings.items[k].collection, collection);
            return;
        }
    fail_msg("no finding %s", code);
}

static void test_catalog1__names_are_sorted(void **state)
{
    (void)state;
    struct world *world = world_new();
    world_table(world, "b", "", "");
    world_table(world, "Z", "", "");
    world_table(world, "_x", "", "");
    build(world);
    assert_int_equal(catalog.collection_count, 4);
    assert_string_equal(catalog.collections[0].row->table_id, "Z");
    assert_string_equal(catalog.collections[1].row->table_id, "_x");
    assert_string_equal(catalog.collections[2].row->table_id, "b");
    assert_string_equal(catalog.collections[3].row->table_id, "c");
    assert_ptr_equal(catalog1_find(&catalog, "b", 1), &catalog.collections[2]);
    assert_null(catalog1_find(&catalog, "bb", 2));
    assert_null(catalog1_find(&catalog, "", 0));
    done(world);
}

static void test_catalog1__dropped_and_orphans(void **state)
{
    (void)state;
    struct world *world = world_new();
    world_table(world, "dropped", "", "")->state = META_TABLE_TO_DELETE;
    world_table(world, "71", "dropped", "p");
    world_table(world, "72", "vanished", "p");
    world_table(world, "73", "c", "gone")->state = META_TABLE_TO_DELETE;
    world_table(world, "74", "c", "p");
    build(world);
    assert_int_equal(catalog.collection_count, 1);
    assert_int_equal(catalog.table_count, 2);
    assert_int_equal(catalog.collections[0].tag_count, 2);
    assert_string_equal(catalog.collections[0].tags[1], "p");
    assert_int_equal(findings.count, 2);
    has("partition-orphan", FINDING_NOTE, "dropped");
    done(world);
}

static void test_catalog1__partition_of_another_dimension(void **state)
{
    (void)state;
    struct world *world = world_new();
    world_table(world, "70", "c", "old")->dimension = 3;
    world_table(world, "71", "c", "bits")->metric_type = METRIC_HAMMING;
    world_table(world, "../up", "c", "away");
    world_table(world, "72", "c", "new");
    build(world);
    assert_int_equal(catalog.table_count, 2);
    assert_int_equal(findings.count, 3);
    has("partition-mismatch", FINDING_DAMAGE, "c");
    done(world);
}

static void test_catalog1__refused_collections(void **state)
{
    (void)state;
    static const char *const hybrid[] = {"h", "long_gone"};
    struct world *world = world_new();
    world_table(world, "h", "", "");
    world_table(world, "zero", "", "")->dimension = 0;
    world_table(world, "huge", "", "")->dimension = DIMENSION_MAX + 1;
    struct meta_table *odd = world_table(world, "odd", "", "");
    odd->metric_type = METRIC_HAMMING;
    odd->dimension = 12;
    world_table(world, "metric", "", "")->metric_type = 8;
    world_table(world, "a/b", "", "");
    world_table(world, "70", "h", "p");
    const char *names[2] = {hybrid[0], hybrid[1]};
    world->located.meta.hybrid_tables = names;
    world->located.meta.hybrid_table_count = 2;
    build(world);
    assert_int_equal(catalog.collection_count, 1);
    assert_int_equal(catalog.table_count, 1);
    assert_int_equal(findings.count, 6);
    assert_int_equal(finding_count(&findings, FINDING_REFUSED), 6);
    has("hybrid-collection", FINDING_REFUSED, "h");
    has("metric-unknown", FINDING_REFUSED, "metric");
    has("collection-name", FINDING_REFUSED, "a/b");
    done(world);
}

static void test_catalog1__live_file_types(void **state)
{
    (void)state;
    struct world *world = world_new();
    world_file(world, "c", "10", "10", META_FILE_BACKUP); /* indexed: one segment, two rows */
    world_file(world, "c", "10", "11", META_FILE_INDEX);
    world_file(world, "c", "20", "20", META_FILE_TO_INDEX);
    world_file(world, "c", "20", "21", META_FILE_NEW_INDEX);
    world_file(world, "c", "30", "31", META_FILE_TO_DELETE); /* its index was dropped */
    world_file(world, "c", "30", "30", META_FILE_RAW);
    world_file(world, "c", "40", "41", META_FILE_INDEX); /* raw row lost */
    world_file(world, "c", "50", "50", META_FILE_NEW);
    world_file(world, "c", "51", "51", META_FILE_NEW_MERGE);
    world_file(world, "c", "52", "52", META_FILE_TO_DELETE);
    world_file(world, "other", "60", "60", META_FILE_RAW);
    build(world);
    const struct catalog1_table *table = &catalog.tables[0];
    assert_int_equal(table->segment_count, 4);
    static const char *const segments[] = {"10", "20", "30", "40"};
    static const uint64_t orders[] = {1, 3, 6, 7};
    for (size_t k = 0; k < 4; k++) {
        assert_string_equal(table->segments[k].segment_id, segments[k]);
        assert_int_equal(table->segments[k].order, orders[k]);
    }
    assert_int_equal(table->new_rows, 1);
    assert_false(table->segments[3].has_raw_row);
    done(world);
}

static void test_catalog1__order_is_that_of_the_raw_row(void **state)
{
    (void)state;
    struct world *world = world_new();
    world_file(world, "c", "20", "21", META_FILE_INDEX);
    world_file(world, "c", "10", "10", META_FILE_RAW);
    world_file(world, "c", "20", "20", META_FILE_BACKUP);
    build(world);
    assert_string_equal(catalog.tables[0].segments[0].segment_id, "10");
    assert_string_equal(catalog.tables[0].segments[1].segment_id, "20");
    assert_int_equal(catalog.tables[0].segments[1].order, 3);
    done(world);
}

static void test_catalog1__reserved_and_repeated_tags(void **state)
{
    (void)state;
    struct world *world = world_new();
    world_table(world, "70", "c", "_default");
    world_table(world, "71", "c", "p");
    world_table(world, "72", "c", "p");
    build(world);
    assert_int_equal(catalog.table_count, 4);
    assert_int_equal(catalog.collections[0].tag_count, 2);
    assert_true(catalog.collections[0].has_reserved_twin);
    assert_int_equal(catalog.tables[1].partition, 0);
    assert_int_equal(catalog.tables[3].partition, 1);
    has("partition-reserved-tag", FINDING_WARNING, "c");
    has("partition-twice", FINDING_WARNING, "c");
    done(world);
}

static void test_catalog1__lean_metadata(void **state)
{
    (void)state;
    struct world *world = world_new();
    world->tables[0].engine_type = 0;
    world_table(world, "1590000000000000000", "", "");
    world->located.meta.is_lean = true;
    build(world);
    assert_int_equal(catalog.collection_count, 2);
    assert_int_equal(findings.count, 2);
    has("metadata-lean", FINDING_WARNING, "");
    has("partition-without-owner", FINDING_WARNING, "1590000000000000000");
    done(world);
}

static void test_catalog1__index_names(void **state)
{
    (void)state;
    assert_string_equal(catalog1_index_name(1, METRIC_L2), "FLAT");
    assert_string_equal(catalog1_index_name(11, METRIC_IP), "HNSW");
    assert_string_equal(catalog1_index_name(1, METRIC_SUBSTRUCTURE), "BIN_FLAT");
    assert_string_equal(catalog1_index_name(2, METRIC_HAMMING), "BIN_IVF_FLAT");
    assert_string_equal(catalog1_index_name(0, METRIC_L2), "");
    assert_string_equal(catalog1_index_name(13, METRIC_L2), "");
    assert_string_equal(catalog1_index_name(-1, METRIC_L2), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_catalog1__names_are_sorted),
        cmocka_unit_test(test_catalog1__dropped_and_orphans),
        cmocka_unit_test(test_catalog1__partition_of_another_dimension),
        cmocka_unit_test(test_catalog1__refused_collections),
        cmocka_unit_test(test_catalog1__live_file_types),
        cmocka_unit_test(test_catalog1__order_is_that_of_the_raw_row),
        cmocka_unit_test(test_catalog1__reserved_and_repeated_tags),
        cmocka_unit_test(test_catalog1__lean_metadata),
        cmocka_unit_test(test_catalog1__index_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
