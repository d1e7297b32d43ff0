/* loops.h: the inner loops over plain columns, for each instruction set.
 *
 * One text, loops_body.h, is compiled for each; loops_best() asks the machine. All give the same
 * bits. Threads: any. */
#ifndef GODWIT_FILTER_LOOPS_H
#define GODWIT_FILTER_LOOPS_H

#include <stddef.h>
#include <stdint.h>

#define LOOPS_TABLES_MAX 3

/* Sets bit k of bits (bitmap_words(count) words, those past count to 0) where
 * low <= values[k] <= high. Integers: low and high lie in the type's range. NaN is in no range. */
typedef void (*loops_integer)(const void *values, size_t count, int64_t low, int64_t high,
                              uint64_t *bits);
typedef void (*loops_real)(const void *values, size_t count, double low, double high,
                           uint64_t *bits);

struct loops {
    const char *isa;
    loops_integer range_1; /* int8 */
    loops_integer range_2;
    loops_integer range_4;
    loops_integer range_8;
    loops_real range_float;
    loops_real range_double;
    /* Where `needle` (1 byte or more) first stands in `text`, or SIZE_MAX. */
    size_t (*find)(const uint8_t *text, size_t size, const uint8_t *needle, size_t needle_size);
};

extern const struct loops loops_scalar;
extern const struct loops loops_avx2;
extern const struct loops loops_avx512;

/* Those that this machine can run, the best one last; returns how many. */
size_t loops_list(const struct loops *ret_loops[LOOPS_TABLES_MAX]);
/* The one that the environment's GODWIT_ISA names, if this machine can run it, or the best. */
const struct loops *loops_best(void);

#endif
