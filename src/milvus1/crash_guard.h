/* crash_guard.h: did the server die between writing a segment and noting that it had?
 *
 * A flush first makes the new segment live and then, in another transaction, moves the table's
 * flush position. A crash between the two leaves the same rows in the newest segment and pending in
 * the log; the server would show them twice. So the pending records are played forward, deletes
 * included, into an empty list of rows. When after some record the list equals, in order, ids and
 * bytes, the newest segment or run of newest segments, none of them with deleted rows, the crash
 * fell there, and that record's position is the true threshold. Exception: when the records up to
 * the old threshold end in those same rows, a client sent them twice, and both copies live.
 * (format spec 5.6 e) */
#ifndef GODWIT_MILVUS1_CRASH_GUARD_H
#define GODWIT_MILVUS1_CRASH_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "milvus1/replay.h"
#include "milvus1/segment.h"

/* A sound segment of the table. */
struct crash_guard_segment {
    struct segment1_place place;
    uint64_t rows;
    bool has_deletes;
};

struct crash_guard {
    const struct replay *replay;
    size_t table;
    const struct crash_guard_segment *segments; /* ascending order, the newest last */
    size_t segment_count;
};

/* ret_found: the crash fell there; ret_threshold is the position to use and ret_rows how many
 * rows of the log are in segments already. Needs about 24 bytes a pending row while it runs.
 * ERR_SOURCE, ERR_NOMEM. */
enum err_code crash_guard_run(const struct crash_guard *guard, bool *ret_found,
                              uint64_t *ret_threshold, uint64_t *ret_rows,
                              struct err *err) MUST_USE;

#endif
