/* h2_request.c: what comes in on a stream of HTTP/2, until it is a call or is refused. */
#include <stdio.h>
#include <string.h>

#include "server/h2_internal.h"
#include "server/http_rules.h"

#define HEADER_OVERHEAD ((size_t)32) /* as SETTINGS_MAX_HEADER_LIST_SIZE counts */

static bool is_name(struct bytes name, const char *text)
{
    return name.size == strlen(text) && memcmp(name.data, text, name.size) == 0;
}

static void keep_target(struct h2_stream *stream, struct bytes value)
{
    mem_free(stream->target);
    stream->target = mem_alloc(value.size + 1, 1);
    if (stream->target == NULL) {
        stream->is_out_of_memory = true;
        return;
    }
    memcpy(stream->target, value.data, value.size);
    stream->target[value.size] = '\0';
    stream->target_size = value.size;
}

void h2_request_header(struct h2_stream *stream, struct bytes name, struct bytes value)
{
    stream->header_size += name.size + value.size + HEADER_OVERHEAD;
    if (stream->header_size > stream->h2->hub->options.limits.header_size_max) {
        stream->is_too_long = true;
        return;
    }
    if (is_name(name, ":method")) {
        if (value.size < sizeof stream->method)
            memcpy(stream->method, value.data, value.size);
    } else if (is_name(name, ":path")) {
        keep_target(stream, value);
    } else if (is_name(name, ":authority")) {
        const struct bytes host = {(const uint8_t *)"host", 4};
        stream->is_out_of_memory |= !call_add_request_header(stream->call, host, value);
    } else if (name.size > 0 && name.data[0] != ':') {
        stream->is_out_of_memory |= !call_add_request_header(stream->call, name, value);
    }
}

static const struct server_method *find_method(const struct server_options *options,
                                               const char *path)
{
    for (size_t k = 0; k < options->method_count; k++)
        if (strcmp(options->methods[k].path, path) == 0)
            return &options->methods[k];
    return NULL;
}

/* False: the call is refused. */
static bool begin_grpc(struct h2_stream *stream)
{
    struct call *call = stream->call;
    const struct server_method *method = find_method(&call->hub->options, call_path(call));
    if (method == NULL) {
        call_reply_status(call, GRPC_UNIMPLEMENTED, "this server has no method %s",
                          call_path(call));
        return false;
    }
    call->handle = method->handle;
    call->is_quick = method->is_quick;
    call->label = method->path;
    const char *timeout = call_header(call, "grpc-timeout");
    uint64_t timeout_ns = 0;
    if (timeout != NULL && !grpc_parse_timeout(timeout, &timeout_ns)) {
        call_refuse(call, GRPC_INVALID_ARGUMENT, "grpc-timeout cannot be understood");
        return false;
    }
    if (timeout != NULL)
        atomic_store(&call->deadline_ns, call->arrived_ns + timeout_ns);
    const char *encoding = call_header(call, "grpc-encoding");
    if (encoding != NULL && !grpc_parse_encoding(encoding, &call->encoding)) {
        call_reply_status(call, GRPC_UNIMPLEMENTED, "grpc-encoding %s is not known; these are: %s",
                          encoding, GRPC_ENCODINGS);
        return false;
    }
    return true;
}

/* False: the call is refused. */
static bool begin(struct h2_stream *stream)
{
    struct call *call = stream->call;
    struct err err = {0};
    call->is_grpc = grpc_is_content_type(call_header(call, "content-type")) &&
                    strcmp(stream->method, "POST") == 0;
    if (stream->is_out_of_memory) {
        call_refuse_room(call, CALL_BUSY);
        return false;
    }
    const struct bytes target = {(const uint8_t *)stream->target, stream->target_size};
    const enum err_code code = call_set_request(call, stream->method, target, &err);
    if (stream->is_too_long) {
        if (call->is_grpc)
            call_reply_status(call, GRPC_RESOURCE_EXHAUSTED,
                              "the metadata is larger than %zu bytes",
                              call->hub->options.limits.header_size_max);
        else
            call_refuse_http(call, 431, "the headers are too large");
        return false;
    }
    if (code != ERR_OK) {
        call_refuse(call, GRPC_INVALID_ARGUMENT, err.msg);
        return false;
    }
    return call->is_grpc ? begin_grpc(stream) : http_rules_begin(call);
}

void h2_request_begin(struct h2_stream *stream)
{
    stream->state = STREAM_BODY;
    h2_stream_watch(stream);
    if (!begin(stream))
        h2_reply(stream);
}

void h2_request_body(struct h2_stream *stream, struct bytes piece)
{
    struct call *call = stream->call;
    stream->received_size += piece.size;
    if (stream->state != STREAM_BODY)
        return;
    if (call->is_grpc) {
        if (!grpc_read(&stream->reader, call, piece))
            h2_reply(stream);
        return;
    }
    if (!http_rules_body(call, piece))
        h2_reply(stream);
}

void h2_request_end(struct h2_stream *stream)
{
    struct call *call = stream->call;
    stream->is_request_over = true;
    if (stream->state != STREAM_BODY)
        return;
    if (call->is_grpc && !grpc_read_end(&stream->reader, call)) {
        h2_reply(stream);
        return;
    }
    stream->state = STREAM_RUNNING;
    h2_stream_watch(stream);
    call->done = stream->h2->host.done;
    call->owner = stream;
    if (!stream->h2->host.submit(stream->h2->host.context, call)) {
        call->owner = NULL;
        call_refuse(call, GRPC_UNAVAILABLE, "too many requests are waiting; try again");
        h2_reply(stream);
    }
}
