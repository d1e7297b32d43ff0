/* call.c: the request's side of call.h and call_internal.h. */
#include "server/call.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "server/call_internal.h"

#define BODY_CAPACITY_FIRST ((size_t)16 * 1024)

struct call *call_new(struct hub *hub, const char *protocol, const char *peer)
{
    if (!hub_take(hub, sizeof(struct call)))
        return NULL;
    struct call *call = mem_zalloc(1, sizeof *call);
    if (call == NULL) {
        hub_give(hub, sizeof(struct call));
        return NULL;
    }
    call->hub = hub;
    call->charged_size = sizeof *call;
    call->protocol = protocol;
    call->socket = -1;
    call->arrived_us = clock_now_us();
    call->arrived_ns = clock_monotonic_ns();
    atomic_init(&call->deadline_ns, UINT64_MAX);
    atomic_init(&call->is_cancelled, false);
    arena_init(&call->arena, hub->options.limits.arena_size_max);
    const size_t size = strnlen(peer, CALL_PEER_SIZE - 1);
    memcpy(call->peer, peer, size);
    return call;
}

static void release_reply(struct reply *reply)
{
    mem_free(reply->owned);
    mem_free(reply->text);
    pairs_release(&reply->headers);
    if (reply->has_source && reply->source.close != NULL)
        reply->source.close(reply->source.context);
}

void call_free(struct call *call)
{
    if (call == NULL)
        return;
    release_reply(&call->reply);
    arena_release(&call->arena);
    mem_free(call->body);
    pairs_release(&call->query);
    pairs_release(&call->headers);
    mem_free(call->path);
    mem_free(call->method);
    hub_give(call->hub, call->charged_size);
    mem_free(call);
}

bool call_charge(struct call *call, size_t size)
{
    if (!hub_take(call->hub, size))
        return false;
    call->charged_size += size;
    return true;
}

enum err_code call_set_request(struct call *call, const char *method, struct bytes target,
                               struct err *err)
{
    mem_free(call->method);
    mem_free(call->path);
    call->path = NULL;
    call->method = mem_strdup(method);
    if (call->method == NULL)
        return err_nomem(err, "request");
    return target_parse(target, &call->path, &call->query, err);
}

bool call_add_request_header(struct call *call, struct bytes name, struct bytes value)
{
    const size_t before = call->headers.capacity;
    return pairs_add(&call->headers, name, value) &&
           (call->headers.capacity == before || call_charge(call, call->headers.capacity - before));
}

enum call_room call_body_reserve(struct call *call, size_t size, size_t expected)
{
    const size_t max = call->hub->options.limits.request_size_max;
    if (size > max || call->body_size > max - size)
        return CALL_TOO_LARGE;
    const size_t need = call->body_size + size;
    if (need <= call->body_capacity)
        return CALL_ROOM;
    size_t capacity = call->body_capacity > 0 ? call->body_capacity * 2 : BODY_CAPACITY_FIRST;
    capacity = expected >= need && capacity > expected ? expected : capacity;
    capacity = capacity < need ? need : capacity;
    capacity = capacity > max ? max : capacity;
    const size_t more = capacity - call->body_capacity;
    if (!call_charge(call, more))
        return CALL_BUSY;
    uint8_t *bigger = mem_realloc(call->body, capacity, 1);
    if (bigger == NULL)
        return CALL_BUSY;
    call->body = bigger;
    call->body_capacity = capacity;
    return CALL_ROOM;
}

bool call_is_grpc(const struct call *call)
{
    return call->is_grpc;
}

const char *call_method(const struct call *call)
{
    return call->method != NULL ? call->method : "";
}

const char *call_path(const struct call *call)
{
    return call->path != NULL ? call->path : "";
}

const char *call_query(struct call *call, const char *name)
{
    return pairs_find(&call->query, name, true);
}

const char *call_header(const struct call *call, const char *name)
{
    return pairs_find(&call->headers, name, false);
}

struct bytes call_body(const struct call *call)
{
    return (struct bytes){call->body_size > 0 ? call->body : NULL, call->body_size};
}

const char *call_peer(const struct call *call)
{
    return call->peer;
}

bool call_is_secure(const struct call *call)
{
    return call->is_secure;
}

/* Has the other side of a socket closed or cut it? */
static bool is_hung_up(int socket)
{
    struct pollfd poll_fd = {.fd = socket, .events = POLLRDHUP};
    return poll(&poll_fd, 1, 0) == 1 && (poll_fd.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

enum call_state call_state(const struct call *call)
{
    if (atomic_load_explicit(&call->is_cancelled, memory_order_relaxed))
        return CALL_CANCELLED;
    if (call->socket >= 0 && is_hung_up(call->socket))
        return CALL_CANCELLED;
    const uint64_t deadline_ns = atomic_load_explicit(&call->deadline_ns, memory_order_relaxed);
    return deadline_ns != UINT64_MAX && clock_monotonic_ns() >= deadline_ns ? CALL_LATE
                                                                            : CALL_WANTED;
}

uint64_t call_deadline_ns(const struct call *call)
{
    return atomic_load(&call->deadline_ns);
}

void call_set_timeout(struct call *call, uint64_t timeout_ms)
{
    uint64_t wait_ns;
    uint64_t deadline_ns;
    if (__builtin_mul_overflow(timeout_ms, (uint64_t)1000000, &wait_ns) ||
        __builtin_add_overflow(call->arrived_ns, wait_ns, &deadline_ns))
        return;
    if (deadline_ns < atomic_load(&call->deadline_ns))
        atomic_store(&call->deadline_ns, deadline_ns);
}

struct arena *call_arena(struct call *call)
{
    return &call->arena;
}

void call_set_label(struct call *call, const char *label)
{
    call->label = label;
}

void call_set_user(struct call *call, const char *user)
{
    const size_t size = strnlen(user, CALL_USER_MAX);
    memcpy(call->user, user, size);
    call->user[size] = '\0';
}

const char *call_user(const struct call *call)
{
    return call->user;
}
