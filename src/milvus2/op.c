/* op.c: see op.h. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/bitmap.h"
#include "base/clock.h"
#include "engine/write/define.h"
#include "milvus2/api.h"
#include "milvus2/op.h"

void op_begin(struct op *op, struct api *api, struct arena *arena, const char *database)
{
    *op = (struct op){.api = api, .writer = api->writer, .arena = arena, .user = ""};
    op->database = database != NULL && database[0] != '\0' ? database : DATABASE_DEFAULT;
}

void op_release_snapshots(struct op *op)
{
    while (op->snapshot_count > 0)
        snapshot_unref(op->snapshots[--op->snapshot_count]);
}

void op_end(struct op *op)
{
    while (op->row_set_count > 0)
        row_set_release(op->row_sets[--op->row_set_count]);
    op_release_snapshots(op);
}

const char *pairs_get(const struct pair_list *pairs, const char *key)
{
    for (size_t i = 0; i < pairs->count; i++)
        if (strcmp(pairs->items[i].key, key) == 0)
            return pairs->items[i].value;
    return NULL;
}

bool names_have(const struct name_list *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->items[i], name) == 0)
            return true;
    return false;
}

void *op_array(struct op *op, size_t count, size_t size)
{
    void *block = arena_array(op->arena, count, size);
    if (block == NULL)
        (void)status_nomem(&op->status, "the request");
    return block;
}

char *op_printf(struct op *op, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = size >= 0 ? op_array(op, (size_t)size + 1, 1) : NULL;
    if (text == NULL)
        return NULL;
    va_start(args, format);
    (void)vsnprintf(text, (size_t)size + 1, format, args);
    va_end(args);
    return text;
}

char *op_strndup(struct op *op, const char *text, size_t size)
{
    char *copy = op_array(op, size + 1, 1);
    if (copy != NULL && size > 0)
        memcpy(copy, text, size);
    return copy;
}

uint64_t *op_bitmap(struct op *op, size_t rows)
{
    return op_array(op, bitmap_words(rows) + 1, sizeof(uint64_t));
}

bool op_engine(struct op *op, enum err_code code, const struct err *err)
{
    return code == ERR_OK || status_fail_err(&op->status, err);
}

bool op_check_database(struct op *op, const char *database)
{
    struct err err;
    struct database_item *items;
    size_t count;
    if (strcmp(database, DATABASE_DEFAULT) == 0)
        return true;
    if (!op_engine(op, define_list_databases(op->writer, op->arena, &items, &count, &err), &err))
        return false;
    for (size_t i = 0; i < count; i++)
        if (strcmp(items[i].name, database) == 0)
            return true;
    return status_fields(&op->status, MILVUS_NO_DATABASE, "[database=%s]", database);
}

bool op_engine_for(struct op *op, enum err_code code, const struct err *err, const char *collection)
{
    if (code != ERR_NO_COLLECTION)
        return op_engine(op, code, err);
    return op_check_database(op, op->database) &&
           status_fields(&op->status, MILVUS_NO_COLLECTION, "[database=%s][collection=%s]",
                         op->database, collection);
}

bool op_is_wanted(struct op *op)
{
    const enum call_state state = op->call != NULL ? call_state(op->call) : CALL_WANTED;
    if (state == CALL_WANTED)
        return true;
    return status_wrap(&op->status, state == CALL_LATE ? MILVUS_TIMEOUT : MILVUS_CANCELLED, "%s",
                       "");
}

uint64_t op_timestamp(int64_t time_us)
{
    return time_us <= 0 ? 0 : (uint64_t)time_us / 1000 << 18;
}

uint64_t op_now(void)
{
    return op_timestamp(clock_now_us());
}

/* The vector field of a collection from Milvus 1.x has the name that the operator gave it. */
static bool rename_vector(struct op *op, struct view *view)
{
    const char *name = op->api->options.vector_field;
    if (!view->info->is_1x || name == NULL || schema_find(&view->schema, name) != SIZE_MAX)
        return true;
    struct field *fields = op_array(op, view->schema.field_count, sizeof *fields);
    if (fields == NULL)
        return false;
    memcpy(fields, view->schema.fields, view->schema.field_count * sizeof *fields);
    for (size_t i = 0; i < view->schema.field_count; i++)
        if (strcmp(fields[i].name, FIELD_1X_VECTOR) == 0)
            fields[i].name = name;
    view->schema.fields = fields;
    return true;
}

static bool view_fill(struct op *op, struct snapshot *snapshot, struct view *ret_view)
{
    *ret_view = (struct view){.snapshot = snapshot,
                              .info = snapshot_info(snapshot),
                              .facts = snapshot_facts(snapshot),
                              .dynamic = SIZE_MAX};
    ret_view->schema = ret_view->info->schema;
    ret_view->shown_fields = ret_view->schema.field_count;
    for (size_t i = 0; i < ret_view->schema.field_count; i++)
        if (ret_view->schema.fields[i].is_dynamic) {
            ret_view->dynamic = i;
            ret_view->shown_fields--;
        }
    return rename_vector(op, ret_view);
}

bool view_of(struct op *op, struct snapshot *snapshot, struct view *ret_view)
{
    if (op->snapshot_count == OP_SNAPSHOTS_MAX)
        return status_fail(&op->status, MILVUS_INTERNAL, "too many collections in one operation");
    op->snapshots[op->snapshot_count++] = snapshot_ref(snapshot);
    return view_fill(op, snapshot, ret_view);
}

bool view_open(struct op *op, const char *collection, struct view *ret_view)
{
    struct err err;
    struct snapshot *snapshot;
    if (op->snapshot_count == OP_SNAPSHOTS_MAX)
        return status_fail(&op->status, MILVUS_INTERNAL, "too many collections in one operation");
    const enum err_code code =
        writer_snapshot(op->writer, op_name(op, collection), &snapshot, &err);
    if (!op_engine_for(op, code, &err, collection))
        return false;
    op->snapshots[op->snapshot_count++] = snapshot;
    return view_fill(op, snapshot, ret_view);
}

bool view_try(struct op *op, const char *collection, struct view *ret_view, bool *ret_has)
{
    *ret_has = view_open(op, collection, ret_view);
    if (*ret_has)
        return true;
    if (op->status.code != MILVUS_NO_COLLECTION)
        return false;
    op->status = (struct status){0};
    return true;
}

bool view_open_id(struct op *op, const char *collection, int64_t id, struct view *ret_view)
{
    struct err err;
    struct collection_info *items;
    size_t count;
    if (collection[0] != '\0')
        return view_open(op, collection, ret_view);
    if (!op_engine(op, define_list_collections(op->writer, NULL, op->arena, &items, &count, &err),
                   &err))
        return false;
    for (size_t i = 0; i < count; i++)
        if (items[i].id == id) {
            op->database = items[i].database;
            return view_open(op, items[i].name, ret_view);
        }
    return status_fields(&op->status, MILVUS_NO_COLLECTION, "[collection=%lld]", (long long)id);
}

bool view_fetch(struct op *op, const struct view *view, const struct rows_fetch *request,
                struct column **ret_columns)
{
    struct err err;
    struct row_set *rows = op_array(op, 1, sizeof *rows);
    if (rows == NULL)
        return false;
    if (op->row_set_count == OP_ROW_SETS_MAX)
        return status_fail(&op->status, MILVUS_INTERNAL, "too many answers in one operation");
    if (!op_engine(op, rows_fetch(view->snapshot, request, rows, &err), &err))
        return false;
    op->row_sets[op->row_set_count++] = rows;
    *ret_columns = rows->columns;
    return true;
}

size_t view_field(const struct view *view, const char *name)
{
    const size_t at = schema_find(&view->schema, name);
    return at < view->schema.field_count && !view->schema.fields[at].is_dynamic ? at : SIZE_MAX;
}
