/* upkeep.h: flush, compaction, segments. Operations: see op.h. */
#ifndef GODWIT_MILVUS2_UPKEEP_H
#define GODWIT_MILVUS2_UPKEEP_H

#include "milvus2/op.h"

/* Seals a collection's pending rows; ids of all its sealed segments. */
bool upkeep_flush(struct op *op, const char *collection, int64_t **ret_segments, size_t *ret_count);
bool upkeep_flush_all(struct op *op);

/* Merges and rewrites in the background; the id is asked about with upkeep_compaction. */
bool upkeep_compact(struct op *op, const char *collection, int64_t *ret_id);
struct compaction_view {
    bool is_done;
    size_t plans;
};
bool upkeep_compaction(struct op *op, int64_t id, struct compaction_view *ret_view);

struct segment_view {
    int64_t id;
    int64_t partition_id;
    uint64_t rows;
    uint64_t size;
    bool is_growing;
};
bool upkeep_segments(struct op *op, const struct view *view, struct segment_view **ret_items,
                     size_t *ret_count);
/* "{"nodes_info":...}": answer to GetMetrics. */
char *upkeep_metrics(struct op *op);

#endif
