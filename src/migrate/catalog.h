/* catalog.h: the durable memory of jobs: tables job, job_collection, job_segment, job_command in
 * the target's SQLite file (docs/jobs.md). Through a connection of its own.
 *
 * Lost notes cost time, never rows: a segment whose note is missing is looked up in the target. So
 * only states of jobs and finished segments are synced; a claim is not.
 * Threads: one at a time; the worker guards it with a lock. */
#ifndef GODWIT_MIGRATE_CATALOG_H
#define GODWIT_MIGRATE_CATALOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "migrate/job.h"
#include "migrate/plan.h"
#include "migrate/verify.h"

struct catalog;

/* What a job is made of. All text borrowed. */
struct job_facts {
    const char *source;
    const char *source_kind;
    const char *fingerprint;
    const char *options;
    const char *source_arguments;
};

/* The job that is open (job_is_open), as it was found. Text lives in the caller's arena. */
struct open_job {
    int64_t id; /* 0: there is none */
    const char *token;
    enum job_state state;
    bool is_publishing; /* all segments were verified, the result may or may not be visible */
    bool is_finished;   /* SUCCESSFUL: only catalog_find_last gives such a one */
    struct job_facts facts;
};

/* Opens the file, makes the tables when they are absent. ERR_UNSUPPORTED when they are of a newer
 * version. */
enum err_code catalog_open(const char *path, struct catalog **ret_catalog,
                           struct err *err) MUST_USE;
void catalog_close(struct catalog *catalog); /* NULL accepted */

enum err_code catalog_find_open(struct catalog *catalog, struct arena *arena,
                                struct open_job *ret_job, struct err *err) MUST_USE;
/* The newest job, whatever its state; id 0 when there is none. */
enum err_code catalog_find_last(struct catalog *catalog, struct arena *arena,
                                struct open_job *ret_job, struct err *err) MUST_USE;
/* A new job in state PENDING with all segments of the plan waiting; one transaction. */
enum err_code catalog_add_job(struct catalog *catalog, const struct job_facts *facts,
                              const struct plan *plan, struct arena *arena,
                              struct open_job *ret_job, struct err *err) MUST_USE;
/* Moves the job by the table in job.c; `detail` is added to the sentence, NULL: none. ERR_STATE
 * when the step is not possible. */
enum err_code catalog_step(struct catalog *catalog, int64_t job, enum job_event event,
                           const char *detail, struct err *err) MUST_USE;
/* Notes that everything is verified and publishing begins, and the rows found in the target. */
enum err_code catalog_begin_publishing(struct catalog *catalog, int64_t job,
                                       const struct plan *plan, struct err *err) MUST_USE;
/* Fills base_rows of the plan from the notes of catalog_begin_publishing. */
enum err_code catalog_read_base_rows(struct catalog *catalog, int64_t job, struct plan *plan,
                                     struct err *err) MUST_USE;
enum err_code catalog_log_command(struct catalog *catalog, int64_t job, const char *command,
                                  struct err *err) MUST_USE;

/* One segment's note. */
struct segment_note {
    enum job_segment_state state;
    struct tally tally; /* of state done */
    int64_t attempts;
};
enum err_code catalog_read_segment(struct catalog *catalog, int64_t job, const char *collection,
                                   const char *segment, struct segment_note *ret_note,
                                   struct err *err) MUST_USE;
/* Writes state and tally, and moves the job's own counts of rows and bytes to the given ones.
 * state claimed counts an attempt. */
struct segment_change {
    const char *collection;
    const char *segment;
    enum job_segment_state state;
    struct tally tally;
    uint64_t job_rows;
    uint64_t job_size;
};
enum err_code catalog_write_segment(struct catalog *catalog, int64_t job,
                                    const struct segment_change *change, struct err *err) MUST_USE;

#endif
