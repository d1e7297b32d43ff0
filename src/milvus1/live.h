/* live.h: the visible part of the metadata, in a fixed order: what export and package carry over.
 *
 * Collections by name (bytewise), each followed by its partitions by row id; the segments of each
 * by row id. A segment is in it once, with its raw row (or, when only an index row tells of it,
 * with that). Nothing is judged here: what cannot be migrated is carried over too, so that a
 * package says the same about it as the installation. The rules are those of catalog1.h. */
#ifndef GODWIT_MILVUS1_LIVE_H
#define GODWIT_MILVUS1_LIVE_H

#include <stddef.h>

#include "base/err.h"
#include "milvus1/meta.h"

struct live_table {
    const struct meta_table *row;
    size_t first_segment; /* index into live.segments */
    size_t segment_count;
    size_t partition_count; /* of a collection: so many entries after it are its partitions, */
    size_t dropped_count;   /* and so many after those its dropped ones */
};

struct live {
    struct live_table *tables; /* heap */
    size_t table_count;
    const struct meta_file **segments; /* heap; rows of the metadata, grouped by table */
    size_t segment_count;
};

/* Points into `meta`, which must outlive it. ERR_NOMEM only. Released by live_release. */
enum err_code live_select(const struct meta *meta, struct live *ret_live, struct err *err) MUST_USE;
void live_release(struct live *live);

#endif
