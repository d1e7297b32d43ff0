/* wire.c: see wire.h. Wire format: protobuf.dev, "Encoding". */
#include <inttypes.h>
#include <string.h>

#include "base/utf8.h"
#include "milvus2/wire.h"

#define VARINT_SIZE_MAX 10

struct frame {
    const ProtobufCMessageDescriptor *type;
    size_t end; /* offset behind the message */
};

struct walk {
    const uint8_t *data;
    size_t at;
    struct frame frames[WIRE_DEPTH_MAX];
    size_t depth; /* frames in use */
    struct err *err;
};

/* One number; the end of the innermost message is its limit. */
static enum err_code read_varint(struct walk *walk, size_t end, uint64_t *ret_value)
{
    uint64_t value = 0;
    for (size_t i = 0; i < VARINT_SIZE_MAX && walk->at + i < end; i++) {
        const uint8_t byte = walk->data[walk->at + i];
        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            walk->at += i + 1;
            *ret_value = value;
            return ERR_OK;
        }
    }
    return err_set(walk->err, ERR_INVALID, "offset %zu: no complete number before offset %zu",
                   walk->at, end);
}

static enum err_code skip(struct walk *walk, size_t end, uint64_t size)
{
    if (size > end - walk->at)
        return err_set(walk->err, ERR_INVALID,
                       "offset %zu: %" PRIu64 " bytes announced, the message ends after %zu",
                       walk->at, size, end - walk->at);
    walk->at += (size_t)size;
    return ERR_OK;
}

/* A string, bytes, packed numbers, or a message, which is entered. */
static enum err_code enter_or_skip(struct walk *walk, size_t end,
                                   const ProtobufCFieldDescriptor *field)
{
    uint64_t size = 0;
    if (read_varint(walk, end, &size) != ERR_OK)
        return walk->err->code;
    const size_t start = walk->at;
    if (skip(walk, end, size) != ERR_OK)
        return walk->err->code;
    if (field == NULL)
        return ERR_OK;
    if (field->type == PROTOBUF_C_TYPE_STRING) {
        const char *text = (const char *)walk->data + start;
        if (memchr(text, 0, (size_t)size) != NULL || !utf8_is_valid(text, (size_t)size))
            return err_set(walk->err, ERR_INVALID,
                           "offset %zu: %s is no UTF-8 text without zero bytes", start,
                           field->name);
    }
    if (field->type != PROTOBUF_C_TYPE_MESSAGE)
        return ERR_OK;
    if (walk->depth == WIRE_DEPTH_MAX)
        return err_set(walk->err, ERR_INVALID, "offset %zu: nested deeper than %d messages", start,
                       WIRE_DEPTH_MAX);
    walk->frames[walk->depth++] = (struct frame){.type = field->descriptor, .end = walk->at};
    walk->at = start;
    return ERR_OK;
}

static enum err_code walk_field(struct walk *walk)
{
    const struct frame *frame = &walk->frames[walk->depth - 1];
    const size_t start = walk->at, end = frame->end;
    uint64_t tag = 0, ignored;
    if (read_varint(walk, end, &tag) != ERR_OK)
        return walk->err->code;
    const uint64_t number = tag >> 3;
    if (number == 0 || number > 0x1fffffff)
        return err_set(walk->err, ERR_INVALID, "offset %zu: %" PRIu64 " is no field number", start,
                       number);
    switch (tag & 7) {
    case PROTOBUF_C_WIRE_TYPE_VARINT:
        return read_varint(walk, end, &ignored);
    case PROTOBUF_C_WIRE_TYPE_64BIT:
        return skip(walk, end, 8);
    case PROTOBUF_C_WIRE_TYPE_32BIT:
        return skip(walk, end, 4);
    case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED:
        return enter_or_skip(
            walk, end, protobuf_c_message_descriptor_get_field(frame->type, (unsigned)number));
    default:
        return err_set(walk->err, ERR_INVALID, "offset %zu: wire type %u is not known", start,
                       (unsigned)(tag & 7));
    }
}

enum err_code wire_check(const ProtobufCMessageDescriptor *type, struct bytes in, struct err *err)
{
    struct err own;
    struct walk walk = {.data = in.data, .err = err != NULL ? err : &own};
    walk.frames[walk.depth++] = (struct frame){.type = type, .end = in.size};
    while (walk.depth > 0) {
        if (walk.at == walk.frames[walk.depth - 1].end)
            walk.depth--;
        else if (walk_field(&walk) != ERR_OK)
            return err_wrap(walk.err, "%s", type->short_name);
    }
    return ERR_OK;
}

struct capped {
    struct arena *arena;
    size_t left; /* bytes that may still be handed out */
};

static void *capped_alloc(void *data, size_t size)
{
    struct capped *capped = data;
    if (size > capped->left)
        return NULL;
    capped->left -= size;
    return arena_array(capped->arena, 1, size);
}

static void capped_free(void *data, void *block)
{
    (void)data;
    (void)block;
}

enum err_code wire_unpack(const ProtobufCMessageDescriptor *type, struct bytes in,
                          struct arena *arena, void *ret_message, struct err *err)
{
    static const uint8_t nothing;
    if (in.data == NULL)
        in.data = &nothing;
    if (wire_check(type, in, err) != ERR_OK)
        return err->code;
    size_t cap = WIRE_MEMORY_MAX;
    if (in.size < (WIRE_MEMORY_MAX - WIRE_MEMORY_BASE) / WIRE_MEMORY_FACTOR)
        cap = WIRE_MEMORY_BASE + in.size * WIRE_MEMORY_FACTOR;
    struct capped capped = {.arena = arena, .left = cap};
    ProtobufCAllocator allocator = {
        .alloc = capped_alloc, .free = capped_free, .allocator_data = &capped};
    ProtobufCMessage *message = protobuf_c_message_unpack(type, &allocator, in.size, in.data);
    if (message == NULL)
        return err_set(err, ERR_NOMEM,
                       "%s: %zu bytes cannot be unpacked within %zu bytes of memory",
                       type->short_name, in.size, cap);
    memcpy(ret_message, &message, sizeof message);
    return ERR_OK;
}

enum err_code wire_pack(const void *message, size_t size_max, uint8_t **ret_data, size_t *ret_size,
                        struct err *err)
{
    const size_t size = protobuf_c_message_get_packed_size(message);
    if (size > size_max)
        return err_set(err, ERR_INVALID, "the answer has %zu bytes, at most %zu can be sent", size,
                       size_max);
    uint8_t *data = mem_alloc(size, 1);
    if (data == NULL)
        return err_nomem(err, "answer");
    (void)protobuf_c_message_pack(message, data);
    *ret_data = data;
    *ret_size = size;
    return ERR_OK;
}
