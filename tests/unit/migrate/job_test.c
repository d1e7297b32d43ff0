/* job_test.c: every pair of state and event, against a table written down once more here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "migrate/job.h"

#define NO (-1)

static void test_job__every_state_and_event(void **state)
{
    (void)state;
    static const int expected[JOB_STATE_COUNT][JOB_EVENT_COUNT] = {
        /* START, RESUME, VERIFIED, BROKE, STOPPED, CANCEL */
        [JOB_PENDING] = {JOB_MIGRATING, JOB_MIGRATING, NO, NO, NO, JOB_CANCELLED},
        [JOB_MIGRATING] = {NO, JOB_MIGRATING, JOB_SUCCESSFUL, JOB_FAILED, JOB_PENDING,
                           JOB_CANCELLED},
        [JOB_SUCCESSFUL] = {NO, NO, NO, NO, NO, NO},
        [JOB_FAILED] = {NO, JOB_MIGRATING, NO, NO, NO, JOB_CANCELLED},
        [JOB_CANCELLED] = {NO, NO, NO, NO, NO, NO}};
    for (int from = 0; from < JOB_STATE_COUNT; from++) {
        for (int event = 0; event < JOB_EVENT_COUNT; event++) {
            const struct job_step *step =
                job_find_step((enum job_state)from, (enum job_event)event);
            assert_int_equal(step != NULL ? (int)step->to : NO, expected[from][event]);
            if (step != NULL)
                assert_true(step->sentence[0] != '\0');
        }
    }
}

static void test_job__names_read_back(void **state)
{
    (void)state;
    for (int k = 0; k < JOB_STATE_COUNT; k++) {
        enum job_state read = JOB_STATE_COUNT;
        assert_true(job_state_from_name(job_state_name((enum job_state)k), &read));
        assert_int_equal(read, k);
    }
    for (int k = SEGMENT_WAITING; k <= SEGMENT_DONE; k++) {
        enum job_segment_state read = SEGMENT_WAITING;
        assert_true(
            job_segment_state_from_name(job_segment_state_name((enum job_segment_state)k), &read));
        assert_int_equal(read, k);
    }
    enum job_state read;
    assert_false(job_state_from_name("pending", &read));
    enum job_segment_state segment;
    assert_false(job_segment_state_from_name("", &segment));
}

static void test_job__finished_is_not_open(void **state)
{
    (void)state;
    for (int k = 0; k < JOB_STATE_COUNT; k++)
        assert_int_equal(job_is_open((enum job_state)k), k != JOB_SUCCESSFUL && k != JOB_CANCELLED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_job__every_state_and_event),
                                       cmocka_unit_test(test_job__names_read_back),
                                       cmocka_unit_test(test_job__finished_is_not_open)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
