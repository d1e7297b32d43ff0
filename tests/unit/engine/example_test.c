/* example_test.c: the example of the C interface, run as a program: example_test PROGRAM... */
#include "sample.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

extern char **environ;

static char **programs;
static int program_count;

/* Runs a program with its output in a file, and returns its exit status and the output. */
static int run(const char *const *arguments, const char *output, char **ret_text)
{
    posix_spawn_file_actions_t actions;
    pid_t child = 0;
    int status = -1;
    size_t size = 0;
    void *data = NULL;
    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    assert_int_equal(
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0600),
        0);
    assert_int_equal(posix_spawn_file_actions_adddup2(&actions, 1, 2), 0);
    char *copy[8] = {NULL};
    for (size_t k = 0; arguments[k] != NULL; k++)
        copy[k] = mem_strdup(arguments[k]);
    assert_int_equal(posix_spawn(&child, copy[0], &actions, NULL, copy, environ), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    (void)posix_spawn_file_actions_destroy(&actions);
    for (size_t k = 0; copy[k] != NULL; k++)
        mem_free(copy[k]);
    expect_ok(file_read_all(output, 1 << 20, &data, &size, err));
    *ret_text = data;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_example__finds_neighbours(void **state)
{
    (void)state;
    char *folder = scratch_make();
    char *target = scratch_path(folder, "db");
    char *output = scratch_path(folder, "output");
    struct sample sample;
    const struct sample_options options = {METRIC_L2, 12, 3, 500, 1000, 1, true, NULL};
    const struct sample_job job = {.name = "words", .token = "job-1"};
    sample_init(&sample, &options);
    size_t row = 0;
    while (!sample_is_live(&sample, 0, row))
        row++;
    expect_ok(sample_migrate_to(target, &sample, &job, err));
    char id[32];
    char first_hit[64];
    char total[64];
    (void)snprintf(id, sizeof id, "%lld", (long long)sample.data[0].ids[row]);
    (void)snprintf(first_hit, sizeof first_hit, "\n%s 0\n", id);
    (void)snprintf(total, sizeof total, "\n%llu rows read\n",
                   (unsigned long long)sample.collection.live_rows);
    for (int k = 0; k < program_count; k++) {
        char *text = NULL;
        const char *const arguments[] = {programs[k], target, "words", id, NULL};
        assert_int_equal(run(arguments, output, &text), 0);
        assert_non_null(strstr(text, "collection words\n"));
        assert_non_null(strstr(text, "words: L2, dimension 12\n"));
        assert_non_null(strstr(text, first_hit));
        assert_non_null(strstr(text, total));
        mem_free(text);
        const char *const wrong[] = {programs[k], target, "nothing", id, NULL};
        assert_int_equal(run(wrong, output, &text), 1);
        assert_non_null(strstr(text, "collection nothing: not found"));
        mem_free(text);
    }
    sample_release(&sample);
    mem_free(output);
    mem_free(target);
    scratch_remove(folder);
}

int main(int argc, char **argv)
{
    programs = argv + 1;
    program_count = argc - 1;
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_example__finds_neighbours)};
    return cmocka_run_group_tests_name("example", tests, NULL, NULL);
}
