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
#include "engine/index_record.h"
#include "engine/index_watch.h"
#include "engine/snapshot.h"

#define INDEX_ROWS_MIN 8000                /* live rows below which a scan is fast enough */
#define INDEX_SIZE_MIN ((uint64_t)1 << 20) /* of binary vectors: bytes of live rows */
#define INDEX_LEVELS 9                     /* 10 is exact */
#define INDEX_K_CLASSES 3
#define INDEX_PASSES 4U       /* work of a row: lists_build.h counts three, calibration the last */
#define INDEX_GRAPH_PASSES 8U /* graph_build.h counts seven */

struct index_rung {
    float recall;     /* what the level promises */
    const char *plan; /* of a single query like the rows: "flat", "lists" or "graph" */
    size_t probes;    /* of the lists; 0: not good enough for the level */
    size_t rerank;    /* 0 for binary vectors: the lists hold them */
    size_t ef;        /* of the graph; 0: likewise */
    size_t graph_rerank;
};

enum index_state {
    INDEX_NOT_NEEDED, /* too few rows, or no index for the metric */
    INDEX_READY,
    INDEX_MISSING,
    INDEX_UNDER_WAY, /* being built now */
    INDEX_DAMAGED,
    INDEX_STALE, /* of another version, or of other rows */
    INDEX_BROKEN /* the last build of it has failed: record.reason */
};

struct index_facts {
    uint64_t rows; /* live */
    size_t partition;
    uint64_t folder; /* its files: segments/FOLDER/NUMBER.* */
    uint64_t number;
    enum index_state state; /* never INDEX_UNDER_WAY: index_status.h knows */
    bool has_record;
    struct index_record record; /* what the last build took, when has_record */
    bool is_possible;           /* enough rows, and a metric that has an index */
    bool is_built;              /* the lists */
    bool has_graph;
    bool is_judged; /* a graph was made and found needless, or the metric has none */
    uint64_t size;  /* bytes of the files */
    size_t lists;
    size_t degree; /* links of a node of the graph, at most */
    size_t bits;   /* of its codes */
    bool is_rotated;
    size_t ks[INDEX_K_CLASSES]; /* k up to which a ladder serves */
    struct index_rung ladder[INDEX_K_CLASSES][INDEX_LEVELS];
};

const char *index_state_name(enum index_state state); /* "ready", "missing", ... */
/* Of segment `index` < facts->segment_count. Reads the whole file, to see whether it is sound. */
void index_describe(const struct database *database, struct snapshot *snapshot, size_t index,
                    struct index_facts *ret_facts);

struct index_options {
    size_t threads;            /* 0: as many as there are processors */
    size_t memory_max;         /* bytes; 0: a quarter of the machine's */
    struct index_watch *watch; /* told how far it is, and says when to stop; may be NULL */
    const char *isa;           /* as in search.h */
    bool is_forced;            /* also what has a sound index already */
    bool is_lists_only;        /* no graphs: what makes all segments faster soon */
    bool keeps_graphs;         /* also where the lists serve as well: for tests and measuring */
};

struct index_counts {
    size_t built;
    size_t kept;   /* had one */
    size_t left;   /* too small, or no metric for it */
    size_t failed; /* damaged segments; their records say why */
    size_t gone;   /* dropped while they were built */
    uint64_t time_ns;
    uint64_t cpu_ns;
};

/* How many segments should have an index and how many seem to have one, by the heads of the files
 * alone. */
void index_count(const struct snapshot *snapshot, size_t *ret_possible, size_t *ret_ready);
/* The same, where the first index of a segment is enough: searches are fast from then on. */
void index_count_first(const struct snapshot *snapshot, size_t *ret_possible, size_t *ret_ready);
/* Adds to the totals of a watch what index_build would do. */
void index_add_work(struct snapshot *snapshot, bool is_forced, struct index_watch *watch);

/* Builds what is missing in a collection, segment after segment, each with all threads: the lists
 * of all segments, then the graphs, so that all of them are fast soon. Nobody else
 * may build in the folder (index_builder.h sees to that); the database may be open for reading, and
 * others may write to it meanwhile. Errors: those of lists_build.h; segments that were done stay.
 * A damaged segment (ERR_CORRUPT) stops nothing; the first one is told at the end. */
enum err_code index_build(struct database *database, struct snapshot *snapshot,
                          const struct index_options *options, struct index_counts *ret_counts,
                          struct err *err) MUST_USE;
/* Removes the index files of a collection, damaged and foreign ones too. ret_count: those that were
 * in use. The same rule. */
enum err_code index_drop(struct database *database, struct snapshot *snapshot, size_t *ret_count,
                         struct err *err) MUST_USE;

#endif
