/* bits_kmeans.h: centroids of binary rows, and the nearest centroid of any row.
 *
 * A centroid is the share of its rows that have each bit, in steps of 1/63: where few bits are set
 * (fingerprints), the majority of a list's rows has hardly any, and centroids of whole bits would
 * all look alike. A row is as far from a centroid as their squared distance, whatever the metric.
 * Weights lie as kernel/bit.h wants them, so only the set bits of a row cost anything.
 *
 * Counts are integers and the random numbers a fixed sequence, so the result does not depend on
 * threads or instruction set. */
#ifndef GODWIT_ENGINE_BITS_KMEANS_H
#define GODWIT_ENGINE_BITS_KMEANS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "flow/meter.h"
#include "kernel/bit.h"
#include "kernel/code.h"

#define BITS_KMEANS_BATCH 64

/* A row's squared length, in the unit of keys. */
#define BITS_KMEANS_UNIT ((float)(BIT_WEIGHT * BIT_WEIGHT))
#define BITS_KMEANS_SCALE (2.0F * BIT_WEIGHT)

struct bits_kmeans {
    const struct bit_kernel *kernel;
    const struct code_kernel *code_kernel;
    struct meter *meter;
    size_t threads;
    size_t dim;
    size_t lists; /* a multiple of BIT_LANES */
    uint8_t *weights;
    float *norms;
    const uint8_t *const *rows; /* the sample; borrowed */
    size_t row_count;
    uint32_t *nearest; /* of each sample */
    float *errors;     /* squared distance to it */
};

/* Numbers of a row's set bits; returns how many. ret_bits: 8 * size of them. */
size_t bits_of_row(const uint8_t *row, size_t size, uint16_t *ret_bits);

/* Finds centroids. Fields kernel .. lists, rows and row_count (at least `lists`) are set by the
 * caller. bits_kmeans_release in every case. Errors: ERR_NOMEM, ERR_INTERRUPTED. */
enum err_code bits_kmeans_run(struct bits_kmeans *kmeans, struct err *err) MUST_USE;
void bits_kmeans_release(struct bits_kmeans *kmeans);

/* The nearest centroid of each of `count` <= BITS_KMEANS_BATCH rows.
 *   bits        room for BITS_KMEANS_BATCH x dim numbers
 *   ret_errors  squared distances; NULL: not wanted */
void bits_kmeans_assign(const struct bits_kmeans *kmeans, const uint8_t *const *rows, size_t count,
                        uint16_t *bits, uint32_t *ret_lists, float *ret_errors);

#endif
