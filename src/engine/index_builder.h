/* index_builder.h: builds all indexes that a folder lacks, as its only builder.
 *
 * An index is derived, so building needs no writer's lock: imports, drops and migrations go on
 * meanwhile, and a segment that vanishes is passed over. The builder holds FOLDER/index.lock, tells
 * how far it is (index_status.h), and writes what each segment took (index_record.h).
 *
 * Whoever has added rows asks for indexes with index_builder_ask() and then tries to become the
 * builder. If there is one, it is left to it: before a builder leaves, it looks whether it was
 * asked again, and after it has left, once more. So what was asked for is built, however the two
 * meet. */
#ifndef GODWIT_ENGINE_INDEX_BUILDER_H
#define GODWIT_ENGINE_INDEX_BUILDER_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/err.h"
#include "engine/database.h"
#include "engine/index.h"

struct index_builder;

/* `stop` ends building and waiting (ERR_INTERRUPTED). Errors: ERR_LOCKED naming the process when
 * another one builds and `waits` is false; ERR_IO, ERR_NOMEM. */
enum err_code index_builder_open(const char *folder, const atomic_bool *stop, bool waits,
                                 struct index_builder **ret_builder, struct err *err) MUST_USE;
void index_builder_close(struct index_builder *builder); /* NULL accepted */

/* Builds what is missing in a collection, or in all (NULL), and then whatever it was asked for
 * meanwhile. Counts add up over the collections. `options`: watch is the builder's own. Errors:
 * those of index_build(); ERR_NO_COLLECTION; those of opening the folder for reading. */
enum err_code index_builder_run(struct index_builder *builder, const char *collection,
                                const struct index_options *options,
                                struct index_counts *ret_counts, struct err *err) MUST_USE;
/* Removes the indexes of a collection, or of all. */
enum err_code index_builder_drop(struct index_builder *builder, const char *collection,
                                 size_t *ret_count, struct err *err) MUST_USE;
/* How far it is; borrowed. Threads: any. */
const struct index_watch *index_builder_watch(const struct index_builder *builder);

/* Leaves word for a builder, whether there is one now or not. */
enum err_code index_builder_ask(const char *folder, struct err *err) MUST_USE;
/* Has somebody asked since the last builder looked? Whoever closes a builder looks, and builds. */
bool index_builder_is_wanted(const char *folder);

#endif
