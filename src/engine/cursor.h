/* cursor.h: all live rows, sorted by id; rows of one id in segment order.
 *
 * Opening makes an index of 16 bytes a row in memory and reads the ids; vectors are gathered batch
 * by batch. The cursor keeps its own reference to the snapshot. Threads: one at a time. */
#ifndef GODWIT_ENGINE_CURSOR_H
#define GODWIT_ENGINE_CURSOR_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/snapshot.h"

struct cursor;

struct cursor_batch {
    size_t rows;
    const int64_t *ids;
    const uint8_t *vectors;     /* rows x row_size, one after another */
    const uint32_t *partitions; /* index into facts->partitions */
};

/* `partition`: NULL for all. Errors: ERR_NO_PARTITION, ERR_CORRUPT, ERR_NOMEM. */
enum err_code cursor_open(struct snapshot *snapshot, const char *partition,
                          struct cursor **ret_cursor, struct err *err) MUST_USE;
uint64_t cursor_rows(const struct cursor *cursor); /* in all */
/* Ids that stand in more than one row, and the rows beyond the first of each. */
void cursor_count_duplicates(const struct cursor *cursor, uint64_t *ret_ids, uint64_t *ret_rows);
/* The next rows (about 256 KiB of vectors); rows 0 at the end. Lives until the next call. */
enum err_code cursor_next(struct cursor *cursor, struct cursor_batch *ret_batch,
                          struct err *err) MUST_USE;
void cursor_close(struct cursor *cursor); /* NULL accepted */

#endif
