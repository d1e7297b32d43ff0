/* sweep.h: removes files below segments/ that no catalog row names: what dead runs left, and what a
 * transaction has just forgotten. Only a writer may; does nothing while database->making says that
 * a segment is in the making. What a builder of indexes is writing beside a segment is left to it.
 */
#ifndef GODWIT_ENGINE_SWEEP_H
#define GODWIT_ENGINE_SWEEP_H

#include "base/err.h"
#include "engine/database.h"

/* Takes the database's lock. Names that are not ours are left alone. */
enum err_code sweep_files(struct database *database, struct err *err) MUST_USE;

#endif
