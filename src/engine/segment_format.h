/* segment_format.h: the two small files of a segment: checksums (.sum) and dead rows (.dead).
 *
 * Bytes in, arrays out, and the other way; no I/O. Source: docs/database-format.md. Whether the
 * bytes are the ones that were written is known from the catalog (sums_hash, dead_hash); decoding
 * checks everything else, so that no bytes whatever lead outside an array. */
#ifndef GODWIT_ENGINE_SEGMENT_FORMAT_H
#define GODWIT_ENGINE_SEGMENT_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"

#define SUMS_BLOCK_SIZE ((uint64_t)262144)
#define SUMS_HEADER_SIZE ((size_t)32)
#define DEAD_HEADER_SIZE ((size_t)24)

/* Blocks of a column of this many bytes. */
static inline uint64_t sums_block_count(uint64_t column_size)
{
    return column_size / SUMS_BLOCK_SIZE + (column_size % SUMS_BLOCK_SIZE != 0);
}

static inline uint64_t sums_file_size(uint64_t ids_size, uint64_t vectors_size)
{
    return SUMS_HEADER_SIZE + 8 * (sums_block_count(ids_size) + sums_block_count(vectors_size));
}

/* `ids` and `vectors` hold a checksum for each block; `buffer` takes sums_file_size() bytes. */
void sums_encode(uint64_t ids_size, const uint64_t *ids, uint64_t vectors_size,
                 const uint64_t *vectors, uint8_t *buffer);
/* Expects columns of these sizes.
 *   ret_sums  sums_block_count(ids_size) + sums_block_count(vectors_size) numbers, in this order;
 *             the caller's
 * Errors: ERR_CORRUPT "offset O: N found, M expected". */
enum err_code sums_decode(struct bytes in, uint64_t ids_size, uint64_t vectors_size,
                          uint64_t *ret_sums, struct err *err) MUST_USE;

static inline uint64_t dead_file_size(uint64_t rows)
{
    return DEAD_HEADER_SIZE + 8 * (rows / 64 + (rows % 64 != 0));
}

/* `words`: bitmap_words(rows) words; bits past the last row are written as 0. */
void dead_encode(const uint64_t *words, uint64_t rows, uint64_t dead_rows, uint8_t *buffer);
/* Expects this many rows, dead_rows of them dead.
 *   ret_words  bitmap_words(rows) words; the caller's
 * Errors: ERR_CORRUPT as above. */
enum err_code dead_decode(struct bytes in, uint64_t rows, uint64_t dead_rows, uint64_t *ret_words,
                          struct err *err) MUST_USE;

#endif
