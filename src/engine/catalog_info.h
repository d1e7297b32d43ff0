/* catalog_info.h: what the catalog says about a collection beside its rows; and, for collections
 * that came from Milvus 1.x and were never changed, what that is by itself. Threads: as catalog.h.
 */
#ifndef GODWIT_ENGINE_CATALOG_INFO_H
#define GODWIT_ENGINE_CATALOG_INFO_H

#include "engine/catalog.h"
#include "engine/collection.h"

/* Bits of field.flags. */
enum {
    FIELD_FLAG_PRIMARY = 1,
    FIELD_FLAG_AUTO_ID = 2,
    FIELD_FLAG_PARTITION_KEY = 4,
    FIELD_FLAG_CLUSTERING_KEY = 8,
    FIELD_FLAG_NULLABLE = 16,
    FIELD_FLAG_DYNAMIC = 32
};

/* `id` and `facts` are those of a published collection. Everything is allocated in the arena. Call
 * inside the transaction that read them. Errors: ERR_CORRUPT, ERR_IO, ERR_NOMEM. */
enum err_code catalog_info_load(struct sql *sql, int64_t id, const struct collection_facts *facts,
                                struct arena *arena, struct collection_info *ret_info,
                                struct err *err) MUST_USE;

/* "database/name" of the catalog into its parts; the part is borrowed from `qualified`, the
 * database allocated. NULL when memory ends. */
const char *catalog_split_name(const char *qualified, struct arena *arena,
                               const char **ret_database);
/* The other way; "name" alone for the default database (or NULL). mem_free. */
char *catalog_join_name(const char *database, const char *name);

#endif
