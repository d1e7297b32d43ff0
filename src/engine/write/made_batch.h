/* made_batch.h: rows as a caller gives them become rows as they are kept: defaults and made up keys
 * filled in, vectors turned into floats, everything encoded for the catalog. Done in the caller's
 * thread, so that the writer's has little left to do. Threads: any. */
#ifndef GODWIT_ENGINE_WRITE_MADE_BATCH_H
#define GODWIT_ENGINE_WRITE_MADE_BATCH_H

#include "base/bytes.h"
#include "engine/live.h"
#include "engine/rows.h"
#include "engine/write/writer.h"

#define MADE_BLOCKS_MAX (4 * ROW_FIELDS_MAX)

struct made_batch {
    struct row_columns columns; /* of meta->layout; what the caller gave in its shape is borrowed */
    struct bytes data;          /* encoded */
    void *blocks[MADE_BLOCKS_MAX];
    size_t block_count;
    struct rows_scratch scratches[ROW_FIELDS_MAX + 1]; /* [0] for passing use, then one a field */
};

/* `first_id`: of as many numbers as there are rows, for keys and row ids that are made up.
 * Errors: ERR_INVALID when a shape does not fit, ERR_NOMEM. Release in every case. */
enum err_code made_batch_init(struct made_batch *made, const struct collection_meta *meta,
                              const struct row_batch *batch, int64_t first_id,
                              struct err *err) MUST_USE;
void made_batch_release(struct made_batch *made);
/* Does the batch need numbers at all? */
bool made_batch_needs_ids(const struct collection_meta *meta, const struct row_batch *batch);

#endif
