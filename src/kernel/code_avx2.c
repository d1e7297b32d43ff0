/* code_avx2.c: the loops of code.h with AVX2. A group is two registers of 8 rows.
 *
 * Products of bytes are added in pairs in 16 bits, which saturates only past 32767: 7-bit codes
 * give at most 2 x 127 x 127 = 32258, 4-bit codes 2 x 2 x 15 x 127 = 7620 for both halves of a
 * byte. */
#include <immintrin.h>
#include <math.h>
#include <string.h>

#include "kernel/code_isa.h"

static inline __m256i broadcast(const int8_t *four)
{
    int32_t word;
    memcpy(&word, four, sizeof word);
    return _mm256_set1_epi32(word);
}

static inline __m256i load(const uint8_t *at)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)at);
}

static inline __m256 make_keys(const uint8_t *norms, __m256 scale, __m256i sums)
{
    const __m256 norm = _mm256_castsi256_ps(load(norms));
    return _mm256_sub_ps(norm, _mm256_mul_ps(scale, _mm256_cvtepi32_ps(sums)));
}

static void scan4(const struct code_groups *groups, const int8_t *query, float scale, float limit,
                  float *ret_keys, uint16_t *ret_masks)
{
    const __m256i low_half = _mm256_set1_epi8(15);
    const __m256i ones = _mm256_set1_epi16(1);
    const __m256 scales = _mm256_set1_ps(scale);
    const __m256 limits = _mm256_set1_ps(limit);
    for (size_t g = 0; g < groups->count; g++) {
        const uint8_t *group = groups->groups + g * code_group_size(groups->lines);
        __m256i sums[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
        for (size_t line = 0; line < groups->lines; line++) {
            const __m256i low = broadcast(query + line * CODE4_DIMS);
            const __m256i high = broadcast(query + line * CODE4_DIMS + 4);
            for (size_t h = 0; h < 2; h++) {
                const __m256i bytes = load(group + line * CODE_LINE + 32 * h);
                const __m256i upper = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), low_half);
                const __m256i pairs =
                    _mm256_add_epi16(_mm256_maddubs_epi16(_mm256_and_si256(bytes, low_half), low),
                                     _mm256_maddubs_epi16(upper, high));
                sums[h] = _mm256_add_epi32(sums[h], _mm256_madd_epi16(pairs, ones));
            }
        }
        unsigned mask = 0;
        for (size_t h = 0; h < 2; h++) {
            const __m256 keys =
                make_keys(group + groups->lines * CODE_LINE + 32 * h, scales, sums[h]);
            _mm256_storeu_ps(ret_keys + g * CODE_GROUP + 8 * h, keys);
            mask |= (unsigned)_mm256_movemask_ps(_mm256_cmp_ps(keys, limits, _CMP_LE_OQ))
                    << (8 * h);
        }
        ret_masks[g] = (uint16_t)mask;
    }
}

static inline __m256i add_products(__m256i sum, __m256i codes, __m256i query)
{
    return _mm256_add_epi32(
        sum, _mm256_madd_epi16(_mm256_maddubs_epi16(codes, query), _mm256_set1_epi16(1)));
}

/* Four queries (some may be the same one again) and one group. */
static inline void tile_group(const uint8_t *group, size_t lines, const int8_t *const *queries,
                              __m256i sums[CODE_TILE][2])
{
    for (size_t q = 0; q < CODE_TILE; q++)
        sums[q][0] = sums[q][1] = _mm256_setzero_si256();
    for (size_t line = 0; line < lines; line++) {
        const __m256i first = load(group + line * CODE_LINE);
        const __m256i second = load(group + line * CODE_LINE + 32);
        for (size_t q = 0; q < CODE_TILE; q++) {
            const __m256i query = broadcast(queries[q] + line * CODE7_DIMS);
            sums[q][0] = add_products(sums[q][0], first, query);
            sums[q][1] = add_products(sums[q][1], second, query);
        }
    }
}

static void tile7(const struct code_groups *groups, const int8_t *const *queries,
                  size_t query_count, float scale, float *ret_keys)
{
    const __m256 scales = _mm256_set1_ps(scale);
    const int8_t *four[CODE_TILE];
    for (size_t q = 0; q < CODE_TILE; q++)
        four[q] = queries[q < query_count ? q : 0];
    for (size_t g = 0; g < groups->count; g++) {
        const uint8_t *group = groups->groups + g * code_group_size(groups->lines);
        const uint8_t *norms = group + groups->lines * CODE_LINE;
        __m256i sums[CODE_TILE][2];
        tile_group(group, groups->lines, four, sums);
        for (size_t q = 0; q < query_count; q++)
            for (size_t h = 0; h < 2; h++)
                _mm256_storeu_ps(ret_keys + (q * groups->count + g) * CODE_GROUP + 8 * h,
                                 make_keys(norms + 32 * h, scales, sums[q][h]));
    }
}

static inline __m256i load_query(const int8_t *at)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)at);
}

static inline void store_keys(const struct code_rows *rows, const uint32_t places[4],
                              const __m256i sums[4], float scale, float *ret_keys)
{
    const __m256i pairs =
        _mm256_hadd_epi32(_mm256_hadd_epi32(sums[0], sums[1]), _mm256_hadd_epi32(sums[2], sums[3]));
    const __m128i whole =
        _mm_add_epi32(_mm256_castsi256_si128(pairs), _mm256_extracti128_si256(pairs, 1));
    float norms[4];
    for (size_t i = 0; i < 4; i++)
        memcpy(&norms[i], rows->norms + places[i] * rows->norm_stride, sizeof norms[i]);
    _mm_storeu_ps(ret_keys, _mm_sub_ps(_mm_loadu_ps(norms),
                                       _mm_mul_ps(_mm_set1_ps(scale), _mm_cvtepi32_ps(whole))));
}

static void rows4(const struct code_rows *rows, const uint32_t *ids, size_t count,
                  const int8_t *query, float scale, float *ret_keys)
{
    const __m256i low_half = _mm256_set1_epi8(15);
    const __m256i ones = _mm256_set1_epi16(1);
    const size_t size = code_row_lines(rows->width) * CODE_LINE;
    for (size_t first = 0; first < count; first += 4) {
        uint32_t places[4];
        __m256i sums[4];
        for (size_t i = 0; i < 4; i++) {
            places[i] = ids[first + i < count ? first + i : count - 1];
            sums[i] = _mm256_setzero_si256();
        }
        for (size_t at = 0; at < rows->width; at += 32) {
            const __m256i low = load_query(query + at);
            const __m256i high = load_query(query + size + at);
            for (size_t i = 0; i < 4; i++) {
                const __m256i bytes = load(rows->codes + places[i] * rows->stride + at);
                const __m256i upper = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), low_half);
                const __m256i pairs =
                    _mm256_add_epi16(_mm256_maddubs_epi16(_mm256_and_si256(bytes, low_half), low),
                                     _mm256_maddubs_epi16(upper, high));
                sums[i] = _mm256_add_epi32(sums[i], _mm256_madd_epi16(pairs, ones));
            }
        }
        store_keys(rows, places, sums, scale, ret_keys + first);
    }
}

static void rows7(const struct code_rows *rows, const uint32_t *ids, size_t count,
                  const int8_t *query, float scale, float *ret_keys)
{
    for (size_t first = 0; first < count; first += 4) {
        uint32_t places[4];
        __m256i sums[4];
        for (size_t i = 0; i < 4; i++) {
            places[i] = ids[first + i < count ? first + i : count - 1];
            sums[i] = _mm256_setzero_si256();
        }
        for (size_t at = 0; at < rows->width; at += 32) {
            const __m256i values = load_query(query + at);
            for (size_t i = 0; i < 4; i++)
                sums[i] = add_products(sums[i], load(rows->codes + places[i] * rows->stride + at),
                                       values);
        }
        store_keys(rows, places, sums, scale, ret_keys + first);
    }
}

static size_t smallest(const float *keys, size_t group_count)
{
    __m256 best = _mm256_set1_ps(INFINITY);
    __m256i places = _mm256_setzero_si256();
    __m256i place = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    for (size_t i = 0; i < group_count * CODE_GROUP; i += 8) {
        const __m256 eight = _mm256_loadu_ps(keys + i);
        const __m256 is_less = _mm256_cmp_ps(eight, best, _CMP_LT_OQ);
        best = _mm256_blendv_ps(best, eight, is_less);
        places = _mm256_blendv_epi8(places, place, _mm256_castps_si256(is_less));
        place = _mm256_add_epi32(place, _mm256_set1_epi32(8));
    }
    float lane_keys[8];
    uint32_t lane_places[8];
    _mm256_storeu_ps(lane_keys, best);
    _mm256_storeu_si256((__m256i *)(void *)lane_places, places);
    size_t lane = 0;
    for (size_t i = 1; i < 8; i++)
        if (lane_keys[i] < lane_keys[lane] ||
            (lane_keys[i] == lane_keys[lane] && lane_places[i] < lane_places[lane]))
            lane = i;
    return lane_places[lane];
}

/* Words of 32 bits: a row's bit is bit row % 32 of word row / 32 on this machine. It is shifted to
 * the sign. */
static size_t passing(const uint32_t *rows, size_t count, const uint64_t *allow, uint32_t row_count,
                      uint16_t *ret_masks)
{
    const __m256i sign = _mm256_set1_epi32(INT32_MIN);
    const __m256i end = _mm256_xor_si256(_mm256_set1_epi32((int32_t)row_count), sign);
    size_t all = 0;
    for (size_t i = 0; i < 2 * count; i++) {
        const __m256i row = load((const uint8_t *)(rows + 8 * i));
        const __m256i is_row = _mm256_cmpgt_epi32(end, _mm256_xor_si256(row, sign));
        const __m256i words =
            _mm256_mask_i32gather_epi32(_mm256_setzero_si256(), (const int *)(const void *)allow,
                                        _mm256_srli_epi32(row, 5), is_row, 4);
        const __m256i place = _mm256_and_si256(row, _mm256_set1_epi32(31));
        const __m256i bits =
            _mm256_sllv_epi32(words, _mm256_sub_epi32(_mm256_set1_epi32(31), place));
        const unsigned mask = (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(bits));
        ret_masks[i / 2] = (uint16_t)(i % 2 == 0 ? mask : ret_masks[i / 2] | mask << 8);
        all += (size_t)__builtin_popcount(mask);
    }
    return all;
}

const struct code_kernel code_avx2 = {.name = "avx2",
                                      .scan4 = scan4,
                                      .tile7 = tile7,
                                      .rows4 = rows4,
                                      .rows7 = rows7,
                                      .smallest = smallest,
                                      .passing = passing};
