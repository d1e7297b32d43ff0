/* timers_test.c: timers fire in order, once, and whatever is stopped does not. */
#include <stdlib.h>

#include "scratch.h"
#include "server/timers.h"

#define COUNT 1000

struct thing {
    struct timer timer;
    int fired;
};

static struct timers timers;
static struct thing things[COUNT];
static uint64_t last_ns;
static uint32_t seed;

static uint32_t next_random(void)
{
    seed = seed * 1664525u + 1013904223u;
    return seed >> 8;
}

static void fire(struct timer *timer)
{
    struct thing *thing = (struct thing *)timer;
    assert_true(timer->at_ns >= last_ns);
    last_ns = timer->at_ns;
    thing->fired++;
}

static int setup(void **state)
{
    (void)state;
    memset(&timers, 0, sizeof timers);
    memset(things, 0, sizeof things);
    last_ns = 0;
    seed = 1;
    for (size_t k = 0; k < COUNT; k++)
        things[k].timer.fire = fire;
    return 0;
}

static void test_timers__in_order(void **state)
{
    (void)state;
    assert_int_equal(timers_next(&timers), UINT64_MAX);
    for (size_t k = 0; k < COUNT; k++)
        timers_set(&timers, &things[k].timer, 1 + next_random() % 500);
    for (uint64_t now_ns = 0; now_ns <= 500; now_ns += 7) {
        timers_fire(&timers, now_ns);
        assert_true(timers_next(&timers) > now_ns);
        for (size_t k = 0; k < COUNT; k++)
            assert_int_equal(things[k].fired, things[k].timer.at_ns <= now_ns);
    }
    timers_fire(&timers, 1000);
    assert_int_equal(timers_next(&timers), UINT64_MAX);
}

/* Random settings, movings and stoppings, beside a plain list. */
static void test_timers__like_a_list(void **state)
{
    (void)state;
    static uint64_t expected_ns[COUNT];
    memset(expected_ns, 0xff, sizeof expected_ns);
    for (uint64_t round = 1; round < 20000; round++) {
        const size_t k = next_random() % COUNT;
        expected_ns[k] = next_random() % 3 == 0 ? UINT64_MAX : round + 1 + next_random() % 1000;
        timers_set(&timers, &things[k].timer, expected_ns[k]);
        uint64_t first_ns = UINT64_MAX;
        for (size_t j = 0; j < COUNT; j++)
            first_ns = expected_ns[j] < first_ns ? expected_ns[j] : first_ns;
        assert_int_equal(timers_next(&timers), first_ns);
        last_ns = 0;
        timers_fire(&timers, round);
        for (size_t j = 0; j < COUNT; j++)
            if (expected_ns[j] <= round)
                expected_ns[j] = UINT64_MAX;
    }
}

static void fire_and_stop(struct timer *timer)
{
    fire(timer);
    timers_stop(&timers, &things[1].timer);      /* due too, but not any more */
    timers_set(&timers, &things[2].timer, 1000); /* moved away */
    timers_set(&timers, timer, 5);               /* for at once: next time */
}

static void test_timers__changed_while_they_fire(void **state)
{
    (void)state;
    things[0].timer.fire = fire_and_stop;
    for (size_t k = 0; k < 4; k++)
        timers_set(&timers, &things[k].timer, 10 + k);
    timers_fire(&timers, 20);
    assert_int_equal(things[0].fired, 1);
    assert_int_equal(things[1].fired, 0);
    assert_int_equal(things[2].fired, 0);
    assert_int_equal(things[3].fired, 1);
    assert_int_equal(timers_next(&timers), 21);
    timers_stop(&timers, &things[0].timer);
    timers_stop(&timers, &things[0].timer);
    assert_int_equal(timers_next(&timers), 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_timers__in_order, setup),
        cmocka_unit_test_setup(test_timers__like_a_list, setup),
        cmocka_unit_test_setup(test_timers__changed_while_they_fire, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
