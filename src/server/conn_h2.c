/* conn_h2.c: moves the bytes of one HTTP/2 connection between its socket and h2.h, and its calls to
 * the workers and back. */
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>

#include "server/conn.h"
#include "server/metrics.h"
#include "server/workers.h"

#define OUT_SIZE ((size_t)128 * 1024) /* asked of h2_send() at once, into the shared buffer */
#define ROUNDS_MAX 8                  /* buffers read or sent before others have their turn */
#define IDLE_FACTOR 30                /* HTTP/2 connections may be idle so many times longer */

static struct conn *of_watch(struct watch *watch)
{
    return (struct conn *)((char *)watch - offsetof(struct conn, watch));
}

static struct call *of_task(struct task *task)
{
    return (struct call *)((char *)task - offsetof(struct call, task));
}

/* ---- calls ---- */

static bool submit(void *context, struct call *call)
{
    const struct conn *conn = context;
    return workers_submit(conn->io->hub->workers, call);
}

static bool withdraw(void *context, struct call *call)
{
    const struct conn *conn = context;
    return workers_withdraw(conn->io->hub->workers, call);
}

static void come_back(struct task *task)
{
    struct h2 *h2 = h2_done(of_task(task));
    if (h2 != NULL)
        conn_later(h2_context(h2));
}

/* On the worker's thread. */
static void done(struct call *call)
{
    call->task.run = come_back;
    loop_post(call->hub->loop, &call->task);
}

/* ---- time ---- */

static uint64_t now_ns(const struct conn *conn)
{
    return loop_now_ns(conn->io->loop);
}

static uint64_t idle_end_ns(const struct conn *conn)
{
    const uint64_t idle_ns = (uint64_t)conn->io->hub->options.limits.idle_ms * 1000000;
    return h2_streams(conn->h2) > 0 ? UINT64_MAX : conn->active_ns + idle_ns * IDLE_FACTOR;
}

static void set_timer(struct conn *conn)
{
    uint64_t next_ns = h2_next_ns(conn->h2);
    next_ns = conn->stall_ns < next_ns ? conn->stall_ns : next_ns;
    const uint64_t idle_ns = idle_end_ns(conn);
    next_ns = idle_ns < next_ns ? idle_ns : next_ns;
    loop_set_timer(conn->io->loop, &conn->timer, next_ns);
}

static bool is_blocked(const struct conn *conn)
{
    return conn->out_sent < conn->out_size;
}

/* While something waits to be sent, some of it has to go in each span. */
static void watch_stall(struct conn *conn)
{
    if (!is_blocked(conn)) {
        conn->stall_ns = UINT64_MAX;
    } else if (conn->stall_ns == UINT64_MAX) {
        conn->sent_size = 0;
        conn->stall_ns = now_ns(conn) + (uint64_t)conn->io->hub->options.limits.stall_ms * 1000000;
    }
}

static void timer_fire(struct timer *timer)
{
    struct conn *conn = (struct conn *)((char *)timer - offsetof(struct conn, timer));
    const uint64_t now = now_ns(conn);
    if (now >= conn->stall_ns && conn->sent_size < SERVER_STALL_SIZE_MIN) {
        metrics_add(conn->io->hub->metrics, METRICS_SLOW, 1);
        conn_close(conn);
        return;
    }
    if (now >= conn->stall_ns)
        conn->stall_ns = UINT64_MAX; /* set anew by the flush */
    h2_tick(conn->h2, now);
    if (now >= idle_end_ns(conn))
        h2_end(conn->h2, H2_NO_ERROR);
    conn_later(conn);
}

/* ---- bytes ---- */

static void watch_events(struct conn *conn, uint32_t events)
{
    if (conn->events == events)
        return;
    conn->events = events;
    loop_rewatch(conn->io->loop, &conn->watch, events);
}

/* Sends bytes; what the socket does not take is kept for later. False when the connection has
 * failed. */
static bool send_or_keep(struct conn *conn, const uint8_t *data, size_t size)
{
    while (size > 0) {
        size_t sent = 0;
        const enum wire_result result = wire_send(&conn->wire, data, size, &sent);
        if (result == WIRE_AGAIN)
            break;
        if (result != WIRE_DONE)
            return false;
        conn->sent_size += sent;
        data += sent;
        size -= sent;
    }
    if (size == 0)
        return true;
    conn->out = mem_alloc(size, 1);
    if (conn->out == NULL)
        return false;
    memcpy(conn->out, data, size);
    conn->out_size = size;
    conn->out_sent = 0;
    return true;
}

/* Sends what was kept. False when the connection has failed. */
static bool send_kept(struct conn *conn)
{
    while (is_blocked(conn)) {
        size_t sent = 0;
        const enum wire_result result = wire_send(&conn->wire, conn->out + conn->out_sent,
                                                  conn->out_size - conn->out_sent, &sent);
        if (result == WIRE_AGAIN)
            return true;
        if (result != WIRE_DONE)
            return false;
        conn->out_sent += sent;
        conn->sent_size += sent;
    }
    mem_free(conn->out);
    conn->out = NULL;
    conn->out_size = 0;
    conn->out_sent = 0;
    return true;
}

/* True when there may be more to send at once. */
static bool send_round(struct conn *conn)
{
    if (!send_kept(conn)) {
        conn_close(conn);
        return false;
    }
    if (is_blocked(conn))
        return false;
    const size_t size = h2_send(conn->h2, conn->io->buffer, OUT_SIZE);
    if (!send_or_keep(conn, conn->io->buffer, size)) {
        conn_close(conn);
        return false;
    }
    return size > 0 && !is_blocked(conn);
}

void conn_h2_flush(struct conn *conn)
{
    bool is_more = true;
    for (size_t k = 0; k < ROUNDS_MAX && is_more; k++)
        is_more = send_round(conn);
    if (conn->is_closed)
        return;
    if (!is_blocked(conn) && h2_is_over(conn->h2)) {
        conn_linger(conn);
        return;
    }
    watch_events(conn, is_blocked(conn) || is_more ? EPOLLIN | EPOLLOUT : EPOLLIN);
    watch_stall(conn);
    set_timer(conn);
}

static void ready(struct watch *watch, uint32_t events)
{
    struct conn *conn = of_watch(watch);
    enum wire_result result = WIRE_DONE;
    bool is_fine = true;
    if ((events & ~(uint32_t)EPOLLOUT) == 0)
        result = WIRE_AGAIN;
    for (size_t k = 0;
         result == WIRE_DONE && is_fine && (k < ROUNDS_MAX || wire_has_pending(&conn->wire)); k++) {
        size_t size = 0;
        result = wire_receive(&conn->wire, conn->io->buffer, IO_BUFFER_SIZE, &size);
        if (result == WIRE_DONE)
            is_fine = h2_receive(conn->h2, (struct bytes){conn->io->buffer, size}, now_ns(conn));
    }
    conn->active_ns = now_ns(conn);
    if (result == WIRE_CLOSED || result == WIRE_FAILED) {
        if (result == WIRE_CLOSED)
            conn_h2_flush(conn); /* a last word, to whoever only closed his side */
        conn_close(conn);
        return;
    }
    conn_later(conn);
}

void conn_h2_begin(struct conn *conn)
{
    const struct h2_host host = {.submit = submit,
                                 .withdraw = withdraw,
                                 .done = done,
                                 .context = conn,
                                 .peer = conn->peer,
                                 .is_secure = conn->wire.tls != NULL};
    const uint64_t now = now_ns(conn);
    conn->h2 = h2_new(conn->io->hub, &host, now);
    if (conn->h2 == NULL) {
        conn_close(conn);
        return;
    }
    conn->active_ns = now;
    conn->stall_ns = UINT64_MAX;
    conn->timer.fire = timer_fire;
    conn->watch.ready = ready;
    /* What was taken out of TLS to be looked at; a plain socket still has it. */
    if (conn->wire.tls != NULL)
        (void)!h2_receive(conn->h2, (struct bytes){conn->first, conn->first_size}, now);
    if (conn->io->is_draining)
        h2_drain(conn->h2);
    watch_events(conn, EPOLLIN);
    ready(&conn->watch, EPOLLIN);
}

void conn_h2_drain(struct conn *conn)
{
    h2_drain(conn->h2);
    conn_later(conn);
}

void conn_h2_free(struct conn *conn)
{
    h2_free(conn->h2);
    conn->h2 = NULL;
    mem_free(conn->out);
    conn->out = NULL;
    conn->out_size = 0;
    conn->out_sent = 0;
}
