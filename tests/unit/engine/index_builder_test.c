/* index_builder_test.c: one builder at a time, writers beside it, segments that vanish, what it
 * leaves for others to read, and what a dead one left. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sample.h"

#include "base/fault.h"
#include "base/file.h"
#include "base/mem.h"
#include "engine/import.h"
#include "engine/index_builder.h"
#include "engine/index_status.h"
#include "engine/layout.h"

#define ROWS INDEX_ROWS_MIN
#define DIM 8

struct fixture {
    char *folder;
    float *rows;
};

static int setup(void **state)
{
    struct fixture *fixture = mem_zalloc(1, sizeof *fixture);
    assert_non_null(fixture);
    fixture->folder = scratch_make();
    fixture->rows = mem_alloc((size_t)ROWS * DIM, sizeof *fixture->rows);
    assert_non_null(fixture->rows);
    uint64_t seed = 5;
    for (size_t i = 0; i < (size_t)ROWS * DIM; i++) {
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        fixture->rows[i] = (float)(seed >> 40);
    }
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    scratch_remove(fixture->folder);
    mem_free(fixture->rows);
    mem_free(fixture);
    return 0;
}

static void import(const struct fixture *fixture, const char *name, size_t rows)
{
    struct database *database = NULL;
    struct import_result result;
    const struct import_request request = {.collection = name,
                                           .metric = METRIC_L2,
                                           .dim = DIM,
                                           .vectors = (const uint8_t *)fixture->rows,
                                           .rows = rows};
    expect_ok(database_open(fixture->folder, DATABASE_CREATE, &database, err));
    expect_ok(import_rows(database, &request, &result, err));
    database_close(database);
}

static void drop(const struct fixture *fixture, const char *name)
{
    struct database *database = NULL;
    expect_ok(database_open(fixture->folder, DATABASE_WRITE, &database, err));
    expect_ok(database_drop_collection(database, name, err));
    database_close(database);
}

static struct index_facts describe(const struct fixture *fixture, const char *name)
{
    struct database *database = NULL;
    struct snapshot *snapshot = NULL;
    struct index_facts facts;
    expect_ok(database_open(fixture->folder, DATABASE_READ, &database, err));
    expect_ok(database_snapshot(database, name, &snapshot, err));
    index_describe(database, snapshot, 0, &facts);
    snapshot_unref(snapshot);
    database_close(database);
    return facts;
}

static struct index_counts build(const struct fixture *fixture, const char *name)
{
    struct index_builder *builder = NULL;
    struct index_counts counts = {0};
    const struct index_options options = {.threads = 1};
    expect_ok(index_builder_open(fixture->folder, NULL, false, &builder, err));
    expect_ok(index_builder_run(builder, name, &options, &counts, err));
    index_builder_close(builder);
    return counts;
}

static bool has_file(const struct fixture *fixture, const char *name)
{
    char *path = scratch_path(fixture->folder, name);
    const bool is_there = file_exists(path);
    mem_free(path);
    return is_there;
}

static void write_file(const struct fixture *fixture, const char *name, const char *content)
{
    char *path = scratch_path(fixture->folder, name);
    expect_ok(file_replace(path, content, strlen(content), err));
    mem_free(path);
}

static void test_index_builder__builds_and_tells(void **state)
{
    const struct fixture *fixture = *state;
    import(fixture, "big", ROWS);
    import(fixture, "small", 100);
    assert_int_equal(describe(fixture, "big").state, INDEX_MISSING);
    assert_int_equal(describe(fixture, "small").state, INDEX_NOT_NEEDED);
    struct index_counts counts = build(fixture, NULL);
    assert_int_equal(counts.built, 1);
    assert_int_equal(counts.left, 1);
    const struct index_facts facts = describe(fixture, "big");
    assert_int_equal(facts.state, INDEX_READY);
    assert_true(facts.has_record && !facts.record.has_failed);
    assert_int_equal(facts.record.threads, 1);
    assert_true(facts.record.built_us > 0 && facts.record.costs[INDEX_LISTS].cpu_s > 0.0);
    struct index_status status;
    index_status_read(fixture->folder, &status);
    assert_int_equal(status.activity, INDEX_IDLE);
    assert_int_equal(status.progress.segments_done, 1);
    assert_true(status.progress.done >= 1.0);
    counts = build(fixture, NULL);
    assert_int_equal(counts.built, 0);
    assert_int_equal(counts.kept, 1);
}

static void test_index_builder__is_alone(void **state)
{
    const struct fixture *fixture = *state;
    struct index_builder *builder = NULL;
    struct index_builder *other = NULL;
    struct err failure = {0};
    const atomic_bool stop = true;
    import(fixture, "big", 100);
    expect_ok(index_builder_open(fixture->folder, NULL, false, &builder, err));
    assert_int_equal(index_builder_open(fixture->folder, NULL, false, &other, &failure),
                     ERR_LOCKED);
    assert_non_null(strstr(failure.msg, "another program builds indexes"));
    assert_int_equal(index_builder_open(fixture->folder, &stop, true, &other, &failure),
                     ERR_INTERRUPTED);
    assert_null(other);
    import(fixture, "more", 100); /* a writer is not in its way */
    index_builder_close(builder);
    expect_ok(index_builder_open(fixture->folder, NULL, false, &builder, err));
    index_builder_close(builder);
}

/* What was asked for while a builder was at one collection is built before it leaves. */
static void test_index_builder__looks_again_when_asked(void **state)
{
    const struct fixture *fixture = *state;
    import(fixture, "one", ROWS);
    import(fixture, "two", ROWS);
    expect_ok(index_builder_ask(fixture->folder, err));
    assert_true(index_builder_is_wanted(fixture->folder));
    assert_int_equal(build(fixture, "one").built, 2);
    assert_false(index_builder_is_wanted(fixture->folder));
    assert_int_equal(describe(fixture, "two").state, INDEX_READY);
}

/* A snapshot outlives its collection: there is nothing to build for, and nothing may be left. */
static void test_index_builder__passes_over_what_vanished(void **state)
{
    const struct fixture *fixture = *state;
    struct database *database = NULL;
    struct snapshot *snapshot = NULL;
    struct index_counts counts;
    const struct index_options options = {.threads = 1};
    import(fixture, "big", ROWS);
    import(fixture, "stays", 100);
    expect_ok(database_open(fixture->folder, DATABASE_READ, &database, err));
    expect_ok(database_snapshot(database, "big", &snapshot, err));
    drop(fixture, "big");
    expect_ok(index_build(database, snapshot, &options, &counts, err));
    assert_int_equal(counts.gone, 1);
    assert_int_equal(counts.built, 0);
    snapshot_unref(snapshot);
    database_close(database);
    assert_false(has_file(fixture, "segments/1"));
}

static void test_index_builder__writers_leave_its_files_alone(void **state)
{
    const struct fixture *fixture = *state;
    struct index_builder *builder = NULL;
    import(fixture, "big", ROWS);
    write_file(fixture, "segments/1/000000.lists.tmp", "half");
    write_file(fixture, "segments/1/000000.vec.tmp", "half");
    expect_ok(index_builder_open(fixture->folder, NULL, false, &builder, err));
    import(fixture, "more", 100); /* sweeps */
    assert_true(has_file(fixture, "segments/1/000000.lists.tmp"));
    assert_false(has_file(fixture, "segments/1/000000.vec.tmp"));
    index_builder_close(builder);
    import(fixture, "still more", 100); /* without a builder it is a leftover */
    assert_false(has_file(fixture, "segments/1/000000.lists.tmp"));
    assert_int_equal(build(fixture, NULL).built, 1);
    import(fixture, "last", 100);
    assert_true(has_file(fixture, "segments/1/000000.built"));
    drop(fixture, "big");
    assert_false(has_file(fixture, "segments/1"));
}

static void test_index_builder__a_dead_one_is_recognised(void **state)
{
    const struct fixture *fixture = *state;
    struct index_builder *builder = NULL;
    struct index_status status;
    import(fixture, "big", ROWS);
    write_file(fixture, "index.json",
               "{\"activity\":\"building\",\"process\":1,\"started_us\":5,\"done\":0.25,"
               "\"segments_total\":1,\"folder\":1,\"number\":0,\"eta_s\":9}");
    index_status_read(fixture->folder, &status);
    assert_int_equal(status.activity, INDEX_INTERRUPTED);
    assert_false(status.has_segment);
    expect_ok(index_builder_open(fixture->folder, NULL, false, &builder, err));
    index_status_read(fixture->folder, &status); /* the lock is held: it lives */
    assert_int_equal(status.activity, INDEX_BUILDING);
    assert_true(status.has_segment && status.folder == 1 && status.progress.has_eta);
    index_builder_close(builder);
    static const char *const odd[] = {"", "{", "[]", "{\"activity\":7,\"done\":\"x\"}",
                                      "{\"activity\":\"dancing\",\"eta_s\":-5}"};
    for (size_t k = 0; k < sizeof odd / sizeof *odd; k++) {
        write_file(fixture, "index.json", odd[k]);
        index_status_read(fixture->folder, &status);
        assert_int_equal(status.activity, INDEX_IDLE);
    }
}

/* One damaged segment costs its own index, which then says why; the others are built. */
static void test_index_builder__goes_on_past_damage(void **state)
{
    const struct fixture *fixture = *state;
    struct index_builder *builder = NULL;
    struct index_counts counts = {0};
    struct err failure = {0};
    const struct index_options options = {.threads = 1};
    import(fixture, "bad", ROWS);
    import(fixture, "good", ROWS);
    char *path = scratch_path(fixture->folder, "segments/1/000000.vec");
    void *data = NULL;
    size_t size = 0;
    expect_ok(file_read_all(path, (size_t)1 << 30, &data, &size, err));
    ((uint8_t *)data)[size / 2] ^= 1;
    expect_ok(file_replace(path, data, size, err));
    mem_free(data);
    mem_free(path);
    expect_ok(index_builder_open(fixture->folder, NULL, false, &builder, err));
    assert_int_equal(index_builder_run(builder, NULL, &options, &counts, &failure), ERR_CORRUPT);
    index_builder_close(builder);
    assert_int_equal(counts.built, 1);
    assert_int_equal(counts.failed, 1);
    assert_int_equal(describe(fixture, "good").state, INDEX_READY);
    const struct index_facts facts = describe(fixture, "bad");
    assert_int_equal(facts.state, INDEX_BROKEN);
    assert_non_null(strstr(facts.record.reason, "000000.vec"));
    struct index_status status;
    index_status_read(fixture->folder, &status);
    assert_int_equal(status.activity, INDEX_FAILED);
    assert_non_null(strstr(status.reason, "000000.vec"));
}

static void test_index_builder__tells_stale_from_damaged(void **state)
{
    const struct fixture *fixture = *state;
    import(fixture, "big", ROWS);
    assert_int_equal(build(fixture, NULL).built, 1);
    char *path = scratch_path(fixture->folder, "segments/1/000000.lists");
    void *data = NULL;
    size_t size = 0;
    expect_ok(file_read_all(path, (size_t)1 << 30, &data, &size, err));
    uint8_t *bytes = data;
    bytes[size / 2] ^= 1;
    expect_ok(file_replace(path, data, size, err));
    assert_int_equal(describe(fixture, "big").state, INDEX_DAMAGED);
    bytes[size / 2] ^= 1;
    bytes[8] = 99; /* the version */
    expect_ok(file_replace(path, data, size, err));
    assert_int_equal(describe(fixture, "big").state, INDEX_STALE);
    mem_free(data);
    mem_free(path);
    assert_int_equal(build(fixture, NULL).built, 1);
    assert_int_equal(describe(fixture, "big").state, INDEX_READY);
}

static enum err_code build_code(const struct fixture *fixture, struct err *err)
{
    struct index_builder *builder = NULL;
    struct index_counts counts = {0};
    const struct index_options options = {.threads = 1, .is_forced = true};
    enum err_code code = index_builder_open(fixture->folder, NULL, false, &builder, err);
    if (code == ERR_OK)
        code = index_builder_run(builder, NULL, &options, &counts, err);
    index_builder_close(builder);
    return code;
}

/* Each call fails once: what only watches the build does not end it, and the next one mends all. */
static void test_index_builder__every_call_fails_once(void **state)
{
    const struct fixture *fixture = *state;
    static const enum fault_kind kinds[] = {FAULT_MALLOC, FAULT_OPEN,  FAULT_WRITE,
                                            FAULT_RENAME, FAULT_FSYNC, FAULT_UNLINK};
    static const int reasons[] = {ENOMEM, EMFILE, ENOSPC, EIO, EIO, EIO};
    import(fixture, "big", ROWS);
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        bool was_reached = true;
        for (size_t n = 0; was_reached; n += 1 + n / 4) {
            struct err failure = {0};
            fault_arm(kinds[k], n, reasons[k]);
            const enum err_code code = build_code(fixture, &failure);
            was_reached = fault_disarm();
            if (code != ERR_OK)
                assert_true(strlen(failure.msg) > 10);
            if (!was_reached)
                assert_int_equal(code, ERR_OK);
        }
        assert_int_equal(describe(fixture, "big").state, INDEX_READY);
    }
}

#define BUILDER_TEST(name)                                                                         \
    cmocka_unit_test_setup_teardown(test_index_builder__##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BUILDER_TEST(builds_and_tells),
        BUILDER_TEST(is_alone),
        BUILDER_TEST(looks_again_when_asked),
        BUILDER_TEST(passes_over_what_vanished),
        BUILDER_TEST(writers_leave_its_files_alone),
        BUILDER_TEST(a_dead_one_is_recognised),
        BUILDER_TEST(goes_on_past_damage),
        BUILDER_TEST(tells_stale_from_damaged),
        BUILDER_TEST(every_call_fails_once),
    };
    return cmocka_run_group_tests_name("index_builder", tests, NULL, NULL);
}
