/* faults_test.c: a whole small migration, with everything failing once in turn: killed at its n-th
 * change of the disk, failed calls, ends of memory, full disks. After each: nothing half-visible, a
 * clear error, and the same command then gives the undisturbed result, file for file. */
#include "sample.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/file.h"
#include "base/mem.h"
#include "engine/import.h"
#include "engine/lookup.h"
#include "engine/search.h"

struct fixture {
    char *folder;
    char *source; /* the sample's files */
    char *target;
    char *reference; /* an undisturbed database */
    struct sample sample;
};

static const struct sample_job job = {.name = "one", .token = "job-1"};
static const struct sample_job link_job = {.name = "one", .token = "job-1", .link = true};

static int setup(void **state)
{
    struct fixture *fixture = mem_zalloc(1, sizeof *fixture);
    fixture->folder = scratch_make();
    fixture->source = scratch_path(fixture->folder, "source");
    fixture->target = scratch_path(fixture->folder, "db");
    fixture->reference = scratch_path(fixture->folder, "reference");
    expect_ok(folder_make(fixture->source, err));
    const struct sample_options options = {METRIC_L2, 4, 2, 50, 1000, 1, true, fixture->source};
    sample_init(&fixture->sample, &options);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    sample_release(&fixture->sample);
    scratch_remove(fixture->folder);
    mem_free(fixture->source);
    mem_free(fixture->target);
    mem_free(fixture->reference);
    mem_free(fixture);
    return 0;
}

static void expect_equal_files(const char *a, const char *b, const char *name)
{
    char *paths[2] = {scratch_path(a, name), scratch_path(b, name)};
    void *data[2];
    size_t sizes[2];
    for (size_t k = 0; k < 2; k++)
        expect_ok(file_read_all(paths[k], 1 << 20, &data[k], &sizes[k], err));
    assert_int_equal(sizes[0], sizes[1]);
    assert_memory_equal(data[0], data[1], sizes[0]);
    for (size_t k = 0; k < 2; k++) {
        mem_free(paths[k]);
        mem_free(data[k]);
    }
}

/* The same files with the same bytes below segments/1, and the same rows. */
static void expect_same_as_reference(const struct fixture *fixture)
{
    char *folders[2] = {scratch_path(fixture->target, "segments/1"),
                        scratch_path(fixture->reference, "segments/1")};
    char **names[2];
    size_t counts[2];
    for (size_t k = 0; k < 2; k++)
        expect_ok(folder_list(folders[k], 1000, &names[k], &counts[k], err));
    assert_int_equal(counts[0], counts[1]);
    for (size_t k = 0; k < counts[0]; k++) {
        assert_string_equal(names[0][k], names[1][k]);
        expect_equal_files(folders[0], folders[1], names[0][k]);
    }
    for (size_t k = 0; k < 2; k++) {
        mem_free(names[k]);
        mem_free(folders[k]);
    }
    sample_expect_in(fixture->target, "one", &fixture->sample);
}

/* Nothing of the job is visible, or all of it. */
static void expect_none_or_all(const struct fixture *fixture)
{
    struct database *database = NULL;
    struct err failure = {0};
    const enum err_code code = database_open(fixture->target, DATABASE_READ, &database, &failure);
    if (code == ERR_NOT_FOUND)
        return;
    if (code != ERR_OK)
        fail_msg("after a crash: %s", failure.msg);
    struct collection_list list;
    expect_ok(database_list(database, &list, err));
    const size_t count = list.count;
    collection_list_release(&list);
    database_close(database);
    assert_true(count <= 1);
    if (count == 1)
        sample_expect_in(fixture->target, "one", &fixture->sample);
}

/* In a child that kills itself at its n-th change of the disk. True when it was killed. */
static bool run_and_die(const struct fixture *fixture, const struct sample_job *what, size_t n)
{
    char spec[64];
    (void)snprintf(spec, sizeof spec, "any:%zu:kill", n);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct err failure = {0};
        (void)setenv("GODWIT_FAULT", spec, 1);
        if (!fault_from_environment())
            _exit(3);
        const enum err_code code =
            sample_migrate_to(fixture->target, &fixture->sample, what, &failure);
        _exit(code == ERR_OK ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status)) {
        assert_int_equal(WTERMSIG(status), SIGKILL);
        return true;
    }
    assert_int_equal(WEXITSTATUS(status), 0);
    return false;
}

static void kill_at_every_change(const struct fixture *fixture, const struct sample_job *what)
{
    expect_ok(sample_migrate_to(fixture->reference, &fixture->sample, what, err));
    bool was_killed = true;
    size_t n = 0;
    for (; was_killed; n++) {
        was_killed = run_and_die(fixture, what, n);
        expect_none_or_all(fixture);
        expect_ok(sample_migrate_to(fixture->target, &fixture->sample, what, err));
        expect_same_as_reference(fixture);
        expect_ok(folder_remove(fixture->target, err));
    }
    assert_true(n > 40); /* else the faults were not reached */
}

static void test_faults__killed_while_copying(void **state)
{
    kill_at_every_change(*state, &job);
}

static void test_faults__killed_while_linking(void **state)
{
    kill_at_every_change(*state, &link_job);
}

/* Killed at n, n + 1, ... of one and the same target, until a run gets through. */
static void test_faults__killed_again_and_again(void **state)
{
    const struct fixture *fixture = *state;
    expect_ok(sample_migrate_to(fixture->reference, &fixture->sample, &job, err));
    size_t n = 5;
    while (run_and_die(fixture, &job, n))
        n += 3;
    expect_same_as_reference(fixture);
}

static const struct {
    enum fault_kind kind;
    int reason;
} failures[] = {
    {FAULT_MALLOC, ENOMEM}, {FAULT_OPEN, EMFILE},       {FAULT_READ, EIO},    {FAULT_WRITE, ENOSPC},
    {FAULT_WRITE, EIO},     {FAULT_COPY, EIO},          {FAULT_COPY, ENOSPC}, {FAULT_FSYNC, EIO},
    {FAULT_RENAME, EACCES}, {FAULT_LINK, EMLINK},       {FAULT_UNLINK, EIO},  {FAULT_MKDIR, ENOSPC},
    {FAULT_COMMIT, ENOSPC}, {FAULT_WRITE, FAULT_SHORT},
};

/* SQLite allocates thousands and reads hundreds of times in a run; every call of the others is
 * tried. */
static size_t stride(enum fault_kind kind, size_t n)
{
    if (kind == FAULT_READ && n > 40)
        return 7;
    return kind == FAULT_MALLOC && n > 100 ? 67 : 1;
}

/* Fails the n-th call of a kind, for all n; every run either succeeds in spite of it, or reports
 * something sensible; then the same command works. */
static void fail_every_call(const struct fixture *fixture, const struct sample_job *what,
                            enum fault_kind kind, int reason)
{
    for (size_t n = 0;; n += stride(kind, n)) {
        struct err failure = {0};
        fault_arm(kind, n, reason);
        const enum err_code code =
            sample_migrate_to(fixture->target, &fixture->sample, what, &failure);
        const bool was_reached = fault_disarm();
        if (!was_reached || reason == FAULT_SHORT)
            assert_int_equal(code, ERR_OK);
        if (code != ERR_OK) {
            assert_int_equal(failure.code, code);
            assert_true(strlen(failure.msg) > 10);
            assert_true(code != ERR_INTERNAL && code != ERR_STATE);
        }
        if (code != ERR_OK && reason == ENOSPC && kind != FAULT_WRITE)
            assert_int_equal(code, ERR_NO_SPACE);
        expect_none_or_all(fixture);
        expect_ok(sample_migrate_to(fixture->target, &fixture->sample, what, err));
        expect_same_as_reference(fixture);
        expect_ok(folder_remove(fixture->target, err));
        if (!was_reached)
            break;
    }
}

static void test_faults__every_call_fails_once(void **state)
{
    const struct fixture *fixture = *state;
    expect_ok(sample_migrate_to(fixture->reference, &fixture->sample, &job, err));
    for (size_t k = 0; k < sizeof failures / sizeof failures[0]; k++)
        fail_every_call(fixture, &job, failures[k].kind, failures[k].reason);
}

static void test_faults__every_link_fails_once(void **state)
{
    const struct fixture *fixture = *state;
    expect_ok(sample_migrate_to(fixture->reference, &fixture->sample, &link_job, err));
    fail_every_call(fixture, &link_job, FAULT_LINK, EMLINK);
    fail_every_call(fixture, &link_job, FAULT_LINK, EXDEV);
}

/* Everything a reader does, once; frees what it made. */
static enum err_code read_everything(const struct fixture *fixture, struct err *err)
{
    struct database *database = NULL;
    struct snapshot *snapshot = NULL;
    const float query[4] = {1, 2, 3, 4};
    const int64_t ids[2] = {1003, 99};
    const struct search_request request = {
        .queries = query, .query_count = 1, .dim = 4, .k = 5, .threads = 2};
    struct search_result found = {0};
    struct lookup_result rows = {0};
    struct collection_list list = {0};
    enum err_code code = database_open(fixture->reference, DATABASE_READ, &database, err);
    if (code == ERR_OK)
        code = database_list(database, &list, err);
    if (code == ERR_OK)
        code = database_snapshot(database, "one", &snapshot, err);
    if (code == ERR_OK)
        code = search_run(snapshot, &request, &found, err);
    if (code == ERR_OK)
        code = lookup_get(snapshot, NULL, ids, 2, &rows, err);
    if (code == ERR_OK)
        assert_int_equal(found.counts[0], 5);
    search_result_release(&found);
    lookup_result_release(&rows);
    collection_list_release(&list);
    snapshot_unref(snapshot);
    database_close(database);
    return code;
}

static void test_faults__readers_fail_cleanly(void **state)
{
    const struct fixture *fixture = *state;
    static const enum fault_kind kinds[] = {FAULT_MALLOC, FAULT_OPEN, FAULT_READ, FAULT_MAP};
    static const int reasons[] = {ENOMEM, EMFILE, EIO, EIO};
    expect_ok(sample_migrate_to(fixture->reference, &fixture->sample, &link_job, err));
    for (size_t k = 0; k < 4; k++) {
        for (size_t n = 0;; n += stride(kinds[k], n)) {
            struct err failure = {0};
            fault_arm(kinds[k], n, reasons[k]);
            const enum err_code code = read_everything(fixture, &failure);
            if (!fault_disarm()) {
                assert_int_equal(code, ERR_OK);
                break;
            }
            if (code != ERR_OK)
                assert_true(strlen(failure.msg) > 10);
        }
    }
}

static enum err_code import_once(const struct fixture *fixture, const char *folder, struct err *err)
{
    struct database *database = NULL;
    struct import_result result;
    const struct sample_segment *data = &fixture->sample.data[0];
    const struct import_request request = {
        .collection = "one", .dim = 4, .vectors = data->vectors, .rows = data->rows};
    enum err_code code = database_open(folder, DATABASE_CREATE, &database, err);
    if (code == ERR_OK)
        code = import_rows(database, &request, &result, err);
    database_close(database);
    return code;
}

static uint64_t count_rows(const char *folder)
{
    struct database *database = NULL;
    struct collection_list list;
    expect_ok(database_open(folder, DATABASE_READ, &database, err));
    expect_ok(database_list(database, &list, err));
    const uint64_t rows = list.count > 0 ? list.items[0].rows : 0;
    collection_list_release(&list);
    database_close(database);
    return rows;
}

/* All or nothing, for each failing call of an import into a database that has rows already. */
static void test_faults__import_is_all_or_nothing(void **state)
{
    const struct fixture *fixture = *state;
    static const enum fault_kind kinds[] = {FAULT_MALLOC, FAULT_WRITE, FAULT_FSYNC, FAULT_RENAME,
                                            FAULT_COMMIT};
    static const int reasons[] = {ENOMEM, ENOSPC, EIO, EIO, ENOSPC};
    expect_ok(import_once(fixture, fixture->target, err));
    uint64_t rows = 50;
    for (size_t k = 0; k < 5; k++) {
        bool was_reached = true;
        for (size_t n = 0; was_reached; n += stride(kinds[k], n)) {
            struct err failure = {0};
            fault_arm(kinds[k], n, reasons[k]);
            const enum err_code code = import_once(fixture, fixture->target, &failure);
            was_reached = fault_disarm();
            rows += code == ERR_OK ? 50 : 0;
            assert_int_equal(count_rows(fixture->target), rows);
            if (rows > 200) { /* many segments only make the test slow */
                expect_ok(folder_remove(fixture->target, err));
                expect_ok(import_once(fixture, fixture->target, err));
                rows = 50;
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_faults__killed_while_copying, setup, teardown),
        cmocka_unit_test_setup_teardown(test_faults__killed_while_linking, setup, teardown),
        cmocka_unit_test_setup_teardown(test_faults__killed_again_and_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_faults__every_call_fails_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_faults__every_link_fails_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_faults__readers_fail_cleanly, setup, teardown),
        cmocka_unit_test_setup_teardown(test_faults__import_is_all_or_nothing, setup, teardown),
    };
    return cmocka_run_group_tests_name("faults", tests, NULL, NULL);
}
