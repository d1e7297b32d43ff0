/* apply.c: changes of rows: writer_apply(). The caller's thread makes the batch; the writer's finds
 * the rows that give way, adds the new ones, and writes both down. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bitmap.h"
#include "base/hash.h"
#include "engine/database_internal.h"
#include "engine/dead_rows.h"
#include "engine/segment_shared.h"
#include "engine/snapshot_internal.h"
#include "engine/write/dead_write.h"
#include "engine/write/made_batch.h"
#include "engine/write/writer_internal.h"
#include "flow/source.h"

#define ATTEMPTS 4 /* when the schema changes between making a batch and adding it */
#define ANY_PARTITION SIZE_MAX

struct apply_command {
    struct command command;
    int64_t collection;
    const struct collection_meta *meta; /* that the batch was made for */
    const struct mutation *mutation;
    struct made_batch made;
    struct mutation_result result;
    bool is_outdated; /* the schema has changed: make it again */
    /* of the writer's thread */
    struct open_collection *open;
    size_t partition;        /* of the new rows */
    size_t delete_partition; /* or ANY_PARTITION */
    struct dead_list dead;
};

/* ------------------------------------------------------------------- before the transaction */

static enum err_code find_partition(const struct live *live, const char *name, size_t *ret_index,
                                    struct err *err)
{
    const struct collection_facts *facts = &live->meta->facts;
    for (size_t k = 0; k < facts->partition_count; k++) {
        if (strcmp(facts->partitions[k].name, name) == 0) {
            *ret_index = k;
            return ERR_OK;
        }
    }
    return err_set(err, ERR_NO_PARTITION, "partition %s: not found in collection %s", name,
                   facts->name);
}

static struct row_key key_kind(const struct live *live)
{
    const struct schema *schema = &live->meta->info.schema;
    const struct field *key = &schema->fields[schema->primary];
    return (struct row_key){.is_text = key->type == FIELD_VARCHAR, .field_id = key->id};
}

/* The indexes of keys are made now: not being able to fails this change, not those beside it. */
static enum err_code prepare_keys(struct open_collection *open, struct err *err)
{
    const struct row_key like = key_kind(open->live);
    enum err_code code = writer_open_keys(open, err);
    for (size_t k = 0; code == ERR_OK && k < open->live->segment_count; k++) {
        struct key_walk walk = {0};
        bool found = false;
        uint64_t row = 0;
        code = key_index_next(&open->live->segments[k].segment, &like, &walk, &found, &row, err);
    }
    return code;
}

static enum err_code apply_prepare(struct writer *writer, struct command *command, struct err *err)
{
    struct apply_command *self = (struct apply_command *)command;
    const struct mutation *mutation = self->mutation;
    enum err_code code = writer_open_collection(writer, self->collection, &self->open, err);
    if (code != ERR_OK)
        return code;
    const struct live *live = self->open->live;
    if (live->meta != self->meta && mutation->insert != NULL &&
        !row_layout_is_equal(&live->meta->layout, &self->meta->layout)) {
        self->is_outdated = true;
        return err_set(err, ERR_STATE, "collection %s was changed meanwhile",
                       live->meta->facts.name);
    }
    self->delete_partition = ANY_PARTITION;
    if (mutation->insert != NULL)
        code = find_partition(live,
                              mutation->insert->partition != NULL ? mutation->insert->partition
                                                                  : PARTITION_DEFAULT,
                              &self->partition, err);
    if (code == ERR_OK && mutation->delete_partition != NULL)
        code = find_partition(live, mutation->delete_partition, &self->delete_partition, err);
    return code == ERR_OK ? prepare_keys(self->open, err) : code;
}

/* ------------------------------------------------------------------------- rows that give way */

static bool is_alive(const struct live_block *block, size_t row)
{
    return block->dead == NULL || row >= block->dead->rows || !bitmap_get(block->dead->words, row);
}

static enum err_code kill_growing(struct apply_command *self, struct live_block *block, size_t row,
                                  uint64_t *killed, struct err *err)
{
    bool is_new = false;
    if (!is_alive(block, row))
        return ERR_OK;
    enum err_code code = live_kill_growing(block, row, &is_new, err);
    size_t low = 0;
    size_t high = block->batch_count;
    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;
        if (block->batches[middle].first_row <= row)
            low = middle;
        else
            high = middle;
    }
    const struct live_batch *batch = &block->batches[low];
    if (code == ERR_OK)
        code = dead_list_add(
            &self->dead,
            &(struct dead_entry){.batch = batch->id, .row = (uint32_t)(row - batch->first_row)},
            err);
    *killed += code == ERR_OK;
    return code;
}

static enum err_code kill_sealed(struct apply_command *self, const struct row_key *key,
                                 size_t partition, uint64_t *killed, struct err *err)
{
    struct live *live = self->open->live;
    enum err_code code = ERR_OK;
    for (size_t k = 0; code == ERR_OK && k < live->segment_count; k++) {
        struct segment *segment = &live->segments[k].segment;
        if (partition != ANY_PARTITION && segment->facts.partition != partition)
            continue;
        struct key_walk walk = {0};
        bool found = true;
        while (code == ERR_OK && found) {
            uint64_t row = 0;
            bool is_new = false;
            code = key_index_next(segment, key, &walk, &found, &row, err);
            if (code != ERR_OK || !found ||
                (segment->dead != NULL && bitmap_get(segment->dead, (size_t)row)))
                continue;
            code = live_kill_sealed(live, k, row, &is_new, err);
            if (code == ERR_OK)
                code = dead_list_add(
                    &self->dead, &(struct dead_entry){.segment = segment->id, .row = (uint32_t)row},
                    err);
            *killed += code == ERR_OK;
        }
    }
    return code;
}

static enum err_code delete_rows(struct apply_command *self, struct err *err)
{
    const struct column *keys = self->mutation->delete_keys;
    enum err_code code = ERR_OK;
    for (size_t k = 0; code == ERR_OK && k < keys->rows; k++) {
        struct row_key key = key_kind(self->open->live);
        if (key.is_text)
            key.text.data = column_bytes(keys, k, &key.text.size);
        else
            memcpy(&key.id, (const uint8_t *)keys->values + k * 8, 8);
        const struct live_key *entry = live_keys_find(&self->open->keys, &key);
        if (entry != NULL && (self->delete_partition == ANY_PARTITION ||
                              entry->block->partition == self->delete_partition))
            code = kill_growing(self, entry->block, entry->row, &self->result.deleted, err);
        if (code == ERR_OK)
            code = kill_sealed(self, &key, self->delete_partition, &self->result.deleted, err);
    }
    return code;
}

/* ---------------------------------------------------------------------------- new rows */

static enum err_code add_key(struct apply_command *self, struct live_block *block, size_t row,
                             struct err *err)
{
    struct live_keys *keys = &self->open->keys;
    const struct row_key key = live_row_key(block->buffer, row);
    struct live_key *entry = live_keys_find(keys, &key);
    enum err_code code = ERR_OK;
    if (entry != NULL) {
        code = kill_growing(self, entry->block, entry->row, &self->result.replaced, err);
        entry->block = block;
        entry->row = row;
    } else {
        const struct live_key added = {row_key_hash_of(&key), block, row};
        live_keys_add(keys, &added);
    }
    return code == ERR_OK ? kill_sealed(self, &key, ANY_PARTITION, &self->result.replaced, err)
                          : code;
}

static enum err_code write_batch(struct writer *writer, struct apply_command *self, int64_t batch,
                                 struct err *err)
{
    const struct bytes data = self->made.data;
    struct sql_statement *statement = NULL;
    enum err_code code =
        sql_prepare(writer->database->sql, "INSERT INTO pending VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                    &statement, err);
    if (code == ERR_OK) {
        sql_bind_int(statement, 1, batch);
        sql_bind_int(statement, 2, self->collection);
        sql_bind_int(statement, 3, self->open->live->meta->partition_ids[self->partition]);
        sql_bind_int(statement, 4, (int64_t)self->made.columns.rows);
        sql_bind_int(statement, 5, (int64_t)hash64(data.data, data.size, (uint64_t)batch));
        sql_bind_blob(statement, 6, data.data, data.size);
        code = sql_run(statement, err);
    }
    sql_finalize(statement);
    return code;
}

static enum err_code insert_rows(struct writer *writer, struct apply_command *self, struct err *err)
{
    const int64_t batch = writer->next_batch++;
    const struct live_append append = {self->partition, batch, &self->meta->layout,
                                       &self->made.columns};
    struct live_block *block = NULL;
    enum err_code code = write_batch(writer, self, batch, err);
    if (code == ERR_OK)
        code = live_append(self->open->live, &append, &block, err);
    if (code == ERR_OK)
        code = live_keys_reserve(&self->open->keys, append.rows->rows, err);
    if (code != ERR_OK)
        return code;
    const size_t end = block->buffer->rows;
    for (size_t row = end - append.rows->rows; code == ERR_OK && row < end; row++)
        code = add_key(self, block, row, err);
    if (end >= writer->options.segment_rows ||
        row_buffer_size(block->buffer) >= WRITER_SEGMENT_SIZE)
        block->is_frozen = true;
    self->result.inserted = append.rows->rows;
    return code;
}

static enum err_code apply_run(struct writer *writer, struct command *command, struct err *err)
{
    struct apply_command *self = (struct apply_command *)command;
    self->open->is_changed = true;
    enum err_code code = ERR_OK;
    if (self->mutation->delete_keys != NULL)
        code = delete_rows(self, err);
    if (code == ERR_OK && self->mutation->insert != NULL)
        code = insert_rows(writer, self, err);
    if (code == ERR_OK)
        code = dead_list_write(&self->dead, writer->database->sql, self->collection, err);
    self->result.version = (uint64_t)writer->version + 1;
    return code;
}

/* ------------------------------------------------------------------------ any thread */

static enum err_code check_keys(const struct collection_meta *meta, const struct column *keys,
                                struct err *err)
{
    const struct field *primary = &meta->info.schema.fields[meta->info.schema.primary];
    const bool fits = keys->type == primary->type &&
                      (keys->rows == 0 ||
                       (keys->type == FIELD_INT64 ? keys->values != NULL : keys->offsets != NULL));
    if (!fits)
        return err_set(err, ERR_INVALID, "keys are %s, field %s is %s", field_type_name(keys->type),
                       primary->name, field_type_name(primary->type));
    return ERR_OK;
}

static enum err_code attempt(struct writer *writer, struct snapshot *snapshot,
                             struct apply_command *self, struct err *err)
{
    const struct mutation *mutation = self->mutation;
    enum err_code code = ERR_OK;
    int64_t first_id = 0;
    self->meta = snapshot->meta;
    self->collection = snapshot->meta->info.id;
    if (mutation->delete_keys != NULL)
        code = check_keys(self->meta, mutation->delete_keys, err);
    if (code == ERR_OK && mutation->insert != NULL &&
        made_batch_needs_ids(self->meta, mutation->insert))
        code = writer_take_ids(writer, mutation->insert->rows, &first_id, err);
    if (code == ERR_OK && mutation->insert != NULL) {
        code = made_batch_init(&self->made, self->meta, mutation->insert, first_id, err);
        self->command.size = self->made.data.size;
    }
    self->result.first_id = first_id;
    return code == ERR_OK ? writer_run(writer, &self->command, err) : code;
}

enum err_code writer_apply(struct writer *writer, struct collection_name name,
                           const struct mutation *mutation, struct mutation_result *ret_result,
                           struct err *err)
{
    enum err_code code = ERR_STATE;
    for (int k = 0; code == ERR_STATE && k < ATTEMPTS; k++) {
        struct apply_command self = {.command = {.prepare = apply_prepare,
                                                 .run = apply_run,
                                                 .in_transaction = true,
                                                 .may_group = true},
                                     .mutation = mutation};
        struct snapshot *snapshot = NULL;
        code = writer_find_snapshot(writer, name, &snapshot, err);
        if (code != ERR_OK)
            return code;
        settle_throttle(writer, snapshot);
        code = attempt(writer, snapshot, &self, err);
        made_batch_release(&self.made);
        dead_list_release(&self.dead);
        snapshot_unref(snapshot);
        if (code == ERR_OK)
            *ret_result = self.result;
        else if (!self.is_outdated)
            return code;
    }
    return code;
}
