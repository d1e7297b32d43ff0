/* id_set_test.c: rows of wanted ids, few and many, on every table. */
#include "sample.h"

#include "kernel/id_set.h"

#define COLUMN_ROWS 1000

static void check(size_t wanted_count)
{
    uint64_t seed = wanted_count;
    uint8_t column[COLUMN_ROWS * sizeof(int64_t) + 3];
    int64_t ids[COLUMN_ROWS];
    for (size_t i = 0; i < COLUMN_ROWS; i++)
        ids[i] = (int64_t)((uint64_t)sample_next(&seed) % 300) << 32;
    memcpy(column + 3, ids, sizeof ids);
    int64_t *wanted = calloc(wanted_count + 1, sizeof *wanted);
    assert_non_null(wanted);
    for (size_t w = 0; w < wanted_count; w++)
        wanted[w] = (int64_t)((uint64_t)sample_next(&seed) % 300) << 32;
    struct id_set set;
    struct err err;
    assert_int_equal(id_set_init(&set, wanted, wanted_count, &err), ERR_OK);
    const struct kernel *kernels[KERNEL_TABLES_MAX];
    const size_t count = kernel_list(kernels);
    for (size_t i = 0; i < count; i++) {
        uint64_t bitmap[(COLUMN_ROWS + 63) / 64];
        memset(bitmap, 0xff, sizeof bitmap);
        const size_t found = id_set_find(&set, kernels[i], column + 3, COLUMN_ROWS, bitmap);
        size_t expected = 0;
        for (size_t r = 0; r < COLUMN_ROWS; r++) {
            bool is_wanted = false;
            for (size_t w = 0; w < wanted_count; w++)
                is_wanted = is_wanted || wanted[w] == ids[r];
            assert_int_equal(bitmap[r / 64] >> (r % 64) & 1, is_wanted);
            expected += is_wanted;
        }
        assert_int_equal(found, expected);
        assert_int_equal(bitmap[COLUMN_ROWS / 64] >> (COLUMN_ROWS % 64), 0);
    }
    id_set_release(&set);
    free(wanted);
}

static void test_id_set__few_and_many(void **state)
{
    (void)state;
    for (size_t wanted = 0; wanted <= 20; wanted++)
        check(wanted);
    check(500);
}

static void test_id_set__too_many(void **state)
{
    (void)state;
    struct id_set set;
    struct err err;
    const int64_t id = 1;
    assert_int_equal(id_set_init(&set, &id, ID_SET_MAX + 1, &err), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_id_set__few_and_many),
                                       cmocka_unit_test(test_id_set__too_many)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
