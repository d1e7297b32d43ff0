/* import.h: rows from arrays into a collection, all or nothing.
 *
 * Rows are written as sealed segments of at most IMPORT_SEGMENT_SIZE bytes of vectors and become
 * visible together. The database must be opened for writing. Threads: one import at a time. */
#ifndef GODWIT_ENGINE_IMPORT_H
#define GODWIT_ENGINE_IMPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/metric.h"
#include "engine/database.h"
#include "flow/meter.h"

#define IMPORT_SEGMENT_SIZE ((uint64_t)1 << 30)

struct import_request {
    const char *collection; /* made when absent */
    const char *partition;  /* made when absent; NULL: "_default" */
    enum metric_type
        metric;         /* METRIC_NONE: the collection's, or L2 (binary: HAMMING) for a new one */
    bool is_binary;     /* what `vectors` holds */
    size_t dim;         /* components, or bits */
    const int64_t *ids; /* NULL: counted up from the largest id in the collection + 1, or 0 */
    const uint8_t *vectors; /* rows x row_size; may be a mapped file */
    uint64_t rows;
    struct meter *meter; /* or NULL */
};

struct import_result {
    uint64_t rows;
    int64_t first_id; /* of the rows, when ids were made up */
    bool is_new;      /* the collection was made */
};

/* Errors: ERR_INVALID when metric or dim do not fit, ERR_STATE when opened for reading,
 * ERR_NO_SPACE, ERR_IO, ERR_INTERRUPTED, ERR_NOMEM; then nothing has changed. */
enum err_code import_rows(struct database *database, const struct import_request *request,
                          struct import_result *ret_result, struct err *err) MUST_USE;

#endif
