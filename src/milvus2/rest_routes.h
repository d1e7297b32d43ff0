/* rest_routes.h: the routes of REST, group by group. */
#ifndef GODWIT_MILVUS2_REST_ROUTES_H
#define GODWIT_MILVUS2_REST_ROUTES_H

#include "milvus2/rest.h"

struct rest_route {
    const char *method;
    const char *path;
    const char *required; /* keys of the body, separated by blanks */
    rest_run *run;
    bool has_body;
};

/* rest_routes.c; ends with a row whose path is NULL. */
extern const struct rest_route rest_routes[];

/* rest_collections.c */
rest_run rest_collections_list;
rest_run rest_collections_has;
rest_run rest_collections_drop;
rest_run rest_collections_get_stats;

#endif
