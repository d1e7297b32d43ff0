/* relay.c: HTTP/1.1 through TLS: bytes are decrypted here and go through a pair of sockets to the
 * HTTP/1.1 side, which sees a plain connection, and back.
 *
 * Both descriptors are watched edge-triggered; each event moves all that can be moved in both
 * directions, so neither end spins while the other one is slow. */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "server/conn.h"
#include "server/http1.h"

#define BUFFER_SIZE ((size_t)32 * 1024)
#define ROUNDS_MAX 16

struct flow {
    size_t size;
    size_t sent;
    bool is_over; /* its beginning has ended */
    uint8_t data[BUFFER_SIZE];
};

struct relay {
    struct conn *conn;
    struct watch watch; /* of our end of the pair */
    struct wire plain;
    struct task discard;
    struct timer again; /* more to be moved, after others had their turn */
    bool is_told;       /* the HTTP/1.1 side knows that the client has ended */
    struct flow up;     /* from the client */
    struct flow down;
};

/* Moves up to one buffer. False: blocked, ended or failed. */
static bool move(struct flow *flow, struct wire *from, struct wire *to, bool *ret_failed)
{
    size_t size = 0;
    if (flow->sent == flow->size && !flow->is_over) {
        flow->size = 0;
        flow->sent = 0;
        const enum wire_result result = wire_receive(from, flow->data, BUFFER_SIZE, &size);
        flow->is_over = result == WIRE_CLOSED || result == WIRE_FAILED;
        flow->size = result == WIRE_DONE ? size : 0;
    }
    if (flow->sent == flow->size)
        return false;
    const enum wire_result result =
        wire_send(to, flow->data + flow->sent, flow->size - flow->sent, &size);
    *ret_failed = result == WIRE_CLOSED || result == WIRE_FAILED;
    flow->sent += result == WIRE_DONE ? size : 0;
    return result == WIRE_DONE;
}

static void pump(struct relay *relay)
{
    struct conn *conn = relay->conn;
    bool has_moved = true;
    bool has_failed = false;
    for (size_t k = 0; k < ROUNDS_MAX && has_moved && !has_failed; k++) {
        has_moved = move(&relay->up, &conn->wire, &relay->plain, &has_failed);
        has_moved |= !has_failed && move(&relay->down, &relay->plain, &conn->wire, &has_failed);
    }
    const bool is_down_over = relay->down.is_over && relay->down.sent == relay->down.size;
    if (has_failed) {
        conn_close(conn);
    } else if (is_down_over) {
        relay_free(conn);
        conn_linger(conn);
    } else if (has_moved) {
        loop_set_timer(conn->io->loop, &relay->again, loop_now_ns(conn->io->loop));
    } else if (relay->up.is_over && relay->up.sent == relay->up.size && !relay->is_told) {
        relay->is_told = true;
        (void)shutdown(relay->plain.fd, SHUT_WR);
    }
    /* The HTTP/1.1 side is done; only we know that the client does not fetch the rest. */
    if (conn->relay != NULL && relay->down.is_over && !conn->timer.is_set)
        loop_set_timer(conn->io->loop, &conn->timer,
                       loop_now_ns(conn->io->loop) +
                           (uint64_t)conn->io->hub->options.limits.stall_ms * 1000000);
}

static void client_ready(struct watch *watch, uint32_t events)
{
    (void)events;
    pump(((struct conn *)((char *)watch - offsetof(struct conn, watch)))->relay);
}

static void plain_ready(struct watch *watch, uint32_t events)
{
    (void)events;
    pump((struct relay *)((char *)watch - offsetof(struct relay, watch)));
}

static void again_fire(struct timer *timer)
{
    pump((struct relay *)((char *)timer - offsetof(struct relay, again)));
}

static bool open_pair(struct conn *conn, struct relay *relay)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0)
        return false;
    relay->plain.fd = pair[0];
    relay->watch = (struct watch){pair[0], plain_ready};
    const struct http1_socket socket = {.fd = pair[1],
                                        .address = &conn->address,
                                        .address_size = conn->address_size,
                                        .peer = conn->peer,
                                        .is_secure = true};
    http1_adopt(conn->io->http1, &socket);
    return loop_watch(conn->io->loop, &relay->watch, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
}

void relay_begin(struct conn *conn)
{
    struct relay *relay = mem_alloc(1, sizeof *relay);
    if (relay == NULL) {
        conn_close(conn);
        return;
    }
    memset(relay, 0, offsetof(struct relay, up));
    relay->conn = conn;
    relay->plain.fd = -1;
    relay->again.fire = again_fire;
    relay->down.size = 0;
    relay->down.sent = 0;
    relay->down.is_over = false;
    relay->up.size = conn->first_size;
    relay->up.sent = 0;
    relay->up.is_over = false;
    memcpy(relay->up.data, conn->first, conn->first_size);
    conn->relay = relay;
    if (!open_pair(conn, relay)) {
        conn_close(conn);
        return;
    }
    loop_set_timer(conn->io->loop, &conn->timer,
                   UINT64_MAX); /* the HTTP/1.1 side looks at the time */
    conn->watch.ready = client_ready;
    loop_rewatch(conn->io->loop, &conn->watch, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
    pump(relay);
}

static void discard(struct task *task)
{
    mem_free((char *)task - offsetof(struct relay, discard));
}

void relay_free(struct conn *conn)
{
    struct relay *relay = conn->relay;
    if (relay == NULL)
        return;
    conn->relay = NULL;
    if (relay->watch.ready != NULL)
        loop_unwatch(conn->io->loop, &relay->watch);
    loop_set_timer(conn->io->loop, &relay->again, UINT64_MAX);
    wire_close(&relay->plain);
    relay->discard.run = discard;
    loop_discard(conn->io->loop, &relay->discard);
}
