/* avx512_bits.h: the bit kernels of AVX-512, over a way to count the bits of 64-bit words.
 *
 * avx512_bits.c counts by table look-up, avx512_popcnt.c with one instruction; each defines
 * count_words() and then includes this. Rows are read one after another; one tree of shuffles
 * finishes four. */
#ifndef GODWIT_KERNEL_AVX512_BITS_H
#define GODWIT_KERNEL_AVX512_BITS_H

#include <immintrin.h>

#include "kernel/kernel.h"

#define ROWS 4 /* counted together */

static inline __mmask64 rest_mask(size_t size)
{
    return size < 64 ? ((__mmask64)1 << size) - 1 : ~(__mmask64)0;
}

/* The sums of four rows' words, as four 32-bit numbers. */
static inline __m128i sum_rows(__m512i a, __m512i b, __m512i c, __m512i d)
{
    const __m512i ab = _mm512_add_epi64(_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b));
    const __m512i cd = _mm512_add_epi64(_mm512_unpacklo_epi64(c, d), _mm512_unpackhi_epi64(c, d));
    const __m512i low = _mm512_shuffle_i64x2(ab, cd, 0x44);
    const __m512i high = _mm512_shuffle_i64x2(ab, cd, 0xee);
    const __m512i half = _mm512_add_epi64(low, high); /* ab ab cd cd */
    const __m512i other = _mm512_shuffle_i64x2(half, half, 0xb1);
    const __m512i all = _mm512_add_epi64(half, other);
    const __m512i packed = _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 1, 4, 5, 0, 0, 0, 0), all);
    return _mm256_cvtepi64_epi32(_mm512_castsi512_si256(packed));
}

static inline __m512i xor_row(const uint8_t *query, size_t size, const uint8_t *row)
{
    __m512i sum = _mm512_setzero_si512();
    for (size_t at = 0; at < size; at += 64) {
        const __mmask64 mask = rest_mask(size - at);
        const __m512i bytes = _mm512_maskz_loadu_epi8(mask, query + at);
        const __m512i differing = _mm512_xor_si512(bytes, _mm512_maskz_loadu_epi8(mask, row + at));
        sum = _mm512_add_epi64(sum, count_words(differing));
    }
    return sum;
}

static inline void and_row(const uint8_t *query, size_t size, const uint8_t *row, __m512i *ret_both,
                           __m512i *ret_alone)
{
    __m512i both = _mm512_setzero_si512();
    __m512i alone = _mm512_setzero_si512();
    for (size_t at = 0; at < size; at += 64) {
        const __mmask64 mask = rest_mask(size - at);
        const __m512i bytes = _mm512_maskz_loadu_epi8(mask, row + at);
        const __m512i shared = _mm512_and_si512(bytes, _mm512_maskz_loadu_epi8(mask, query + at));
        both = _mm512_add_epi64(both, count_words(shared));
        alone = _mm512_add_epi64(alone, count_words(bytes));
    }
    *ret_both = both;
    *ret_alone = alone;
}

static inline void store_four(uint32_t *ret_bits, const __m512i sums[ROWS])
{
    _mm_storeu_si128((__m128i *)(void *)ret_bits, sum_rows(sums[0], sums[1], sums[2], sums[3]));
}

/* Pointers to the next four rows; past the end the last one repeats. Returns how many are real. */
static inline size_t next_rows(const uint8_t *const *rows, size_t count, size_t from,
                               const uint8_t *ret_rows[ROWS])
{
    const size_t left = count - from < ROWS ? count - from : ROWS;
    for (size_t r = 0; r < ROWS; r++)
        ret_rows[r] = rows[from + (r < left ? r : left - 1)];
    return left;
}

static void bits_xor(const uint8_t *query, size_t size, const uint8_t *const *rows, size_t count,
                     uint32_t *ret_bits)
{
    for (size_t i = 0; i < count; i += ROWS) {
        const uint8_t *four[ROWS];
        uint32_t bits[ROWS];
        const size_t left = next_rows(rows, count, i, four);
        __m512i sums[ROWS];
        for (size_t r = 0; r < ROWS; r++)
            sums[r] = xor_row(query, size, four[r]);
        store_four(bits, sums);
        for (size_t r = 0; r < left; r++)
            ret_bits[i + r] = bits[r];
    }
}

static void bits_and(const uint8_t *query, size_t size, const uint8_t *const *rows, size_t count,
                     uint32_t *ret_both, uint32_t *ret_row)
{
    for (size_t i = 0; i < count; i += ROWS) {
        const uint8_t *four[ROWS];
        uint32_t both[ROWS];
        uint32_t alone[ROWS];
        const size_t left = next_rows(rows, count, i, four);
        __m512i both_sums[ROWS];
        __m512i alone_sums[ROWS];
        for (size_t r = 0; r < ROWS; r++)
            and_row(query, size, four[r], &both_sums[r], &alone_sums[r]);
        store_four(both, both_sums);
        store_four(alone, alone_sums);
        for (size_t r = 0; r < left; r++) {
            ret_both[i + r] = both[r];
            ret_row[i + r] = alone[r];
        }
    }
}

#endif
