/* order_test.c: pairs are ordered as their keys and numbers are; choosing and sorting agree with a
 * plain sort. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/order.h"

#define COUNT_MAX 3000

static int compare(const void *a, const void *b)
{
    const uint64_t left = *(const uint64_t *)a;
    const uint64_t right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

static void test_order__pairs_are_ordered_as_floats(void **state)
{
    (void)state;
    static const float keys[] = {-INFINITY, -1e30F, -1.5F, -1e-40F, 0.0F, 1e-40F, 2.0F, INFINITY};
    for (size_t i = 0; i + 1 < sizeof keys / sizeof keys[0]; i++) {
        assert_true(order_pair(keys[i], 9) < order_pair(keys[i + 1], 0));
        assert_true(order_pair(keys[i], 1) < order_pair(keys[i], 2));
        assert_true(order_key(order_pair(keys[i], 7)) == keys[i]);
        assert_int_equal(order_number(order_pair(keys[i], 7)), 7);
    }
}

/* kind: many equal, sorted, reversed, an organ pipe, any. */
static void fill(uint64_t *pairs, size_t count, size_t kind)
{
    uint64_t seed = count;
    for (size_t i = 0; i < count; i++) {
        seed = seed * UINT64_C(6364136223846793005) + 1;
        const uint64_t values[] = {seed >> 62, i, count - i, i < count / 2 ? i : count - i, seed};
        pairs[i] = values[kind];
    }
}

static void test_order__sorts_and_selects(void **state)
{
    (void)state;
    static uint64_t pairs[COUNT_MAX], sorted[COUNT_MAX], chosen[COUNT_MAX];
    for (size_t count = 1; count <= COUNT_MAX; count += count < 40 ? 1 : 497)
        for (size_t kind = 0; kind < 5; kind++) {
            fill(pairs, count, kind);
            memcpy(sorted, pairs, sizeof sorted);
            qsort(sorted, count, sizeof sorted[0], compare);
            for (size_t wanted = 1; wanted <= count; wanted += 1 + count / 7) {
                memcpy(chosen, pairs, sizeof chosen);
                order_select(chosen, count, wanted);
                assert_true(chosen[wanted - 1] == sorted[wanted - 1]);
                qsort(chosen, wanted, sizeof chosen[0], compare);
                assert_memory_equal(chosen, sorted, wanted * sizeof sorted[0]);
                memcpy(chosen, pairs, sizeof chosen);
                const size_t front = order_part(chosen, count, wanted);
                assert_in_range(front, wanted, count);
                qsort(chosen, front, sizeof chosen[0], compare);
                qsort(chosen + front, count - front, sizeof chosen[0], compare);
                assert_memory_equal(chosen, sorted, count * sizeof sorted[0]);
            }
            order_sort(pairs, count);
            assert_memory_equal(pairs, sorted, count * sizeof sorted[0]);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_order__pairs_are_ordered_as_floats),
                                       cmocka_unit_test(test_order__sorts_and_selects)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
