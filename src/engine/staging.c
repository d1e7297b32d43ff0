/* staging.c: planning, storing and reading back staged segments; see staging.h. Publishing is in
 * publish.c. */
#include "engine/staging.h"

#include <inttypes.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "engine/catalog.h"
#include "engine/database_internal.h"
#include "engine/layout.h"
#include "engine/segment_write.h"
#include "engine/staging_internal.h"
#include "engine/stored_reader.h"
#include "engine/sweep.h"

static enum err_code find_publication(struct staging *staging, struct err *err)
{
    struct catalog_answer answer = {0};
    database_lock(staging->database);
    const enum err_code code =
        catalog_ask(staging->database->sql, &answer, err,
                    "SELECT 1 FROM publication WHERE token = ?1", "t", staging->token);
    database_unlock(staging->database);
    staging->is_published = answer.found;
    return code;
}

enum err_code staging_open(struct database *database, const char *token, bool link,
                           struct staging **ret_staging, struct err *err)
{
    enum err_code code = database_expect_writer(database, err);
    if (code == ERR_OK)
        code = sweep_files(database, err);
    if (code != ERR_OK)
        return code;
    struct staging *staging = mem_zalloc(1, sizeof *staging);
    if (staging == NULL)
        return err_nomem(err, token);
    staging->database = database;
    staging->link = link;
    staging->token = mem_strdup(token);
    code = staging->token != NULL ? find_publication(staging, err) : err_nomem(err, token);
    if (code == ERR_OK)
        *ret_staging = staging;
    else
        staging_close(staging);
    return code;
}

void staging_close(struct staging *staging)
{
    if (staging == NULL)
        return;
    mem_free(staging->token);
    mem_free(staging);
}

/* Was it made by a client of the server, with fields of its own? */
static bool has_other_fields(struct sql *sql, const char *name)
{
    struct catalog_answer answer = {0};
    struct err ignored;
    bool has_rows = false;
    return catalog_has_rows(sql, &has_rows, &ignored) == ERR_OK && has_rows &&
           catalog_ask(sql, &answer, &ignored,
                       "SELECT 1 FROM detail WHERE is_1x = 0 AND collection ="
                       " (SELECT id FROM collection WHERE name = ?1 AND token IS NULL)",
                       "t", name) == ERR_OK &&
           answer.found;
}

/* What is published under the name must allow what is asked. */
static enum err_code check_existing(struct staging *staging,
                                    const struct staged_collection *collection, struct err *err)
{
    struct sql *sql = staging->database->sql;
    struct catalog_answer is_alike = {0};
    const enum err_code code = catalog_ask(
        sql, &is_alike, err,
        "SELECT metric = ?1 AND dim = ?2 FROM collection WHERE name = ?3 AND token IS NULL", "iit",
        (int64_t)collection->source->metric, (int64_t)collection->source->dim, collection->name);
    if (code != ERR_OK || !is_alike.found)
        return code;
    if (collection->if_exists == IF_EXISTS_APPEND && has_other_fields(sql, collection->name))
        return err_set(err, ERR_TARGET,
                       "collection %s exists in %s with more fields than an id and a vector; it "
                       "cannot be appended to",
                       collection->name, staging->database->folder);
    if (collection->if_exists == IF_EXISTS_FAIL)
        return err_set(err, ERR_EXISTS,
                       "collection %s exists already in %s; use --if-exists append or replace, or "
                       "--rename",
                       collection->name, staging->database->folder);
    if (collection->if_exists == IF_EXISTS_APPEND && is_alike.value == 0)
        return err_set(err, ERR_TARGET,
                       "collection %s exists in %s with another metric or dimension than %s, %zu; "
                       "it cannot be appended to",
                       collection->name, staging->database->folder,
                       metric_name(collection->source->metric), collection->source->dim);
    return ERR_OK;
}

static enum err_code insert_collection(struct staging *staging,
                                       const struct staged_collection *collection, int64_t *ret_id,
                                       struct err *err)
{
    struct sql *sql = staging->database->sql;
    const struct source_collection *source = collection->source;
    struct catalog_answer next = {0};
    enum err_code code =
        catalog_ask(sql, &next, err, "SELECT value FROM meta WHERE key = 'next_collection'", "");
    const int64_t id = next.value;
    if (code == ERR_OK && id < 1)
        code = err_set(err, ERR_CORRUPT, "%s: next_collection is missing", sql_path(sql));
    if (code == ERR_OK)
        code = catalog_run(sql, err, "UPDATE meta SET value = ?1 WHERE key = 'next_collection'",
                           "i", id + 1);
    if (code == ERR_OK)
        code = catalog_run(
            sql, err,
            "INSERT INTO collection VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            "ittiiiittiii", id, staging->token, collection->name, (int64_t)collection->if_exists,
            (int64_t)source->metric, (int64_t)source->dim, (int64_t)source->has_auto_ids,
            source->index_type, source->index_params, (int64_t)source->index_file_size,
            source->created_us, (int64_t)source->duplicate_ids);
    if (code == ERR_OK)
        *ret_id = id;
    return code;
}

static enum err_code insert_partition(struct sql *sql, int64_t collection, const char *name,
                                      struct err *err)
{
    return catalog_run(sql, err,
                       "INSERT OR IGNORE INTO partition (collection, name) VALUES (?1, ?2)", "it",
                       collection, name);
}

static enum err_code plan_segment(struct staging *staging, int64_t collection, size_t number,
                                  const struct source_collection *source, struct err *err)
{
    const struct source_segment *segment = &source->segments[number];
    return catalog_run(staging->database->sql, err,
                       "INSERT OR IGNORE INTO segment SELECT NULL, ?1, id, ?2, ?1, ?3, ?4, ?5,"
                       " 0, 0, 0, 0, 0, 0, 0, 0 FROM partition WHERE collection = ?1 AND name = ?6",
                       "iiittt", collection, (int64_t)segment->order, (int64_t)number,
                       segment->name, staging->token, source->partitions[segment->partition].tag);
}

/* The collection's row, its partitions, and a row for each segment that can be read. */
static enum err_code plan(struct staging *staging, const struct staged_collection *collection,
                          int64_t *ret_id, struct err *err)
{
    struct sql *sql = staging->database->sql;
    const struct source_collection *source = collection->source;
    bool found = false;
    enum err_code code = check_existing(staging, collection, err);
    if (code == ERR_OK)
        code = catalog_find(sql, collection->name, staging->token, &found, ret_id, err);
    if (code == ERR_OK && !found)
        code = insert_collection(staging, collection, ret_id, err);
    if (code == ERR_OK && found)
        code = catalog_run(sql, err, "UPDATE collection SET if_exists = ?1 WHERE id = ?2", "ii",
                           (int64_t)collection->if_exists, *ret_id);
    if (code == ERR_OK)
        code = insert_partition(sql, *ret_id, PARTITION_DEFAULT, err);
    for (size_t k = 0; code == ERR_OK && k < source->partition_count; k++)
        code = insert_partition(sql, *ret_id, source->partitions[k].tag, err);
    for (size_t k = 0; code == ERR_OK && k < source->segment_count; k++)
        if (!source->segments[k].is_damaged)
            code = plan_segment(staging, *ret_id, k, source, err);
    return code;
}

enum err_code staging_collection(struct staging *staging,
                                 const struct staged_collection *collection, struct err *err)
{
    if (staging->is_published)
        return ERR_OK;
    struct sql *sql = staging->database->sql;
    int64_t id = 0;
    database_lock(staging->database);
    enum err_code code = sql_begin(sql, err);
    if (code == ERR_OK)
        code = plan(staging, collection, &id, err);
    if (code == ERR_OK)
        code = sql_commit(sql, err);
    sql_rollback(sql);
    database_unlock(staging->database);
    if (code != ERR_OK)
        return code;
    char *folder = layout_segment_folder(staging->database->folder, (uint64_t)id);
    code = folder != NULL ? folder_make(folder, err) : err_nomem(err, collection->name);
    mem_free(folder);
    return code;
}

/* A segment of the job, as the catalog has it. */
struct staged_row {
    int64_t id;
    bool is_stored;
    struct segment_facts facts;
};

static enum err_code read_row(struct sql_statement *statement, struct staged_row *ret_row,
                              struct err *err)
{
    struct staged_row row = {.id = sql_column_int(statement, 0),
                             .is_stored = sql_column_int(statement, 1) != 0};
    const int64_t metric = sql_column_int(statement, 2);
    const int64_t dim = sql_column_int(statement, 3);
    if (metric <= METRIC_NONE || metric >= METRIC_COUNT ||
        !metric_dim_is_valid((enum metric_type)metric, dim))
        return err_set(err, ERR_CORRUPT, "the catalog has a collection that is not possible");
    const size_t row_size = metric_row_size((enum metric_type)metric, (size_t)dim);
    const enum err_code code = catalog_segment_read(statement, 4, row_size, &row.facts, err);
    if (code == ERR_OK)
        *ret_row = row;
    return code;
}

/* Finds it whether still staged or published already. ERR_NOT_FOUND. */
static enum err_code find_row(struct staging *staging, const char *collection, const char *origin,
                              struct staged_row *ret_row, struct err *err)
{
    struct sql_statement *statement = NULL;
    bool has_row = false;
    database_lock(staging->database);
    enum err_code code =
        sql_prepare(staging->database->sql,
                    "SELECT s.id, is_stored, metric, dim, " SEGMENT_COLUMNS
                    " FROM segment s JOIN collection c ON c.id = s.collection"
                    " WHERE c.name = ?1 AND s.token = ?2 AND s.origin = ?3"
                    " AND (c.token = ?2 OR c.token IS NULL) ORDER BY c.token IS NULL",
                    &statement, err);
    if (code == ERR_OK) {
        sql_bind_text(statement, 1, collection);
        sql_bind_text(statement, 2, staging->token);
        sql_bind_text(statement, 3, origin);
        code = sql_step(statement, &has_row, err);
    }
    if (code == ERR_OK && !has_row)
        code = err_set(err, ERR_NOT_FOUND, "segment %s of collection %s is not staged", origin,
                       collection);
    if (code == ERR_OK)
        code = read_row(statement, ret_row, err);
    sql_finalize(statement);
    database_unlock(staging->database);
    return code;
}

static enum err_code run_update(struct staging *staging, const struct staged_row *row,
                                const struct staged_segment *segment, bool is_linked,
                                struct err *err)
{
    struct sql *sql = staging->database->sql;
    const struct segment_facts *facts = &row->facts;
    enum err_code code = catalog_run(
        sql, err,
        "UPDATE segment SET is_stored = 1, rows = ?1, dead_rows = ?2, ids_offset = ?3,"
        " vec_offset = ?4, is_linked = ?5, sum_hash = ?6, dead_hash = ?7, partition ="
        " (SELECT p.id FROM partition p WHERE p.collection = segment.collection AND p.name = ?8)"
        " WHERE id = ?9",
        "iiiiiiiti", (int64_t)facts->rows, (int64_t)facts->dead_rows, (int64_t)facts->ids_offset,
        (int64_t)facts->vectors_offset, (int64_t)is_linked, (int64_t)facts->sums_hash,
        (int64_t)facts->dead_hash, segment->partition, row->id);
    if (code == ERR_OK && sql_changes(sql) != 1)
        code = err_set(err, ERR_INTERNAL, "segment %s has left the catalog", segment->source->name);
    return code;
}

/* The files are durable: now the catalog may say so. */
static enum err_code mark_stored(struct staging *staging, const struct staged_row *row,
                                 const struct staged_segment *segment, bool is_linked,
                                 struct err *err)
{
    struct sql *sql = staging->database->sql;
    database_lock(staging->database);
    enum err_code code = sql_begin(sql, err);
    if (code == ERR_OK)
        code = run_update(staging, row, segment, is_linked, err);
    if (code == ERR_OK)
        code = sql_commit(sql, err);
    sql_rollback(sql);
    database_unlock(staging->database);
    return code;
}

static enum err_code store(struct staging *staging, const struct staged_segment *segment,
                           struct staged_row *row, struct meter *meter, struct err *err)
{
    char *stem =
        layout_segment_stem(staging->database->folder, row->facts.folder, row->facts.number);
    if (stem == NULL)
        return err_nomem(err, segment->source->name);
    const struct segment_write_request request = {
        .stem = stem,
        .reader = segment->reader,
        .dead = segment->dead,
        .live_rows = segment->live_rows,
        .link = staging->link,
        .meter = meter,
    };
    bool is_linked = false;
    enum err_code code = segment_write(&request, &row->facts, &is_linked, err);
    if (code == ERR_OK)
        code = mark_stored(staging, row, segment, is_linked, err);
    mem_free(stem);
    return code;
}

enum err_code staging_put(struct staging *staging, const struct staged_segment *segment,
                          struct meter *meter, struct err *err)
{
    if (staging->is_published)
        return ERR_OK;
    struct staged_row row = {0};
    enum err_code code = find_row(staging, segment->collection, segment->source->name, &row, err);
    if (code == ERR_NOT_FOUND)
        return err_set(err, ERR_STATE,
                       "segment %s was not there when the job began: the source has changed; run "
                       "again with --restart",
                       segment->source->name);
    if (code != ERR_OK || row.is_stored)
        return code;
    if (row.facts.row_size != segment->reader->row_size)
        return err_set(err, ERR_STATE, "segment %s: rows of %zu bytes found, %zu expected",
                       segment->source->name, segment->reader->row_size, row.facts.row_size);
    return store(staging, segment, &row, meter, err);
}

enum err_code staging_open_segment(struct staging *staging, const char *collection,
                                   const char *segment_name, struct segment_reader **ret_reader,
                                   struct err *err)
{
    struct staged_row row = {0};
    const enum err_code code = find_row(staging, collection, segment_name, &row, err);
    if (code != ERR_OK)
        return code;
    if (!row.is_stored)
        return err_set(err, ERR_NOT_FOUND, "segment %s of collection %s is not stored yet",
                       segment_name, collection);
    return stored_reader_open(staging->database->folder, &row.facts, ret_reader, err);
}

static enum err_code mark_planned(struct staging *staging, int64_t id, struct err *err)
{
    struct sql *sql = staging->database->sql;
    database_lock(staging->database);
    enum err_code code = sql_begin(sql, err);
    if (code == ERR_OK)
        code = catalog_run(
            sql, err, "UPDATE segment SET is_stored = 0, rows = 0, dead_rows = 0 WHERE id = ?1",
            "i", id);
    if (code == ERR_OK)
        code = sql_commit(sql, err);
    sql_rollback(sql);
    database_unlock(staging->database);
    return code;
}

enum err_code staging_drop_segment(struct staging *staging, const char *collection,
                                   const char *segment_name, struct err *err)
{
    if (staging->is_published)
        return err_set(err, ERR_STATE, "segment %s is published already", segment_name);
    struct staged_row row = {0};
    enum err_code code = find_row(staging, collection, segment_name, &row, err);
    if (code == ERR_NOT_FOUND)
        return ERR_OK;
    if (code == ERR_OK)
        code = mark_planned(staging, row.id, err);
    if (code != ERR_OK)
        return code;
    char *stem = layout_segment_stem(staging->database->folder, row.facts.folder, row.facts.number);
    code = stem != NULL ? segment_remove(stem, err) : err_nomem(err, segment_name);
    mem_free(stem);
    return code;
}
