/* inflate_test.c: what decompresses, what is damaged, what would become too large. */
#include <errno.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/inflate.h"
#include "scratch.h"

static uint8_t input[300000];
static uint8_t packed[400000];
static size_t packed_size;

/* Packs the first `size` bytes of the input behind what is packed already. */
static void pack(size_t size, bool is_gzip)
{
    z_stream stream = {0};
    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, 15 + (is_gzip ? 16 : 0), 8, 0), Z_OK);
    stream.next_in = input;
    stream.avail_in = (uInt)size;
    stream.next_out = packed + packed_size;
    stream.avail_out = (uInt)(sizeof packed - packed_size);
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    packed_size = sizeof packed - stream.avail_out;
    assert_int_equal(deflateEnd(&stream), Z_OK);
}

static int setup(void **state)
{
    (void)state;
    packed_size = 0;
    for (size_t k = 0; k < sizeof input; k++)
        input[k] = (uint8_t)(k * k / 1000);
    return 0;
}

static enum err_code unpack(size_t size, const struct inflate_options *options, size_t *ret_size)
{
    struct err err;
    uint8_t *data = NULL;
    const enum err_code code =
        inflate_all((struct bytes){packed, size}, options, &data, ret_size, &err);
    if (code == ERR_OK && *ret_size > 0)
        assert_memory_equal(data, input, *ret_size < sizeof input ? *ret_size : sizeof input);
    mem_free(data);
    return code;
}

static void test_inflate__whole(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 16383, 16384, 16385, 300000};
    for (size_t k = 0; k < 2 * sizeof sizes / sizeof sizes[0]; k++) {
        const bool is_gzip = k % 2 == 0;
        const struct inflate_options options = {.size_max = 300000, .is_gzip = is_gzip};
        size_t size = 7;
        packed_size = 0;
        pack(sizes[k / 2], is_gzip);
        assert_int_equal(unpack(packed_size, &options, &size), ERR_OK);
        assert_int_equal(size, sizes[k / 2]);
    }
}

static void test_inflate__members(void **state)
{
    (void)state;
    const struct inflate_options gzip = {.size_max = 600000, .is_gzip = true};
    const struct inflate_options zlib = {.size_max = 600000};
    size_t size = 0;
    pack(300000, true);
    pack(0, true);
    pack(10, true);
    assert_int_equal(unpack(packed_size, &gzip, &size), ERR_OK);
    assert_int_equal(size, 300010);
    packed_size = 0;
    pack(10, false);
    pack(10, false);
    assert_int_equal(unpack(packed_size, &zlib, &size), ERR_CORRUPT);
}

static void test_inflate__limit(void **state)
{
    (void)state;
    size_t size = 7;
    pack(20000, true);
    struct inflate_options options = {.size_max = 20000, .is_gzip = true};
    assert_int_equal(unpack(packed_size, &options, &size), ERR_OK);
    size = 7;
    options.size_max = 19999;
    assert_int_equal(unpack(packed_size, &options, &size), ERR_INVALID);
    options.size_max = 0;
    assert_int_equal(unpack(packed_size, &options, &size), ERR_INVALID);
    assert_int_equal(size, 7);
}

static void test_inflate__cut_and_damaged(void **state)
{
    (void)state;
    const struct inflate_options options = {.size_max = 300000, .is_gzip = true};
    pack(50000, true);
    for (size_t size = 0; size < packed_size; size += size < 40 ? 1 : 97) {
        size_t got = 7;
        assert_int_equal(unpack(size, &options, &got), ERR_CORRUPT);
        assert_int_equal(got, 7);
    }
    /* the checksum at the end finds what nothing else does */
    size_t got = 7;
    packed[packed_size - 6] ^= 1;
    assert_int_equal(unpack(packed_size, &options, &got), ERR_CORRUPT);
    packed[packed_size - 6] ^= 1;
    packed[packed_size++] = 'x';
    assert_int_equal(unpack(packed_size, &options, &got), ERR_CORRUPT);
}

static bool give(void *context, size_t size)
{
    size_t *left = context;
    if (size > *left)
        return false;
    *left -= size;
    return true;
}

static void test_inflate__asks_before_it_grows(void **state)
{
    (void)state;
    size_t left = 400000;
    size_t size = 0;
    struct inflate_options options = {
        .size_max = 300000, .is_gzip = true, .may_grow = give, .context = &left};
    pack(100000, true);
    assert_int_equal(unpack(packed_size, &options, &size), ERR_OK);
    assert_true(left < 300000);
    left = 50000;
    assert_int_equal(unpack(packed_size, &options, &size), ERR_NOMEM);
}

static enum err_code unpack_once(struct err *err)
{
    const struct inflate_options options = {.size_max = 300000, .is_gzip = true};
    uint8_t *data = NULL;
    size_t size = 0;
    const enum err_code code =
        inflate_all((struct bytes){packed, packed_size}, &options, &data, &size, err);
    mem_free(data);
    return code;
}

static void test_inflate__memory_ends(void **state)
{
    (void)state;
    pack(100000, true);
    assert_true(fail_each(FAULT_MALLOC, ENOMEM, ERR_NOMEM, unpack_once) > 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_inflate__whole, setup),
        cmocka_unit_test_setup(test_inflate__members, setup),
        cmocka_unit_test_setup(test_inflate__limit, setup),
        cmocka_unit_test_setup(test_inflate__cut_and_damaged, setup),
        cmocka_unit_test_setup(test_inflate__asks_before_it_grows, setup),
        cmocka_unit_test_setup(test_inflate__memory_ends, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
