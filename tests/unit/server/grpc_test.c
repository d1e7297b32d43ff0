/* grpc_test.c: gRPC's bytes and texts. */
#include <stdatomic.h>

#include "scratch.h"
#include "server/call_internal.h"
#include "server/grpc.h"
#include "server/metrics.h"

static void test_grpc__content_types(void **state)
{
    (void)state;
    assert_true(grpc_is_content_type("application/grpc"));
    assert_true(grpc_is_content_type("application/grpc+proto"));
    assert_true(grpc_is_content_type("application/grpc;charset=utf-8"));
    assert_false(grpc_is_content_type("application/grpc-web"));
    assert_false(grpc_is_content_type("application/grpcx"));
    assert_false(grpc_is_content_type("application/json"));
    assert_false(grpc_is_content_type(""));
    assert_false(grpc_is_content_type(NULL));
}

static void test_grpc__timeouts(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t ns;
    } good[] = {{"1n", 1},
                {"0S", 0},
                {"250u", 250000},
                {"100m", 100000000},
                {"15S", 15000000000},
                {"2M", 120000000000},
                {"1H", 3600000000000},
                {"99999999S", 99999999000000000},
                {"99999999H", UINT64_MAX / 2}};
    for (size_t k = 0; k < sizeof good / sizeof good[0]; k++) {
        uint64_t ns = 7;
        assert_true(grpc_parse_timeout(good[k].text, &ns));
        assert_int_equal(ns, good[k].ns);
    }
    static const char *const bad[] = {"",    "m",   "1",    "1x",         "1mm", "-1m",
                                      " 1m", "1 m", "0x1m", "123456789m", "1.5S"};
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++) {
        uint64_t ns = 7;
        assert_false(grpc_parse_timeout(bad[k], &ns));
        assert_int_equal(ns, 7);
    }
}

static void test_grpc__messages_are_encoded(void **state)
{
    (void)state;
    char text[64];
    grpc_encode_message("plain text ~", text, sizeof text);
    assert_string_equal(text, "plain text ~");
    grpc_encode_message("100%\r\n\x7f\xc3\xa4", text, sizeof text);
    assert_string_equal(text, "100%25%0D%0A%7F%C3%A4");
    grpc_encode_message("", text, sizeof text);
    assert_string_equal(text, "");
    /* cut, but not inside a character */
    grpc_encode_message("ab\xc3\xa4", text, 9);
    assert_string_equal(text, "ab%C3%A4");
    grpc_encode_message("ab\xc3\xa4", text, 8);
    assert_string_equal(text, "ab");
    grpc_encode_message("abcd", text, 4);
    assert_string_equal(text, "abc");
    grpc_encode_message("%", text, 1);
    assert_string_equal(text, "");
}

struct hub_of_test {
    struct hub hub;
    struct call *call;
};

static void open_call(struct hub_of_test *test, size_t request_max, size_t in_flight_max)
{
    *test = (struct hub_of_test){0};
    test->hub.options.limits.request_size_max = request_max;
    test->hub.options.limits.in_flight_size_max = in_flight_max;
    test->call = call_new(&test->hub, "http/2", "peer");
    assert_non_null(test->call);
    test->call->is_grpc = true;
}

static void close_call(struct hub_of_test *test)
{
    call_free(test->call);
    assert_int_equal(atomic_load(&test->hub.in_flight_size), 0);
}

static struct bytes part(const void *data, size_t at, size_t size)
{
    return (struct bytes){(const uint8_t *)data + at, size};
}

static void test_grpc__message_in_pieces_of_any_size(void **state)
{
    (void)state;
    static const char body[] = "\0\0\0\0\x0bhello world";
    for (size_t size = 1; size <= 16; size++) {
        struct hub_of_test test;
        open_call(&test, 100, 1 << 20);
        struct grpc_reader reader = {0};
        for (size_t at = 0; at < 16; at += size)
            assert_true(
                grpc_read(&reader, test.call, part(body, at, size < 16 - at ? size : 16 - at)));
        assert_true(grpc_read_end(&reader, test.call));
        const struct bytes message = call_body(test.call);
        assert_int_equal(message.size, 11);
        assert_memory_equal(message.data, "hello world", 11);
        close_call(&test);
    }
}

static void test_grpc__message_limits(void **state)
{
    (void)state;
    struct hub_of_test test;
    open_call(&test, 10, 1 << 20);
    struct grpc_reader reader = {0};
    assert_true(grpc_read(&reader, test.call, part("\0\0\0\0\x0a", 0, 5)));
    assert_int_equal(test.call->body_capacity, 0); /* nothing for what was only announced */
    reader = (struct grpc_reader){0};
    assert_false(grpc_read(&reader, test.call, part("\0\0\0\0\x0b", 0, 5)));
    assert_int_equal(test.call->reply.status, GRPC_RESOURCE_EXHAUSTED);
    close_call(&test);
    /* the budget that all share */
    open_call(&test, 1 << 20, sizeof(struct call) + 20000);
    reader = (struct grpc_reader){0};
    static uint8_t data[30000];
    assert_true(grpc_read(&reader, test.call, part("\0\0\0\x75\x30", 0, 5)));
    assert_true(grpc_read(&reader, test.call, part(data, 0, 10000)));
    assert_false(grpc_read(&reader, test.call, part(data, 0, 20000)));
    assert_int_equal(test.call->reply.status, GRPC_UNAVAILABLE);
    close_call(&test);
}

/* A reply that does not fit what was asked for becomes one that does. */
static void test_grpc__replies_are_settled(void **state)
{
    (void)state;
    struct hub_of_test test;
    for (int k = 0; k < 5; k++) {
        open_call(&test, 10, 1 << 20);
        test.hub.metrics = metrics_new();
        assert_non_null(test.hub.metrics);
        test.hub.options.limits.reply_size_max = 10;
        test.call->is_grpc = k < 3;
        if (k == 1)
            call_reply_http(test.call, 200, NULL, NULL, 0);
        if (k == 2 || k == 3)
            call_reply_message(test.call, mem_zalloc(11, 1), 11);
        if (k == 4)
            call_reply_http(test.call, 700, NULL, NULL, 0);
        call_settle(test.call);
        const int status = test.call->reply.status;
        const int expected[] = {GRPC_INTERNAL, GRPC_INTERNAL, GRPC_RESOURCE_EXHAUSTED, 500, 500};
        assert_int_equal(status, expected[k]);
        metrics_free(test.hub.metrics);
        close_call(&test);
    }
}

static void test_grpc__charges(void **state)
{
    (void)state;
    struct hub_of_test test;
    open_call(&test, 10, sizeof(struct call) + 100);
    assert_true(call_charge(test.call, 60));
    assert_false(call_charge(test.call, 41));
    assert_true(call_charge(test.call, 40));
    assert_false(call_charge(test.call, 1));
    assert_null(call_new(&test.hub, "http/2", "peer"));
    close_call(&test);
}

static void test_grpc__timeouts_of_handlers(void **state)
{
    (void)state;
    struct hub_of_test test;
    open_call(&test, 10, 1 << 20);
    assert_int_equal(call_deadline_ns(test.call), UINT64_MAX);
    assert_int_equal(call_state(test.call), CALL_WANTED);
    call_set_timeout(test.call, UINT64_MAX);
    assert_int_equal(call_deadline_ns(test.call), UINT64_MAX);
    call_set_timeout(test.call, 3600000);
    const uint64_t deadline_ns = call_deadline_ns(test.call);
    assert_int_equal(deadline_ns, test.call->arrived_ns + 3600000000000);
    call_set_timeout(test.call, 7200000); /* later: no change */
    assert_int_equal(call_deadline_ns(test.call), deadline_ns);
    assert_int_equal(call_state(test.call), CALL_WANTED);
    call_set_timeout(test.call, 0);
    assert_int_equal(call_state(test.call), CALL_LATE);
    atomic_store(&test.call->is_cancelled, true);
    assert_int_equal(call_state(test.call), CALL_CANCELLED);
    close_call(&test);
}

static void test_grpc__reply_headers(void **state)
{
    (void)state;
    struct hub_of_test test;
    open_call(&test, 10, 1 << 20);
    call_add_header(test.call, "X-Fine", "yes");
    call_add_header(test.call, "X-Split", "a\r\nSet-Cookie: b");
    call_add_header(test.call, "X Blank", "a");
    call_add_header(test.call, "", "a");
    for (int k = 0; k < 100; k++)
        call_add_header(test.call, "X-Many", "a");
    assert_int_equal(test.call->reply.header_count, CALL_REPLY_HEADERS_MAX);
    assert_string_equal(pairs_find(&test.call->reply.headers, "x-fine", false), "yes");
    assert_null(pairs_find(&test.call->reply.headers, "x-split", false));
    assert_null(pairs_find(&test.call->reply.headers, "x blank", false));
    char long_user[300];
    memset(long_user, 'u', sizeof long_user - 1);
    long_user[sizeof long_user - 1] = '\0';
    call_set_user(test.call, long_user);
    assert_int_equal(strlen(call_user(test.call)), CALL_USER_MAX);
    close_call(&test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grpc__content_types),
        cmocka_unit_test(test_grpc__timeouts),
        cmocka_unit_test(test_grpc__messages_are_encoded),
        cmocka_unit_test(test_grpc__message_in_pieces_of_any_size),
        cmocka_unit_test(test_grpc__message_limits),
        cmocka_unit_test(test_grpc__replies_are_settled),
        cmocka_unit_test(test_grpc__charges),
        cmocka_unit_test(test_grpc__timeouts_of_handlers),
        cmocka_unit_test(test_grpc__reply_headers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
