/* site_folder.c: a database folder, asked through the engine; see site.h. */
#include <string.h>

#include "base/mem.h"
#include "milvus2/snapshot_query.h"
#include "site/site_internal.h"

struct folder {
    struct site base;
    struct database *database;
};

struct folder_collection {
    struct site_collection base;
    struct snapshot *snapshot;
    struct cursor *cursor;
    struct lookup_marks marks; /* the rows that searches may find */
    bool is_restricted;
};

static void close_folder(struct site *site)
{
    struct folder *folder = (struct folder *)site;
    database_close(folder->database);
    mem_free(folder);
}

static enum err_code list(struct site *site, struct collection_list *ret_list, struct err *err)
{
    return database_list(((struct folder *)site)->database, ret_list, err);
}

static enum err_code import(struct site *site, const struct import_request *request,
                            struct import_result *ret_result, struct err *err)
{
    return import_rows(((struct folder *)site)->database, request, ret_result, err);
}

static enum err_code drop(struct site *site, const char *collection, const char *partition,
                          struct err *err)
{
    struct database *database = ((struct folder *)site)->database;
    return partition != NULL ? database_drop_partition(database, collection, partition, err)
                             : database_drop_collection(database, collection, err);
}

static void close_collection(struct site_collection *base)
{
    struct folder_collection *c = (struct folder_collection *)base;
    cursor_close(c->cursor);
    lookup_marks_release(&c->marks);
    snapshot_unref(c->snapshot);
    mem_free(c);
}

static enum err_code get(struct site_collection *base, const struct site_ids *wanted,
                         struct lookup_result *ret_result, struct err *err)
{
    struct folder_collection *c = (struct folder_collection *)base;
    return lookup_get(c->snapshot, wanted->partition, wanted->ids, wanted->count, ret_result, err);
}

static enum err_code select_ids(struct site_collection *base,
                                const struct site_selection *selection, int64_t **ret_ids,
                                size_t *ret_count, struct err *err)
{
    const struct snapshot_query query = {selection->filter, selection->partition, selection->limit,
                                         selection->offset};
    return snapshot_query_ids(((struct folder_collection *)base)->snapshot, &query, ret_ids,
                              ret_count, err);
}

static enum err_code restrict_to(struct site_collection *base, const int64_t *ids, size_t count,
                                 struct err *err)
{
    struct folder_collection *c = (struct folder_collection *)base;
    lookup_marks_release(&c->marks);
    const enum err_code code = lookup_mark(c->snapshot, ids, count, &c->marks, err);
    c->is_restricted = code == ERR_OK;
    return code;
}

static enum err_code search(struct site_collection *base, const struct search_request *request,
                            struct search_result *ret_result, struct err *err)
{
    struct folder_collection *c = (struct folder_collection *)base;
    struct search_request own = *request;
    own.allow = c->is_restricted ? (const uint64_t *const *)c->marks.bitmaps : NULL;
    return search_run(c->snapshot, &own, ret_result, err);
}

static enum err_code walk(struct site_collection *base, const char *partition, struct err *err)
{
    struct folder_collection *c = (struct folder_collection *)base;
    cursor_close(c->cursor);
    c->cursor = NULL;
    return cursor_open(c->snapshot, partition, &c->cursor, err);
}

static enum err_code walk_next(struct site_collection *base, struct cursor_batch *ret_batch,
                               struct err *err)
{
    return cursor_next(((struct folder_collection *)base)->cursor, ret_batch, err);
}

static const struct site_collection_ops collection_ops = {
    close_collection, get, select_ids, restrict_to, search, walk, walk_next,
};

static enum err_code open_collection(struct site *site, const char *name,
                                     struct site_collection **ret_collection, struct err *err)
{
    struct folder_collection *c = mem_zalloc(1, sizeof *c);
    if (c == NULL)
        return err_nomem(err, name);
    const enum err_code code =
        database_snapshot(((struct folder *)site)->database, name, &c->snapshot, err);
    if (code != ERR_OK) {
        mem_free(c);
        return code;
    }
    c->base.ops = &collection_ops;
    c->base.facts = snapshot_facts(c->snapshot);
    *ret_collection = &c->base;
    return ERR_OK;
}

static const struct site_ops folder_ops = {close_folder, list, import, drop, open_collection};

enum err_code site_folder_open(const char *name, enum database_mode mode, struct site **ret_site,
                               struct err *err)
{
    struct folder *folder = mem_zalloc(1, sizeof *folder);
    if (folder == NULL)
        return err_nomem(err, name);
    folder->base.ops = &folder_ops;
    const enum err_code code = database_open(name, mode, &folder->database, err);
    if (code == ERR_OK)
        *ret_site = &folder->base;
    else
        mem_free(folder);
    return code;
}
