/* ticker_test.c: it calls again and again, never after it was stopped, and is worth no error. */
#include <errno.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/ticker.h"
#include "scratch.h"

#define INTERVAL_NS 1000000U
#define PATIENCE 20000 /* intervals: a busy machine is no failure */

static void count(void *argument)
{
    atomic_fetch_add((atomic_int *)argument, 1);
}

static void test_ticker__calls_until_stopped(void **state)
{
    (void)state;
    atomic_int calls = 0;
    struct ticker *ticker = ticker_start(INTERVAL_NS, count, &calls);
    assert_non_null(ticker);
    for (int k = 0; k < PATIENCE && atomic_load(&calls) < 3; k++)
        clock_sleep_ns(INTERVAL_NS);
    ticker_stop(ticker);
    const int before = atomic_load(&calls);
    assert_true(before >= 3);
    clock_sleep_ns(20 * INTERVAL_NS);
    assert_int_equal(atomic_load(&calls), before);
}

static void test_ticker__stops_before_the_first_call(void **state)
{
    (void)state;
    atomic_int calls = 0;
    struct ticker *ticker = ticker_start((uint64_t)3600 * 1000000000U, count, &calls);
    ticker_stop(ticker); /* and does not wait an hour */
    assert_int_equal(atomic_load(&calls), 0);
    ticker_stop(NULL);
}

static void test_ticker__no_memory_is_no_ticker(void **state)
{
    (void)state;
    atomic_int calls = 0;
    fault_arm(FAULT_MALLOC, 0, ENOMEM);
    assert_null(ticker_start(INTERVAL_NS, count, &calls));
    assert_true(fault_disarm());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ticker__calls_until_stopped),
        cmocka_unit_test(test_ticker__stops_before_the_first_call),
        cmocka_unit_test(test_ticker__no_memory_is_no_ticker),
    };
    return cmocka_run_group_tests_name("ticker", tests, NULL, NULL);
}
