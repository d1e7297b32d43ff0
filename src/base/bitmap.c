/* bitmap.c: see bitmap.h. */
#include "base/bitmap.h"

size_t bitmap_count(const uint64_t *words, size_t rows)
{
    size_t count = 0;
    for (size_t w = 0; w < rows / 64; w++)
        count += (size_t)__builtin_popcountll(words[w]);
    if (rows % 64 != 0) {
        const uint64_t mask = ((uint64_t)1 << (rows % 64)) - 1;
        count += (size_t)__builtin_popcountll(words[rows / 64] & mask);
    }
    return count;
}

size_t bitmap_next(const uint64_t *words, size_t rows, size_t from, bool value)
{
    while (from < rows) {
        const uint64_t word = value ? words[from / 64] : ~words[from / 64];
        const uint64_t rest = word >> (from % 64);
        if (rest != 0) {
            const size_t found = from + (size_t)__builtin_ctzll(rest);
            return found < rows ? found : rows;
        }
        from = (from / 64 + 1) * 64;
    }
    return rows;
}
