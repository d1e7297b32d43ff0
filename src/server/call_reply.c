/* call_reply.c: the reply's side of call.h and call_internal.h: what the handler says, made to fit
 * what was asked for, counted and logged. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "server/call_internal.h"
#include "server/metrics.h"

/* The reply so far is taken back; its headers stay. */
static struct reply *begin(struct call *call, enum reply_kind kind, int status)
{
    struct reply *reply = &call->reply;
    mem_free(reply->owned);
    mem_free(reply->text);
    if (reply->has_source && reply->source.close != NULL)
        reply->source.close(reply->source.context);
    const struct pairs headers = reply->headers;
    const size_t header_count = reply->header_count;
    *reply = (struct reply){
        .kind = kind, .status = status, .headers = headers, .header_count = header_count};
    return reply;
}

static void set_body(struct reply *reply, void *data, size_t size)
{
    reply->owned = data;
    reply->body = (struct bytes){data, data != NULL ? size : 0};
}

static bool is_line(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return false;
    return true;
}

static void set_type(struct reply *reply, const char *content_type)
{
    if (content_type != NULL && is_line(content_type))
        (void)snprintf(reply->type, sizeof reply->type, "%s", content_type);
}

void call_reply_message(struct call *call, void *data, size_t size)
{
    set_body(begin(call, REPLY_MESSAGE, GRPC_OK), data, size);
}

static const struct {
    enum grpc_status grpc;
    int http;
} http_statuses[] = {
    {GRPC_OK, 200},
    {GRPC_CANCELLED, 499},
    {GRPC_UNKNOWN, 500},
    {GRPC_INVALID_ARGUMENT, 400},
    {GRPC_DEADLINE_EXCEEDED, 408},
    {GRPC_NOT_FOUND, 404},
    {GRPC_ALREADY_EXISTS, 409},
    {GRPC_PERMISSION_DENIED, 403},
    {GRPC_RESOURCE_EXHAUSTED, 413},
    {GRPC_FAILED_PRECONDITION, 400},
    {GRPC_ABORTED, 409},
    {GRPC_OUT_OF_RANGE, 400},
    {GRPC_UNIMPLEMENTED, 501},
    {GRPC_INTERNAL, 500},
    {GRPC_UNAVAILABLE, 503},
    {GRPC_DATA_LOSS, 500},
    {GRPC_UNAUTHENTICATED, 401},
};

int call_http_status(enum grpc_status status)
{
    for (size_t k = 0; k < sizeof http_statuses / sizeof http_statuses[0]; k++)
        if (http_statuses[k].grpc == status)
            return http_statuses[k].http;
    return 500;
}

static const struct {
    int status;
    const char *text;
} reasons[] = {
    {200, "OK"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {413, "Content Too Large"},
    {415, "Unsupported Media Type"},
    {426, "Upgrade Required"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
};

const char *call_reason(int http_status)
{
    for (size_t k = 0; k < sizeof reasons / sizeof reasons[0]; k++)
        if (reasons[k].status == http_status)
            return reasons[k].text;
    return "Error";
}

void call_refuse_http(struct call *call, int status, const char *message)
{
    struct reply *reply = begin(call, REPLY_HTTP, status);
    struct text text;
    text_init(&text);
    json_open(&text, NULL, '{');
    json_add_int(&text, "code", status);
    json_add_string(&text, "message", message);
    json_close(&text, '}');
    const size_t size = text.size;
    set_body(reply, text_take(&text), size);
    set_type(reply, "application/json");
}

void call_refuse(struct call *call, enum grpc_status status, const char *text)
{
    if (!call->is_grpc) {
        call_refuse_http(call, call_http_status(status), text);
        return;
    }
    begin(call, REPLY_STATUS, (int)status)->text = mem_strdup(text);
}

void call_reply_status(struct call *call, enum grpc_status status, const char *format, ...)
{
    char text[ERR_MSG_SIZE];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    call_refuse(call, status, text);
}

void call_refuse_room(struct call *call, enum call_room room)
{
    char text[128];
    if (room == CALL_TOO_LARGE) {
        (void)snprintf(text, sizeof text, "the request is larger than %zu bytes",
                       call->hub->options.limits.request_size_max);
        call_refuse(call, GRPC_RESOURCE_EXHAUSTED, text);
    } else {
        call_refuse(call, GRPC_UNAVAILABLE,
                    "the server holds as much as it may for other requests; try again");
    }
}

void call_reply_http(struct call *call, int status, const char *content_type, void *data,
                     size_t size)
{
    struct reply *reply = begin(call, REPLY_HTTP, status);
    set_body(reply, data, size);
    set_type(reply, content_type);
}

void call_reply_static(struct call *call, int status, const char *content_type, struct bytes body)
{
    struct reply *reply = begin(call, REPLY_HTTP, status);
    reply->body = body;
    set_type(reply, content_type);
}

void call_reply_source(struct call *call, int status, const char *content_type,
                       const struct call_source *source)
{
    struct reply *reply = begin(call, REPLY_HTTP, status);
    reply->has_source = true;
    reply->source = *source;
    set_type(reply, content_type);
}

void call_add_header(struct call *call, const char *name, const char *value)
{
    struct reply *reply = &call->reply;
    if (reply->header_count >= CALL_REPLY_HEADERS_MAX || *name == '\0' || !is_line(name) ||
        !is_line(value) || strpbrk(name, " :") != NULL)
        return;
    const struct bytes key = {(const uint8_t *)name, strlen(name)};
    const struct bytes text = {(const uint8_t *)value, strlen(value)};
    if (pairs_add(&reply->headers, key, text))
        reply->header_count++;
}

/* A reply that cannot be sent as it is becomes one that can. */
static void fit(struct call *call)
{
    const struct reply *reply = &call->reply;
    const size_t max = call->hub->options.limits.reply_size_max;
    if (reply->kind == REPLY_NONE) {
        call_refuse(call, GRPC_INTERNAL, "the handler of this request gave no reply");
    } else if (call->is_grpc == (reply->kind == REPLY_HTTP)) {
        call_refuse(call, GRPC_INTERNAL, "the handler of this request speaks another protocol");
    } else if (reply->body.size > max) {
        char text[128];
        (void)snprintf(text, sizeof text, "the answer has %zu bytes, at most %zu can be sent",
                       reply->body.size, max);
        if (call->is_grpc)
            call_refuse(call, GRPC_RESOURCE_EXHAUSTED, text);
        else
            call_refuse_http(call, 500, text);
    } else if (!call->is_grpc && (reply->status < 200 || reply->status > 599)) {
        call_refuse_http(call, 500, "the handler of this request gave no valid status");
    }
}

/* Control characters must not make lines in a log. */
static void make_printable(char *text)
{
    for (; text != NULL && *text != '\0'; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = '?';
}

static void log_access(struct call *call, int status, uint64_t now_ns)
{
    const struct server_options *options = &call->hub->options;
    if (options->access == NULL)
        return;
    make_printable(call->path);
    make_printable(call->user);
    const bool is_started = call->started_ns != 0;
    const struct server_access access = {
        .time_us = call->arrived_us,
        .peer = call->peer,
        .user = call->user,
        .protocol = call->is_grpc ? "grpc" : call->protocol,
        .method = call_method(call),
        .path = call_path(call),
        .status = status,
        .request_size = call->body_size,
        .reply_size = call->reply.body.size,
        .wait_ns = (is_started ? call->started_ns : now_ns) - call->arrived_ns,
        .run_ns = is_started ? now_ns - call->started_ns : 0,
    };
    options->access(options->app, &access);
}

static void settle(struct call *call, int status)
{
    if (call->is_logged)
        return;
    call->is_logged = true;
    hub_add(call->hub, call->reply.body.size);
    call->charged_size += call->reply.body.size;
    const uint64_t now_ns = clock_monotonic_ns();
    const struct metrics_request request = {
        .is_grpc = call->is_grpc,
        .label = call->label,
        .status = status,
        .duration_ns = now_ns - call->arrived_ns,
        .request_size = call->body_size,
        .reply_size = call->reply.body.size,
    };
    metrics_count(call->hub->metrics, &request);
    log_access(call, status, now_ns);
}

void call_settle(struct call *call)
{
    fit(call);
    settle(call, call->reply.status);
}

void call_settle_cancelled(struct call *call)
{
    settle(call, call->is_grpc ? (int)GRPC_CANCELLED : call_http_status(GRPC_CANCELLED));
}
