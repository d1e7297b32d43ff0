/* url_facts.c: which collections a server has, and everything about one; see url.h. */
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "site/url.h"

#define DATABASE_DEFAULT "default"
#define COLLECTIONS_MAX 1048576

static enum err_code misread(const struct url_site *site, const char *what, struct err *err)
{
    return err_set(err, ERR_SOURCE,
                   "%s: %s is missing in the answer of collections/get_stats; only servers of "
                   "godwit of this version or newer can be used in place of a folder",
                   milvus_url(site->milvus), what);
}

static uint64_t whole(const struct json *object, const char *key)
{
    const int64_t value = js_int(js_get(object, key), 0);
    return value > 0 ? (uint64_t)value : 0;
}

static const char *copy(struct arena *arena, const struct json *object, const char *key)
{
    return arena_strdup(arena, js_string(js_get(object, key), ""));
}

/* The tag itself, where it is no text. */
static const char *copy_tag(struct arena *arena, const struct json *item)
{
    const struct json *coded = js_get(item, "nameBase64");
    const size_t size = js_string_size(coded);
    if (!js_is_string(coded))
        return copy(arena, item, "name");
    char *tag = arena_array(arena, size / 4 * 3 + 4, 1);
    size_t decoded = 0;
    if (tag != NULL && !base64_decode(js_string(coded, ""), size, (uint8_t *)tag, &decoded))
        decoded = 0;
    if (tag != NULL)
        tag[decoded] = '\0';
    return tag;
}

static enum err_code read_partitions(struct url_collection *c, const struct json *storage,
                                     struct err *err)
{
    struct arena *arena = &c->arena;
    struct collection_facts *facts = &c->facts;
    const struct json *items = js_get(storage, "partitions");
    facts->partition_count = js_size(items);
    facts->partitions = arena_array(arena, facts->partition_count + 1, sizeof *facts->partitions);
    c->partitions = arena_array(arena, facts->partition_count + 1, sizeof *c->partitions);
    if (facts->partitions == NULL || c->partitions == NULL)
        return err_nomem(err, "partitions");
    for (size_t i = 0; i < facts->partition_count; i++) {
        const struct json *item = js_at(items, i);
        facts->partitions[i] = (struct partition_facts){
            .name = copy_tag(arena, item),
            .rows = whole(item, "rows"),
            .segment_count = (size_t)whole(item, "segments"),
        };
        c->partitions[i] = (struct url_partition){
            .answered = copy(arena, item, "name"),
            .asked = copy(arena, item, "shown"),
        };
        if (facts->partitions[i].name == NULL || c->partitions[i].answered == NULL ||
            c->partitions[i].asked == NULL)
            return err_nomem(err, "partitions");
    }
    return ERR_OK;
}

static enum err_code read_facts(const struct url_site *site, const struct json *storage,
                                struct url_collection *c, struct err *err)
{
    struct arena *arena = &c->arena;
    struct collection_facts *facts = &c->facts;
    if (!js_is_object(storage))
        return misread(site, "\"storage\"", err);
    *facts = (struct collection_facts){
        .name = copy(arena, storage, "name"),
        .metric = metric_from_name(js_string(js_get(storage, "metric"), "")),
        .dim = (size_t)whole(storage, "dimension"),
        .row_size = (size_t)whole(storage, "rowSize"),
        .has_auto_ids = js_is_true(js_get(storage, "hasAutoIds")),
        .may_have_duplicates = js_is_true(js_get(storage, "mayHaveDuplicates")),
        .index_type = copy(arena, storage, "indexType"),
        .index_params = copy(arena, storage, "indexParams"),
        .index_file_size = whole(storage, "indexFileSize"),
        .created_us = js_int(js_get(storage, "createdUs"), 0),
        .rows = whole(storage, "rows"),
        .dead_rows = whole(storage, "deadRows"),
        .segment_count = (size_t)whole(storage, "segments"),
        .size = whole(storage, "size"),
    };
    if (facts->name == NULL || facts->index_type == NULL || facts->index_params == NULL)
        return err_nomem(err, "collection");
    if (!metric_dim_is_valid(facts->metric, (long long)facts->dim) ||
        facts->row_size != metric_row_size(facts->metric, facts->dim))
        return misread(site, "a known metric with its dimension", err);
    return read_partitions(c, storage, err);
}

static enum err_code read_fields(struct url_collection *c, const struct json *storage,
                                 struct err *err)
{
    const struct json *vector = js_get(storage, "vectorField");
    c->key_field = copy(&c->arena, storage, "keyField");
    c->vector_field = js_is_string(vector) ? copy(&c->arena, storage, "vectorField") : NULL;
    if (c->key_field == NULL || (js_is_string(vector) && c->vector_field == NULL))
        return err_nomem(err, "collection");
    c->has_integer_keys = strcmp(js_string(js_get(storage, "keyType"), ""), "Int64") == 0;
    c->vector_type = field_type_from_name(js_string(js_get(storage, "vectorType"), ""));
    c->is_auto_id = js_is_true(js_get(storage, "autoId"));
    return ERR_OK;
}

/* "DATABASE/NAME", or a name in the default database. */
static enum err_code read_name(struct url_collection *c, const char *name, struct err *err)
{
    const char *slash = strchr(name, '/');
    c->database =
        slash != NULL ? arena_strndup(&c->arena, name, (size_t)(slash - name)) : DATABASE_DEFAULT;
    c->name = arena_strdup(&c->arena, slash != NULL ? slash + 1 : name);
    return c->database != NULL && c->name != NULL ? ERR_OK : err_nomem(err, name);
}

void url_begin(const struct url_collection *c, struct text *request)
{
    text_init(request);
    json_open(request, NULL, '{');
    json_add_string(request, "dbName", c->database);
    json_add_string(request, "collectionName", c->name);
}

enum err_code url_facts_load(struct url_site *site, const char *name, struct url_collection *c,
                             struct err *err)
{
    struct text request;
    const struct json *data;
    struct json *answer;
    enum err_code code = read_name(c, name, err);
    if (code != ERR_OK)
        return code;
    url_begin(c, &request);
    json_close(&request, '}');
    code = milvus_call(site->milvus, "collections/get_stats", &request, &data, &answer, err);
    if (code != ERR_OK)
        return code;
    const struct json *storage = js_get(data, "storage");
    code = read_facts(site, storage, c, err);
    if (code == ERR_OK)
        code = read_fields(c, storage, err);
    js_free(answer);
    return code;
}

/* ---- All collections ---- */

struct listing {
    struct url_site *site;
    struct collection_list list;
    const char **names; /* in the list's arena */
    size_t count;
    size_t capacity;
};

static enum err_code add_name(struct listing *l, const char *database, const char *name,
                              struct err *err)
{
    if (l->count == COLLECTIONS_MAX ||
        !mem_grow(&l->names, &l->capacity, l->count, sizeof *l->names))
        return err_nomem(err, "collections");
    const bool is_default = strcmp(database, DATABASE_DEFAULT) == 0;
    const char *full = arena_printf(&l->list.arena, "%s%s%s", is_default ? "" : database,
                                    is_default ? "" : "/", name);
    if (full == NULL)
        return err_nomem(err, "collections");
    l->names[l->count++] = full;
    return ERR_OK;
}

static enum err_code list_database(struct listing *l, const char *database, struct err *err)
{
    struct text request;
    const struct json *data;
    struct json *answer;
    text_init(&request);
    json_open(&request, NULL, '{');
    json_add_string(&request, "dbName", database);
    json_close(&request, '}');
    enum err_code code =
        milvus_call(l->site->milvus, "collections/list", &request, &data, &answer, err);
    if (code != ERR_OK)
        return code == ERR_NO_COLLECTION ? ERR_OK : code; /* dropped meanwhile */
    for (size_t i = 0; code == ERR_OK && i < js_size(data); i++)
        code = add_name(l, database, js_string(js_at(data, i), ""), err);
    js_free(answer);
    return code;
}

static enum err_code list_databases(struct listing *l, struct err *err)
{
    struct text request;
    const struct json *data;
    struct json *answer;
    text_init(&request);
    text_add(&request, "{}");
    enum err_code code =
        milvus_call(l->site->milvus, "databases/list", &request, &data, &answer, err);
    if (code != ERR_OK)
        return code;
    for (size_t i = 0; code == ERR_OK && i < js_size(data); i++)
        code = list_database(l, js_string(js_at(data, i), ""), err);
    js_free(answer);
    return code;
}

static int by_name(const void *a, const void *b)
{
    const struct collection_facts *left = a, *right = b;
    return strcmp(left->name, right->name);
}

static enum err_code load_all(struct listing *l, struct err *err)
{
    struct collection_list *list = &l->list;
    list->items = arena_array(&list->arena, l->count + 1, sizeof *list->items);
    if (list->items == NULL)
        return err_nomem(err, "collections");
    for (size_t i = 0; i < l->count; i++) {
        struct url_collection one = {.arena = list->arena};
        const enum err_code code = url_facts_load(l->site, l->names[i], &one, err);
        list->arena = one.arena;
        if (code != ERR_OK && code != ERR_NO_COLLECTION)
            return code;
        if (code == ERR_OK) /* else dropped meanwhile */
            list->items[list->count++] = one.facts;
    }
    if (list->count > 1)
        qsort(list->items, list->count, sizeof *list->items, by_name);
    return ERR_OK;
}

enum err_code url_list(struct site *site, struct collection_list *ret_list, struct err *err)
{
    struct listing l = {.site = (struct url_site *)site};
    arena_init(&l.list.arena, URL_MEMORY_MAX);
    enum err_code code = list_databases(&l, err);
    if (code == ERR_OK)
        code = load_all(&l, err);
    mem_free(l.names);
    if (code == ERR_OK)
        *ret_list = l.list;
    else
        collection_list_release(&l.list);
    return code;
}
