/* grpc.c: see grpc.h. */
#include "server/grpc.h"

#include <stdio.h>
#include <string.h>

#define TIMEOUT_DIGITS_MAX 8

bool grpc_is_content_type(const char *content_type)
{
    static const char name[] = "application/grpc";
    const size_t size = sizeof name - 1;
    if (content_type == NULL || strncmp(content_type, name, size) != 0)
        return false;
    const char next = content_type[size];
    return next == '\0' || next == '+' || next == ';' || next == ' ';
}

bool grpc_parse_timeout(const char *text, uint64_t *ret_ns)
{
    static const struct {
        char unit;
        uint64_t ns;
    } units[] = {{'n', 1},          {'u', 1000},           {'m', 1000000},
                 {'S', 1000000000}, {'M', 60000000000ull}, {'H', 3600000000000ull}};
    uint64_t count = 0;
    size_t digits = 0;
    for (; text[digits] >= '0' && text[digits] <= '9' && digits < TIMEOUT_DIGITS_MAX; digits++)
        count = count * 10 + (uint64_t)(text[digits] - '0');
    if (digits == 0 || text[digits] == '\0' || text[digits + 1] != '\0')
        return false;
    for (size_t k = 0; k < sizeof units / sizeof units[0]; k++) {
        if (text[digits] == units[k].unit) {
            *ret_ns = count * units[k].ns; /* 10^8 hours are 3.6 * 10^20 ns: may be too many */
            if (units[k].ns > UINT64_MAX / 2 / (count + 1))
                *ret_ns = UINT64_MAX / 2;
            return true;
        }
    }
    return false;
}

bool grpc_parse_encoding(const char *name, enum call_encoding *ret_encoding)
{
    static const struct {
        const char *name;
        enum call_encoding encoding;
    } encodings[] = {{"identity", CALL_IDENTITY}, {"gzip", CALL_GZIP}, {"deflate", CALL_DEFLATE}};
    for (size_t k = 0; k < sizeof encodings / sizeof encodings[0]; k++) {
        if (strcmp(name, encodings[k].name) == 0) {
            *ret_encoding = encodings[k].encoding;
            return true;
        }
    }
    return false;
}

void grpc_put_prefix(uint8_t prefix[GRPC_PREFIX_SIZE], uint32_t size)
{
    prefix[0] = 0;
    for (int k = 0; k < 4; k++)
        prefix[1 + k] = (uint8_t)(size >> (24 - 8 * k));
}

void grpc_encode_message(const char *text, char *buffer, size_t size)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t at = 0;
    size_t whole = 0; /* end of the last whole character */
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
        const bool is_plain = *p >= 0x20 && *p < 0x7f && *p != '%';
        if ((*p & 0xc0) != 0x80)
            whole = at;
        if (size - at <= (is_plain ? 1u : 3u)) {
            at = whole;
            break;
        }
        if (is_plain) {
            buffer[at++] = (char)*p;
        } else {
            buffer[at++] = '%';
            buffer[at++] = digits[*p >> 4];
            buffer[at++] = digits[*p & 15];
        }
    }
    buffer[at] = '\0';
}

/* The prefix is complete: may this message come? */
static bool begin_message(struct grpc_reader *reader, struct call *call)
{
    const uint8_t *p = reader->prefix;
    reader->is_compressed = p[0] == 1;
    reader->message_size = (uint32_t)p[1] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 8 | p[4];
    if (p[0] > 1) {
        call_reply_status(call, GRPC_INTERNAL, "a gRPC message begins with flag %u", p[0]);
        return false;
    }
    if (reader->is_compressed && call->encoding == CALL_IDENTITY) {
        call_refuse(call, GRPC_INTERNAL,
                    "a compressed message, but the request names no grpc-encoding");
        return false;
    }
    const size_t max = call->hub->options.limits.request_size_max;
    if (reader->message_size > max) {
        call_reply_status(call, GRPC_RESOURCE_EXHAUSTED,
                          "a message of %u bytes is announced, at most %zu are taken",
                          reader->message_size, max);
        return false;
    }
    return true;
}

static bool add(struct grpc_reader *reader, struct call *call, struct bytes piece)
{
    if (piece.size > reader->message_size - call->body_size) {
        call_refuse(call, GRPC_INTERNAL, "more than one message in a request");
        return false;
    }
    const enum call_room room = call_body_reserve(call, piece.size, reader->message_size);
    if (room != CALL_ROOM) {
        call_refuse_room(call, room);
        return false;
    }
    memcpy(call->body + call->body_size, piece.data, piece.size);
    call->body_size += piece.size;
    return true;
}

bool grpc_read(struct grpc_reader *reader, struct call *call, struct bytes piece)
{
    const size_t missing = GRPC_PREFIX_SIZE - reader->prefix_size;
    if (missing > 0) {
        const size_t size = piece.size < missing ? piece.size : missing;
        memcpy(reader->prefix + reader->prefix_size, piece.data, size);
        reader->prefix_size += size;
        if (reader->prefix_size < GRPC_PREFIX_SIZE)
            return true;
        if (!begin_message(reader, call))
            return false;
        piece = (struct bytes){piece.data + size, piece.size - size};
    }
    return piece.size == 0 || add(reader, call, piece);
}

bool grpc_read_end(const struct grpc_reader *reader, struct call *call)
{
    if (reader->prefix_size < GRPC_PREFIX_SIZE) {
        call_refuse(call, GRPC_INTERNAL,
                    reader->prefix_size == 0
                        ? "a request without a message"
                        : "a request that ends inside the prefix of a message");
        return false;
    }
    if (call->body_size < reader->message_size) {
        call_reply_status(call, GRPC_INTERNAL, "a message of %u bytes ends after %zu",
                          reader->message_size, call->body_size);
        return false;
    }
    if (!reader->is_compressed)
        call->encoding = CALL_IDENTITY;
    return true;
}
