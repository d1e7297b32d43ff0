/* progress_write.h: the writing end of progress.h, for migrate.c, worker.c and verify.c.
 * Every function accepts a NULL progress. Counters: any thread; the rest: the thread that runs. */
#ifndef GODWIT_MIGRATE_PROGRESS_WRITE_H
#define GODWIT_MIGRATE_PROGRESS_WRITE_H

#include "flow/meter.h"
#include "migrate/progress.h"

void progress_set_phase(struct migrate_progress *progress, enum progress_phase phase);
void progress_set_job(struct migrate_progress *progress, int64_t job);
/* Lists the collections: names are copied; the totals of segments, rows and bytes of each. Once. */
enum err_code progress_set_plan(struct migrate_progress *progress, const char *const *names,
                                const struct progress_numbers *totals, size_t count,
                                struct err *err) MUST_USE;
/* Makes `overall` the parent of every collection's meter. Once, before threads copy. */
void progress_start_copy(struct migrate_progress *progress, struct meter *overall);
/* The meter that put_segment() counts with: the collection's, or `overall` when there is none. */
struct meter *progress_copy_meter(struct migrate_progress *progress, size_t collection,
                                  struct meter *overall);
/* A segment that was there already. */
void progress_add_found(struct migrate_progress *progress, size_t collection, uint64_t rows,
                        uint64_t size);
/* Takes back what a copy counted that has to be made again. */
void progress_take_back(struct migrate_progress *progress, size_t collection, uint64_t rows,
                        uint64_t size);
void progress_add_verified(struct migrate_progress *progress, size_t collection, uint64_t rows,
                           uint64_t size);
void progress_add_done(struct migrate_progress *progress, size_t collection);

#endif
