/* grpc.h: gRPC over HTTP/2 where it is bytes and text: the 5-byte prefix of a message, timeouts,
 * percent-encoded messages, encodings. No I/O, no HTTP/2 library.
 *
 * Source: the gRPC project's PROTOCOL-HTTP2 document. */
#ifndef GODWIT_SERVER_GRPC_H
#define GODWIT_SERVER_GRPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "server/call_internal.h"

#define GRPC_PREFIX_SIZE 5

/* "application/grpc", "application/grpc+proto", "application/grpc;…"; but not
 * "application/grpc-web". */
bool grpc_is_content_type(const char *content_type);

/* "100m" -> nanoseconds; at most 8 digits and one of n u m S M H. False when it is none of that. */
bool grpc_parse_timeout(const char *text, uint64_t *ret_ns);

/* A name of grpc-encoding; false when it is not known here. */
bool grpc_parse_encoding(const char *name, enum call_encoding *ret_encoding);
#define GRPC_ENCODINGS "identity,deflate,gzip"

/* Writes the prefix of an uncompressed message of `size` bytes. */
void grpc_put_prefix(uint8_t prefix[GRPC_PREFIX_SIZE], uint32_t size);

/* `text` as it may stand in grpc-message: all but printable ASCII, and "%", becomes %XX. At most
 * `size` bytes, terminated; cut at a whole character of UTF-8. */
void grpc_encode_message(const char *text, char *buffer, size_t size);

/* How far the one message of a request has come in. Starts as zeros. */
struct grpc_reader {
    uint8_t prefix[GRPC_PREFIX_SIZE];
    size_t prefix_size;
    uint32_t message_size; /* known when prefix_size is GRPC_PREFIX_SIZE */
    bool is_compressed;
};

/* Takes bytes of the request's body, in pieces of any size, into the body of the call. False: the
 * call is refused, its reply is set: a message larger than allowed (nothing is allocated for it),
 * no room, a second message, a compressed one although no encoding was named. */
bool grpc_read(struct grpc_reader *reader, struct call *call, struct bytes piece) MUST_USE;
/* The body is at its end. False: the message is cut or there is none; the call is refused. */
bool grpc_read_end(const struct grpc_reader *reader, struct call *call) MUST_USE;

#endif
