/* meter_test.c: counting, limiting, stopping. Only lower bounds of time are asked for. */
#include "base/clock.h"
#include "flow/meter.h"
#include "scratch.h"

static void test_meter__counts(void **state)
{
    (void)state;
    struct meter meter;
    struct err err;
    meter_init(&meter, 0, NULL);
    assert_int_equal(meter_pass(&meter, 100, 2, &err), ERR_OK);
    assert_int_equal(meter_pass(&meter, 50, 1, &err), ERR_OK);
    assert_int_equal(atomic_load(&meter.size), 150);
    assert_int_equal(atomic_load(&meter.rows), 3);
    assert_int_equal(meter_pass(NULL, 50, 1, &err), ERR_OK);
}

static void test_meter__stops(void **state)
{
    (void)state;
    atomic_bool stop;
    struct meter meter;
    struct err err;
    atomic_init(&stop, false);
    meter_init(&meter, 1, &stop); /* a byte a second: only stopping ends this */
    assert_int_equal(meter_pass(&meter, 0, 0, &err), ERR_OK);
    atomic_store(&stop, true);
    assert_int_equal(meter_pass(&meter, 1000000, 1, &err), ERR_INTERRUPTED);
    assert_non_null(strstr(err.msg, "run the same command again"));
}

static void test_meter__limits(void **state)
{
    (void)state;
    struct meter meter;
    struct err err;
    meter_init(&meter, 1000000, NULL);
    const uint64_t start = clock_monotonic_ns();
    for (int k = 0; k < 10; k++)
        assert_int_equal(meter_pass(&meter, 10000, 1, &err), ERR_OK);
    assert_true(clock_monotonic_ns() - start >= 90000000); /* 100,000 bytes at 1 MB/s */
}

static void test_meter__parent_counts_and_decides(void **state)
{
    (void)state;
    struct meter whole;
    struct meter part;
    struct err err;
    atomic_bool stop;
    atomic_init(&stop, false);
    meter_init(&whole, 0, &stop);
    meter_init(&part, 0, NULL);
    part.parent = &whole;
    assert_int_equal(meter_pass(&part, 10, 1, &err), ERR_OK);
    assert_int_equal(meter_pass(&whole, 5, 1, &err), ERR_OK);
    assert_int_equal(atomic_load(&part.size), 10);
    assert_int_equal(atomic_load(&whole.size), 15);
    assert_int_equal(atomic_load(&whole.rows), 2);
    atomic_store(&stop, true);
    assert_int_equal(meter_pass(&part, 10, 1, &err), ERR_INTERRUPTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_meter__counts),
                                       cmocka_unit_test(test_meter__stops),
                                       cmocka_unit_test(test_meter__parent_counts_and_decides),
                                       cmocka_unit_test(test_meter__limits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
