/* lookup.h: rows by their ids, and how many there are.
 *
 * An id may stand in several rows. The answer is the one that Milvus 1.x gave: the first live row
 * of the first segment in order. Threads: any. */
#ifndef GODWIT_ENGINE_LOOKUP_H
#define GODWIT_ENGINE_LOOKUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/snapshot.h"

#define LOOKUP_IDS_MAX 1048576 /* in one call */

struct lookup_result {
    bool *found;          /* one for each id asked for, in that order (repeats allowed) */
    uint32_t *partitions; /* index into facts->partitions, where found */
    uint8_t *vectors;     /* count x row_size; zeros where not found */
    size_t count;
    size_t found_count;
    size_t row_size;
};

/* `partition`: NULL for all. Errors: ERR_INVALID (too many ids), ERR_NO_PARTITION, ERR_CORRUPT,
 * ERR_NOMEM. */
enum err_code lookup_get(struct snapshot *snapshot, const char *partition, const int64_t *ids,
                         size_t count, struct lookup_result *ret_result, struct err *err) MUST_USE;
void lookup_result_release(struct lookup_result *result);

/* Rows by the thousand, for the filter of a search: a bitmap for each segment of the snapshot. */
struct lookup_marks {
    uint64_t **bitmaps; /* bit k set: row k has one of the ids, dead rows too; never NULL inside */
    size_t segment_count;
    uint64_t rows; /* marked, dead ones included */
};
/* Errors: ERR_INVALID (more than LOOKUP_IDS_MAX), ERR_CORRUPT, ERR_NOMEM. */
enum err_code lookup_mark(struct snapshot *snapshot, const int64_t *ids, size_t count,
                          struct lookup_marks *ret_marks, struct err *err) MUST_USE;
void lookup_marks_release(struct lookup_marks *marks); /* zeroed accepted */

/* Live rows of a partition, or of all with NULL. ERR_NO_PARTITION. */
enum err_code lookup_count(const struct snapshot *snapshot, const char *partition,
                           uint64_t *ret_rows, struct err *err) MUST_USE;

#endif
