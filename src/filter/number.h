/* number.h: arithmetic that is defined for every operand: integers wrap modulo 2^64, and a division
 * by 0 gives 0 (the parser refuses a constant 0; nothing else divides). */
#ifndef GODWIT_FILTER_NUMBER_H
#define GODWIT_FILTER_NUMBER_H

#include <math.h>
#include <stdint.h>

#include "filter/tree.h"

static inline int64_t wrap_add(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

static inline int64_t wrap_sub(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a - (uint64_t)b);
}

static inline int64_t wrap_mul(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a * (uint64_t)b);
}

static inline int64_t wrap_div(int64_t a, int64_t b)
{
    return b == 0 ? 0 : b == -1 ? wrap_sub(0, a) : a / b;
}

static inline int64_t wrap_mod(int64_t a, int64_t b)
{
    return b == 0 || b == -1 ? 0 : a % b;
}

static inline int64_t arith_integer(enum arith arith, int64_t a, int64_t b)
{
    switch (arith) {
    case ARITH_ADD:
        return wrap_add(a, b);
    case ARITH_SUB:
        return wrap_sub(a, b);
    case ARITH_MUL:
        return wrap_mul(a, b);
    case ARITH_DIV:
        return wrap_div(a, b);
    case ARITH_MOD:
        return wrap_mod(a, b);
    case ARITH_NONE:
        break;
    }
    return a;
}

/* ARITH_MOD is for integers only. */
static inline double arith_real(enum arith arith, double a, double b)
{
    switch (arith) {
    case ARITH_ADD:
        return a + b;
    case ARITH_SUB:
        return a - b;
    case ARITH_MUL:
        return a * b;
    case ARITH_DIV:
        return a / b;
    case ARITH_MOD:
    case ARITH_NONE:
        break;
    }
    return a;
}

#endif
