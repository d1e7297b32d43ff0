/* source.h: where entities come from. The mover sees nothing else of a Milvus 1.x installation, a
 * package, or an embedded database that is read back for verification.
 *
 * A source is described once, when it is opened; then its segments are read as batches of rows. A
 * segment's rows are numbered from 0 and never change while the source is open.
 * Threads: a source may be used by many threads at once; one segment_reader by one at a time. */
#ifndef GODWIT_FLOW_SOURCE_H
#define GODWIT_FLOW_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/file.h"
#include "base/metric.h"
#include "flow/finding.h"

#define PARTITION_DEFAULT "_default" /* the collection's own rows; 1.x and 2.x name it so */
#define SEGMENT_ROWS_MAX ((uint64_t)1 << 31)
#define BATCH_SIZE                                                                                 \
    ((size_t)256 << 10) /* bytes of vectors in a batch, at most, unless one row is larger */

struct source_partition {
    const char *tag;       /* verbatim; PARTITION_DEFAULT stands first and always exists */
    uint64_t rows;         /* live rows, over its segments */
    bool is_reserved_twin; /* a stored partition whose tag is literally "_default" (format
                              spec 2.3): its rows belong to the default partition, it is not listed
                              on its own */
};

struct source_segment {
    const char
        *name; /* unique in the source, stable over runs: "TABLE_ID/SEGMENT_ID", "wal/TABLE_ID" */
    size_t partition; /* index into the collection's partitions */
    uint64_t order;   /* get() answers from the lowest order first, then the lowest row */
    uint64_t rows;    /* stored rows, dead ones included */
    uint64_t live_rows;
    uint64_t size;    /* bytes of ids and vectors on disk */
    bool is_log_only; /* rows that stand only in the write-ahead log */
    bool is_damaged;  /* cannot be read; a finding says why */
};

struct source_collection {
    const char *name;
    enum metric_type metric;
    size_t dim;      /* components, or bits of a binary collection */
    size_t row_size; /* bytes of one vector */
    bool has_auto_ids;
    const char *index_type;   /* name as in 1.x: "FLAT", "IVF_SQ8", ... ; "" when unknown */
    const char *index_params; /* JSON text, "{}" for none */
    uint64_t index_file_size; /* bytes; 0 when unknown */
    int64_t created_us;       /* 0 when unknown */
    struct source_partition *partitions;
    size_t partition_count;
    struct source_segment *segments; /* without damaged ones' rows in any count */
    size_t segment_count;
    uint64_t live_rows;
    uint64_t deleted_rows;     /* dead rows in live segments, killed by the log included */
    uint64_t log_rows;         /* of live_rows: only in the log */
    uint64_t log_deleted_rows; /* of deleted_rows: killed only by the log */
    uint64_t damaged_rows;     /* rows that damaged segments should hold, as far as known */
    uint64_t duplicate_ids;    /* ids that occur more than once among live rows */
    uint64_t duplicate_rows;   /* rows beyond the first of each such id */
};

struct source_description {
    const char *kind; /* "Milvus 1.x installation", "migration_data package", "Godwit database" */
    const char *location;
    const char *
        version; /* hint: versions stored in the metadata, "1.1.1" or "0.10.6, 1.1.1"; "" unknown */
    const char *meta;                      /* where the metadata came from; without secrets */
    const char *log;                       /* where the write-ahead log is, "" when none */
    struct source_collection *collections; /* sorted by name, bytewise */
    size_t collection_count;
    struct finding_list findings;
};

/* Some rows of one segment, contiguous. Pointers live until the next call on the reader. */
struct batch {
    uint64_t first_row;
    size_t rows;
    const int64_t *ids;     /* host order, aligned to 8 */
    const uint8_t *vectors; /* rows * row_size bytes, any alignment */
};

struct segment_reader;
struct segment_reader_ops {
    enum err_code (*next)(struct segment_reader *reader, struct batch *ret_batch, struct err *err);
    void (*close)(struct segment_reader *reader);
};

/* Base of every reader; implementations embed it as their first member. */
struct segment_reader {
    const struct segment_reader_ops *ops;
    uint64_t rows; /* dead ones included */
    size_t row_size;
    const uint64_t *dead; /* bit k: row k is dead; NULL when all rows live. Borrowed */
    uint64_t dead_rows;
    /* Where the columns lie in local files, for copying or linking by the kernel; has_extents
     * false: only batches. */
    bool has_extents;
    struct file_extent ids;     /* rows * 8 bytes, i64 little-endian */
    struct file_extent vectors; /* rows * row_size bytes */
};

struct source;
struct source_ops {
    enum err_code (*open_segment)(struct source *source, size_t collection, size_t segment,
                                  struct segment_reader **ret_reader, struct err *err);
    void (*close)(struct source *source);
};

/* Base of every source; implementations embed it as their first member. */
struct source {
    const struct source_ops *ops;
    struct source_description description;
};

enum err_code source_open_segment(struct source *source, size_t collection, size_t segment,
                                  struct segment_reader **ret_reader, struct err *err) MUST_USE;
/* The next rows; rows 0 at the end. Dead rows are included: look at reader->dead. */
enum err_code segment_reader_next(struct segment_reader *reader, struct batch *ret_batch,
                                  struct err *err) MUST_USE;
void segment_reader_close(struct segment_reader *reader); /* NULL accepted */
void source_close(struct source *source);                 /* NULL accepted */
/* The collection of a name, or NULL. */
const struct source_collection *source_find(const struct source *source, const char *name);

#endif
