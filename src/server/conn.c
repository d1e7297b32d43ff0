/* conn.c: see conn.h. */
#include "server/conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "server/address.h"
#include "server/http1.h"
#include "server/metrics.h"

#define TLS_FIRST_BYTE 0x16
#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define KEEPALIVE_S 60
#define LINGER_NS 1000000000ull
#define LINGER_SIZE_MAX ((size_t)4 << 20) /* then it is cut */
#define REFUSED_FIRST_NS 1000000000ull    /* for the first bytes of one too many */

static struct conn *of_watch(struct watch *watch)
{
    return (struct conn *)((char *)watch - offsetof(struct conn, watch));
}

static struct conn *of_timer(struct timer *timer)
{
    return (struct conn *)((char *)timer - offsetof(struct conn, timer));
}

/* ---- the end ---- */

static void run_later(struct task *task)
{
    struct conn *conn = (struct conn *)((char *)task - offsetof(struct conn, later));
    conn->is_later_set = false;
    if (conn->is_closed)
        mem_free(conn);
    else if (conn->h2 != NULL)
        conn_h2_flush(conn);
}

void conn_later(struct conn *conn)
{
    if (conn->is_later_set)
        return;
    conn->is_later_set = true;
    conn->later.run = run_later;
    loop_discard(conn->io->loop, &conn->later);
}

void conn_close(struct conn *conn)
{
    if (conn->is_closed)
        return;
    struct io *io = conn->io;
    conn->is_closed = true;
    conn_h2_free(conn);
    relay_free(conn);
    loop_set_timer(io->loop, &conn->timer, UINT64_MAX);
    if (conn->wire.fd >= 0) {
        loop_unwatch(io->loop, &conn->watch);
        atomic_fetch_sub(&io->hub->connections, 1);
    }
    wire_close(&conn->wire);
    if (conn->previous != NULL)
        conn->previous->next = conn->next;
    else
        io->conns = conn->next;
    if (conn->next != NULL)
        conn->next->previous = conn->previous;
    conn_later(conn);
}

static void close_late(struct timer *timer)
{
    conn_close(of_timer(timer));
}

static void linger_ready(struct watch *watch, uint32_t events)
{
    (void)events;
    struct conn *conn = of_watch(watch);
    size_t size = 0;
    enum wire_result result;
    do {
        result = wire_receive(&conn->wire, conn->io->buffer, IO_BUFFER_SIZE, &size);
        if (result == WIRE_DONE)
            conn->first_size += size;
    } while (result == WIRE_DONE && conn->first_size < LINGER_SIZE_MAX);
    if (result != WIRE_AGAIN)
        conn_close(conn);
}

void conn_linger(struct conn *conn)
{
    conn_h2_free(conn);
    wire_finish(&conn->wire);
    conn->first_size = 0;
    conn->watch.ready = linger_ready;
    conn->timer.fire = close_late;
    loop_set_timer(conn->io->loop, &conn->timer, loop_now_ns(conn->io->loop) + LINGER_NS);
    loop_rewatch(conn->io->loop, &conn->watch, EPOLLIN);
}

void conn_refuse(struct conn *conn, const void *data, size_t size)
{
    metrics_add(conn->io->hub->metrics, METRICS_REFUSED, 1);
    size_t sent;
    (void)!wire_send(&conn->wire, data, size, &sent);
    conn_linger(conn);
}

/* ---- what it speaks ---- */

enum protocol { PROTOCOL_UNKNOWN, PROTOCOL_TLS, PROTOCOL_HTTP2, PROTOCOL_HTTP1 };

static enum protocol protocol_of(const uint8_t *first, size_t size)
{
    if (size > 0 && first[0] == TLS_FIRST_BYTE)
        return PROTOCOL_TLS;
    const size_t compared = size < CONN_FIRST_SIZE ? size : CONN_FIRST_SIZE;
    if (memcmp(first, PREFACE, compared) != 0)
        return PROTOCOL_HTTP1;
    return size >= CONN_FIRST_SIZE ? PROTOCOL_HTTP2 : PROTOCOL_UNKNOWN;
}

/* The words of each protocol for "not here". */
static void refuse(struct conn *conn, enum protocol protocol, bool is_busy)
{
    static const uint8_t alert[] = {0x15, 3, 3, 0, 2, 2, 80}; /* fatal, internal_error */
    static const uint8_t goaway[] = {
        0, 0, 0, 4, 0, 0, 0, 0, 0, /* SETTINGS, empty */
        0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, H2_ENHANCE_YOUR_CALM};
    static const char busy[] = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n"
                               "Retry-After: 1\r\nContent-Type: application/json\r\n"
                               "Content-Length: 51\r\n\r\n"
                               "{\"code\":503,\"message\":\"too many connections open\"}\n";
    static const char plain[] = "HTTP/1.1 426 Upgrade Required\r\nConnection: close, upgrade\r\n"
                                "Upgrade: TLS/1.2\r\nContent-Type: application/json\r\n"
                                "Content-Length: 52\r\n\r\n"
                                "{\"code\":426,\"message\":\"this port asks for TLS only\"}\n";
    uint8_t words[sizeof goaway];
    switch (protocol) {
    case PROTOCOL_TLS:
        conn_refuse(conn, alert, sizeof alert);
        break;
    case PROTOCOL_HTTP2:
        memcpy(words, goaway, sizeof words);
        words[sizeof words - 1] = is_busy ? H2_ENHANCE_YOUR_CALM : H2_INADEQUATE_SECURITY;
        conn_refuse(conn, words, sizeof words);
        break;
    default:
        conn_refuse(conn, is_busy ? busy : plain, is_busy ? sizeof busy - 1 : sizeof plain - 1);
    }
}

/* A plain HTTP/1.1 socket leaves us. */
static void hand_to_http1(struct conn *conn)
{
    const struct http1_socket socket = {.fd = conn->wire.fd,
                                        .address = &conn->address,
                                        .address_size = conn->address_size,
                                        .peer = conn->peer,
                                        .is_counted = true};
    loop_unwatch(conn->io->loop, &conn->watch);
    conn->wire.fd = -1; /* and its place in the count of connections goes with it */
    http1_adopt(conn->io->http1, &socket);
    conn_close(conn);
}

static bool is_plain_refused(const struct conn *conn)
{
    return conn->wire.tls == NULL && !conn->is_unix && conn->io->hub->options.is_tls_only;
}

static void begin_tls(struct conn *conn);

static void begin(struct conn *conn, enum protocol protocol)
{
    if (protocol == PROTOCOL_TLS && (conn->wire.tls != NULL || conn->io->tls == NULL))
        refuse(conn, PROTOCOL_TLS, false);
    else if (protocol == PROTOCOL_TLS && !conn->is_refused)
        begin_tls(conn);
    else if (conn->is_refused)
        refuse(conn, protocol, true);
    else if (is_plain_refused(conn))
        refuse(conn, protocol, false);
    else if (protocol == PROTOCOL_HTTP2)
        conn_h2_begin(conn);
    else if (conn->wire.tls != NULL)
        relay_begin(conn);
    else
        hand_to_http1(conn);
}

/* Looks at the first bytes: the socket keeps them, but through TLS they are taken out. */
static enum wire_result look(struct conn *conn)
{
    size_t size = 0;
    if (conn->wire.tls != NULL) {
        const enum wire_result result = wire_receive(&conn->wire, conn->first + conn->first_size,
                                                     CONN_FIRST_SIZE - conn->first_size, &size);
        conn->first_size += size;
        return result;
    }
    const ssize_t count = recv(conn->wire.fd, conn->first, CONN_FIRST_SIZE, MSG_PEEK);
    if (count < 0)
        return errno == EAGAIN || errno == EINTR ? WIRE_AGAIN : WIRE_FAILED;
    const bool is_more = (size_t)count > conn->first_size;
    conn->first_size = (size_t)count;
    return is_more ? WIRE_DONE : WIRE_AGAIN;
}

static void first_ready(struct watch *watch, uint32_t events)
{
    struct conn *conn = of_watch(watch);
    enum protocol protocol = PROTOCOL_UNKNOWN;
    enum wire_result result;
    do {
        result = look(conn);
        if (conn->first_size > 0)
            protocol = protocol_of(conn->first, conn->first_size);
    } while (result == WIRE_DONE && protocol == PROTOCOL_UNKNOWN);
    if (protocol != PROTOCOL_UNKNOWN)
        begin(conn, protocol);
    else if (result != WIRE_AGAIN || (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
        conn_close(conn);
}

/* ---- TLS ---- */

static void handshake_ready(struct watch *watch, uint32_t events)
{
    (void)events;
    struct conn *conn = of_watch(watch);
    struct err err = {0};
    switch (tls_handshake(conn->wire.tls, &err)) {
    case TLS_DONE:
        metrics_add(conn->io->hub->metrics, METRICS_TLS, 1);
        conn->watch.ready = first_ready;
        loop_rewatch(conn->io->loop, &conn->watch, EPOLLIN | EPOLLRDHUP | EPOLLET);
        first_ready(&conn->watch, 0);
        break;
    case TLS_WANT_READ:
        loop_rewatch(conn->io->loop, &conn->watch, EPOLLIN);
        break;
    case TLS_WANT_WRITE:
        loop_rewatch(conn->io->loop, &conn->watch, EPOLLOUT);
        break;
    default:
        metrics_add(conn->io->hub->metrics, METRICS_TLS_FAILED, 1);
        tls_session_free(conn->wire.tls); /* the alert is all that it had to say */
        conn->wire.tls = NULL;
        conn_linger(conn);
    }
}

static void begin_tls(struct conn *conn)
{
    conn->wire.tls = tls_session_new(conn->io->tls, conn->wire.fd);
    conn->first_size = 0;
    if (conn->wire.tls == NULL) {
        conn_close(conn);
        return;
    }
    conn->watch.ready = handshake_ready;
    handshake_ready(&conn->watch, 0);
}

/* ---- the beginning ---- */

/* Small answers go at once; a peer that vanished without a word is found by the kernel. */
static void set_tcp_options(int fd)
{
    static const struct {
        int level;
        int name;
        int value;
    } tcp_options[] = {{IPPROTO_TCP, TCP_NODELAY, 1},
                       {SOL_SOCKET, SO_KEEPALIVE, 1},
                       {IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_S},
                       {IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_S / 4}};
    for (size_t k = 0; k < sizeof tcp_options / sizeof tcp_options[0]; k++)
        (void)setsockopt(fd, tcp_options[k].level, tcp_options[k].name, &tcp_options[k].value,
                         sizeof tcp_options[k].value);
}

void conn_accept(struct io *io, const struct listener *listener, int fd,
                 const struct sockaddr_storage *address, socklen_t address_size)
{
    const size_t max = io->hub->options.limits.connections_max;
    const size_t open = atomic_fetch_add(&io->hub->connections, 1);
    struct conn *conn = mem_zalloc(1, sizeof *conn);
    if (conn == NULL) {
        struct wire wire = {.fd = fd};
        wire_close(&wire);
        atomic_fetch_sub(&io->hub->connections, 1);
        return;
    }
    conn->io = io;
    conn->wire.fd = fd;
    conn->watch = (struct watch){fd, first_ready};
    conn->timer.fire = close_late;
    conn->address = *address;
    conn->address_size = address_size;
    conn->is_unix = listener->is_unix;
    conn->is_refused = open >= max;
    address_format(address, conn->peer, sizeof conn->peer);
    conn->next = io->conns;
    if (io->conns != NULL)
        io->conns->previous = conn;
    io->conns = conn;
    metrics_add(io->hub->metrics, METRICS_ACCEPTED, 1);
    if (!conn->is_unix)
        set_tcp_options(fd);
    const uint64_t wait_ns = conn->is_refused
                                 ? REFUSED_FIRST_NS
                                 : (uint64_t)io->hub->options.limits.first_bytes_ms * 1000000;
    loop_set_timer(io->loop, &conn->timer, loop_now_ns(io->loop) + wait_ns);
    if (!loop_watch(io->loop, &conn->watch, EPOLLIN | EPOLLRDHUP | EPOLLET))
        conn_close(conn);
}
