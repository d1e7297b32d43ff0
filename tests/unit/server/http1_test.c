/* http1_test.c: HTTP/1.1 against a running server. */
#include <stdlib.h>
#include <sys/socket.h>

#include "fixture.h"

#define MIB ((size_t)1 << 20)

static struct peer connect_http1(void)
{
    return peer_connect(server_port(app.server));
}

static void test_http1__get(void **state)
{
    (void)state;
    start();
    struct peer peer = connect_http1();
    assert_true(peer_say(&peer, "GET /path%20x/%C3%A4?a=1 HTTP/1.1\r\nHost: x\r\n\r\n"));
    await_http(&peer);
    assert_int_equal(http_answer.status, 200);
    assert_string_equal(http_answer.body, "/path x/\xc3\xa4");
    assert_non_null(strstr(http_answer.head, "access-control-allow-origin: *\r\n"));
    peer_close(&peer);
    await_gauge("connections", 0);
    await_gauge("in_flight_bytes", 0);
}

static void test_http1__keep_alive_and_pipelining(void **state)
{
    (void)state;
    start();
    struct peer peer = connect_http1();
    for (int k = 0; k < 5; k++) {
        assert_true(peer_say(&peer, "GET /header?name=x-a HTTP/1.1\r\nHost: x\r\nX-A: b\r\n\r\n"));
        await_http(&peer);
        assert_string_equal(http_answer.body, "b");
    }
    assert_true(peer_say(&peer, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\none"
                                "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\ntwo"
                                "GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n"));
    await_http(&peer);
    assert_string_equal(http_answer.body, "one");
    assert_non_null(strstr(http_answer.head, "x-answer: yes\r\n"));
    await_http(&peer);
    assert_string_equal(http_answer.body, "two");
    await_http(&peer);
    assert_int_equal(http_answer.status, 404);
    assert_string_equal(http_answer.body, "{\"code\":404,\"message\":\"no such page: /nowhere\"}");
    peer_close(&peer);
    assert_int_equal(counter("connections_accepted_total"), 1);
}

static void test_http1__chunked_request(void **state)
{
    (void)state;
    start();
    struct peer peer = connect_http1();
    assert_true(peer_say(&peer,
                         "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                         "5\r\nhello\r\n"));
    clock_sleep_ns(20000000);
    assert_true(peer_say(&peer, "7;x=y\r\n, world\r\n0\r\n\r\n"));
    await_http(&peer);
    assert_int_equal(http_answer.status, 200);
    assert_string_equal(http_answer.body, "hello, world");
    peer_close(&peer);
}

static void test_http1__one_byte_at_a_time(void **state)
{
    (void)state;
    start();
    struct peer peer = connect_http1();
    static const char request[] = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nslow";
    for (size_t k = 0; k + 1 < sizeof request; k++) {
        assert_true(peer_send(&peer, request + k, 1));
        clock_sleep_ns(200000);
    }
    await_http(&peer);
    assert_string_equal(http_answer.body, "slow");
    peer_close(&peer);
}

static void test_http1__methods_that_begin_like_a_preface(void **state)
{
    (void)state;
    start();
    struct peer peer = connect_http1();
    assert_true(peer_say(&peer, "P"));
    clock_sleep_ns(20000000);
    assert_true(peer_say(&peer, "RI"));
    clock_sleep_ns(20000000);
    assert_true(peer_say(&peer, "NT /path HTTP/1.1\r\nHost: x\r\n\r\n"));
    await_http(&peer);
    assert_int_equal(http_answer.status, 200);
    peer_close(&peer);
}

static void test_http1__large_both_ways(void **state)
{
    (void)state;
    start();
    struct peer peer = connect_http1();
    const size_t size = 40 * MIB;
    char *data = malloc(size);
    assert_non_null(data);
    for (size_t k = 0; k < size; k++)
        data[k] = (char)(k * 7 + k / 1000);
    char head[128];
    (void)snprintf(head, sizeof head,
                   "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n", size);
    assert_true(peer_say(&peer, head));
    assert_true(peer_send(&peer, data, size));
    await_http(&peer);
    assert_int_equal(http_answer.status, 200);
    assert_int_equal(http_answer.body_size, size);
    assert_memory_equal(http_answer.body, data, size);
    free(data);
    peer_close(&peer);
    await_gauge("in_flight_bytes", 0);
}

static void test_http1__streamed(void **state)
{
    (void)state;
    start();
    struct peer peer = connect_http1();
    assert_true(peer_say(&peer, "GET /stream?n=300000 HTTP/1.1\r\nHost: x\r\n\r\n"
                                "GET /stream?n=300000&chunked=1 HTTP/1.1\r\nHost: x\r\n\r\n"
                                "GET /stream?n=300000&fail=200000 HTTP/1.1\r\nHost: x\r\n\r\n"));
    for (int k = 0; k < 2; k++) {
        await_http(&peer);
        assert_int_equal(http_answer.body_size, 300000);
        assert_int_equal((uint8_t)http_answer.body[299999], 299999 % 251);
    }
    await_http(&peer);
    assert_true(http_answer.is_cut);
    peer_close(&peer);
    await_count(&app.released, 3);
}

static void test_http1__head_and_options(void **state)
{
    (void)state;
    start();
    struct peer peer = connect_http1();
    assert_true(peer_say(&peer, "OPTIONS /x HTTP/1.1\r\nHost: x\r\n"
                                "Access-Control-Request-Headers: x-mine\r\n\r\n"));
    await_http(&peer);
    assert_int_equal(http_answer.status, 204);
    assert_non_null(strstr(http_answer.head, "access-control-allow-headers: x-mine\r\n"));
    assert_true(peer_say(&peer, "HEAD /big?n=5 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
    char text[1024];
    (void)peer_receive_all(&peer, text, sizeof text);
    assert_non_null(strstr(text, "Content-Length: 5\r\n"));
    assert_memory_equal(text + strlen(text) - 4, "\r\n\r\n", 4);
    peer_close(&peer);
    assert_int_equal(atomic_load(&app.started), 0);
}

static void test_http1__authentication(void **state)
{
    (void)state;
    start();
    struct peer peer = connect_http1();
    assert_true(peer_say(&peer, "GET /user HTTP/1.1\r\nHost: x\r\nX-User: known\r\n\r\n"
                                "GET /user HTTP/1.1\r\nHost: x\r\nX-User: other\r\n\r\n"));
    await_http(&peer);
    assert_string_equal(http_answer.body, "known");
    await_http(&peer);
    assert_int_equal(http_answer.status, 401);
    assert_non_null(strstr(http_answer.head, "www-authenticate: Bearer\r\n"));
    peer_close(&peer);
}

static void test_http1__too_large(void **state)
{
    (void)state;
    options.limits.request_size_max = MIB;
    start();
    static char data[1 << 16];
    memset(data, 'x', sizeof data);
    /* sends it all before it reads */
    struct peer peer = connect_http1();
    assert_true(
        peer_say(&peer, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2097152\r\n\r\n"));
    for (size_t k = 0; k < 2 * MIB / sizeof data; k++)
        assert_true(peer_send(&peer, data, sizeof data));
    await_http(&peer);
    assert_int_equal(http_answer.status, 413);
    /* and the connection goes on */
    assert_true(peer_say(&peer, "GET /path HTTP/1.1\r\nHost: x\r\n\r\n"));
    await_http(&peer);
    assert_int_equal(http_answer.status, 200);
    peer_close(&peer);
    /* asks first */
    peer = connect_http1();
    assert_true(peer_say(&peer, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2097152\r\n"
                                "Expect: 100-continue\r\n\r\n"));
    await_http(&peer);
    assert_int_equal(http_answer.status, 413);
    peer_close(&peer);
    /* does not say how much */
    peer = connect_http1();
    assert_true(
        peer_say(&peer, "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"));
    for (size_t k = 0; k < 2 * MIB / sizeof data; k++) {
        assert_true(peer_say(&peer, "10000\r\n"));
        assert_true(peer_send(&peer, data, sizeof data));
        assert_true(peer_say(&peer, "\r\n"));
    }
    assert_true(peer_say(&peer, "0\r\n\r\n"));
    await_http(&peer);
    assert_int_equal(http_answer.status, 413);
    peer_close(&peer);
    /* a number that no computer has */
    peer = connect_http1();
    assert_true(peer_say(&peer, "POST /echo HTTP/1.1\r\nHost: x\r\n"
                                "Content-Length: 99999999999999999999999\r\n\r\n"));
    await_http(&peer);
    assert_true(http_answer.status == 413 || http_answer.status == 400);
    peer_close(&peer);
    await_gauge("in_flight_bytes", 0);
}

static void test_http1__endless_chunks_are_cut(void **state)
{
    (void)state;
    options.limits.request_size_max = MIB;
    start();
    static char data[1 << 16];
    struct peer peer = connect_http1();
    assert_true(
        peer_say(&peer, "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"));
    bool is_open = true;
    for (size_t k = 0; is_open && k < 4096; k++)
        is_open = peer_say(&peer, "10000\r\n") && peer_send(&peer, data, sizeof data) &&
                  peer_say(&peer, "\r\n");
    assert_false(is_open);
    peer_close(&peer);
    assert_alive();
}

static void test_http1__huge_headers(void **state)
{
    (void)state;
    start();
    static char value[200000];
    memset(value, 'v', sizeof value - 1);
    struct peer peer = connect_http1();
    assert_true(peer_say(&peer, "GET /path HTTP/1.1\r\nHost: x\r\nX-Long: "));
    (void)peer_say(&peer, value);
    (void)peer_say(&peer, "\r\n\r\n");
    await_http(&peer);
    assert_true(http_answer.status == 431 || http_answer.status == 413);
    peer_close(&peer);
    /* just over the limit, so that libmicrohttpd still takes them */
    value[36000] = '\0';
    peer = connect_http1();
    assert_true(peer_say(&peer, "GET /path HTTP/1.1\r\nHost: x\r\nX-Long: "));
    (void)peer_say(&peer, value);
    (void)peer_say(&peer, "\r\n\r\n");
    await_http(&peer);
    assert_int_equal(http_answer.status, 431);
    peer_close(&peer);
    peer = connect_http1();
    assert_true(peer_say(&peer, "GET /"));
    value[36000] = 'v';
    (void)peer_say(&peer, value);
    (void)peer_say(&peer, " HTTP/1.1\r\nHost: x\r\n\r\n");
    await_http(&peer);
    assert_true(http_answer.status == 414 || http_answer.status == 431 || http_answer.is_cut);
    peer_close(&peer);
    assert_alive();
}

static void test_http1__broken_requests(void **state)
{
    (void)state;
    start();
    static const char *const requests[] = {
        "GET\r\n\r\n",
        "GET /path HTTP/1.1\r\nNo colon here\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nnone\r\n",
        "GET /path%zz HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /path%00 HTTP/1.1\r\nHost: x\r\n\r\n",
        "\r\n\r\n\r\n",
        "\x01\x02\x03\x04",
    };
    for (size_t k = 0; k < sizeof requests / sizeof requests[0]; k++) {
        struct peer peer = connect_http1();
        assert_true(peer_say(&peer, requests[k]));
        assert_int_equal(shutdown(peer.fd, SHUT_WR), 0);
        char text[2048];
        (void)peer_receive_all(&peer, text, sizeof text);
        if (text[0] != '\0' && strncmp(text, "HTTP/1.1 400 ", 13) != 0)
            print_error("%zu: %s\n", k, text);
        assert_true(text[0] == '\0' || strncmp(text, "HTTP/1.1 400 ", 13) == 0);
        peer_close(&peer);
    }
    assert_int_equal(atomic_load(&app.started), 0);
    assert_alive();
}

static void test_http1__compressed_body(void **state)
{
    (void)state;
    start();
    static const uint8_t zipped[] = {31,  139, 8, 0, 0,   0,   0,  0,  0, 3, 203, 72, 205,
                                     201, 201, 7, 0, 134, 166, 16, 54, 5, 0, 0,   0}; /* "hello" */
    struct peer peer = connect_http1();
    char head[160];
    (void)snprintf(head, sizeof head,
                   "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\n"
                   "Content-Length: %zu\r\n\r\n",
                   sizeof zipped);
    assert_true(peer_say(&peer, head));
    assert_true(peer_send(&peer, zipped, sizeof zipped));
    await_http(&peer);
    assert_int_equal(http_answer.status, 200);
    assert_string_equal(http_answer.body, "hello");
    assert_true(peer_say(&peer, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Encoding: br\r\n"
                                "Content-Length: 1\r\n\r\nx"));
    await_http(&peer);
    assert_int_equal(http_answer.status, 415);
    assert_true(peer_say(&peer, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\n"
                                "Content-Length: 4\r\n\r\nnope"));
    await_http(&peer);
    assert_int_equal(http_answer.status, 400);
    peer_close(&peer);
}

static void test_http1__slow_headers(void **state)
{
    (void)state;
    options.limits.headers_ms = 100;
    start();
    static const char *const firsts[] = {"G", "GET / HTTP/1.1\r\n",
                                         "GET / HTTP/1.1\r\nHost: x\r\nX: "};
    for (size_t k = 0; k < sizeof firsts / sizeof firsts[0]; k++) {
        struct peer peer = connect_http1();
        assert_true(peer_say(&peer, firsts[k]));
        /* a byte now and then does not help */
        bool is_open = true;
        for (int byte = 0; is_open && byte < 2000; byte++) {
            is_open = peer_say(&peer, "x");
            clock_sleep_ns(5000000);
        }
        assert_false(is_open);
        peer_close(&peer);
    }
    /* who only waits reads what was wrong */
    struct peer peer = connect_http1();
    assert_true(peer_say(&peer, "GET / HTTP/1.1\r\n"));
    await_http(&peer);
    assert_int_equal(http_answer.status, 408);
    peer_close(&peer);
    assert_int_equal(counter("slow_clients_total"), 4);
    await_gauge("connections", 0);
}

static void test_http1__slow_body(void **state)
{
    (void)state;
    options.limits.stall_ms = 100;
    start();
    struct peer peer = connect_http1();
    assert_true(
        peer_say(&peer, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nab"));
    await_http(&peer);
    assert_int_equal(http_answer.status, 408);
    peer_close(&peer);
    await_gauge("connections", 0);
    await_gauge("in_flight_bytes", 0);
    /* a call that runs for long is no slow client */
    peer = connect_http1();
    assert_true(peer_say(&peer, "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n"));
    await_count(&app.waiting, 1);
    clock_sleep_ns(300000000);
    atomic_store(&app.go, true);
    await_http(&peer);
    assert_int_equal(http_answer.status, 200);
    peer_close(&peer);
}

static void test_http1__slow_reader(void **state)
{
    (void)state;
    options.limits.stall_ms = 200;
    start();
    struct peer peer = connect_http1();
    assert_true(peer_say(&peer, "GET /big?n=60000000 HTTP/1.1\r\nHost: x\r\n\r\n"));
    await_gauge("slow_clients_total", 1);
    await_gauge("connections", 0);
    await_gauge("in_flight_bytes", 0);
    peer_close(&peer);
}

static void test_http1__idle(void **state)
{
    (void)state;
    options.limits.idle_ms = 50;
    start();
    struct peer peer = connect_http1();
    assert_true(peer_say(&peer, "GET /path HTTP/1.1\r\nHost: x\r\n\r\n"));
    await_http(&peer);
    assert_int_equal(http_answer.status, 200);
    char text[64];
    assert_int_equal(peer_receive_all(&peer, text, sizeof text), 0);
    peer_close(&peer);
    assert_int_equal(counter("slow_clients_total"), 0);
}

static void test_http1__client_gone(void **state)
{
    (void)state;
    start();
    for (int k = 0; k < 10; k++) {
        struct peer peer = connect_http1();
        assert_true(peer_say(
            &peer, k % 2 == 0 ? "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n"
                              : "POST /wait HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab"));
        if (k % 2 == 0)
            await_count(&app.waiting, 1);
        peer_close(&peer);
        await_count(&app.cancelled, k / 2 + 1);
    }
    await_gauge("connections", 0);
    await_gauge("in_flight_bytes", 0);
    assert_alive();
}

static void test_http1__quick_while_busy(void **state)
{
    (void)state;
    options.workers = 1;
    options.limits.queue_max = 1;
    start();
    struct peer peers[3];
    for (size_t k = 0; k < 3; k++)
        peers[k] = connect_http1();
    assert_true(peer_say(&peers[0], "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n"));
    await_count(&app.waiting, 1);
    assert_true(peer_say(&peers[2], "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"));
    await_http(&peers[2]);
    assert_string_equal(http_answer.body, "ok");
    assert_true(peer_say(&peers[1], "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n"));
    await_gauge("requests_waiting", 1);
    assert_true(peer_say(&peers[2], "GET /path HTTP/1.1\r\nHost: x\r\n\r\n"));
    await_http(&peers[2]);
    assert_int_equal(http_answer.status, 503);
    assert_non_null(strstr(http_answer.head, "retry-after: 1\r\n"));
    atomic_store(&app.go, true);
    for (size_t k = 0; k < 2; k++) {
        await_http(&peers[k]);
        assert_int_equal(http_answer.status, 200);
    }
    for (size_t k = 0; k < 3; k++)
        peer_close(&peers[k]);
}

static void test_http1__unix_socket(void **state)
{
    (void)state;
    static char address[FILE_PATH_MAX];
    static const char *listen[] = {"127.0.0.1:0", address};
    (void)snprintf(address, sizeof address, "unix:%s", scratch("socket"));
    options.listen = listen;
    options.listen_count = 2;
    start();
    struct peer peer = peer_connect_unix(scratch("socket"));
    assert_true(peer_say(&peer, "GET /path HTTP/1.1\r\nHost: x\r\n\r\n"));
    await_http(&peer);
    assert_string_equal(http_answer.body, "/path");
    peer_close(&peer);
    peer = peer_connect_unix(scratch("socket"));
    peer_begin_h2(&peer);
    assert_true(peer_grpc(&peer, 1, "/t.Test/Echo", "hello", 5));
    await(&peer, 1);
    assert_int_equal(answer.grpc_status, 0);
    peer_close(&peer);
    /* a second server may not take it; a dead one's is taken */
    struct app second = {0};
    struct err err = {0};
    assert_int_equal(server_start(&options, &second.server, &err), ERR_LOCKED);
    assert_true(stop());
    assert_false(file_exists(scratch("socket")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVER_TEST(test_http1__get),
        SERVER_TEST(test_http1__keep_alive_and_pipelining),
        SERVER_TEST(test_http1__chunked_request),
        SERVER_TEST(test_http1__one_byte_at_a_time),
        SERVER_TEST(test_http1__methods_that_begin_like_a_preface),
        SERVER_TEST(test_http1__large_both_ways),
        SERVER_TEST(test_http1__streamed),
        SERVER_TEST(test_http1__head_and_options),
        SERVER_TEST(test_http1__authentication),
        SERVER_TEST(test_http1__too_large),
        SERVER_TEST(test_http1__endless_chunks_are_cut),
        SERVER_TEST(test_http1__huge_headers),
        SERVER_TEST(test_http1__broken_requests),
        SERVER_TEST(test_http1__compressed_body),
        SERVER_TEST(test_http1__slow_headers),
        SERVER_TEST(test_http1__slow_body),
        SERVER_TEST(test_http1__slow_reader),
        SERVER_TEST(test_http1__idle),
        SERVER_TEST(test_http1__client_gone),
        SERVER_TEST(test_http1__quick_while_busy),
        SERVER_TEST(test_http1__unix_socket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
