/* replay_test.c: what the write-ahead log does to rows: thresholds, tags, deletes, crashes, tails.
 * Through the whole reader (world.h), since a rule of the log is about rows, not about records. */
#include "world.h"

static void test_replay__pending_rows_and_deletes(void **state)
{
    (void)state;
    struct world *world = world_new();
    world_segment(world, "c", "100", IDS(1, 2, 3), 0);
    world->tables[0].flush_lsn = world_log(world, 0, WAL_INSERT_VECTOR, "c", "", IDS(1, 2, 3));
    world_log(world, 0, WAL_INSERT_VECTOR, "c", "", IDS(4, 5));
    world_log(world, 0, WAL_DELETE, "c", "", IDS(2, 5, 99));
    world_log(world, 0, WAL_INSERT_VECTOR, "c", "", IDS(2));
    world_open(world);
    world_rows(world, "c", "_default", "1 3 4 2");
    const struct source_collection *c = source_find(&world->installation->base, "c");
    assert_int_equal(c->log_rows, 2);
    assert_int_equal(c->deleted_rows, 1); /* row 5 never was in a segment */
    assert_int_equal(c->log_deleted_rows, 1);
    assert_int_equal(c->segment_count, 2);
    assert_string_equal(c->segments[1].name, "wal/c");
    assert_true(c->segments[1].is_log_only);
    assert_true(c->segments[1].order > c->segments[0].order);
    world_free(world);
}

static void test_replay__insert_after_delete_survives(void **state)
{
    (void)state;
    struct world *world = world_new();
    world_log(world, 0, WAL_INSERT_VECTOR, "c", "", IDS(1, 1));
    world_log(world, 0, WAL_DELETE, "c", "", IDS(1));
    world_log(world, 0, WAL_INSERT_VECTOR, "c", "", IDS(1));
    world_log(world, 0, WAL_DELETE, "c", "", IDS(1));
    world_log(world, 0, WAL_INSERT_VECTOR, "c", "", IDS(1, 2));
    world_open(world);
    world_rows(world, "c", "_default", "1 2");
    world_free(world);
}

static void test_replay__single_delete_kills_every_copy(void **state)
{
    (void)state;
    struct world *world = world_new();
    world_log(world, 0, WAL_INSERT_VECTOR, "c", "", IDS(1, 1, 1, 2, 2, 3));
    world_log(world, 0, WAL_DELETE, "c", "", IDS(1));
    world_log(world, 0, WAL_DELETE, "c", "", IDS(2, 9));
    world_log(world, 0, WAL_DELETE, "c", "", IDS(3));
    world_log(world, 0, WAL_INSERT_VECTOR, "c", "", IDS(3, 3));
    world_open(world);
    world_rows(world, "c", "_default", "3 3");
    world_has(world, "log-single-delete", FINDING_NOTE);
    assert_int_equal(world_finding(world, "log-single-delete")->rows, 2);
    world_free(world);
}

static void test_replay__threshold_is_per_table(void **state)
{
    (void)state;
    struct world *world = world_new();
    struct meta_table *p = world_table(world, "70", "c", "p");
    world_segment(world, "70", "100", IDS(9), 0);
    world_log(world, 0, WAL_INSERT_VECTOR, "c", "", IDS(4));
    world_log(world, 0, WAL_DELETE, "c", "", IDS(9));
    p->flush_lsn = world_log(world, 0, WAL_INSERT_VECTOR, "c", "p", IDS(9));
    world_open(world);
    world_rows(world, "c", "_default", "4");
    world_rows(world, "c", "p", "9");
    world_free(world);
}

static void test_replay__global_lsn_covers_every_table(void **state)
{
    (void)state;
    struct world *world = world_new();
    world_segment(world, "c", "100", IDS(1), 0);
    world->located.meta.has_global_lsn = true;
    world->located.meta.global_lsn = world_log(world, 0, WAL_INSERT_VECTOR, "c", "", IDS(1));
    world_log(world, 0, WAL_INSERT_VECTOR, "c", "", IDS(2));
    world->located.log_state = LOG_ON;
    world_open(world);
    world_rows(world, "c", "_default", "1 2");
    world_free(world);
}

static void test_replay__tags(void **state)
{
    (void)state;
    struct world *world = world_new();
    world_table(world, "70", "c", "p");
    world_table(world, "71", "c", "two words");
    world_log(world, 0, WAL_INSERT_VECTOR, "c", "", IDS(1));
    world_log(world, 0, WAL_INSERT_VECTOR, "c", "_default", IDS(2));
    world_log(world, 0, WAL_INSERT_VECTOR, "c", " p\t", IDS(3));
    world_log(world, 0, WAL_INSERT_VECTOR, "c", "two words", IDS(4, 1));
    world_log(world, 0, WAL_INSERT_VECTOR, "c", "nobody", IDS(5));
    world_log(world, 0, WAL_INSERT_VECTOR, "gone", "", IDS(6));
    world_log(world, 0, WAL_DELETE, "c", "p", IDS(1, 2, 4));  /* one table */
    world_log(world, 0, WAL_DELETE, "c", "_default", IDS(1)); /* the collection's own rows */
    world_log(world, 0, WAL_DELETE, "c", "", IDS(4));         /* all of them */
    world_open(world);
    world_rows(world, "c", "_default", "2");
    world_rows(world, "c", "p", "3");
    world_rows(world, "c", "two words", "1");
    world_has(world, "log-unknown-partition", FINDING_NOTE);
    assert_string_equal(world_finding(world, "log-unknown-partition")->partition, "nobody");
    world_has(world, "log-unknown-collection", FINDING_NOTE);
    world_free(world);
}

static void test_replay__reserved_twin_gets_untagged_deletes_only(void **state)
{
    (void)state;
    struct world *world = world_new();
    world_table(world, "70", "c", "_default");
    world_segment(world, "70", "100", IDS(1, 2, 3), 0)->id = 5;
    world->located.log_state = LOG_ON;
    world_log(world, 0, WAL_INSERT_VECTOR, "c", "_default", IDS(4));
    world_log(world, 0, WAL_DELETE, "c", "_default", IDS(1));
    world_log(world, 0, WAL_DELETE, "c", "", IDS(2));
    world_open(world);
    world_rows(world, "c", "_default", "1 3 4");
    world_has(world, "partition-reserved-tag", FINDING_WARNING);
    world_free(world);
}

static void test_replay__several_files_and_a_gap(void **state)
{
    (void)state;
    struct world *world = world_new();
    world_log(world, 0, WAL_INSERT_VECTOR, "c", "", IDS(1));
    world_log(world, 2, WAL_DELETE, "c", "", IDS(1));
    world_log(world, 2, WAL_INSERT_VECTOR, "c", "", IDS(3));
    world_open(world);
    world_rows(world, "c", "_default", "3");
    world_has(world, "log-file-missing", FINDING_WARNING);
    assert_string_equal(world_finding(world, "log-file-missing")->path, "/wal/1.wal");
    world_free(world);
}

static void test_replay__flushed_gap_is_harmless(void **state)
{
    (void)state;
    struct world *world = world_new();
    world_log(world, 0, WAL_INSERT_VECTOR, "c", "", IDS(1));
    world->tables[0].flush_lsn = world_log(world, 2, WAL_INSERT_VECTOR, "c", "", IDS(3));
    world_log(world, 2, WAL_INSERT_VECTOR, "c", "", IDS(4));
    world_open(world);
    world_rows(world, "c", "_default", "4");
    world_has(world, "log-file-missing", FINDING_NOTE);
    world_free(world);
}

static void test_replay__torn_tail(void **state)
{
    (void)state;
    struct world *world = world_new();
    world_log(world, 0, WAL_INSERT_VECTOR, "c", "", IDS(1));
    memset(world->log[0] + world->log_size[0], 0xff, 30);
    world->log_size[0] += 30;
    world_open(world);
    world_rows(world, "c", "_default", "1");
    world_has(world, "log-torn-tail", FINDING_WARNING);
    world_free(world);
}

static void test_replay__torn_before_the_applied_position(void **state)
{
    (void)state;
    struct world *world = world_new();
    world_log(world, 0, WAL_INSERT_VECTOR, "c", "", IDS(1));
    world_log(world, 0, WAL_INSERT_VECTOR, "c", "", IDS(2));
    world->log_size[0] -= 5;
    world_open(world);
    world_rows(world, "c", "_default", "1");
    world_has(world, "log-lost-records", FINDING_WARNING);
    world_free(world);
}

static void test_replay__ends_before_the_applied_position(void **state)
{
    (void)state;
    struct world *world = world_new();
    world_log(world, 0, WAL_INSERT_VECTOR, "c", "", IDS(1));
    const size_t size = world->log_size[0];
    world_log(world, 0, WAL_INSERT_VECTOR, "c", "", IDS(2));
    world->log_size[0] = size;
    world_open(world);
    world_rows(world, "c", "_default", "1");
    world_has(world, "log-lost-records", FINDING_WARNING);
    world_free(world);
}

static void test_replay__not_acknowledged(void **state)
{
    (void)state;
    struct world *world = world_new();
    const uint64_t lsn = world_log(world, 0, WAL_INSERT_VECTOR, "c", "", IDS(1));
    world_log(world, 0, WAL_INSERT_VECTOR, "c", "", IDS(2));
    for (size_t k = 0; k < 3; k++)
        put_u64(world->mxlog + 8 * k, lsn);
    world_open(world);
    world_rows(world, "c", "_default", "1");
    world_has(world, "log-unacknowledged", FINDING_WARNING);
    assert_int_equal(world_finding(world, "log-unacknowledged")->rows, 1);
    world_free(world);
}

static void lost_position(size_t mxlog_size, bool is_included)
{
    struct world *world = world_new();
    world->options.include_unacknowledged = is_included;
    world_log(world, 0, WAL_INSERT_VECTOR, "c", "", IDS(1));
    memory_put(&world->memory, mxlog_size > 0 ? "/wal/mxlog.meta" : "/wal/other", world->mxlog,
               mxlog_size);
    if (mxlog_size == 0) /* world_try would make one */
        memory_put(&world->memory, "/wal/mxlog.meta", world->mxlog, 0);
    world_open(world);
    if (is_included) {
        world_rows(world, "c", "_default", "1");
        assert_null(world_finding(world, "log-position-missing"));
    } else {
        world_rows(world, "c", "_default", "");
        world_has(world, "log-position-missing", FINDING_REFUSED);
    }
    world_free(world);
}

static void test_replay__position_lost(void **state)
{
    (void)state;
    lost_position(0, false);
    lost_position(16, false);
    lost_position(0, true);
    lost_position(23, true);
}

static void test_replay__position_lost_but_all_flushed(void **state)
{
    (void)state;
    struct world *world = world_new();
    world_segment(world, "c", "100", IDS(1), 0);
    world->tables[0].flush_lsn = world_log(world, 0, WAL_INSERT_VECTOR, "c", "", IDS(1));
    memory_put(&world->memory, "/wal/mxlog.meta", world->mxlog, 3);
    world_open(world);
    world_rows(world, "c", "_default", "1");
    assert_int_equal(world->installation->base.description.findings.count, 0);
    world_free(world);
}

static void test_replay__vectors_of_another_size(void **state)
{
    (void)state;
    struct world *world = world_new();
    world->tables[0].dimension = 3;
    world_log(world, 0, WAL_INSERT_VECTOR, "c", "", IDS(1));
    world_open(world);
    world_rows(world, "c", "_default", "");
    world_has(world, "log-record-shape", FINDING_DAMAGE);
    world_free(world);
}

static void test_replay__float_record_of_a_binary_collection(void **state)
{
    (void)state;
    struct world *world = world_new();
    world->tables[0].dimension = 64;
    world->tables[0].metric_type = METRIC_HAMMING;
    world_log(world, 0, WAL_INSERT_BINARY, "c", "", IDS(1));
    world_log(world, 0, WAL_INSERT_VECTOR, "c", "", IDS(2));
    world_open(world);
    const struct source_collection *c = source_find(&world->installation->base, "c");
    assert_int_equal(c->live_rows, 1);
    world_has(world, "log-record-shape", FINDING_DAMAGE);
    world_free(world);
}

static void test_replay__other_types_are_passed_over(void **state)
{
    (void)state;
    struct world *world = world_new();
    world_log(world, 0, WAL_FLUSH, "c", "", IDS(1));
    world_log(world, 0, WAL_UPDATE, "c", "", IDS(1));
    world_log(world, 0, WAL_INSERT_VECTOR, "c", "", IDS(2));
    world_log(world, 0, WAL_ENTITY, "c", "", IDS(3));
    world_log(world, 0, WAL_INSERT_VECTOR, "c", "", IDS(4));
    world_open(world);
    world_rows(world, "c", "_default", "2");
    world_has(world, "log-hybrid-record", FINDING_DAMAGE);
    world_free(world);
}

static void test_replay__switched_off(void **state)
{
    (void)state;
    struct world *world = world_new();
    world_segment(world, "c", "100", IDS(1), 0);
    world_log(world, 0, WAL_INSERT_VECTOR, "c", "", IDS(7));
    world->located.log_state = LOG_OFF;
    world_open(world);
    world_rows(world, "c", "_default", "1");
    world_has(world, "log-switched-off", FINDING_NOTE);
    world_free(world);
}

static void test_replay__probably_switched_off(void **state)
{
    (void)state;
    struct world *world = world_new();
    world_segment(world, "c", "100", IDS(1, 2), 0);
    world_log(world, 0, WAL_INSERT_VECTOR, "c", "", IDS(7));
    world_log(world, 0, WAL_DELETE, "c", "", IDS(1));
    world_open(world);
    world_rows(world, "c", "_default", "1 2");
    world_has(world, "log-probably-off", FINDING_WARNING);
    world_free(world);
    world = world_new(); /* a configuration decides it */
    world_segment(world, "c", "100", IDS(1, 2), 0);
    world_log(world, 0, WAL_INSERT_VECTOR, "c", "", IDS(7));
    world_log(world, 0, WAL_DELETE, "c", "", IDS(1));
    world->located.log_state = LOG_ON;
    world_open(world);
    world_rows(world, "c", "_default", "2 7");
    world_free(world);
}

static void test_replay__lean_metadata_refuses_the_log(void **state)
{
    (void)state;
    struct world *world = world_new();
    world->located.meta.is_lean = true;
    world->located.is_package = true;
    world_log(world, 0, WAL_INSERT_VECTOR, "c", "", IDS(7));
    world_open(world);
    world_rows(world, "c", "_default", "");
    world_has(world, "log-without-positions", FINDING_REFUSED);
    world_has(world, "metadata-lean", FINDING_WARNING);
    world_free(world);
}

static void test_replay__no_log_folder(void **state)
{
    (void)state;
    struct world *world = world_new();
    world->tables[0].flush_lsn = 100;
    world_file(world, "c", "100", "100", META_FILE_NEW);
    world_open(world);
    world_has(world, "log-missing", FINDING_WARNING);
    assert_non_null(strstr(world_finding(world, "log-missing")->consequence, "did not stop"));
    world_free(world);
    world = world_new();
    world->tables[0].flush_lsn = 100;
    world->located.log_state = LOG_OFF;
    world_open(world);
    assert_null(world_finding(world, "log-missing"));
    world_free(world);
}

/* ---------------------------------------------------------------------------------- crashes */

static void test_replay__crash_between_segment_and_position(void **state)
{
    (void)state;
    struct world *world = world_new();
    world->tables[0].flush_lsn = world_log(world, 0, WAL_INSERT_VECTOR, "c", "", IDS(1, 2, 3));
    world_segment(world, "c", "100", IDS(1, 2, 3), 0);
    world_deleted(world, "c", "100", (const int32_t[]){1}, 1);
    world_log(world, 0, WAL_DELETE, "c", "", IDS(2));
    world_log(world, 0, WAL_INSERT_VECTOR, "c", "", IDS(2, 4));
    world_segment(world, "c", "200", IDS(2, 4), 0);
    world_log(world, 0, WAL_INSERT_VECTOR, "c", "", IDS(6));
    world_open(world);
    world_rows(world, "c", "_default", "1 3 2 4 6");
    world_has(world, "log-already-flushed", FINDING_NOTE);
    world_free(world);
}

static void test_replay__crash_with_deletes_in_memory(void **state)
{
    (void)state;
    struct world *world = world_new();
    world_log(world, 0, WAL_INSERT_VECTOR, "c", "", IDS(1, 2, 3));
    world_log(world, 0, WAL_DELETE, "c", "", IDS(2));
    world_log(world, 0, WAL_INSERT_VECTOR, "c", "", IDS(4));
    world_segment(world, "c", "100", IDS(1, 3), 0); /* one flush, two files */
    world_segment(world, "c", "101", IDS(4), 0);
    world_log(world, 0, WAL_DELETE, "c", "", IDS(3));
    world_open(world);
    world_rows(world, "c", "_default", "1 4");
    world_has(world, "log-already-flushed", FINDING_NOTE);
    world_free(world);
}

static void test_replay__same_ids_other_vectors_is_no_crash(void **state)
{
    (void)state;
    struct world *world = world_new();
    world->located.log_state = LOG_ON;
    world_log(world, 0, WAL_INSERT_VECTOR, "c", "", IDS(1, 2));
    world_segment(world, "c", "100", IDS(1, 2), 50);
    world_open(world);
    world_rows(world, "c", "_default", "1:51 2:52 1 2");
    assert_null(world_finding(world, "log-already-flushed"));
    world_free(world);
}

static void test_replay__same_batch_sent_twice_is_no_crash(void **state)
{
    (void)state;
    struct world *world = world_new();
    world->tables[0].flush_lsn = world_log(world, 0, WAL_INSERT_VECTOR, "c", "", IDS(1, 2));
    world_segment(world, "c", "100", IDS(1, 2), 0);
    world_log(world, 0, WAL_INSERT_VECTOR, "c", "", IDS(1, 2));
    world_open(world);
    world_rows(world, "c", "_default", "1 2 1 2");
    world_has(world, "duplicate-ids", FINDING_WARNING);
    assert_null(world_finding(world, "log-already-flushed"));
    world_free(world);
}

/* --------------------------------------------------------------------------- skipped records */

static struct world *skipped(bool is_rescued, bool was_dropped)
{
    struct world *world = world_new();
    struct meta_table *p = world_table(world, "70", "c", "p");
    world->options.rescue_skipped = is_rescued;
    world_segment(world, "70", "100", IDS(3), 0);
    world_log(world, 0, WAL_INSERT_VECTOR, "c", " p", IDS(1, 2, 3)); /* 1 and 2 were skipped */
    world_log(world, 0, WAL_DELETE, "c", "", IDS(2));
    p->flush_lsn = world_log(world, 0, WAL_INSERT_VECTOR, "c", "p", IDS(3));
    world_log(world, 0, WAL_INSERT_VECTOR, "c", "p", IDS(4));
    if (was_dropped)
        world_table(world, "69", "c", "p")->state = META_TABLE_TO_DELETE;
    world_open(world);
    return world;
}

static void test_replay__skipped_rows_are_told(void **state)
{
    (void)state;
    struct world *world = skipped(false, false);
    world_rows(world, "c", "p", "3 4");
    world_has(world, "log-skipped-rows", FINDING_WARNING);
    assert_int_equal(world_finding(world, "log-skipped-rows")->rows, 1);
    world_free(world);
}

static void test_replay__skipped_rows_are_rescued(void **state)
{
    (void)state;
    struct world *world = skipped(true, false);
    world_rows(world, "c", "p", "3 1 4");
    const struct source_collection *c = source_find(&world->installation->base, "c");
    assert_int_equal(c->log_rows, 2);
    assert_int_equal(c->deleted_rows, 0); /* rows beside it were never missing */
    world_free(world);
}

static void test_replay__dropped_partition_is_not_rescued(void **state)
{
    (void)state;
    struct world *world = skipped(true, true);
    world_rows(world, "c", "p", "3 4");
    world_has(world, "log-dropped-partition", FINDING_NOTE);
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replay__pending_rows_and_deletes),
        cmocka_unit_test(test_replay__insert_after_delete_survives),
        cmocka_unit_test(test_replay__single_delete_kills_every_copy),
        cmocka_unit_test(test_replay__threshold_is_per_table),
        cmocka_unit_test(test_replay__global_lsn_covers_every_table),
        cmocka_unit_test(test_replay__tags),
        cmocka_unit_test(test_replay__reserved_twin_gets_untagged_deletes_only),
        cmocka_unit_test(test_replay__several_files_and_a_gap),
        cmocka_unit_test(test_replay__flushed_gap_is_harmless),
        cmocka_unit_test(test_replay__torn_tail),
        cmocka_unit_test(test_replay__torn_before_the_applied_position),
        cmocka_unit_test(test_replay__ends_before_the_applied_position),
        cmocka_unit_test(test_replay__not_acknowledged),
        cmocka_unit_test(test_replay__position_lost),
        cmocka_unit_test(test_replay__position_lost_but_all_flushed),
        cmocka_unit_test(test_replay__vectors_of_another_size),
        cmocka_unit_test(test_replay__float_record_of_a_binary_collection),
        cmocka_unit_test(test_replay__other_types_are_passed_over),
        cmocka_unit_test(test_replay__switched_off),
        cmocka_unit_test(test_replay__probably_switched_off),
        cmocka_unit_test(test_replay__lean_metadata_refuses_the_log),
        cmocka_unit_test(test_replay__no_log_folder),
        cmocka_unit_test(test_replay__crash_between_segment_and_position),
        cmocka_unit_test(test_replay__crash_with_deletes_in_memory),
        cmocka_unit_test(test_replay__same_ids_other_vectors_is_no_crash),
        cmocka_unit_test(test_replay__same_batch_sent_twice_is_no_crash),
        cmocka_unit_test(test_replay__skipped_rows_are_told),
        cmocka_unit_test(test_replay__skipped_rows_are_rescued),
        cmocka_unit_test(test_replay__dropped_partition_is_not_rescued),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
