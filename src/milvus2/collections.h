/* collections.h: collections, their fields, aliases and databases. Operations: see op.h. */
#ifndef GODWIT_MILVUS2_COLLECTIONS_H
#define GODWIT_MILVUS2_COLLECTIONS_H

#include "engine/write/define.h"
#include "milvus2/op.h"

struct collection_spec {
    const char *name;
    const char *description; /* "" for none */
    struct field *fields;    /* as declared, ids 0; without the dynamic field; see fields.h */
    size_t field_count;
    bool has_dynamic;
    struct pair_list properties;
    int64_t consistency; /* 0 Strong, 1 Session, 2 Bounded, 3 Eventually, 4 Customized */
    int64_t shards;      /* 0: 1 */
    int64_t partitions;  /* with a partition key; 0: PARTITION_KEYS_DEFAULT */
};
/* The same schema again is no error. */
bool collections_create(struct op *op, const struct collection_spec *spec);
/* A missing collection is no error. */
bool collections_drop(struct op *op, const char *name);
bool collections_has(struct op *op, const char *name, bool *ret_has);
/* Sorted by name. */
bool collections_list(struct op *op, struct collection_info **ret_items, size_t *ret_count);
bool collections_rename(struct op *op, const char *from, const char *to, const char *to_database);
bool collections_truncate(struct op *op, const char *name);
/* Sets some properties, removes others. */
bool collections_alter(struct op *op, const char *name, const struct pair_list *set,
                       const struct name_list *removed);
bool collections_alter_field(struct op *op, const char *name, const char *field,
                             const struct pair_list *set, const struct name_list *removed);
bool collections_add_field(struct op *op, const char *name, struct field *field);
/* Live rows of a collection, or of one partition (NULL: all). */
bool collections_count(struct op *op, const char *name, const char *partition, uint64_t *ret_rows);

bool aliases_create(struct op *op, const char *collection, const char *alias);
bool aliases_alter(struct op *op, const char *collection, const char *alias);
/* A missing alias is no error. */
bool aliases_drop(struct op *op, const char *alias);
bool aliases_describe(struct op *op, const char *alias, const char **ret_collection);
/* Of one collection, or of all with "". */
bool aliases_list(struct op *op, const char *collection, struct name_list *ret_names);

bool databases_create(struct op *op, const char *name, const struct pair_list *properties);
bool databases_drop(struct op *op, const char *name);
bool databases_alter(struct op *op, const char *name, const struct pair_list *set,
                     const struct name_list *removed);
bool databases_describe(struct op *op, const char *name, struct database_item *ret_item);
bool databases_list(struct op *op, struct database_item **ret_items, size_t *ret_count);

#endif
