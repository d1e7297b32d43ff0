/* settle_select.c: what is due in a collection, and claiming it. Tiers: a segment is of tier t when
 * it has 4^t to 4^(t+1) times LIVE rows of a small one; four of one tier become one of the next. */
#include "engine/database_internal.h"
#include "engine/dead_rows.h"
#include "engine/write/settle_internal.h"

#define TIER_ROWS 4096
#define MERGE_DUE 4     /* segments of one tier and partition */
#define MERGE_COMPACT 2 /* the same when compaction was asked for */
#define MERGE_MAX 8
#define DEAD_SHARE 5 /* a fifth */

_Static_assert(MERGE_MAX == sizeof((struct settle_choice *)0)->segments / sizeof(size_t),
               "a choice holds them");

static uint64_t live_rows(const struct segment *segment)
{
    return segment->facts.rows - segment->facts.dead_rows;
}

static unsigned tier_of(const struct segment *segment)
{
    unsigned tier = 0;
    for (uint64_t rows = live_rows(segment) / TIER_ROWS; rows >= 4; rows /= 4)
        tier++;
    return tier;
}

static bool is_mostly_dead(const struct segment *segment, enum settle_mode mode)
{
    if (mode == SETTLE_COMPACT)
        return segment->facts.dead_rows > 0;
    return segment->facts.dead_rows * DEAD_SHARE > segment->facts.rows;
}

/* Segments like the one at `first`, behind it: of its partition and tier, none claimed. */
static void gather_tier(const struct live *live, size_t first, struct settle_choice *choice)
{
    const struct segment *like = &live->segments[first].segment;
    const size_t width = live->meta->layout.vector_width;
    uint64_t rows = 0;
    choice->segment_count = 0;
    for (size_t k = first; k < live->segment_count && choice->segment_count < MERGE_MAX; k++) {
        const struct segment *segment = &live->segments[k].segment;
        if (live->segments[k].is_claimed || segment->facts.partition != like->facts.partition ||
            tier_of(segment) != tier_of(like))
            continue;
        rows += live_rows(segment);
        if (rows > WRITER_MERGED_ROWS_MAX || rows * width > WRITER_MERGED_SIZE_MAX)
            break;
        choice->segments[choice->segment_count++] = k;
    }
}

static bool choose_block(const struct live *live, struct settle_choice *choice)
{
    for (size_t k = 0; k < live->block_count; k++) {
        const struct live_block *block = live->blocks[k];
        if (!block->is_frozen || block->buffer->rows == 0)
            continue;
        if (block->is_claimed) {
            choice->is_busy = true;
            continue;
        }
        choice->blocks[choice->block_count++] = k;
        return true;
    }
    return false;
}

void settle_choose(const struct live *live, enum settle_mode mode, struct settle_choice *ret_choice)
{
    *ret_choice = (struct settle_choice){0};
    if (choose_block(live, ret_choice) || mode == SETTLE_FROZEN)
        return;
    for (size_t k = 0; k < live->segment_count; k++) {
        if (!is_mostly_dead(&live->segments[k].segment, mode))
            continue;
        if (!live->segments[k].is_claimed) {
            ret_choice->segments[ret_choice->segment_count++] = k;
            return;
        }
        ret_choice->is_busy = true;
    }
    /* Merging would change which of several rows with one id is the first. */
    if (live->meta->facts.may_have_duplicates)
        return;
    const size_t least = mode == SETTLE_COMPACT ? MERGE_COMPACT : MERGE_DUE;
    for (size_t k = 0; k < live->segment_count; k++) {
        if (live->segments[k].is_claimed)
            continue;
        gather_tier(live, k, ret_choice);
        if (ret_choice->segment_count >= least)
            return;
    }
    ret_choice->segment_count = 0;
}

bool settle_look(struct open_collection *open)
{
    struct settle_choice choice;
    open->frozen = 0;
    for (size_t k = 0; k < open->live->block_count; k++)
        open->frozen += open->live->blocks[k]->is_frozen;
    settle_choose(open->live, SETTLE_DUE, &choice);
    return choice.block_count > 0 || choice.segment_count > 0;
}

/* ------------------------------------------------------------------------------- picking */

struct pick_command {
    struct command command;
    struct settle_job *job;
    enum settle_answer answer;
};

static enum err_code first_number(struct writer *writer, struct open_collection *open,
                                  struct err *err)
{
    struct catalog_answer answer = {0};
    if (open->next_number != 0)
        return ERR_OK;
    const enum err_code code = catalog_ask(
        writer->database->sql, &answer, err,
        "SELECT max(coalesce((SELECT max(number) + 1 FROM segment WHERE folder = ?1), 0),"
        " coalesce((SELECT next_segment FROM detail WHERE collection = ?1), 0), 1)",
        "i", open->id);
    if (code == ERR_OK)
        open->next_number = answer.value;
    return code;
}

/* Index of a block among the snapshot's segments: sealed ones stand first, empty blocks are left
 * out. */
static size_t index_of_block(const struct live *live, size_t block)
{
    size_t index = live->segment_count;
    for (size_t k = 0; k < block; k++)
        index += live->blocks[k]->buffer->rows > 0;
    return index;
}

static void add_source(struct settle_job *job, size_t index, const struct settle_source *origin)
{
    segment_copy(&job->snapshot->segments[index], NULL, &job->sources[job->source_count]);
    job->origins[job->source_count++] = *origin;
}

static void fill_job(struct open_collection *open, const struct settle_choice *choice,
                     struct settle_job *job)
{
    struct live *live = open->live;
    size_t partition = 0;
    job->order = 0;
    for (size_t k = 0; k < live->segment_count; k++)
        if (live->segments[k].order >= job->order)
            job->order = live->segments[k].order + 1;
    for (size_t k = 0; k < choice->block_count; k++) {
        struct live_block *block = live->blocks[choice->blocks[k]];
        block->is_claimed = true;
        partition = block->partition;
        add_source(job, index_of_block(live, choice->blocks[k]),
                   &(struct settle_source){.first_batch = block->batches[0].id,
                                           .batch_count = block->batch_count,
                                           .rows = block->buffer->rows});
    }
    for (size_t k = 0; k < choice->segment_count; k++) {
        struct live_segment *segment = &live->segments[choice->segments[k]];
        segment->is_claimed = true;
        partition = segment->segment.facts.partition;
        if (k == 0)
            job->order = segment->order;
        job->old_files[job->old_count++] = segment->segment.facts;
        add_source(job, choice->segments[k],
                   &(struct settle_source){.is_sealed = true,
                                           .folder = segment->segment.facts.folder,
                                           .number = segment->segment.facts.number,
                                           .rows = segment->segment.facts.rows});
    }
    job->partition = live->meta->partition_ids[partition];
    job->number = (uint64_t)open->next_number++;
}

static enum err_code pick_prepare(struct writer *writer, struct command *command, struct err *err)
{
    struct pick_command *self = (struct pick_command *)command;
    struct settle_job *job = self->job;
    struct open_collection *open = NULL;
    struct settle_choice choice = {0};
    enum err_code code = writer_open_collection(writer, job->collection, &open, err);
    if (code == ERR_OK)
        code = first_number(writer, open, err);
    if (code != ERR_OK)
        return code;
    settle_choose(open->live, job->mode, &choice);
    const size_t count = choice.block_count + choice.segment_count;
    self->answer = count > 0 ? SETTLE_JOB : choice.is_busy ? SETTLE_BUSY : SETTLE_NOTHING;
    if (count == 0)
        return ERR_OK;
    job->sources = mem_zalloc(count, sizeof *job->sources);
    job->origins = mem_zalloc(count, sizeof *job->origins);
    job->old_files = mem_zalloc(count, sizeof *job->old_files);
    if (job->sources == NULL || job->origins == NULL || job->old_files == NULL)
        return err_nomem(err, "a segment");
    code = live_publish(open->live, &job->snapshot, err);
    if (code == ERR_OK)
        fill_job(open, &choice, job);
    return code;
}

enum err_code settle_pick(struct writer *writer, struct settle_job *job,
                          enum settle_answer *ret_answer, struct err *err)
{
    struct pick_command pick = {.command = {.prepare = pick_prepare}, .job = job};
    const enum err_code code = writer_run(writer, &pick.command, err);
    *ret_answer = pick.answer;
    return code;
}

struct freeze_command {
    struct command command;
    int64_t collection;
};

static enum err_code freeze_prepare(struct writer *writer, struct command *command, struct err *err)
{
    const struct freeze_command *self = (const struct freeze_command *)command;
    struct open_collection *open = NULL;
    const enum err_code code = writer_open_collection(writer, self->collection, &open, err);
    for (size_t k = 0; code == ERR_OK && k < open->live->block_count; k++)
        open->live->blocks[k]->is_frozen = true;
    return code;
}

enum err_code settle_freeze(struct writer *writer, int64_t collection, struct err *err)
{
    struct freeze_command freeze = {.command = {.prepare = freeze_prepare},
                                    .collection = collection};
    return writer_run(writer, &freeze.command, err);
}

void settle_job_release(struct settle_job *job)
{
    for (size_t k = 0; k < job->source_count; k++)
        segment_close(&job->sources[k]);
    mem_free(job->sources);
    mem_free(job->origins);
    mem_free(job->old_files);
    snapshot_unref(job->snapshot);
    *job = (struct settle_job){0};
}
