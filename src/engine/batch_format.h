/* batch_format.h: rows as one string of bytes: what stands in the catalog until they are sealed.
 *
 * Bytes in, pointers into them out, and the other way; no I/O. Source: docs/database-format.md.
 * Decoding checks everything but the meaning of values, so that no bytes whatever lead outside.
 * Threads: any. */
#ifndef GODWIT_ENGINE_BATCH_FORMAT_H
#define GODWIT_ENGINE_BATCH_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "engine/row_buffer.h"

#define BATCH_HEADER_SIZE ((size_t)32)
#define BATCH_FIELD_SIZE ((size_t)32)

/* Bytes of these rows in this layout. */
size_t batch_size(const struct row_layout *layout, const struct row_columns *rows);
/* `buffer` takes batch_size() bytes. */
void batch_encode(const struct row_layout *layout, const struct row_columns *rows, uint8_t *buffer);

/* A batch read back: its own layout, and its rows in memory of its own. */
struct batch_rows {
    struct row_layout layout;
    struct row_columns columns;
    void *memory;
};
/* Errors: ERR_CORRUPT "offset O: N found, M expected", ERR_NOMEM. */
enum err_code batch_decode(struct bytes in, struct batch_rows *ret_rows, struct err *err) MUST_USE;
void batch_rows_release(struct batch_rows *rows);

#endif
