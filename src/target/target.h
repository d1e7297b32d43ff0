/* target.h: opens what --to names, and a Godwit folder as a source. */
#ifndef GODWIT_TARGET_TARGET_H
#define GODWIT_TARGET_TARGET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "flow/source.h"
#include "flow/target.h"

struct target_options {
    bool link; /* hard-link whole segment files instead of copying them */
};

/* Opens a target for writing, making it when absent. `location` is a folder (an embedded database);
 * http(s)://, npy: and npy+s3:// are named as not supported.
 * Errors: those of database_open(); ERR_UNSUPPORTED names the forms there are. */
enum err_code target_open(const char *location, const struct target_options *options,
                          struct target **ret_target, struct err *err) MUST_USE;
void target_close(struct target *target); /* NULL accepted */

/* Bytes that a database folder needs for the live rows of a collection, by copying or by linking:
 * what target_ops.estimate answers, for looking before there is a target. */
uint64_t target_engine_estimate(const struct source_collection *collection, bool link);

/* A published database folder as a source: for `verify`, or to migrate from. The location is
 * copied. Errors: those of database_open(DATABASE_READ). */
enum err_code source_engine_open(const char *folder, struct source **ret_source,
                                 struct err *err) MUST_USE;
/* True when the folder is a Godwit database. */
bool source_engine_is_database(const char *folder);

#endif
