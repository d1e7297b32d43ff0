/* clock_test.c: times as text; clocks that do not run backwards. */
#include "base/clock.h"
#include "scratch.h"

static void test_clock__format(void **state)
{
    (void)state;
    char text[CLOCK_TEXT_SIZE];
    clock_format_utc(0, text);
    assert_string_equal(text, "1970-01-01T00:00:00Z");
    clock_format_utc(1769860800123456, text);
    assert_string_equal(text, "2026-01-31T12:00:00Z");
    clock_format_utc(951782400000000, text);
    assert_string_equal(text, "2000-02-29T00:00:00Z");
    clock_format_utc(INT64_MAX, text); /* whatever it is, it ends within the buffer */
    assert_true(strnlen(text, CLOCK_TEXT_SIZE) < CLOCK_TEXT_SIZE);
    clock_format_utc(INT64_MIN, text);
    assert_true(strnlen(text, CLOCK_TEXT_SIZE) < CLOCK_TEXT_SIZE);
}

static void test_clock__monotonic(void **state)
{
    (void)state;
    const uint64_t start = clock_monotonic_ns();
    const uint64_t cpu = clock_cpu_ns();
    clock_sleep_ns(2000000);
    assert_true(clock_monotonic_ns() >= start + 2000000);
    assert_true(clock_cpu_ns() >= cpu);
    assert_true(clock_now_us() > 1700000000000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_clock__format),
                                       cmocka_unit_test(test_clock__monotonic)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
