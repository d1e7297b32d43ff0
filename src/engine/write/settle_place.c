/* settle_place.c: the last step of a job: the new segment instead of its sources. See settle.c. */
#include "base/bitmap.h"
#include "engine/database_internal.h"
#include "engine/dead_rows.h"
#include "engine/layout.h"
#include "engine/segment_write.h"
#include "engine/write/dead_write.h"
#include "engine/write/settle_internal.h"

struct place_command {
    struct command command;
    struct settle_job *job;
    struct open_collection *open;
    struct live_segment made; /* the new one; open when has_made */
    bool has_made;
    struct dead_list dead; /* rows of it that died while it was written */
};

static bool is_block(const struct live_block *block, const struct settle_source *origin)
{
    return block->batch_count > 0 && block->batches[0].id == origin->first_batch &&
           block->batch_count == origin->batch_count && block->buffer->rows == origin->rows;
}

static size_t find_block(const struct live *live, const struct settle_source *origin)
{
    for (size_t k = 0; k < live->block_count; k++)
        if (is_block(live->blocks[k], origin))
            return k;
    return SIZE_MAX;
}

static size_t find_sealed(const struct live *live, const struct settle_source *origin)
{
    for (size_t k = 0; k < live->segment_count; k++) {
        const struct segment_facts *facts = &live->segments[k].segment.facts;
        if (facts->folder == origin->folder && facts->number == origin->number)
            return k;
    }
    return SIZE_MAX;
}

/* The bitmap of a source as it is now; NULL: none is dead. False when the source has gone. */
static bool find_dead(const struct live *live, const struct settle_source *origin,
                      const uint64_t **ret_dead, uint64_t *ret_rows)
{
    *ret_dead = NULL;
    if (origin->is_sealed) {
        const size_t at = find_sealed(live, origin);
        if (at == SIZE_MAX)
            return false;
        *ret_dead = live->segments[at].segment.dead;
        *ret_rows = live->segments[at].segment.facts.rows;
        return true;
    }
    const size_t at = find_block(live, origin);
    if (at == SIZE_MAX)
        return false;
    if (live->blocks[at]->dead != NULL) {
        *ret_dead = live->blocks[at]->dead->words;
        *ret_rows = live->blocks[at]->dead->rows; /* rows behind them live */
    }
    return true;
}

/* Rows of the source that are dead now and were not then: which rows of the new segment are they?
 * `*row`: of the new segment, moves on by the rows taken from the source. */
static enum err_code find_died(struct place_command *self, size_t source, uint64_t *row,
                               struct err *err)
{
    const struct segment *then = &self->job->sources[source];
    const uint64_t *now = NULL;
    uint64_t now_rows = 0;
    (void)find_dead(self->open->live, &self->job->origins[source], &now, &now_rows);
    enum err_code code = ERR_OK;
    for (uint64_t r = 0; code == ERR_OK && r < then->facts.rows; r++) {
        if (then->dead != NULL && bitmap_get(then->dead, (size_t)r))
            continue;
        if (now != NULL && r < now_rows && bitmap_get(now, (size_t)r))
            code = dead_list_add(
                &self->dead,
                &(struct dead_entry){.segment = 1, .row = (uint32_t)*row}, /* its id comes later */
                err);
        ++*row;
    }
    return code;
}

static enum err_code place_prepare(struct writer *writer, struct command *command, struct err *err)
{
    struct place_command *self = (struct place_command *)command;
    struct settle_job *job = self->job;
    enum err_code code = writer_open_collection(writer, job->collection, &self->open, err);
    for (size_t k = 0; code == ERR_OK && k < job->source_count; k++) {
        const uint64_t *dead = NULL;
        uint64_t rows = 0;
        if (!find_dead(self->open->live, &job->origins[k], &dead, &rows))
            code = err_set(err, ERR_STATE, "rows to be sealed or merged were dropped meanwhile");
    }
    if (code == ERR_OK && job->result.facts.rows > 0) {
        const struct live_open what = {.order = job->order,
                                       .facts = &job->result.facts,
                                       .columns =
                                           job->result.has_columns ? &job->result.columns : NULL};
        code = live_open_segment(writer->database->folder, self->open->live->meta, &what,
                                 &self->made, err);
        self->has_made = code == ERR_OK;
    }
    uint64_t row = 0;
    for (size_t k = 0; code == ERR_OK && self->has_made && k < job->source_count; k++)
        code = find_died(self, k, &row, err);
    return code;
}

/* -------------------------------------------------------------------- in the transaction */

static enum err_code forget_source(struct sql *sql, const struct live *live,
                                   const struct settle_source *origin, struct err *err)
{
    enum err_code code = ERR_OK;
    if (origin->is_sealed) {
        const int64_t id = live->segments[find_sealed(live, origin)].segment.id;
        code = catalog_run(sql, err, "DELETE FROM dead WHERE segment = ?1", "i", id);
        if (code == ERR_OK)
            code = catalog_run(sql, err, "DELETE FROM column_file WHERE segment = ?1", "i", id);
        if (code == ERR_OK)
            code = catalog_run(sql, err, "DELETE FROM segment WHERE id = ?1", "i", id);
        return code;
    }
    const struct live_block *block = live->blocks[find_block(live, origin)];
    for (size_t k = 0; code == ERR_OK && k < block->batch_count; k++) {
        code =
            catalog_run(sql, err, "DELETE FROM pending WHERE id = ?1", "i", block->batches[k].id);
        if (code == ERR_OK)
            code = catalog_run(sql, err, "DELETE FROM dead WHERE segment = 0 AND batch = ?1", "i",
                               block->batches[k].id);
    }
    return code;
}

static enum err_code add_segment(struct sql *sql, struct place_command *self, struct err *err)
{
    const struct settle_job *job = self->job;
    const struct segment_facts *facts = &job->result.facts;
    enum err_code code = catalog_run(
        sql, err,
        "INSERT INTO segment VALUES (NULL, ?1, ?2, ?3, ?4, ?5, '', '', 1, ?6, 0, ?7, ?8, 0, ?9, 0)",
        "iiiiiiiii", job->collection, job->partition, job->order, (int64_t)facts->folder,
        (int64_t)facts->number, (int64_t)facts->rows, (int64_t)facts->ids_offset,
        (int64_t)facts->vectors_offset, (int64_t)facts->sums_hash);
    if (code != ERR_OK)
        return code;
    const int64_t id = sql_last_row(sql);
    self->made.segment.id = id;
    for (size_t k = 0; k < self->dead.count; k++)
        self->dead.entries[k].segment = id;
    if (job->result.has_columns)
        code = catalog_run(sql, err, "INSERT INTO column_file VALUES (?1, ?2, ?3)", "iii", id,
                           (int64_t)job->result.columns.size, (int64_t)job->result.columns.hash);
    return code == ERR_OK ? dead_list_write(&self->dead, sql, job->collection, err) : code;
}

/* ------------------------------------------------------------------------------- in memory */

static size_t partition_index(const struct live *live, int64_t id)
{
    size_t k = 0;
    while (live->meta->partition_ids[k] != id)
        k++;
    return k;
}

static enum err_code put_made(struct live *live, struct place_command *self, struct err *err)
{
    if (!mem_grow(&live->segments, &live->segment_capacity, live->segment_count,
                  sizeof *live->segments))
        return err_nomem(err, "segments");
    size_t at = live->segment_count;
    while (at > 0 && live->segments[at - 1].order > self->made.order) {
        live->segments[at] = live->segments[at - 1];
        at--;
    }
    self->made.segment.facts.partition = partition_index(live, self->job->partition);
    live->segments[at] = self->made;
    live->segment_count++;
    self->has_made = false; /* it is live's now */
    enum err_code code = ERR_OK;
    for (size_t k = 0; code == ERR_OK && k < self->dead.count; k++) {
        bool is_new = false;
        code = live_kill_sealed(live, at, self->dead.entries[k].row, &is_new, err);
    }
    return code;
}

static void take_out(struct live *live, const struct settle_source *origin)
{
    if (origin->is_sealed) {
        const size_t at = find_sealed(live, origin);
        segment_close(&live->segments[at].segment);
        live->segment_count--;
        for (size_t k = at; k < live->segment_count; k++)
            live->segments[k] = live->segments[k + 1];
        return;
    }
    const size_t at = find_block(live, origin);
    live_block_free(live->blocks[at]);
    live->block_count--;
    for (size_t k = at; k < live->block_count; k++)
        live->blocks[k] = live->blocks[k + 1];
}

static enum err_code place_run(struct writer *writer, struct command *command, struct err *err)
{
    struct place_command *self = (struct place_command *)command;
    const struct settle_job *job = self->job;
    struct sql *sql = writer->database->sql;
    struct live *live = self->open->live;
    self->open->is_changed = true;
    enum err_code code = define_ensure_detail(sql, live->meta, err);
    if (code == ERR_OK && self->has_made) /* first, so that it does not get the id of a source */
        code = add_segment(sql, self, err);
    for (size_t k = 0; code == ERR_OK && k < job->source_count; k++)
        code = forget_source(sql, live, &job->origins[k], err);
    if (code == ERR_OK)
        code = catalog_run(sql, err,
                           "UPDATE detail SET next_segment = max(next_segment, ?1)"
                           " WHERE collection = ?2",
                           "ii", (int64_t)job->number + 1, job->collection);
    if (code == ERR_OK && self->has_made)
        code = put_made(live, self, err);
    for (size_t k = 0; code == ERR_OK && k < job->source_count; k++)
        take_out(live, &job->origins[k]);
    live_keys_release(&self->open->keys); /* it points to blocks that have gone: made anew */
    self->open->has_keys = false;
    return code;
}

enum err_code settle_place(struct writer *writer, struct settle_job *job, struct err *err)
{
    struct place_command place = {.command = {.prepare = place_prepare,
                                              .run = place_run,
                                              .in_transaction = true,
                                              .changes_published = true},
                                  .job = job};
    const enum err_code code = writer_run(writer, &place.command, err);
    job->is_synced = place.command.is_synced;
    if (place.has_made)
        segment_close(&place.made.segment);
    dead_list_release(&place.dead);
    if (code != ERR_OK) {
        struct err ignored;
        (void)!settle_release(writer, job, &ignored);
    }
    return code;
}

/* --------------------------------------------------------------------------- afterwards */

struct release_command {
    struct command command;
    struct settle_job *job;
};

static enum err_code release_prepare(struct writer *writer, struct command *command,
                                     struct err *err)
{
    const struct release_command *self = (const struct release_command *)command;
    const struct open_collection *open = writer_find_open(writer, self->job->collection);
    (void)err;
    if (open == NULL || open->live == NULL)
        return ERR_OK;
    for (size_t k = 0; k < self->job->source_count; k++) {
        const struct settle_source *origin = &self->job->origins[k];
        const size_t segment = origin->is_sealed ? find_sealed(open->live, origin) : SIZE_MAX;
        const size_t block = origin->is_sealed ? SIZE_MAX : find_block(open->live, origin);
        if (segment != SIZE_MAX)
            open->live->segments[segment].is_claimed = false;
        if (block != SIZE_MAX)
            open->live->blocks[block]->is_claimed = false;
    }
    return ERR_OK;
}

enum err_code settle_release(struct writer *writer, struct settle_job *job, struct err *err)
{
    struct release_command release = {.command = {.prepare = release_prepare}, .job = job};
    return writer_run(writer, &release.command, err);
}

static void remove_files(const struct writer *writer, uint64_t folder, uint64_t number)
{
    struct err ignored; /* a sweep removes what stays */
    char *stem = layout_segment_stem(writer->database->folder, folder, number);
    if (stem != NULL)
        (void)!segment_remove(stem, &ignored);
    mem_free(stem);
}

/* After a commit that failed, the catalog may yet turn out to have it when it is opened again: then
 * the new files are left for the sweep of that time. */
void settle_remove_files(struct writer *writer, const struct settle_job *job, enum err_code code)
{
    if (code == ERR_STATE || code == ERR_NO_COLLECTION)
        remove_files(writer, (uint64_t)job->collection, job->number);
    for (size_t k = 0; code == ERR_OK && job->is_synced && k < job->old_count; k++)
        remove_files(writer, job->old_files[k].folder, job->old_files[k].number);
}
