/* database_test.c: opening and refusing folders, locks, read-only media, damage of the catalog, and
 * readers beside writers. */
#include "sample.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/sql.h"

struct fixture {
    char *folder;
    char *target;
    char *catalog;
    struct sample sample;
};

static const struct sample_job job = {.name = "one", .token = "job-1"};

static int setup(void **state)
{
    struct fixture *fixture = mem_zalloc(1, sizeof *fixture);
    const struct sample_options options = {METRIC_L2, 4, 3, 50, 1000, 1, false, NULL};
    fixture->folder = scratch_make();
    fixture->target = scratch_path(fixture->folder, "db");
    fixture->catalog = scratch_path(fixture->target, "catalog.sqlite");
    sample_init(&fixture->sample, &options);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    sample_release(&fixture->sample);
    scratch_remove(fixture->folder);
    mem_free(fixture->target);
    mem_free(fixture->catalog);
    mem_free(fixture);
    return 0;
}

static enum err_code open_and_close(const struct fixture *fixture, enum database_mode mode,
                                    struct err *err)
{
    struct database *database = NULL;
    const enum err_code code = database_open(fixture->target, mode, &database, err);
    if (code == ERR_OK)
        database_close(database);
    return code;
}

static void test_database__absent_folders(void **state)
{
    const struct fixture *fixture = *state;
    struct err failure = {0};
    assert_int_equal(open_and_close(fixture, DATABASE_READ, &failure), ERR_NOT_FOUND);
    assert_int_equal(open_and_close(fixture, DATABASE_WRITE, &failure), ERR_NOT_FOUND);
    assert_false(file_exists(fixture->target));
    assert_false(database_exists(fixture->target));
    expect_ok(open_and_close(fixture, DATABASE_CREATE, err));
    assert_true(database_exists(fixture->target));
    expect_ok(open_and_close(fixture, DATABASE_READ, err));
}

static void test_database__a_folder_of_others_is_refused(void **state)
{
    const struct fixture *fixture = *state;
    struct err failure = {0};
    char *path = scratch_path(fixture->target, "thesis.tex");
    expect_ok(folder_make(fixture->target, err));
    expect_ok(file_replace(path, "x", 1, err));
    assert_int_equal(open_and_close(fixture, DATABASE_CREATE, &failure), ERR_EXISTS);
    assert_non_null(strstr(failure.msg, "thesis.tex"));
    mem_free(path);
}

static void test_database__another_sqlite_file_is_refused(void **state)
{
    const struct fixture *fixture = *state;
    struct err failure = {0};
    struct sql *sql = NULL;
    expect_ok(folder_make(fixture->target, err));
    expect_ok(sql_open(fixture->catalog, &sql, err));
    expect_ok(sql_exec(sql, "CREATE TABLE mine (x)", err));
    sql_close(sql);
    assert_int_equal(open_and_close(fixture, DATABASE_CREATE, &failure), ERR_NOT_FOUND);
    assert_int_equal(open_and_close(fixture, DATABASE_READ, &failure), ERR_NOT_FOUND);
}

static void change_catalog(const struct fixture *fixture, const char *statements)
{
    struct sql *sql = NULL;
    expect_ok(sql_open(fixture->catalog, &sql, err));
    expect_ok(sql_exec(sql, statements, err));
    sql_close(sql);
}

static void test_database__a_newer_format_is_refused(void **state)
{
    const struct fixture *fixture = *state;
    struct err failure = {0};
    expect_ok(open_and_close(fixture, DATABASE_CREATE, err));
    change_catalog(fixture, "PRAGMA user_version = 2");
    for (int mode = DATABASE_READ; mode <= DATABASE_CREATE; mode++) {
        assert_int_equal(open_and_close(fixture, (enum database_mode)mode, &failure),
                         ERR_UNSUPPORTED);
        assert_non_null(strstr(failure.msg, "format version 2"));
    }
}

static void test_database__strange_schemas_are_refused(void **state)
{
    const struct fixture *fixture = *state;
    static const char *const changes[] = {
        "CREATE TRIGGER t AFTER UPDATE ON meta BEGIN DELETE FROM segment; END",
        "DROP TABLE publication",
        "DROP TABLE publication; CREATE VIEW publication AS SELECT '' AS token",
        "ALTER TABLE segment ADD COLUMN more",
    };
    for (size_t k = 0; k < sizeof changes / sizeof changes[0]; k++) {
        struct err failure = {0};
        expect_ok(open_and_close(fixture, DATABASE_CREATE, err));
        change_catalog(fixture, changes[k]);
        assert_int_equal(open_and_close(fixture, DATABASE_READ, &failure), ERR_CORRUPT);
        expect_ok(folder_remove(fixture->target, err));
    }
    expect_ok(open_and_close(fixture, DATABASE_CREATE, err));
    change_catalog(fixture, "CREATE TABLE job_one (x)"); /* the mover's, and welcome */
    expect_ok(open_and_close(fixture, DATABASE_READ, err));
}

static void test_database__two_writers(void **state)
{
    const struct fixture *fixture = *state;
    struct database *database = NULL;
    struct err failure = {0};
    expect_ok(database_open(fixture->target, DATABASE_CREATE, &database, err));
    assert_int_equal(open_and_close(fixture, DATABASE_WRITE, &failure), ERR_LOCKED);
    assert_int_equal(err_mapping(failure.code)->exit_status, 8);
    expect_ok(open_and_close(fixture, DATABASE_READ, err));
    database_close(database);
    expect_ok(open_and_close(fixture, DATABASE_WRITE, err));
}

static void test_database__a_reader_changes_nothing(void **state)
{
    const struct fixture *fixture = *state;
    struct database *database = NULL;
    struct err failure = {0};
    expect_ok(open_and_close(fixture, DATABASE_CREATE, err));
    expect_ok(database_open(fixture->target, DATABASE_READ, &database, err));
    assert_int_equal(database_drop_collection(database, "one", &failure), ERR_STATE);
    database_close(database);
}

/* A statement that damages one published fact, as a flipped bit would. */
static void test_database__a_changed_catalog_is_found(void **state)
{
    const struct fixture *fixture = *state;
    static const char *const changes[] = {
        "UPDATE segment SET ord = 7 WHERE id = 1",
        "UPDATE segment SET partition = 2 WHERE id = 1",
        "UPDATE segment SET vec_offset = 4 WHERE id = 1",
        "UPDATE segment SET rows = 49 WHERE id = 1",
        "DELETE FROM segment WHERE id = 3",
        "UPDATE collection SET metric = 2",
        "UPDATE collection SET dim = 8",
        "UPDATE collection SET name = 'onf'",
        "UPDATE partition SET name = 'a c' WHERE name = 'a b'",
        "UPDATE meta SET value = value + 1 WHERE key = 'seal'",
    };
    for (size_t k = 0; k < sizeof changes / sizeof changes[0]; k++) {
        struct database *database = NULL;
        struct snapshot *snapshot = NULL;
        struct collection_list list;
        struct err failure = {0};
        expect_ok(sample_migrate_to(fixture->target, &fixture->sample, &job, err));
        change_catalog(fixture, changes[k]);
        expect_ok(database_open(fixture->target, DATABASE_READ, &database, err));
        assert_int_equal(database_snapshot(database, "one", &snapshot, &failure), ERR_CORRUPT);
        assert_int_equal(database_list(database, &list, &failure), ERR_CORRUPT);
        assert_non_null(strstr(failure.msg, "catalog.sqlite"));
        database_close(database);
        expect_ok(folder_remove(fixture->target, err));
    }
}

/* Every byte of the catalog file damaged in turn: an error, or the truth. */
static void test_database__flipped_bits_of_the_catalog(void **state)
{
    const struct fixture *fixture = *state;
    struct stat st;
    expect_ok(sample_migrate_to(fixture->target, &fixture->sample, &job, err));
    assert_int_equal(stat(fixture->catalog, &st), 0);
    const int fd = open(fixture->catalog, O_RDWR);
    assert_true(fd >= 0);
    for (off_t at = 0; at < st.st_size; at += 7) {
        struct database *database = NULL;
        struct snapshot *snapshot = NULL;
        struct err failure = {0};
        uint8_t byte = 0;
        assert_int_equal(pread(fd, &byte, 1, at), 1);
        const uint8_t changed = byte ^ (uint8_t)(1U << at % 8);
        assert_int_equal(pwrite(fd, &changed, 1, at), 1);
        enum err_code code = database_open(fixture->target, DATABASE_READ, &database, &failure);
        if (code == ERR_OK)
            code = database_snapshot(database, "one", &snapshot, &failure);
        if (code == ERR_OK)
            sample_expect(database, "one", &(const struct sample *){&fixture->sample}, 1);
        snapshot_unref(snapshot);
        database_close(database);
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    }
    (void)close(fd);
}

static void test_database__a_missing_file_is_damage(void **state)
{
    const struct fixture *fixture = *state;
    struct database *database = NULL;
    struct snapshot *snapshot = NULL;
    struct err failure = {0};
    char *path = scratch_path(fixture->target, "segments/1/000001.vec");
    expect_ok(sample_migrate_to(fixture->target, &fixture->sample, &job, err));
    expect_ok(file_remove(path, err));
    expect_ok(database_open(fixture->target, DATABASE_READ, &database, err));
    assert_int_equal(database_snapshot(database, "one", &snapshot, &failure), ERR_CORRUPT);
    assert_non_null(strstr(failure.msg, "000001.vec"));
    database_close(database);
    mem_free(path);
}

/* A snapshot outlives the drop of its collection, and a new look sees the drop. */
static void test_database__snapshots_outlive_a_drop(void **state)
{
    const struct fixture *fixture = *state;
    struct database *reader = NULL;
    struct database *writer = NULL;
    struct snapshot *snapshot = NULL;
    struct snapshot *again = NULL;
    struct err failure = {0};
    expect_ok(sample_migrate_to(fixture->target, &fixture->sample, &job, err));
    expect_ok(database_open(fixture->target, DATABASE_READ, &reader, err));
    expect_ok(database_snapshot(reader, "one", &snapshot, err));
    expect_ok(database_snapshot(reader, "one", &again, err));
    assert_ptr_equal(snapshot, again); /* nothing changed: the same one */
    snapshot_unref(again);
    expect_ok(database_open(fixture->target, DATABASE_WRITE, &writer, err));
    expect_ok(database_drop_collection(writer, "one", err));
    database_close(writer);
    assert_int_equal(database_snapshot(reader, "one", &again, &failure), ERR_NO_COLLECTION);
    sample_expect_snapshot(snapshot, &fixture->sample);
    snapshot_unref(snapshot);
    database_close(reader);
}

static void test_database__drop_partition(void **state)
{
    const struct fixture *fixture = *state;
    struct database *database = NULL;
    struct collection_list list;
    struct err failure = {0};
    expect_ok(sample_migrate_to(fixture->target, &fixture->sample, &job, err));
    expect_ok(database_open(fixture->target, DATABASE_WRITE, &database, err));
    assert_int_equal(database_drop_partition(database, "one", "x", &failure), ERR_NO_PARTITION);
    assert_int_equal(database_drop_partition(database, "x", "a b", &failure), ERR_NO_COLLECTION);
    expect_ok(database_drop_partition(database, "one", "a b", err));
    expect_ok(database_drop_partition(database, "one", PARTITION_DEFAULT, err));
    expect_ok(database_list(database, &list, err));
    assert_int_equal(list.items[0].partition_count, 2);
    assert_string_equal(list.items[0].partitions[0].name, PARTITION_DEFAULT);
    assert_int_equal(list.items[0].partitions[0].rows, 0);
    assert_int_equal(list.items[0].rows, 50);
    collection_list_release(&list);
    char *path = scratch_path(fixture->target, "segments/1/000001.vec");
    assert_false(file_exists(path));
    mem_free(path);
    database_close(database);
}

/* Readers in other processes, while a writer replaces the collection again and again: each sees one
 * whole version or the other. */
static int read_versions(const struct fixture *fixture, const struct sample *versions)
{
    struct database *database = NULL;
    struct err failure = {0};
    if (database_open(fixture->target, DATABASE_READ, &database, &failure) != ERR_OK)
        return 1;
    for (int k = 0; k < 200; k++) {
        struct snapshot *snapshot = NULL;
        if (database_snapshot(database, "one", &snapshot, &failure) != ERR_OK) {
            (void)fprintf(stderr, "%s\n", failure.msg);
            return 2;
        }
        const struct collection_facts *facts = snapshot_facts(snapshot);
        const struct sample *seen =
            facts->rows == versions[0].collection.live_rows ? &versions[0] : &versions[1];
        sample_expect_snapshot(snapshot, seen);
        snapshot_unref(snapshot);
    }
    database_close(database);
    return 0;
}

static void test_database__readers_beside_a_writer(void **state)
{
    const struct fixture *fixture = *state;
    struct sample versions[2];
    pid_t children[2];
    for (unsigned k = 0; k < 2; k++) {
        const struct sample_options options = {METRIC_L2, 4, 2 + k, 40 + 10 * k, 1, k, false, NULL};
        sample_init(&versions[k], &options);
    }
    expect_ok(sample_migrate_to(fixture->target, &versions[0], &job, err));
    for (size_t k = 0; k < 2; k++) {
        children[k] = fork();
        if (children[k] == 0)
            _exit(read_versions(fixture, versions));
    }
    for (int k = 0; k < 40; k++) {
        char token[32];
        (void)snprintf(token, sizeof token, "again-%d", k);
        const struct sample_job next = {
            .name = "one", .token = token, .if_exists = IF_EXISTS_REPLACE};
        expect_ok(sample_migrate_to(fixture->target, &versions[k % 2], &next, err));
    }
    for (size_t k = 0; k < 2; k++) {
        int status = 0;
        assert_int_equal(waitpid(children[k], &status, 0), children[k]);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
        sample_release(&versions[k]);
    }
}

/* As on a read-only medium: a process that may not write there, and no -wal or -shm file. */
static void test_database__a_folder_without_write_permission(void **state)
{
    const struct fixture *fixture = *state;
    static const char *const folders[] = {"", "segments", "segments/1"};
    expect_ok(sample_migrate_to(fixture->target, &fixture->sample, &job, err));
    assert_int_equal(chmod(fixture->folder, 0755), 0);
    for (size_t k = 0; k < 3; k++) {
        char *path = scratch_path(fixture->target, folders[k]);
        assert_int_equal(chmod(path, 0555), 0);
        mem_free(path);
    }
    const pid_t child = fork();
    if (child == 0) {
        if (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0)
            _exit(3);
        sample_expect_in(fixture->target, "one", &fixture->sample);
        _exit(0);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    for (size_t k = 0; k < 3; k++) {
        char *path = scratch_path(fixture->target, folders[k]);
        assert_int_equal(chmod(path, 0755), 0);
        mem_free(path);
    }
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_database__absent_folders, setup, teardown),
        cmocka_unit_test_setup_teardown(test_database__a_folder_of_others_is_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_database__another_sqlite_file_is_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_database__a_newer_format_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_database__strange_schemas_are_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_database__two_writers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_database__a_reader_changes_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_database__a_changed_catalog_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(test_database__flipped_bits_of_the_catalog, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_database__a_missing_file_is_damage, setup, teardown),
        cmocka_unit_test_setup_teardown(test_database__snapshots_outlive_a_drop, setup, teardown),
        cmocka_unit_test_setup_teardown(test_database__drop_partition, setup, teardown),
        cmocka_unit_test_setup_teardown(test_database__readers_beside_a_writer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_database__a_folder_without_write_permission, setup,
                                        teardown),
    };
    return cmocka_run_group_tests_name("database", tests, NULL, NULL);
}
