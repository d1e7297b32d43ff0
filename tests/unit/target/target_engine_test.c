/* target_engine_test.c: a database folder through flow/target.h, and read back through
 * flow/source.h; what a location names; estimates of space. */
#include <string.h>

#include "base/bitmap.h"
#include "base/file.h"
#include "base/mem.h"
#include "engine/sample.h"
#include "target/target.h"

struct fixture {
    char *folder;
    char *location;
    struct sample sample;
};

static int setup(void **state)
{
    struct fixture *fixture = mem_zalloc(1, sizeof *fixture);
    fixture->folder = scratch_make();
    fixture->location = scratch_path(fixture->folder, "db");
    const struct sample_options options = {METRIC_IP, 6, 3, 300, 7, 4, true, fixture->folder};
    sample_init(&fixture->sample, &options);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    sample_release(&fixture->sample);
    scratch_remove(fixture->folder);
    mem_free(fixture->location);
    mem_free(fixture);
    return 0;
}

static struct target *open_target(const struct fixture *fixture, bool link)
{
    struct target *target = NULL;
    expect_ok(target_open(fixture->location, &(struct target_options){.link = link}, &target, err));
    return target;
}

static void put_all(const struct fixture *fixture, struct target *target)
{
    const struct sample *sample = &fixture->sample;
    const struct staged_collection collection = {.name = "one", .source = &sample->collection};
    expect_ok(target->ops->stage_begin(target, "job-1", err));
    expect_ok(target->ops->stage_collection(target, &collection, err));
    for (size_t k = 0; k < sample->collection.segment_count; k++) {
        struct segment_reader *reader = sample_reader(sample, k);
        const struct staged_segment staged = {
            .collection = "one",
            .partition = sample->partitions[k % 3].tag,
            .source = &sample->segments[k],
            .reader = reader,
            .dead = sample->data[k].dead,
            .live_rows = sample->segments[k].live_rows,
        };
        struct meter meter;
        meter_init(&meter, 0, NULL);
        expect_ok(target->ops->put_segment(target, &staged, &meter, err));
        assert_int_equal(meter.rows, sample->segments[k].live_rows);
        assert_int_equal(meter.size, meter.rows * (8 + 24));
        reader->ops->close(reader);
    }
}

/* The live rows of the source, segment by segment, are the sample's. */
static void expect_source(const struct fixture *fixture, struct source *source)
{
    const struct sample *sample = &fixture->sample;
    const struct source_collection *collection = source_find(source, "one");
    assert_non_null(collection);
    assert_int_equal(collection->segment_count, 3);
    assert_int_equal(collection->live_rows, sample->collection.live_rows);
    assert_int_equal(collection->partition_count, 3);
    for (size_t k = 0; k < 3; k++) {
        struct segment_reader *reader = NULL;
        struct batch batch = {.rows = 1};
        size_t next = 0;
        const struct source_segment *segment = &collection->segments[k];
        assert_string_equal(collection->partitions[segment->partition].tag,
                            sample->partitions[k].tag);
        assert_int_equal(segment->live_rows, sample->segments[k].live_rows);
        expect_ok(source_open_segment(source, 0, k, &reader, err));
        while (batch.rows > 0) {
            expect_ok(segment_reader_next(reader, &batch, err));
            for (size_t row = 0; row < batch.rows; row++) {
                if (reader->dead != NULL && bitmap_get(reader->dead, batch.first_row + row))
                    continue;
                while (!sample_is_live(sample, k, next))
                    next++;
                assert_true(batch.ids[row] == sample->data[k].ids[next]);
                assert_memory_equal(batch.vectors + row * 24, sample->data[k].vectors + next * 24,
                                    24);
                next++;
            }
        }
        segment_reader_close(reader);
    }
}

static void check_journey(const struct fixture *fixture, bool link)
{
    struct target *target = open_target(fixture, link);
    struct source *source = NULL;
    enum metric_type metric = METRIC_NONE;
    size_t dim = 0;
    bool found = true;
    put_all(fixture, target);
    expect_ok(target->ops->find_collection(target, "one", &found, &metric, &dim, err));
    assert_false(found);
    expect_ok(target->ops->publish(target, err));
    expect_ok(target->ops->find_collection(target, "one", &found, &metric, &dim, err));
    assert_true(found);
    assert_int_equal(metric, METRIC_IP);
    assert_int_equal(dim, 6);
    expect_ok(target->ops->as_source(target, &source, err));
    expect_source(fixture, source);
    source_close(source);
    target_close(target);
    assert_true(source_engine_is_database(fixture->location));
    expect_ok(source_engine_open(fixture->location, &source, err));
    assert_string_equal(source->description.kind, "Godwit database");
    expect_source(fixture, source);
    source_close(source);
}

static void test_target_engine__copies(void **state)
{
    check_journey(*state, false);
}

static void test_target_engine__links(void **state)
{
    check_journey(*state, true);
}

static void test_target_engine__discards(void **state)
{
    const struct fixture *fixture = *state;
    struct target *target = open_target(fixture, false);
    struct segment_reader *reader = NULL;
    struct err failure = {0};
    put_all(fixture, target);
    expect_ok(target->ops->discard(target, "job-1", err));
    expect_ok(target->ops->stage_begin(target, "job-1", err));
    assert_int_equal(target->ops->open_staged(target, "one", "100/1", &reader, &failure),
                     ERR_NOT_FOUND);
    target_close(target);
}

/* Enough for what is written, and not much more; links need hardly anything. */
static void test_target_engine__estimates(void **state)
{
    const struct fixture *fixture = *state;
    struct target *copying = open_target(fixture, false);
    const uint64_t by_copy = copying->ops->estimate(copying, &fixture->sample.collection);
    target_close(copying);
    struct target *linking = open_target(fixture, true);
    struct sample big = fixture->sample;
    const uint64_t rows = 50000000;
    for (size_t k = 0; k < 3; k++) {
        big.segments[k].rows = rows;
        big.segments[k].live_rows = rows;
    }
    big.collection.segments = big.segments;
    const uint64_t by_link = linking->ops->estimate(linking, &big.collection);
    target_close(linking);
    assert_true(by_copy >= fixture->sample.collection.live_rows * 32);
    assert_true(by_copy < ((uint64_t)8 << 20));
    assert_true(by_link < rows * 32 / 50);
}

static void test_target_engine__what_a_location_names(void **state)
{
    (void)state;
    static const char *const others[] = {"http://host:19530", "https://host:19530", "npy:/tmp/x",
                                         "npy+s3://bucket/x", "s3://bucket/x"};
    struct target *target = NULL;
    for (size_t k = 0; k < sizeof others / sizeof others[0]; k++) {
        struct err failure = {0};
        assert_int_equal(target_open(others[k], &(struct target_options){0}, &target, &failure),
                         ERR_UNSUPPORTED);
        assert_non_null(strstr(failure.msg, "folder"));
    }
    struct err failure = {0};
    assert_int_equal(target_open("", &(struct target_options){0}, &target, &failure), ERR_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_target_engine__copies, setup, teardown),
        cmocka_unit_test_setup_teardown(test_target_engine__links, setup, teardown),
        cmocka_unit_test_setup_teardown(test_target_engine__discards, setup, teardown),
        cmocka_unit_test_setup_teardown(test_target_engine__estimates, setup, teardown),
        cmocka_unit_test(test_target_engine__what_a_location_names),
    };
    return cmocka_run_group_tests_name("target_engine", tests, NULL, NULL);
}
