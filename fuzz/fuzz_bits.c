/* fuzz_bits.c: an index file of binary vectors. Bytes that pass all checks have sections within the
 * file; a head that is read, written and read again is the same. The checksums are set right first,
 * so that what lies behind them is reached. */
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "engine/bits_format.h"
#include "fuzz.h"

static void repair(uint8_t *data, size_t size)
{
    struct bits_header header;
    struct err err;
    put_u64(data + BITS_HEADER_SIZE - 8, hash64(data, BITS_HEADER_SIZE - 8, 0));
    if (bits_header_decode((struct bytes){data, size}, &header, &err) != ERR_OK)
        return;
    const struct bits_layout at = bits_layout_of(&header);
    if (at.size != size)
        return;
    for (uint64_t block = 0; block < at.blocks; block++) {
        const uint64_t from = BITS_HEADER_SIZE + block * BITS_BLOCK_SIZE;
        const uint64_t left = at.table - from;
        put_u64(data + at.table + block * 8,
                hash64(data + from, left < BITS_BLOCK_SIZE ? left : BITS_BLOCK_SIZE, 0));
    }
    header.table_hash = hash64(data + at.table, at.blocks * 8, 0);
    bits_header_encode(&header, data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bits_header header;
    struct err err;
    uint8_t *copy = mem_alloc(size + 1, 1);
    if (copy == NULL)
        return 0;
    memcpy(copy, data, size);
    if (size > BITS_HEADER_SIZE && (data[size - 1] & 1) != 0)
        repair(copy, size);
    const struct bytes in = {copy, size};
    if (bits_header_decode(in, &header, &err) == ERR_OK) {
        const struct bits_layout at = bits_layout_of(&header);
        uint8_t encoded[BITS_HEADER_SIZE];
        struct bits_header again;
        FUZZ_CHECK(at.starts < at.norms && at.norms < at.weights && at.weights < at.rows);
        FUZZ_CHECK(at.rows <= at.codes && at.codes <= at.table && at.table <= at.size);
        bits_header_encode(&header, encoded);
        FUZZ_CHECK(bits_header_decode((struct bytes){encoded, sizeof encoded}, &again, &err) ==
                   ERR_OK);
        FUZZ_CHECK(again.groups == header.groups && again.lists == header.lists);
        if (bits_file_check(in, &header, &err) == ERR_OK)
            FUZZ_CHECK(at.size == size &&
                       get_u32(copy + at.starts + (uint64_t)header.lists * 4) == header.groups);
        else
            FUZZ_CHECK(err.code == ERR_CORRUPT && err.msg[0] != '\0');
    }
    mem_free(copy);
    return 0;
}
