/* h2_test.c: gRPC and HTTP/2 against a running server: what works, and what each kind of wrong or
 * hostile client is told. */
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include "fixture.h"

#define MIB ((size_t)1 << 20)

static struct block block;

/* ---- what works ---- */

static void test_h2__echo(void **state)
{
    (void)state;
    start();
    struct peer peer = connect_h2();
    for (int32_t id = 1; id < 21; id += 2) {
        assert_true(peer_grpc(&peer, id, "/t.Test/Echo", "hello", 5));
        await(&peer, id);
        assert_int_equal(answer.http_status, 200);
        assert_int_equal(answer.grpc_status, 0);
        assert_int_equal(answer.body_size, 10);
        assert_memory_equal(answer.body, "\0\0\0\0\5hello", 10);
    }
    peer_close(&peer);
    await_count(&app.accesses, 10);
    await_gauge("connections", 0);
    assert_int_equal(counter("in_flight_bytes"), 0);
}

static void test_h2__empty_message(void **state)
{
    (void)state;
    start();
    struct peer peer = connect_h2();
    assert_true(peer_grpc(&peer, 1, "/t.Test/Echo", "", 0));
    await(&peer, 1);
    assert_int_equal(answer.grpc_status, 0);
    assert_int_equal(answer.body_size, 5);
    peer_close(&peer);
}

static void test_h2__status_with_text(void **state)
{
    (void)state;
    start();
    struct peer peer = connect_h2();
    assert_true(peer_grpc(&peer, 1, "/t.Test/Fail", "x", 1));
    await(&peer, 1);
    assert_int_equal(answer.http_status, 200);
    assert_int_equal(answer.grpc_status, GRPC_NOT_FOUND);
    assert_string_equal(answer.message, "no %C3%A4pfel, 100%25 sure%0A");
    assert_int_equal(answer.body_size, 0);
    peer_close(&peer);
}

static void test_h2__one_byte_at_a_time(void **state)
{
    (void)state;
    start();
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    struct peer peer = peer_connect(server_port(app.server));
    for (size_t k = 0; k + 1 < sizeof preface; k++) {
        assert_true(peer_send(&peer, preface + k, 1));
        clock_sleep_ns(500000);
    }
    static uint8_t bytes[1024] = {0, 0, 0, 4, 0, 0, 0, 0, 0};
    size_t size = 9;
    block_grpc(&block, "/t.Test/Echo");
    const uint8_t headers[9] = {0, 0, (uint8_t)block.size, 1, 4, 0, 0, 0, 1};
    memcpy(bytes + size, headers, 9);
    memcpy(bytes + size + 9, block.data, block.size);
    size += 9 + block.size;
    memcpy(bytes + size, "\0\0\7\0\1\0\0\0\1\0\0\0\0\2ab", 16);
    size += 16;
    for (size_t k = 0; k < size; k++)
        assert_true(peer_send(&peer, bytes + k, 1));
    await(&peer, 1);
    assert_int_equal(answer.grpc_status, 0);
    assert_memory_equal(answer.body, "\0\0\0\0\2ab", 7);
    peer_close(&peer);
}

static void test_h2__large_both_ways(void **state)
{
    (void)state;
    start();
    struct peer peer = connect_h2();
    const size_t size = 60 * MIB;
    uint8_t *data = malloc(size);
    assert_non_null(data);
    for (size_t k = 0; k < size; k++)
        data[k] = (uint8_t)(k * 7 + k / 1000);
    assert_true(peer_grpc(&peer, 1, "/t.Test/Echo", data, size));
    await(&peer, 1);
    assert_int_equal(answer.grpc_status, 0);
    assert_int_equal(answer.body_size, size + 5);
    assert_memory_equal(answer.body + 5, data, size);
    free(data);
    peer_close(&peer);
}

static void test_h2__tiny_window(void **state)
{
    (void)state;
    start();
    struct peer peer = peer_connect(server_port(app.server));
    assert_true(peer_say(&peer, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
    /* The answer's window is 1 byte, so that even the prefix comes in pieces. */
    assert_true(peer_send_frame(&peer, NGHTTP2_SETTINGS, 0, 0, "\0\4\0\0\0\1", 6));
    assert_true(peer_grpc(&peer, 1, "/t.Test/Echo", "slowly", 6));
    await(&peer, 1);
    assert_int_equal(answer.grpc_status, 0);
    assert_memory_equal(answer.body, "\0\0\0\0\6slowly", 11);
    peer_close(&peer);
}

static void test_h2__answer_up_to_the_limit(void **state)
{
    (void)state;
    options.limits.reply_size_max = 4 * MIB;
    start();
    struct peer peer = connect_h2();
    uint8_t wanted[4];
    put_u32(wanted, (uint32_t)(4 * MIB));
    assert_true(peer_grpc(&peer, 1, "/t.Test/Big", wanted, 4));
    await(&peer, 1);
    assert_int_equal(answer.grpc_status, 0);
    assert_int_equal(answer.body_size, 4 * MIB + 5);
    assert_int_equal(answer.body[5 + 250], 250);
    put_u32(wanted, (uint32_t)(4 * MIB + 1));
    assert_true(peer_grpc(&peer, 3, "/t.Test/Big", wanted, 4));
    await(&peer, 3);
    assert_int_equal(answer.grpc_status, GRPC_RESOURCE_EXHAUSTED);
    peer_close(&peer);
}

static void send_compressed(struct peer *peer, int32_t id, const char *encoding, const void *data,
                            size_t size)
{
    block_grpc(&block, "/t.Test/Echo");
    if (encoding != NULL)
        block_add(&block, "grpc-encoding", encoding);
    uint8_t *body = malloc(size + 5);
    assert_non_null(body);
    const uint8_t prefix[5] = {1, (uint8_t)(size >> 24), (uint8_t)(size >> 16),
                               (uint8_t)(size >> 8), (uint8_t)size};
    memcpy(body, prefix, 5);
    memcpy(body + 5, data, size);
    assert_true(peer_send_headers(peer, id, &block, false));
    assert_true(peer_send_data(peer, id, body, size + 5, true));
    free(body);
}

/* `size` zeros, as gzip or zlib; free it. */
static uint8_t *compressed_zeros(size_t size, bool is_gzip, size_t *ret_size)
{
    z_stream stream = {0};
    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, 15 + (is_gzip ? 16 : 0), 9, 0), Z_OK);
    static uint8_t zeros[65536];
    const size_t capacity = size / 500 + 1024;
    uint8_t *out = malloc(capacity);
    assert_non_null(out);
    stream.next_out = out;
    stream.avail_out = (uInt)capacity;
    while (size > 0) {
        stream.next_in = zeros;
        stream.avail_in = (uInt)(size < sizeof zeros ? size : sizeof zeros);
        size -= stream.avail_in;
        assert_true(deflate(&stream, size == 0 ? Z_FINISH : Z_NO_FLUSH) >= 0);
    }
    *ret_size = capacity - stream.avail_out;
    assert_int_equal(deflateEnd(&stream), Z_OK);
    return out;
}

static void test_h2__compressed(void **state)
{
    (void)state;
    start();
    struct peer peer = connect_h2();
    for (int32_t id = 1; id <= 3; id += 2) {
        size_t size;
        uint8_t *data = compressed_zeros(100000, id == 1, &size);
        send_compressed(&peer, id, id == 1 ? "gzip" : "deflate", data, size);
        await(&peer, id);
        assert_int_equal(answer.grpc_status, 0);
        assert_int_equal(answer.body_size, 100005);
        free(data);
    }
    /* an encoding is named, but this message is not compressed */
    block_grpc(&block, "/t.Test/Echo");
    block_add(&block, "grpc-encoding", "gzip");
    assert_true(peer_send_headers(&peer, 5, &block, false));
    assert_true(peer_send_data(&peer, 5, "\0\0\0\0\2ab", 7, true));
    await(&peer, 5);
    assert_int_equal(answer.grpc_status, 0);
    assert_memory_equal(answer.body, "\0\0\0\0\2ab", 7);
    peer_close(&peer);
}

static void test_h2__compression_bomb(void **state)
{
    (void)state;
    start();
    struct peer peer = connect_h2();
    size_t size;
    uint8_t *data = compressed_zeros(1024 * MIB, true, &size);
    assert_true(size < 2 * MIB);
    send_compressed(&peer, 1, "gzip", data, size);
    await(&peer, 1);
    assert_int_equal(answer.grpc_status, GRPC_RESOURCE_EXHAUSTED);
    free(data);
    /* cut, and damaged */
    data = compressed_zeros(MIB, true, &size);
    send_compressed(&peer, 3, "gzip", data, size / 3);
    await(&peer, 3);
    assert_int_equal(answer.grpc_status, GRPC_INTERNAL);
    data[size / 2] ^= 0xff;
    send_compressed(&peer, 5, "gzip", data, size);
    await(&peer, 5);
    assert_int_equal(answer.grpc_status, GRPC_INTERNAL);
    free(data);
    peer_close(&peer);
    await_gauge("in_flight_bytes", 0);
}

static void test_h2__compression_unknown(void **state)
{
    (void)state;
    start();
    struct peer peer = connect_h2();
    send_compressed(&peer, 1, "zstd", "x", 1);
    await(&peer, 1);
    assert_int_equal(answer.grpc_status, GRPC_UNIMPLEMENTED);
    send_compressed(&peer, 3, NULL, "x", 1);
    await(&peer, 3);
    assert_int_equal(answer.grpc_status, GRPC_INTERNAL);
    peer_close(&peer);
}

static void test_h2__plain_http(void **state)
{
    (void)state;
    start();
    struct peer peer = connect_h2();
    block_http(&block, "GET", "/path%20with/%C3%A4?x=1");
    assert_true(peer_send_headers(&peer, 1, &block, true));
    await(&peer, 1);
    assert_int_equal(answer.http_status, 200);
    assert_int_equal(answer.grpc_status, -1);
    assert_memory_equal(answer.body, "/path with/\xc3\xa4", 13);
    block_http(&block, "POST", "/echo");
    assert_true(peer_send_headers(&peer, 3, &block, false));
    assert_true(peer_send_data(&peer, 3, "body", 4, true));
    await(&peer, 3);
    assert_int_equal(answer.http_status, 200);
    assert_memory_equal(answer.body, "body", 4);
    block_http(&block, "HEAD", "/echo");
    assert_true(peer_send_headers(&peer, 5, &block, true));
    await(&peer, 5);
    assert_int_equal(answer.http_status, 200);
    assert_int_equal(answer.body_size, 0);
    block_http(&block, "OPTIONS", "/echo");
    assert_true(peer_send_headers(&peer, 7, &block, true));
    await(&peer, 7);
    assert_int_equal(answer.http_status, 204);
    peer_close(&peer);
}

static void test_h2__streamed(void **state)
{
    (void)state;
    start();
    struct peer peer = connect_h2();
    static const char *const targets[] = {"/stream?n=300000", "/stream?n=300000&chunked=1"};
    for (int32_t k = 0; k < 2; k++) {
        block_http(&block, "GET", targets[k]);
        assert_true(peer_send_headers(&peer, 1 + 2 * k, &block, true));
        await(&peer, 1 + 2 * k);
        assert_int_equal(answer.http_status, 200);
        assert_int_equal(answer.body_size, 300000);
        assert_int_equal(answer.body[299999], 299999 % 251);
    }
    block_http(&block, "GET", "/stream?n=300000&fail=100000");
    assert_true(peer_send_headers(&peer, 5, &block, true));
    await(&peer, 5);
    assert_true(answer.reset > 0);
    peer_close(&peer);
    await_count(&app.released, 3);
}

static void test_h2__authentication(void **state)
{
    (void)state;
    start();
    struct peer peer = connect_h2();
    block_grpc(&block, "/t.Test/Echo");
    block_add(&block, "x-user", "stranger");
    assert_true(peer_send_headers(&peer, 1, &block, false));
    assert_true(peer_send_data(&peer, 1, "\0\0\0\0\0", 5, true));
    await(&peer, 1);
    assert_int_equal(answer.grpc_status, GRPC_UNAUTHENTICATED);
    assert_int_equal(atomic_load(&app.started), 0);
    peer_close(&peer);
}

/* ---- early answers ---- */

static void test_h2__early_error_during_upload(void **state)
{
    (void)state;
    start();
    struct peer peer = connect_h2();
    const size_t size = 70 * MIB;
    uint8_t *data = calloc(1, size + 5);
    assert_non_null(data);
    data[1] = (uint8_t)(size >> 24);
    data[2] = (uint8_t)(size >> 16);
    block_grpc(&block, "/t.Test/Echo");
    assert_true(peer_send_headers(&peer, 1, &block, false));
    /* The refusal is read, before any RST_STREAM and before all is sent; the connection goes on. */
    assert_false(peer_send_data(&peer, 1, data, size + 5, true));
    assert_int_equal(peer_last.type, NGHTTP2_HEADERS);
    assert_int_equal(peer_last.grpc_status, GRPC_RESOURCE_EXHAUSTED);
    free(data);
    assert_true(peer_grpc(&peer, 3, "/t.Test/Echo", "next", 4));
    await(&peer, 3);
    assert_int_equal(answer.grpc_status, 0);
    peer_close(&peer);
    assert_int_equal(atomic_load(&app.started), 1);
}

static void test_h2__answer_then_reset(void **state)
{
    (void)state;
    start();
    struct peer peer = connect_h2();
    block_grpc(&block, "/t.Nobody/Knows");
    assert_true(peer_send_headers(&peer, 1, &block, false));
    await(&peer, 1);
    assert_int_equal(answer.reset, -1);
    assert_int_equal(answer.grpc_status, GRPC_UNIMPLEMENTED);
    static struct frame frame;
    do
        assert_true(peer_read_frame(&peer, &frame));
    while (frame.type != NGHTTP2_RST_STREAM);
    assert_int_equal(frame.id, 1);
    assert_memory_equal(frame.payload, "\0\0\0\0", 4);
    peer_close(&peer);
}

static void test_h2__announced_3_9_gb(void **state)
{
    (void)state;
    start();
    struct peer peer = connect_h2();
    block_grpc(&block, "/t.Test/Echo");
    assert_true(peer_send_headers(&peer, 1, &block, false));
    assert_true(peer_send_data(&peer, 1, "\0\xe8\0\0\0xyz", 8, false));
    await(&peer, 1);
    assert_int_equal(answer.grpc_status, GRPC_RESOURCE_EXHAUSTED);
    assert_true(counter("in_flight_bytes") < MIB);
    peer_close(&peer);
    assert_alive();
}

struct broken {
    const char *body;
    size_t size;
    int status;
};

static void test_h2__broken_messages(void **state)
{
    (void)state;
    start();
    static const struct broken cases[] = {
        {"", 0, GRPC_INTERNAL},                       /* none at all */
        {"\0\0\0", 3, GRPC_INTERNAL},                 /* ends inside the prefix */
        {"\0\0\0\0\5abc", 8, GRPC_INTERNAL},          /* ends inside the message */
        {"\7\0\0\0\1a", 6, GRPC_INTERNAL},            /* a flag that nobody knows */
        {"\0\0\0\0\1a\0\0\0\0\0", 11, GRPC_INTERNAL}, /* two messages */
        {"\0\0\0\0\1ab", 7, GRPC_INTERNAL},
    };
    struct peer peer = connect_h2();
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        const int32_t id = (int32_t)(2 * k + 1);
        block_grpc(&block, "/t.Test/Echo");
        assert_true(peer_send_headers(&peer, id, &block, cases[k].size == 0));
        if (cases[k].size > 0)
            assert_true(peer_send_data(&peer, id, cases[k].body, cases[k].size, true));
        await(&peer, id);
        assert_int_equal(answer.grpc_status, cases[k].status);
    }
    assert_int_equal(atomic_load(&app.started), 0);
    peer_close(&peer);
}

static void test_h2__broken_metadata(void **state)
{
    (void)state;
    start();
    struct peer peer = connect_h2();
    block_grpc(&block, "/t.Test/Echo");
    block_add(&block, "grpc-timeout", "soon");
    assert_true(peer_send_headers(&peer, 1, &block, false));
    await(&peer, 1);
    assert_int_equal(answer.grpc_status, GRPC_INVALID_ARGUMENT);
    block_http(&block, "GET", "/path%0");
    assert_true(peer_send_headers(&peer, 3, &block, true));
    await(&peer, 3);
    assert_int_equal(answer.http_status, 400);
    block_http(&block, "GET", "/path%00x");
    assert_true(peer_send_headers(&peer, 5, &block, true));
    await(&peer, 5);
    assert_int_equal(answer.http_status, 400);
    peer_close(&peer);
}

static void test_h2__large_headers(void **state)
{
    (void)state;
    options.limits.header_size_max = 16384;
    start();
    struct peer peer = connect_h2();
    char value[2000];
    memset(value, 'v', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    block_grpc(&block, "/t.Test/Echo");
    for (int k = 0; k < 10; k++)
        block_add(&block, "x-long", value);
    assert_true(peer_send_headers(&peer, 1, &block, true));
    await(&peer, 1);
    assert_int_equal(answer.grpc_status, GRPC_RESOURCE_EXHAUSTED);
    block_http(&block, "GET", "/echo");
    for (int k = 0; k < 10; k++)
        block_add(&block, "x-long", value);
    assert_true(peer_send_headers(&peer, 3, &block, true));
    await(&peer, 3);
    assert_int_equal(answer.http_status, 431);
    /* far too much: not even an answer */
    block_http(&block, "GET", "/echo");
    for (int k = 0; k < 31; k++)
        block_add(&block, "x-long", value);
    assert_true(peer_send_headers(&peer, 5, &block, true));
    await(&peer, 5);
    assert_true(answer.is_ended || answer.reset >= 0);
    peer_close(&peer);
    assert_alive();
}

/* ---- deadlines, cancellation ---- */

static void test_h2__deadline(void **state)
{
    (void)state;
    start();
    struct peer peer = connect_h2();
    block_grpc(&block, "/t.Test/Wait");
    block_add(&block, "grpc-timeout", "50m");
    assert_true(peer_send_headers(&peer, 1, &block, false));
    assert_true(peer_send_data(&peer, 1, "\0\0\0\0\0", 5, true));
    await(&peer, 1);
    assert_int_equal(answer.grpc_status, GRPC_DEADLINE_EXCEEDED);
    await_count(&app.waiting, 0);
    assert_int_equal(atomic_load(&app.late) + atomic_load(&app.cancelled), 1);
    peer_close(&peer);
    await_gauge("in_flight_bytes", 0);
}

static void test_h2__deadline_while_queued(void **state)
{
    (void)state;
    options.workers = 1;
    start();
    struct peer peer = connect_h2();
    assert_true(peer_grpc(&peer, 1, "/t.Test/Wait", "", 0));
    await_count(&app.waiting, 1);
    block_grpc(&block, "/t.Test/Echo");
    block_add(&block, "grpc-timeout", "20m");
    assert_true(peer_send_headers(&peer, 3, &block, false));
    assert_true(peer_send_data(&peer, 3, "\0\0\0\0\0", 5, true));
    await(&peer, 3);
    assert_int_equal(answer.grpc_status, GRPC_DEADLINE_EXCEEDED);
    atomic_store(&app.go, true);
    await(&peer, 1);
    assert_int_equal(answer.grpc_status, 0);
    assert_int_equal(atomic_load(&app.started), 1);
    peer_close(&peer);
}

static void test_h2__cancel(void **state)
{
    (void)state;
    start();
    struct peer peer = connect_h2();
    assert_true(peer_grpc(&peer, 1, "/t.Test/Wait", "", 0));
    await_count(&app.waiting, 1);
    assert_true(peer_send_frame(&peer, NGHTTP2_RST_STREAM, 0, 1, "\0\0\0\10", 4));
    await_count(&app.cancelled, 1);
    /* the connection goes on */
    assert_true(peer_grpc(&peer, 3, "/t.Test/Echo", "x", 1));
    await(&peer, 3);
    assert_int_equal(answer.grpc_status, 0);
    peer_close(&peer);
    await_gauge("in_flight_bytes", 0);
}

static void test_h2__cut_socket(void **state)
{
    (void)state;
    start();
    for (int k = 0; k < 20; k++) {
        /* half of them in the middle of an upload, half while the call runs */
        struct peer peer = connect_h2();
        if (k % 2 == 0) {
            block_grpc(&block, "/t.Test/Echo");
            assert_true(peer_send_headers(&peer, 1, &block, false));
            assert_true(peer_send_data(&peer, 1, "\0\0\1\0\0half", 9, false));
        } else {
            assert_true(peer_grpc(&peer, 1, "/t.Test/Wait", "", 0));
            await_count(&app.waiting, 1);
        }
        peer_close(&peer);
        await_count(&app.cancelled, (k + 1) / 2);
    }
    await_gauge("connections", 0);
    await_gauge("in_flight_bytes", 0);
    assert_alive();
}

static void test_h2__quick_while_busy(void **state)
{
    (void)state;
    options.workers = 1;
    start();
    struct peer peer = connect_h2();
    assert_true(peer_grpc(&peer, 1, "/t.Test/Wait", "", 0));
    assert_true(peer_grpc(&peer, 3, "/t.Test/Wait", "", 0));
    await_count(&app.waiting, 1);
    assert_true(peer_grpc(&peer, 5, "/t.Test/Quick", "now", 3));
    await(&peer, 5);
    assert_int_equal(answer.grpc_status, 0);
    block_http(&block, "GET", "/healthz");
    assert_true(peer_send_headers(&peer, 7, &block, true));
    await(&peer, 7);
    assert_int_equal(answer.http_status, 200);
    assert_int_equal(atomic_load(&app.waiting), 1);
    peer_close(&peer);
}

static void test_h2__queue_limit(void **state)
{
    (void)state;
    options.workers = 1;
    options.limits.queue_max = 2;
    start();
    struct peer peer = connect_h2();
    assert_true(peer_grpc(&peer, 1, "/t.Test/Wait", "", 0));
    await_count(&app.waiting, 1);
    for (int32_t id = 3; id <= 7; id += 2)
        assert_true(peer_grpc(&peer, id, "/t.Test/Wait", "", 0));
    await(&peer, 0);
    assert_int_equal(answer.id, 7);
    assert_int_equal(answer.grpc_status, GRPC_UNAVAILABLE);
    atomic_store(&app.go, true);
    for (int k = 0; k < 3; k++) {
        await(&peer, 0);
        assert_int_equal(answer.grpc_status, 0);
    }
    peer_close(&peer);
}

static void test_h2__budget(void **state)
{
    (void)state;
    options.limits.in_flight_size_max = 3 * MIB;
    start();
    struct peer peer = connect_h2();
    static uint8_t data[2 << 20];
    /* held by a call that waits */
    assert_true(peer_grpc(&peer, 1, "/t.Test/Wait", data, sizeof data));
    await_count(&app.waiting, 1);
    assert_true(peer_grpc(&peer, 3, "/t.Test/Echo", data, sizeof data) || true);
    await(&peer, 3);
    assert_int_equal(answer.grpc_status, GRPC_UNAVAILABLE);
    atomic_store(&app.go, true);
    await(&peer, 1);
    assert_int_equal(answer.grpc_status, 0);
    peer_close(&peer);
    await_gauge("in_flight_bytes", 0);
    assert_alive();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVER_TEST(test_h2__echo),
        SERVER_TEST(test_h2__empty_message),
        SERVER_TEST(test_h2__status_with_text),
        SERVER_TEST(test_h2__one_byte_at_a_time),
        SERVER_TEST(test_h2__large_both_ways),
        SERVER_TEST(test_h2__tiny_window),
        SERVER_TEST(test_h2__answer_up_to_the_limit),
        SERVER_TEST(test_h2__compressed),
        SERVER_TEST(test_h2__compression_bomb),
        SERVER_TEST(test_h2__compression_unknown),
        SERVER_TEST(test_h2__plain_http),
        SERVER_TEST(test_h2__streamed),
        SERVER_TEST(test_h2__authentication),
        SERVER_TEST(test_h2__early_error_during_upload),
        SERVER_TEST(test_h2__answer_then_reset),
        SERVER_TEST(test_h2__announced_3_9_gb),
        SERVER_TEST(test_h2__broken_messages),
        SERVER_TEST(test_h2__broken_metadata),
        SERVER_TEST(test_h2__large_headers),
        SERVER_TEST(test_h2__deadline),
        SERVER_TEST(test_h2__deadline_while_queued),
        SERVER_TEST(test_h2__cancel),
        SERVER_TEST(test_h2__cut_socket),
        SERVER_TEST(test_h2__quick_while_busy),
        SERVER_TEST(test_h2__queue_limit),
        SERVER_TEST(test_h2__budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
