/* index.h: AUTOINDEX seen from outside: which segments of a collection have an index, building and
 * dropping them.
 *
 * An index is a file derived from one segment; it is no part of what the catalog knows, so building
 * changes no result but speed and, within what the levels promise, recall. A snapshot uses the
 * indexes that were there when it was opened. */
#ifndef GODWIT_ENGINE_INDEX_H
#define GODWIT_ENGINE_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/database.h"
#include "engine/snapshot.h"
#include "flow/meter.h"

#define INDEX_ROWS_MIN 8000 /* live rows below which a scan is fast enough */
#define INDEX_LEVELS 9      /* 10 is exact */
#define INDEX_K_CLASSES 3

struct index_rung {
    float recall;  /* what the level promises */
    size_t probes; /* 0: the level scans all rows */
    size_t rerank;
};

struct index_facts {
    uint64_t rows; /* live */
    size_t partition;
    bool is_possible; /* enough rows, and a metric that has an index */
    bool is_built;
    uint64_t size; /* bytes of the file */
    size_t lists;
    bool is_rotated;
    size_t ks[INDEX_K_CLASSES]; /* k up to which a ladder serves */
    struct index_rung ladder[INDEX_K_CLASSES][INDEX_LEVELS];
};

/* Of segment `index` < facts->segment_count. Reads the whole file, to see whether it is sound. */
void index_describe(struct snapshot *snapshot, size_t index, struct index_facts *ret_facts);

struct index_options {
    size_t threads;      /* 0: as many as there are processors */
    size_t memory_max;   /* bytes; 0: a quarter of the machine's */
    struct meter *meter; /* counts each row three times; may be NULL */
    const char *isa;     /* as in search.h */
    bool is_forced;      /* also what has a sound index already */
};

struct index_counts {
    size_t built;
    size_t kept; /* had one */
    size_t left; /* too small, or no metric for it */
    uint64_t time_ns;
};

/* Rows that index_build would read three times, for showing progress. */
uint64_t index_missing_rows(struct snapshot *snapshot, bool is_forced);

/* Builds what is missing in a collection, segment after segment, each with all threads. The
 * database is open for writing. Errors: ERR_STATE when it is not, those of lists_build.h; segments
 * that were done stay. */
enum err_code index_build(struct database *database, struct snapshot *snapshot,
                          const struct index_options *options, struct index_counts *ret_counts,
                          struct err *err) MUST_USE;
/* Removes the index files of a collection, damaged and foreign ones too. ret_count: those that were
 * in use. */
enum err_code index_drop(struct database *database, struct snapshot *snapshot, size_t *ret_count,
                         struct err *err) MUST_USE;

#endif
