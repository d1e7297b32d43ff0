/* segment_field.h: a field of some rows of a segment as a column, whatever it is kept in.
 * Threads: any; a scratch belongs to one at a time. */
#ifndef GODWIT_ENGINE_SEGMENT_FIELD_H
#define GODWIT_ENGINE_SEGMENT_FIELD_H

#include "engine/rows.h"
#include "engine/segment.h"

/* What to read: a field of a collection, and where its layout keeps it. */
struct field_source {
    const struct field *field;
    bool is_key; /* an Int64 key, in the ids */
};

/* Scalars only. `range.segment` is not looked at. Errors as of rows_column(). */
enum err_code segment_field_read(struct segment *segment, const struct field_source *source,
                                 const struct rows_range *range, struct rows_scratch *scratch,
                                 struct column *ret_column, struct err *err) MUST_USE;

/* The extra of a field, or NULL when the segment is older than the field. */
struct segment_extra *segment_find_extra(const struct segment *segment, int64_t field_id);

/* Some rows of an extra as a column, vectors too (as kept); checked. */
enum err_code segment_extra_read(struct segment_extra *extra, const struct rows_range *range,
                                 struct column *ret_column, struct err *err) MUST_USE;

/* Checks the blocks of an extra that hold these rows. */
enum err_code segment_extra_touch(struct segment_extra *extra, uint64_t first_row, uint64_t rows,
                                  struct err *err) MUST_USE;

#endif
