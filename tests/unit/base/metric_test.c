/* metric_test.c: names, numbers and shapes of the metric types. */
#include "base/metric.h"
#include "scratch.h"

static void test_metric__numbers_are_those_of_milvus(void **state)
{
    (void)state;
    static const char *const names[] = {"L2",       "IP",           "HAMMING",       "JACCARD",
                                        "TANIMOTO", "SUBSTRUCTURE", "SUPERSTRUCTURE"};
    for (int k = 0; k < 7; k++) {
        assert_string_equal(metric_name((enum metric_type)(k + 1)), names[k]);
        assert_int_equal(metric_from_name(names[k]), k + 1);
        assert_int_equal(metric_is_binary((enum metric_type)(k + 1)), k >= 2);
    }
    assert_int_equal(metric_from_name("cosine"), METRIC_COSINE);
    assert_int_equal(metric_from_name("Euclid"), METRIC_NONE);
    assert_int_equal(metric_from_name("?"), METRIC_NONE);
    assert_int_equal(metric_from_name(""), METRIC_NONE);
    assert_string_equal(metric_name(METRIC_NONE), "?");
    assert_string_equal(metric_name((enum metric_type)99), "?");
    assert_false(metric_is_binary(METRIC_COSINE));
}

static void test_metric__better(void **state)
{
    (void)state;
    assert_true(metric_larger_is_better(METRIC_IP));
    assert_true(metric_larger_is_better(METRIC_COSINE));
    assert_false(metric_larger_is_better(METRIC_L2));
    assert_false(metric_larger_is_better(METRIC_JACCARD));
}

static void test_metric__dimensions(void **state)
{
    (void)state;
    assert_true(metric_dim_is_valid(METRIC_L2, 1));
    assert_true(metric_dim_is_valid(METRIC_L2, DIMENSION_MAX));
    assert_false(metric_dim_is_valid(METRIC_L2, 0));
    assert_false(metric_dim_is_valid(METRIC_L2, -8));
    assert_false(metric_dim_is_valid(METRIC_L2, DIMENSION_MAX + 1LL));
    assert_true(metric_dim_is_valid(METRIC_HAMMING, 8));
    assert_false(metric_dim_is_valid(METRIC_HAMMING, 12));
    assert_false(metric_dim_is_valid(METRIC_HAMMING, 0));
    assert_int_equal(metric_row_size(METRIC_IP, 100), 400);
    assert_int_equal(metric_row_size(METRIC_TANIMOTO, 96), 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_metric__numbers_are_those_of_milvus),
                                       cmocka_unit_test(test_metric__better),
                                       cmocka_unit_test(test_metric__dimensions)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
