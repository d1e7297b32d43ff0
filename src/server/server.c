/* server.c: see server.h. Starts and stops the parts; there is nothing here that serves. */
#include "server/server.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/pool.h"
#include "server/http1.h"
#include "server/hub.h"
#include "server/io.h"
#include "server/metrics.h"
#include "server/workers.h"

#define WORKERS_MIN 4
#define WORKERS_PER_PROCESSOR 2
#define DESCRIPTORS_PER_CONNECTION 3 /* HTTP/1.1 through TLS */
#define DESCRIPTORS_BESIDE 4096      /* for mapped files and the like */
#define DRAIN_STEP_NS 1000000

struct server {
    struct hub hub;
    struct io io;
};

void hub_notice(const struct hub *hub, const char *format, ...)
{
    if (hub->options.notice == NULL)
        return;
    char text[ERR_MSG_SIZE];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    hub->options.notice(hub->options.app, text);
}

#define DEFAULT(field, value)                                                                      \
    do {                                                                                           \
        if (limits->field == 0)                                                                    \
            limits->field = (value);                                                               \
    } while (0)

static void set_sizes(struct server_limits *limits)
{
    DEFAULT(connections_max, 4096);
    DEFAULT(streams_max, 1024);
    DEFAULT(queue_max, 16384);
    DEFAULT(header_size_max, (size_t)32 * 1024);
    DEFAULT(request_size_max, (size_t)64 << 20);
    DEFAULT(reply_size_max, (size_t)256 << 20);
    DEFAULT(arena_size_max, (size_t)512 << 20);
    DEFAULT(in_flight_size_max, (size_t)1 << 30);
}

static void set_times(struct server_limits *limits)
{
    DEFAULT(first_bytes_ms, 10000);
    DEFAULT(headers_ms, 10000);
    DEFAULT(stall_ms, 30000);
    DEFAULT(idle_ms, 120000);
    DEFAULT(resets_burst, 2000);
    DEFAULT(resets_per_second, 100);
}

static enum err_code check(const struct server_options *options, struct err *err)
{
    if (options->listen_count == 0 || options->listen_count > IO_LISTENERS_MAX)
        return err_set(err, ERR_INVALID, "%zu addresses to listen on; 1 to %d are possible",
                       options->listen_count, IO_LISTENERS_MAX);
    if ((options->tls_cert == NULL) != (options->tls_key == NULL))
        return err_set(err, ERR_INVALID, "TLS needs both a certificate and its key");
    if (options->tls_cert == NULL && (options->tls_client_ca != NULL || options->is_tls_only))
        return err_set(err, ERR_INVALID, "TLS is asked for, but there is no certificate");
    return ERR_OK;
}

static size_t worker_count(const struct server_options *options)
{
    if (options->workers > 0)
        return options->workers;
    const size_t count = pool_processor_count() * WORKERS_PER_PROCESSOR;
    return count > WORKERS_MIN ? count : WORKERS_MIN;
}

/* Often 1024 are allowed, and many more when one asks. */
static void raise_descriptor_limit(const struct hub *hub)
{
    const rlim_t wanted = (rlim_t)hub->options.limits.connections_max * DESCRIPTORS_PER_CONNECTION +
                          DESCRIPTORS_BESIDE;
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static enum err_code start(struct server *server, struct err *err)
{
    struct hub *hub = &server->hub;
    server->io.hub = hub;
    raise_descriptor_limit(hub);
    hub->metrics = metrics_new();
    if (hub->metrics == NULL)
        return err_nomem(err, "server");
    enum err_code code = io_open(&server->io, err);
    if (code == ERR_OK)
        code = workers_start(hub, worker_count(&hub->options), &hub->workers, err);
    if (code == ERR_OK)
        code = http1_start(hub, &server->io.http1, err);
    return code == ERR_OK ? io_start(&server->io, err) : code;
}

/* Everything that start() made, in the reverse order of who needs whom. */
static void release(struct server *server)
{
    workers_stop(server->hub.workers);
    io_stop(&server->io);
    http1_stop(server->io.http1);
    workers_free(server->hub.workers);
    io_close(&server->io);
    metrics_free(server->hub.metrics);
    mem_free(server);
}

enum err_code server_start(const struct server_options *options, struct server **ret_server,
                           struct err *err)
{
    enum err_code code = check(options, err);
    if (code != ERR_OK)
        return code;
    struct server *server = mem_zalloc(1, sizeof *server);
    if (server == NULL)
        return err_nomem(err, "server");
    server->hub.options = *options;
    server->hub.options.is_tls_only = options->is_tls_only || options->tls_client_ca != NULL;
    set_sizes(&server->hub.options.limits);
    set_times(&server->hub.options.limits);
    code = start(server, err);
    if (code != ERR_OK) {
        release(server);
        return code;
    }
    *ret_server = server;
    return ERR_OK;
}

/* Waits until nobody is connected and nothing runs. */
static bool wait_for_end(struct server *server, uint64_t end_ns)
{
    for (;;) {
        size_t waiting;
        size_t running;
        workers_count(server->hub.workers, &waiting, &running);
        if (atomic_load(&server->hub.connections) == 0 && waiting + running == 0)
            return true;
        if (clock_monotonic_ns() >= end_ns)
            return waiting + running == 0;
        clock_sleep_ns(DRAIN_STEP_NS);
    }
}

bool server_stop(struct server *server, uint32_t drain_ms)
{
    if (server == NULL)
        return true;
    const uint64_t end_ns = clock_monotonic_ns() + (uint64_t)drain_ms * 1000000;
    atomic_store(&server->hub.is_stopping, true);
    io_drain(&server->io);
    const bool is_clean = wait_for_end(server, end_ns);
    io_cut(&server->io);
    release(server);
    return is_clean;
}

uint16_t server_port(const struct server *server)
{
    for (size_t k = 0; k < server->io.listener_count; k++)
        if (!server->io.listeners[k].is_unix)
            return server->io.listeners[k].port;
    return 0;
}

enum err_code server_reload_tls(struct server *server, struct err *err)
{
    if (server->io.tls == NULL)
        return err_set(err, ERR_STATE, "this server has no TLS certificate to read again");
    return tls_identity_reload(server->io.tls, err);
}

bool server_is_stopping(const struct server *server)
{
    return atomic_load(&server->hub.is_stopping);
}

void server_metrics(const struct server *server, struct text *text)
{
    size_t waiting;
    size_t running;
    workers_count(server->hub.workers, &waiting, &running);
    metrics_write_gauge(text, "connections", "Open connections.",
                        atomic_load(&server->hub.connections));
    metrics_write_gauge(text, "requests_waiting", "Requests that wait for a worker.", waiting);
    metrics_write_gauge(text, "requests_running", "Requests that run.", running);
    metrics_write_gauge(text, "in_flight_bytes", "Requests and replies in memory.",
                        atomic_load(&server->hub.in_flight_size));
    metrics_write(server->hub.metrics, text);
}
