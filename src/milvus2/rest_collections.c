/* rest_collections.c: REST routes about collections; see rest.h. */
#include "milvus2/collections.h"
#include "milvus2/rest_routes.h"

bool rest_collections_list(struct rest *rest)
{
    struct collection_info *items;
    size_t count;
    if (!collections_list(&rest->op, &items, &count))
        return false;
    json_open(&rest->out, "data", '[');
    for (size_t i = 0; i < count; i++)
        json_add_string(&rest->out, NULL, items[i].name);
    json_close(&rest->out, ']');
    return true;
}

bool rest_collections_has(struct rest *rest)
{
    bool has;
    if (!collections_has(&rest->op, rest_text(rest, "collectionName"), &has))
        return false;
    json_open(&rest->out, "data", '{');
    json_add_bool(&rest->out, "has", has);
    json_close(&rest->out, '}');
    return true;
}

bool rest_collections_drop(struct rest *rest)
{
    return collections_drop(&rest->op, rest_text(rest, "collectionName")) && rest_empty(rest);
}

bool rest_collections_get_stats(struct rest *rest)
{
    uint64_t rows;
    if (!collections_count(&rest->op, rest_text(rest, "collectionName"), NULL, &rows))
        return false;
    json_open(&rest->out, "data", '{');
    rest_add_int(rest, "rowCount", (int64_t)rows);
    json_close(&rest->out, '}');
    return true;
}
