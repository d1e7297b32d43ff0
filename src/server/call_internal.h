/* call_internal.h: a call as the transports see it.
 *
 * Life: a transport makes it (call_new), adds headers and body while they come in, and either
 * refuses it at once or hands it to a worker (workers_submit). The worker runs the handler and
 * calls `done`, from which on the call belongs to the transport again, which sends the reply and
 * frees it. When the client goes away earlier, the transport sets is_cancelled and waits for `done`
 * all the same. So exactly one thread at a time touches a call, but for the two atomics. */
#ifndef GODWIT_SERVER_CALL_INTERNAL_H
#define GODWIT_SERVER_CALL_INTERNAL_H

#include <stdatomic.h>

#include "server/call.h"
#include "server/hub.h"
#include "server/loop.h"
#include "server/target.h"

#define CALL_PEER_SIZE 64
#define CALL_TYPE_SIZE 128

enum call_encoding { CALL_IDENTITY, CALL_GZIP, CALL_DEFLATE };

enum reply_kind { REPLY_NONE, REPLY_MESSAGE, REPLY_STATUS, REPLY_HTTP };

struct reply {
    enum reply_kind kind;
    int status; /* grpc or HTTP */
    void *owned;
    struct bytes body; /* lies in `owned`, or outlives the server */
    bool has_source;
    struct call_source source;
    char type[CALL_TYPE_SIZE];
    char *text; /* of a gRPC status; NULL: none */
    struct pairs headers;
    size_t header_count;
};

struct call {
    struct hub *hub;
    /* the request */
    bool is_grpc;
    bool is_secure;
    bool is_quick;
    const char *protocol;
    char peer[CALL_PEER_SIZE];
    char *method;
    char *path;
    struct pairs headers;
    struct pairs query;
    uint8_t *body;
    size_t body_size;
    size_t body_capacity;
    size_t expected_size; /* of the body; 0: not known */
    enum call_encoding encoding;
    call_handler *handle;
    /* while it runs */
    atomic_bool is_cancelled;
    atomic_uint_fast64_t deadline_ns;
    int socket; /* >= 0: asked whether the client is gone; for transports that are not told */
    size_t charged_size;
    struct arena arena;
    char user[CALL_USER_MAX + 1];
    const char *label; /* NULL: the path */
    int64_t arrived_us;
    uint64_t arrived_ns;
    uint64_t started_ns; /* 0: it never was */
    bool is_logged;
    struct reply reply;
    /* the transport's */
    struct task task; /* for its way back to the transport's thread */
    void (*done)(struct call *call);
    void *owner;
    struct call *next; /* queue of the workers, then list of the done */
    struct call *previous;
    bool is_queued; /* guarded by the lock of the workers */
};

/* Starts a call: arrived now, no deadline, charged with its own size. NULL when memory or the
 * budget ends. */
struct call *call_new(struct hub *hub, const char *protocol, const char *peer) MUST_USE;
/* Gives back all that was charged. NULL is fine. */
void call_free(struct call *call);

/* Method and target of the request (kept by copy). ERR_INVALID, ERR_NOMEM. */
enum err_code call_set_request(struct call *call, const char *method, struct bytes target,
                               struct err *err) MUST_USE;
/* One more header; false when memory or the budget ends. */
bool call_add_request_header(struct call *call, struct bytes name, struct bytes value) MUST_USE;

enum call_room { CALL_ROOM, CALL_TOO_LARGE, CALL_BUSY };
/* Makes room for `size` bytes of body after body_size. `expected`: the whole body, when it is
 * known; memory grows with what has come, not with what was announced. */
enum call_room call_body_reserve(struct call *call, size_t size, size_t expected) MUST_USE;

/* Refuses a call in its own protocol: gRPC status, or the HTTP status that corresponds to it. */
void call_refuse(struct call *call, enum grpc_status status, const char *text);
/* HTTP only: a status with a sentence as JSON. */
void call_refuse_http(struct call *call, int status, const char *text);
/* What a body that found no room is told. */
void call_refuse_room(struct call *call, enum call_room room);

/* Makes the reply fit what was asked for (none given, wrong protocol, too large), counts it, tells
 * the access log. Once; to be called before the reply is looked at. */
void call_settle(struct call *call);
/* The same for a call whose client is gone. */
void call_settle_cancelled(struct call *call);

/* HTTP status for a gRPC status. */
int call_http_status(enum grpc_status status);
/* "Bad Request" */
const char *call_reason(int http_status);

#endif
