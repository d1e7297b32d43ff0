/* http1.c: see http1.h. A connection here has one request at a time, and is in one of these states:
 *
 *   ARRIVING -> IDLE -> HEADERS -> BODY -> RUNNING -> REPLY -> IDLE …
 *
 * HEADERS begins when libmicrohttpd has read the request line. All states but RUNNING have a time
 * limit. The lock guards the list of connections and their states against http1_sweep(),
 * http1_drain() and http1_cut(); everything else about a request belongs to libmicrohttpd's thread,
 * or to the worker that has its call. */
#include "server/http1.h"

#include <microhttpd.h>
#include <pthread.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/clock.h"
#include "server/call_internal.h"
#include "server/http_rules.h"
#include "server/metrics.h"
#include "server/workers.h"

#define WHOLE_SIZE_MAX                                                                             \
    ((size_t)64 * 1024) /* larger bodies are read piece by piece, to see them move */
#define BLOCK_SIZE ((size_t)128 * 1024)
#define HEADER_OVERHEAD ((size_t)4) /* ": " and CR LF */
#define SWALLOW_FACTOR                                                                             \
    4 /* refused bodies are read up to so many times the limit, then the client is cut */
#define SPARE_CONNECTIONS 256

enum http1_state {
    HTTP1_ARRIVING,
    HTTP1_IDLE,
    HTTP1_HEADERS,
    HTTP1_BODY,
    HTTP1_RUNNING,
    HTTP1_REPLY
};

struct http1_conn {
    struct http1 *http1;
    struct MHD_Connection *connection;
    int fd;
    char peer[CALL_PEER_SIZE];
    bool is_secure;
    bool is_counted;
    /* the request */
    char *target;
    bool is_refused; /* its reply is there before its body is */
    uint64_t dropped_size;
    atomic_uint_fast64_t moved_size; /* body in, or reply out */
    /* guarded by http1->lock */
    struct http1_conn *next;
    struct http1_conn *previous;
    enum http1_state state;
    bool had_request;
    uint64_t since_ns; /* of the state, or of the present span */
    uint64_t mark;     /* moved_size then */
    struct call *call; /* written by libmicrohttpd's thread only */
};

struct http1 {
    struct hub *hub;
    struct MHD_Daemon *daemon;
    pthread_mutex_t lock;
    struct http1_conn *conns; /* guarded by lock */
};

static void set_state(struct http1_conn *conn, enum http1_state state)
{
    (void)pthread_mutex_lock(&conn->http1->lock);
    conn->state = state;
    conn->had_request |= state == HTTP1_IDLE;
    conn->since_ns = clock_monotonic_ns();
    conn->mark = atomic_load(&conn->moved_size);
    (void)pthread_mutex_unlock(&conn->http1->lock);
}

static void set_call(struct http1_conn *conn, struct call *call)
{
    (void)pthread_mutex_lock(&conn->http1->lock);
    conn->call = call;
    (void)pthread_mutex_unlock(&conn->http1->lock);
}

/* ---- the reply ---- */

static ssize_t give_body(void *context, uint64_t offset, char *buffer, size_t size)
{
    struct http1_conn *conn = context;
    const struct reply *reply = &conn->call->reply;
    ssize_t count;
    if (reply->has_source) {
        count = reply->source.read(reply->source.context, offset, buffer, size);
        if (count <= 0)
            return count < 0 ? MHD_CONTENT_READER_END_WITH_ERROR : MHD_CONTENT_READER_END_OF_STREAM;
    } else {
        const size_t left = reply->body.size - (size_t)offset;
        count = (ssize_t)(left < size ? left : size);
        memcpy(buffer, reply->body.data + offset, (size_t)count);
    }
    atomic_fetch_add(&conn->moved_size, (uint64_t)count);
    return count;
}

static void add_header(void *context, const char *name, const char *value)
{
    (void)MHD_add_response_header(context, name, value);
}

static struct MHD_Response *make_response(struct http1_conn *conn)
{
    const struct reply *reply = &conn->call->reply;
    if (reply->has_source) {
        const uint64_t size = reply->source.size;
        return MHD_create_response_from_callback(size == CALL_SOURCE_SIZE_UNKNOWN ? MHD_SIZE_UNKNOWN
                                                                                  : size,
                                                 BLOCK_SIZE, give_body, conn, NULL);
    }
    if (reply->body.size > WHOLE_SIZE_MAX)
        return MHD_create_response_from_callback(reply->body.size, BLOCK_SIZE, give_body, conn,
                                                 NULL);
    union {
        const void *in;
        void *out; /* libmicrohttpd does not change it */
    } body = {reply->body.data};
    return MHD_create_response_from_buffer(reply->body.size, body.out, MHD_RESPMEM_PERSISTENT);
}

/* The call is settled. */
static enum MHD_Result answer(struct http1_conn *conn)
{
    struct MHD_Response *response = make_response(conn);
    if (response == NULL)
        return MHD_NO;
    http_rules_reply_headers(conn->call, add_header, response);
    if (atomic_load(&conn->http1->hub->is_stopping))
        (void)MHD_add_response_header(response, "connection", "close");
    atomic_store(&conn->moved_size, 0);
    set_state(conn, HTTP1_REPLY);
    const enum MHD_Result result =
        MHD_queue_response(conn->connection, (unsigned int)conn->call->reply.status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result answer_refused(struct http1_conn *conn)
{
    call_settle(conn->call);
    return answer(conn);
}

/* ---- the request ---- */

static enum MHD_Result take_header(void *context, enum MHD_ValueKind kind, const char *key,
                                   size_t key_size, const char *value, size_t value_size)
{
    (void)kind;
    const struct bytes name = {(const uint8_t *)key, strnlen(key, key_size)};
    struct bytes text = {(const uint8_t *)value, 0};
    if (value != NULL)
        text.size = strnlen(value, value_size);
    return call_add_request_header(context, name, text) ? MHD_YES : MHD_NO;
}

/* False: the call is refused. */
static bool begin(struct http1_conn *conn, const char *method)
{
    struct call *call = conn->call;
    const struct bytes target = {(const uint8_t *)conn->target, strlen(conn->target)};
    struct err err = {0};
    const int count = MHD_get_connection_values_n(conn->connection, MHD_HEADER_KIND, NULL, NULL);
    if (MHD_get_connection_values_n(conn->connection, MHD_HEADER_KIND, take_header, call) < count) {
        call_refuse_room(call, CALL_BUSY);
        return false;
    }
    const enum err_code code = call_set_request(call, method, target, &err);
    if (call->headers.size + target.size + (size_t)count * HEADER_OVERHEAD >
        call->hub->options.limits.header_size_max) {
        call_refuse_http(call, 431, "the headers are too large");
        return false;
    }
    if (code != ERR_OK) {
        call_refuse(call, code == ERR_NOMEM ? GRPC_UNAVAILABLE : GRPC_INVALID_ARGUMENT, err.msg);
        return false;
    }
    return http_rules_begin(call);
}

static uint64_t swallow_max(const struct http1_conn *conn)
{
    return (uint64_t)conn->http1->hub->options.limits.request_size_max * SWALLOW_FACTOR;
}

static enum MHD_Result headers_are_there(struct http1_conn *conn, const char *method)
{
    set_state(conn, HTTP1_BODY);
    conn->is_refused = !begin(conn, method);
    /* A client that waits for "100 Continue", or has far too much, is told now; others first get
     * rid of what they have begun to send, or they would never read the answer. */
    if (conn->is_refused && (call_header(conn->call, "expect") != NULL ||
                             http_rules_length(conn->call) > swallow_max(conn)))
        return answer_refused(conn);
    return MHD_YES;
}

static enum MHD_Result take_body(struct http1_conn *conn, const char *data, size_t size)
{
    atomic_fetch_add(&conn->moved_size, size);
    if (!conn->is_refused)
        conn->is_refused =
            !http_rules_body(conn->call, (struct bytes){(const uint8_t *)data, size});
    if (!conn->is_refused)
        return MHD_YES;
    conn->dropped_size += size;
    return conn->dropped_size <= swallow_max(conn) ? MHD_YES : MHD_NO;
}

/* On the worker's thread. */
static void done(struct call *call)
{
    const struct http1_conn *conn = call->owner;
    MHD_resume_connection(conn->connection);
}

static enum MHD_Result run(struct http1_conn *conn)
{
    struct call *call = conn->call;
    if (conn->is_refused)
        return answer_refused(conn);
    call->owner = conn;
    call->done = done;
    call->socket = conn->fd;
    set_state(conn, HTTP1_RUNNING);
    MHD_suspend_connection(conn->connection);
    if (!workers_submit(conn->http1->hub->workers, call)) {
        call_refuse(call, GRPC_UNAVAILABLE, "too many requests are waiting; try again");
        call_settle(call);
        MHD_resume_connection(conn->connection);
    }
    return MHD_YES;
}

/* Called by libmicrohttpd when the headers are there, for each piece of the body, at its end, and
 * after a suspended connection was resumed. */
static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *data,
                              size_t *size, void **request)
{
    (void)context;
    (void)connection;
    (void)url;
    (void)version;
    struct http1_conn *conn = *request;
    if (conn == NULL || conn->call == NULL || conn->target == NULL)
        return MHD_NO; /* there was no memory for it */
    switch (conn->state) {
    case HTTP1_HEADERS:
        return headers_are_there(conn, method);
    case HTTP1_BODY:
        if (*size == 0)
            return run(conn);
        const enum MHD_Result result = take_body(conn, data, *size);
        *size = 0;
        return result;
    case HTTP1_RUNNING:
        return answer(conn);
    default:
        return MHD_YES;
    }
}

/* The request line has been read. What is returned comes back as `request`. */
static void *request_begins(void *context, const char *target, struct MHD_Connection *connection)
{
    struct http1 *http1 = context;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct http1_conn *conn = info != NULL ? info->socket_context : NULL;
    if (conn == NULL)
        return NULL;
    struct call *call = call_new(http1->hub, "http/1.1", conn->peer);
    if (call != NULL)
        call->is_secure = conn->is_secure;
    conn->target = mem_strdup(target);
    conn->is_refused = false;
    conn->dropped_size = 0;
    atomic_store(&conn->moved_size, 0);
    set_call(conn, call);
    set_state(conn, HTTP1_HEADERS);
    return conn;
}

static void request_ends(void *context, struct MHD_Connection *connection, void **request,
                         enum MHD_RequestTerminationCode end)
{
    (void)context;
    (void)connection;
    (void)end;
    struct http1_conn *conn = *request;
    if (conn == NULL)
        return;
    *request = NULL;
    struct call *call = conn->call;
    set_call(conn, NULL);
    mem_free(conn->target);
    conn->target = NULL;
    if (call != NULL)
        call_settle_cancelled(call); /* does nothing when it was answered */
    call_free(call);
    set_state(conn, HTTP1_IDLE);
    if (atomic_load(&conn->http1->hub->is_stopping))
        (void)shutdown(conn->fd, SHUT_RD);
}

/* ---- connections ---- */

static void join_list(struct http1 *http1, struct http1_conn *conn)
{
    (void)pthread_mutex_lock(&http1->lock);
    conn->next = http1->conns;
    if (http1->conns != NULL)
        http1->conns->previous = conn;
    http1->conns = conn;
    (void)pthread_mutex_unlock(&http1->lock);
}

static void free_conn(struct http1_conn *conn)
{
    struct http1 *http1 = conn->http1;
    (void)pthread_mutex_lock(&http1->lock);
    if (conn->previous != NULL)
        conn->previous->next = conn->next;
    else
        http1->conns = conn->next;
    if (conn->next != NULL)
        conn->next->previous = conn->previous;
    (void)pthread_mutex_unlock(&http1->lock);
    if (conn->is_counted)
        atomic_fetch_sub(&http1->hub->connections, 1);
    mem_free(conn);
}

static struct http1_conn *find_arriving(struct http1 *http1, int fd)
{
    (void)pthread_mutex_lock(&http1->lock);
    struct http1_conn *conn = http1->conns;
    while (conn != NULL && (conn->fd != fd || conn->state != HTTP1_ARRIVING))
        conn = conn->next;
    if (conn != NULL)
        conn->state = HTTP1_IDLE;
    (void)pthread_mutex_unlock(&http1->lock);
    return conn;
}

static void connection_changes(void *context, struct MHD_Connection *connection,
                               void **socket_context, enum MHD_ConnectionNotificationCode change)
{
    struct http1_conn *conn = *socket_context;
    if (change == MHD_CONNECTION_NOTIFY_CLOSED) {
        if (conn != NULL)
            free_conn(conn);
        *socket_context = NULL;
        return;
    }
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    conn = info != NULL ? find_arriving(context, info->connect_fd) : NULL;
    if (conn != NULL)
        conn->connection = connection;
    *socket_context = conn;
}

void http1_adopt(struct http1 *http1, const struct http1_socket *socket)
{
    struct http1_conn *conn = mem_zalloc(1, sizeof *conn);
    if (conn == NULL) {
        (void)close(socket->fd);
        if (socket->is_counted)
            atomic_fetch_sub(&http1->hub->connections, 1);
        return;
    }
    conn->http1 = http1;
    conn->fd = socket->fd;
    conn->is_secure = socket->is_secure;
    conn->is_counted = socket->is_counted;
    conn->since_ns = clock_monotonic_ns();
    memcpy(conn->peer, socket->peer, strnlen(socket->peer, CALL_PEER_SIZE - 1));
    join_list(http1, conn);
    metrics_add(http1->hub->metrics, METRICS_HTTP1, 1);
    if (MHD_add_connection(http1->daemon, socket->fd, (const struct sockaddr *)socket->address,
                           socket->address_size) == MHD_NO) {
        /* libmicrohttpd has closed it; it never began there, so nobody else knows this one. */
        if (find_arriving(http1, conn->fd) == conn)
            free_conn(conn);
    }
}

/* ---- time ---- */

static const char timeout_words[] = "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n"
                                    "Content-Type: application/json\r\nContent-Length: 55\r\n\r\n"
                                    "{\"code\":408,\"message\":\"the request came in too slowly\"}";

/* Has it been too slow? Begins the next span when it has not. */
static bool is_slow(struct http1_conn *conn, uint64_t now_ns)
{
    const struct server_limits *limits = &conn->http1->hub->options.limits;
    const uint64_t waited_ms = now_ns > conn->since_ns ? (now_ns - conn->since_ns) / 1000000 : 0;
    switch (conn->state) {
    case HTTP1_IDLE:
        return waited_ms >= (conn->had_request ? limits->idle_ms : limits->headers_ms);
    case HTTP1_HEADERS:
        return waited_ms >= limits->headers_ms;
    case HTTP1_BODY:
    case HTTP1_REPLY:
        if (waited_ms < limits->stall_ms)
            return false;
        const uint64_t moved = atomic_load(&conn->moved_size);
        if (moved - conn->mark < SERVER_STALL_SIZE_MIN)
            return true;
        conn->mark = moved;
        conn->since_ns = now_ns;
        return false;
    default:
        return false;
    }
}

/* libmicrohttpd 0.9.75 waits for an edge that has passed when a client's last bytes and its end
 * come together. */
static bool is_gone(const struct http1_conn *conn)
{
    char byte;
    return (conn->state == HTTP1_IDLE || conn->state == HTTP1_HEADERS ||
            conn->state == HTTP1_BODY) &&
           recv(conn->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

void http1_sweep(struct http1 *http1, uint64_t now_ns)
{
    (void)pthread_mutex_lock(&http1->lock);
    for (struct http1_conn *conn = http1->conns; conn != NULL; conn = conn->next) {
        if (is_gone(conn)) {
            (void)shutdown(conn->fd, SHUT_RDWR);
            continue;
        }
        if (!is_slow(conn, now_ns))
            continue;
        const bool is_waiting = conn->state == HTTP1_IDLE && conn->had_request;
        if (!is_waiting)
            metrics_add(http1->hub->metrics, METRICS_SLOW, 1);
        /* While a request comes in libmicrohttpd sends nothing, so these words stand alone. */
        if (!is_waiting && conn->state != HTTP1_REPLY)
            (void)!send(conn->fd, timeout_words, sizeof timeout_words - 1,
                        MSG_DONTWAIT | MSG_NOSIGNAL);
        (void)shutdown(conn->fd, SHUT_RDWR);
        conn->since_ns = now_ns; /* once */
    }
    (void)pthread_mutex_unlock(&http1->lock);
}

void http1_drain(struct http1 *http1)
{
    (void)pthread_mutex_lock(&http1->lock);
    for (struct http1_conn *conn = http1->conns; conn != NULL; conn = conn->next)
        if (conn->state == HTTP1_IDLE && conn->had_request)
            (void)shutdown(conn->fd, SHUT_RD);
    (void)pthread_mutex_unlock(&http1->lock);
}

void http1_cut(struct http1 *http1)
{
    (void)pthread_mutex_lock(&http1->lock);
    for (struct http1_conn *conn = http1->conns; conn != NULL; conn = conn->next) {
        if (conn->call != NULL)
            atomic_store(&conn->call->is_cancelled, true);
        (void)shutdown(conn->fd, SHUT_RDWR);
    }
    (void)pthread_mutex_unlock(&http1->lock);
}

/* ---- the daemon ---- */

/* Paths are decoded by target.h. */
static size_t leave_escaped(void *context, struct MHD_Connection *connection, char *text)
{
    (void)context;
    (void)connection;
    return strlen(text);
}

static struct MHD_Daemon *start_daemon(struct http1 *http1)
{
    const struct server_limits *limits = &http1->hub->options.limits;
    return MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME, 0,
        NULL, NULL, handle, http1, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned int)(limits->connections_max + SPARE_CONNECTIONS),
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, limits->header_size_max * 2,
        MHD_OPTION_CONNECTION_TIMEOUT, 0u, MHD_OPTION_URI_LOG_CALLBACK, request_begins, http1,
        MHD_OPTION_NOTIFY_COMPLETED, request_ends, http1, MHD_OPTION_NOTIFY_CONNECTION,
        connection_changes, http1, MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL,
        MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
}

enum err_code http1_start(struct hub *hub, struct http1 **ret_http1, struct err *err)
{
    struct http1 *http1 = mem_zalloc(1, sizeof *http1);
    if (http1 == NULL)
        return err_nomem(err, "HTTP/1.1");
    http1->hub = hub;
    (void)pthread_mutex_init(&http1->lock, NULL);
    http1->daemon = start_daemon(http1);
    if (http1->daemon == NULL) {
        http1_stop(http1);
        return err_set(err, ERR_IO, "libmicrohttpd cannot be started");
    }
    *ret_http1 = http1;
    return ERR_OK;
}

void http1_stop(struct http1 *http1)
{
    if (http1 == NULL)
        return;
    if (http1->daemon != NULL)
        MHD_stop_daemon(http1->daemon);
    while (http1->conns != NULL)
        free_conn(http1->conns);
    (void)pthread_mutex_destroy(&http1->lock);
    mem_free(http1);
}
