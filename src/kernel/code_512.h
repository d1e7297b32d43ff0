/* code_512.h: the loops of code.h with AVX-512. A group is one register of 16 rows. The file that
 * includes this says how products are added (add_products) and names the table. */
#ifndef GODWIT_KERNEL_CODE_512_H
#define GODWIT_KERNEL_CODE_512_H

#include <immintrin.h>
#include <math.h>
#include <string.h>

#include "kernel/code_isa.h"

static inline __m512i broadcast(const int8_t *four)
{
    int32_t word;
    memcpy(&word, four, sizeof word);
    return _mm512_set1_epi32(word);
}

static inline __m512 make_keys(const uint8_t *norms, __m512 scale, __m512i sums)
{
    const __m512 norm = _mm512_castsi512_ps(_mm512_loadu_si512(norms));
    return _mm512_sub_ps(norm, _mm512_mul_ps(scale, _mm512_cvtepi32_ps(sums)));
}

static inline __m512i add_halves(__m512i sum, __m512i bytes, __m512i low, __m512i high)
{
    const __m512i low_half = _mm512_set1_epi8(15);
    const __m512i upper = _mm512_and_si512(_mm512_srli_epi16(bytes, 4), low_half);
    sum = add_products(sum, _mm512_and_si512(bytes, low_half), low);
    return add_products(sum, upper, high);
}

/* Group after group: two of them side by side are two streams, with which memory is read half as
 * fast (bench/kernels). Sums of even and odd lines need not wait for each other. */
static void scan4(const struct code_groups *groups, const int8_t *query, float scale, float limit,
                  float *ret_keys, uint16_t *ret_masks)
{
    const __m512 scales = _mm512_set1_ps(scale);
    const __m512 limits = _mm512_set1_ps(limit);
    const size_t size = code_group_size(groups->lines);
    const size_t norms_at = groups->lines * CODE_LINE;
    for (size_t g = 0; g < groups->count; g++) {
        const uint8_t *group = groups->groups + g * size;
        __m512i even = _mm512_setzero_si512();
        __m512i odd = _mm512_setzero_si512();
        size_t line = 0;
        for (; line + 2 <= groups->lines; line += 2) {
            const int8_t *values = query + line * CODE4_DIMS;
            const uint8_t *codes = group + line * CODE_LINE;
            even = add_halves(even, _mm512_loadu_si512(codes), broadcast(values),
                              broadcast(values + 4));
            odd = add_halves(odd, _mm512_loadu_si512(codes + CODE_LINE),
                             broadcast(values + CODE4_DIMS), broadcast(values + CODE4_DIMS + 4));
        }
        if (line < groups->lines)
            even = add_halves(even, _mm512_loadu_si512(group + line * CODE_LINE),
                              broadcast(query + line * CODE4_DIMS),
                              broadcast(query + line * CODE4_DIMS + 4));
        const __m512 keys = make_keys(group + norms_at, scales, _mm512_add_epi32(even, odd));
        _mm512_storeu_ps(ret_keys + g * CODE_GROUP, keys);
        ret_masks[g] = _mm512_cmp_ps_mask(keys, limits, _CMP_LE_OQ);
    }
}

/* Four queries (some may be the same one again) and two groups. */
static inline void tile_groups(const uint8_t *first, const uint8_t *second, size_t lines,
                               const int8_t *const *queries, __m512i sums[CODE_TILE][2])
{
    for (size_t q = 0; q < CODE_TILE; q++)
        sums[q][0] = sums[q][1] = _mm512_setzero_si512();
    for (size_t line = 0; line < lines; line++) {
        const __m512i one = _mm512_loadu_si512(first + line * CODE_LINE);
        const __m512i two = _mm512_loadu_si512(second + line * CODE_LINE);
        for (size_t q = 0; q < CODE_TILE; q++) {
            const __m512i query = broadcast(queries[q] + line * CODE7_DIMS);
            sums[q][0] = add_products(sums[q][0], one, query);
            sums[q][1] = add_products(sums[q][1], two, query);
        }
    }
}

/* One query and one group: two sums, so that additions overlap. */
static inline __m512i sum_group(const uint8_t *group, size_t lines, const int8_t *query)
{
    __m512i sums[2] = {_mm512_setzero_si512(), _mm512_setzero_si512()};
    for (size_t line = 0; line < lines; line++)
        sums[line % 2] = add_products(sums[line % 2], _mm512_loadu_si512(group + line * CODE_LINE),
                                      broadcast(query + line * CODE7_DIMS));
    return _mm512_add_epi32(sums[0], sums[1]);
}

static void tile7(const struct code_groups *groups, const int8_t *const *queries,
                  size_t query_count, float scale, float *ret_keys)
{
    const __m512 scales = _mm512_set1_ps(scale);
    const size_t size = code_group_size(groups->lines);
    const size_t norms_at = groups->lines * CODE_LINE;
    const int8_t *four[CODE_TILE];
    for (size_t q = 0; q < CODE_TILE; q++)
        four[q] = queries[q < query_count ? q : 0];
    for (size_t g = 0; query_count == 1 && g < groups->count; g++) {
        const uint8_t *group = groups->groups + g * size;
        _mm512_storeu_ps(
            ret_keys + g * CODE_GROUP,
            make_keys(group + norms_at, scales, sum_group(group, groups->lines, queries[0])));
    }
    for (size_t g = 0; query_count > 1 && g < groups->count; g += 2) {
        const size_t both = g + 1 < groups->count ? 2 : 1;
        const uint8_t *first = groups->groups + g * size;
        const uint8_t *second = first + (both - 1) * size;
        __m512i sums[CODE_TILE][2];
        tile_groups(first, second, groups->lines, four, sums);
        for (size_t q = 0; q < query_count; q++)
            for (size_t h = 0; h < both; h++)
                _mm512_storeu_ps(ret_keys + (q * groups->count + g + h) * CODE_GROUP,
                                 make_keys(first + h * size + norms_at, scales, sums[q][h]));
    }
}

/* Four sums of 16 numbers each, side by side. */
static inline __m128i add_across(const __m512i sums[4])
{
    __m256i half[4];
    for (size_t i = 0; i < 4; i++)
        half[i] = _mm256_add_epi32(_mm512_castsi512_si256(sums[i]),
                                   _mm512_extracti64x4_epi64(sums[i], 1));
    const __m256i pairs =
        _mm256_hadd_epi32(_mm256_hadd_epi32(half[0], half[1]), _mm256_hadd_epi32(half[2], half[3]));
    return _mm_add_epi32(_mm256_castsi256_si128(pairs), _mm256_extracti128_si256(pairs, 1));
}

/* Some of four rows; `places` has four numbers, the last ones perhaps again. */
static inline void store_keys(const struct code_rows *rows, const uint32_t places[4], __m128i sums,
                              float scale, float *ret_keys)
{
    float norms[4];
    for (size_t i = 0; i < 4; i++)
        memcpy(&norms[i], rows->norms + places[i] * rows->norm_stride, sizeof norms[i]);
    _mm_storeu_ps(ret_keys, _mm_sub_ps(_mm_loadu_ps(norms),
                                       _mm_mul_ps(_mm_set1_ps(scale), _mm_cvtepi32_ps(sums))));
}

static inline void take_four(const uint32_t *ids, size_t left, uint32_t places[4])
{
    for (size_t i = 0; i < 4; i++)
        places[i] = ids[i < left ? i : left - 1];
}

static void rows4(const struct code_rows *rows, const uint32_t *ids, size_t count,
                  const int8_t *query, float scale, float *ret_keys)
{
    const size_t size = code_row_lines(rows->width) * CODE_LINE;
    for (size_t first = 0; first < count; first += 4) {
        uint32_t places[4];
        take_four(ids + first, count - first, places);
        const uint8_t *row[4];
        __m512i sums[4];
        for (size_t i = 0; i < 4; i++) {
            row[i] = rows->codes + places[i] * rows->stride;
            sums[i] = _mm512_setzero_si512();
        }
        for (size_t at = 0; at < size; at += CODE_LINE) {
            const __m512i low = _mm512_loadu_si512(query + at);
            const __m512i high = _mm512_loadu_si512(query + size + at);
            for (size_t i = 0; i < 4; i++)
                sums[i] = add_halves(sums[i], _mm512_loadu_si512(row[i] + at), low, high);
        }
        store_keys(rows, places, add_across(sums), scale, ret_keys + first);
    }
}

static void rows7(const struct code_rows *rows, const uint32_t *ids, size_t count,
                  const int8_t *query, float scale, float *ret_keys)
{
    const size_t size = code_row_lines(rows->width) * CODE_LINE;
    for (size_t first = 0; first < count; first += 4) {
        uint32_t places[4];
        take_four(ids + first, count - first, places);
        const uint8_t *row[4];
        __m512i sums[4];
        for (size_t i = 0; i < 4; i++) {
            row[i] = rows->codes + places[i] * rows->stride;
            sums[i] = _mm512_setzero_si512();
        }
        for (size_t at = 0; at < size; at += CODE_LINE) {
            const __m512i values = _mm512_loadu_si512(query + at);
            for (size_t i = 0; i < 4; i++)
                sums[i] = add_products(sums[i], _mm512_loadu_si512(row[i] + at), values);
        }
        store_keys(rows, places, add_across(sums), scale, ret_keys + first);
    }
}

static size_t smallest(const float *keys, size_t group_count)
{
    __m512 best = _mm512_set1_ps(INFINITY);
    __m512i places = _mm512_setzero_si512();
    __m512i place = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    for (size_t g = 0; g < group_count; g++) {
        const __m512 group = _mm512_loadu_ps(keys + g * CODE_GROUP);
        const __mmask16 is_less = _mm512_cmp_ps_mask(group, best, _CMP_LT_OQ);
        best = _mm512_mask_mov_ps(best, is_less, group);
        places = _mm512_mask_mov_epi32(places, is_less, place);
        place = _mm512_add_epi32(place, _mm512_set1_epi32(CODE_GROUP));
    }
    const float least = _mm512_reduce_min_ps(best);
    const __mmask16 equal = _mm512_cmp_ps_mask(best, _mm512_set1_ps(least), _CMP_EQ_OQ);
    return (size_t)_mm512_mask_reduce_min_epu32(equal, places);
}

/* Words of 32 bits: a row's bit is bit row % 32 of word row / 32 on this machine. */
static size_t passing(const uint32_t *rows, size_t count, const uint64_t *allow, uint32_t row_count,
                      uint16_t *ret_masks)
{
    const __m512i end = _mm512_set1_epi32((int32_t)row_count);
    const __m512i one = _mm512_set1_epi32(1);
    size_t all = 0;
    for (size_t g = 0; g < count; g++) {
        const __m512i row = _mm512_loadu_si512(rows + g * CODE_GROUP);
        const __mmask16 is_row = _mm512_cmplt_epu32_mask(row, end);
        const __m512i words = _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), is_row,
                                                          _mm512_srli_epi32(row, 5), allow, 4);
        const __m512i bits = _mm512_sllv_epi32(one, _mm512_and_si512(row, _mm512_set1_epi32(31)));
        ret_masks[g] = _mm512_mask_test_epi32_mask(is_row, words, bits);
        all += (size_t)__builtin_popcount(ret_masks[g]);
    }
    return all;
}

#endif
