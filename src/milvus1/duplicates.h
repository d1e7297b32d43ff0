/* duplicates.h: ids that occur more than once among the live rows of a collection.
 *
 * 1.x never checks ids. The count takes at most DUPLICATES_MEMORY for any number of rows: ids are
 * read once for each range of their hash that fits, and a range is sorted. Ids that come in
 * ascending stretches which do not overlap, as most do, are read once and need no sorting. */
#ifndef GODWIT_MILVUS1_DUPLICATES_H
#define GODWIT_MILVUS1_DUPLICATES_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define DUPLICATES_MEMORY ((size_t)64 << 20)

/* Takes ids as they come. */
struct id_sink {
    enum err_code (*take)(struct id_sink *sink, const int64_t *ids, size_t count, struct err *err);
};

/* Where they come from: `read` hands all live ids to the sink, the same ones each time. */
struct id_stream {
    enum err_code (*read)(void *argument, struct id_sink *sink, struct err *err);
    void *argument;
    uint64_t rows; /* how many ids that are */
    size_t memory; /* DUPLICATES_MEMORY, or less in tests */
};

/* ret_ids: ids that occur more than once; ret_rows: rows beyond the first of each. */
enum err_code duplicates_count(const struct id_stream *stream, uint64_t *ret_ids,
                               uint64_t *ret_rows, struct err *err) MUST_USE;

#endif
