/* database.h: a database folder: opened, listed, looked into by name, changed.
 *
 * The folder's catalog is its one commit point: what a transaction has not committed does not
 * exist. Readers take no lock: they read the catalog, map immutable files, and keep them however
 * long a search runs. A writer holds the folder's lock, never changes a published file, and removes
 * files only after the transaction that forgot them. The format is docs/database-format.md.
 *
 * Threads: a struct database may be used by many threads at once, except for database_close. */
#ifndef GODWIT_ENGINE_DATABASE_H
#define GODWIT_ENGINE_DATABASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/metric.h"
#include "engine/snapshot.h"

enum database_mode {
    DATABASE_READ,  /* no lock; works on a read-only medium */
    DATABASE_WRITE, /* exclusive among writers; must exist */
    DATABASE_CREATE /* like WRITE; made when absent */
};

struct database;

/* Opens the folder.
 * Errors: ERR_NOT_FOUND when it is no database (READ, WRITE), ERR_LOCKED when another process (or
 * another struct database of this one) writes to it, ERR_UNSUPPORTED for
 * a newer format, ERR_CORRUPT, ERR_EXISTS when CREATE finds a folder with other things in it,
 * ERR_IO, ERR_NOMEM. */
enum err_code database_open(const char *folder, enum database_mode mode,
                            struct database **ret_database, struct err *err) MUST_USE;
void database_close(struct database *database); /* NULL accepted; snapshots stay valid */

/* True when the folder holds a database's catalog, readable or not. */
bool database_exists(const char *folder);
const char *database_catalog_path(const struct database *database); /* borrowed */

/* All published collections, sorted by name bytewise; release in every case but failure. */
struct collection_list {
    struct collection_facts *items;
    size_t count;
    struct arena arena;
};
enum err_code database_list(struct database *database, struct collection_list *ret_list,
                            struct err *err) MUST_USE;
/* The collection of a name, or NULL; borrowed. */
const struct collection_facts *collection_list_find(const struct collection_list *list,
                                                    const char *name);
void collection_list_release(struct collection_list *list);

/* The collection as it is now: opens (maps) its segments, or takes another reference when nothing
 * changed since. Errors: ERR_NO_COLLECTION, ERR_CORRUPT naming the file, ERR_IO, ERR_NOMEM. */
enum err_code database_snapshot(struct database *database, const char *collection,
                                struct snapshot **ret_snapshot, struct err *err) MUST_USE;

/* Removes a collection, or a partition and its rows, in one transaction; then its files. The
 * default partition ("_default") is emptied, not removed. Needs WRITE. Errors: ERR_NO_COLLECTION,
 * ERR_NO_PARTITION, ERR_STATE when opened for reading. */
enum err_code database_drop_collection(struct database *database, const char *collection,
                                       struct err *err) MUST_USE;
enum err_code database_drop_partition(struct database *database, const char *collection,
                                      const char *partition, struct err *err) MUST_USE;

#endif
