/* npy_test.c: headers in and out. */
#include "base/npy.h"
#include "scratch.h"

/* A file's start with this literal: version 1, or 2 and 3 with their longer size field. */
static struct bytes make(unsigned version, const char *literal)
{
    static uint8_t buffer[2 * NPY_HEADER_SIZE_MAX];
    const size_t size = strlen(literal);
    const size_t head = version == 1 ? 10 : 12;
    memcpy(buffer, "\x93NUMPY", 6);
    buffer[6] = (uint8_t)version;
    buffer[7] = 0;
    if (version == 1)
        put_u16(buffer + 8, (uint16_t)size);
    else
        put_u32(buffer + 8, (uint32_t)size);
    memcpy(buffer + head, literal, size);
    return (struct bytes){buffer, head + size};
}

static void refuse(const char *literal, const char *why)
{
    struct npy_header header = {.rows = 77};
    struct err err;
    assert_int_equal(npy_header_decode(make(1, literal), &header, &err), ERR_CORRUPT);
    assert_non_null(strstr(err.msg, why));
    assert_int_equal(header.rows, 77);
}

static void test_npy__round_trip(void **state)
{
    (void)state;
    static const enum npy_type types[] = {NPY_FLOAT32, NPY_FLOAT64, NPY_INT64, NPY_INT32,
                                          NPY_UINT8};
    static const size_t sizes[] = {4, 8, 8, 4, 1};
    static const uint64_t most = 922337203685477579; /* the most that is read */
    for (size_t t = 0; t < 5; t++) {
        for (int dimensions = 1; dimensions <= 2; dimensions++) {
            const struct npy_header header = {.type = types[t],
                                              .rows = t % 2 == 0 ? most : 0,
                                              .columns = dimensions == 1 ? 1 : most,
                                              .dimensions = dimensions};
            uint8_t buffer[NPY_HEADER_SIZE];
            npy_header_encode(&header, buffer);
            assert_int_equal(buffer[NPY_HEADER_SIZE - 1], '\n');
            struct npy_header back;
            struct err err;
            assert_int_equal(npy_header_decode((struct bytes){buffer, sizeof buffer}, &back, &err),
                             ERR_OK);
            assert_int_equal(back.type, header.type);
            assert_true(back.rows == header.rows && back.columns == header.columns);
            assert_int_equal(back.dimensions, dimensions);
            assert_int_equal(back.data_offset, NPY_HEADER_SIZE);
            assert_int_equal(npy_item_size(types[t]), sizes[t]);
        }
    }
    assert_int_equal(npy_item_size((enum npy_type)99), 0);
}

static void test_npy__free_order_and_blanks(void **state)
{
    (void)state;
    struct npy_header header;
    struct err err;
    const char *literal = "{ 'shape' : ( 3 , 4 , ) ,'fortran_order':False, 'descr':  '|u1'}   \n";
    for (unsigned version = 1; version <= 3; version++) {
        assert_int_equal(npy_header_decode(make(version, literal), &header, &err), ERR_OK);
        assert_int_equal(header.type, NPY_UINT8);
        assert_int_equal(header.rows, 3);
        assert_int_equal(header.columns, 4);
        assert_int_equal(header.data_offset, (version == 1 ? 10 : 12) + strlen(literal));
    }
}

static void test_npy__what_is_refused(void **state)
{
    (void)state;
    refuse("{'descr': '>f4', 'fortran_order': False, 'shape': (3, 2), }", "element type");
    refuse("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (3,), }", "element type");
    refuse("{'fortran_order': False, 'shape': (3,), }", "element type");
    refuse("{'descr' '<f4', 'fortran_order': False, 'shape': (3,), }", "element type");
    refuse("{'descr': '<f4', 'fortran_order': True, 'shape': (3, 2), }", "fortran_order");
    refuse("{'descr': '<f4', 'shape': (3, 2), }", "fortran_order");
    static const char *const shapes[] = {"()",
                                         "(3)",
                                         "3",
                                         "(3, 2, 1)",
                                         "(-3,)",
                                         "(3, x)",
                                         "(3, 2",
                                         "(,)",
                                         "[3, 2]",
                                         "(3 2)",
                                         "(3.0,)",
                                         "(3, 2;",
                                         "(9223372036854775808,)"};
    for (size_t k = 0; k < sizeof shapes / sizeof shapes[0]; k++) {
        char literal[128];
        (void)snprintf(literal, sizeof literal,
                       "{'descr': '<f4', 'fortran_order': False, 'shape': %s", shapes[k]);
        refuse(literal, "shape");
    }
    refuse("{'descr': '<f4', 'fortran_order': False}", "shape");
}

static void test_npy__the_first_bytes(void **state)
{
    (void)state;
    struct npy_header header;
    struct err err;
    struct bytes in = make(4, "{}");
    assert_int_equal(npy_header_decode(in, &header, &err), ERR_CORRUPT);
    assert_non_null(strstr(err.msg, "offset 6: version 4"));
    in = make(2, "");
    assert_int_equal(npy_header_decode((struct bytes){in.data, 11}, &header, &err), ERR_CORRUPT);
    assert_int_equal(
        npy_header_decode((struct bytes){(const uint8_t *)"PK\3\4 and more", 14}, &header, &err),
        ERR_CORRUPT);
    assert_non_null(strstr(err.msg, "no .npy file"));
    uint8_t longer[12] = "\x93NUMPY\x02\x00";
    put_u32(longer + 8, UINT32_MAX);
    assert_int_equal(npy_header_decode((struct bytes){longer, 12}, &header, &err), ERR_CORRUPT);
    assert_non_null(strstr(err.msg, "4294967295 bytes announced"));
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_npy__round_trip),
        cmocka_unit_test(test_npy__free_order_and_blanks),
        cmocka_unit_test(test_npy__what_is_refused),
        cmocka_unit_test(test_npy__the_first_bytes),
        cmocka_unit_test(test_npy__header_longer_than_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
