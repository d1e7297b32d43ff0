/* call.h: one request, gRPC or HTTP, as its handler sees it, and the reply to it.
 *
 * A handler runs on a worker thread, has the call for itself, and replies before it returns: with
 * the last of the call_reply_* functions that it called (none: INTERNAL, 500). Whatever a getter
 * gives is borrowed until the handler returns. Long work asks call_state() now and then and ends
 * early when nobody waits for the answer any more.
 *
 * gRPC calls are unary: one message in, one message or one status out. HTTP calls come over
 * HTTP/1.1, or over HTTP/2 when the content type is not gRPC's; a handler need not know which.
 * This folder knows nothing of what is asked and answered. */
#ifndef GODWIT_SERVER_CALL_H
#define GODWIT_SERVER_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/mem.h"

/* Numbers of the gRPC protocol. */
enum grpc_status {
    GRPC_OK = 0,
    GRPC_CANCELLED = 1,
    GRPC_UNKNOWN = 2,
    GRPC_INVALID_ARGUMENT = 3,
    GRPC_DEADLINE_EXCEEDED = 4,
    GRPC_NOT_FOUND = 5,
    GRPC_ALREADY_EXISTS = 6,
    GRPC_PERMISSION_DENIED = 7,
    GRPC_RESOURCE_EXHAUSTED = 8,
    GRPC_FAILED_PRECONDITION = 9,
    GRPC_ABORTED = 10,
    GRPC_OUT_OF_RANGE = 11,
    GRPC_UNIMPLEMENTED = 12,
    GRPC_INTERNAL = 13,
    GRPC_UNAVAILABLE = 14,
    GRPC_DATA_LOSS = 15,
    GRPC_UNAUTHENTICATED = 16
};
#define GRPC_STATUS_COUNT 17

struct call;

/* What a method or route does. `app` is server_options.app. Threads: many at once. */
typedef void call_handler(void *app, struct call *call);

/* ---- What was asked ---- */

bool call_is_grpc(const struct call *call);
/* "GET", "POST"…; "POST" for gRPC. */
const char *call_method(const struct call *call);
/* "/package.Service/Method", or the path of the URL: percent-decoded, without the query. A decoded
 * zero byte is refused before a handler sees it. */
const char *call_path(const struct call *call);
/* The decoded value of a parameter of the query, "" for one without a value, NULL when absent. The
 * first one counts. */
const char *call_query(struct call *call, const char *name);
/* A header or a piece of metadata; names are compared without case. NULL when absent; when it
 * occurs more than once, the first. Binary metadata ("-bin") is given as it came, in base64. */
const char *call_header(const struct call *call, const char *name);
/* The body, or the one gRPC message, decompressed; data is NULL when it is empty. */
struct bytes call_body(const struct call *call);
/* "127.0.0.1:40312", "[::1]:40312" or "unix". */
const char *call_peer(const struct call *call);
/* True when it came through TLS. */
bool call_is_secure(const struct call *call);

/* ---- While it runs ---- */

enum call_state {
    CALL_WANTED,    /* go on */
    CALL_CANCELLED, /* the client took it back or is gone, or the server stops: no reply is read */
    CALL_LATE       /* the deadline has passed */
};
/* Cheap enough for every block of a scan. Threads: any, while the handler runs (so also the threads
 * that a handler starts and waits for). */
enum call_state call_state(const struct call *call);
/* The deadline on clock_monotonic_ns()'s clock; UINT64_MAX when there is none. gRPC clients give
 * one (grpc-timeout). */
uint64_t call_deadline_ns(const struct call *call);
/* Sets a deadline of `timeout_ms` from the arrival of the call, when it is earlier than the one
 * that there is: for protocols that carry it in a header of their own. */
void call_set_timeout(struct call *call, uint64_t timeout_ms);
/* Memory that lives as long as the call; capped at server_limits.arena_size_max. */
struct arena *call_arena(struct call *call);
/* Counts `size` more bytes against the budget that all calls share, until this call ends; false,
 * and nothing counted, when that would pass it: answer that it is to be tried again later. The
 * request and the reply are counted anyway. */
bool call_charge(struct call *call, size_t size) MUST_USE;
/* A name for counters and logs instead of the path: a string that outlives the server (one of a
 * small number: each has its counters). gRPC methods have their path. */
void call_set_label(struct call *call, const char *label);
/* Whose call it is, for handlers (call_user) and the access log; copied, cut at CALL_USER_MAX. */
#define CALL_USER_MAX 127
void call_set_user(struct call *call, const char *user);
/* "" when nobody has said. */
const char *call_user(const struct call *call);

/* ---- The reply; the last one that is given counts ---- */

/* gRPC: status OK and this message. Takes `data` (mem_free), which may be NULL when size is 0. More
 * than server_limits.reply_size_max becomes RESOURCE_EXHAUSTED. */
void call_reply_message(struct call *call, void *data, size_t size);
/* gRPC: a status other than OK, with a text for people (UTF-8, cut at ERR_MSG_SIZE). On an HTTP
 * call the corresponding HTTP status with that text as JSON. */
void call_reply_status(struct call *call, enum grpc_status status, const char *format, ...)
    PRINTF_LIKE(3, 4);
/* HTTP: status, type and body. Takes `data` (mem_free); NULL when size is 0. `content_type` is
 * copied; NULL: none. */
void call_reply_http(struct call *call, int status, const char *content_type, void *data,
                     size_t size);
/* HTTP: the same with bytes that outlive the server (pages in the program). */
void call_reply_static(struct call *call, int status, const char *content_type, struct bytes body);

/* A body that is made while it is sent. */
struct call_source {
    /* Writes up to `size` (> 0) bytes at `offset` of the body; the offsets follow one another.
     * Returns how many, 0 at the end, -1 on failure (the connection is then cut, so that the client
     * notices). Runs on a thread that serves other connections too: may read memory and local
     * files, may not wait. */
    ssize_t (*read)(void *context, uint64_t offset, void *buffer, size_t size);
    /* Called once, also when the client is gone; may be NULL. */
    void (*close)(void *context);
    void *context;
    uint64_t size; /* CALL_SOURCE_SIZE_UNKNOWN: chunked */
};
#define CALL_SOURCE_SIZE_UNKNOWN UINT64_MAX
void call_reply_source(struct call *call, int status, const char *content_type,
                       const struct call_source *source);
/* HTTP: one more header of the reply; both are copied. To be called before or after call_reply_*;
 * names and values with control characters are dropped. At most CALL_REPLY_HEADERS_MAX. */
#define CALL_REPLY_HEADERS_MAX 16
void call_add_header(struct call *call, const char *name, const char *value);

#endif
