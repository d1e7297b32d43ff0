/* fuzz_lists.c: an index file. Bytes that pass all checks have sections within the file; a head
 * that is read, written and read again is the same. The checksums are set right first, so that what
 * lies behind them is reached. */
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "engine/lists_format.h"
#include "fuzz.h"

static void repair(uint8_t *data, size_t size)
{
    struct lists_header header;
    struct err err;
    put_u64(data + LISTS_HEADER_SIZE - 8, hash64(data, LISTS_HEADER_SIZE - 8, 0));
    if (lists_header_decode((struct bytes){data, size}, &header, &err) != ERR_OK)
        return;
    const struct lists_layout at = lists_layout_of(&header);
    if (at.size != size)
        return;
    for (uint64_t block = 0; block < at.blocks; block++) {
        const uint64_t from = LISTS_HEADER_SIZE + block * LISTS_BLOCK_SIZE;
        const uint64_t left = at.table - from;
        put_u64(data + at.table + block * 8,
                hash64(data + from, left < LISTS_BLOCK_SIZE ? left : LISTS_BLOCK_SIZE, 0));
    }
    header.table_hash = hash64(data + at.table, at.blocks * 8, 0);
    lists_header_encode(&header, data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lists_header header;
    struct err err;
    uint8_t *copy = mem_alloc(size + 1, 1);
    if (copy == NULL)
        return 0;
    memcpy(copy, data, size);
    if (size > LISTS_HEADER_SIZE && (data[size - 1] & 1) != 0)
        repair(copy, size);
    const struct bytes in = {copy, size};
    if (lists_header_decode(in, &header, &err) == ERR_OK) {
        const struct lists_layout at = lists_layout_of(&header);
        uint8_t encoded[LISTS_HEADER_SIZE];
        struct lists_header again;
        FUZZ_CHECK(at.mean < at.step && at.step < at.starts && at.starts < at.centroids);
        FUZZ_CHECK(at.centroids < at.rows && at.rows <= at.codes && at.codes <= at.table);
        lists_header_encode(&header, encoded);
        FUZZ_CHECK(lists_header_decode((struct bytes){encoded, sizeof encoded}, &again, &err) ==
                   ERR_OK);
        FUZZ_CHECK(again.groups == header.groups && again.lists == header.lists);
        if (lists_file_check(in, &header, &err) == ERR_OK)
            FUZZ_CHECK(at.size == size &&
                       get_u32(copy + at.starts + (uint64_t)header.lists * 4) == header.groups);
        else
            FUZZ_CHECK(err.code == ERR_CORRUPT && err.msg[0] != '\0');
    }
    mem_free(copy);
    return 0;
}
