/* bits.h: the bit kernels over 32-byte registers, for any way to count the bits of a word.
 *
 * avx2.c counts by table look-up, avx512_popcnt.c with one instruction: each defines
 *     static __m256i count_words(__m256i bits)    set bits of each of the four 64-bit words
 * and then includes this. Rows are read one after another; shuffles finish four at once. */
#ifndef GODWIT_KERNEL_BITS_H
#define GODWIT_KERNEL_BITS_H

#include <immintrin.h>

#include "kernel/kernel.h"

#define BITS_INLINE inline __attribute__((always_inline))
#define BITS_ROWS 4 /* finished together */

/* The masks that load the first n of 8 words of 4 bytes start at entry 8 - n. */
static const int32_t bits_masks[16] = {-1, -1, -1, -1, -1, -1, -1, -1};

static BITS_INLINE __m256i load_bytes(const uint8_t *bytes)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)bytes);
}

/* The last 1..31 bytes of a row, then zeros; nothing past the end is read. */
static BITS_INLINE __m256i load_rest(const uint8_t *bytes, size_t size)
{
    const size_t words = size / 4;
    const int *from = (const int *)(const void *)bytes;
    const __m256i mask = load_bytes((const uint8_t *)(bits_masks + 8 - words));
    const __m256i whole = _mm256_maskload_epi32(from, mask);
    if (size % 4 == 0)
        return whole;
    uint32_t last = 0;
    for (size_t i = size; i-- > 4 * words;)
        last = last << 8 | bytes[i];
    const __m256i place = _mm256_cmpeq_epi32(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7),
                                             _mm256_set1_epi32((int)words));
    return _mm256_or_si256(whole, _mm256_and_si256(place, _mm256_set1_epi32((int)last)));
}

/* The sums of four rows' words, as four 32-bit numbers. */
static BITS_INLINE void store_sums(const __m256i sums[BITS_ROWS], size_t count, uint32_t *ret_sums)
{
    /* A sum is at most 32768: two of them share a word. */
    const __m256i ab = _mm256_or_si256(sums[0], _mm256_slli_epi64(sums[1], 32));
    const __m256i cd = _mm256_or_si256(sums[2], _mm256_slli_epi64(sums[3], 32));
    const __m256i all =
        _mm256_add_epi32(_mm256_unpacklo_epi64(ab, cd), _mm256_unpackhi_epi64(ab, cd));
    const __m128i four =
        _mm_add_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1));
    if (count == BITS_ROWS) {
        _mm_storeu_si128((__m128i *)(void *)ret_sums, four);
        return;
    }
    uint32_t some[BITS_ROWS];
    _mm_storeu_si128((__m128i *)(void *)some, four);
    for (size_t r = 0; r < count; r++)
        ret_sums[r] = some[r];
}

static BITS_INLINE __m256i add_bits(__m256i sum, __m256i bits)
{
    return _mm256_add_epi64(sum, count_words(bits));
}

static BITS_INLINE __m256i xor_row(const uint8_t *query, size_t size, const uint8_t *row)
{
    __m256i sum = _mm256_setzero_si256();
    size_t at = 0;
    for (; at + 32 <= size; at += 32)
        sum = add_bits(sum, _mm256_xor_si256(load_bytes(query + at), load_bytes(row + at)));
    if (at == size)
        return sum;
    return add_bits(
        sum, _mm256_xor_si256(load_rest(query + at, size - at), load_rest(row + at, size - at)));
}

static BITS_INLINE void and_row(const uint8_t *query, size_t size, const uint8_t *row,
                                __m256i *ret_both, __m256i *ret_alone)
{
    __m256i both = _mm256_setzero_si256();
    __m256i alone = _mm256_setzero_si256();
    size_t at = 0;
    for (; at + 32 <= size; at += 32) {
        const __m256i bits = load_bytes(row + at);
        both = add_bits(both, _mm256_and_si256(load_bytes(query + at), bits));
        alone = add_bits(alone, bits);
    }
    if (at < size) {
        const __m256i bits = load_rest(row + at, size - at);
        both = add_bits(both, _mm256_and_si256(load_rest(query + at, size - at), bits));
        alone = add_bits(alone, bits);
    }
    *ret_both = both;
    *ret_alone = alone;
}

/* A last group of fewer than four is filled up by repeating its last row. */
static BITS_INLINE void xor_rows(const uint8_t *query, size_t size, const uint8_t *const *rows,
                                 size_t count, uint32_t *ret_bits)
{
    for (size_t i = 0; i < count; i += BITS_ROWS) {
        const size_t left = count - i < BITS_ROWS ? count - i : BITS_ROWS;
        __m256i sums[BITS_ROWS];
        for (size_t r = 0; r < BITS_ROWS; r++)
            sums[r] = xor_row(query, size, rows[i + (r < left ? r : left - 1)]);
        store_sums(sums, left, ret_bits + i);
    }
}

/* Rows of usual sizes without loops and rests. */
static BITS_INLINE void xor_rows_of_size(const uint8_t *query, size_t size,
                                         const uint8_t *const *rows, size_t count,
                                         uint32_t *ret_bits)
{
    switch (size) {
    case 32:
        xor_rows(query, 32, rows, count, ret_bits);
        break;
    case 64:
        xor_rows(query, 64, rows, count, ret_bits);
        break;
    case 128:
        xor_rows(query, 128, rows, count, ret_bits);
        break;
    default:
        xor_rows(query, size, rows, count, ret_bits);
        break;
    }
}

static BITS_INLINE void and_rows(const uint8_t *query, size_t size, const uint8_t *const *rows,
                                 size_t count, uint32_t *ret_both, uint32_t *ret_row)
{
    for (size_t i = 0; i < count; i += BITS_ROWS) {
        const size_t left = count - i < BITS_ROWS ? count - i : BITS_ROWS;
        __m256i both[BITS_ROWS];
        __m256i alone[BITS_ROWS];
        for (size_t r = 0; r < BITS_ROWS; r++)
            and_row(query, size, rows[i + (r < left ? r : left - 1)], &both[r], &alone[r]);
        store_sums(both, left, ret_both + i);
        store_sums(alone, left, ret_row + i);
    }
}

#endif
