/* snapshot.h: one collection at one moment: its facts and its open segments. Never changes.
 *
 * Counted references: search, get and cursors need the caller's reference only while they run,
 * cursors keep their own. The last one out unmaps. Threads: any. */
#ifndef GODWIT_ENGINE_SNAPSHOT_H
#define GODWIT_ENGINE_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/metric.h"

struct partition_facts {
    const char *name; /* tag, verbatim */
    uint64_t rows;    /* live */
    size_t segment_count;
};

struct collection_facts {
    const char *name;
    enum metric_type metric;
    size_t dim;      /* components, or bits of a binary collection */
    size_t row_size; /* bytes of one vector */
    bool has_auto_ids;
    const char *index_type;   /* as the source had it: "IVF_SQ8"; "" when unknown */
    const char *index_params; /* JSON text, "{}" for none */
    uint64_t index_file_size; /* bytes; 0 when unknown */
    int64_t created_us;       /* when the collection was made at its source; 0 when unknown */
    struct partition_facts *partitions; /* "_default" first, then bytewise by name */
    size_t partition_count;
    uint64_t rows;      /* live */
    uint64_t dead_rows; /* stored, but deleted (only with linked segments) */
    size_t segment_count;
    uint64_t size;            /* bytes of ids and vectors */
    bool may_have_duplicates; /* an id may stand in more than one live row */
};

struct snapshot;

struct snapshot *snapshot_ref(struct snapshot *snapshot); /* returns its argument */
void snapshot_unref(struct snapshot *snapshot);           /* NULL accepted */
const struct collection_facts *snapshot_facts(const struct snapshot *snapshot); /* borrowed */

/* Index into facts->partitions. ERR_NO_PARTITION names the ones there are. */
enum err_code facts_partition(const struct collection_facts *facts, const char *name,
                              size_t *ret_index, struct err *err) MUST_USE;
enum err_code snapshot_partition(const struct snapshot *snapshot, const char *name,
                                 size_t *ret_index, struct err *err) MUST_USE;

#endif
