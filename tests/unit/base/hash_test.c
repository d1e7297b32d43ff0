/* hash_test.c: checksums. They stand in files, so their values may never change. */
#include "base/hash.h"
#include "scratch.h"

static void test_hash__values_are_for_ever(void **state)
{
    (void)state;
    assert_true(hash64("", 0, 0) == 0x2d06800538d394c2U); /* published for XXH3 */
    const struct hash128 empty = hash128("", 0, 0);
    assert_true(empty.low == 0x6001c324468d497fU && empty.high == 0x99aa06d3014798d8U);
    assert_true(hash64("a", 1, 0) != hash64("b", 1, 0));
    assert_true(hash64("a", 1, 0) != hash64("a", 1, 1));
}

static void test_hash__stream_equals_block(void **state)
{
    (void)state;
    static uint8_t data[5000];
    for (size_t k = 0; k < sizeof data; k++)
        data[k] = (uint8_t)(k * 31 >> 2);
    for (size_t size = 0; size <= sizeof data; size += 499) {
        struct hasher *hasher = hasher_new(42);
        assert_non_null(hasher);
        for (size_t at = 0; at < size; at += 17)
            hasher_add(hasher, data + at, size - at < 17 ? size - at : 17);
        assert_true(hasher_get(hasher) == hash64(data, size, 42));
        hasher_free(hasher);
    }
    hasher_free(NULL);
    fault_arm(FAULT_MALLOC, 0, 1);
    assert_null(hasher_new(0));
    assert_true(fault_disarm());
}

static void test_hash__sum_is_free_of_order_and_carries(void **state)
{
    (void)state;
    const struct hash128 a = {.low = UINT64_MAX, .high = 1};
    const struct hash128 b = {.low = 2, .high = UINT64_MAX};
    const struct hash128 ab = hash128_add(a, b);
    const struct hash128 ba = hash128_add(b, a);
    assert_true(ab.low == 1 && ab.high == 1);
    assert_true(ab.low == ba.low && ab.high == ba.high);
}

static void test_hash__row_knows_id_and_vector(void **state)
{
    (void)state;
    const float v[2] = {1.0F, 2.0F};
    const float w[2] = {2.0F, 1.0F};
    const struct hash128 one = hash_row(1, v, sizeof v);
    const struct hash128 two = hash_row(2, v, sizeof v);
    const struct hash128 other = hash_row(1, w, sizeof w);
    assert_false(one.low == two.low && one.high == two.high);
    assert_false(one.low == other.low && one.high == other.high);
    /* Two rows that swap their vectors have another sum. */
    const struct hash128 straight = hash128_add(one, hash_row(2, w, sizeof w));
    const struct hash128 crossed = hash128_add(other, two);
    assert_false(straight.low == crossed.low && straight.high == crossed.high);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hash__values_are_for_ever),
        cmocka_unit_test(test_hash__stream_equals_block),
        cmocka_unit_test(test_hash__sum_is_free_of_order_and_carries),
        cmocka_unit_test(test_hash__row_knows_id_and_vector),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
