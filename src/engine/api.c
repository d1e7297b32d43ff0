/* api.c: include/godwit.h over database.h, search.h, lookup.h and cursor.h. Codes become those of
 * the public header; nothing else is decided here. */
#include <godwit.h>
#include <stddef.h>
#include <string.h>

#include "base/mem.h"
#include "engine/cursor.h"
#include "engine/database.h"
#include "engine/lookup.h"
#include "engine/search.h"
#include "engine/write/define.h"

_Static_assert(GODWIT_ERROR_MESSAGE_SIZE >= ERR_MSG_SIZE, "a message must fit");
_Static_assert((int)GODWIT_COSINE == (int)METRIC_COSINE && (int)GODWIT_L2 == (int)METRIC_L2 &&
                   (int)GODWIT_SUPERSTRUCTURE == (int)METRIC_SUPERSTRUCTURE,
               "metrics have one numbering");

struct godwit {
    struct database *database;
    struct writer *writer; /* NULL: for reading */
};

/* Its own type outside; inside it is the snapshot. */
struct godwit_collection;
struct godwit_rows;

static struct snapshot *snapshot_of(const struct godwit_collection *collection)
{
    return (struct snapshot *)(uintptr_t)collection;
}

static struct cursor *cursor_of(const struct godwit_rows *rows)
{
    return (struct cursor *)(uintptr_t)rows;
}

static int public_code(enum err_code code)
{
    switch (code) {
    case ERR_OK:
        return GODWIT_OK;
    case ERR_INVALID:
    case ERR_USAGE:
    case ERR_CONFIG:
        return GODWIT_ERROR_INVALID;
    case ERR_NOT_FOUND:
    case ERR_NO_COLLECTION:
    case ERR_NO_PARTITION:
        return GODWIT_ERROR_NOT_FOUND;
    case ERR_CORRUPT:
        return GODWIT_ERROR_DAMAGED;
    case ERR_UNSUPPORTED:
        return GODWIT_ERROR_UNSUPPORTED;
    case ERR_NOMEM:
        return GODWIT_ERROR_NO_MEMORY;
    case ERR_LOCKED:
        return GODWIT_ERROR_LOCKED;
    default:
        return GODWIT_ERROR_OTHER;
    }
}

static int answer(enum err_code code, const struct err *err, struct godwit_error *ret_error)
{
    const int result = public_code(code);
    if (ret_error != NULL && code != ERR_OK) {
        ret_error->code = result;
        memcpy(ret_error->message, err->msg, sizeof err->msg);
    }
    return result;
}

const char *godwit_version(void)
{
    return GODWIT_VERSION;
}

const char *godwit_metric_name(enum godwit_metric metric)
{
    return metric_name((enum metric_type)metric);
}

int godwit_open(const char *folder, struct godwit **ret_database, struct godwit_error *ret_error)
{
    struct err err = {0};
    struct godwit *handle = mem_zalloc(1, sizeof *handle);
    enum err_code code = handle != NULL ? ERR_OK : err_nomem(&err, folder);
    if (code == ERR_OK)
        code = database_open(folder, DATABASE_READ, &handle->database, &err);
    if (code == ERR_OK)
        *ret_database = handle;
    else
        mem_free(handle);
    return answer(code, &err, ret_error);
}

int godwit_open_writer(const char *folder, struct godwit **ret_database,
                       struct godwit_error *ret_error)
{
    struct err err = {0};
    const struct writer_options options = {0};
    struct godwit *handle = mem_zalloc(1, sizeof *handle);
    enum err_code code = handle != NULL ? ERR_OK : err_nomem(&err, folder);
    if (code == ERR_OK)
        code = database_open(folder, DATABASE_CREATE, &handle->database, &err);
    if (code == ERR_OK)
        code = writer_start(handle->database, &options, &handle->writer, &err);
    if (code == ERR_OK)
        *ret_database = handle;
    else
        godwit_close(handle);
    return answer(code, &err, ret_error);
}

void godwit_close(struct godwit *database)
{
    if (database == NULL)
        return;
    writer_stop(database->writer);
    database_close(database->database);
    mem_free(database);
}

void godwit_free(void *block)
{
    mem_free(block);
}

/* Pointers and the text they point to, in one block. */
static enum err_code copy_names(const struct collection_list *list, char ***ret_names,
                                struct err *err)
{
    size_t size = 0;
    for (size_t k = 0; k < list->count; k++)
        size += strlen(list->items[k].name) + 1;
    char **names = mem_alloc(list->count * sizeof *names + size, 1);
    if (names == NULL)
        return err_nomem(err, "collections");
    char *text = (char *)(names + list->count);
    for (size_t k = 0; k < list->count; k++) {
        const size_t length = strlen(list->items[k].name) + 1;
        names[k] = memcpy(text, list->items[k].name, length);
        text += length;
    }
    *ret_names = names;
    return ERR_OK;
}

int godwit_collections(struct godwit *database, char ***ret_names, size_t *ret_count,
                       struct godwit_error *ret_error)
{
    struct err err = {0};
    struct collection_list list = {0};
    enum err_code code = database_list(database->database, &list, &err);
    if (code != ERR_OK)
        return answer(code, &err, ret_error);
    code = copy_names(&list, ret_names, &err);
    if (code == ERR_OK)
        *ret_count = list.count;
    collection_list_release(&list);
    return answer(code, &err, ret_error);
}

int godwit_collection_open(struct godwit *database, const char *name,
                           struct godwit_collection **ret_collection,
                           struct godwit_error *ret_error)
{
    struct err err = {0};
    struct snapshot *snapshot = NULL;
    const enum err_code code = database_snapshot(database->database, name, &snapshot, &err);
    if (code == ERR_OK)
        *ret_collection = (struct godwit_collection *)snapshot;
    return answer(code, &err, ret_error);
}

void godwit_collection_close(struct godwit_collection *collection)
{
    snapshot_unref(snapshot_of(collection));
}

const char *godwit_collection_name(const struct godwit_collection *collection)
{
    return snapshot_facts(snapshot_of(collection))->name;
}

enum godwit_metric godwit_collection_metric(const struct godwit_collection *collection)
{
    return (enum godwit_metric)snapshot_facts(snapshot_of(collection))->metric;
}

size_t godwit_collection_dimension(const struct godwit_collection *collection)
{
    return snapshot_facts(snapshot_of(collection))->dim;
}

size_t godwit_collection_row_size(const struct godwit_collection *collection)
{
    return snapshot_facts(snapshot_of(collection))->row_size;
}

size_t godwit_collection_partition_count(const struct godwit_collection *collection)
{
    return snapshot_facts(snapshot_of(collection))->partition_count;
}

const char *godwit_collection_partition_name(const struct godwit_collection *collection,
                                             size_t index)
{
    const struct collection_facts *facts = snapshot_facts(snapshot_of(collection));
    return index < facts->partition_count ? facts->partitions[index].name : NULL;
}

int godwit_count(const struct godwit_collection *collection, const char *partition,
                 uint64_t *ret_rows, struct godwit_error *ret_error)
{
    struct err err = {0};
    const enum err_code code = lookup_count(snapshot_of(collection), partition, ret_rows, &err);
    return answer(code, &err, ret_error);
}

/* The request as it was before it grew; structs of that size are still taken. */
#define SEARCH_SIZE_FIRST offsetof(struct godwit_search_request, level)

/* The caller's struct, with zeros where it is older than this library. */
static enum err_code read_request(const struct godwit_search_request *given,
                                  struct godwit_search_request *ret_request, struct err *err)
{
    struct godwit_search_request request = {0};
    if (given->struct_size < SEARCH_SIZE_FIRST)
        return err_set(err, ERR_INVALID,
                       "struct_size is %zu, %zu expected: begin with GODWIT_SEARCH_INIT",
                       given->struct_size, sizeof *given);
    memcpy(&request, given,
           given->struct_size < sizeof request ? given->struct_size : sizeof request);
    *ret_request = request;
    return ERR_OK;
}

static enum err_code search_ids(struct snapshot *snapshot,
                                const struct godwit_search_request *request,
                                struct search_request *search, struct search_result *ret_result,
                                struct err *err)
{
    struct lookup_marks marks = {0};
    enum err_code code = ERR_OK;
    if (request->only_ids != NULL) {
        code = lookup_mark(snapshot, request->only_ids, request->only_id_count, &marks, err);
        search->allow = (const uint64_t *const *)marks.bitmaps;
    }
    if (code == ERR_OK)
        code = search_run(snapshot, search, ret_result, err);
    lookup_marks_release(&marks);
    return code;
}

int godwit_search(struct godwit_collection *collection, const struct godwit_search_request *given,
                  int64_t *ret_ids, float *ret_scores, size_t *ret_counts,
                  struct godwit_error *ret_error)
{
    struct err err = {0};
    struct godwit_search_request request = {0};
    struct search_result result = {0};
    enum err_code code = read_request(given, &request, &err);
    if (code != ERR_OK)
        return answer(code, &err, ret_error);
    struct search_request search = {
        .queries = request.queries,
        .query_count = request.query_count,
        .dim = request.dimension,
        .k = request.k,
        .partitions = request.partitions,
        .partition_count = request.partition_count,
        .threads = request.threads,
        .level = request.level,
        .recall = request.recall,
        .has_radius = request.has_radius != 0,
        .has_range_filter = request.has_range_filter != 0,
        .radius = request.radius,
        .range_filter = request.range_filter,
    };
    code = search_ids(snapshot_of(collection), &request, &search, &result, &err);
    if (code == ERR_OK) {
        const size_t cells = result.query_count * result.k;
        memcpy(ret_ids, result.ids, cells * sizeof *ret_ids);
        memcpy(ret_scores, result.scores, cells * sizeof *ret_scores);
        memcpy(ret_counts, result.counts, result.query_count * sizeof *ret_counts);
    }
    search_result_release(&result);
    return answer(code, &err, ret_error);
}

int godwit_get(struct godwit_collection *collection, const int64_t *ids, size_t count,
               void *ret_vectors, uint8_t *ret_found, struct godwit_error *ret_error)
{
    struct err err = {0};
    struct lookup_result result = {0};
    const enum err_code code = lookup_get(snapshot_of(collection), NULL, ids, count, &result, &err);
    if (code != ERR_OK)
        return answer(code, &err, ret_error);
    if (count > 0)
        memcpy(ret_vectors, result.vectors, count * result.row_size);
    for (size_t k = 0; k < count; k++)
        ret_found[k] = result.found[k];
    lookup_result_release(&result);
    return GODWIT_OK;
}

int godwit_rows_open(struct godwit_collection *collection, const char *partition,
                     struct godwit_rows **ret_rows, struct godwit_error *ret_error)
{
    struct err err = {0};
    struct cursor *cursor = NULL;
    const enum err_code code = cursor_open(snapshot_of(collection), partition, &cursor, &err);
    if (code == ERR_OK)
        *ret_rows = (struct godwit_rows *)cursor;
    return answer(code, &err, ret_error);
}

int godwit_rows_next(struct godwit_rows *rows, const int64_t **ret_ids, const void **ret_vectors,
                     size_t *ret_count, struct godwit_error *ret_error)
{
    struct err err = {0};
    struct cursor_batch batch = {0};
    const enum err_code code = cursor_next(cursor_of(rows), &batch, &err);
    if (code == ERR_OK) {
        *ret_ids = batch.ids;
        *ret_vectors = batch.vectors;
        *ret_count = batch.rows;
    }
    return answer(code, &err, ret_error);
}

/* ---------------------------------------------------------------------------- changes */

static enum err_code expect_writer(const struct godwit *database, struct err *err)
{
    if (database->writer != NULL)
        return ERR_OK;
    return err_set(err, ERR_INVALID, "the database was opened for reading: godwit_open_writer()");
}

int godwit_create(struct godwit *database, const char *collection, enum godwit_metric metric,
                  size_t dimension, struct godwit_error *ret_error)
{
    struct err err = {0};
    const bool is_binary = metric_is_binary((enum metric_type)metric);
    const struct field fields[] = {{.name = FIELD_1X_KEY, .type = FIELD_INT64, .is_primary = true},
                                   {.name = FIELD_1X_VECTOR,
                                    .type = is_binary ? FIELD_BINARY_VECTOR : FIELD_FLOAT_VECTOR,
                                    .dim = dimension}};
    const struct schema schema = {.fields = fields, .field_count = 2};
    const struct collection_definition definition = {
        .name = {.name = collection}, .schema = &schema, .shards = 1};
    const struct declared_index index = {.name = FIELD_1X_VECTOR,
                                         .field = FIELD_1X_VECTOR,
                                         .params = "{}",
                                         .metric = (enum metric_type)metric};
    enum err_code code = expect_writer(database, &err);
    if (code == ERR_OK)
        code = define_create_collection(database->writer, &definition, &err);
    if (code == ERR_OK)
        code = define_create_index(database->writer, definition.name, &index, &err);
    return answer(code, &err, ret_error);
}

static enum err_code insert(struct godwit *database, const struct godwit_insert_request *request,
                            struct err *err)
{
    const struct collection_name name = {.name = request->collection};
    struct snapshot *snapshot = NULL;
    enum err_code code = writer_snapshot(database->writer, name, &snapshot, err);
    if (code != ERR_OK)
        return code;
    const struct schema *schema = &snapshot_info(snapshot)->schema;
    if (schema->field_count != 2 || schema->fields[0].type != FIELD_INT64) {
        snapshot_unref(snapshot);
        return err_set(err, ERR_INVALID, "collection %s has other fields than an id and a vector",
                       request->collection);
    }
    const struct column columns[] = {
        {.type = FIELD_INT64, .width = 8, .rows = request->count, .values = request->ids},
        {.type = schema->fields[1].type,
         .width = field_type_width(schema->fields[1].type, schema->fields[1].dim),
         .rows = request->count,
         .values = request->vectors}};
    snapshot_unref(snapshot);
    const struct row_batch batch = {.rows = request->count,
                                    .columns = columns,
                                    .column_count = 2,
                                    .partition = request->partition};
    const struct mutation mutation = {.insert = &batch};
    struct mutation_result result = {0};
    code = writer_apply(database->writer, name, &mutation, &result, err);
    if (code != ERR_NO_PARTITION)
        return code;
    code = define_create_partition(database->writer, name, request->partition, err);
    if (code != ERR_OK && code != ERR_EXISTS)
        return code;
    return writer_apply(database->writer, name, &mutation, &result, err);
}

int godwit_insert(struct godwit *database, const struct godwit_insert_request *request,
                  struct godwit_error *ret_error)
{
    struct err err = {0};
    enum err_code code = expect_writer(database, &err);
    if (code == ERR_OK && request->struct_size < sizeof *request)
        code = err_set(&err, ERR_INVALID,
                       "struct_size is %zu, %zu expected: begin with GODWIT_INSERT_INIT",
                       request->struct_size, sizeof *request);
    if (code == ERR_OK)
        code = insert(database, request, &err);
    return answer(code, &err, ret_error);
}

int godwit_delete(struct godwit *database, const char *collection, const int64_t *ids, size_t count,
                  uint64_t *ret_deleted, struct godwit_error *ret_error)
{
    struct err err = {0};
    struct mutation_result result = {0};
    const struct column keys = {.type = FIELD_INT64, .width = 8, .rows = count, .values = ids};
    const struct mutation mutation = {.delete_keys = &keys};
    enum err_code code = expect_writer(database, &err);
    if (code == ERR_OK)
        code = writer_apply(database->writer, (struct collection_name){.name = collection},
                            &mutation, &result, &err);
    if (code == ERR_OK && ret_deleted != NULL)
        *ret_deleted = result.deleted;
    return answer(code, &err, ret_error);
}

int godwit_compact(struct godwit *database, const char *collection, struct godwit_error *ret_error)
{
    struct err err = {0};
    enum err_code code = expect_writer(database, &err);
    if (code == ERR_OK)
        code = writer_compact(database->writer, (struct collection_name){.name = collection}, NULL,
                              &err);
    return answer(code, &err, ret_error);
}

void godwit_rows_close(struct godwit_rows *rows)
{
    cursor_close(cursor_of(rows));
}
