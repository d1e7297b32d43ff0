/* fuzz_wire.c: protocol buffers from the network. The first byte chooses the message; what the walk
 * accepts is unpacked within its caps, and packs into something that is accepted again. */
#include "fuzz.h"
#include "generated/milvus.pb-c.h"
#include "milvus2/wire.h"

static const ProtobufCMessageDescriptor *const types[] = {
    &mv__insert_request__descriptor,       &mv__search_request__descriptor,
    &mv__query_request__descriptor,        &mv__collection_schema__descriptor,
    &mv__delete_request__descriptor,       &mv__placeholder_group__descriptor,
    &mv__create_index_request__descriptor, &mv__template_value__descriptor,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err;
    struct arena arena;
    void *message;
    uint8_t *packed = NULL;
    size_t packed_size = 0;
    if (size == 0)
        return 0;
    const ProtobufCMessageDescriptor *type = types[data[0] % (sizeof types / sizeof *types)];
    arena_init(&arena, (size_t)64 << 20);
    if (wire_unpack(type, (struct bytes){data + 1, size - 1}, &arena, &message, &err) == ERR_OK &&
        wire_pack(message, (size_t)64 << 20, &packed, &packed_size, &err) == ERR_OK)
        FUZZ_CHECK(wire_check(type, (struct bytes){packed, packed_size}, &err) == ERR_OK);
    mem_free(packed);
    arena_release(&arena);
    return 0;
}
