/* wire_test.c: what comes from the network is bounded before it is unpacked. */
#include "milvus2/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "generated/milvus.pb-c.h"

#define NESTING_MAX 512

static struct err err;

/* TemplateArrayValue.array_data (5) of TemplateArrayValueArray.data (1), again and again: `levels`
 * messages inside one another. Built from the inside; `out` is filled from its end. */
static struct bytes nest(size_t levels, uint8_t *out, size_t capacity)
{
    size_t size = 0;
    for (size_t k = levels; k-- > 0;) {
        uint8_t head[3];
        size_t head_size = 0;
        head[head_size++] = k % 2 == 0 ? 0x2a : 0x0a;
        if (size >= 128)
            head[head_size++] = (uint8_t)(size & 127) | 128;
        head[head_size++] = (uint8_t)(size >= 128 ? size >> 7 : size);
        assert_true(size + head_size <= capacity);
        size += head_size;
        memcpy(out + capacity - size, head, head_size);
    }
    return (struct bytes){out + capacity - size, size};
}

static void test_wire__depth_is_bounded(void **state)
{
    static uint8_t buffer[NESTING_MAX * 3];
    (void)state;
    const struct bytes fine = nest(WIRE_DEPTH_MAX - 1, buffer, sizeof buffer);
    assert_int_equal(wire_check(&mv__template_array_value__descriptor, fine, &err), ERR_OK);
    const struct bytes deep = nest(WIRE_DEPTH_MAX, buffer, sizeof buffer);
    assert_int_equal(wire_check(&mv__template_array_value__descriptor, deep, &err), ERR_INVALID);
    assert_non_null(strstr(err.msg, "nested deeper than 32"));
    const struct bytes bomb = nest(NESTING_MAX, buffer, sizeof buffer);
    assert_int_equal(wire_check(&mv__template_array_value__descriptor, bomb, &err), ERR_INVALID);
}

static void test_wire__lies_are_found(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
        const char *says;
    } cases[] = {
        {"\x12", 1, "no complete number"}, /* a length is missing */
        {"\x12\x05"
         "ab",
         4, "5 bytes announced"},                /* shorter than it says */
        {"\x13", 1, "wire type 3"},              /* a group */
        {"\x02\x00", 2, "0 is no field number"}, /* field 0 */
        {"\x12\x01\xff", 3, "no UTF-8"},         /* db_name */
        {"\x12\x03"
         "a\0b",
         5, "without zero bytes"}, /* db_name */
        {"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 11, "no complete number"},
        {"\x2d\x00\x00", 3, "4 bytes announced"}, /* 32 bits */
    };
    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const struct bytes in = {(const uint8_t *)cases[k].bytes, cases[k].size};
        assert_int_equal(wire_check(&mv__collection_request__descriptor, in, &err), ERR_INVALID);
        assert_non_null(strstr(err.msg, cases[k].says));
    }
}

static void test_wire__unknown_fields_are_skipped(void **state)
{
    /* base (1), collection_name (3), and field 100 with bytes that are no message */
    static const uint8_t bytes[] = "\x0a\x02\x08\x64\x1a\x03"
                                   "abc"
                                   "\xa2\x06\x02\xff\xff";
    struct arena arena;
    Mv__CollectionRequest *request;
    (void)state;
    arena_init(&arena, 1 << 20);
    assert_int_equal(wire_unpack(&mv__collection_request__descriptor,
                                 (struct bytes){bytes, sizeof bytes - 1}, &arena, &request, &err),
                     ERR_OK);
    assert_string_equal(request->collection_name, "abc");
    assert_string_equal(request->db_name, "");
    assert_int_equal(wire_unpack(&mv__collection_request__descriptor, (struct bytes){NULL, 0},
                                 &arena, &request, &err),
                     ERR_OK);
    arena_release(&arena);
}

static void test_wire__memory_is_bounded(void **state)
{
    /* fields_data (5), empty, a million times: two bytes on the wire, about 90 in memory. */
    static uint8_t bytes[2 << 20];
    struct arena arena;
    Mv__InsertRequest *request = NULL;
    (void)state;
    for (size_t k = 0; k < sizeof bytes; k += 2)
        bytes[k] = 0x2a;
    arena_init(&arena, (size_t)1 << 30);
    assert_int_equal(wire_unpack(&mv__insert_request__descriptor,
                                 (struct bytes){bytes, sizeof bytes}, &arena, &request, &err),
                     ERR_NOMEM);
    assert_null(request);
    assert_true(arena.used <= WIRE_MEMORY_BASE + sizeof bytes * WIRE_MEMORY_FACTOR);
    arena_release(&arena);
}

static void test_wire__answers_are_bounded(void **state)
{
    Mv__Status status = MV__STATUS__INIT;
    uint8_t *data = NULL;
    size_t size = 0;
    char reason[] = "something went wrong";
    (void)state;
    status.reason = reason;
    assert_int_equal(wire_pack(&status, 10, &data, &size, &err), ERR_INVALID);
    assert_null(data);
    assert_int_equal(wire_pack(&status, 100, &data, &size, &err), ERR_OK);
    assert_int_equal(size, 2 + strlen(reason));
    mem_free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wire__depth_is_bounded),
        cmocka_unit_test(test_wire__lies_are_found),
        cmocka_unit_test(test_wire__unknown_fields_are_skipped),
        cmocka_unit_test(test_wire__memory_is_bounded),
        cmocka_unit_test(test_wire__answers_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
