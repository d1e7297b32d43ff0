/* migrate.h: move entities from a source to a target and prove that they arrived.
 *
 * A run is a durable job in the target's catalog: kill it at any moment, call migrate_run() with
 * the same source and options again, and it continues. Each segment is claimed, copied, verified
 * (source and stored copy are read back and compared), done; only when all are, the target
 * publishes them in one step, and only then the job is SUCCESSFUL. Knows neither Milvus 1.x nor the
 * engine. */
#ifndef GODWIT_MIGRATE_MIGRATE_H
#define GODWIT_MIGRATE_MIGRATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "flow/source.h"
#include "flow/target.h"
#include "migrate/progress.h"
#include "migrate/selection.h"
#include "migrate/verify.h"

struct migrate_options {
    const struct selection *selection; /* NULL: everything */
    enum if_exists if_exists;
    bool is_dry_run;   /* plans and checks, writes nothing; the target may then be NULL */
    bool restart;      /* throw away the work of an unfinished job */
    size_t threads;    /* 0: one a processor */
    uint64_t rate_max; /* bytes a second, 0 = no limit */
    const char *way;   /* "copy" or "link": how the target was told to take files; part of
                          what a continued job must agree on. NULL: "copy" */
    const char *source_arguments; /* JSON the caller needs to open this source again for `jobs
                                     resume`; without secrets; NULL: "{}" */
    const char *command_line;     /* for the job's log; without secrets; NULL: none */
    const atomic_bool *stop;      /* may be NULL. Once true: a clean stop, ERR_INTERRUPTED */
};

struct migrate_result {
    int64_t job; /* 0 when none was made (dry run, refused plan) */
    bool was_resumed;
    uint64_t size_needed;    /* bytes that the target estimates for what is (still) to be written */
    uint64_t size_free;      /* bytes free where the target is; 0 when it needs none there */
    uint64_t segments_found; /* already copied by an earlier run, and verified again by this one */
    uint64_t segments_retried;   /* whose first copy did not verify */
    struct verify_result verify; /* per collection and partition: what was read from both ends.
                                    Without rows after an error but ERR_LEFT_OUT. In a dry run the
                                    target's numbers are 0 */
};

/* Moves. `progress` may be NULL. `ret_result` is filled as far as the run came and released by
 * migrate_result_release() in every case.
 * Errors, beside what reading and writing give: ERR_LEFT_OUT: done, damaged segments were skipped ·
 * ERR_CORRUPT: damaged segments, and skipping was not allowed · ERR_UNSUPPORTED: a finding refuses
 * the source · ERR_USAGE: a name that does not exist, renames that collide · ERR_EXISTS: a
 * collection is there already · ERR_TARGET: duplicate ids under DUPLICATES_FAIL, another metric or
 * dimension under append · ERR_NO_SPACE: found before the first byte · ERR_STATE: an unfinished job
 * has another source or other options · ERR_LOCKED · ERR_MISMATCH: a segment did not verify twice ·
 * ERR_INTERRUPTED. After every error the target shows what it showed before.
 * Memory: under 160 MiB and the bitmaps of the segments under way, at any size. Threads: one call a
 * target. */
enum err_code migrate_run(struct source *source, struct target *target,
                          const struct migrate_options *options, struct migrate_progress *progress,
                          struct migrate_result *ret_result, struct err *err) MUST_USE;
void migrate_result_release(struct migrate_result *result);

/* To be called last, when the end of a successful run has been told (printed, reported) and the
 * target is closed. Until then the same run again is answered with the same success, so that a
 * process killed at the very end makes no difference; afterwards its collections "exist already".
 * work_folder: the target's. */
enum err_code migrate_told(const char *work_folder, struct err *err) MUST_USE;

#endif
