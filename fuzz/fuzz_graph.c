/* fuzz_graph.c: a graph file. Bytes that pass all checks have sections within the file and numbers
 * within their bounds, so that a walk stays inside; a head that is read, written and read again is
 * the same. The checksums are set right first, so that what lies behind them is reached. */
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "engine/graph_format.h"
#include "fuzz.h"

static void repair(uint8_t *data, size_t size)
{
    struct graph_header header;
    struct err err;
    put_u64(data + GRAPH_HEADER_SIZE - 8, hash64(data, GRAPH_HEADER_SIZE - 8, 0));
    if (graph_header_decode((struct bytes){data, size}, &header, &err) != ERR_OK)
        return;
    const struct graph_layout at = graph_layout_of(&header);
    if (at.size != size)
        return;
    for (uint64_t block = 0; block < at.blocks; block++) {
        const uint64_t from = GRAPH_HEADER_SIZE + block * GRAPH_BLOCK_SIZE;
        const uint64_t left = at.table - from;
        put_u64(data + at.table + block * 8,
                hash64(data + from, left < GRAPH_BLOCK_SIZE ? left : GRAPH_BLOCK_SIZE, 0));
    }
    header.table_hash = hash64(data + at.table, at.blocks * 8, 0);
    graph_header_encode(&header, data);
}

static void check_links(const uint8_t *data, const struct graph_header *header,
                        const struct graph_layout *at)
{
    for (uint64_t i = 0; i < header->nodes * header->degree; i++)
        FUZZ_CHECK(get_u32(data + at->links + i * 4) < header->nodes);
    for (uint64_t i = 0; i < header->nodes; i++)
        FUZZ_CHECK(get_u32(data + at->rows + i * 4) < header->rows);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct graph_header header;
    struct err err;
    uint8_t *copy = mem_alloc(size + 1, 1);
    if (copy == NULL)
        return 0;
    memcpy(copy, data, size);
    if (size > GRAPH_HEADER_SIZE && (data[size - 1] & 1) != 0)
        repair(copy, size);
    const struct bytes in = {copy, size};
    if (graph_header_decode(in, &header, &err) == ERR_OK) {
        const struct graph_layout at = graph_layout_of(&header);
        uint8_t encoded[GRAPH_HEADER_SIZE];
        struct graph_header again;
        FUZZ_CHECK(at.mean <= at.step && at.step <= at.supers && at.supers <= at.starts);
        FUZZ_CHECK(at.starts <= at.heads && at.heads <= at.groups && at.groups <= at.rows);
        FUZZ_CHECK(at.rows <= at.norms && at.norms <= at.codes && at.codes <= at.links);
        FUZZ_CHECK(at.links <= at.table && at.table <= at.size);
        graph_header_encode(&header, encoded);
        FUZZ_CHECK(graph_header_decode((struct bytes){encoded, sizeof encoded}, &again, &err) ==
                   ERR_OK);
        FUZZ_CHECK(again.nodes == header.nodes && again.degree == header.degree);
        if (graph_file_check(in, &header, &err) == ERR_OK) {
            FUZZ_CHECK(at.size == size);
            check_links(copy, &header, &at);
        } else {
            FUZZ_CHECK(err.code == ERR_CORRUPT && err.msg[0] != '\0');
        }
    }
    mem_free(copy);
    return 0;
}
