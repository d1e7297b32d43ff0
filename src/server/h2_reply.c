/* h2_reply.c: what goes out on a stream of HTTP/2: headers, body piece by piece, trailers. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "server/h2_internal.h"
#include "server/http_rules.h"

#define FIELDS_MAX (CALL_REPLY_HEADERS_MAX + 8)
#define NUMBER_SIZE 24

struct fields {
    nghttp2_nv list[FIELDS_MAX]; /* nghttp2 copies names and values when they are submitted */
    size_t count;
    char names[FIELDS_MAX][64];
};

/* nghttp2 wants pointers to what it does not change. */
static uint8_t *unconst(const void *bytes)
{
    union {
        const void *in;
        uint8_t *out;
    } pointer = {bytes};
    return pointer.out;
}

static nghttp2_nv field(const char *name, const char *value)
{
    return (nghttp2_nv){.name = unconst(name),
                        .namelen = strlen(name),
                        .value = unconst(value),
                        .valuelen = strlen(value)};
}

static bool is_of_the_connection(const char *name)
{
    static const char *const names[] = {"connection", "keep-alive", "transfer-encoding", "upgrade",
                                        "content-length"};
    for (size_t k = 0; k < sizeof names / sizeof names[0]; k++)
        if (strcmp(name, names[k]) == 0)
            return true;
    return false;
}

static void add_field(void *context, const char *name, const char *value)
{
    struct fields *fields = context;
    const size_t at = fields->count;
    if (at >= FIELDS_MAX || is_of_the_connection(name) || strlen(name) >= sizeof fields->names[0])
        return;
    memcpy(fields->names[at], name, strlen(name) + 1);
    fields->list[at] = field(fields->names[at], value);
    fields->count++;
}

/* The bytes of the body from `offset` on; -1 when its source fails. */
static ssize_t read_body(const struct reply *reply, uint64_t offset, uint8_t *buffer, size_t size)
{
    if (reply->has_source)
        return reply->source.read(reply->source.context, offset, buffer, size);
    const size_t left = reply->body.size - (size_t)offset;
    const size_t count = left < size ? left : size;
    if (count > 0)
        memcpy(buffer, reply->body.data + offset, count);
    return (ssize_t)count;
}

/* Has the body ended at `offset`, after `count` bytes were read? */
static bool is_over(const struct reply *reply, uint64_t offset, ssize_t count)
{
    if (!reply->has_source)
        return offset == reply->body.size;
    return count == 0 || offset == reply->source.size;
}

static ssize_t give_http(nghttp2_session *session, int32_t id, uint8_t *buffer, size_t size,
                         uint32_t *flags, nghttp2_data_source *source, void *context)
{
    (void)session;
    (void)id;
    (void)context;
    struct h2_stream *stream = source->ptr;
    const struct reply *reply = &stream->call->reply;
    const ssize_t count = read_body(reply, stream->sent_size, buffer, size);
    if (count < 0)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    stream->sent_size += (uint64_t)count;
    if (!is_over(reply, stream->sent_size, count))
        return count;
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    const bool is_short = reply->has_source && reply->source.size != CALL_SOURCE_SIZE_UNKNOWN &&
                          stream->sent_size != reply->source.size;
    return is_short ? NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE : count;
}

/* The 5 bytes before the message; a client's window may have room for one of them only. */
static size_t give_prefix(const struct h2_stream *stream, uint8_t *buffer, size_t size)
{
    if (stream->sent_size >= GRPC_PREFIX_SIZE)
        return 0;
    uint8_t prefix[GRPC_PREFIX_SIZE];
    grpc_put_prefix(prefix, (uint32_t)stream->call->reply.body.size);
    const size_t left = GRPC_PREFIX_SIZE - (size_t)stream->sent_size;
    const size_t count = left < size ? left : size;
    memcpy(buffer, prefix + stream->sent_size, count);
    return count;
}

static ssize_t give_grpc(nghttp2_session *session, int32_t id, uint8_t *buffer, size_t size,
                         uint32_t *flags, nghttp2_data_source *source, void *context)
{
    (void)context;
    struct h2_stream *stream = source->ptr;
    const struct reply *reply = &stream->call->reply;
    size_t count = give_prefix(stream, buffer, size);
    stream->sent_size += count;
    if (stream->sent_size < GRPC_PREFIX_SIZE)
        return (ssize_t)count;
    const ssize_t more =
        read_body(reply, stream->sent_size - GRPC_PREFIX_SIZE, buffer + count, size - count);
    stream->sent_size += (uint64_t)more;
    if (is_over(reply, stream->sent_size - GRPC_PREFIX_SIZE, more)) {
        const nghttp2_nv trailer = field("grpc-status", "0");
        *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
        if (nghttp2_submit_trailer(session, id, &trailer, 1) != 0)
            return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    return (ssize_t)count + more;
}

/* Without a body, END_STREAM goes with the headers. */
static void submit(struct h2_stream *stream, const struct fields *fields,
                   nghttp2_data_source_read_callback give)
{
    const nghttp2_data_provider provider = {.source.ptr = stream, .read_callback = give};
    stream->state = STREAM_REPLY;
    stream->stall_mark = 0;
    h2_stream_watch(stream);
    if (nghttp2_submit_response(stream->h2->session, stream->id, fields->list, fields->count,
                                give != NULL ? &provider : NULL) != 0)
        (void)nghttp2_submit_rst_stream(stream->h2->session, NGHTTP2_FLAG_NONE, stream->id,
                                        NGHTTP2_INTERNAL_ERROR);
}

static void reply_grpc(struct h2_stream *stream)
{
    const struct reply *reply = &stream->call->reply;
    char message[3 * ERR_MSG_SIZE];
    char status[NUMBER_SIZE];
    struct fields fields = {.count = 0};
    add_field(&fields, ":status", "200");
    add_field(&fields, "content-type", "application/grpc");
    add_field(&fields, "grpc-accept-encoding", GRPC_ENCODINGS);
    if (reply->kind == REPLY_MESSAGE) {
        submit(stream, &fields, give_grpc);
        return;
    }
    (void)snprintf(status, sizeof status, "%d", reply->status);
    add_field(&fields, "grpc-status", status);
    grpc_encode_message(reply->text != NULL ? reply->text : "", message, sizeof message);
    add_field(&fields, "grpc-message", message);
    submit(stream, &fields, NULL);
}

static void reply_http(struct h2_stream *stream)
{
    const struct reply *reply = &stream->call->reply;
    const uint64_t size = reply->has_source ? reply->source.size : reply->body.size;
    const bool has_body = size > 0 && strcmp(call_method(stream->call), "HEAD") != 0;
    char status[NUMBER_SIZE];
    char length[NUMBER_SIZE];
    struct fields fields = {.count = 0};
    (void)snprintf(status, sizeof status, "%d", reply->status);
    add_field(&fields, ":status", status);
    if (size != CALL_SOURCE_SIZE_UNKNOWN && reply->status != 204 && reply->status != 304) {
        (void)snprintf(length, sizeof length, "%" PRIu64, size);
        memcpy(fields.names[fields.count], "content-length", sizeof "content-length");
        fields.list[fields.count] = field(fields.names[fields.count], length);
        fields.count++;
    }
    http_rules_reply_headers(stream->call, add_field, &fields);
    submit(stream, &fields, has_body ? give_http : NULL);
}

void h2_reply_settled(struct h2_stream *stream)
{
    if (stream->call->is_grpc)
        reply_grpc(stream);
    else
        reply_http(stream);
}

void h2_reply(struct h2_stream *stream)
{
    call_settle(stream->call);
    h2_reply_settled(stream);
}
