/* site.c: see site.h: chooses the kind, and hands on. */
#include <string.h>

#include "site/site_internal.h"

bool site_is_server(const char *location)
{
    return strstr(location, "://") != NULL || strncmp(location, "unix:", 5) == 0;
}

enum err_code site_open(const char *location, enum database_mode mode,
                        const struct site_options *options, struct site **ret_site, struct err *err)
{
    if (site_is_server(location))
        return site_url_open(location, options, ret_site, err);
    const enum err_code code = site_folder_open(location, mode, ret_site, err);
    return code == ERR_NOT_FOUND ? err_recode(err, ERR_SOURCE) : code;
}

void site_close(struct site *site)
{
    if (site != NULL)
        site->ops->close(site);
}

enum err_code site_list(struct site *site, struct collection_list *ret_list, struct err *err)
{
    return site->ops->list(site, ret_list, err);
}

enum err_code site_import(struct site *site, const struct import_request *request,
                          struct import_result *ret_result, struct err *err)
{
    return site->ops->import(site, request, ret_result, err);
}

enum err_code site_drop(struct site *site, const char *collection, const char *partition,
                        struct err *err)
{
    return site->ops->drop(site, collection, partition, err);
}

enum err_code site_collection_open(struct site *site, const char *name,
                                   struct site_collection **ret_collection, struct err *err)
{
    return site->ops->open(site, name, ret_collection, err);
}

void site_collection_close(struct site_collection *collection)
{
    if (collection != NULL)
        collection->ops->close(collection);
}

const struct collection_facts *site_facts(const struct site_collection *collection)
{
    return collection->facts;
}

enum err_code site_count(struct site_collection *collection, const char *partition,
                         uint64_t *ret_rows, struct err *err)
{
    size_t at = 0;
    enum err_code code = ERR_OK;
    if (partition != NULL)
        code = facts_partition(collection->facts, partition, &at, err);
    if (code == ERR_OK)
        *ret_rows =
            partition != NULL ? collection->facts->partitions[at].rows : collection->facts->rows;
    return code;
}

enum err_code site_get(struct site_collection *collection, const struct site_ids *wanted,
                       struct lookup_result *ret_result, struct err *err)
{
    return collection->ops->get(collection, wanted, ret_result, err);
}

enum err_code site_select(struct site_collection *collection,
                          const struct site_selection *selection, int64_t **ret_ids,
                          size_t *ret_count, struct err *err)
{
    size_t at;
    enum err_code code = ERR_OK;
    if (selection->partition != NULL)
        code = facts_partition(collection->facts, selection->partition, &at, err);
    if (code == ERR_OK)
        code = collection->ops->select(collection, selection, ret_ids, ret_count, err);
    if (code != ERR_OK)
        return code;
    size_t kept = 0;
    for (size_t i = 0; i < *ret_count; i++)
        if (i == 0 || (*ret_ids)[i] != (*ret_ids)[kept - 1])
            (*ret_ids)[kept++] = (*ret_ids)[i];
    *ret_count = kept;
    return ERR_OK;
}

enum err_code site_restrict(struct site_collection *collection, const int64_t *ids, size_t count,
                            struct err *err)
{
    return collection->ops->restrict_to(collection, ids, count, err);
}

enum err_code site_search(struct site_collection *collection, const struct search_request *request,
                          struct search_result *ret_result, struct err *err)
{
    return collection->ops->search(collection, request, ret_result, err);
}

enum err_code site_walk(struct site_collection *collection, const char *partition, struct err *err)
{
    return collection->ops->walk(collection, partition, err);
}

enum err_code site_walk_next(struct site_collection *collection, struct cursor_batch *ret_batch,
                             struct err *err)
{
    return collection->ops->walk_next(collection, ret_batch, err);
}
