/* writer_open.c: the collections that the writer has open. */
#include <string.h>

#include "engine/catalog_info.h"
#include "engine/database_internal.h"
#include "engine/snapshot_internal.h"
#include "engine/write/writer_internal.h"

#define OPEN_ATTEMPTS 3

struct open_collection *writer_find_open(struct writer *writer, int64_t id)
{
    for (size_t k = 0; k < writer->open_count; k++)
        if (writer->open[k]->id == id)
            return writer->open[k];
    return NULL;
}

enum err_code writer_resolve(struct writer *writer, struct collection_name name, bool allow_alias,
                             int64_t *ret_id, struct err *err)
{
    char *qualified = catalog_join_name(name.database, name.name);
    if (qualified == NULL)
        return err_nomem(err, name.name);
    struct sql *sql = writer->database->sql;
    bool found = false;
    enum err_code code = catalog_find(sql, qualified, NULL, &found, ret_id, err);
    if (code == ERR_OK && !found && allow_alias) {
        struct catalog_answer answer = {0};
        code = catalog_ask(sql, &answer, err, "SELECT collection FROM alias WHERE name = ?1", "t",
                           qualified);
        found = answer.found;
        *ret_id = answer.value;
    }
    mem_free(qualified);
    if (code == ERR_OK && !found)
        code = err_set(err, ERR_NO_COLLECTION, "collection %s: not found in database %s", name.name,
                       name.database != NULL ? name.database : DATABASE_DEFAULT);
    return code;
}

static enum err_code name_of(struct writer *writer, int64_t id, char **ret_name, struct err *err)
{
    struct sql_statement *statement = NULL;
    bool has_row = false;
    enum err_code code =
        sql_prepare(writer->database->sql,
                    "SELECT name FROM collection WHERE id = ?1 AND token IS NULL", &statement, err);
    if (code == ERR_OK) {
        sql_bind_int(statement, 1, id);
        code = sql_step(statement, &has_row, err);
    }
    if (code == ERR_OK && !has_row)
        code = err_set(err, ERR_NO_COLLECTION, "the collection was dropped");
    if (code == ERR_OK && (*ret_name = mem_strdup(sql_column_text(statement, 0))) == NULL)
        code = err_nomem(err, "collection");
    sql_finalize(statement);
    return code;
}

static enum err_code add_open(struct writer *writer, int64_t id, struct open_collection **ret_open,
                              struct err *err)
{
    struct open_collection *open = mem_zalloc(1, sizeof *open);
    if (open == NULL)
        return err_nomem(err, "collection");
    open->id = id;
    (void)pthread_mutex_lock(&writer->lock);
    const bool has_room = mem_grow(&writer->open, &writer->open_capacity, writer->open_count,
                                   sizeof(struct open_collection *));
    if (has_room)
        writer->open[writer->open_count++] = open;
    (void)pthread_mutex_unlock(&writer->lock);
    if (!has_room) {
        mem_free(open);
        return err_nomem(err, "collection");
    }
    *ret_open = open;
    return ERR_OK;
}

static enum err_code load(struct writer *writer, struct open_collection *open, struct err *err)
{
    struct database *database = writer->database;
    char *name = NULL;
    enum err_code code = name_of(writer, open->id, &name, err);
    struct live *live = NULL;
    if (code == ERR_OK)
        code = live_load(database->sql, database->folder, name, &live, err);
    if (code == ERR_NOT_FOUND) /* nobody but us removes files */
        code = err_recode(err, ERR_CORRUPT);
    if (code != ERR_OK) {
        mem_free(name);
        return code;
    }
    open->live = live;
    open->is_changed = true;
    (void)pthread_mutex_lock(&writer->lock);
    mem_free(open->name);
    open->name = name;
    (void)pthread_mutex_unlock(&writer->lock);
    return ERR_OK;
}

enum err_code writer_open_collection(struct writer *writer, int64_t id,
                                     struct open_collection **ret_open, struct err *err)
{
    struct open_collection *open = writer_find_open(writer, id);
    enum err_code code = ERR_OK;
    if (open == NULL)
        code = add_open(writer, id, &open, err);
    if (code == ERR_OK && open->live == NULL)
        code = load(writer, open, err);
    if (code == ERR_OK)
        *ret_open = open;
    return code;
}

enum err_code writer_open_keys(struct open_collection *open, struct err *err)
{
    if (open->has_keys)
        return ERR_OK;
    const enum err_code code = live_keys_rebuild(&open->keys, open->live, err);
    open->has_keys = code == ERR_OK;
    return code;
}

void writer_forget(struct writer *writer, struct open_collection *open)
{
    live_free(open->live);
    open->live = NULL;
    live_keys_release(&open->keys);
    open->has_keys = false;
    open->is_changed = false;
    (void)pthread_mutex_lock(&writer->lock);
    struct snapshot *old = open->snapshot;
    open->snapshot = NULL;
    (void)pthread_mutex_unlock(&writer->lock);
    snapshot_unref(old);
}

/* Growing rows of all collections together take bounded memory: the largest blocks are frozen, so
 * that the background seals them. */
static void limit_growing(struct writer *writer)
{
    const uint64_t asked = writer->options.growing_max;
    const uint64_t most = asked > 0 ? asked : WRITER_GROWING_MAX;
    for (;;) {
        uint64_t total = 0;
        uint64_t largest_size = 0;
        struct live_block *largest = NULL;
        struct open_collection *owner = NULL;
        for (size_t k = 0; k < writer->open_count; k++) {
            const struct live *live = writer->open[k]->live;
            for (size_t b = 0; live != NULL && b < live->block_count; b++) {
                const uint64_t size = row_buffer_size(live->blocks[b]->buffer);
                if (live->blocks[b]->is_frozen)
                    continue;
                total += size;
                if (size > largest_size) {
                    largest_size = size;
                    largest = live->blocks[b];
                    owner = writer->open[k];
                }
            }
        }
        if (total <= most || largest == NULL)
            return;
        largest->is_frozen = true;
        owner->is_changed = true;
    }
}

void writer_publish(struct writer *writer)
{
    limit_growing(writer);
    for (size_t k = 0; k < writer->open_count; k++) {
        struct open_collection *open = writer->open[k];
        struct snapshot *snapshot = NULL;
        struct err ignored;
        if (!open->is_changed || open->live == NULL)
            continue;
        if (live_publish(open->live, &snapshot, &ignored) != ERR_OK) {
            writer_forget(writer, open);
            continue;
        }
        open->is_changed = false;
        (void)pthread_mutex_lock(&writer->lock);
        struct snapshot *old = open->snapshot;
        open->snapshot = snapshot;
        if (settle_look(open)) {
            writer->is_settle_wanted = true;
            (void)pthread_cond_signal(&writer->wake_settle);
        }
        (void)pthread_mutex_unlock(&writer->lock);
        snapshot_unref(old);
    }
}

static size_t find_partition(const struct collection_meta *meta, int64_t id)
{
    for (size_t k = 0; k < meta->facts.partition_count; k++)
        if (meta->partition_ids[k] == id)
            return k;
    return SIZE_MAX;
}

/* Partitions may have other numbers in the new metadata. False when one has gone. */
static bool renumber(struct live *live, const struct collection_meta *meta)
{
    const int64_t *ids = live->meta->partition_ids;
    bool is_there = true;
    for (size_t k = 0; k < live->segment_count; k++) {
        size_t *partition = &live->segments[k].segment.facts.partition;
        *partition = find_partition(meta, ids[*partition]);
        is_there = is_there && *partition != SIZE_MAX;
    }
    for (size_t k = 0; k < live->block_count; k++) {
        size_t *partition = &live->blocks[k]->partition;
        *partition = find_partition(meta, ids[*partition]);
        is_there = is_there && *partition != SIZE_MAX;
    }
    return is_there;
}

/* Index files are of one metric. */
static bool has_same_metrics(const struct collection_meta *a, const struct collection_meta *b)
{
    const size_t size = a->info.schema.field_count * sizeof *a->info.metrics;
    return a->info.schema.field_count == b->info.schema.field_count &&
           memcmp(a->info.metrics, b->info.metrics, size) == 0;
}

enum err_code writer_reload_meta(struct writer *writer, struct open_collection *open,
                                 struct err *err)
{
    char *name = NULL;
    struct collection_meta *meta = NULL;
    enum err_code code = name_of(writer, open->id, &name, err);
    if (code == ERR_OK)
        code = collection_meta_load(writer->database->sql, name, &meta, err);
    if (code != ERR_OK) {
        mem_free(name);
        return code;
    }
    /* With another metric, or field, all is opened anew. */
    const bool fits = renumber(open->live, meta) && has_same_metrics(meta, open->live->meta);
    collection_meta_unref(open->live->meta);
    open->live->meta = meta;
    open->is_changed = true;
    if (!fits)
        writer_forget(writer, open);
    (void)pthread_mutex_lock(&writer->lock);
    mem_free(open->name);
    open->name = name;
    (void)pthread_mutex_unlock(&writer->lock);
    return ERR_OK;
}

void writer_notice_changes(struct writer *writer)
{
    const uint64_t changes = atomic_load(&writer->database->changes);
    if (changes == writer->changes)
        return;
    for (size_t k = 0; k < writer->open_count; k++)
        writer_forget(writer, writer->open[k]);
    (void)pthread_mutex_lock(&writer->lock);
    writer->changes = changes;
    (void)pthread_mutex_unlock(&writer->lock);
}

void writer_remove(struct writer *writer, struct open_collection *open)
{
    writer_forget(writer, open);
    (void)pthread_mutex_lock(&writer->lock);
    for (size_t k = 0; k < writer->open_count; k++) {
        if (writer->open[k] != open)
            continue;
        writer->open[k] = writer->open[--writer->open_count];
        break;
    }
    (void)pthread_mutex_unlock(&writer->lock);
    mem_free(open->name);
    mem_free(open);
}

void writer_close_all(struct writer *writer)
{
    for (size_t k = 0; k < writer->open_count; k++) {
        struct open_collection *open = writer->open[k];
        writer_forget(writer, open);
        mem_free(open->name);
        mem_free(open);
    }
    mem_free(writer->open);
    writer->open = NULL;
    writer->open_count = 0;
}

/* ------------------------------------------------------------------------ any thread */

/* By its own name first, then by an alias. Under the lock. */
static struct open_collection *find_named(struct writer *writer, const char *qualified,
                                          struct collection_name name)
{
    const char *database = name.database != NULL ? name.database : DATABASE_DEFAULT;
    for (size_t k = 0; k < writer->open_count; k++)
        if (writer->open[k]->snapshot != NULL && strcmp(writer->open[k]->name, qualified) == 0)
            return writer->open[k];
    for (size_t k = 0; k < writer->open_count; k++) {
        const struct snapshot *snapshot = writer->open[k]->snapshot;
        if (snapshot == NULL || strcmp(snapshot->meta->info.database, database) != 0)
            continue;
        for (size_t a = 0; a < snapshot->meta->info.alias_count; a++)
            if (strcmp(snapshot->meta->info.aliases[a], name.name) == 0)
                return writer->open[k];
    }
    return NULL;
}

struct open_command {
    struct command command;
    struct collection_name name;
};

static enum err_code open_prepare(struct writer *writer, struct command *command, struct err *err)
{
    const struct open_command *self = (const struct open_command *)command;
    int64_t id = 0;
    struct open_collection *open = NULL;
    enum err_code code = writer_resolve(writer, self->name, true, &id, err);
    if (code == ERR_OK)
        code = writer_open_collection(writer, id, &open, err);
    if (code == ERR_OK)
        open->is_changed = true;
    return code;
}

enum err_code writer_find_snapshot(struct writer *writer, struct collection_name name,
                                   struct snapshot **ret_snapshot, struct err *err)
{
    char *qualified = catalog_join_name(name.database, name.name);
    if (qualified == NULL)
        return err_nomem(err, name.name);
    enum err_code code = ERR_OK;
    struct snapshot *snapshot = NULL;
    for (int attempt = 0; code == ERR_OK && snapshot == NULL; attempt++) {
        if (attempt == OPEN_ATTEMPTS) { /* it could not be shown */
            code = err_nomem(err, name.name);
            break;
        }
        (void)pthread_mutex_lock(&writer->lock);
        struct open_collection *open = NULL;
        if (writer->changes == atomic_load(&writer->database->changes))
            open = find_named(writer, qualified, name);
        if (open != NULL)
            snapshot = snapshot_ref(open->snapshot);
        (void)pthread_mutex_unlock(&writer->lock);
        if (snapshot != NULL)
            break;
        struct open_command command = {.command = {.prepare = open_prepare}, .name = name};
        code = writer_run(writer, &command.command, err);
    }
    mem_free(qualified);
    if (code == ERR_OK)
        *ret_snapshot = snapshot;
    return code;
}

enum err_code writer_snapshot(struct writer *writer, struct collection_name name,
                              struct snapshot **ret_snapshot, struct err *err)
{
    return writer_find_snapshot(writer, name, ret_snapshot, err);
}
