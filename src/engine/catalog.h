/* catalog.h: catalog.sqlite: its schema, its check and what it says about published collections.
 *
 * Changes are in staging.c, publish.c and drop.c; each runs in a transaction that ends with
 * catalog_seal_update() when it touches what is published. Source: docs/database-format.md.
 * Threads: a connection belongs to one thread at a time; struct database has the lock. */
#ifndef GODWIT_ENGINE_CATALOG_H
#define GODWIT_ENGINE_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/sql.h"
#include "engine/segment.h"
#include "engine/snapshot.h"

#define CATALOG_FORMAT 1
#define CATALOG_COLLECTIONS_MAX 1000000
#define CATALOG_PARTITIONS_MAX 1000000
#define CATALOG_SEGMENTS_MAX 16000000

/* Makes the tables in a new file. */
enum err_code catalog_create(struct sql *sql, struct err *err) MUST_USE;
/* Is it ours, of a format we know, made by our own statements? ERR_NOT_FOUND: no database (yet);
 * ERR_UNSUPPORTED: newer; ERR_CORRUPT. */
enum err_code catalog_check(struct sql *sql, struct err *err) MUST_USE;

/* Are the tables there that rows which change need? */
enum err_code catalog_has_rows(struct sql *sql, bool *ret_has_rows, struct err *err) MUST_USE;
/* Adds them when they are missing. */
enum err_code catalog_upgrade(struct sql *sql, struct err *err) MUST_USE;

/* What a snapshot depends on: the seal, and a count of all changes of pending and dead rows. */
struct catalog_stamp {
    uint64_t seal;
    int64_t version;
};
static inline bool catalog_stamp_is_equal(struct catalog_stamp a, struct catalog_stamp b)
{
    return a.seal == b.seal && a.version == b.version;
}
enum err_code catalog_stamp_get(struct sql *sql, struct catalog_stamp *ret_stamp,
                                struct err *err) MUST_USE;

/* The seal as stored: changes whenever something published changes. */
enum err_code catalog_seal_get(struct sql *sql, uint64_t *ret_seal, struct err *err) MUST_USE;
/* Computes the seal of what is published and compares: ERR_CORRUPT when it differs. */
enum err_code catalog_seal_check(struct sql *sql, uint64_t *ret_seal, struct err *err) MUST_USE;
enum err_code catalog_seal_update(struct sql *sql, struct err *err) MUST_USE;

/* A collection as the catalog has it. */
struct catalog_collection {
    int64_t id;
    struct collection_facts facts;
    int64_t *partition_ids;         /* of facts.partitions */
    struct segment_facts *segments; /* by ord; partition is an index into facts.partitions */
};

/* Reads a published collection; everything is allocated in the arena. ERR_NO_COLLECTION. Call
 * inside a transaction, with the seal checked. */
enum err_code catalog_load(struct sql *sql, const char *name, struct arena *arena,
                           struct catalog_collection *ret_collection, struct err *err) MUST_USE;
/* Names of published collections, sorted. */
enum err_code catalog_names(struct sql *sql, struct arena *arena, const char ***ret_names,
                            size_t *ret_count, struct err *err) MUST_USE;
/* The id of a published collection (token NULL) or of a staged one. */
enum err_code catalog_find(struct sql *sql, const char *name, const char *token, bool *ret_found,
                           int64_t *ret_id, struct err *err) MUST_USE;

/* Reads the columns SEGMENT_COLUMNS of the statement's current row, from column `first` on. Checks
 * that they are possible for rows of this size: ERR_CORRUPT. */
#define SEGMENT_COLUMNS                                                                            \
    "folder, number, rows, dead_rows, ids_offset, vec_offset, sum_hash, dead_hash"
enum err_code catalog_segment_read(struct sql_statement *statement, int first, size_t row_size,
                                   struct segment_facts *ret_facts, struct err *err) MUST_USE;

/* One statement with parameters, for its effect. `types`: a letter for each argument: i int64_t,
 * t const char * (NULL: NULL). */
enum err_code catalog_run(struct sql *sql, struct err *err, const char *statement,
                          const char *types, ...) MUST_USE;
/* The same, answering the first column of the first row. */
struct catalog_answer {
    bool found; /* there is a row */
    int64_t value;
};
enum err_code catalog_ask(struct sql *sql, struct catalog_answer *ret_answer, struct err *err,
                          const char *statement, const char *types, ...) MUST_USE;

#endif
