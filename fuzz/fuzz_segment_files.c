/* fuzz_segment_files.c: a segment's small files. The first byte says which (checksums or dead
 * rows), the next eight how many rows and of which size the catalog expects; the rest is the file.
 * What is accepted is, encoded again, the same bytes. */
#include <string.h>

#include "base/bitmap.h"
#include "base/mem.h"
#include "engine/segment_format.h"
#include "fuzz.h"

#define HEAD_SIZE 9
#define ROWS_MAX ((uint64_t)1 << 22)

static void try_sums(struct bytes in, uint64_t rows, uint64_t row_size)
{
    struct err err;
    const uint64_t ids_size = rows * 8;
    const uint64_t vectors_size = rows * row_size;
    const size_t size = (size_t)sums_file_size(ids_size, vectors_size);
    uint64_t *sums = mem_alloc(size, 1);
    uint8_t *again = mem_alloc(size, 1);
    FUZZ_CHECK(sums != NULL && again != NULL);
    if (sums_decode(in, ids_size, vectors_size, sums, &err) == ERR_OK) {
        sums_encode(ids_size, sums, vectors_size, sums + sums_block_count(ids_size), again);
        FUZZ_CHECK(size == in.size && memcmp(again, in.data, size) == 0);
    } else {
        FUZZ_CHECK(err.code == ERR_CORRUPT && err.msg[0] != '\0');
    }
    mem_free(sums);
    mem_free(again);
}

static void try_dead(struct bytes in, uint64_t rows, uint64_t dead_rows)
{
    struct err err;
    const size_t size = (size_t)dead_file_size(rows);
    uint64_t *words = mem_alloc(bitmap_words((size_t)rows), sizeof *words);
    uint8_t *again = mem_alloc(size, 1);
    FUZZ_CHECK(words != NULL && again != NULL);
    if (dead_decode(in, rows, dead_rows, words, &err) == ERR_OK) {
        FUZZ_CHECK(bitmap_count(words, (size_t)rows) == dead_rows);
        dead_encode(words, rows, dead_rows, again);
        FUZZ_CHECK(size == in.size && memcmp(again, in.data, size) == 0);
    } else {
        FUZZ_CHECK(err.code == ERR_CORRUPT && err.msg[0] != '\0');
    }
    mem_free(words);
    mem_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < HEAD_SIZE)
        return 0;
    const uint64_t rows = get_u32(data + 1) % ROWS_MAX;
    const uint64_t other = get_u32(data + 5) % 4096;
    const struct bytes in = {data + HEAD_SIZE, size - HEAD_SIZE};
    if (data[0] % 2 == 0)
        try_sums(in, rows, other);
    else
        try_dead(in, rows, other);
    return 0;
}
