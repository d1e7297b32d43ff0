/* kmeans.h: centroids of a sample, and the nearest centroid of any row.
 *
 * Rows are signed bytes in the segment's space, centroids 7-bit codes in groups (kernel/code.h):
 * code 64 is 0, 63 steps stand for 127. Sums are integers and the random numbers a fixed sequence,
 * so the result does not depend on threads or instruction set. */
#ifndef GODWIT_ENGINE_KMEANS_H
#define GODWIT_ENGINE_KMEANS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "kernel/code.h"

#define KMEANS_STEP (127.0F / 63.0F) /* of a centroid's code, in steps of a row's */

struct kmeans {
    const struct code_kernel *kernel;
    size_t threads;
    size_t space;
    size_t stride; /* bytes of a row: space padded to whole lines */
    size_t lists;  /* a multiple of CODE_GROUP */
    uint8_t *groups;
    const int8_t *rows; /* the sample; borrowed */
    size_t row_count;
    uint32_t *nearest; /* of each sample */
    float *errors;     /* squared distance to it */
};

static inline size_t kmeans_stride(size_t space)
{
    return code7_lines(space) * CODE7_DIMS;
}

/* Finds centroids. Fields kernel .. lists, rows and row_count (at least `lists`) are set by the
 * caller. kmeans_release in every case. Errors: ERR_NOMEM. */
enum err_code kmeans_run(struct kmeans *kmeans, struct err *err) MUST_USE;
void kmeans_release(struct kmeans *kmeans);

/* The nearest centroid of each of `count` <= KMEANS_BATCH rows, one after another at `stride`.
 *   ret_keys  squared distances less what all centroids have in common; NULL: not wanted */
#define KMEANS_BATCH 512
void kmeans_assign(const struct kmeans *kmeans, const int8_t *rows, size_t count,
                   uint32_t *ret_lists, float *ret_keys);

#endif
