/* staging.h: a job's staging area in a database: what flow/target.h asks of the embedded engine.
 *
 *   planned --staging_put--> stored --staging_publish--> published
 * A staged collection is a catalog row with the job's token, its segments are planned with it, so
 * that each has its file name before anything is copied: a resumed run writes the same names. All
 * is invisible until staging_publish(), which is one transaction; the token is then remembered, so
 * that publishing (and everything before it) again changes nothing. Threads: put, open_segment:
 * any; the others one at a time. */
#ifndef GODWIT_ENGINE_STAGING_H
#define GODWIT_ENGINE_STAGING_H

#include "base/err.h"
#include "engine/database.h"
#include "flow/target.h"

struct staging;

/* Removes what dead runs left, then opens or makes the area of a token. The database (borrowed)
 * must be open for writing. link: put makes hard links where it can. */
enum err_code staging_open(struct database *database, const char *token, bool link,
                           struct staging **ret_staging, struct err *err) MUST_USE;
void staging_close(struct staging *staging); /* NULL accepted; what is staged stays */

/* See struct target_ops for each of these. */
enum err_code staging_collection(struct staging *staging,
                                 const struct staged_collection *collection,
                                 struct err *err) MUST_USE;
enum err_code staging_put(struct staging *staging, const struct staged_segment *segment,
                          struct meter *meter, struct err *err) MUST_USE;
enum err_code staging_open_segment(struct staging *staging, const char *collection,
                                   const char *segment_name, struct segment_reader **ret_reader,
                                   struct err *err) MUST_USE;
enum err_code staging_drop_segment(struct staging *staging, const char *collection,
                                   const char *segment_name, struct err *err) MUST_USE;
enum err_code staging_publish(struct staging *staging, struct err *err) MUST_USE;
enum err_code staging_discard(struct database *database, const char *token,
                              struct err *err) MUST_USE;

#endif
