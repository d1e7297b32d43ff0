/* index_status.h: FOLDER/index.json, what the builder of a folder's indexes is doing or did last.
 *
 * The builder writes it every two seconds, anybody reads it without a lock. Whether the builder
 * still lives is not told by the file but by the lock that it holds (index_builder.h): a file that
 * says "building" without a builder was left by one that was killed. */
#ifndef GODWIT_ENGINE_INDEX_STATUS_H
#define GODWIT_ENGINE_INDEX_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/index_watch.h"

enum index_activity {
    INDEX_IDLE,        /* nothing is being built, and what was begun has ended well */
    INDEX_BUILDING,    /* a process is at it */
    INDEX_INTERRUPTED, /* the process died; what is missing can be built */
    INDEX_STOPPED,     /* on request */
    INDEX_FAILED       /* `reason` says why; other segments may have been built */
};

struct index_status {
    enum index_activity activity;
    int64_t process; /* 0: none */
    int64_t started_us;
    int64_t updated_us;
    struct index_progress progress;
    bool has_segment; /* which one is under way: segments/FOLDER/NUMBER */
    uint64_t folder;
    uint64_t number;
    char reason[ERR_MSG_SIZE];
};

/* "idle", "building", ... */
const char *index_activity_name(enum index_activity activity);

enum err_code index_status_write(const char *folder, const struct index_status *status,
                                 struct err *err) MUST_USE;
/* No file, or one that cannot be understood: INDEX_IDLE; a dead builder's: INDEX_INTERRUPTED. */
void index_status_read(const char *folder, struct index_status *ret_status);

#endif
