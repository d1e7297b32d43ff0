/* io.c: see io.h. */
#include "server/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "server/address.h"
#include "server/conn.h"
#include "server/http1.h"

#define ACCEPTS_MAX 64 /* in one round */
#define REST_NS 100000000ull
#define SWEEPS 8 /* within the shortest limit */
#define SWEEP_MS_MIN 10
#define SWEEP_MS_MAX 1000

static void watch_listeners(struct io *io, uint32_t events)
{
    for (size_t k = 0; k < io->listener_count; k++)
        if (io->listeners[k].watch.ready != NULL)
            loop_rewatch(io->loop, &io->listeners[k].watch, events);
}

static void rest_over(struct timer *timer)
{
    struct io *io = (struct io *)((char *)timer - offsetof(struct io, rest));
    watch_listeners(io, EPOLLIN);
}

/* No descriptor or memory is left: others may become free soon. */
static void take_rest(struct io *io)
{
    hub_notice(io->hub, "no more connections can be accepted for now: %s", strerror(errno));
    watch_listeners(io, 0);
    loop_set_timer(io->loop, &io->rest, loop_now_ns(io->loop) + REST_NS);
}

static void listener_ready(struct watch *watch, uint32_t events)
{
    (void)events;
    struct listener *listener =
        (struct listener *)((char *)watch - offsetof(struct listener, watch));
    for (size_t k = 0; k < ACCEPTS_MAX; k++) {
        struct sockaddr_storage address = {0};
        socklen_t size = sizeof address;
        const int fd =
            accept4(watch->fd, (struct sockaddr *)&address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            conn_accept(listener->io, listener, fd, &address, size);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
            take_rest(listener->io);
        if (errno != ECONNABORTED && errno != EINTR)
            return;
    }
}

static uint64_t sweep_ns(const struct io *io)
{
    const struct server_limits *limits = &io->hub->options.limits;
    uint64_t ms = limits->headers_ms < limits->stall_ms ? limits->headers_ms : limits->stall_ms;
    ms = (ms < limits->idle_ms ? ms : limits->idle_ms) / SWEEPS;
    ms = ms < SWEEP_MS_MIN ? SWEEP_MS_MIN : ms;
    return (ms > SWEEP_MS_MAX ? SWEEP_MS_MAX : ms) * 1000000;
}

static void sweep(struct timer *timer)
{
    struct io *io = (struct io *)((char *)timer - offsetof(struct io, sweep));
    const uint64_t now_ns = loop_now_ns(io->loop);
    http1_sweep(io->http1, now_ns);
    loop_set_timer(io->loop, timer, now_ns + sweep_ns(io));
}

static void close_listeners(struct io *io)
{
    for (size_t k = 0; k < io->listener_count; k++) {
        struct listener *listener = &io->listeners[k];
        if (listener->watch.ready == NULL)
            continue;
        loop_unwatch(io->loop, &listener->watch);
        (void)close(listener->watch.fd);
        address_remove(listener->text);
    }
}

static void run_drain(struct task *task)
{
    struct io *io = (struct io *)((char *)task - offsetof(struct io, drain));
    io->is_draining = true;
    close_listeners(io);
    http1_drain(io->http1);
    for (struct conn *conn = io->conns; conn != NULL;) {
        struct conn *next = conn->next;
        if (conn->h2 != NULL)
            conn_h2_drain(conn);
        else if (conn->relay == NULL && conn->first_size == 0)
            conn_close(conn); /* has said nothing yet */
        conn = next;
    }
}

static void run_cut(struct task *task)
{
    struct io *io = (struct io *)((char *)task - offsetof(struct io, cut));
    http1_cut(io->http1);
    while (io->conns != NULL)
        conn_close(io->conns);
}

static void run_end(struct task *task)
{
    struct io *io = (struct io *)((char *)task - offsetof(struct io, end));
    close_listeners(io);
    while (io->conns != NULL)
        conn_close(io->conns);
    loop_end(io->loop);
}

static void *run(void *data)
{
    struct io *io = data;
    loop_run(io->loop);
    return NULL;
}

static enum err_code open_listener(struct io *io, const char *text, struct err *err)
{
    struct listener *listener = &io->listeners[io->listener_count];
    int fd = -1;
    const enum err_code code = address_listen(text, &fd, &listener->port, err);
    if (code != ERR_OK)
        return code;
    listener->io = io;
    listener->text = text;
    listener->is_unix = strncmp(text, "unix:", 5) == 0;
    listener->watch = (struct watch){fd, listener_ready};
    io->listener_count++;
    if (!loop_watch(io->loop, &listener->watch, EPOLLIN))
        return err_errno(err, errno, "%s: cannot listen", text);
    return ERR_OK;
}

enum err_code io_open(struct io *io, struct err *err)
{
    const struct server_options *options = &io->hub->options;
    io->rest.fire = rest_over;
    io->sweep.fire = sweep;
    io->drain.run = run_drain;
    io->cut.run = run_cut;
    io->end.run = run_end;
    io->buffer = mem_alloc(IO_BUFFER_SIZE, 1);
    if (io->buffer == NULL)
        return err_nomem(err, "receive buffer");
    enum err_code code = loop_new(&io->loop, err);
    io->hub->loop = io->loop;
    if (code == ERR_OK && options->tls_cert != NULL) {
        const struct tls_files files = {options->tls_cert, options->tls_key,
                                        options->tls_client_ca};
        code = tls_identity_open(&files, &io->tls, err);
    }
    for (size_t k = 0; k < options->listen_count && code == ERR_OK; k++)
        code = open_listener(io, options->listen[k], err);
    if (code != ERR_OK)
        io_close(io);
    return code;
}

enum err_code io_start(struct io *io, struct err *err)
{
    loop_set_timer(io->loop, &io->sweep, loop_now_ns(io->loop) + sweep_ns(io));
    const int failure = pthread_create(&io->thread, NULL, run, io);
    if (failure != 0)
        return err_errno(err, failure, "the I/O thread cannot be started");
    io->has_thread = true;
    return ERR_OK;
}

void io_drain(struct io *io)
{
    loop_post(io->loop, &io->drain);
}

void io_cut(struct io *io)
{
    loop_post(io->loop, &io->cut);
}

void io_stop(struct io *io)
{
    if (!io->has_thread)
        return;
    loop_post(io->loop, &io->end);
    (void)pthread_join(io->thread, NULL);
    io->has_thread = false;
}

void io_close(struct io *io)
{
    if (io->loop != NULL)
        close_listeners(io);
    loop_free(io->loop);
    io->loop = NULL;
    tls_identity_close(io->tls);
    io->tls = NULL;
    mem_free(io->buffer);
    io->buffer = NULL;
}
