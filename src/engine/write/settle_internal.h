/* settle_internal.h: jobs that turn segments into others, shared by settle*.c. */
#ifndef GODWIT_ENGINE_WRITE_SETTLE_INTERNAL_H
#define GODWIT_ENGINE_WRITE_SETTLE_INTERNAL_H

#include "engine/segment_shared.h"
#include "engine/snapshot_internal.h"
#include "engine/write/rewrite.h"
#include "engine/write/writer_internal.h"

enum settle_mode {
    SETTLE_FROZEN, /* blocks that take no more rows */
    SETTLE_DUE,    /* and segments by tiers, and those with more than a fifth dead */
    SETTLE_COMPACT /* and everything that can be made smaller */
};

enum settle_answer {
    SETTLE_NOTHING, /* to do */
    SETTLE_JOB,
    SETTLE_BUSY /* somebody else is at it */
};

/* How a source is found again: a segment by its files, whose number is never used twice (its id in
 * the catalog may be); a block by its batches. */
struct settle_source {
    bool is_sealed;
    uint64_t folder;
    uint64_t number;
    int64_t first_batch;
    size_t batch_count;
    uint64_t rows;
};

struct settle_job {
    int64_t collection;
    enum settle_mode mode;
    struct snapshot *snapshot; /* NULL: no job */
    struct segment *sources;   /* copies, as they were when the job was picked */
    struct settle_source *origins;
    struct segment_facts *old_files; /* of the sealed ones */
    size_t source_count;
    size_t old_count;
    int64_t partition; /* id in the catalog */
    int64_t order;
    uint64_t number;
    struct rewrite_result result;
    bool is_synced; /* putting it in place is durable: the old files may go */
};
void settle_job_release(struct settle_job *job);

/* Which sources; settle_select.c. Of the writer's thread. */
struct settle_choice {
    size_t blocks[1];
    size_t block_count;
    size_t segments[8];
    size_t segment_count;
    bool is_busy; /* there is something, but claimed */
};
void settle_choose(const struct live *live, enum settle_mode mode,
                   struct settle_choice *ret_choice);

/* All growing rows of now may be sealed. */
enum err_code settle_freeze(struct writer *writer, int64_t collection, struct err *err) MUST_USE;
enum err_code settle_pick(struct writer *writer, struct settle_job *job,
                          enum settle_answer *ret_answer, struct err *err) MUST_USE;
/* Puts a job's result in place. ERR_STATE when the sources have gone. */
enum err_code settle_place(struct writer *writer, struct settle_job *job, struct err *err) MUST_USE;
/* Gives the sources back. */
enum err_code settle_release(struct writer *writer, struct settle_job *job,
                             struct err *err) MUST_USE;
/* The files that nobody needs after a job that ended so. */
void settle_remove_files(struct writer *writer, const struct settle_job *job, enum err_code code);

#endif
