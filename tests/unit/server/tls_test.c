/* tls_test.c: TLS on the same port: both protocols, client certificates, new certificates while the
 * server runs, and those who speak the wrong thing. */
#include <stdlib.h>
#include <sys/socket.h>

#include "certs.h"
#include "fixture.h"

#define MIB ((size_t)1 << 20)

static char cert[FILE_PATH_MAX];
static char key[FILE_PATH_MAX];
static char client_cert[FILE_PATH_MAX];
static char client_key[FILE_PATH_MAX];

static int tls_setup(void **state)
{
    if (fixture_setup(state) != 0)
        return -1;
    (void)snprintf(cert, sizeof cert, "%s", scratch("cert.pem"));
    (void)snprintf(key, sizeof key, "%s", scratch("key.pem"));
    (void)snprintf(client_cert, sizeof client_cert, "%s", scratch("client.pem"));
    (void)snprintf(client_key, sizeof client_key, "%s", scratch("client.key"));
    certs_make("first", cert, key);
    certs_make("client", client_cert, client_key);
    options.tls_cert = cert;
    options.tls_key = key;
    return 0;
}

static void echo_h2(struct peer *peer)
{
    peer_begin_h2(peer);
    assert_true(peer_grpc(peer, 1, "/t.Test/Echo", "hello", 5));
    await(peer, 1);
    assert_int_equal(answer.grpc_status, 0);
    assert_memory_equal(answer.body, "\0\0\0\0\5hello", 10);
}

static void echo_http1(struct peer *peer)
{
    assert_true(peer_say(peer, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"));
    await_http(peer);
    assert_int_equal(http_answer.status, 200);
    assert_string_equal(http_answer.body, "hello");
}

static void test_tls__four_kinds_on_one_port(void **state)
{
    (void)state;
    start();
    for (int k = 0; k < 4; k++) {
        struct peer peer = peer_connect(server_port(app.server));
        if (k < 2)
            assert_true(peer_start_tls(&peer, k == 0 ? "h2" : "http/1.1", NULL, NULL));
        if (k % 2 == 0)
            echo_h2(&peer);
        else
            echo_http1(&peer);
        peer_close(&peer);
    }
    assert_int_equal(counter("tls_handshakes_total"), 2);
    await_gauge("connections", 0);
    await_gauge("in_flight_bytes", 0);
}

/* curl and browsers offer both: they get HTTP/1.1; gRPC clients offer h2 alone. */
static void test_tls__alpn_prefers_http1(void **state)
{
    (void)state;
    start();
    struct peer peer = peer_connect(server_port(app.server));
    unsigned char h2[] = "h2";
    unsigned char http1[] = "http/1.1";
    const gnutls_datum_t both[] = {{h2, 2}, {http1, 8}};
    assert_int_equal(gnutls_init(&peer.tls, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL), 0);
    assert_int_equal(gnutls_set_default_priority(peer.tls), 0);
    assert_int_equal(gnutls_certificate_allocate_credentials(&peer.credentials), 0);
    assert_int_equal(gnutls_credentials_set(peer.tls, GNUTLS_CRD_CERTIFICATE, peer.credentials), 0);
    assert_int_equal(gnutls_alpn_set_protocols(peer.tls, both, 2, 0), 0);
    gnutls_transport_set_int(peer.tls, peer.fd);
    assert_int_equal(gnutls_handshake(peer.tls), 0);
    gnutls_datum_t chosen;
    assert_int_equal(gnutls_alpn_get_selected_protocol(peer.tls, &chosen), 0);
    assert_int_equal(chosen.size, 8);
    assert_memory_equal(chosen.data, "http/1.1", 8);
    peer_close(&peer);
}

static void test_tls__large_both_ways(void **state)
{
    (void)state;
    start();
    const size_t size = 20 * MIB;
    uint8_t *data = malloc(size);
    assert_non_null(data);
    for (size_t k = 0; k < size; k++)
        data[k] = (uint8_t)(k * 7 + k / 1000);
    struct peer peer = peer_connect(server_port(app.server));
    assert_true(peer_start_tls(&peer, "h2", NULL, NULL));
    peer_begin_h2(&peer);
    assert_true(peer_grpc(&peer, 1, "/t.Test/Echo", data, size));
    await(&peer, 1);
    assert_int_equal(answer.body_size, size + 5);
    assert_memory_equal(answer.body + 5, data, size);
    peer_close(&peer);
    peer = peer_connect(server_port(app.server));
    assert_true(peer_start_tls(&peer, "http/1.1", NULL, NULL));
    char head[128];
    (void)snprintf(head, sizeof head,
                   "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n", size);
    assert_true(peer_say(&peer, head));
    assert_true(peer_send(&peer, data, size));
    await_http(&peer);
    assert_int_equal(http_answer.body_size, size);
    assert_memory_equal(http_answer.body, data, size);
    /* and the connection goes on */
    echo_http1(&peer);
    peer_close(&peer);
    free(data);
}

static void test_tls__client_gone(void **state)
{
    (void)state;
    start();
    for (int k = 0; k < 4; k++) {
        struct peer peer = peer_connect(server_port(app.server));
        assert_true(peer_start_tls(&peer, k % 2 == 0 ? "h2" : "http/1.1", NULL, NULL));
        if (k % 2 == 0) {
            peer_begin_h2(&peer);
            assert_true(peer_grpc(&peer, 1, "/t.Test/Wait", "", 0));
        } else {
            assert_true(peer_say(&peer, "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n"));
        }
        await_count(&app.waiting, 1);
        peer_close(&peer);
        await_count(&app.cancelled, k + 1);
    }
    await_gauge("connections", 0);
    await_gauge("in_flight_bytes", 0);
}

static void test_tls__slow_http1_reader(void **state)
{
    (void)state;
    options.limits.stall_ms = 200;
    start();
    struct peer peer = peer_connect(server_port(app.server));
    assert_true(peer_start_tls(&peer, "http/1.1", NULL, NULL));
    assert_true(peer_say(&peer, "GET /big?n=60000000 HTTP/1.1\r\nHost: x\r\n\r\n"));
    await_gauge("slow_clients_total", 1);
    await_gauge("connections", 0);
    await_gauge("in_flight_bytes", 0);
    peer_close(&peer);
}

static void test_tls__client_certificate(void **state)
{
    (void)state;
    static char address[FILE_PATH_MAX];
    static const char *listen[] = {"127.0.0.1:0", address};
    (void)snprintf(address, sizeof address, "unix:%s", scratch("socket"));
    options.listen = listen;
    options.listen_count = 2;
    options.tls_client_ca = client_cert;
    start();
    struct peer peer = peer_connect(server_port(app.server));
    assert_true(peer_start_tls(&peer, "h2", client_cert, client_key));
    echo_h2(&peer);
    peer_close(&peer);
    /* without one, or with one of somebody else; in TLS 1.3 a client learns it when it reads */
    for (int k = 0; k < 2; k++) {
        peer = peer_connect(server_port(app.server));
        if (peer_start_tls(&peer, "h2", k == 0 ? NULL : cert, k == 0 ? NULL : key)) {
            peer_begin_h2(&peer);
            (void)peer_grpc(&peer, 1, "/t.Test/Echo", "", 0);
            await(&peer, 1);
            assert_true(answer.is_closed);
        }
        peer_close(&peer);
    }
    assert_int_equal(counter("tls_handshakes_failed_total"), 2);
    assert_int_equal(atomic_load(&app.started), 1);
    /* plain is no way around it, except through the unix socket */
    peer = peer_connect(server_port(app.server));
    assert_true(peer_say(&peer, "GET /path HTTP/1.1\r\nHost: x\r\n\r\n"));
    await_http(&peer);
    assert_int_equal(http_answer.status, 426);
    assert_false(http_answer.is_cut);
    peer_close(&peer);
    peer = connect_h2();
    assert_int_equal(peer_goaway(&peer), NGHTTP2_INADEQUATE_SECURITY);
    peer_close(&peer);
    peer = peer_connect_unix(scratch("socket"));
    echo_http1(&peer);
    peer_close(&peer);
}

static void test_tls__reload(void **state)
{
    (void)state;
    start();
    char name[64];
    struct peer old = peer_connect(server_port(app.server));
    assert_true(peer_start_tls(&old, "h2", NULL, NULL));
    certs_peer_name(&old, name, sizeof name);
    assert_string_equal(name, "first");
    certs_make("second", cert, key);
    struct err err = {0};
    assert_int_equal(server_reload_tls(app.server, &err), ERR_OK);
    struct peer fresh = peer_connect(server_port(app.server));
    assert_true(peer_start_tls(&fresh, "http/1.1", NULL, NULL));
    certs_peer_name(&fresh, name, sizeof name);
    assert_string_equal(name, "second");
    echo_h2(&old);
    echo_http1(&fresh);
    peer_close(&old);
    peer_close(&fresh);
    /* files that cannot be used change nothing */
    (void)scratch_file("cert.pem", "no certificate", 14);
    assert_int_equal(server_reload_tls(app.server, &err), ERR_CONFIG);
    assert_non_null(strstr(err.msg, "cert.pem"));
    fresh = peer_connect(server_port(app.server));
    assert_true(peer_start_tls(&fresh, "h2", NULL, NULL));
    certs_peer_name(&fresh, name, sizeof name);
    assert_string_equal(name, "second");
    echo_h2(&fresh);
    peer_close(&fresh);
}

static void test_tls__unusable_files(void **state)
{
    (void)state;
    struct err err = {0};
    /* the key of another certificate */
    options.tls_key = client_key;
    assert_int_equal(server_start(&options, &app.server, &err), ERR_CONFIG);
    options.tls_key = scratch("absent");
    assert_int_equal(server_start(&options, &app.server, &err), ERR_CONFIG);
    options.tls_key = key;
    options.tls_client_ca = scratch("absent");
    assert_int_equal(server_start(&options, &app.server, &err), ERR_CONFIG);
    options.tls_client_ca = scratch_file("empty", "", 0);
    assert_int_equal(server_start(&options, &app.server, &err), ERR_CONFIG);
    options.tls_client_ca = NULL;
    options.tls_key = NULL;
    assert_int_equal(server_start(&options, &app.server, &err), ERR_INVALID);
    assert_null(app.server);
}

static void test_tls__not_configured(void **state)
{
    (void)state;
    options.tls_cert = NULL;
    options.tls_key = NULL;
    start();
    struct peer peer = peer_connect(server_port(app.server));
    assert_false(peer_start_tls(&peer, "h2", NULL, NULL));
    peer_close(&peer);
    struct err err = {0};
    assert_int_equal(server_reload_tls(app.server, &err), ERR_STATE);
    assert_alive();
}

static void test_tls__broken_handshakes(void **state)
{
    (void)state;
    options.limits.first_bytes_ms = 200;
    start();
    static const char *const firsts[] = {"\x16", "\x16\x03\x01\x02\x00\x01garbage and more of it",
                                         "\x16\xff\xff\xff\xff\xff\xff\xff"};
    for (size_t k = 0; k < sizeof firsts / sizeof firsts[0]; k++) {
        struct peer peer = peer_connect(server_port(app.server));
        assert_true(peer_say(&peer, firsts[k]));
        char text[256];
        (void)peer_receive_all(&peer, text, sizeof text);
        peer_close(&peer);
    }
    /* a handshake, and then silence */
    struct peer peer = peer_connect(server_port(app.server));
    assert_true(peer_start_tls(&peer, "h2", NULL, NULL));
    char text[256];
    (void)peer_receive_all(&peer, text, sizeof text);
    peer_close(&peer);
    await_gauge("connections", 0);
    assert_alive();
}

#define TLS_TEST(test) cmocka_unit_test_setup_teardown(test, tls_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TLS_TEST(test_tls__four_kinds_on_one_port),
        TLS_TEST(test_tls__alpn_prefers_http1),
        TLS_TEST(test_tls__large_both_ways),
        TLS_TEST(test_tls__client_gone),
        TLS_TEST(test_tls__slow_http1_reader),
        TLS_TEST(test_tls__client_certificate),
        TLS_TEST(test_tls__reload),
        TLS_TEST(test_tls__unusable_files),
        TLS_TEST(test_tls__not_configured),
        TLS_TEST(test_tls__broken_handshakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
