/* deleted_docs.c: see deleted_docs.h. */
#include "milvus1/deleted_docs.h"

#include <assert.h>
#include <inttypes.h>

#include "base/bitmap.h"

#define OFFSET_SIZE 4

enum err_code deleted_docs_check(struct bytes head, uint64_t file_size, uint64_t *ret_offsets,
                                 struct flaw *ret_flaw)
{
    if (file_size < DELETED_DOCS_HEADER_SIZE || head.size < DELETED_DOCS_HEADER_SIZE) {
        flaw_set(ret_flaw, ERR_CORRUPT, 0, "the file has %" PRIu64 " bytes", file_size);
        flaw_expect(ret_flaw, "at least %d bytes of header", DELETED_DOCS_HEADER_SIZE);
        return ERR_CORRUPT;
    }
    const uint64_t size = get_u64(head.data);
    if (size > file_size - DELETED_DOCS_HEADER_SIZE) {
        flaw_set(ret_flaw, ERR_CORRUPT, 0, "%" PRIu64 " bytes of offsets announced", size);
        flaw_expect(ret_flaw, "at most %" PRIu64 ", the file has %" PRIu64 " bytes",
                    file_size - DELETED_DOCS_HEADER_SIZE, file_size);
        return ERR_CORRUPT;
    }
    if (size % OFFSET_SIZE != 0) {
        flaw_set(ret_flaw, ERR_CORRUPT, 0, "%" PRIu64 " bytes of offsets announced", size);
        flaw_expect(ret_flaw, "a multiple of %d", OFFSET_SIZE);
        return ERR_CORRUPT;
    }
    *ret_offsets = size / OFFSET_SIZE;
    return ERR_OK;
}

void deleted_docs_mark(struct bytes offsets, uint64_t rows, uint64_t *bitmap,
                       struct deleted_docs_counts *counts)
{
    assert(offsets.size % OFFSET_SIZE == 0);
    for (size_t k = 0; k < offsets.size; k += OFFSET_SIZE, counts->offsets++) {
        const int32_t offset = (int32_t)get_u32(offsets.data + k);
        if (offset < 0 || (uint64_t)offset >= rows) {
            if (counts->outside++ == 0) {
                counts->outside_index = counts->offsets;
                counts->outside_value = offset;
            }
        } else if (!bitmap_get(bitmap, (size_t)offset)) {
            bitmap_set(bitmap, (size_t)offset);
            counts->deleted++;
        }
    }
}
