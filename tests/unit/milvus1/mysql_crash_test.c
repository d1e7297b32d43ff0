/* mysql_crash_test.c: merges and compactions that a crash left half done in MySQL. */
#include "world.h"

static struct world *mysql_world(void)
{
    struct world *world = world_new();
    world->located.meta.kind = META_MYSQL;
    return world;
}

/* Segments 100 {1, 2, dead 3} and 200 {4}; their merge 300 is NEW_MERGE, made at 1000. The first
 * `deleted` of the sources are TO_DELETE. */
static struct world *merge(size_t deleted)
{
    struct world *world = mysql_world();
    world_segment(world, "c", "100", IDS(1, 2, 3), 0)->row_count = 2;
    world_deleted(world, "c", "100", (const int32_t[]){2}, 1);
    world_segment(world, "c", "200", IDS(4), 0);
    struct meta_file *result = world_segment(world, "c", "300", IDS(1, 2, 4), 0);
    result->file_type = META_FILE_NEW_MERGE;
    result->created_on = 1000;
    for (size_t k = 0; k < deleted; k++) {
        world->files[k].file_type = META_FILE_TO_DELETE;
        world->files[k].updated_time = 1001;
    }
    return world;
}

static void test_mysql_crash__merge_not_ended(void **state)
{
    (void)state;
    struct world *world = merge(0);
    world_open(world);
    world_rows(world, "c", "_default", "1 2 4");
    assert_int_equal(world->installation->base.description.findings.count, 0);
    world_free(world);
}

static void test_mysql_crash__result_is_read(void **state)
{
    (void)state;
    struct world *world = merge(2);
    world_open(world);
    world_rows(world, "c", "_default", "1 2 4");
    world_has(world, "merge-interrupted", FINDING_WARNING);
    assert_int_equal(source_find(&world->installation->base, "c")->segment_count, 1);
    assert_int_equal(world_finding(world, "merge-interrupted")->rows, 3);
    world_free(world);
}

static void test_mysql_crash__some_sources_still_live(void **state)
{
    (void)state;
    struct world *world = merge(1);
    world_open(world);
    world_rows(world, "c", "_default", "1 2 4");
    world_has(world, "merge-interrupted", FINDING_WARNING);
    assert_int_equal(world_finding(world, "merge-interrupted")->rows, 2);
    world_free(world);
}

static void test_mysql_crash__result_is_cut(void **state)
{
    (void)state;
    struct world *world = merge(2);
    memory_put(&world->memory, "/db/tables/c/300/s.uid", "", 0);
    world_open(world);
    world_rows(world, "c", "_default", "1 2 4");
    assert_int_equal(source_find(&world->installation->base, "c")->segment_count, 2);
    world_free(world);
}

static void test_mysql_crash__older_deletes_are_no_sources(void **state)
{
    (void)state;
    struct world *world = merge(2);
    world->files[0].updated_time = world->files[1].updated_time = 999;
    world_open(world);
    world_rows(world, "c", "_default", "");
    world_free(world);
}

static void test_mysql_crash__sqlite_has_transactions(void **state)
{
    (void)state;
    struct world *world = merge(2);
    world->located.meta.kind = META_SQLITE;
    world_open(world);
    world_rows(world, "c", "_default", "");
    world_free(world);
}

static struct world *compaction(int64_t shift)
{
    struct world *world = mysql_world();
    world_segment(world, "c", "100", IDS(1, 2, 3), 0)->row_count = 2;
    world_deleted(world, "c", "100", (const int32_t[]){1}, 1);
    world_segment(world, "c", "200", IDS(1, 3), shift);
    return world;
}

static void test_mysql_crash__compacted_and_original(void **state)
{
    (void)state;
    struct world *world = compaction(0);
    world_open(world);
    world_rows(world, "c", "_default", "1 3");
    world_has(world, "compaction-interrupted", FINDING_WARNING);
    world_free(world);
}

static void test_mysql_crash__other_vectors_are_no_copy(void **state)
{
    (void)state;
    struct world *world = compaction(7);
    world_open(world);
    world_rows(world, "c", "_default", "1 3 1:8 3:10");
    world_free(world);
}

static void test_mysql_crash__copy_of_a_whole_segment_is_no_compaction(void **state)
{
    (void)state;
    struct world *world = mysql_world();
    world_segment(world, "c", "100", IDS(1, 3), 0);
    world_segment(world, "c", "200", IDS(1, 3), 0);
    world_open(world);
    world_rows(world, "c", "_default", "1 3 1 3");
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mysql_crash__merge_not_ended),
        cmocka_unit_test(test_mysql_crash__result_is_read),
        cmocka_unit_test(test_mysql_crash__some_sources_still_live),
        cmocka_unit_test(test_mysql_crash__result_is_cut),
        cmocka_unit_test(test_mysql_crash__older_deletes_are_no_sources),
        cmocka_unit_test(test_mysql_crash__sqlite_has_transactions),
        cmocka_unit_test(test_mysql_crash__compacted_and_original),
        cmocka_unit_test(test_mysql_crash__other_vectors_are_no_copy),
        cmocka_unit_test(test_mysql_crash__copy_of_a_whole_segment_is_no_compaction),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
