/* code_scalar.c: the plain twin of the loops in code.h, with which tests compare the others. */
#include <math.h>
#include <string.h>

#include "kernel/code_isa.h"

static float key_of(const uint8_t *group, size_t lines, size_t row, float scale, int32_t sum)
{
    float norm;
    memcpy(&norm, group + lines * CODE_LINE + row * sizeof norm, sizeof norm);
    return norm - scale * (float)sum;
}

static void scan4(const struct code_groups *groups, const int8_t *query, float scale, float limit,
                  float *ret_keys, uint16_t *ret_masks)
{
    for (size_t g = 0; g < groups->count; g++) {
        const uint8_t *group = groups->groups + g * code_group_size(groups->lines);
        unsigned mask = 0;
        for (size_t r = 0; r < CODE_GROUP; r++) {
            int32_t sum = 0;
            for (size_t line = 0; line < groups->lines; line++) {
                const uint8_t *bytes = group + line * CODE_LINE + 4 * r;
                const int8_t *values = query + line * CODE4_DIMS;
                for (size_t t = 0; t < 4; t++)
                    sum += (bytes[t] & 15) * values[t] + (bytes[t] >> 4) * values[4 + t];
            }
            const float key = key_of(group, groups->lines, r, scale, sum);
            ret_keys[g * CODE_GROUP + r] = key;
            mask |= (key <= limit ? 1U : 0U) << r;
        }
        ret_masks[g] = (uint16_t)mask;
    }
}

static void tile7(const struct code_groups *groups, const int8_t *const *queries,
                  size_t query_count, float scale, float *ret_keys)
{
    for (size_t q = 0; q < query_count; q++)
        for (size_t i = 0; i < groups->count * CODE_GROUP; i++) {
            const uint8_t *group = groups->groups + i / CODE_GROUP * code_group_size(groups->lines);
            const size_t r = i % CODE_GROUP;
            int32_t sum = 0;
            for (size_t k = 0; k < groups->lines * CODE7_DIMS; k++)
                sum += group[k / 4 * CODE_LINE + 4 * r + k % 4] * queries[q][k];
            ret_keys[q * groups->count * CODE_GROUP + i] =
                key_of(group, groups->lines, r, scale, sum);
        }
}

static float row_key(const struct code_rows *rows, uint32_t id, float scale, int32_t sum)
{
    float norm;
    memcpy(&norm, rows->norms + id * rows->norm_stride, sizeof norm);
    return norm - scale * (float)sum;
}

static void rows4(const struct code_rows *rows, const uint32_t *ids, size_t count,
                  const int8_t *query, float scale, float *ret_keys)
{
    const int8_t *high = query + code_row_lines(rows->width) * CODE_LINE;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *bytes = rows->codes + ids[i] * rows->stride;
        int32_t sum = 0;
        for (size_t k = 0; k < rows->width; k++)
            sum += (bytes[k] & 15) * query[k] + (bytes[k] >> 4) * high[k];
        ret_keys[i] = row_key(rows, ids[i], scale, sum);
    }
}

static void rows7(const struct code_rows *rows, const uint32_t *ids, size_t count,
                  const int8_t *query, float scale, float *ret_keys)
{
    for (size_t i = 0; i < count; i++) {
        const uint8_t *bytes = rows->codes + ids[i] * rows->stride;
        int32_t sum = 0;
        for (size_t k = 0; k < rows->width; k++)
            sum += bytes[k] * query[k];
        ret_keys[i] = row_key(rows, ids[i], scale, sum);
    }
}

static size_t smallest(const float *keys, size_t group_count)
{
    size_t best = 0;
    float key = INFINITY;
    for (size_t i = 0; i < group_count * CODE_GROUP; i++)
        if (keys[i] < key) {
            key = keys[i];
            best = i;
        }
    return best;
}

static size_t passing(const uint32_t *rows, size_t count, const uint64_t *allow, uint32_t row_count,
                      uint16_t *ret_masks)
{
    size_t all = 0;
    for (size_t g = 0; g < count; g++) {
        unsigned mask = 0;
        for (size_t r = 0; r < CODE_GROUP; r++) {
            const uint32_t row = rows[g * CODE_GROUP + r];
            if (row < row_count)
                mask |= (unsigned)(allow[row / 64] >> (row % 64) & 1) << r;
        }
        ret_masks[g] = (uint16_t)mask;
        all += (size_t)__builtin_popcount(mask);
    }
    return all;
}

const struct code_kernel code_scalar = {.name = "scalar",
                                        .scan4 = scan4,
                                        .tile7 = tile7,
                                        .rows4 = rows4,
                                        .rows7 = rows7,
                                        .smallest = smallest,
                                        .passing = passing};
