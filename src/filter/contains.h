/* contains.h: which constants of json_contains and its like have been met in one array. */
#ifndef GODWIT_FILTER_CONTAINS_H
#define GODWIT_FILTER_CONTAINS_H

#include "filter/jscan.h"
#include "filter/plan.h"

struct met {
    const struct leaf *leaf;
    uint64_t *seen; /* a bit for each distinct constant; only when all are wanted */
    size_t left;    /* how many are still to be met */
};

/* Starts with a new array. With nothing to be met it is done at once: `all` of none is true. */
struct met met_start(const struct leaf *leaf, struct block *block);
/* One element; true when the answer is known to be yes. */
bool met_scalar(struct met *met, const struct scalar *scalar);
bool met_array(struct met *met, const struct jvalue *value, struct block *block);

/* Whether a JSON array equals an array of constants, element by element. */
bool json_equals_array(const struct jvalue *value, const struct filter_value *items, size_t count,
                       struct block *block);
/* A JSON value as a scalar, its escapes read; the scratch keeps a string until the next call. */
struct scalar json_scalar(const struct jvalue *value, struct block *block);

#endif
