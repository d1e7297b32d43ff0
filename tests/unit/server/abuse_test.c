/* abuse_test.c: HTTP/2 clients that break the protocol or abuse it. Each is told so in the
 * protocol's own words (GOAWAY, RST_STREAM) or cut, and the server goes on. */
#include <stdlib.h>
#include <sys/socket.h>

#include "fixture.h"

static struct block block;
static struct frame frame;

/* Sends, and reads to the end: the code of the GOAWAY. */
static int goaway_of(struct peer *peer)
{
    const int code = peer_goaway(peer);
    peer_close(peer);
    return code;
}

struct raw {
    const char *name;
    uint8_t type;
    uint8_t flags;
    int32_t id;
    const char *payload;
    size_t size;
    int goaway;
};

static void test_abuse__broken_frames(void **state)
{
    (void)state;
    start();
    static const struct raw cases[] = {
        {"DATA on stream 0", NGHTTP2_DATA, 0, 0, "x", 1, NGHTTP2_PROTOCOL_ERROR},
        {"HEADERS on stream 0", NGHTTP2_HEADERS, 4, 0, "\x82", 1, NGHTTP2_PROTOCOL_ERROR},
        {"HEADERS on an even stream", NGHTTP2_HEADERS, 4, 2, "\x82", 1, NGHTTP2_PROTOCOL_ERROR},
        {"an index that is not there", NGHTTP2_HEADERS, 4, 1, "\xff\x50", 2,
         NGHTTP2_COMPRESSION_ERROR},
        {"a number without end", NGHTTP2_HEADERS, 4, 1, "\xff\xff\xff\xff\xff\xff\xff\xff\xff", 9,
         NGHTTP2_COMPRESSION_ERROR},
        {"a literal beyond the frame", NGHTTP2_HEADERS, 4, 1, "\0\5abc", 5,
         NGHTTP2_COMPRESSION_ERROR},
        {"a table of 4 GB", NGHTTP2_HEADERS, 4, 1, "\x3f\xff\xff\xff\xff\x0f", 6,
         NGHTTP2_COMPRESSION_ERROR},
        {"DATA on an idle stream", NGHTTP2_DATA, 0, 5, "x", 1, NGHTTP2_PROTOCOL_ERROR},
        {"CONTINUATION of nothing", NGHTTP2_CONTINUATION, 4, 1, "\x82", 1, NGHTTP2_PROTOCOL_ERROR},
        {"padding longer than DATA", NGHTTP2_HEADERS, 0x0c, 1, "\xff\x82", 2,
         NGHTTP2_PROTOCOL_ERROR},
        {"SETTINGS of 5 bytes", NGHTTP2_SETTINGS, 0, 0, "12345", 5, NGHTTP2_FRAME_SIZE_ERROR},
        {"SETTINGS on a stream", NGHTTP2_SETTINGS, 0, 1, "", 0, NGHTTP2_PROTOCOL_ERROR},
        {"a window of 4 GB", NGHTTP2_SETTINGS, 0, 0, "\0\4\xff\xff\xff\xff", 6,
         NGHTTP2_FLOW_CONTROL_ERROR},
        {"a frame size of 1", NGHTTP2_SETTINGS, 0, 0, "\0\5\0\0\0\1", 6, NGHTTP2_PROTOCOL_ERROR},
        {"PING of 7 bytes", NGHTTP2_PING, 0, 0, "1234567", 7, NGHTTP2_FRAME_SIZE_ERROR},
        {"RST_STREAM of an idle stream", NGHTTP2_RST_STREAM, 0, 7, "\0\0\0\0", 4,
         NGHTTP2_PROTOCOL_ERROR},
        {"WINDOW_UPDATE of 0", NGHTTP2_WINDOW_UPDATE, 0, 0, "\0\0\0\0", 4, NGHTTP2_PROTOCOL_ERROR},
        {"PUSH_PROMISE by a client", NGHTTP2_PUSH_PROMISE, 4, 1, "\0\0\0\2\x82", 5,
         NGHTTP2_PROTOCOL_ERROR},
        {"a window beyond 2^31", NGHTTP2_WINDOW_UPDATE, 0, 0, "\x7f\xff\xff\xff", 4,
         NGHTTP2_FLOW_CONTROL_ERROR},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        struct peer peer = connect_h2();
        (void)peer_send_frame(&peer, cases[k].type, cases[k].flags, cases[k].id, cases[k].payload,
                              cases[k].size);
        const int code = goaway_of(&peer);
        if (code != cases[k].goaway)
            print_error("%s: GOAWAY %d, expected %d\n", cases[k].name, code, cases[k].goaway);
        assert_int_equal(code, cases[k].goaway);
    }
    assert_true(counter("http2_protocol_errors_total") >= sizeof cases / sizeof cases[0]);
    assert_alive();
}

static void test_abuse__frame_too_large(void **state)
{
    (void)state;
    start();
    struct peer peer = connect_h2();
    static uint8_t data[20000];
    (void)peer_send_frame(&peer, NGHTTP2_PING, 0, 0, data, sizeof data);
    assert_int_equal(goaway_of(&peer), NGHTTP2_FRAME_SIZE_ERROR);
    assert_alive();
}

static void test_abuse__bad_preface(void **state)
{
    (void)state;
    start();
    static const char *const prefaces[] = {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\r",
                                           "PRJ * HTTP/2.0\r\n\r\n", "PRI", "\x80\x80\x01"};
    for (size_t k = 0; k < sizeof prefaces / sizeof prefaces[0]; k++) {
        struct peer peer = peer_connect(server_port(app.server));
        assert_true(peer_say(&peer, prefaces[k]));
        assert_int_equal(shutdown(peer.fd, SHUT_WR), 0);
        char text[512];
        (void)peer_receive_all(&peer, text, sizeof text);
        peer_close(&peer);
    }
    /* the right preface, and then no SETTINGS */
    struct peer peer = peer_connect(server_port(app.server));
    assert_true(peer_say(&peer, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
    assert_true(peer_send_frame(&peer, NGHTTP2_PING, 0, 0, "12345678", 8));
    assert_int_equal(goaway_of(&peer), NGHTTP2_PROTOCOL_ERROR);
    assert_alive();
}

static void test_abuse__silence(void **state)
{
    (void)state;
    options.limits.first_bytes_ms = 50;
    start();
    static const char *const firsts[] = {"", "P", "PRI * HTTP/2.0\r\n\r\nSM\r\n"};
    for (size_t k = 0; k < sizeof firsts / sizeof firsts[0]; k++) {
        struct peer peer = peer_connect(server_port(app.server));
        assert_true(peer_say(&peer, firsts[k]));
        char text[16];
        assert_int_equal(peer_receive_all(&peer, text, sizeof text), 0);
        peer_close(&peer);
    }
    await_gauge("connections", 0);
    assert_alive();
}

static void test_abuse__continuation_flood(void **state)
{
    (void)state;
    start();
    struct peer peer = connect_h2();
    block_grpc(&block, "/t.Test/Echo");
    bool is_open = peer_send_frame(&peer, NGHTTP2_HEADERS, 0, 1, block.data, block.size);
    for (int k = 0; is_open && k < 10000; k++)
        is_open = peer_send_frame(&peer, NGHTTP2_CONTINUATION, 0, 1, "", 0);
    assert_int_equal(goaway_of(&peer), NGHTTP2_ENHANCE_YOUR_CALM);
    assert_alive();
}

static void test_abuse__endless_headers(void **state)
{
    (void)state;
    start();
    struct peer peer = connect_h2();
    char value[4001];
    memset(value, 'v', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    block_grpc(&block, "/t.Test/Echo");
    for (int k = 0; k < 3; k++)
        block_add(&block, "x-long", value);
    /* 12 kB in each of many CONTINUATIONs */
    bool is_open = peer_send_frame(&peer, NGHTTP2_HEADERS, 0, 1, block.data, block.size);
    block.size = 0;
    for (int k = 0; k < 3; k++)
        block_add(&block, "x-long", value);
    for (int k = 0; is_open && k < 10000; k++)
        is_open = peer_send_frame(&peer, NGHTTP2_CONTINUATION, 0, 1, block.data, block.size);
    assert_false(is_open);
    peer_close(&peer);
    assert_alive();
}

/* Acknowledgements pile up when nobody reads them. */
static void flood(uint8_t type, const char *payload, size_t size)
{
    struct peer peer = connect_h2();
    peer.is_silent = true;
    bool is_open = true;
    for (int k = 0; is_open && k < 2000000; k++)
        is_open = peer_send_frame(&peer, type, 0, 0, payload, size);
    assert_false(is_open);
    peer_close(&peer);
    assert_alive();
}

static void test_abuse__settings_flood(void **state)
{
    (void)state;
    options.limits.stall_ms = 200;
    start();
    flood(NGHTTP2_SETTINGS, "", 0);
}

static void test_abuse__ping_flood(void **state)
{
    (void)state;
    options.limits.stall_ms = 200;
    start();
    flood(NGHTTP2_PING, "12345678", 8);
}

static void test_abuse__pings_are_answered(void **state)
{
    (void)state;
    start();
    struct peer peer = connect_h2();
    for (int k = 0; k < 200; k++) {
        uint8_t payload[8] = {0, 0, 0, 0, 0, 0, 0, (uint8_t)k};
        assert_true(peer_send_frame(&peer, NGHTTP2_PING, 0, 0, payload, 8));
        do {
            assert_true(peer_read_frame(&peer, &frame));
            assert_int_not_equal(frame.type, NGHTTP2_GOAWAY);
        } while (frame.type != NGHTTP2_PING);
        assert_int_equal(frame.flags, NGHTTP2_FLAG_ACK);
        assert_memory_equal(frame.payload, payload, 8);
    }
    peer_close(&peer);
}

static void test_abuse__rapid_reset(void **state)
{
    (void)state;
    options.limits.resets_burst = 100;
    options.limits.resets_per_second = 1;
    start();
    struct peer peer = connect_h2();
    bool is_open = true;
    for (int32_t id = 1; is_open && id < 20000; id += 2) {
        block_grpc(&block, "/t.Test/Echo");
        is_open = peer_send_headers(&peer, id, &block, false) &&
                  peer_send_frame(&peer, NGHTTP2_RST_STREAM, 0, id, "\0\0\0\10", 4);
    }
    assert_int_equal(goaway_of(&peer), NGHTTP2_ENHANCE_YOUR_CALM);
    await_gauge("in_flight_bytes", 0);
    assert_alive();
}

static void test_abuse__too_many_streams(void **state)
{
    (void)state;
    options.limits.streams_max = 10;
    start();
    struct peer peer = connect_h2();
    /* before it has seen our SETTINGS a client may not know better */
    for (int32_t id = 1; id <= 41; id += 2)
        assert_true(peer_grpc(&peer, id, "/t.Test/Wait", "", 0));
    await(&peer, 0);
    assert_int_equal(answer.reset, NGHTTP2_REFUSED_STREAM);
    /* now it does */
    bool is_open = true;
    for (int32_t id = 43; is_open && id <= 83; id += 2)
        is_open = peer_grpc(&peer, id, "/t.Test/Wait", "", 0);
    const int code = goaway_of(&peer);
    assert_true(code == NGHTTP2_PROTOCOL_ERROR || code == -1);
    assert_int_equal(atomic_load(&app.waiting) <= 10, true);
    atomic_store(&app.go, true);
    assert_alive();
}

static void test_abuse__bad_pseudo_headers(void **state)
{
    (void)state;
    start();
    struct peer peer = connect_h2();
    /* no :method; upper case; a field of the connection; :path twice */
    static const char *const fields[][2] = {
        {":path", "/"}, {"Upper", "x"}, {"connection", "close"}, {":path", "/x"}};
    for (size_t k = 0; k < 4; k++) {
        const int32_t id = (int32_t)(2 * k + 1);
        block.size = 0;
        if (k > 0)
            block_grpc(&block, "/t.Test/Echo");
        block_add(&block, fields[k][0], fields[k][1]);
        assert_true(peer_send_headers(&peer, id, &block, true));
        await(&peer, id);
        assert_int_equal(answer.reset, NGHTTP2_PROTOCOL_ERROR);
    }
    assert_int_equal(atomic_load(&app.started), 0);
    peer_close(&peer);
    await_gauge("in_flight_bytes", 0);
}

/* DATA without end for a stream that is answered already. */
static void test_abuse__upload_after_the_answer(void **state)
{
    (void)state;
    start();
    struct peer peer = connect_h2();
    static uint8_t data[16384];
    block_grpc(&block, "/t.Nobody/Knows");
    assert_true(peer_send_headers(&peer, 1, &block, false));
    for (int k = 0; k < 2000; k++)
        assert_true(peer_send_frame(&peer, NGHTTP2_DATA, 0, 1, data, sizeof data));
    await(&peer, 1);
    /* it may also be told that it did not care for the window */
    assert_true(answer.grpc_status == GRPC_UNIMPLEMENTED ||
                answer.reset == NGHTTP2_FLOW_CONTROL_ERROR);
    assert_true(counter("in_flight_bytes") < 65536);
    peer_close(&peer);
    assert_alive();
}

static void test_abuse__slow_upload(void **state)
{
    (void)state;
    options.limits.stall_ms = 100;
    start();
    struct peer peer = connect_h2();
    block_grpc(&block, "/t.Test/Echo");
    assert_true(peer_send_headers(&peer, 1, &block, false));
    assert_true(peer_send_data(&peer, 1, "\0\0\0\1\0abc", 8, false));
    await(&peer, 1);
    assert_int_equal(answer.grpc_status, GRPC_DEADLINE_EXCEEDED);
    assert_int_equal(counter("slow_clients_total"), 1);
    /* a call that runs for long is no slow client */
    assert_true(peer_grpc(&peer, 3, "/t.Test/Wait", "", 0));
    await_count(&app.waiting, 1);
    clock_sleep_ns(300000000);
    atomic_store(&app.go, true);
    await(&peer, 3);
    assert_int_equal(answer.grpc_status, 0);
    peer_close(&peer);
}

static void test_abuse__slow_download(void **state)
{
    (void)state;
    options.limits.stall_ms = 200;
    start();
    /* gives no window: the stream is reset */
    struct peer peer = connect_h2();
    peer.is_silent = true;
    uint8_t wanted[4];
    put_u32(wanted, 1 << 20);
    assert_true(peer_grpc(&peer, 1, "/t.Test/Big", wanted, 4));
    await(&peer, 1);
    assert_int_equal(answer.reset, NGHTTP2_CANCEL);
    assert_true(answer.body_size <= 65535);
    peer_close(&peer);
    /* gives window, but does not read */
    peer = connect_h2();
    assert_true(peer_send_frame(&peer, NGHTTP2_SETTINGS, 0, 0, "\0\4\x7f\xff\xff\xff", 6));
    assert_true(peer_send_frame(&peer, NGHTTP2_WINDOW_UPDATE, 0, 0, "\x7f\0\0\0", 4));
    put_u32(wanted, 64 << 20);
    assert_true(peer_grpc(&peer, 1, "/t.Test/Big", wanted, 4));
    await_gauge("slow_clients_total", 2);
    await_gauge("connections", 0);
    peer_close(&peer);
    await_gauge("in_flight_bytes", 0);
    assert_alive();
}

static void test_abuse__idle(void **state)
{
    (void)state;
    options.limits.idle_ms = 5; /* HTTP/2: 30 times that */
    start();
    struct peer peer = connect_h2();
    assert_true(peer_grpc(&peer, 1, "/t.Test/Echo", "", 0));
    await(&peer, 1);
    assert_int_equal(goaway_of(&peer), NGHTTP2_NO_ERROR);
    /* a call keeps it */
    peer = connect_h2();
    assert_true(peer_grpc(&peer, 1, "/t.Test/Wait", "", 0));
    await_count(&app.waiting, 1);
    clock_sleep_ns(400000000);
    atomic_store(&app.go, true);
    await(&peer, 1);
    assert_int_equal(answer.grpc_status, 0);
    peer_close(&peer);
}

static void test_abuse__too_many_connections(void **state)
{
    (void)state;
    options.limits.connections_max = 4;
    start();
    struct peer peers[4];
    for (size_t k = 0; k < 4; k++) {
        peers[k] = connect_h2();
        assert_true(peer_grpc(&peers[k], 1, "/t.Test/Echo", "", 0));
        await(&peers[k], 1);
    }
    struct peer one_more = connect_h2();
    assert_int_equal(goaway_of(&one_more), NGHTTP2_ENHANCE_YOUR_CALM);
    one_more = peer_connect(server_port(app.server));
    assert_true(peer_say(&one_more, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    await_http(&one_more);
    assert_int_equal(http_answer.status, 503);
    assert_false(http_answer.is_cut);
    peer_close(&one_more);
    for (size_t k = 0; k < 4; k++)
        peer_close(&peers[k]);
    await_gauge("connections", 0);
    assert_int_equal(counter("connections_refused_total"), 2);
    assert_alive();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVER_TEST(test_abuse__broken_frames),
        SERVER_TEST(test_abuse__frame_too_large),
        SERVER_TEST(test_abuse__bad_preface),
        SERVER_TEST(test_abuse__silence),
        SERVER_TEST(test_abuse__continuation_flood),
        SERVER_TEST(test_abuse__endless_headers),
        SERVER_TEST(test_abuse__settings_flood),
        SERVER_TEST(test_abuse__ping_flood),
        SERVER_TEST(test_abuse__pings_are_answered),
        SERVER_TEST(test_abuse__rapid_reset),
        SERVER_TEST(test_abuse__too_many_streams),
        SERVER_TEST(test_abuse__bad_pseudo_headers),
        SERVER_TEST(test_abuse__upload_after_the_answer),
        SERVER_TEST(test_abuse__slow_upload),
        SERVER_TEST(test_abuse__slow_download),
        SERVER_TEST(test_abuse__idle),
        SERVER_TEST(test_abuse__too_many_connections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
