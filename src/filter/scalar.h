/* scalar.h: one value of a row, when rows are looked at one by one: of a JSON document, or an
 * element of an array. Numbers compare by value, whether they are written as integers or not;
 * values of different kinds are neither equal nor ordered. Threads: any. */
#ifndef GODWIT_FILTER_SCALAR_H
#define GODWIT_FILTER_SCALAR_H

#include "filter/tree.h"

enum scalar_kind {
    SCALAR_NONE, /* nothing that can be compared: missing, null, an array, an object */
    SCALAR_BOOL,
    SCALAR_INT,
    SCALAR_REAL,
    SCALAR_STRING
};

/* Only the member of its kind may be read. */
struct scalar {
    enum scalar_kind kind;
    union {
        bool boolean;
        int64_t integer;
        double real;
        struct {
            const uint8_t *data; /* of a string: borrowed from the column or from a scratch */
            size_t size;
        };
    };
};

/* < 0, 0, > 0; 2 when they have no order. */
int scalar_compare(const struct scalar *scalar, const struct filter_value *value);
bool scalar_in_range(const struct scalar *scalar, const struct bound *low,
                     const struct bound *high);
/* The value after `arith by`; SCALAR_NONE where that has no meaning. */
struct scalar scalar_arith(const struct scalar *scalar, enum arith arith,
                           const struct filter_value *by);
/* memcmp, then the shorter first. */
int bytes_compare(const uint8_t *left, size_t left_size, const void *right, size_t right_size);

#endif
