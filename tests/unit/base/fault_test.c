/* fault_test.c: the fault points themselves, armed by calls and by the environment. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "scratch.h"

static void arm_from(const char *spec)
{
    assert_int_equal(setenv("GODWIT_FAULT", spec, 1), 0);
    assert_true(fault_from_environment());
    assert_int_equal(unsetenv("GODWIT_FAULT"), 0);
}

static void test_fault__only_call_n_of_its_kind(void **state)
{
    (void)state;
    fault_arm(FAULT_READ, 2, EIO);
    assert_int_equal(fault_hit(FAULT_READ), 0);
    assert_int_equal(fault_hit(FAULT_WRITE), 0);
    assert_int_equal(fault_hit(FAULT_READ), 0);
    assert_int_equal(fault_hit(FAULT_READ), EIO);
    assert_int_equal(fault_hit(FAULT_READ), 0);
    assert_true(fault_disarm());
    assert_int_equal(fault_hit(FAULT_READ), 0);
}

static void test_fault__not_reached(void **state)
{
    (void)state;
    fault_arm(FAULT_READ, 1, EIO);
    assert_int_equal(fault_hit(FAULT_READ), 0);
    assert_false(fault_disarm());
}

static void test_fault__repeated(void **state)
{
    (void)state;
    arm_from("write:1:enospc+");
    assert_int_equal(fault_hit(FAULT_WRITE), 0);
    for (int k = 0; k < 3; k++)
        assert_int_equal(fault_hit(FAULT_WRITE), ENOSPC);
    assert_true(fault_disarm());
}

static void test_fault__any_counts_what_changes_the_disk(void **state)
{
    (void)state;
    arm_from("any:2:short");
    assert_int_equal(fault_hit(FAULT_READ), 0);
    assert_int_equal(fault_hit(FAULT_MALLOC), 0);
    assert_int_equal(fault_hit(FAULT_WRITE), 0);
    assert_int_equal(fault_hit(FAULT_COMMIT), 0);
    assert_int_equal(fault_hit(FAULT_RENAME), FAULT_SHORT);
    assert_true(fault_disarm());
}

static void test_fault__kill(void **state)
{
    (void)state;
    const pid_t child = fork();
    if (child == 0) {
        (void)setenv("GODWIT_FAULT", "fsync:0:kill", 1);
        if (!fault_from_environment())
            _exit(1);
        (void)fault_hit(FAULT_FSYNC);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void test_fault__what_cannot_be_understood(void **state)
{
    (void)state;
    static const char *const wrong[] = {"write",       "write:1",     "write:x:eio",
                                        "wrote:1:eio", "write:1:eee", "write:1:eio++",
                                        ":::",         "write:1:"};
    for (size_t k = 0; k < sizeof wrong / sizeof wrong[0]; k++) {
        assert_int_equal(setenv("GODWIT_FAULT", wrong[k], 1), 0);
        assert_false(fault_from_environment());
    }
    assert_int_equal(setenv("GODWIT_FAULT", "", 1), 0);
    assert_true(fault_from_environment());
    assert_int_equal(unsetenv("GODWIT_FAULT"), 0);
    assert_true(fault_from_environment());
    assert_int_equal(fault_hit(FAULT_WRITE), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fault__only_call_n_of_its_kind),
        cmocka_unit_test(test_fault__not_reached),
        cmocka_unit_test(test_fault__repeated),
        cmocka_unit_test(test_fault__any_counts_what_changes_the_disk),
        cmocka_unit_test(test_fault__kill),
        cmocka_unit_test(test_fault__what_cannot_be_understood),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
