/* server.h: one port for gRPC, HTTP/2 and HTTP/1.1, plain or TLS, and unix sockets.
 *
 * The first bytes of a connection decide: 0x16 is TLS (whose content is looked at in the same way),
 * the HTTP/2 preface goes to nghttp2, all else to libmicrohttpd. Requests are received on I/O
 * threads, and handled on one bounded set of workers (call.h).
 *
 * Whatever a client does wrong or too much is refused in the words of its own protocol: a gRPC
 * status, an HTTP status, RST_STREAM or GOAWAY, a TLS alert. Every limit has a name below.
 * This folder knows nothing of what is asked and answered. */
#ifndef GODWIT_SERVER_SERVER_H
#define GODWIT_SERVER_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"
#include "server/call.h"

/* One gRPC method. */
struct server_method {
    const char *path; /* "/package.Service/Method" */
    call_handler *handle;
    bool is_quick; /* never waits: answered also while all workers are busy */
};

/* 0 means the default, which stands beside. */
struct server_limits {
    size_t connections_max; /* 4096 */
    size_t streams_max;     /* calls at once on one HTTP/2 connection: 1024 */
    size_t queue_max;       /* calls that wait for a worker: 16384; more are UNAVAILABLE, 503 */
    size_t header_size_max; /* all headers of a request: 32 KiB */
    size_t
        request_size_max; /* message or body, decompressed: 64 MiB; more: RESOURCE_EXHAUSTED, 413 */
    size_t reply_size_max;     /* 256 MiB */
    size_t arena_size_max;     /* memory of one call (call_arena): 512 MiB */
    size_t in_flight_size_max; /* requests, replies and call_charge() together: 1 GiB; when it is
                                  used up new requests are UNAVAILABLE, 503 */
    uint32_t first_bytes_ms;   /* from accept to a known protocol, TLS handshake included: 10 s */
    uint32_t headers_ms;   /* from the first byte of an HTTP/1.1 request to its last header: 10 s */
    uint32_t stall_ms;     /* in each such span a request or reply that is under way moves
                              STALL_SIZE_MIN bytes or ends: 30 s */
    uint32_t idle_ms;      /* an HTTP/1.1 connection without a request: 120 s. An HTTP/2 connection
                              without a stream and without a sign of life (a ping): 1 h */
    uint32_t resets_burst; /* streams that a client may reset at once, and per second: */
    uint32_t resets_per_second; /* 2000, 100; more: GOAWAY ENHANCE_YOUR_CALM */
};
#define SERVER_STALL_SIZE_MIN ((size_t)16 * 1024)

/* A request that was answered, for the access log. Nothing of its content. */
struct server_access {
    int64_t time_us; /* when it had come in, clock_now_us() */
    const char *peer;
    const char *user;     /* "" when unknown */
    const char *protocol; /* "grpc", "http/2", "http/1.1" */
    const char *method;   /* "POST" */
    const char *path;     /* without the query, control characters replaced */
    int status;           /* grpc-status, or HTTP status */
    uint64_t request_size;
    uint64_t reply_size;
    uint64_t wait_ns; /* for a worker */
    uint64_t run_ns;  /* in the handler */
};

struct server_options {
    /* "127.0.0.1:19530", "[::1]:0", "localhost:19530", "unix:/path/to.sock"; port 0: any free one.
     * Whether an address may be offered without authentication is the caller's decision. */
    const char *const *listen;
    size_t listen_count;

    /* PEM files; both NULL: no TLS. With a client CA only clients with a certificate of it are
     * served, except through a unix socket. */
    const char *tls_cert;
    const char *tls_key;
    const char *tls_client_ca;
    bool is_tls_only; /* plain clients are refused (implied by a client CA), except through a unix
                         socket */

    size_t workers; /* 0: two for each processor, at least 4 */
    struct server_limits limits;

    void *app; /* handed to every hook */
    const struct server_method *methods;
    size_t method_count;
    /* Every HTTP request: REST, health, metrics, pages. NULL: 404. */
    call_handler *http;
    /* HTTP paths that never wait ("/healthz"): answered also while all workers are busy. A list
     * that ends with NULL, or NULL. */
    const char *const *quick_paths;
    /* Called before each handler, on the worker; false: it has replied (UNAUTHENTICATED, 401) and
     * the handler is not called. NULL: everybody may. */
    bool (*authenticate)(void *app, struct call *call);
    /* After each request, from whatever thread ends it. May be NULL; must not wait for long. */
    void (*access)(void *app, const struct server_access *access);
    /* Something that the operator should know, one sentence. May be NULL. */
    void (*notice)(void *app, const char *text);
    /* Value of Access-Control-Allow-Origin ("*"); then OPTIONS is answered with 204 too. NULL:
     * none. */
    const char *cors_origin;
};

struct server;

/* Binds all addresses and begins to serve. Strings, tables and `app` are borrowed until
 * server_stop(). Errors: ERR_INVALID (an address, an option), ERR_LOCKED (address in use),
 * ERR_CONFIG (TLS files), ERR_IO, ERR_NOMEM; nothing is left running then. SIGPIPE must be ignored
 * by the program. */
enum err_code server_start(const struct server_options *options, struct server **ret_server,
                           struct err *err) MUST_USE;

/* Takes no new connections and requests (GOAWAY, "Connection: close"), lets those under way end for
 * up to `drain_ms`, then cancels them (call_state() says so), waits for their handlers, and frees
 * everything. True when none had to be cancelled. NULL is fine. Threads: one, once. */
bool server_stop(struct server *server, uint32_t drain_ms);

/* The port of the first TCP address; 0 when there is none. Threads: any. */
uint16_t server_port(const struct server *server);

/* Reads certificate, key and client CA again, for connections that come from now on. When they
 * cannot be used, the old ones stay. ERR_CONFIG; ERR_STATE without TLS. Threads: any. */
enum err_code server_reload_tls(struct server *server, struct err *err) MUST_USE;

/* True from the beginning of server_stop() on. Threads: any (not after server_stop). */
bool server_is_stopping(const struct server *server);

/* Appends the counters in Prometheus's text format, names beginning with "godwit_". Threads: any.
 */
void server_metrics(const struct server *server, struct text *text);

#endif
