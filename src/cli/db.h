/* db.h: the operands DB and COLLECTION.
 *
 * Errors get the exit status of the contract here: a folder that is no database is unreadable (3),
 * a collection that is not there is answered with the names that are. */
#ifndef GODWIT_CLI_DB_H
#define GODWIT_CLI_DB_H

#include "base/err.h"
#include "cli/options.h"
#include "engine/database.h"
#include "engine/snapshot.h"

/* Opens the operand DB. A folder that is no database is ERR_SOURCE. */
enum err_code db_open(const char *location, enum database_mode mode, struct database **ret_database,
                      struct err *err) MUST_USE;
/* DB and COLLECTION: operands 0 and 1. Both are closed by the caller; `*ret_snapshot` first. */
enum err_code db_open_collection(const struct arguments *arguments, struct database **ret_database,
                                 struct snapshot **ret_snapshot, struct err *err) MUST_USE;
/* Adds to ERR_NO_COLLECTION which collections there are; returns the code. */
enum err_code db_name_collections(struct database *database, struct err *err);

#endif
