/* bitmap.h: one bit a row, bit k of word k / 64; here a set bit marks a dead (deleted) row. */
#ifndef GODWIT_BASE_BITMAP_H
#define GODWIT_BASE_BITMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline size_t bitmap_words(size_t rows)
{
    return rows / 64 + (rows % 64 != 0);
}

static inline bool bitmap_get(const uint64_t *words, size_t row)
{
    return (words[row / 64] >> (row % 64) & 1) != 0;
}

static inline void bitmap_set(uint64_t *words, size_t row)
{
    words[row / 64] |= (uint64_t)1 << (row % 64);
}

/* Number of set bits among the first `rows`; bits past them are not looked at. */
size_t bitmap_count(const uint64_t *words, size_t rows);

/* The first row >= `from` whose bit is `value`, or `rows`. Skips whole words: use it to walk runs.
 */
size_t bitmap_next(const uint64_t *words, size_t rows, size_t from, bool value);

#endif
