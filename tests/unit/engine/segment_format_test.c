/* segment_format_test.c: the two small files: what goes in comes out; every changed bit is found or
 * harmless; every cut is an error. */
#include "sample.h"

#include <string.h>

#include "base/bitmap.h"
#include "engine/segment_format.h"

#define IDS_SIZE ((uint64_t)300000)     /* 2 blocks */
#define VECTORS_SIZE ((uint64_t)800000) /* 4 blocks */

static void encode_sums(uint8_t *buffer, size_t *ret_size)
{
    const uint64_t ids[2] = {11, 12};
    const uint64_t vectors[4] = {21, 22, 23, UINT64_MAX};
    *ret_size = (size_t)sums_file_size(IDS_SIZE, VECTORS_SIZE);
    sums_encode(IDS_SIZE, ids, VECTORS_SIZE, vectors, buffer);
}

static void test_segment_format__sums_round_trip(void **state)
{
    (void)state;
    uint8_t buffer[256];
    size_t size = 0;
    uint64_t sums[6] = {0};
    encode_sums(buffer, &size);
    assert_int_equal(size, 32 + 6 * 8);
    expect_ok(sums_decode((struct bytes){buffer, size}, IDS_SIZE, VECTORS_SIZE, sums, err));
    const uint64_t expected[6] = {11, 12, 21, 22, 23, UINT64_MAX};
    assert_memory_equal(sums, expected, sizeof expected);
}

static void test_segment_format__block_counts(void **state)
{
    (void)state;
    assert_int_equal(sums_block_count(0), 0);
    assert_int_equal(sums_block_count(1), 1);
    assert_int_equal(sums_block_count(262144), 1);
    assert_int_equal(sums_block_count(262145), 2);
}

/* A changed bit in the header is found; in a checksum it changes that one and nothing else. */
static void test_segment_format__sums_flipped_bits(void **state)
{
    (void)state;
    uint8_t buffer[256];
    size_t size = 0;
    uint64_t original[6] = {0};
    encode_sums(buffer, &size);
    expect_ok(sums_decode((struct bytes){buffer, size}, IDS_SIZE, VECTORS_SIZE, original, err));
    for (size_t bit = 0; bit < size * 8; bit++) {
        uint64_t sums[6] = {0};
        struct err failure = {0};
        buffer[bit / 8] ^= (uint8_t)(1U << bit % 8);
        const enum err_code code =
            sums_decode((struct bytes){buffer, size}, IDS_SIZE, VECTORS_SIZE, sums, &failure);
        buffer[bit / 8] ^= (uint8_t)(1U << bit % 8);
        if (bit < 32 * 8) {
            assert_int_equal(code, ERR_CORRUPT);
            assert_non_null(strstr(failure.msg, "offset "));
        } else {
            assert_int_equal(code, ERR_OK);
            assert_memory_not_equal(sums, original, sizeof sums);
        }
    }
}

static void test_segment_format__sums_of_any_length(void **state)
{
    (void)state;
    uint8_t buffer[256] = {0};
    size_t size = 0;
    uint64_t sums[6] = {0};
    struct err failure = {0};
    encode_sums(buffer, &size);
    for (size_t cut = 0; cut < sizeof buffer; cut++) {
        if (cut == size)
            continue;
        assert_int_equal(
            sums_decode((struct bytes){buffer, cut}, IDS_SIZE, VECTORS_SIZE, sums, &failure),
            ERR_CORRUPT);
    }
}

static void test_segment_format__dead_round_trip(void **state)
{
    (void)state;
    static const uint64_t rows[] = {1, 63, 64, 65, 128, 200};
    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        uint64_t words[4] = {0x8000000000000001U, 5, 1, 1};
        uint64_t decoded[4] = {0};
        uint8_t buffer[64];
        const size_t count = bitmap_count(words, (size_t)rows[k]);
        dead_encode(words, rows[k], count, buffer);
        expect_ok(dead_decode((struct bytes){buffer, (size_t)dead_file_size(rows[k])}, rows[k],
                              count, decoded, err));
        for (size_t row = 0; row < rows[k]; row++)
            assert_int_equal(bitmap_get(words, row), bitmap_get(decoded, row));
    }
}

/* One changed bit always changes the number of set bits, or the header. */
static void test_segment_format__dead_flipped_bits(void **state)
{
    (void)state;
    const uint64_t words[2] = {0x8000000000000001U, 5};
    uint64_t decoded[2];
    uint8_t buffer[64];
    const size_t size = (size_t)dead_file_size(70);
    dead_encode(words, 70, 4, buffer);
    for (size_t bit = 0; bit < size * 8; bit++) {
        struct err failure = {0};
        buffer[bit / 8] ^= (uint8_t)(1U << bit % 8);
        assert_int_equal(dead_decode((struct bytes){buffer, size}, 70, 4, decoded, &failure),
                         ERR_CORRUPT);
        buffer[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_segment_format__sums_round_trip),
        cmocka_unit_test(test_segment_format__block_counts),
        cmocka_unit_test(test_segment_format__sums_flipped_bits),
        cmocka_unit_test(test_segment_format__sums_of_any_length),
        cmocka_unit_test(test_segment_format__dead_round_trip),
        cmocka_unit_test(test_segment_format__dead_flipped_bits),
    };
    return cmocka_run_group_tests_name("segment_format", tests, NULL, NULL);
}
