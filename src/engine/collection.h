/* collection.h: what a collection is, beside its rows: names, fields, indexes asked for, settings.
 *
 * A collection belongs to a logical database; DATABASE_DEFAULT always exists. Collections that came
 * from Milvus 1.x, or from an import, have two fields: the Int64 key FIELD_1X_KEY and the vector
 * FIELD_1X_VECTOR. In the catalog a collection of another database is named "database/collection";
 * the functions of database.h and the command line take that name.
 *
 * Everything here is part of a snapshot and never changes; text is UTF-8. Threads: any. */
#ifndef GODWIT_ENGINE_COLLECTION_H
#define GODWIT_ENGINE_COLLECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "base/metric.h"
#include "engine/snapshot.h"
#include "flow/schema.h"

#define DATABASE_DEFAULT "default"
#define FIELD_1X_KEY "id"
#define FIELD_1X_VECTOR "data"

/* An index as its user asked for it. What is really built is the engine's business (index.h). */
struct declared_index {
    int64_t id;
    const char *name;
    const char *field;
    const char *params;      /* JSON object of strings, to be shown again */
    enum metric_type metric; /* of a vector field; METRIC_NONE for a scalar one */
    int64_t created_us;
};

struct collection_info {
    int64_t id;
    const char *database;
    const char *name; /* inside its database */
    struct schema schema;
    const enum metric_type *metrics; /* of each field; METRIC_NONE for scalars. Vectors have one
                                        before an index is declared: COSINE, or HAMMING for bits */
    const struct declared_index *indexes; /* in order of declaration */
    size_t index_count;
    const char *const *aliases; /* sorted */
    size_t alias_count;
    const char *properties; /* JSON object of strings, as set; "{}" for none */
    const char *state;      /* text of whoever serves the collection, kept and not looked at */
    int64_t consistency;    /* Milvus 2.x's number */
    size_t shards;
    size_t partition_keys; /* with a partition key: partitions that clients see; else 0 */
    bool is_loaded;
    bool is_1x; /* made by migration or import */
    int64_t created_us;
    int64_t updated_us; /* of the last change of what stands here */
};

/* Borrowed from the snapshot. */
const struct collection_info *snapshot_info(const struct snapshot *snapshot);

/* The snapshot in which search_run() searches another vector field: the same segments and rows, so
 * places and filters fit both. Borrowed; the snapshot itself searches the first vector field.
 *   field  index into schema.fields
 * Errors: ERR_INVALID when it is no vector field. */
enum err_code snapshot_for_field(struct snapshot *snapshot, size_t field,
                                 struct snapshot **ret_snapshot, struct err *err) MUST_USE;

#endif
