/* row_buffer.h: rows in memory, column by column, that only ever grow at their end.
 *
 * One thread appends; others may read the rows that were there when they got their reference and
 * row count: appending writes only behind those and never moves them. When memory must move, the
 * owner takes a larger copy and drops its reference (row_buffer_reserve). Two things are not safe
 * to share while rows are appended and are copied by whoever publishes: the validity bitmaps, whose
 * last word has bits of several rows, and `rows` itself.
 *
 * Threads: references any; the rest as above. */
#ifndef GODWIT_ENGINE_ROW_BUFFER_H
#define GODWIT_ENGINE_ROW_BUFFER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/row_layout.h"

#define ROW_BUFFER_ROWS_MAX ((size_t)1 << 26)

struct row_buffer_column {
    uint8_t *values;   /* fixed width: capacity x width; else the bytes of all rows */
    uint64_t *offsets; /* rows that differ: capacity + 1; else NULL */
    uint64_t *valid;   /* nullable: a bit for each of capacity rows; else NULL */
    size_t size;       /* bytes used of `values`, of rows that differ */
    size_t size_max;
};

struct row_buffer {
    atomic_size_t references;
    struct row_layout layout;
    size_t rows;
    size_t capacity;
    int64_t *ids;
    uint8_t *vectors;
    struct row_buffer_column extras[ROW_FIELDS_MAX]; /* layout.extra_count */
    uint64_t *key_hashes;                            /* of VarChar keys; NULL with an Int64 key */
};

/* Rows to be appended: pointers into anybody's memory, in the shape of the buffer's columns. */
struct row_columns {
    size_t rows;
    const int64_t *ids;
    const uint8_t *vectors;
    struct row_extra {
        const uint8_t *values;   /* fixed width: rows x width; else bytes */
        const uint64_t *offsets; /* rows + 1, from any number on; values[offsets[r] - offsets[0]] */
        const uint64_t *valid;   /* NULL: none is null */
    } extras[ROW_FIELDS_MAX];
};

/* An empty one with room for `capacity` rows and, of each extra whose rows differ, `sizes[extra]`
 * bytes (NULL: 0). One reference, the caller's. ERR_NOMEM. */
enum err_code row_buffer_new(const struct row_layout *layout, size_t capacity, const size_t *sizes,
                             struct row_buffer **ret_buffer, struct err *err) MUST_USE;
struct row_buffer *row_buffer_ref(struct row_buffer *buffer);
void row_buffer_unref(struct row_buffer *buffer); /* NULL accepted */

/* Makes room for these rows: `*buffer` is then itself, or a larger copy (the old one lost the
 * caller's reference). ERR_NOMEM leaves it as it was. */
enum err_code row_buffer_reserve(struct row_buffer **buffer, const struct row_columns *rows,
                                 struct err *err) MUST_USE;
/* There is room. */
void row_buffer_append(struct row_buffer *buffer, const struct row_columns *rows);

/* Bytes of the rows that are in it. */
uint64_t row_buffer_size(const struct row_buffer *buffer);

/* The columns of a buffer; borrowed. */
void row_buffer_columns(const struct row_buffer *buffer, struct row_columns *ret_rows);

/* What a VarChar key is found by. */
uint64_t row_key_hash(const uint8_t *bytes, size_t size);

#endif
