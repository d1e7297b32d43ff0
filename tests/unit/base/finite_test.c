/* finite_test.c: NaN and infinities at every place of a row, and what only looks like them. */
#include <math.h>

#include "base/finite.h"
#include "scratch.h"

#define DIM 19

static void put(uint8_t *floats, size_t at, uint32_t bits)
{
    memcpy(floats + 4 * at, &bits, sizeof bits);
}

static void test_finite__every_place_counts(void **state)
{
    (void)state;
    static const uint32_t special[] = {0x7f800000, 0xff800000, 0x7fc00000, 0x7f800001, 0xffffffff};
    static const uint32_t usual[] = {0, 0x80000000, 0x7f7fffff, 0xff7fffff,
                                     1, 0x007fffff, 0x3f800000};
    uint8_t bytes[1 + 4 * DIM]; /* at an odd address */
    uint8_t *floats = bytes + 1;
    for (size_t at = 0; at < DIM; at++)
        put(floats, at, usual[at % 7]);
    assert_true(floats_are_finite(floats, DIM));
    assert_true(floats_are_finite(floats, 0));
    for (size_t at = 0; at < DIM; at++)
        for (size_t k = 0; k < sizeof special / sizeof *special; k++) {
            put(floats, at, special[k]);
            assert_false(floats_are_finite(floats, DIM));
            assert_true(floats_are_finite(floats, at));
            put(floats, at, usual[at % 7]);
        }
}

static void test_finite__rows_are_counted_once(void **state)
{
    (void)state;
    float rows[5][3] = {{1, 2, 3}, {NAN, NAN, 1}, {0, 0, -INFINITY}, {4, 5, 6}, {INFINITY, 0, NAN}};
    uint8_t bytes[sizeof rows];
    memcpy(bytes, rows, sizeof rows);
    assert_int_equal(floats_count_non_finite_rows(bytes, 5, 3), 3);
    assert_int_equal(floats_count_non_finite_rows(bytes, 1, 3), 0);
    assert_int_equal(floats_count_non_finite_rows(bytes, 0, 3), 0);
    assert_int_equal(floats_count_non_finite_rows(bytes, 15, 1), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finite__every_place_counts),
        cmocka_unit_test(test_finite__rows_are_counted_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
