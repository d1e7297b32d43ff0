/* metric.h: the metric types and the shape of a row.
 *
 * Numbers 1..7 are those of Milvus 1.x (core/src/db/engine/ExecutionEngine.h); COSINE is ours.
 * A float row has `dim` IEEE-754 singles; a binary row has dim / 8 bytes, dim counts bits. */
#ifndef GODWIT_BASE_METRIC_H
#define GODWIT_BASE_METRIC_H

#include <stdbool.h>
#include <stddef.h>

enum metric_type {
    METRIC_NONE = 0,
    METRIC_L2 = 1,
    METRIC_IP = 2,
    METRIC_HAMMING = 3,
    METRIC_JACCARD = 4,
    METRIC_TANIMOTO = 5,
    METRIC_SUBSTRUCTURE = 6,
    METRIC_SUPERSTRUCTURE = 7,
    METRIC_COSINE = 8,
    METRIC_COUNT
};

#define DIMENSION_MAX 32768

/* "L2", "IP", ...; "?" for anything else. */
const char *metric_name(enum metric_type metric);
/* The metric of a name, case-insensitive; METRIC_NONE when unknown. */
enum metric_type metric_from_name(const char *name);
bool metric_is_binary(enum metric_type metric);
/* True when a larger score is better (IP, COSINE). */
bool metric_larger_is_better(enum metric_type metric);
/* True when `dim` is possible for the metric: 1..DIMENSION_MAX, binary: a multiple of 8. */
bool metric_dim_is_valid(enum metric_type metric, long long dim);
/* Bytes of one row; dim must be valid. */
size_t metric_row_size(enum metric_type metric, size_t dim);

#endif
