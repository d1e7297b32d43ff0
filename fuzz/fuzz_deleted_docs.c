/* fuzz_deleted_docs.c: the first byte says how many rows the segment has, the rest is the file. In
 * one piece or in two, the same rows are dead. */
#include <string.h>

#include "base/bitmap.h"
#include "fuzz.h"
#include "milvus1/deleted_docs.h"

#define ROWS_MAX 255

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const uint64_t rows = data[0];
    const struct bytes file = {data + 1, size - 1};
    uint64_t offsets = 0;
    struct flaw flaw;
    if (deleted_docs_check(file, file.size, &offsets, &flaw) != ERR_OK)
        return 0;
    FUZZ_CHECK(offsets * 4 + DELETED_DOCS_HEADER_SIZE <= file.size);
    const uint8_t *first = file.data + DELETED_DOCS_HEADER_SIZE;
    uint64_t whole[ROWS_MAX / 64 + 1] = {0}, pieces[ROWS_MAX / 64 + 1] = {0};
    struct deleted_docs_counts counts = {0}, again = {0};
    deleted_docs_mark((struct bytes){first, (size_t)offsets * 4}, rows, whole, &counts);
    const size_t half = (size_t)offsets / 2 * 4;
    deleted_docs_mark((struct bytes){first, half}, rows, pieces, &again);
    deleted_docs_mark((struct bytes){first + half, (size_t)offsets * 4 - half}, rows, pieces,
                      &again);
    FUZZ_CHECK(memcmp(whole, pieces, sizeof whole) == 0);
    FUZZ_CHECK(memcmp(&counts, &again, sizeof counts) == 0);
    FUZZ_CHECK(counts.offsets == offsets && counts.deleted + counts.outside <= offsets);
    FUZZ_CHECK(bitmap_count(whole, (size_t)rows) == counts.deleted);
    return 0;
}
