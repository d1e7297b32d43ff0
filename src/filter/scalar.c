/* scalar.c: comparing and computing with single values. */
#include "filter/scalar.h"

#include <string.h>

#include "filter/number.h"

int bytes_compare(const uint8_t *left, size_t left_size, const void *right, size_t right_size)
{
    const size_t shorter = left_size < right_size ? left_size : right_size;
    const int order = shorter > 0 ? memcmp(left, right, shorter) : 0;
    if (order != 0)
        return order > 0 ? 1 : -1;
    return (left_size > right_size) - (left_size < right_size);
}

static int real_compare(double left, double right)
{
    return left < right ? -1 : left > right ? 1 : left == right ? 0 : 2;
}

int scalar_compare(const struct scalar *scalar, const struct filter_value *value)
{
    const bool is_real = value->kind == FILTER_VALUE_DOUBLE;
    switch (scalar->kind) {
    case SCALAR_BOOL:
        return value->kind == FILTER_VALUE_BOOL ? scalar->boolean - value->boolean : 2;
    case SCALAR_INT:
        if (value->kind == FILTER_VALUE_INT)
            return (scalar->integer > value->integer) - (scalar->integer < value->integer);
        return is_real ? real_compare((double)scalar->integer, value->real) : 2;
    case SCALAR_REAL:
        if (value->kind == FILTER_VALUE_INT)
            return real_compare(scalar->real, (double)value->integer);
        return is_real ? real_compare(scalar->real, value->real) : 2;
    case SCALAR_STRING:
        return value->kind == FILTER_VALUE_STRING
                   ? bytes_compare(scalar->data, scalar->size, value->string, value->size)
                   : 2;
    case SCALAR_NONE:
        break;
    }
    return 2;
}

bool scalar_in_range(const struct scalar *scalar, const struct bound *low, const struct bound *high)
{
    if (low->is_set) {
        const int order = scalar_compare(scalar, &low->value);
        if (order == 2 || order < 0 || (order == 0 && low->is_open))
            return false;
    }
    if (high->is_set) {
        const int order = scalar_compare(scalar, &high->value);
        if (order > 0 || (order == 0 && high->is_open))
            return false;
    }
    return true;
}

struct scalar scalar_arith(const struct scalar *scalar, enum arith arith,
                           const struct filter_value *by)
{
    const bool is_integer = scalar->kind == SCALAR_INT;
    if (arith == ARITH_NONE)
        return *scalar;
    if (!is_integer && (scalar->kind != SCALAR_REAL || arith == ARITH_MOD))
        return (struct scalar){.kind = SCALAR_NONE};
    if (is_integer && by->kind == FILTER_VALUE_INT)
        return (struct scalar){.kind = SCALAR_INT,
                               .integer = arith_integer(arith, scalar->integer, by->integer)};
    const double left = is_integer ? (double)scalar->integer : scalar->real;
    const double right = by->kind == FILTER_VALUE_INT ? (double)by->integer : by->real;
    return (struct scalar){.kind = SCALAR_REAL, .real = arith_real(arith, left, right)};
}
