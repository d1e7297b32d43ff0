/* bit_scalar.c: the plain twin of the loops in bit.h, with which tests compare the others. */
#include "base/bytes.h"
#include "kernel/bit_isa.h"

static float key_of(const struct bit_groups *groups, const uint8_t *group, size_t row,
                    const struct bit_query *query)
{
    uint32_t sum = 0;
    for (size_t line = 0; line < groups->lines; line++) {
        const uint32_t word = get_u32(group + line * BIT_LINE + 4 * row);
        const uint32_t own = get_u32(query->words + 4 * line);
        sum += (uint32_t)__builtin_popcount(groups->has_counts ? word & own : word ^ own);
    }
    if (!groups->has_counts)
        return (float)(int32_t)sum;
    const uint32_t alone = get_u32(group + groups->lines * BIT_LINE + 4 * row);
    const int32_t any = (int32_t)(query->bits + alone - sum);
    return any == 0 ? 1.0F : (float)(any - (int32_t)sum) / (float)any;
}

static void scan(const struct bit_groups *groups, const struct bit_query *queries,
                 size_t query_count, float *ret_keys, uint16_t *ret_masks)
{
    const size_t size = bit_group_size(groups->lines, groups->has_counts);
    for (size_t q = 0; q < query_count; q++)
        for (size_t g = 0; g < groups->count; g++) {
            unsigned mask = 0;
            for (size_t r = 0; r < BIT_GROUP; r++) {
                const float key = key_of(groups, groups->groups + g * size, r, &queries[q]);
                ret_keys[(q * groups->count + g) * BIT_GROUP + r] = key;
                mask |= (key <= queries[q].limit ? 1U : 0U) << r;
            }
            ret_masks[q * groups->count + g] = (uint16_t)mask;
        }
}

static void weigh(const struct bit_weights *weights, const uint16_t *bits, size_t bit_count,
                  float scale, float *ret_keys)
{
    for (size_t list = 0; list < weights->count; list++) {
        uint32_t sum = 0;
        for (size_t i = 0; i < bit_count; i++)
            sum += weights->values[bit_weight_at(weights->dim, list, bits[i])];
        ret_keys[list] = weights->norms[list] - scale * (float)(int32_t)sum;
    }
}

const struct bit_kernel bit_scalar = {.name = "scalar", .scan = scan, .weigh = weigh};
