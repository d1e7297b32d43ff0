/* replay.h: which records of the write-ahead log are not in the segments yet, and what they do.
 *
 * The idea: nothing is applied row by row. Every table has a threshold, the position up to which
 * its records are in its segments; inserts behind it are pending and become one segment of their
 * own that is read out of the log files; deletes become kill sets, which say for an id where it was
 * deleted last (kill_set.h). So 16 bytes a record and 16 a deleted id are kept, never a vector.
 * Thresholds are per table (format spec 5.6 a): a delete must not reach a partition that was
 * flushed past it and got the id again.
 * Source: milvus-io/milvus v0.9.0..1.1, core/src/db/wal/WalManager.cpp (GetNextRecovery),
 * db/DBImpl.cpp (ExecWalRecord); where servers differ or lose rows, the user's rows win. */
#ifndef GODWIT_MILVUS1_REPLAY_H
#define GODWIT_MILVUS1_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "flow/finding.h"
#include "flow/source.h"
#include "milvus1/catalog1.h"
#include "milvus1/kill_set.h"
#include "milvus1/layout.h"
#include "milvus1/located.h"
#include "milvus1/wal.h"

#define LOG_ORDER_FIRST ((uint64_t)1 << 62) /* rows in the log come after every segment */

/* The ids (and vectors, which follow the ids) of one record. Its file is lsn >> 32. */
struct log_batch {
    uint64_t lsn;
    uint32_t ids_at; /* offset in the file */
    uint32_t count : 31;
    uint32_t is_tagged : 1; /* the record named a tag, be it "_default" */
};

struct log_list {
    struct log_batch *items; /* ascending lsn */
    size_t count;
    size_t capacity;
};

struct replay_table {
    uint64_t threshold;      /* records up to here are in segments */
    bool is_held;            /* format spec 5.6 (k): nothing is replayed, a finding says why */
    struct log_list inserts; /* every insert into this table, also those up to the threshold */
    struct log_list deletes; /* deletes that name this table by tag */
    struct kill_set kills;   /* of `deletes` */
    /* Rows up to the threshold that the server skipped (5.6 j), when they are to be rescued. */
    struct log_list rescued;
    uint64_t *rescued_dead; /* a bit for each of their rows that is not to be taken */
};

struct replay_collection {
    struct log_list deletes; /* deletes without a tag: for every table of the collection */
    struct kill_set kills;
};

struct replay {
    const struct catalog1 *catalog;
    struct wal wal;
    struct replay_table *tables;           /* like catalog1.tables */
    struct replay_collection *collections; /* like catalog1.collections */
    bool is_enabled;                       /* false: no log is replayed */
    uint64_t global_lsn;
    uint64_t applied; /* records behind it were never acknowledged */
};

/* Reads the whole log once. Zeroed memory is a valid replay without a log. Texts live in the
 * arena. ERR_SOURCE, ERR_NOMEM; what is odd goes to the findings. Then the caller may raise
 * thresholds (crash_guard.h) and asks for the rest. */
struct replay_options {
    const struct located *located;
    const struct catalog1 *catalog;
    const struct layout *layout;
    const struct milvus1_options *user;
    struct finding_list *findings;
    struct arena *arena;
};
enum err_code replay_open(const struct replay_options *options, struct replay *ret_replay,
                          struct err *err) MUST_USE;
void replay_close(struct replay *replay);

/* What kills rows of this table that are in segments. */
struct kill_view replay_kills(const struct replay *replay, size_t table);
/* Index of the first pending insert of a table; inserts.count when none. */
size_t replay_pending_first(const struct replay_table *table);
/* Rows of its pending inserts. */
uint64_t replay_pending_rows(const struct replay_table *table);
/* True when a delete behind the threshold reaches the table. */
bool replay_has_pending_deletes(const struct replay *replay, size_t table);

/* Ids [first, first + count) of a batch. The cursor is the caller's. */
enum err_code replay_read_ids(struct wal_cursor *cursor, const struct log_batch *batch,
                              uint32_t first, size_t count, int64_t *ret_ids,
                              struct err *err) MUST_USE;
/* Their vectors. */
struct log_rows {
    size_t count;
    size_t row_size;
};
enum err_code replay_read_vectors(struct wal_cursor *cursor, const struct log_batch *batch,
                                  uint32_t first, struct log_rows rows, uint8_t *ret_vectors,
                                  struct err *err) MUST_USE;

/* The rows of a table that stand only in the log, as one segment: rescued ones first, then pending
 * ones in order; rows deleted later in the log are dead. rows 0 when there are none. */
enum err_code replay_read_table(const struct replay *replay, size_t table,
                                struct segment_reader **ret_reader, struct err *err) MUST_USE;
/* Path of the log file that holds row `row` of that segment, and the offset of its vector. */
const char *replay_row_path(const struct replay *replay, size_t table, uint64_t row,
                            uint64_t *ret_offset);

#endif
