/* npy_test.c: headers in and out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/npy.h"

static void test_npy__round_trip(void **state)
{
    (void)state;
    const struct npy_header header = {
        .type = NPY_FLOAT32, .rows = 12345, .columns = 128, .dimensions = 2};
    uint8_t buffer[NPY_HEADER_SIZE];
    npy_header_encode(&header, buffer);
    struct npy_header back;
    struct err err;
    assert_int_equal(npy_header_decode((struct bytes){buffer, sizeof buffer}, &back, &err), ERR_OK);
    assert_int_equal(back.type, NPY_FLOAT32);
    assert_int_equal(back.rows, 12345);
    assert_int_equal(back.columns, 128);
    assert_int_equal(back.dimensions, 2);
    assert_int_equal(back.data_offset, NPY_HEADER_SIZE);
}

static void test_npy__header_longer_than_file(void **state)
{
    (void)state;
    const struct npy_header header = {.type = NPY_INT64, .rows = 3, .columns = 1, .dimensions = 1};
    uint8_t buffer[NPY_HEADER_SIZE];
    npy_header_encode(&header, buffer);
    struct npy_header back;
    struct err err;
    for (size_t size = 0; size < sizeof buffer; size++)
        assert_int_equal(npy_header_decode((struct bytes){buffer, size}, &back, &err), ERR_CORRUPT);
}

static void test_npy__fortran_order_is_refused(void **state)
{
    (void)state;
    const char text[] = "\x93NUMPY\x01\x00\x46\x00{'descr': '<f4', 'fortran_order': True, 'shape': "
                        "(3, 2), }              \n";
    struct npy_header back;
    struct err err;
    assert_int_equal(
        npy_header_decode((struct bytes){(const uint8_t *)text, sizeof text - 1}, &back, &err),
        ERR_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_npy__round_trip),
                                       cmocka_unit_test(test_npy__header_longer_than_file),
                                       cmocka_unit_test(test_npy__fortran_order_is_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
