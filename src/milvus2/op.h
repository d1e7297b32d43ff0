/* op.h: one operation being done for a client, whichever protocol it came by.
 *
 * The core (collections.h, indexes.h, insert.h, search.h ...) takes neutral structs and an op, and
 * answers true, or false with op->status set. gRPC and REST only translate: they fill the structs,
 * call one function, and turn its answer or the status into their own bytes. Whatever the core
 * returns lives in the op's arena or in snapshots that the op holds, until op_end().
 * Threads: an op belongs to one thread. */
#ifndef GODWIT_MILVUS2_OP_H
#define GODWIT_MILVUS2_OP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "engine/collection.h"
#include "engine/rows.h"
#include "engine/snapshot.h"
#include "engine/write/writer.h"
#include "milvus2/status.h"
#include "server/call.h"

struct api;

#define OP_SNAPSHOTS_MAX 8
#define OP_ROW_SETS_MAX 4

struct op {
    struct api *api;
    struct writer *writer;
    struct arena *arena;
    const char *database;    /* never NULL */
    const char *user;        /* "" while nobody has to log in */
    const struct call *call; /* asked whether somebody still waits; NULL in tests */
    struct status status;
    struct snapshot *snapshots[OP_SNAPSHOTS_MAX];
    size_t snapshot_count;
    struct row_set *row_sets[OP_ROW_SETS_MAX]; /* in the arena */
    size_t row_set_count;
};

/* Starts an operation in a logical database; NULL or "" is the default one. */
void op_begin(struct op *op, struct api *api, struct arena *arena, const char *database);
/* Lets go of the snapshots opened so far; views of them end. */
void op_release_snapshots(struct op *op);
/* Lets go of snapshots and fetched rows; the arena stays. */
void op_end(struct op *op);

/* A key and its value, as protocols carry parameters and properties. */
struct pair {
    const char *key;
    const char *value;
};
struct pair_list {
    const struct pair *items;
    size_t count;
};
/* The value of the first pair of that key, or NULL. */
const char *pairs_get(const struct pair_list *pairs, const char *key);
struct name_list {
    const char *const *items;
    size_t count;
};
bool names_have(const struct name_list *names, const char *name);

/* From the op's arena, zeroed; NULL sets the status. */
void *op_array(struct op *op, size_t count, size_t size) MUST_USE;
char *op_printf(struct op *op, const char *format, ...) PRINTF_LIKE(2, 3) MUST_USE;
char *op_strndup(struct op *op, const char *text, size_t size) MUST_USE;
/* A bitmap of `rows` bits, all clear. */
uint64_t *op_bitmap(struct op *op, size_t rows) MUST_USE;

/* True when `code` is ERR_OK; else takes over the error. */
bool op_engine(struct op *op, enum err_code code, const struct err *err);
/* The same for errors about a collection: ERR_NO_COLLECTION becomes "collection not found" or
 * "database not found" in Milvus's words. */
bool op_engine_for(struct op *op, enum err_code code, const struct err *err,
                   const char *collection);
/* False, with the status set, when nobody waits for the answer any more. */
bool op_is_wanted(struct op *op);

/* Does the database exist? False sets the status (800). */
bool op_check_database(struct op *op, const char *database);

/* A hybrid timestamp, as Milvus counts: milliseconds << 18. */
uint64_t op_timestamp(int64_t time_us);
uint64_t op_now(void);

/* A collection as clients see it, at one moment. */
struct view {
    struct snapshot *snapshot; /* held by the op */
    const struct collection_info *info;
    const struct collection_facts *facts;
    struct schema
        schema;          /* info->schema, with the vector field of 1.x collections named as asked */
    size_t shown_fields; /* those before the dynamic field, which clients do not see */
    size_t dynamic;      /* index of the dynamic field, SIZE_MAX without one */
};
/* By name or alias. */
bool view_open(struct op *op, const char *collection, struct view *ret_view);
/* The same, where a missing collection is no error: *ret_has says whether it is there. */
bool view_try(struct op *op, const char *collection, struct view *ret_view, bool *ret_has);
/* The same, but by id when the name is "". */
bool view_open_id(struct op *op, const char *collection, int64_t id, struct view *ret_view);
/* rows_fetch() with an answer that lives until op_end(). */
bool view_fetch(struct op *op, const struct view *view, const struct rows_fetch *request,
                struct column **ret_columns);
/* The view of a snapshot, which the op holds as well. */
bool view_of(struct op *op, struct snapshot *snapshot, struct view *ret_view);
/* The field of a name, or SIZE_MAX. The dynamic field has none. */
size_t view_field(const struct view *view, const char *name);
static inline struct collection_name op_name(const struct op *op, const char *collection)
{
    return (struct collection_name){.database = op->database, .name = collection};
}
/* The view's own name: changes are made by it, not by an alias. */
static inline struct collection_name view_name(const struct view *view)
{
    return (struct collection_name){.database = view->info->database, .name = view->info->name};
}

#endif
