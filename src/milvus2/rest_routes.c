/* rest_routes.c: the table of REST routes. */
#include "milvus2/rest_routes.h"

#define V2 "/v2/vectordb/"

const struct rest_route rest_routes[] = {
    {"POST", V2 "collections/list", "", rest_collections_list, true},
    {"POST", V2 "collections/has", "collectionName", rest_collections_has, true},
    {"POST", V2 "collections/drop", "collectionName", rest_collections_drop, true},
    {"POST", V2 "collections/get_stats", "collectionName", rest_collections_get_stats, true},
    {NULL, NULL, NULL, NULL, false},
};
