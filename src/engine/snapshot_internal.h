/* snapshot_internal.h: the inside of a snapshot, for search, lookup and cursor. */
#ifndef GODWIT_ENGINE_SNAPSHOT_INTERNAL_H
#define GODWIT_ENGINE_SNAPSHOT_INTERNAL_H

#include <stdatomic.h>

#include "base/mem.h"
#include "base/sql.h"
#include "engine/catalog.h"
#include "engine/segment.h"
#include "engine/snapshot.h"

struct collection_meta;

struct snapshot {
    atomic_size_t references;
    struct arena arena;         /* facts and arrays */
    struct catalog_stamp stamp; /* of the catalog it was read from */
    struct collection_meta *meta;
    struct collection_facts facts;
    struct segment *segments; /* by order */
    uint64_t *bases;          /* ordinal of each segment's row 0; one more: all stored rows */
    size_t segment_count;
    struct snapshot **views; /* for each field, those of vectors beyond the first; NULL: none */
};

/* Reads the collection from the catalog and opens its segments. One reference, the caller's.
 * Errors: those of live_load(). */
enum err_code snapshot_load(struct sql *sql, const char *folder, const char *collection,
                            struct snapshot **ret_snapshot, struct err *err) MUST_USE;
/* The segment that holds an ordinal (a row's place among all stored rows). */
size_t snapshot_segment_of(const struct snapshot *snapshot, uint64_t ordinal);

#endif
