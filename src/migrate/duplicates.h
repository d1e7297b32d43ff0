/* duplicates.h: the rows that --duplicates first leaves behind.
 *
 * Of all live rows of a collection that have one id, over all its partitions, the winner is the one
 * that get() answers with: lowest segment order, then lowest row. The others are the losers, kept
 * as one bit a row in a temporary file without a name, so memory does not grow with the source. */
#ifndef GODWIT_MIGRATE_DUPLICATES_H
#define GODWIT_MIGRATE_DUPLICATES_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "flow/source.h"

#define DUPLICATES_EXAMPLES 5
#define DUPLICATES_SLOTS_MAX ((size_t)8 << 20) /* of 8 bytes: ids looked at in one pass */

/* What was found in one collection. */
struct duplicate_counts {
    uint64_t ids;  /* that occur more than once */
    uint64_t rows; /* losers */
    int64_t examples[DUPLICATES_EXAMPLES];
    size_t example_count;
};

struct losers;

/* For all collections of a source, which is borrowed; nothing is read yet. slots_max: a power of
 * two; DUPLICATES_SLOTS_MAX but in tests. */
enum err_code losers_new(struct source *source, size_t slots_max, struct losers **ret_losers,
                         struct err *err) MUST_USE;
void losers_free(struct losers *losers); /* NULL accepted */

/* Reads the ids of one collection, once or, past slots_max / 2 rows, several times; finds its
 * losers. Threads: one. */
enum err_code losers_find(struct losers *losers, size_t collection, const atomic_bool *stop,
                          struct duplicate_counts *ret_counts, struct err *err) MUST_USE;

/* Losers in one segment; losers may be NULL: none. */
uint64_t losers_count(const struct losers *losers, size_t collection, size_t segment);

/* A segment without the rows that are not to be counted. */
struct live_segment {
    struct segment_reader *reader;
    const uint64_t *dead; /* the reader's dead rows and the losers; NULL: all rows count */
    uint64_t *owned;      /* private */
};

/* Opens a segment of a source. losers may be NULL. Threads: any, at once, after the finding. */
enum err_code live_open(const struct losers *losers, struct source *source, size_t collection,
                        size_t segment, struct live_segment *ret_live, struct err *err) MUST_USE;
void live_close(struct live_segment *live); /* zeroed: nothing happens */

#endif
