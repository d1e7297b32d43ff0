/* snapshot_query.h: the rows that a filter selects in a snapshot that nobody serves, as a query of
 * a client would: for commands that read a folder. Threads: any. */
#ifndef GODWIT_MILVUS2_SNAPSHOT_QUERY_H
#define GODWIT_MILVUS2_SNAPSHOT_QUERY_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/snapshot.h"

struct snapshot_query {
    const char *filter;    /* docs/filter.md */
    const char *partition; /* a tag; NULL: all */
    size_t limit;          /* at least 1; limit + offset at most 16,384 */
    size_t offset;
};

/* The keys of the rows, ascending: `*ret_ids` is freed by mem_free. Errors: ERR_INVALID for the
 * filter or the window, ERR_NO_PARTITION, ERR_STATE when the collection was released,
 * ERR_UNSUPPORTED when keys are texts, ERR_CORRUPT, ERR_NOMEM. */
enum err_code snapshot_query_ids(struct snapshot *snapshot, const struct snapshot_query *query,
                                 int64_t **ret_ids, size_t *ret_count, struct err *err) MUST_USE;

#endif
