/* server_test.c: the whole server: starting, stopping while calls run, many clients at once, memory
 * that ends. */
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "fixture.h"

static void test_server__addresses(void **state)
{
    (void)state;
    static const char *const bad[] = {"",           "127.0.0.1", "127.0.0.1:", "127.0.0.1:http",
                                      "::1:19530",  "unix:",     "[::1:19530", "host name:1",
                                      "300.1.1.1:1"};
    struct err err;
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++) {
        err.msg[0] = '\0';
        options.listen = &bad[k];
        assert_int_equal(server_start(&options, &app.server, &err), ERR_INVALID);
        assert_true(err.msg[0] != '\0');
    }
    options.listen_count = 0;
    assert_int_equal(server_start(&options, &app.server, &err), ERR_INVALID);
    /* a port of its own, which a second server may not have */
    app_options(&app, &options);
    start();
    static char text[32];
    static const char *taken[] = {text};
    (void)snprintf(text, sizeof text, "127.0.0.1:%u", server_port(app.server));
    options.listen = taken;
    struct server *second = NULL;
    assert_int_equal(server_start(&options, &second, &err), ERR_LOCKED);
    assert_null(second);
    assert_alive();
}

static void *stop_server(void *data)
{
    static bool yes;
    return server_stop(data, 20000) ? &yes : NULL;
}

/* What is under way ends as it would have; then all is over. */
static void test_server__drain(void **state)
{
    (void)state;
    start();
    struct peer idle = connect_h2();
    struct peer http1_idle = peer_connect(server_port(app.server));
    assert_true(peer_say(&http1_idle, "GET /path HTTP/1.1\r\nHost: x\r\n\r\n"));
    await_http(&http1_idle);
    struct peer busy = connect_h2();
    assert_true(peer_grpc(&busy, 1, "/t.Test/Wait", "one", 3));
    struct peer http1_busy = peer_connect(server_port(app.server));
    assert_true(
        peer_say(&http1_busy, "POST /wait HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\ntwo"));
    struct peer silent = peer_connect(server_port(app.server));
    await_count(&app.waiting, 2);
    pthread_t stopper;
    struct server *server = app.server;
    assert_int_equal(pthread_create(&stopper, NULL, stop_server, server), 0);
    assert_int_equal(peer_goaway(&idle), NGHTTP2_NO_ERROR);
    char text[16];
    assert_int_equal(peer_receive_all(&http1_idle, text, sizeof text), 0);
    assert_int_equal(peer_receive_all(&silent, text, sizeof text), 0);
    assert_true(server_is_stopping(server));
    atomic_store(&app.go, true);
    await(&busy, 1);
    assert_int_equal(answer.goaway, NGHTTP2_NO_ERROR);
    assert_int_equal(answer.grpc_status, 0);
    assert_memory_equal(answer.body + 5, "one", 3);
    await_http(&http1_busy);
    assert_int_equal(http_answer.status, 200);
    assert_string_equal(http_answer.body, "two");
    assert_non_null(strstr(http_answer.head, "onnection: close\r\n"));
    peer_close(&busy);
    peer_close(&http1_busy);
    peer_close(&idle);
    peer_close(&http1_idle);
    peer_close(&silent);
    void *is_clean = NULL;
    assert_int_equal(pthread_join(stopper, &is_clean), 0);
    assert_non_null(is_clean);
    app.server = NULL;
}

static void test_server__drain_has_an_end(void **state)
{
    (void)state;
    options.workers = 1;
    start();
    struct peer peer = connect_h2();
    assert_true(peer_grpc(&peer, 1, "/t.Test/Wait", "", 0));
    await_count(&app.waiting, 1);
    assert_true(peer_grpc(&peer, 3, "/t.Test/Echo", "", 0)); /* waits for the worker */
    struct peer http1 = peer_connect(server_port(app.server));
    assert_true(peer_say(&http1, "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n"));
    await_gauge("requests_waiting", 2);
    struct server *server = app.server;
    app.server = NULL;
    assert_false(server_stop(server, 50));
    assert_int_equal(atomic_load(&app.cancelled), 1);
    peer_close(&peer);
    peer_close(&http1);
}

static void test_server__stop_without_clients(void **state)
{
    (void)state;
    for (int k = 0; k < 20; k++) {
        start();
        assert_true(stop());
    }
}

/* 1,000 connections at once, 10,000 calls at once, of both kinds. */
#define CONNECTIONS 1000
#define CALLS_EACH 10

static size_t raised_limit(void)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    return (size_t)limit.rlim_cur;
}

static void test_server__thousand_connections(void **state)
{
    (void)state;
    if (raised_limit() < 3 * CONNECTIONS)
        skip();
    start();
    struct peer *peers = calloc(CONNECTIONS, sizeof *peers);
    assert_non_null(peers);
    for (size_t k = 0; k < CONNECTIONS; k++) {
        peers[k] = connect_h2();
        for (int32_t call = 0; call < CALLS_EACH; call++) {
            uint8_t message[8];
            put_u64(message, k * CALLS_EACH + (uint64_t)call);
            assert_true(peer_grpc(&peers[k], 2 * call + 1, "/t.Test/Wait", message, 8));
        }
    }
    await_gauge("requests_waiting", CONNECTIONS * CALLS_EACH - options.workers);
    assert_int_equal(counter("connections"), CONNECTIONS);
    atomic_store(&app.go, true);
    for (size_t k = 0; k < CONNECTIONS; k++) {
        for (int call = 0; call < CALLS_EACH; call++) {
            await(&peers[k], 0);
            assert_int_equal(answer.grpc_status, 0);
            assert_int_equal(answer.body_size, 13);
            assert_int_equal(get_u64(answer.body + 5), k * CALLS_EACH + (size_t)answer.id / 2);
        }
        peer_close(&peers[k]);
    }
    free(peers);
    assert_int_equal(atomic_load(&app.started), CONNECTIONS * CALLS_EACH);
    await_gauge("connections", 0);
    await_gauge("in_flight_bytes", 0);
}

static void test_server__thousand_http1_connections(void **state)
{
    (void)state;
    if (raised_limit() < 3 * CONNECTIONS)
        skip();
    start();
    struct peer *peers = calloc(CONNECTIONS, sizeof *peers);
    assert_non_null(peers);
    for (size_t k = 0; k < CONNECTIONS; k++) {
        char text[128];
        (void)snprintf(text, sizeof text,
                       "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\n%06zu", k);
        peers[k] = peer_connect(server_port(app.server));
        assert_true(peer_say(&peers[k], text));
    }
    for (size_t k = 0; k < CONNECTIONS; k++) {
        await_http(&peers[k]);
        assert_int_equal(http_answer.status, 200);
        assert_int_equal(strtoull(http_answer.body, NULL, 10), k);
    }
    assert_int_equal(counter("connections"), CONNECTIONS);
    for (size_t k = 0; k < CONNECTIONS; k++)
        peer_close(&peers[k]);
    free(peers);
    await_gauge("connections", 0);
    await_gauge("in_flight_bytes", 0);
}

static void test_server__ten_thousand_calls_on_one_connection(void **state)
{
    (void)state;
    options.limits.streams_max = 10000;
    start();
    struct peer peer = connect_h2();
    for (int32_t k = 0; k < 10000; k++)
        assert_true(peer_grpc(&peer, 2 * k + 1, "/t.Test/Echo", "x", 1));
    for (int k = 0; k < 10000; k++) {
        await(&peer, 0);
        assert_int_equal(answer.grpc_status, 0);
    }
    peer_close(&peer);
    assert_int_equal(atomic_load(&app.started), 10000);
}

/* Clients that come while no descriptor is left wait, and are served when there is. */
static void test_server__no_descriptor_left(void **state)
{
    (void)state;
    start();
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons(server_port(app.server)),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    const struct rlimit low = {(rlim_t)fd + 1, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    for (int k = 0; k < 60000 && atomic_load(&app.notices) == 0; k++)
        clock_sleep_ns(1000000);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_true(atomic_load(&app.notices) > 0);
    struct peer peer = peer_of_socket(fd);
    assert_true(peer_say(&peer, "GET /path HTTP/1.1\r\nHost: x\r\n\r\n"));
    await_http(&peer);
    assert_int_equal(http_answer.status, 200);
    peer_close(&peer);
}

static enum err_code start_and_stop(struct err *err)
{
    const enum err_code code = server_start(&options, &app.server, err);
    if (code == ERR_OK)
        (void)stop();
    app.server = NULL;
    return code;
}

static void test_server__start_without_memory(void **state)
{
    (void)state;
    assert_true(fail_each(FAULT_MALLOC, ENOMEM, ERR_NOMEM, start_and_stop) > 5);
}

/* Each allocation of a server that serves fails once. A client may be refused or cut; the server
 * goes on and loses nothing. */
static void test_server__serve_without_memory(void **state)
{
    (void)state;
    start();
    static struct block block;
    bool is_hit = true;
    size_t n = 0;
    for (; is_hit && n < 2000; n++) {
        struct peer http1 = peer_connect(server_port(app.server));
        struct peer peer = peer_connect(server_port(app.server));
        fault_arm(FAULT_MALLOC, n, ENOMEM);
        block_grpc(&block, "/t.Test/Echo");
        if (peer_say(&peer, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") &&
            peer_send_frame(&peer, NGHTTP2_SETTINGS, 0, 0, NULL, 0) &&
            peer_send_headers(&peer, 1, &block, false) &&
            peer_send_data(&peer, 1, "\0\0\0\0\1x", 6, true))
            await(&peer, 1);
        (void)peer_say(&http1,
                       "POST /echo?a=b HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
        char text[16];
        (void)peer_receive(&http1, text, sizeof text);
        is_hit = fault_disarm();
        peer_close(&http1);
        peer_close(&peer);
        await_gauge("connections", 0);
        await_gauge("in_flight_bytes", 0);
    }
    assert_true(n > 20);
    assert_alive();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVER_TEST(test_server__addresses),
        SERVER_TEST(test_server__drain),
        SERVER_TEST(test_server__drain_has_an_end),
        SERVER_TEST(test_server__stop_without_clients),
        SERVER_TEST(test_server__thousand_connections),
        SERVER_TEST(test_server__thousand_http1_connections),
        SERVER_TEST(test_server__ten_thousand_calls_on_one_connection),
        SERVER_TEST(test_server__no_descriptor_left),
        SERVER_TEST(test_server__start_without_memory),
        SERVER_TEST(test_server__serve_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
