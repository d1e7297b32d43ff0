/* wire.h: protocol buffers in and out, as safely as the network needs it. The only way to unpack.
 *
 * protobuf-c recurses into nested messages without a limit and allocates a multiple of what came
 * in. So a walk along the descriptors, without recursion, first looks at depth, lengths, groups and
 * text (valid UTF-8 without a zero byte), and memory comes from the request's arena up to a cap. */
#ifndef GODWIT_MILVUS2_WIRE_H
#define GODWIT_MILVUS2_WIRE_H

#include <protobuf-c/protobuf-c.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/mem.h"

#define WIRE_DEPTH_MAX 32
/* What unpacking may take: a fixed part, and so much for each byte that came in. Short strings are
 * the worst honest case: three bytes on the wire, about 70 in memory. */
#define WIRE_MEMORY_BASE ((size_t)1 << 20)
#define WIRE_MEMORY_FACTOR 32
#define WIRE_MEMORY_MAX ((size_t)448 << 20)

/* Looks through a message without unpacking it. ERR_INVALID with offset, found and expected.
 * Threads: any. */
enum err_code wire_check(const ProtobufCMessageDescriptor *type, struct bytes in,
                         struct err *err) MUST_USE;

/* Checks and unpacks; the message and all in it live in the arena, never free them. Empty input is
 * the empty message. Errors: ERR_INVALID, ERR_NOMEM past the caps. */
enum err_code wire_unpack(const ProtobufCMessageDescriptor *type, struct bytes in,
                          struct arena *arena, void *ret_message, struct err *err) MUST_USE;

/* Packs into a block that the caller frees with mem_free. ERR_NOMEM; ERR_INVALID past `size_max`.
 */
enum err_code wire_pack(const void *message, size_t size_max, uint8_t **ret_data, size_t *ret_size,
                        struct err *err) MUST_USE;

#endif
