/* column.c: see column.h. */
#include "milvus1/column.h"

#include <assert.h>
#include <inttypes.h>

#include "flow/source.h"

enum err_code column_check(struct bytes head, uint64_t file_size, size_t item_size,
                           const char *items, uint64_t *ret_count, struct flaw *ret_flaw)
{
    assert(item_size > 0);
    if (file_size < COLUMN_HEADER_SIZE || head.size < COLUMN_HEADER_SIZE) {
        flaw_set(ret_flaw, ERR_CORRUPT, 0, "the file has %" PRIu64 " bytes", file_size);
        flaw_expect(ret_flaw, "at least %d bytes of header", COLUMN_HEADER_SIZE);
        return ERR_CORRUPT;
    }
    const uint64_t size = get_u64(head.data);
    if (size != file_size - COLUMN_HEADER_SIZE) {
        flaw_set(ret_flaw, ERR_CORRUPT, 0, "the file has %" PRIu64 " bytes", file_size);
        if (size > INT64_MAX)
            flaw_expect(ret_flaw, "%d + %" PRIu64 ", as its header says: impossible",
                        COLUMN_HEADER_SIZE, size);
        else
            flaw_expect(ret_flaw, "%" PRIu64 " bytes, as its header says",
                        size + COLUMN_HEADER_SIZE);
        return ERR_CORRUPT;
    }
    if (size % item_size != 0 || size / item_size > SEGMENT_ROWS_MAX) {
        flaw_set(ret_flaw, ERR_CORRUPT, 0, "%" PRIu64 " bytes of %s", size, items);
        flaw_expect(ret_flaw, "a multiple of %zu, at most %" PRIu64 " rows", item_size,
                    (uint64_t)SEGMENT_ROWS_MAX);
        return ERR_CORRUPT;
    }
    *ret_count = size / item_size;
    return ERR_OK;
}
