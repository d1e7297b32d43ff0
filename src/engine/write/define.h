/* define.h: changes of what a collection is: databases, collections, fields, partitions, indexes,
 * aliases, users.
 *
 * Each is one transaction of the writer's thread and durable on return. Names are not judged here
 * (the API layer knows the rules and limits), except that they must be unique and must not be empty
 * or contain '/'. Lists are read from the catalog into the caller's arena.
 *
 * Errors of all: ERR_NO_COLLECTION, ERR_NO_PARTITION, ERR_NOT_FOUND (database, alias, index, field,
 * user), ERR_EXISTS, ERR_INVALID, ERR_STATE where named, ERR_NO_SPACE, ERR_IO, ERR_NOMEM; nothing
 * has changed then. Threads: any. */
#ifndef GODWIT_ENGINE_WRITE_DEFINE_H
#define GODWIT_ENGINE_WRITE_DEFINE_H

#include "engine/write/writer.h"

/* Logical databases. */
struct database_item {
    int64_t id;
    const char *name;
    const char *properties; /* JSON object of strings */
    int64_t created_us;
};
enum err_code define_create_database(struct writer *writer, const char *name,
                                     const char *properties, struct err *err) MUST_USE;
enum err_code define_alter_database(struct writer *writer, const char *name, const char *properties,
                                    struct err *err) MUST_USE;
/* ERR_STATE while it holds collections, or for DATABASE_DEFAULT. */
enum err_code define_drop_database(struct writer *writer, const char *name,
                                   struct err *err) MUST_USE;
enum err_code define_list_databases(struct writer *writer, struct arena *arena,
                                    struct database_item **ret_items, size_t *ret_count,
                                    struct err *err) MUST_USE;

/* Collections. The schema's field ids are given here (from 100 on) when they are 0; the dynamic
 * field, if has_dynamic, is added when it is not among the fields. */
struct collection_definition {
    struct collection_name name;
    const struct schema *schema;
    const char *properties; /* NULL: "{}" */
    int64_t consistency;
    size_t shards;
    size_t partition_keys; /* collection_info.partition_keys */
};
/* ERR_INVALID when the schema is not possible (schema_check.h). */
enum err_code define_create_collection(struct writer *writer,
                                       const struct collection_definition *definition,
                                       struct err *err) MUST_USE;
/* By its name, not an alias. ERR_STATE while aliases point to it. */
enum err_code define_drop_collection(struct writer *writer, struct collection_name name,
                                     struct err *err) MUST_USE;
/* Within its database or into another one. */
enum err_code define_rename_collection(struct writer *writer, struct collection_name from,
                                       struct collection_name to, struct err *err) MUST_USE;
/* Forgets all rows, keeps everything else. */
enum err_code define_truncate_collection(struct writer *writer, struct collection_name name,
                                         struct err *err) MUST_USE;
struct collection_change { /* NULL, or negative: stays */
    const char *description;
    const char *properties;
    const char *state;
    int64_t consistency;
    int is_loaded; /* 0, 1 */
};
enum err_code define_alter_collection(struct writer *writer, struct collection_name name,
                                      const struct collection_change *change,
                                      struct err *err) MUST_USE;
/* What database_list() is for folders: all collections of a logical database (NULL: of all), sorted
 * by name; nothing is opened. */
enum err_code define_list_collections(struct writer *writer, const char *database,
                                      struct arena *arena, struct collection_info **ret_items,
                                      size_t *ret_count, struct err *err) MUST_USE;

/* Fields: a new one must be nullable or have a default, and be neither key nor vector. */
enum err_code define_add_field(struct writer *writer, struct collection_name name,
                               const struct field *field, struct err *err) MUST_USE;
struct field_change {
    const char *field;
    const char *params;  /* NULL: stays */
    size_t max_length;   /* 0: stays */
    size_t max_capacity; /* 0: stays */
};
enum err_code define_alter_field(struct writer *writer, struct collection_name name,
                                 const struct field_change *change, struct err *err) MUST_USE;

/* Partitions. Dropping takes their rows along; "_default" cannot be dropped (ERR_STATE). */
enum err_code define_create_partition(struct writer *writer, struct collection_name name,
                                      const char *partition, struct err *err) MUST_USE;
enum err_code define_drop_partition(struct writer *writer, struct collection_name name,
                                    const char *partition, struct err *err) MUST_USE;

/* Indexes as asked for; id and created_us are given here. A vector field's metric becomes the
 * index's. ERR_EXISTS when the name is taken, or the vector field has one. */
enum err_code define_create_index(struct writer *writer, struct collection_name name,
                                  const struct declared_index *index, struct err *err) MUST_USE;
enum err_code define_alter_index(struct writer *writer, struct collection_name name,
                                 const char *index, const char *params, struct err *err) MUST_USE;
enum err_code define_drop_index(struct writer *writer, struct collection_name name,
                                const char *index, struct err *err) MUST_USE;

/* Aliases, unique among the aliases and collections of a database. */
enum err_code define_create_alias(struct writer *writer, struct collection_name name,
                                  const char *alias, struct err *err) MUST_USE;
/* ERR_NOT_FOUND when there is no such alias. */
enum err_code define_alter_alias(struct writer *writer, struct collection_name name,
                                 const char *alias, struct err *err) MUST_USE;
enum err_code define_drop_alias(struct writer *writer, const char *database, const char *alias,
                                struct err *err) MUST_USE;

/* Users and what proves who they are; the text is the caller's, a slow hash. */
struct user_item {
    const char *name;
    const char *secret;
};
/* Makes or changes one. */
enum err_code define_put_user(struct writer *writer, const char *name, const char *secret,
                              struct err *err) MUST_USE;
enum err_code define_drop_user(struct writer *writer, const char *name, struct err *err) MUST_USE;
enum err_code define_list_users(struct writer *writer, struct arena *arena,
                                struct user_item **ret_items, size_t *ret_count,
                                struct err *err) MUST_USE;

#endif
