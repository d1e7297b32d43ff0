/* index_record.h: NNNNNN.built, what the last build of a segment's index did and took.
 *
 * It stands beside the index and not in it, since an index file is the same whatever built it. A
 * small JSON object; whoever cannot read it goes on without. */
#ifndef GODWIT_ENGINE_INDEX_RECORD_H
#define GODWIT_ENGINE_INDEX_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum index_plan { INDEX_LISTS, INDEX_GRAPH, INDEX_PLANS };

/* What one plan's file took to build; zero: it was not built. */
struct index_cost {
    double cpu_s; /* of all threads */
    double wall_s;
};

struct index_record {
    int64_t built_us; /* when it ended */
    size_t threads;
    bool has_failed;
    char reason[ERR_MSG_SIZE]; /* when it has failed: the sentence */
    struct index_cost costs[INDEX_PLANS];
};

/* The key of a plan in the file: "lists". */
const char *index_plan_name(enum index_plan plan);

enum err_code index_record_write(const char *path, const struct index_record *record,
                                 struct err *err) MUST_USE;
/* False when there is none, or none that can be understood. */
bool index_record_read(const char *path, struct index_record *ret_record);

#endif
