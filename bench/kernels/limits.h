/* limits.h: what this machine can do at most, measured: the yardsticks of kernels.c. One thread,
 * its processor time. */
#ifndef GODWIT_BENCH_KERNELS_LIMITS_H
#define GODWIT_BENCH_KERNELS_LIMITS_H

#include <stddef.h>

#define LIMITS_CACHE_SIZE ((size_t)256 << 10) /* bytes that the second-level cache holds */

enum limit {
    LIMIT_MEMORY, /* bytes a second read from memory */
    LIMIT_CACHE,  /* from the second-level cache */
    LIMIT_FLOATS, /* multiply-adds a second, single precision */
    LIMIT_BYTES,  /* of signed and unsigned bytes */
    LIMIT_COUNT
};

/* Seconds of processor time of this thread. */
double limits_time(void);
/* `memory`: `size` bytes, far more than the caches hold. 0: not known. */
double limits_measure(enum limit limit, const void *memory, size_t size);

#endif
