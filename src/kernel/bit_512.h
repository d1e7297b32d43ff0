/* bit_512.h: the loops of bit.h with AVX-512. A group is one register of 16 rows. The file that
 * includes this says how bits are counted, and names the table:
 *     BIT_RUN                              lines that may be added before counts are widened
 *     static __m512i count_part(__m512i)   counts of the bits of each word, spread over its bytes
 *     static __m512i widen(__m512i)        sums of them as numbers of 4 bytes
 *     static __m512i add_part(__m512i, __m512i) */
#ifndef GODWIT_KERNEL_BIT_512_H
#define GODWIT_KERNEL_BIT_512_H

#include <immintrin.h>
#include <string.h>

#include "kernel/bit_isa.h"

static inline __m512i broadcast(const uint8_t *four)
{
    int32_t word;
    memcpy(&word, four, sizeof word);
    return _mm512_set1_epi32(word);
}

static inline __m512i combine(__m512i rows, const uint8_t *four, bool is_and)
{
    return is_and ? _mm512_and_si512(rows, broadcast(four))
                  : _mm512_xor_si512(rows, broadcast(four));
}

/* Bits of query AND row, or XOR, of one group and one to BIT_TILE queries: each line is read once.
 */
static inline __attribute__((always_inline)) void sum_group(const uint8_t *group, size_t lines,
                                                            const struct bit_query *queries,
                                                            size_t count, bool is_and,
                                                            __m512i sums[BIT_TILE])
{
    for (size_t q = 0; q < count; q++)
        sums[q] = _mm512_setzero_si512();
    for (size_t first = 0, end; first < lines; first = end) {
        end = lines - first < BIT_RUN ? lines : first + BIT_RUN;
        __m512i parts[BIT_TILE];
        for (size_t q = 0; q < count; q++)
            parts[q] = _mm512_setzero_si512();
        for (size_t line = first; line < end; line++) {
            const __m512i rows = _mm512_loadu_si512(group + line * BIT_LINE);
            for (size_t q = 0; q < count; q++)
                parts[q] = add_part(parts[q],
                                    count_part(combine(rows, queries[q].words + 4 * line, is_and)));
        }
        for (size_t q = 0; q < count; q++)
            sums[q] = _mm512_add_epi32(sums[q], widen(parts[q]));
    }
}

static inline __m512 jaccard(__m512i both, __m512i alone, uint32_t query_bits)
{
    const __m512i whole = _mm512_add_epi32(alone, _mm512_set1_epi32((int)query_bits));
    const __m512i any = _mm512_sub_epi32(whole, both);
    const __m512 part =
        _mm512_div_ps(_mm512_cvtepi32_ps(_mm512_sub_epi32(any, both)), _mm512_cvtepi32_ps(any));
    const __mmask16 is_none = _mm512_cmpeq_epi32_mask(any, _mm512_setzero_si512());
    return _mm512_mask_mov_ps(part, is_none, _mm512_set1_ps(1.0F));
}

static inline __attribute__((always_inline)) void scan_some(const struct bit_groups *groups,
                                                            const struct bit_query *queries,
                                                            size_t query_count, bool is_and,
                                                            float *ret_keys, uint16_t *ret_masks)
{
    const size_t size = bit_group_size(groups->lines, is_and);
    for (size_t g = 0; g < groups->count; g++) {
        const uint8_t *group = groups->groups + g * size;
        __m512i sums[BIT_TILE];
        sum_group(group, groups->lines, queries, query_count, is_and, sums);
        for (size_t q = 0; q < query_count; q++) {
            const __m512 keys =
                is_and ? jaccard(sums[q], _mm512_loadu_si512(group + groups->lines * BIT_LINE),
                                 queries[q].bits)
                       : _mm512_cvtepi32_ps(sums[q]);
            _mm512_storeu_ps(ret_keys + (q * groups->count + g) * BIT_GROUP, keys);
            ret_masks[q * groups->count + g] =
                _mm512_cmp_ps_mask(keys, _mm512_set1_ps(queries[q].limit), _CMP_LE_OQ);
        }
    }
}

static void scan(const struct bit_groups *groups, const struct bit_query *queries,
                 size_t query_count, float *ret_keys, uint16_t *ret_masks)
{
    if (query_count == BIT_TILE) {
        if (groups->has_counts)
            scan_some(groups, queries, BIT_TILE, true, ret_keys, ret_masks);
        else
            scan_some(groups, queries, BIT_TILE, false, ret_keys, ret_masks);
        return;
    }
    for (size_t q = 0; q < query_count; q++) {
        float *keys = ret_keys + q * groups->count * BIT_GROUP;
        uint16_t *masks = ret_masks + q * groups->count;
        if (groups->has_counts)
            scan_some(groups, queries + q, 1, true, keys, masks);
        else
            scan_some(groups, queries + q, 1, false, keys, masks);
    }
}

static inline __m512i weights_of(const uint8_t *values, uint16_t bit)
{
    return _mm512_loadu_si512(values + (size_t)bit * BIT_LANES);
}

static inline __m512i sixteen(__m128i first, __m128i second)
{
    return _mm512_cvtepu16_epi32(_mm256_inserti128_si256(_mm256_castsi128_si256(first), second, 1));
}

/* Adds the weights of at most BIT_STEP * BIT_STEPS bits to the sums of 64 lists. */
static inline void weigh_some(const uint8_t *values, const uint16_t *bits, size_t count,
                              __m512i sums[4])
{
    const __m512i low = _mm512_set1_epi16(255);
    __m512i even = _mm512_setzero_si512(); /* lists 0, 2, 4 ... */
    __m512i odd = _mm512_setzero_si512();
    size_t i = 0;
    for (; i + BIT_STEP <= count; i += BIT_STEP) {
        const __m512i two =
            _mm512_add_epi8(weights_of(values, bits[i]), weights_of(values, bits[i + 1]));
        const __m512i others =
            _mm512_add_epi8(weights_of(values, bits[i + 2]), weights_of(values, bits[i + 3]));
        const __m512i four = _mm512_add_epi8(two, others);
        even = _mm512_add_epi16(even, _mm512_and_si512(four, low));
        odd = _mm512_add_epi16(odd, _mm512_srli_epi16(four, 8));
    }
    for (; i < count; i++) {
        const __m512i one = weights_of(values, bits[i]);
        even = _mm512_add_epi16(even, _mm512_and_si512(one, low));
        odd = _mm512_add_epi16(odd, _mm512_srli_epi16(one, 8));
    }
    const __m512i a = _mm512_unpacklo_epi16(even, odd); /* 0..7, 16..23, 32..39, 48..55 */
    const __m512i b = _mm512_unpackhi_epi16(even, odd);
    const __m512i parts[4] = {
        sixteen(_mm512_castsi512_si128(a), _mm512_castsi512_si128(b)),
        sixteen(_mm512_extracti32x4_epi32(a, 1), _mm512_extracti32x4_epi32(b, 1)),
        sixteen(_mm512_extracti32x4_epi32(a, 2), _mm512_extracti32x4_epi32(b, 2)),
        sixteen(_mm512_extracti32x4_epi32(a, 3), _mm512_extracti32x4_epi32(b, 3))};
    for (size_t p = 0; p < 4; p++)
        sums[p] = _mm512_add_epi32(sums[p], parts[p]);
}

static void weigh(const struct bit_weights *weights, const uint16_t *bits, size_t bit_count,
                  float scale, float *ret_keys)
{
    const size_t most = (size_t)BIT_STEP * BIT_STEPS;
    for (size_t list = 0; list < weights->count; list += BIT_LANES) {
        __m512i sums[4] = {_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512(),
                           _mm512_setzero_si512()};
        const uint8_t *values = weights->values + bit_weight_at(weights->dim, list, 0);
        for (size_t i = 0; i < bit_count; i += most)
            weigh_some(values, bits + i, bit_count - i < most ? bit_count - i : most, sums);
        for (size_t p = 0; p < 4; p++) {
            const __m512 norms = _mm512_loadu_ps(weights->norms + list + 16 * p);
            const __m512 products =
                _mm512_mul_ps(_mm512_set1_ps(scale), _mm512_cvtepi32_ps(sums[p]));
            _mm512_storeu_ps(ret_keys + list + 16 * p, _mm512_sub_ps(norms, products));
        }
    }
}

#endif
