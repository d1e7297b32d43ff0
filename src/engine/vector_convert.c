/* vector_convert.c: see vector_convert.h. */
#include "engine/vector_convert.h"

#include <math.h>
#include <string.h>

#include "base/bytes.h"

static float float_of_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint32_t bits_of_float(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static float half_to_float(uint16_t half)
{
    const uint32_t sign = (uint32_t)(half & 0x8000) << 16;
    const uint32_t exponent = half >> 10 & 0x1f;
    const uint32_t fraction = half & 0x3ff;
    if (exponent == 0x1f)
        return float_of_bits(sign | 0x7f800000U | fraction << 13);
    if (exponent == 0) { /* zero, or fraction * 2^-24 */
        const float value = (float)fraction * 0x1p-24F;
        return sign != 0 ? -value : value;
    }
    return float_of_bits(sign | (exponent + 112) << 23 | fraction << 13);
}

/* Adds half of the last place that stays, one less when that is even already, and cuts. */
static uint32_t shift_to_even(uint32_t value, unsigned shift)
{
    return (value + ((uint32_t)1 << (shift - 1)) - 1 + (value >> shift & 1)) >> shift;
}

static uint16_t float_to_half(float value)
{
    const uint32_t bits = bits_of_float(value);
    const uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
    const uint32_t rest = bits & 0x7fffffffU;
    if (rest > 0x7f800000U)
        return (uint16_t)(sign | 0x7e00);
    if (rest >= 0x477ff000U) /* rounds to 2^16 or more */
        return (uint16_t)(sign | 0x7c00);
    if (rest >= 0x38800000U) /* 2^-14: a normal half */
        return (uint16_t)(sign | (shift_to_even(rest, 13) - (112U << 10)));
    if (rest < 0x33000000U) /* below half of the smallest */
        return sign;
    const unsigned shift = 126 - (rest >> 23);
    return (uint16_t)(sign | shift_to_even((rest & 0x7fffffU) | 0x800000U, shift));
}

static uint16_t float_to_bfloat(float value)
{
    const uint32_t bits = bits_of_float(value);
    if ((bits & 0x7fffffffU) > 0x7f800000U)
        return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)shift_to_even(bits, 16);
}

static int8_t float_to_int8(float value)
{
    const float rounded = rintf(value);
    return rounded >= 127.0F ? 127 : rounded <= -128.0F ? -128 : (int8_t)rounded;
}

void vector_to_kept(enum field_type type, const uint8_t *from, size_t count, uint8_t *kept)
{
    if (type == FIELD_BINARY_VECTOR || type == FIELD_FLOAT_VECTOR) {
        memcpy(kept, from, type == FIELD_BINARY_VECTOR ? count / 8 : count * sizeof(float));
        return;
    }
    for (size_t k = 0; k < count; k++) {
        float value = 0.0F;
        if (type == FIELD_FLOAT16_VECTOR)
            value = half_to_float(get_u16(from + 2 * k));
        else if (type == FIELD_BFLOAT16_VECTOR)
            value = float_of_bits((uint32_t)get_u16(from + 2 * k) << 16);
        else
            value = (float)(int8_t)from[k];
        memcpy(kept + k * sizeof value, &value, sizeof value);
    }
}

void vector_from_kept(enum field_type type, const uint8_t *kept, size_t count, uint8_t *to)
{
    if (type == FIELD_BINARY_VECTOR || type == FIELD_FLOAT_VECTOR) {
        memcpy(to, kept, type == FIELD_BINARY_VECTOR ? count / 8 : count * sizeof(float));
        return;
    }
    for (size_t k = 0; k < count; k++) {
        float value;
        memcpy(&value, kept + k * sizeof value, sizeof value);
        if (type == FIELD_FLOAT16_VECTOR)
            put_u16(to + 2 * k, float_to_half(value));
        else if (type == FIELD_BFLOAT16_VECTOR)
            put_u16(to + 2 * k, float_to_bfloat(value));
        else
            to[k] = (uint8_t)float_to_int8(value);
    }
}
