/* segment_format.c: see segment_format.h. */
#include "engine/segment_format.h"

#include <inttypes.h>
#include <string.h>

#include "base/bitmap.h"

static const char sums_magic[8] = {'G', 'O', 'D', 'W', 'S', 'U', 'M', '1'};
static const char dead_magic[8] = {'G', 'O', 'D', 'W', 'D', 'E', 'A', 'D'};

static enum err_code expect(uint64_t offset, const char *what, uint64_t found, uint64_t expected,
                            struct err *err)
{
    if (found == expected)
        return ERR_OK;
    return err_set(err, ERR_CORRUPT, "offset %" PRIu64 ": %s is %" PRIu64 ", %" PRIu64 " expected",
                   offset, what, found, expected);
}

static enum err_code expect_frame(struct bytes in, const char magic[8], uint64_t size,
                                  struct err *err)
{
    if (in.size != size)
        return err_set(err, ERR_CORRUPT, "offset 0: the file has %zu bytes, %" PRIu64 " expected",
                       in.size, size);
    if (memcmp(in.data, magic, 8) != 0)
        return err_set(err, ERR_CORRUPT, "offset 0: \"%.8s\" expected at the start", magic);
    return ERR_OK;
}

void sums_encode(uint64_t ids_size, const uint64_t *ids, uint64_t vectors_size,
                 const uint64_t *vectors, uint8_t *buffer)
{
    memcpy(buffer, sums_magic, 8);
    put_u32(buffer + 8, (uint32_t)SUMS_BLOCK_SIZE);
    put_u32(buffer + 12, 0);
    put_u64(buffer + 16, ids_size);
    put_u64(buffer + 24, vectors_size);
    uint8_t *at = buffer + SUMS_HEADER_SIZE;
    for (uint64_t k = 0; k < sums_block_count(ids_size); k++, at += 8)
        put_u64(at, ids[k]);
    for (uint64_t k = 0; k < sums_block_count(vectors_size); k++, at += 8)
        put_u64(at, vectors[k]);
}

enum err_code sums_decode(struct bytes in, uint64_t ids_size, uint64_t vectors_size,
                          uint64_t *ret_sums, struct err *err)
{
    const uint64_t size = sums_file_size(ids_size, vectors_size);
    enum err_code code = expect_frame(in, sums_magic, size, err);
    if (code == ERR_OK)
        code = expect(8, "the block size", get_u32(in.data + 8), SUMS_BLOCK_SIZE, err);
    if (code == ERR_OK)
        code = expect(12, "a reserved number", get_u32(in.data + 12), 0, err);
    if (code == ERR_OK)
        code = expect(16, "the size of the ids", get_u64(in.data + 16), ids_size, err);
    if (code == ERR_OK)
        code = expect(24, "the size of the vectors", get_u64(in.data + 24), vectors_size, err);
    if (code != ERR_OK)
        return code;
    const uint64_t count = sums_block_count(ids_size) + sums_block_count(vectors_size);
    for (uint64_t k = 0; k < count; k++)
        ret_sums[k] = get_u64(in.data + SUMS_HEADER_SIZE + 8 * k);
    return ERR_OK;
}

/* The bits of word `index` that stand for rows. */
static uint64_t row_mask(uint64_t rows, uint64_t index)
{
    const uint64_t left = rows - index * 64;
    return left >= 64 ? ~(uint64_t)0 : ((uint64_t)1 << left) - 1;
}

void dead_encode(const uint64_t *words, uint64_t rows, uint64_t dead_rows, uint8_t *buffer)
{
    memcpy(buffer, dead_magic, 8);
    put_u64(buffer + 8, rows);
    put_u64(buffer + 16, dead_rows);
    for (uint64_t k = 0; k < bitmap_words((size_t)rows); k++)
        put_u64(buffer + DEAD_HEADER_SIZE + 8 * k, words[k] & row_mask(rows, k));
}

enum err_code dead_decode(struct bytes in, uint64_t rows, uint64_t dead_rows, uint64_t *ret_words,
                          struct err *err)
{
    enum err_code code = expect_frame(in, dead_magic, dead_file_size(rows), err);
    if (code == ERR_OK)
        code = expect(8, "the number of rows", get_u64(in.data + 8), rows, err);
    if (code == ERR_OK)
        code = expect(16, "the number of dead rows", get_u64(in.data + 16), dead_rows, err);
    if (code != ERR_OK)
        return code;
    for (uint64_t k = 0; k < bitmap_words((size_t)rows); k++) {
        ret_words[k] = get_u64(in.data + DEAD_HEADER_SIZE + 8 * k);
        if ((ret_words[k] & ~row_mask(rows, k)) != 0)
            return err_set(err, ERR_CORRUPT, "offset %" PRIu64 ": bits past the last row are set",
                           DEAD_HEADER_SIZE + 8 * k);
    }
    return expect(DEAD_HEADER_SIZE, "the number of set bits", bitmap_count(ret_words, (size_t)rows),
                  dead_rows, err);
}
