/* writer.h: the one process that changes a database's rows while it serves them.
 *
 * A writer belongs to a database that is open for writing. All changes pass through its thread, in
 * order; changes that wait together are committed together, so they share one sync of the disk. An
 * acknowledged change is durable (WRITER_STRICT) or will be within 50 ms (WRITER_RELAXED: it
 * survives the death of the process, but not yet that of the machine), and every snapshot taken
 * after it shows it.
 *
 * New rows stand in the catalog as pending batches and, in memory, as growing segments. A second
 * thread seals them into files, merges small segments, and rewrites those with many dead rows;
 * nobody waits for it, but for writers when it is far behind.
 *
 * Of rows with one primary key the last written lives: inserting replaces. Names of collections may
 * be aliases, `database` NULL is DATABASE_DEFAULT.
 *
 * Threads: any, except for writer_stop. */
#ifndef GODWIT_ENGINE_WRITE_WRITER_H
#define GODWIT_ENGINE_WRITE_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/collection.h"
#include "engine/database.h"
#include "flow/column.h"

enum writer_durability { WRITER_STRICT, WRITER_RELAXED };

#define WRITER_SEGMENT_ROWS 65536                  /* a growing segment of so many rows ... */
#define WRITER_SEGMENT_SIZE ((uint64_t)64 << 20)   /* ... or bytes is sealed */
#define WRITER_GROWING_MAX ((uint64_t)512 << 20)   /* bytes of all of them: the largest is sealed */
#define WRITER_BATCH_ROWS_MAX ((size_t)16 << 20)   /* in one change */
#define WRITER_BATCH_SIZE_MAX ((size_t)512 << 20)  /* bytes, likewise */
#define WRITER_MERGED_ROWS_MAX ((uint64_t)4 << 20) /* merging stops here ... */
#define WRITER_MERGED_SIZE_MAX ((uint64_t)2 << 30) /* ... or here */

struct writer_options {
    enum writer_durability durability;
    uint64_t segment_rows; /* 0: WRITER_SEGMENT_ROWS; tests make it small */
    uint64_t growing_max;  /* 0: WRITER_GROWING_MAX; likewise */
    bool no_background;    /* seal and merge only when asked to (flush, compact) */
    /* Called by the background thread after it has made or replaced sealed segments, so that
     * somebody may build their indexes; or NULL. */
    void (*on_sealed)(void *argument, int64_t collection);
    void *argument;
};

struct writer;

/* Adds what an older catalog lacks, removes leftovers of dead runs, starts the threads. Collections
 * are opened when they are first asked for. One writer a database; database_close() comes after
 * writer_stop(). From now on database_snapshot() gives what the writer shows.
 * Errors: ERR_STATE when the database is open for reading or has a writer, ERR_CORRUPT, ERR_IO,
 * ERR_NO_SPACE, ERR_NOMEM. */
enum err_code writer_start(struct database *database, const struct writer_options *options,
                           struct writer **ret_writer, struct err *err) MUST_USE;
/* Ends the threads; what waits is done first. Pending rows stay pending. NULL accepted. */
void writer_stop(struct writer *writer);

/* A collection by name. */
struct collection_name {
    const char *database; /* NULL: DATABASE_DEFAULT */
    const char *name;     /* or an alias */
};

/* The collection as it is now; one reference, the caller's. Errors: ERR_NO_COLLECTION (also for an
 * unknown database), ERR_CORRUPT naming the file, ERR_IO, ERR_NOMEM. */
enum err_code writer_snapshot(struct writer *writer, struct collection_name name,
                              struct snapshot **ret_snapshot, struct err *err) MUST_USE;

/* New rows. Shapes are checked, values are not: names, limits, NaN, UTF-8 and JSON are the
 * caller's.
 */
struct row_batch {
    size_t rows;
    /* One for each field of the schema, in its order, each of `rows` rows; of vectors in their
     * declared type. type FIELD_NONE: not given, so the field's default, or null; for an automatic
     * key: made up. A given column with nulls takes the default where the field has one. */
    const struct column *columns;
    size_t column_count;
    const char *partition; /* NULL: "_default" */
};

/* One change, all or nothing: first the deletes, then the inserts. */
struct mutation {
    const struct row_batch *insert;   /* NULL: none */
    const struct column *delete_keys; /* of the primary key's type; NULL: none */
    const char *delete_partition;     /* only rows of this partition; NULL: all */
};

struct mutation_result {
    uint64_t inserted;
    uint64_t deleted;  /* rows that delete_keys hit */
    uint64_t replaced; /* rows that gave way to inserted ones */
    int64_t first_id;  /* of made up keys: they count up from here, in the order of the rows.
                          VarChar keys are the decimal text */
    uint64_t version;  /* counts up with each change of the database */
};

/* Waits until it is durable. Where two inserted rows have one key, the later one lives.
 * Errors: ERR_NO_COLLECTION, ERR_NO_PARTITION, ERR_INVALID when a shape does not fit the schema
 * (rows, type, width, key missing or null, null in a field that has none), ERR_NO_SPACE, ERR_IO,
 * ERR_NOMEM, ERR_STATE after writer_stop. Nothing has changed then. */
enum err_code writer_apply(struct writer *writer, struct collection_name name,
                           const struct mutation *mutation, struct mutation_result *ret_result,
                           struct err *err) MUST_USE;

/* Numbers that nobody else gets, for keys; `count` from `*ret_first` on. */
enum err_code writer_take_ids(struct writer *writer, size_t count, int64_t *ret_first,
                              struct err *err) MUST_USE;

/* Seals all rows that are pending now, and waits. */
enum err_code writer_flush(struct writer *writer, struct collection_name name,
                           struct err *err) MUST_USE;
/* Indexes built since a collection was opened (index_builder.h) are used from now on.
 *   ret_count  those that are new */
enum err_code writer_refresh_indexes(struct writer *writer, size_t *ret_count,
                                     struct err *err) MUST_USE;
/* Seals, merges by tiers, rewrites every segment that has dead rows at all, and waits.
 *   ret_segments  new segments made */
enum err_code writer_compact(struct writer *writer, struct collection_name name,
                             size_t *ret_segments, struct err *err) MUST_USE;

#endif
