/* column.h: the values of one field for some consecutive rows.
 *
 * The currency between the wire, the engine and filters. A column is a view: whoever made it owns
 * the memory, and it may lie in a mapped file. Numbers are little-endian, as in memory.
 *
 *   plain types   values: rows x width, aligned to their width; BOOL is a byte 0 or 1
 *   vectors       values: rows x width bytes, any alignment
 *   VARCHAR       bytes of row r: bytes[offsets[r]] up to bytes[offsets[r + 1]], UTF-8, no NUL
 * added JSON          likewise, one valid JSON text a row ARRAY         likewise: the elements of a
 * row one after another: plain types as above, without alignment; VARCHAR elements each as a 4-byte
 * length and its bytes
 *
 * Where a row is null its value is zero or empty. Threads: any, nothing is written. */
#ifndef GODWIT_FLOW_COLUMN_H
#define GODWIT_FLOW_COLUMN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flow/schema.h"

struct column {
    enum field_type type;
    enum field_type element; /* of an ARRAY */
    size_t width;            /* of plain types and vectors */
    size_t rows;
    const void *values;      /* plain types and vectors; else NULL */
    const uint64_t *offsets; /* variable types: rows + 1, ascending; else NULL */
    const uint8_t *bytes;    /* variable types */
    const uint64_t *valid;   /* bit r: row r is not null; NULL: none is null */
};

static inline bool column_is_null(const struct column *column, size_t row)
{
    return column->valid != NULL && (column->valid[row / 64] >> (row % 64) & 1) == 0;
}

/* Bytes of a row of a variable type. */
static inline const uint8_t *column_bytes(const struct column *column, size_t row, size_t *ret_size)
{
    *ret_size = (size_t)(column->offsets[row + 1] - column->offsets[row]);
    return column->bytes + column->offsets[row];
}

#endif
