/* rows.h: the rows of a snapshot by place, by key and as columns: for filters and answers.
 *
 * A place is a segment of the snapshot and a row in it; it means the same row as long as the
 * snapshot is held. Search hits are places (search.h). Growing rows, not sealed yet, are segments
 * like others. A field that was added later reads as its default, or null, in older segments.
 *
 * Threads: any; a scratch belongs to one thread at a time. */
#ifndef GODWIT_ENGINE_ROWS_H
#define GODWIT_ENGINE_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/collection.h"
#include "engine/snapshot.h"
#include "flow/column.h"

struct place {
    uint32_t segment;
    uint64_t row;
};

#define PLACE_NONE UINT32_MAX /* in place.segment: there is no such row */

/* What is known of segment `segment` < snapshot_facts()->segment_count. */
struct rows_segment {
    uint64_t rows; /* dead ones included */
    uint64_t live_rows;
    const uint64_t *dead; /* bit k: row k is dead; NULL: none. Borrowed from the snapshot */
    size_t partition;     /* index into snapshot_facts()->partitions */
    bool is_growing;      /* in memory, not sealed */
    uint64_t size;        /* bytes of its columns */
    int64_t id;           /* of a sealed segment, for showing; 0 for a growing one */
};
void rows_segment(const struct snapshot *snapshot, size_t segment, struct rows_segment *ret_facts);

/* Memory for columns that do not lie ready: defaults of fields that a segment lacks.
 * Zero-initialise; it grows with what it is used for and may be used again, which ends the life of
 * the last column. */
struct rows_scratch {
    void *values;
    uint64_t *offsets;
    uint64_t *valid;
    size_t values_size;
    size_t offsets_size;
    size_t valid_size;
};
void rows_scratch_release(struct rows_scratch *scratch);

struct rows_range {
    size_t segment;
    uint64_t first_row; /* a multiple of 64 */
    size_t rows;
};
/* A scalar field of consecutive rows, dead ones included. Row 0 of the column is range.first_row.
 *   ret_column  lives as long as the snapshot and the scratch's next use
 * Errors: ERR_INVALID for a vector field or a range outside the segment, ERR_CORRUPT naming file
 * and offset, ERR_NOMEM. */
enum err_code rows_column(struct snapshot *snapshot, size_t field, const struct rows_range *range,
                          struct rows_scratch *scratch, struct column *ret_column,
                          struct err *err) MUST_USE;

/* Finds live rows by primary keys; of a migrated collection's several rows of one id the one that
 * Milvus 1.x would return. The first call makes an index of the keys of each segment in memory.
 *   keys        a column of the primary key's type
 *   partitions  a flag for each of snapshot_facts()->partitions; NULL: all
 *   ret_places  keys->rows places; segment is PLACE_NONE where there is no row; the caller's
 * Errors: ERR_INVALID (another type), ERR_CORRUPT, ERR_NOMEM. */
enum err_code rows_find(struct snapshot *snapshot, const struct column *keys,
                        const bool *partitions, struct place *ret_places, struct err *err) MUST_USE;

#define ROWS_FETCH_SIZE_MAX ((size_t)1 << 30)

/* Values of some rows, owned: columns[k] is of field fields[k], row r of place r. Vectors are in
 * their declared type. */
struct row_set {
    struct column *columns;
    size_t column_count;
    size_t rows;
    struct arena arena;
};
struct rows_fetch {
    const struct place *places; /* any order, repeats allowed; none may be PLACE_NONE */
    size_t count;
    const size_t *fields; /* indexes into schema.fields */
    size_t field_count;
    size_t size_max; /* bytes of the answer; 0: ROWS_FETCH_SIZE_MAX */
};
/* Errors: ERR_INVALID (a place or field that is not there; more than size_max), ERR_CORRUPT,
 * ERR_NOMEM. */
enum err_code rows_fetch(struct snapshot *snapshot, const struct rows_fetch *request,
                         struct row_set *ret_rows, struct err *err) MUST_USE;
void row_set_release(struct row_set *rows); /* zeroed accepted */

#endif
