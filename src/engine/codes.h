/* codes.h: from vectors to small codes: where a segment's rows lie, and in which steps.
 *
 * A row is first moved into the *space* of its segment: COSINE rows are scaled to length 1; the
 * mean is taken away; where dimensions differ much in spread, a fixed random rotation evens them
 * out. IP rows get one more dimension, sqrt(longest^2 - length^2), in which the largest product is
 * the nearest row, so lists can be made of them; queries have 0 there. Components that are not
 * finite count as 0: the exact rerank judges such rows.
 *
 * 4-bit codes: 16 levels a dimension, step[j] apart, around 0. 8-bit codes (signed bytes): 127 is
 * `range`. All arithmetic is in a fixed order, so codes do not depend on the machine. */
#ifndef GODWIT_ENGINE_CODES_H
#define GODWIT_ENGINE_CODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/metric.h"

#define CODES_LEVEL_MIDDLE 7.5F

struct codes {
    enum metric_type metric; /* L2, IP or COSINE */
    size_t dim;
    size_t space; /* dim, IP: dim + 1 */
    bool is_rotated;
    float range;       /* of 8-bit codes */
    float longest;     /* IP: the largest squared length of a row */
    const float *mean; /* space */
    const float *step; /* space */
};

/* What codes_measure() makes; the codes point into it. */
struct codes_memory {
    struct codes codes;
    float *mean;
    float *step;
};

/* True for metrics that have codes. */
bool codes_support(enum metric_type metric);

/* Measures mean and spread on `count` rows.
 *   rows  pointers to rows of dim floats, any alignment
 * Release with codes_release. Errors: ERR_NOMEM. */
enum err_code codes_measure(enum metric_type metric, size_t dim, const uint8_t *const *rows,
                            size_t count, struct codes_memory *ret_memory,
                            struct err *err) MUST_USE;
void codes_release(struct codes_memory *memory); /* zeroed accepted */

/* A row, or a query, in the segment's space: `space` floats. */
void codes_row(const struct codes *codes, const uint8_t *row, float *ret_values);
void codes_query(const struct codes *codes, const uint8_t *query, float *ret_values);

/* Signed bytes, 127 standing for `range`; zeros from `count` to `padded`. */
void codes_bytes(const float *values, size_t count, size_t padded, float range, int8_t *ret_bytes);
/* The largest absolute value, at least FLT_MIN. */
float codes_reach(const float *values, size_t count);

/* Writes row `place` (0..15) of a zeroed group of 4-bit codes, and its norm. */
void codes_pack(const struct codes *codes, const float *values, uint8_t *group, size_t place);
/* Marks a place that has no row. */
void codes_pack_nothing(const struct codes *codes, uint8_t *group, size_t place);
/* A query for scan4: bytes (8 a line) and the scale that belongs to them.
 *   values  space floats; overwritten */
float codes_scan_query(const struct codes *codes, float *values, int8_t *ret_bytes);

#endif
