/* meta.c: see meta.h and meta_rows.h. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "milvus1/meta_rows.h"

#define META_ARENA_MAX ((size_t)8 << 30)
#define META_NAME_MAX 255

enum err_code meta_rows_init(struct meta_rows *rows, enum meta_kind kind, const char *where,
                             struct err *err)
{
    *rows = (struct meta_rows){.meta = {.kind = kind}};
    arena_init(&rows->meta.arena, META_ARENA_MAX);
    rows->meta.where = arena_strdup(&rows->meta.arena, where);
    return rows->meta.where != NULL ? ERR_OK : err_nomem(err, "metadata");
}

void meta_rows_release(struct meta_rows *rows)
{
    meta_release(&rows->meta);
}

/* Names become folders and files below the data root, so they must not lead out of it. */
static bool is_plain_name(const char *name)
{
    return strlen(name) <= META_NAME_MAX && strchr(name, '/') == NULL && strcmp(name, ".") != 0 &&
           strcmp(name, "..") != 0;
}

static enum err_code bad_cell(const char *table, int64_t id, const char *column,
                              const char *expected, struct err *err)
{
    return err_set(err, ERR_CORRUPT, "table %s, row id %" PRId64 ": %s: %s expected", table, id,
                   column, expected);
}

static bool keep(struct meta_rows *rows, const char **text)
{
    *text = **text != '\0' ? arena_strdup(&rows->meta.arena, *text) : "";
    return *text != NULL;
}

enum err_code meta_rows_add_table(struct meta_rows *rows, const struct meta_table *table,
                                  struct err *err)
{
    struct meta *meta = &rows->meta;
    struct meta_table copy = *table;
    if (*copy.table_id == '\0' || !is_plain_name(copy.table_id))
        return bad_cell("Tables", copy.id, "table_id", "a name without '/' of 1 to 255 bytes", err);
    if (strlen(copy.owner_table) > META_NAME_MAX || strlen(copy.partition_tag) > META_TEXT_MAX ||
        strlen(copy.index_params) > META_TEXT_MAX || strlen(copy.version) > META_TEXT_MAX)
        return bad_cell("Tables", copy.id, "owner_table, partition_tag, index_params or version",
                        "a shorter text", err);
    if (copy.flush_lsn > INT64_MAX)
        return bad_cell("Tables", copy.id, "flush_lsn", "no negative number", err);
    if (meta->table_count == META_ROWS_MAX)
        return err_set(err, ERR_CORRUPT, "table Tables: more than %d rows", META_ROWS_MAX);
    if (!keep(rows, &copy.table_id) || !keep(rows, &copy.index_params) ||
        !keep(rows, &copy.owner_table) || !keep(rows, &copy.partition_tag) ||
        !keep(rows, &copy.version) ||
        !mem_grow(&meta->tables, &rows->table_capacity, meta->table_count, sizeof copy))
        return err_nomem(err, "metadata");
    meta->tables[meta->table_count++] = copy;
    return ERR_OK;
}

/* Most rows repeat the table of the row before, and the file of a segment is named like it. */
static bool keep_like(struct meta_rows *rows, const char **text, const char *like)
{
    if (like != NULL && strcmp(*text, like) == 0) {
        *text = like;
        return true;
    }
    return keep(rows, text);
}

enum err_code meta_rows_add_file(struct meta_rows *rows, const struct meta_file *file,
                                 struct err *err)
{
    struct meta *meta = &rows->meta;
    struct meta_file copy = *file;
    if (!is_plain_name(copy.table_id))
        return bad_cell("TableFiles", copy.id, "table_id", "a name without '/'", err);
    if (!is_plain_name(copy.segment_id))
        return bad_cell("TableFiles", copy.id, "segment_id", "a name without '/'", err);
    if (!is_plain_name(copy.file_id))
        return bad_cell("TableFiles", copy.id, "file_id", "a name without '/'", err);
    if (meta->file_count == META_ROWS_MAX)
        return err_set(err, ERR_CORRUPT, "table TableFiles: more than %d rows", META_ROWS_MAX);
    const char *last_table =
        meta->file_count > 0 ? meta->files[meta->file_count - 1].table_id : NULL;
    if (!keep_like(rows, &copy.table_id, last_table) || !keep(rows, &copy.segment_id) ||
        !keep_like(rows, &copy.file_id, copy.segment_id) ||
        !mem_grow(&meta->files, &rows->file_capacity, meta->file_count, sizeof copy))
        return err_nomem(err, "metadata");
    if (copy.row_count < 0)
        copy.row_count = 0;
    meta->files[meta->file_count++] = copy;
    return ERR_OK;
}

enum err_code meta_rows_add_hybrid(struct meta_rows *rows, const char *table_id, struct err *err)
{
    struct meta *meta = &rows->meta;
    if (meta->hybrid_table_count == META_ROWS_MAX)
        return err_set(err, ERR_CORRUPT, "table Fields: more than %d collections", META_ROWS_MAX);
    if (!keep(rows, &table_id) || !mem_grow(&meta->hybrid_tables, &rows->hybrid_capacity,
                                            meta->hybrid_table_count, sizeof table_id))
        return err_nomem(err, "metadata");
    meta->hybrid_tables[meta->hybrid_table_count++] = table_id;
    return ERR_OK;
}

static int compare_files(const void *a, const void *b)
{
    const struct meta_file *file_a = a;
    const struct meta_file *file_b = b;
    return (file_a->id > file_b->id) - (file_a->id < file_b->id);
}

void meta_rows_take(struct meta_rows *rows, struct meta *ret_meta)
{
    struct meta *meta = &rows->meta;
    bool is_sorted = true;
    for (size_t k = 1; k < meta->file_count && is_sorted; k++)
        is_sorted = meta->files[k - 1].id <= meta->files[k].id;
    if (!is_sorted)
        qsort(meta->files, meta->file_count, sizeof *meta->files, compare_files);
    *ret_meta = *meta;
    *rows = (struct meta_rows){0};
}

void meta_release(struct meta *meta)
{
    mem_free(meta->tables);
    mem_free(meta->files);
    mem_free(meta->hybrid_tables);
    arena_release(&meta->arena);
    *meta = (struct meta){0};
}

bool meta_is_snapshot_table(const char *name)
{
    static const char *const prefixes[] = {"collectioncommit", "partitioncommit", "segmentcommit",
                                           "schemacommit", "collectionfield"};
    for (size_t k = 0; k < sizeof prefixes / sizeof *prefixes; k++)
        if (strncasecmp(name, prefixes[k], strlen(prefixes[k])) == 0)
            return true;
    return false;
}

enum err_code meta_refuse_snapshot(struct err *err)
{
    return err_set(err, ERR_UNSUPPORTED,
                   "this is the metadata of Milvus 0.11 (it has no table Tables but snapshot "
                   "tables); only 0.9, 0.10 and 1.0-1.1 can be read");
}
