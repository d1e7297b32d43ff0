/* pool_test.c: each index once, and the first failure stops the run. */
#include <stdatomic.h>

#include "base/pool.h"
#include "scratch.h"

#define JOBS 1000

struct jobs {
    atomic_int done[JOBS];
    atomic_size_t failing; /* this index fails, and those after it; JOBS: none */
    atomic_size_t started;
};

static enum err_code work(void *argument, size_t index, struct err *err)
{
    struct jobs *jobs = argument;
    atomic_fetch_add(&jobs->started, 1);
    atomic_fetch_add(&jobs->done[index], 1);
    if (index >= atomic_load(&jobs->failing))
        return err_set(err, ERR_IO, "job %zu", index);
    return ERR_OK;
}

static void test_pool__each_index_once(void **state)
{
    (void)state;
    static const size_t threads[] = {0, 1, 2, 7, 1000};
    for (size_t t = 0; t < sizeof threads / sizeof threads[0]; t++) {
        static struct jobs jobs;
        memset(&jobs, 0, sizeof jobs);
        atomic_store(&jobs.failing, JOBS);
        struct err err;
        assert_int_equal(pool_run(threads[t], JOBS, work, &jobs, &err), ERR_OK);
        for (size_t k = 0; k < JOBS; k++)
            assert_int_equal(atomic_load(&jobs.done[k]), 1);
    }
}

static void test_pool__nothing_to_do(void **state)
{
    (void)state;
    struct err err;
    assert_int_equal(pool_run(4, 0, work, NULL, &err), ERR_OK);
}

static void test_pool__first_failure_stops(void **state)
{
    (void)state;
    static struct jobs jobs;
    for (size_t threads = 1; threads <= 4; threads++) {
        memset(&jobs, 0, sizeof jobs);
        atomic_store(&jobs.failing, 10);
        struct err err = {0};
        assert_int_equal(pool_run(threads, JOBS, work, &jobs, &err), ERR_IO);
        assert_int_equal(err.code, ERR_IO);
        assert_memory_equal(err.msg, "job ", 4);
        for (size_t k = 0; k < 10; k++) /* those before were all started, in order */
            assert_int_equal(atomic_load(&jobs.done[k]), 1);
        assert_true(atomic_load(&jobs.started) < JOBS);
        if (threads == 1)
            assert_string_equal(err.msg, "job 10");
    }
    assert_int_equal(pool_run(2, JOBS, work, &jobs, NULL), ERR_IO);
}

static void test_pool__processors(void **state)
{
    (void)state;
    assert_true(pool_processor_count() >= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pool__each_index_once),
        cmocka_unit_test(test_pool__nothing_to_do),
        cmocka_unit_test(test_pool__first_failure_stops),
        cmocka_unit_test(test_pool__processors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
