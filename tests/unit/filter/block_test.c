/* block_test.c: statistics of a block of rows. */
#include <math.h>

#include "scratch.h"

#include "filter/filter.h"

static void test_block__integers(void **state)
{
    (void)state;
    const int16_t values[] = {99, 5, -7, 30, 1000};
    const uint64_t valid = 0x0f; /* 1000 is null */
    const struct column column = {
        .type = FIELD_INT16, .width = 2, .rows = 5, .values = values, .valid = &valid};
    struct filter_block block;
    filter_block_compute(&column, 1, 4, &block);
    assert_int_equal(block.rows, 4);
    assert_int_equal(block.nulls, 1);
    assert_int_equal(block.has_range, 1);
    assert_int_equal(block.min.integer, -7);
    assert_int_equal(block.max.integer, 30);
}

static void test_block__nan_is_no_bound(void **state)
{
    (void)state;
    const float values[] = {NAN, 2.5F, -1.0F};
    const struct column column = {.type = FIELD_FLOAT, .width = 4, .rows = 3, .values = values};
    struct filter_block block;
    filter_block_compute(&column, 0, 3, &block);
    assert_int_equal(block.has_nan, 1);
    assert_true(block.min.real == -1.0 && block.max.real == 2.5);
    filter_block_compute(&column, 0, 1, &block);
    assert_int_equal(block.has_range, 0);
}

static void test_block__text_is_cut(void **state)
{
    (void)state;
    const char bytes[] = "abcdefghijklmnopqrstuvwxyz"
                         "b";
    const uint64_t offsets[] = {0, 26, 26, 27};
    const struct column column = {
        .type = FIELD_VARCHAR, .rows = 3, .offsets = offsets, .bytes = (const uint8_t *)bytes};
    struct filter_block block;
    filter_block_compute(&column, 0, 1, &block);
    assert_memory_equal(block.max.prefix, "abcdefghijklmnop", 16);
    filter_block_compute(&column, 0, 3, &block);
    assert_int_equal(block.min.prefix[0], 0);
    assert_int_equal(block.max.prefix[0], 'b');
    assert_int_equal(block.max.prefix[1], 0);
}

static void test_block__no_rows_and_no_order(void **state)
{
    (void)state;
    const uint64_t offsets[] = {0, 2, 4};
    const uint64_t valid = 2;
    const struct column column = {.type = FIELD_JSON,
                                  .rows = 2,
                                  .offsets = offsets,
                                  .bytes = (const uint8_t *)"{}{}",
                                  .valid = &valid};
    struct filter_block block;
    filter_block_compute(&column, 0, 2, &block);
    assert_int_equal(block.nulls, 1);
    assert_int_equal(block.has_range, 0);
    filter_block_compute(&column, 2, 0, &block);
    assert_int_equal(block.rows, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_block__integers),
        cmocka_unit_test(test_block__nan_is_no_bound),
        cmocka_unit_test(test_block__text_is_cut),
        cmocka_unit_test(test_block__no_rows_and_no_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
