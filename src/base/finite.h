/* finite.h: NaN and infinities among floats. Their exponent bits are all set, other floats' are
 * not. */
#ifndef GODWIT_BASE_FINITE_H
#define GODWIT_BASE_FINITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* True when none of `count` little-endian IEEE-754 singles is NaN or infinite. No branch but the
 * loop. Any alignment; count 0: true. Threads: any. */
bool floats_are_finite(const uint8_t *floats, size_t count);

/* Of `rows` rows of `dim` floats, back to back: how many hold a NaN or an infinity. As fast as the
 * former where there is none. */
uint64_t floats_count_non_finite_rows(const uint8_t *floats, size_t rows, size_t dim);

#endif
