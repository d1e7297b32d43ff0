/* half.h: 16-bit floats (IEEE 754 binary16, and bfloat16) to and from singles. */
#ifndef GODWIT_MILVUS2_HALF_H
#define GODWIT_MILVUS2_HALF_H

#include <stdint.h>
#include <string.h>

static inline float half_from_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline float half_bf16_to_float(uint16_t half)
{
    return half_from_bits((uint32_t)half << 16);
}

static inline float half_f16_to_float(uint16_t half)
{
    const uint32_t sign = (uint32_t)(half & 0x8000) << 16;
    const uint32_t exponent = half >> 10 & 31, fraction = half & 1023;
    if (exponent == 31)
        return half_from_bits(sign | 0x7f800000 | fraction << 13);
    if (exponent != 0)
        return half_from_bits(sign | (exponent + 112) << 23 | fraction << 13);
    /* Subnormal: fraction times 2^-24. */
    const float small = (float)fraction * 0x1p-24F;
    return sign != 0 ? -small : small;
}

/* To the nearest, ties to even; what is too large becomes infinite. */
uint16_t half_f16_from_float(float value);
uint16_t half_bf16_from_float(float value);

#endif
