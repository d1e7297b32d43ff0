/* finite.c: see finite.h. The loop is written so that compilers make vector instructions of it: one
 * more in the lowest bit of the exponent carries into the sign's place when all of it was set. */
#include "base/finite.h"

#include <string.h>

#define EXPONENT 0x7f800000U
#define EXPONENT_UNIT 0x00800000U
#define SIGN 0x80000000U

bool floats_are_finite(const uint8_t *floats, size_t count)
{
    uint32_t carries = 0;
    for (size_t k = 0; k < count; k++) {
        uint32_t bits;
        memcpy(&bits, floats + sizeof bits * k, sizeof bits);
        carries |= (bits & EXPONENT) + EXPONENT_UNIT;
    }
    return (carries & SIGN) == 0;
}

uint64_t floats_count_non_finite_rows(const uint8_t *floats, size_t rows, size_t dim)
{
    if (floats_are_finite(floats, rows * dim))
        return 0;
    uint64_t count = 0;
    for (size_t k = 0; k < rows; k++)
        count += !floats_are_finite(floats + k * dim * sizeof(float), dim);
    return count;
}
