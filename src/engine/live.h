/* live.h: a collection as it changes: its sealed segments, its growing rows, and which rows of both
 * are dead; and how it becomes a snapshot.
 *
 * A reader loads one and publishes it once. The writer keeps one for each open collection, changes
 * it in its thread, and publishes after every commit. What a snapshot got never changes: metadata
 * is replaced as a whole, bitmaps of dead rows are copied before they are changed, and growing rows
 * are only added behind those that were published.
 *
 * Threads: one at a time; collection_meta any. */
#ifndef GODWIT_ENGINE_LIVE_H
#define GODWIT_ENGINE_LIVE_H

#include "base/sql.h"
#include "engine/catalog.h"
#include "engine/collection.h"
#include "engine/column_file.h"
#include "engine/row_buffer.h"
#include "engine/row_layout.h"
#include "engine/segment.h"

#define LIVE_FREEZE_ROWS 65536                /* a block of so many rows takes no more ... */
#define LIVE_FREEZE_SIZE ((uint64_t)64 << 20) /* ... or of so many bytes */

/* Everything about a collection but its rows; shared by snapshots. */
struct collection_meta {
    atomic_size_t references;
    struct arena arena;
    struct collection_facts facts; /* of no rows: counts are 0 */
    struct collection_info info;
    struct row_layout layout;
    int64_t *partition_ids; /* of facts.partitions */
};
struct collection_meta *collection_meta_ref(struct collection_meta *meta);
void collection_meta_unref(struct collection_meta *meta); /* NULL accepted */

/* Reads it in a transaction that is open. ERR_NO_COLLECTION. */
enum err_code collection_meta_load(struct sql *sql, const char *qualified_name,
                                   struct collection_meta **ret_meta, struct err *err) MUST_USE;

struct live_segment {
    struct segment segment; /* segment.dead_rows: those that are dead now */
    bool is_linked;
    bool is_claimed; /* somebody writes what replaces it */
    int64_t order;
};

/* Pending batches of one partition, in memory. */
struct live_batch {
    int64_t id;
    size_t first_row;
    size_t rows;
};
struct live_block {
    size_t partition;
    struct row_buffer *buffer;
    struct dead_rows *dead; /* NULL: none */
    struct live_batch *batches;
    size_t batch_count;
    size_t batch_capacity;
    bool is_frozen; /* takes no more rows */
    bool is_claimed;
};

struct live {
    struct collection_meta *meta;
    struct catalog_stamp stamp;
    struct live_segment *segments; /* by order */
    size_t segment_count;
    size_t segment_capacity;
    struct live_block **blocks; /* in order of age */
    size_t block_count;
    size_t block_capacity;
};

/* Reads a published collection and opens its files. Errors: ERR_NO_COLLECTION; ERR_NOT_FOUND when a
 * file is missing (a writer may have removed it: look at the stamp); ERR_CORRUPT, ERR_IO,
 * ERR_NOMEM.
 */
enum err_code live_load(struct sql *sql, const char *folder, const char *qualified_name,
                        struct live **ret_live, struct err *err) MUST_USE;
void live_free(struct live *live); /* NULL accepted */

/* Opens the files of one segment. Errors as above. */
struct live_open {
    int64_t id;
    int64_t order;
    bool is_linked;
    const struct segment_facts *facts;
    const struct column_file_facts *columns; /* NULL: it has no column file */
};
enum err_code live_open_segment(const char *folder, const struct collection_meta *meta,
                                const struct live_open *what, struct live_segment *ret_segment,
                                struct err *err) MUST_USE;

/* Opens the index of a further vector field, if there is a sound-looking one for the metric that
 * the field has now. */
void live_open_index(const char *folder, const struct collection_info *info, size_t field,
                     const struct segment_facts *facts, struct segment_index *ret_index);

/* Appends rows of a batch to the growing rows of a partition; frozen blocks are left alone. A batch
 * is never cut. ERR_NOMEM leaves it as it was. */
struct live_append {
    size_t partition;
    int64_t batch;
    const struct row_layout *layout;
    const struct row_columns *rows;
};
enum err_code live_append(struct live *live, const struct live_append *append,
                          struct live_block **ret_block, struct err *err) MUST_USE;
/* Marks a row as dead. *ret_is_new: it was alive. */
enum err_code live_kill_sealed(struct live *live, size_t segment, uint64_t row, bool *ret_is_new,
                               struct err *err) MUST_USE;
enum err_code live_kill_growing(struct live_block *block, size_t row, bool *ret_is_new,
                                struct err *err) MUST_USE;

/* SIZE_MAX or NULL when there is none. */
size_t live_find_segment(const struct live *live, int64_t id);
struct live_block *live_find_batch(const struct live *live, int64_t batch, size_t *ret_index);
void live_block_free(struct live_block *block); /* NULL accepted */

/* What it shows now, as a snapshot; one reference, the caller's. ERR_NOMEM. */
enum err_code live_publish(const struct live *live, struct snapshot **ret_snapshot,
                           struct err *err) MUST_USE;

#endif
