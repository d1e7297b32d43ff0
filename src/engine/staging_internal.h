/* staging_internal.h: shared by staging.c and publish.c. */
#ifndef GODWIT_ENGINE_STAGING_INTERNAL_H
#define GODWIT_ENGINE_STAGING_INTERNAL_H

#include <stdbool.h>

#include "engine/staging.h"

struct staging {
    struct database *database;
    char *token;
    bool link;
    bool is_published; /* by an earlier run: everything is done already */
};

#endif
