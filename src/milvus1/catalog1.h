/* catalog1.h: what the rows of the metadata mean: which collections, partitions and segments live.
 *
 * A "table" here is one row of `Tables`: a collection's own default storage, or one partition. It
 * is visible when its state is not TO_DELETE and, for a partition, its owner is visible too. Live
 * segments of a table are the DISTINCT segment ids of its file rows RAW, TO_INDEX, INDEX and
 * BACKUP: after an index build a segment has two rows, and a row TO_DELETE may belong to a living
 * segment. Folders are never walked to find data. Source: milvus-io/milvus v0.9.0..1.1,
 * core/src/db/meta/SqliteMetaImpl.cpp (FilesToSearch), db/DBImpl.cpp (DropCollection). */
#ifndef GODWIT_MILVUS1_CATALOG1_H
#define GODWIT_MILVUS1_CATALOG1_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/metric.h"
#include "flow/finding.h"
#include "milvus1/meta.h"

struct catalog1_segment {
    const char *segment_id;
    uint64_t order;     /* `id` of its raw row, else of its lowest live row */
    int64_t row_count;  /* as stored: unreliable */
    int64_t file_size;  /* as stored */
    int64_t created_on; /* microseconds */
    bool has_raw_row;   /* false: only an index row tells of it */
};

struct catalog1_table {
    const struct meta_table *row;
    size_t collection;                 /* index into catalog1.collections */
    size_t partition;                  /* index into its tags */
    struct catalog1_segment *segments; /* ascending order */
    size_t segment_count;
    size_t new_rows; /* file rows NEW: the server did not stop cleanly */
};

struct catalog1_collection {
    const struct meta_table *row;
    enum metric_type metric;
    size_t dim; /* components or bits; corrected by installation.c where MySQL could not hold it */
    size_t row_size;
    size_t first_table; /* its own row; partitions follow */
    size_t table_count;
    const char **tags; /* tags[0] is PARTITION_DEFAULT; a stored "_default" shares it */
    size_t tag_count;
    bool has_reserved_twin;
};

struct catalog1 {
    struct catalog1_collection *collections; /* by name, bytewise; refused ones are not in it */
    size_t collection_count;
    struct catalog1_table *tables; /* grouped by collection */
    size_t table_count;
    uint64_t flush_lsn_max; /* over the tables */
};

/* Builds the catalog from `meta`, which must outlive it; all memory is taken from `arena`. What
 * is odd goes to `findings`: a collection that cannot be read at all (hybrid, impossible dimension
 * or metric) is FINDING_REFUSED with its name and is not in the catalog. ERR_NOMEM only. */
enum err_code catalog1_build(const struct meta *meta, struct arena *arena,
                             struct finding_list *findings, struct catalog1 *ret_catalog,
                             struct err *err) MUST_USE;

/* The collection of this name, or NULL. */
const struct catalog1_collection *catalog1_find(const struct catalog1 *catalog, const char *name,
                                                size_t name_size);

/* Name of an index type as users of 1.x know it; "" when unknown. */
const char *catalog1_index_name(int64_t engine_type, enum metric_type metric);

#endif
