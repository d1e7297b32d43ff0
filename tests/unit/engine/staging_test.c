/* staging_test.c: what is staged is invisible, publishing is one step, everything may be repeated.
 */
#include "sample.h"

#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "engine/layout.h"

static const struct sample_options plain = {METRIC_L2, 12, 3, 500, 1000, 1, false, NULL};
static const struct sample_job first_job = {.name = "one", .token = "job-1"};

struct fixture {
    char *folder;
    char *target;
    struct sample sample;
};

static int setup(void **state)
{
    struct fixture *fixture = mem_zalloc(1, sizeof *fixture);
    fixture->folder = scratch_make();
    fixture->target = scratch_path(fixture->folder, "db");
    sample_init(&fixture->sample, &plain);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    sample_release(&fixture->sample);
    scratch_remove(fixture->folder);
    mem_free(fixture->target);
    mem_free(fixture);
    return 0;
}

static struct database *open_for_writing(const struct fixture *fixture)
{
    struct database *database = NULL;
    expect_ok(database_open(fixture->target, DATABASE_CREATE, &database, err));
    return database;
}

static size_t count_collections(struct database *database)
{
    struct collection_list list;
    expect_ok(database_list(database, &list, err));
    const size_t count = list.count;
    collection_list_release(&list);
    return count;
}

static size_t count_files(const char *folder, uint64_t number)
{
    char *path = layout_segment_folder(folder, number);
    char **names = NULL;
    size_t count = 0;
    struct err failure = {0};
    if (folder_list(path, 1000, &names, &count, &failure) == ERR_OK)
        mem_free(names);
    mem_free(path);
    return count;
}

static void test_staging__rows_come_back_bit_for_bit(void **state)
{
    const struct fixture *fixture = *state;
    expect_ok(sample_migrate_to(fixture->target, &fixture->sample, &first_job, err));
    sample_expect_in(fixture->target, "one", &fixture->sample);
}

static void test_staging__segments_from_many_threads(void **state)
{
    const struct fixture *fixture = *state;
    struct sample_job job = first_job;
    job.threads = 3;
    expect_ok(sample_migrate_to(fixture->target, &fixture->sample, &job, err));
    sample_expect_in(fixture->target, "one", &fixture->sample);
}

static void test_staging__facts_are_kept(void **state)
{
    const struct fixture *fixture = *state;
    struct database *database = open_for_writing(fixture);
    struct collection_list list;
    expect_ok(sample_migrate(database, &fixture->sample, &first_job, err));
    expect_ok(database_list(database, &list, err));
    assert_int_equal(list.count, 1);
    const struct collection_facts *facts = &list.items[0];
    assert_string_equal(facts->name, "one");
    assert_int_equal(facts->metric, METRIC_L2);
    assert_int_equal(facts->dim, 12);
    assert_string_equal(facts->index_type, "IVF_SQ8");
    assert_string_equal(facts->index_params, "{\"nlist\":16384}");
    assert_int_equal(facts->index_file_size, 1024);
    assert_true(facts->created_us == 1600000000000000);
    assert_int_equal(facts->partition_count, 3);
    assert_string_equal(facts->partitions[0].name, PARTITION_DEFAULT);
    assert_string_equal(facts->partitions[1].name, "a b");
    assert_string_equal(facts->partitions[2].name, "\xe7\x8c\xab");
    assert_int_equal(facts->partitions[2].rows, 500);
    assert_false(facts->may_have_duplicates);
    collection_list_release(&list);
    database_close(database);
}

static void test_staging__is_invisible_until_published(void **state)
{
    const struct fixture *fixture = *state;
    struct database *database = open_for_writing(fixture);
    struct sample_job job = first_job;
    struct snapshot *snapshot = NULL;
    struct err failure = {0};
    job.is_not_published = true;
    expect_ok(sample_migrate(database, &fixture->sample, &job, err));
    assert_int_equal(count_collections(database), 0);
    assert_int_equal(database_snapshot(database, "one", &snapshot, &failure), ERR_NO_COLLECTION);
    job.is_not_published = false;
    expect_ok(sample_migrate(database, &fixture->sample, &job, err));
    assert_int_equal(count_collections(database), 1);
    database_close(database);
}

static void test_staging__a_stored_segment_is_left_alone(void **state)
{
    const struct fixture *fixture = *state;
    struct sample_job job = first_job;
    job.is_not_published = true;
    expect_ok(sample_migrate_to(fixture->target, &fixture->sample, &job, err));
    char *path = scratch_path(fixture->target, "segments/1/000001.vec");
    void *before = NULL;
    size_t size = 0;
    expect_ok(file_read_all(path, 1 << 20, &before, &size, err));
    fixture->sample.data[1].vectors[0] ^= 1; /* were it written again, it would differ */
    expect_ok(sample_migrate_to(fixture->target, &fixture->sample, &first_job, err));
    fixture->sample.data[1].vectors[0] ^= 1;
    sample_expect_in(fixture->target, "one", &fixture->sample);
    mem_free(before);
    mem_free(path);
}

static void test_staging__publishing_twice_is_once(void **state)
{
    const struct fixture *fixture = *state;
    struct sample_job job = first_job;
    job.if_exists = IF_EXISTS_APPEND;
    expect_ok(sample_migrate_to(fixture->target, &fixture->sample, &job, err));
    expect_ok(sample_migrate_to(fixture->target, &fixture->sample, &job, err));
    sample_expect_in(fixture->target, "one", &fixture->sample);
}

static void test_staging__an_existing_name_is_refused(void **state)
{
    const struct fixture *fixture = *state;
    struct database *database = open_for_writing(fixture);
    const struct sample_job second = {.name = "one", .token = "job-2"};
    struct err failure = {0};
    expect_ok(sample_migrate(database, &fixture->sample, &first_job, err));
    assert_int_equal(sample_migrate(database, &fixture->sample, &second, &failure), ERR_EXISTS);
    assert_non_null(strstr(failure.msg, "--if-exists"));
    sample_expect(database, "one", &(const struct sample *){&fixture->sample}, 1);
    database_close(database);
}

static void test_staging__append_adds_behind(void **state)
{
    const struct fixture *fixture = *state;
    struct database *database = open_for_writing(fixture);
    struct sample second;
    struct sample_options options = plain;
    options.seed = 2;
    options.first_id = 1100; /* some ids twice */
    sample_init(&second, &options);
    const struct sample_job job = {.name = "one", .token = "job-2", .if_exists = IF_EXISTS_APPEND};
    expect_ok(sample_migrate(database, &fixture->sample, &first_job, err));
    expect_ok(sample_migrate(database, &second, &job, err));
    const struct sample *const both[] = {&fixture->sample, &second};
    sample_expect(database, "one", both, 2);
    sample_release(&second);
    database_close(database);
}

static void test_staging__append_wants_the_same_shape(void **state)
{
    const struct fixture *fixture = *state;
    struct database *database = open_for_writing(fixture);
    struct sample second;
    struct sample_options options = plain;
    options.dim = 16;
    sample_init(&second, &options);
    const struct sample_job job = {.name = "one", .token = "job-2", .if_exists = IF_EXISTS_APPEND};
    struct err failure = {0};
    expect_ok(sample_migrate(database, &fixture->sample, &first_job, err));
    assert_int_equal(sample_migrate(database, &second, &job, &failure), ERR_TARGET);
    sample_release(&second);
    database_close(database);
}

static void test_staging__replace_is_one_step(void **state)
{
    const struct fixture *fixture = *state;
    struct database *database = open_for_writing(fixture);
    struct sample second;
    struct sample_options options = plain;
    options.seed = 3;
    options.metric = METRIC_HAMMING;
    options.dim = 64;
    sample_init(&second, &options);
    struct sample_job job = {
        .name = "one", .token = "job-2", .if_exists = IF_EXISTS_REPLACE, .is_not_published = true};
    expect_ok(sample_migrate(database, &fixture->sample, &first_job, err));
    expect_ok(sample_migrate(database, &second, &job, err));
    sample_expect(database, "one", &(const struct sample *){&fixture->sample}, 1);
    assert_int_equal(count_files(fixture->target, 1), 9);
    job.is_not_published = false;
    expect_ok(sample_migrate(database, &second, &job, err));
    sample_expect(database, "one", &(const struct sample *){&second}, 1);
    assert_int_equal(count_files(fixture->target, 1), 0);
    assert_int_equal(count_files(fixture->target, 2), 9);
    sample_release(&second);
    database_close(database);
}

static void test_staging__discard_leaves_nothing(void **state)
{
    const struct fixture *fixture = *state;
    struct database *database = open_for_writing(fixture);
    struct sample_job job = first_job;
    job.is_not_published = true;
    expect_ok(sample_migrate(database, &fixture->sample, &job, err));
    assert_int_equal(count_files(fixture->target, 1), 9);
    expect_ok(staging_discard(database, "job-1", err));
    assert_int_equal(count_files(fixture->target, 1), 0);
    expect_ok(sample_migrate(database, &fixture->sample, &first_job, err));
    sample_expect(database, "one", &(const struct sample *){&fixture->sample}, 1);
    database_close(database);
}

static void test_staging__two_jobs_do_not_see_each_other(void **state)
{
    const struct fixture *fixture = *state;
    struct database *database = open_for_writing(fixture);
    struct sample_job job = first_job;
    const struct sample_job other = {.name = "two", .token = "job-2"};
    job.is_not_published = true;
    expect_ok(sample_migrate(database, &fixture->sample, &job, err));
    expect_ok(sample_migrate(database, &fixture->sample, &other, err));
    assert_int_equal(count_collections(database), 1);
    assert_int_equal(count_files(fixture->target, 1), 9); /* not swept: job-1 may continue */
    job.is_not_published = false;
    expect_ok(sample_migrate(database, &fixture->sample, &job, err));
    assert_int_equal(count_collections(database), 2);
    database_close(database);
}

static void test_staging__leftovers_are_swept(void **state)
{
    const struct fixture *fixture = *state;
    expect_ok(sample_migrate_to(fixture->target, &fixture->sample, &first_job, err));
    static const char *const names[] = {"segments/1/000009.vec", "segments/1/000001.vec.tmp",
                                        "segments/1/nonsense"};
    for (size_t k = 0; k < 3; k++) {
        char *path = scratch_path(fixture->target, names[k]);
        expect_ok(file_replace(path, "x", 1, err));
        mem_free(path);
    }
    assert_int_equal(count_files(fixture->target, 1), 12);
    const struct sample_job job = {.name = "two", .token = "job-2"};
    expect_ok(sample_migrate_to(fixture->target, &fixture->sample, &job, err));
    assert_int_equal(count_files(fixture->target, 1), 9);
    sample_expect_in(fixture->target, "one", &fixture->sample);
}

static void test_staging__staged_segments_are_read_back(void **state)
{
    const struct fixture *fixture = *state;
    struct database *database = open_for_writing(fixture);
    struct staging *staging = NULL;
    struct segment_reader *reader = NULL;
    struct err failure = {0};
    struct sample_job job = first_job;
    job.is_not_published = true;
    expect_ok(sample_migrate(database, &fixture->sample, &job, err));
    expect_ok(staging_open(database, "job-1", false, &staging, err));
    assert_int_equal(staging_open_segment(staging, "one", "nope", &reader, &failure),
                     ERR_NOT_FOUND);
    for (int published = 0; published < 2; published++) {
        struct batch batch;
        expect_ok(staging_open_segment(staging, "one", "100/2", &reader, err));
        assert_int_equal(reader->rows, 500);
        expect_ok(segment_reader_next(reader, &batch, err));
        assert_int_equal(batch.rows, 500);
        assert_memory_equal(batch.ids, fixture->sample.data[1].ids, 4000);
        assert_memory_equal(batch.vectors, fixture->sample.data[1].vectors, 500 * 48);
        segment_reader_close(reader);
        expect_ok(staging_publish(staging, err));
    }
    staging_close(staging);
    database_close(database);
}

static void test_staging__a_dropped_segment_is_written_anew(void **state)
{
    const struct fixture *fixture = *state;
    struct database *database = open_for_writing(fixture);
    struct staging *staging = NULL;
    struct segment_reader *reader = NULL;
    struct err failure = {0};
    struct sample_job job = first_job;
    job.is_not_published = true;
    expect_ok(sample_migrate(database, &fixture->sample, &job, err));
    expect_ok(staging_open(database, "job-1", false, &staging, err));
    expect_ok(staging_drop_segment(staging, "one", "100/2", err));
    assert_int_equal(staging_open_segment(staging, "one", "100/2", &reader, &failure),
                     ERR_NOT_FOUND);
    staging_close(staging);
    expect_ok(sample_migrate(database, &fixture->sample, &first_job, err));
    sample_expect(database, "one", &(const struct sample *){&fixture->sample}, 1);
    database_close(database);
}

static void test_staging__empty_segments_and_collections(void **state)
{
    const struct fixture *fixture = *state;
    struct database *database = open_for_writing(fixture);
    struct sample empty;
    struct sample_options options = plain;
    options.segments = 0;
    sample_init(&empty, &options);
    const struct sample_job job = {.name = "empty", .token = "job-2"};
    expect_ok(sample_migrate(database, &empty, &job, err));
    sample_expect(database, "empty", &(const struct sample *){&empty}, 1);
    sample_release(&empty);
    options = plain;
    options.has_dead = true;
    sample_init(&empty, &options);
    memset(empty.data[1].dead, 0xff, 64);
    empty.segments[1].live_rows = 0;
    const struct sample_job other = {.name = "hole", .token = "job-3"};
    expect_ok(sample_migrate(database, &empty, &other, err));
    sample_expect(database, "hole", &(const struct sample *){&empty}, 1);
    sample_release(&empty);
    database_close(database);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_staging__rows_come_back_bit_for_bit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_staging__segments_from_many_threads, setup, teardown),
        cmocka_unit_test_setup_teardown(test_staging__facts_are_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(test_staging__is_invisible_until_published, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_staging__a_stored_segment_is_left_alone, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_staging__publishing_twice_is_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_staging__an_existing_name_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_staging__append_adds_behind, setup, teardown),
        cmocka_unit_test_setup_teardown(test_staging__append_wants_the_same_shape, setup, teardown),
        cmocka_unit_test_setup_teardown(test_staging__replace_is_one_step, setup, teardown),
        cmocka_unit_test_setup_teardown(test_staging__discard_leaves_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_staging__two_jobs_do_not_see_each_other, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_staging__leftovers_are_swept, setup, teardown),
        cmocka_unit_test_setup_teardown(test_staging__staged_segments_are_read_back, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_staging__a_dropped_segment_is_written_anew, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_staging__empty_segments_and_collections, setup,
                                        teardown),
    };
    return cmocka_run_group_tests_name("staging", tests, NULL, NULL);
}
