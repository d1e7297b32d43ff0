/* bit_avx2.c: the loops of bit.h with AVX2. A group is two registers of 8 rows; bits are counted by
 * looking up half bytes. */
#include <immintrin.h>
#include <string.h>

#include "kernel/bit_isa.h"

#define RUN 31 /* lines whose counts, at most 8 a byte, fit into bytes */

static inline __m256i load(const uint8_t *at)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)at);
}

static inline __m256i broadcast(const uint8_t *four)
{
    int32_t word;
    memcpy(&word, four, sizeof word);
    return _mm256_set1_epi32(word);
}

/* Set bits of each byte. */
static inline __m256i count_bytes(__m256i bits)
{
    const __m256i counts =
        _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4));
    const __m256i low_half = _mm256_set1_epi8(15);
    const __m256i low = _mm256_and_si256(bits, low_half);
    const __m256i high = _mm256_and_si256(_mm256_srli_epi16(bits, 4), low_half);
    return _mm256_add_epi8(_mm256_shuffle_epi8(counts, low), _mm256_shuffle_epi8(counts, high));
}

/* Four bytes of counts to one number. */
static inline __m256i widen(__m256i bytes)
{
    return _mm256_madd_epi16(_mm256_maddubs_epi16(bytes, _mm256_set1_epi8(1)),
                             _mm256_set1_epi16(1));
}

/* Of 8 rows: bits of query AND row, or XOR. */
static inline __m256i sum_half(const uint8_t *half, size_t lines, const uint8_t *words, bool is_and)
{
    __m256i sum = _mm256_setzero_si256();
    for (size_t first = 0; first < lines; first += RUN) {
        const size_t end = lines - first < RUN ? lines : first + RUN;
        __m256i bytes = _mm256_setzero_si256();
        for (size_t line = first; line < end; line++) {
            const __m256i query = broadcast(words + 4 * line);
            const __m256i rows = load(half + line * BIT_LINE);
            bytes = _mm256_add_epi8(bytes, count_bytes(is_and ? _mm256_and_si256(rows, query)
                                                              : _mm256_xor_si256(rows, query)));
        }
        sum = _mm256_add_epi32(sum, widen(bytes));
    }
    return sum;
}

static inline __m256 jaccard(__m256i both, __m256i alone, uint32_t query_bits)
{
    const __m256i whole = _mm256_add_epi32(alone, _mm256_set1_epi32((int)query_bits));
    const __m256i any = _mm256_sub_epi32(whole, both);
    const __m256 part =
        _mm256_div_ps(_mm256_cvtepi32_ps(_mm256_sub_epi32(any, both)), _mm256_cvtepi32_ps(any));
    const __m256i is_none = _mm256_cmpeq_epi32(any, _mm256_setzero_si256());
    return _mm256_blendv_ps(part, _mm256_set1_ps(1.0F), _mm256_castsi256_ps(is_none));
}

static void scan(const struct bit_groups *groups, const struct bit_query *queries,
                 size_t query_count, float *ret_keys, uint16_t *ret_masks)
{
    const size_t size = bit_group_size(groups->lines, groups->has_counts);
    for (size_t g = 0; g < groups->count; g++)
        for (size_t q = 0; q < query_count; q++) {
            const uint8_t *group = groups->groups + g * size;
            float *keys = ret_keys + (q * groups->count + g) * BIT_GROUP;
            unsigned mask = 0;
            for (size_t h = 0; h < 2; h++) {
                const __m256i sums =
                    groups->has_counts
                        ? sum_half(group + 32 * h, groups->lines, queries[q].words, true)
                        : sum_half(group + 32 * h, groups->lines, queries[q].words, false);
                const __m256 eight =
                    groups->has_counts
                        ? jaccard(sums, load(group + groups->lines * BIT_LINE + 32 * h),
                                  queries[q].bits)
                        : _mm256_cvtepi32_ps(sums);
                _mm256_storeu_ps(keys + 8 * h, eight);
                const __m256 is_within =
                    _mm256_cmp_ps(eight, _mm256_set1_ps(queries[q].limit), _CMP_LE_OQ);
                mask |= (unsigned)_mm256_movemask_ps(is_within) << (8 * h);
            }
            ret_masks[q * groups->count + g] = (uint16_t)mask;
        }
}

/* Weights of one bit, or none. */
static inline __m256i weights_at(const uint8_t *values, const uint16_t *bits, size_t at,
                                 size_t count)
{
    return at < count ? load(values + (size_t)bits[at] * BIT_LANES) : _mm256_setzero_si256();
}

/* Adds the weights of at most BIT_STEP * BIT_STEPS bits to the sums of 32 lists. */
static void weigh_some(const uint8_t *values, const uint16_t *bits, size_t count, __m256i sums[4])
{
    __m256i even = _mm256_setzero_si256(); /* lists 0, 2, 4 ... */
    __m256i odd = _mm256_setzero_si256();
    for (size_t i = 0; i < count; i += BIT_STEP) {
        const __m256i two = _mm256_add_epi8(load(values + (size_t)bits[i] * BIT_LANES),
                                            weights_at(values, bits, i + 1, count));
        const __m256i others = _mm256_add_epi8(weights_at(values, bits, i + 2, count),
                                               weights_at(values, bits, i + 3, count));
        const __m256i four = _mm256_add_epi8(two, others);
        even = _mm256_add_epi16(even, _mm256_and_si256(four, _mm256_set1_epi16(255)));
        odd = _mm256_add_epi16(odd, _mm256_srli_epi16(four, 8));
    }
    const __m256i first = _mm256_unpacklo_epi16(even, odd); /* 0..7 and 16..23 */
    const __m256i second = _mm256_unpackhi_epi16(even, odd);
    const __m128i parts[4] = {_mm256_castsi256_si128(first), _mm256_castsi256_si128(second),
                              _mm256_extracti128_si256(first, 1),
                              _mm256_extracti128_si256(second, 1)};
    for (size_t i = 0; i < 4; i++)
        sums[i] = _mm256_add_epi32(sums[i], _mm256_cvtepu16_epi32(parts[i]));
}

static void weigh(const struct bit_weights *weights, const uint16_t *bits, size_t bit_count,
                  float scale, float *ret_keys)
{
    const size_t most = (size_t)BIT_STEP * BIT_STEPS;
    for (size_t list = 0; list < weights->count; list += 32) {
        __m256i sums[4] = {_mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256(),
                           _mm256_setzero_si256()};
        const uint8_t *values = weights->values + bit_weight_at(weights->dim, list, 0);
        for (size_t i = 0; i < bit_count; i += most)
            weigh_some(values, bits + i, bit_count - i < most ? bit_count - i : most, sums);
        for (size_t i = 0; i < 4; i++) {
            const __m256 products =
                _mm256_mul_ps(_mm256_set1_ps(scale), _mm256_cvtepi32_ps(sums[i]));
            _mm256_storeu_ps(
                ret_keys + list + 8 * i,
                _mm256_sub_ps(_mm256_loadu_ps(weights->norms + list + 8 * i), products));
        }
    }
}

const struct bit_kernel bit_avx2 = {.name = "avx2", .scan = scan, .weigh = weigh};
