/* migrate_test.c: whole runs of the mover between a fake source and a fake target. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/fault.h"
#include "fake.h"
#include "migrate/jobs.h"
#include "migrate/migrate.h"

/* Two collections, a partition, deletes, ids that occur twice; 5 segments. */
static struct fake_source *small(void)
{
    static const int64_t first[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    static const int64_t second[] = {5, 100, 101, 3, 102};
    static const int64_t third[] = {200, 5, 201};
    static const int64_t emptied[] = {300};
    struct fake_source *source = fake_source_new();
    const size_t words = fake_add_collection(source, "words", METRIC_L2, 4);
    const size_t tag = fake_add_partition(source, words, "a tag");
    (void)fake_add_segment(source, words, 0, first, 12, 1);
    (void)fake_add_segment(source, words, tag, second, 5, 2);
    (void)fake_add_segment(source, words, 0, third, 3, 3);
    (void)fake_add_segment(source, words, 0, emptied, 1, 4);
    fake_delete(source, words, 0, 0);
    fake_delete(source, words, 0, 11);
    fake_delete(source, words, 3, 0);
    const size_t bits = fake_add_collection(source, "bits", METRIC_JACCARD, 16);
    (void)fake_add_segment(source, bits, 0, first, 9, 5);
    (void)fake_add_collection(source, "empty", METRIC_IP, 3);
    return source;
}

static enum err_code run_with(struct fake_disk *disk, struct source *source,
                              const struct migrate_options *options, struct err *err)
{
    struct target *target = fake_target(disk);
    struct migrate_result result;
    const enum err_code code = migrate_run(source, target, options, NULL, &result, err);
    migrate_result_release(&result);
    target->ops->close(target);
    struct err told;
    if (code == ERR_OK && !options->is_dry_run)
        assert_int_equal(migrate_told(disk->folder, &told), ERR_OK);
    return code;
}

static enum err_code run(struct fake_disk *disk, struct source *source, struct err *err)
{
    const struct migrate_options options = {.threads = 1};
    return run_with(disk, source, &options, err);
}

static void assert_same(struct fake_disk *disk, struct source *source,
                        const struct selection *selection)
{
    struct target *target = fake_target(disk);
    struct source *published = NULL;
    struct err err = {0};
    assert_int_equal(target->ops->as_source(target, &published, &err), ERR_OK);
    const struct verify_options options = {.selection = selection, .threads = 2};
    struct verify_result result;
    const enum err_code code = verify_run(source, published, &options, NULL, &result, &err);
    if (code != ERR_OK)
        print_error("%s\n", err.msg);
    assert_int_equal(code, ERR_OK);
    verify_result_release(&result);
    source_close(published);
    target->ops->close(target);
}

static void test_migrate__everything_arrives(void **state)
{
    (void)state;
    struct fake_disk disk;
    fake_disk_init(&disk);
    struct source *source = fake_finish(small());
    struct target *target = fake_target(&disk);
    struct migrate_progress *progress = migrate_progress_new();
    const struct migrate_options options = {.threads = 3,
                                            .command_line = "godwit migrate a --to b"};
    struct migrate_result result;
    struct err err = {0};
    assert_int_equal(migrate_run(source, target, &options, progress, &result, &err), ERR_OK);
    assert_true(result.verify.is_equal);
    assert_int_equal(result.verify.source_rows, 10 + 5 + 3 + 9);
    assert_int_equal(result.verify.target_rows, 27);
    assert_int_equal(result.job, 1);
    assert_false(result.was_resumed);
    struct progress_view view;
    migrate_progress_get(progress, &view);
    assert_int_equal(view.collection_count, 3);
    assert_int_equal(view.phase, PROGRESS_ENDED);
    assert_int_equal(view.all.rows_verified, 27);
    assert_int_equal(view.all.segments_done, 5);
    migrate_result_release(&result);
    migrate_progress_free(progress);
    target->ops->close(target);
    assert_same(&disk, source, NULL);
    struct job_list list;
    assert_int_equal(jobs_list(disk.catalog, &list, &err), ERR_OK);
    assert_int_equal(list.count, 1);
    assert_string_equal(list.views[0].state, "SUCCESSFUL");
    assert_int_equal(list.views[0].rows, 27);
    assert_int_equal(list.views[0].segments_done, 5);
    job_list_release(&list);
    source_close(source);
    fake_disk_release(&disk);
}

static void test_migrate__second_run_finds_the_collections(void **state)
{
    (void)state;
    struct fake_disk disk;
    fake_disk_init(&disk);
    struct source *source = fake_finish(small());
    struct err err = {0};
    assert_int_equal(run(&disk, source, &err), ERR_OK);
    assert_int_equal(run(&disk, source, &err), ERR_EXISTS);
    assert_non_null(strstr(err.msg, "--if-exists"));
    struct migrate_options options = {.if_exists = IF_EXISTS_APPEND};
    assert_int_equal(run_with(&disk, source, &options, &err), ERR_OK);
    assert_int_equal(fake_visible_rows(&disk, "words"), 36);
    options.if_exists = IF_EXISTS_REPLACE;
    assert_int_equal(run_with(&disk, source, &options, &err), ERR_OK);
    assert_int_equal(fake_visible_rows(&disk, "words"), 18);
    assert_same(&disk, source, NULL);
    source_close(source);
    fake_disk_release(&disk);
}

/* Killed between the end of the job and telling it: the same command hears of it; only once. */
static void test_migrate__end_that_nobody_heard_of(void **state)
{
    (void)state;
    struct fake_disk disk;
    fake_disk_init(&disk);
    struct fake_source *rows = small();
    fake_make_infinite(rows, 0, 0, 3);
    fake_make_infinite(rows, 0, 0, 11); /* dead */
    fake_make_infinite(rows, 0, 1, 0);
    struct source *source = fake_finish(rows);
    struct err err = {0};
    const struct migrate_options options = {.if_exists = IF_EXISTS_APPEND};
    for (int k = 0; k < 2; k++) {
        struct target *target = fake_target(&disk);
        struct migrate_result result;
        assert_int_equal(migrate_run(source, target, &options, NULL, &result, &err), ERR_OK);
        assert_int_equal(result.job, 1);
        assert_int_equal(result.was_resumed, k == 1);
        assert_int_equal(result.verify.target_rows, 27);
        assert_int_equal(result.verify.non_finite_rows, 2); /* the second time from the notes */
        assert_true(result.verify.is_equal);
        migrate_result_release(&result);
        target->ops->close(target);
    }
    assert_int_equal(fake_visible_rows(&disk, "words"), 18);
    assert_int_equal(migrate_told(disk.folder, &err), ERR_OK);
    assert_int_equal(run_with(&disk, source, &options, &err), ERR_OK);
    assert_int_equal(fake_visible_rows(&disk, "words"), 36);
    source_close(source);
    fake_disk_release(&disk);
}

static void test_migrate__append_to_another_shape(void **state)
{
    (void)state;
    struct fake_disk disk;
    fake_disk_init(&disk);
    struct source *source = fake_finish(small());
    struct err err = {0};
    assert_int_equal(run(&disk, source, &err), ERR_OK);
    struct fake_source *other = fake_source_new();
    (void)fake_add_collection(other, "words", METRIC_IP, 4);
    struct source *second = fake_finish(other);
    const struct migrate_options options = {.if_exists = IF_EXISTS_APPEND};
    assert_int_equal(run_with(&disk, second, &options, &err), ERR_TARGET);
    assert_int_equal(fake_visible_rows(&disk, "words"), 18);
    source_close(second);
    source_close(source);
    fake_disk_release(&disk);
}

/* Every call of the target that writes fails once, before or after its work; then the same run. */
static void fail_everywhere(bool fails_after, enum if_exists if_exists)
{
    struct source *source = fake_finish(small());
    bool has_ended = false;
    for (size_t n = 0; !has_ended; n++) {
        struct fake_disk disk;
        fake_disk_init(&disk);
        struct err err = {0};
        if (if_exists != IF_EXISTS_FAIL)
            assert_int_equal(run(&disk, source, &err), ERR_OK);
        const size_t before = fake_visible_rows(&disk, "words");
        disk.calls = 0;
        disk.puts = 0;
        disk.fail_at = n;
        disk.fails_after = fails_after;
        const struct migrate_options options = {.threads = 1, .if_exists = if_exists};
        const enum err_code code = run_with(&disk, source, &options, &err);
        has_ended = disk.calls <= n;
        assert_int_equal(code, has_ended ? ERR_OK : ERR_IO);
        if (code != ERR_OK) {
            if (!fails_after)
                assert_int_equal(fake_visible_rows(&disk, "words"), before);
            const size_t puts = disk.puts;
            assert_int_equal(run_with(&disk, source, &options, &err), ERR_OK);
            assert_true(puts + disk.puts <= 2 * 4);
            assert_int_equal(disk.puts, 4); /* nothing is copied twice */
        }
        if (if_exists == IF_EXISTS_APPEND)
            assert_int_equal(fake_visible_rows(&disk, "words"), 2 * 18);
        else
            assert_same(&disk, source, NULL);
        fake_disk_release(&disk);
    }
    source_close(source);
}

static void test_migrate__resumes_after_failure_before_each_step(void **state)
{
    (void)state;
    fail_everywhere(false, IF_EXISTS_FAIL);
    fail_everywhere(false, IF_EXISTS_APPEND);
    fail_everywhere(false, IF_EXISTS_REPLACE);
}

static void test_migrate__resumes_after_failure_after_each_step(void **state)
{
    (void)state;
    fail_everywhere(true, IF_EXISTS_FAIL);
    fail_everywhere(true, IF_EXISTS_APPEND);
    fail_everywhere(true, IF_EXISTS_REPLACE);
}

/* Each commit of the catalog fails once. */
static void test_migrate__resumes_after_failed_commit(void **state)
{
    (void)state;
    struct source *source = fake_finish(small());
    bool has_ended = false;
    for (size_t n = 0; !has_ended; n++) {
        struct fake_disk disk;
        fake_disk_init(&disk);
        struct err err = {0};
        fault_arm(FAULT_COMMIT, n, 5);
        enum err_code code = run(&disk, source, &err);
        has_ended = !fault_disarm();
        if (has_ended)
            assert_int_equal(code, ERR_OK);
        if (code != ERR_OK)
            assert_int_equal(run(&disk, source, &err), ERR_OK);
        assert_same(&disk, source, NULL);
        fake_disk_release(&disk);
    }
    source_close(source);
}

/* Each allocation fails once: an error, no leak, and the next run continues. */
static void test_migrate__survives_failing_memory(void **state)
{
    (void)state;
    struct fake_source *made = small();
    struct source *source = fake_finish(made);
    struct selection selection;
    selection_init(&selection);
    selection.duplicates = DUPLICATES_FIRST;
    const struct migrate_options options = {.threads = 1, .selection = &selection};
    bool has_ended = false;
    for (size_t n = 0; !has_ended; n += n < 300 ? 1 : 7) {
        struct fake_disk disk;
        fake_disk_init(&disk);
        struct err err = {0};
        fault_arm(FAULT_MALLOC, n, 12);
        enum err_code code = run_with(&disk, source, &options, &err);
        has_ended = !fault_disarm();
        if (code != ERR_OK) {
            assert_int_equal(code, ERR_NOMEM);
            code = run_with(&disk, source, &options, &err);
        }
        assert_int_equal(code, ERR_OK);
        assert_same(&disk, source, &selection);
        fake_disk_release(&disk);
    }
    selection_release(&selection);
    source_close(source);
}

static void test_migrate__wrong_copy_is_made_again(void **state)
{
    (void)state;
    struct fake_disk disk;
    fake_disk_init(&disk);
    disk.corrupt_at = 1;
    struct source *source = fake_finish(small());
    struct target *target = fake_target(&disk);
    const struct migrate_options options = {.threads = 1};
    struct migrate_result result;
    struct err err = {0};
    assert_int_equal(migrate_run(source, target, &options, NULL, &result, &err), ERR_OK);
    assert_int_equal(result.segments_retried, 1);
    migrate_result_release(&result);
    target->ops->close(target);
    assert_same(&disk, source, NULL);
    source_close(source);
    fake_disk_release(&disk);
}

static void test_migrate__copy_that_stays_wrong_is_not_published(void **state)
{
    (void)state;
    struct fake_disk disk;
    fake_disk_init(&disk);
    disk.corrupt_at = 2;
    disk.corrupts_always = true;
    struct source *source = fake_finish(small());
    struct err err = {0};
    assert_int_equal(run(&disk, source, &err), ERR_MISMATCH);
    assert_int_equal(disk.published.collection_count, 0);
    struct job_list list;
    assert_int_equal(jobs_list(disk.catalog, &list, &err), ERR_OK);
    assert_string_equal(list.views[0].state, "FAILED");
    assert_non_null(strstr(list.views[0].reason, "twice"));
    job_list_release(&list);
    disk.corrupt_at = SIZE_MAX;
    disk.corrupts_always = false;
    assert_int_equal(run(&disk, source, &err), ERR_OK);
    assert_same(&disk, source, NULL);
    source_close(source);
    fake_disk_release(&disk);
}

/* A copy that decayed between two runs is found although the notes say that it is done. */
static void test_migrate__earlier_copies_are_read_again(void **state)
{
    (void)state;
    struct fake_disk disk;
    fake_disk_init(&disk);
    struct source *source = fake_finish(small());
    struct err err = {0};
    disk.fail_at = 8; /* begin, 3 collections, 4 segments, publish */
    assert_int_equal(run(&disk, source, &err), ERR_IO);
    disk.fail_at = SIZE_MAX;
    struct target *target = fake_target(&disk);
    struct job_list list;
    assert_int_equal(jobs_list(disk.catalog, &list, &err), ERR_OK);
    assert_string_equal(list.views[0].phase, "publishing");
    job_list_release(&list);
    target->ops->close(target);
    assert_int_equal(run(&disk, source, &err), ERR_OK);
    assert_same(&disk, source, NULL);
    source_close(source);
    fake_disk_release(&disk);
}

static void test_migrate__other_options_are_refused(void **state)
{
    (void)state;
    struct fake_disk disk;
    fake_disk_init(&disk);
    struct source *source = fake_finish(small());
    struct err err = {0};
    disk.fail_at = 5;
    assert_int_equal(run(&disk, source, &err), ERR_IO);
    disk.fail_at = SIZE_MAX;
    struct selection selection;
    selection_init(&selection);
    assert_int_equal(selection_add_collections(&selection, " words , bits", &err), ERR_OK);
    struct migrate_options options = {.selection = &selection};
    assert_int_equal(run_with(&disk, source, &options, &err), ERR_STATE);
    assert_non_null(strstr(err.msg, "--restart"));
    assert_non_null(strstr(err.msg, "[\"bits\",\"words\"]"));
    options.restart = true;
    assert_int_equal(run_with(&disk, source, &options, &err), ERR_OK);
    assert_same(&disk, source, &selection);
    struct job_list list;
    assert_int_equal(jobs_list(disk.catalog, &list, &err), ERR_OK);
    assert_int_equal(list.count, 2);
    assert_string_equal(list.views[0].state, "CANCELLED");
    assert_string_equal(list.views[1].state, "SUCCESSFUL");
    job_list_release(&list);
    selection_release(&selection);
    source_close(source);
    fake_disk_release(&disk);
}

static void test_migrate__changed_source_is_refused(void **state)
{
    (void)state;
    struct fake_disk disk;
    fake_disk_init(&disk);
    struct source *source = fake_finish(small());
    struct err err = {0};
    disk.fail_at = 5;
    assert_int_equal(run(&disk, source, &err), ERR_IO);
    disk.fail_at = SIZE_MAX;
    struct fake_source *changed = small();
    fake_delete(changed, 0, 0, 5);
    struct source *second = fake_finish(changed);
    assert_int_equal(run(&disk, second, &err), ERR_STATE);
    assert_non_null(strstr(err.msg, "27 rows"));
    assert_non_null(strstr(err.msg, "26 rows"));
    source_close(second);
    source_close(source);
    fake_disk_release(&disk);
}

static void test_migrate__stop_is_clean_and_resumable(void **state)
{
    (void)state;
    struct fake_disk disk;
    fake_disk_init(&disk);
    struct source *source = fake_finish(small());
    struct err err = {0};
    atomic_bool stop;
    atomic_init(&stop, true);
    struct migrate_options options = {.stop = &stop};
    assert_int_equal(run_with(&disk, source, &options, &err), ERR_INTERRUPTED);
    struct job_list list;
    assert_int_equal(jobs_list(disk.catalog, &list, &err), ERR_OK);
    assert_string_equal(list.views[0].state, "PENDING");
    job_list_release(&list);
    atomic_store(&stop, false);
    assert_int_equal(run_with(&disk, source, &options, &err), ERR_OK);
    assert_same(&disk, source, NULL);
    source_close(source);
    fake_disk_release(&disk);
}

static void test_migrate__filter_and_rename(void **state)
{
    (void)state;
    struct fake_disk disk;
    fake_disk_init(&disk);
    struct source *source = fake_finish(small());
    struct err err = {0};
    struct selection selection;
    selection_init(&selection);
    const struct migrate_options options = {.selection = &selection};
    assert_int_equal(selection_add_collections(&selection, "words, words", &err), ERR_OK);
    assert_int_equal(selection.collection_count, 1);
    assert_int_equal(selection_add_rename(&selection, "words = glove", &err), ERR_OK);
    assert_int_equal(selection_add_rename(&selection, "words=again", &err), ERR_USAGE);
    assert_int_equal(selection_add_rename(&selection, "bits=9", &err), ERR_USAGE);
    assert_int_equal(selection_add_rename(&selection, "bits", &err), ERR_USAGE);
    assert_int_equal(selection_add_collections(&selection, "a,,b", &err), ERR_USAGE);
    selection.collection_count = 1;
    assert_int_equal(run_with(&disk, source, &options, &err), ERR_OK);
    assert_int_equal(fake_visible_rows(&disk, "glove"), 18);
    assert_int_equal(fake_visible_rows(&disk, "words"), 0);
    assert_int_equal(fake_visible_rows(&disk, "bits"), 0);
    assert_same(&disk, source, &selection);
    selection_release(&selection);
    source_close(source);
    fake_disk_release(&disk);
}

static void test_migrate__wrong_names(void **state)
{
    (void)state;
    struct fake_disk disk;
    fake_disk_init(&disk);
    struct source *source = fake_finish(small());
    struct err err = {0};
    struct selection selection;
    const struct migrate_options options = {.selection = &selection};
    selection_init(&selection);
    assert_int_equal(selection_add_collections(&selection, "nope", &err), ERR_OK);
    assert_int_equal(run_with(&disk, source, &options, &err), ERR_USAGE);
    assert_non_null(strstr(err.msg, "words, bits, empty"));
    selection_release(&selection);
    selection_init(&selection);
    assert_int_equal(selection_add_rename(&selection, "words=bits", &err), ERR_OK);
    assert_int_equal(run_with(&disk, source, &options, &err), ERR_USAGE);
    assert_non_null(strstr(err.msg, "both"));
    assert_int_equal(selection_add_rename(&selection, "bits=words", &err), ERR_OK);
    assert_int_equal(run_with(&disk, source, &options, &err), ERR_OK); /* they change places */
    assert_int_equal(fake_visible_rows(&disk, "words"), 9);
    selection_release(&selection);
    source_close(source);
    fake_disk_release(&disk);
}

static void test_migrate__damage_needs_leave(void **state)
{
    (void)state;
    struct fake_disk disk;
    fake_disk_init(&disk);
    struct fake_source *made = small();
    fake_damage(made, 0, 1);
    struct source *source = fake_finish(made);
    struct err err = {0};
    assert_int_equal(run(&disk, source, &err), ERR_CORRUPT);
    assert_non_null(strstr(err.msg, "words/1"));
    assert_int_equal(disk.calls, 0);
    struct selection selection;
    selection_init(&selection);
    selection.skip_damaged = true;
    const struct migrate_options options = {.selection = &selection};
    assert_int_equal(run_with(&disk, source, &options, &err), ERR_LEFT_OUT);
    assert_non_null(strstr(err.msg, "words/1"));
    assert_int_equal(fake_visible_rows(&disk, "words"), 13);
    selection_release(&selection);
    source_close(source);
    fake_disk_release(&disk);
}

static void test_migrate__refused_source(void **state)
{
    (void)state;
    struct fake_disk disk;
    fake_disk_init(&disk);
    struct fake_source *made = small();
    fake_refuse(made, "a layout of 0.11");
    struct source *source = fake_finish(made);
    struct err err = {0};
    assert_int_equal(run(&disk, source, &err), ERR_UNSUPPORTED);
    assert_non_null(strstr(err.msg, "a layout of 0.11"));
    source_close(source);
    fake_disk_release(&disk);
}

static void test_migrate__duplicates_fail(void **state)
{
    (void)state;
    struct fake_disk disk;
    fake_disk_init(&disk);
    struct source *source = fake_finish(small());
    struct err err = {0};
    struct selection selection;
    selection_init(&selection);
    selection.duplicates = DUPLICATES_FAIL;
    const struct migrate_options options = {.selection = &selection};
    assert_int_equal(run_with(&disk, source, &options, &err), ERR_TARGET);
    assert_non_null(strstr(err.msg, "2 ids occur more than once, 3 rows too many"));
    assert_int_equal(disk.calls, 0);
    selection_release(&selection);
    source_close(source);
    fake_disk_release(&disk);
}

static void test_migrate__no_room(void **state)
{
    (void)state;
    struct fake_disk disk;
    fake_disk_init(&disk);
    disk.estimate = UINT64_MAX / 4;
    struct source *source = fake_finish(small());
    struct err err = {0};
    assert_int_equal(run(&disk, source, &err), ERR_NO_SPACE);
    assert_int_equal(disk.calls, 0);
    source_close(source);
    fake_disk_release(&disk);
}

static void test_migrate__dry_run_writes_nothing(void **state)
{
    (void)state;
    struct source *source = fake_finish(small());
    struct err err = {0};
    const struct migrate_options options = {.is_dry_run = true};
    struct migrate_result result;
    assert_int_equal(migrate_run(source, NULL, &options, NULL, &result, &err), ERR_OK);
    assert_int_equal(result.verify.source_rows, 27);
    migrate_result_release(&result);
    struct fake_disk disk;
    fake_disk_init(&disk);
    assert_int_equal(run_with(&disk, source, &options, &err), ERR_OK);
    assert_int_equal(disk.calls, 0);
    assert_false(file_exists(disk.catalog));
    fake_disk_release(&disk);
    source_close(source);
}

static void test_migrate__jobs_can_be_cancelled_and_resumed(void **state)
{
    (void)state;
    struct fake_disk disk;
    fake_disk_init(&disk);
    struct source *source = fake_finish(small());
    struct err err = {0};
    struct selection selection;
    selection_init(&selection);
    assert_int_equal(selection_add_rename(&selection, "words=w", &err), ERR_OK);
    selection.skip_damaged = true;
    const struct migrate_options options = {.selection = &selection,
                                            .way = "link",
                                            .if_exists = IF_EXISTS_REPLACE,
                                            .command_line = "godwit migrate x",
                                            .source_arguments = "{\"path\":\"x\"}"};
    disk.fail_at = 5;
    assert_int_equal(run_with(&disk, source, &options, &err), ERR_IO);
    disk.fail_at = SIZE_MAX;
    struct job_details details;
    assert_int_equal(jobs_show(disk.catalog, 1, &details, &err), ERR_OK);
    assert_string_equal(details.view.state, "FAILED");
    assert_string_equal(details.view.source_arguments, "{\"path\":\"x\"}");
    assert_int_equal(details.collection_count, 3);
    assert_string_equal(details.collections[0].target_name, "w");
    assert_int_equal(details.command_count, 1);
    struct selection again;
    selection_init(&again);
    enum if_exists if_exists = IF_EXISTS_FAIL;
    const char *way = NULL;
    assert_int_equal(jobs_resume_options(&details.view, &again, &if_exists, &way, &err), ERR_OK);
    assert_int_equal(if_exists, IF_EXISTS_REPLACE);
    assert_string_equal(way, "link");
    assert_true(again.skip_damaged);
    const struct migrate_options resumed = {
        .threads = 1, .selection = &again, .way = way, .if_exists = if_exists};
    disk.fail_at = disk.calls + 4; /* the first segment */
    assert_int_equal(run_with(&disk, source, &resumed, &err), ERR_IO);
    disk.fail_at = SIZE_MAX;
    job_details_release(&details);
    struct target *target = fake_target(&disk);
    assert_int_equal(jobs_cancel(target, 7, &err), ERR_NOT_FOUND);
    assert_int_equal(jobs_cancel(target, 1, &err), ERR_OK);
    assert_int_equal(jobs_cancel(target, 1, &err), ERR_STATE);
    target->ops->close(target);
    assert_int_equal(jobs_show(disk.catalog, 1, &details, &err), ERR_OK);
    assert_string_equal(details.view.state, "CANCELLED");
    assert_int_equal(jobs_resume_options(&details.view, &again, &if_exists, &way, &err), ERR_STATE);
    job_details_release(&details);
    assert_int_equal(jobs_show(disk.catalog, 2, &details, &err), ERR_NOT_FOUND);
    job_details_release(&details);
    assert_int_equal(run(&disk, source, &err), ERR_OK);
    selection_release(&again);
    selection_release(&selection);
    source_close(source);
    fake_disk_release(&disk);
}

static void test_migrate__no_jobs_yet(void **state)
{
    (void)state;
    struct job_list list;
    struct err err = {0};
    assert_int_equal(jobs_list("/nowhere/catalog", &list, &err), ERR_OK);
    assert_int_equal(list.count, 0);
    job_list_release(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_migrate__everything_arrives),
        cmocka_unit_test(test_migrate__second_run_finds_the_collections),
        cmocka_unit_test(test_migrate__end_that_nobody_heard_of),
        cmocka_unit_test(test_migrate__append_to_another_shape),
        cmocka_unit_test(test_migrate__resumes_after_failure_before_each_step),
        cmocka_unit_test(test_migrate__resumes_after_failure_after_each_step),
        cmocka_unit_test(test_migrate__resumes_after_failed_commit),
        cmocka_unit_test(test_migrate__survives_failing_memory),
        cmocka_unit_test(test_migrate__wrong_copy_is_made_again),
        cmocka_unit_test(test_migrate__copy_that_stays_wrong_is_not_published),
        cmocka_unit_test(test_migrate__earlier_copies_are_read_again),
        cmocka_unit_test(test_migrate__other_options_are_refused),
        cmocka_unit_test(test_migrate__changed_source_is_refused),
        cmocka_unit_test(test_migrate__stop_is_clean_and_resumable),
        cmocka_unit_test(test_migrate__filter_and_rename),
        cmocka_unit_test(test_migrate__wrong_names),
        cmocka_unit_test(test_migrate__damage_needs_leave),
        cmocka_unit_test(test_migrate__refused_source),
        cmocka_unit_test(test_migrate__duplicates_fail),
        cmocka_unit_test(test_migrate__no_room),
        cmocka_unit_test(test_migrate__dry_run_writes_nothing),
        cmocka_unit_test(test_migrate__jobs_can_be_cancelled_and_resumed),
        cmocka_unit_test(test_migrate__no_jobs_yet)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
