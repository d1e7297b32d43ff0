/* publish.c: what makes staged things visible or forgets things: publish, discard, drop. Each is
 * one transaction that ends with the new seal; files go afterwards, and if that fails the next
 * writer's sweep removes them. */
#include "base/mem.h"
#include "engine/catalog.h"
#include "engine/catalog_forget.h"
#include "engine/database_internal.h"
#include "engine/staging_internal.h"
#include "engine/sweep.h"
#include "flow/source.h"

typedef enum err_code change_fn(struct sql *sql, const void *argument, struct err *err);

/* Runs a change in a transaction, seals it, and removes files that nothing names any more. */
static enum err_code change(struct database *database, change_fn *apply, const void *argument,
                            struct err *err)
{
    enum err_code code = database_expect_writer(database, err);
    if (code != ERR_OK)
        return code;
    database_lock(database);
    code = sql_begin(database->sql, err);
    if (code == ERR_OK)
        code = apply(database->sql, argument, err);
    if (code == ERR_OK)
        code = catalog_seal_update(database->sql, err);
    if (code == ERR_OK)
        code = sql_commit(database->sql, err);
    sql_rollback(database->sql);
    if (code == ERR_OK)
        (void)atomic_fetch_add(&database->changes, 1);
    database_unlock(database);
    struct err ignored = {0}; /* it is committed: leftovers cost space, nothing else */
    if (code == ERR_OK)
        (void)!sweep_files(database, &ignored);
    return code;
}

/* Moves everything of the staged collection into the published one, behind what is there. */
static enum err_code append_collection(struct sql *sql, int64_t staged, int64_t published,
                                       struct err *err)
{
    struct catalog_answer base = {0};
    enum err_code code = catalog_ask(
        sql, &base, err, "SELECT coalesce(max(ord) + 1, 0) FROM segment WHERE collection = ?1", "i",
        published);
    if (code == ERR_OK)
        code = catalog_run(sql, err,
                           "INSERT OR IGNORE INTO partition (collection, name)"
                           " SELECT ?1, name FROM partition WHERE collection = ?2 ORDER BY id",
                           "ii", published, staged);
    if (code == ERR_OK)
        code = catalog_run(sql, err,
                           "UPDATE segment SET collection = ?1, ord = ord + ?3, partition ="
                           " (SELECT new.id FROM partition new JOIN partition old"
                           " ON old.name = new.name WHERE new.collection = ?1"
                           " AND old.id = segment.partition) WHERE collection = ?2",
                           "iii", published, staged, base.value);
    if (code == ERR_OK)
        code = catalog_forget_collection(sql, staged, err);
    if (code == ERR_OK)
        code = catalog_run(sql, err, "UPDATE collection SET duplicate_ids = 1 WHERE id = ?1", "i",
                           published);
    return code;
}

struct staged_name {
    bool found;
    int64_t id;
    enum if_exists if_exists;
    bool is_published; /* the name exists among the published ... */
    int64_t published; /* ... with this id */
};

/* One staged collection of the job, and what stands under its name. */
static enum err_code next_staged(struct sql *sql, const char *token, struct staged_name *ret_name,
                                 struct err *err)
{
    struct sql_statement *statement = NULL;
    struct staged_name name = {0};
    enum err_code code =
        sql_prepare(sql,
                    "SELECT s.id, s.if_exists, p.id FROM collection s LEFT JOIN collection p"
                    " ON p.name = s.name AND p.token IS NULL WHERE s.token = ?1"
                    " ORDER BY s.id LIMIT 1",
                    &statement, err);
    if (code == ERR_OK) {
        sql_bind_text(statement, 1, token);
        code = sql_step(statement, &name.found, err);
    }
    if (code == ERR_OK && name.found) {
        name.id = sql_column_int(statement, 0);
        name.if_exists = (enum if_exists)sql_column_int(statement, 1);
        name.is_published = !sql_column_is_null(statement, 2);
        name.published = sql_column_int(statement, 2);
    }
    sql_finalize(statement);
    if (code == ERR_OK)
        *ret_name = name;
    return code;
}

static enum err_code publish_collection(struct sql *sql, const struct staged_name *name,
                                        struct err *err)
{
    if (name->is_published && name->if_exists == IF_EXISTS_APPEND)
        return append_collection(sql, name->id, name->published, err);
    if (name->is_published && name->if_exists != IF_EXISTS_REPLACE)
        return err_set(err, ERR_EXISTS,
                       "%s: a collection of that name was made meanwhile; use --if-exists append "
                       "or replace, or --rename",
                       sql_path(sql));
    enum err_code code = ERR_OK;
    if (name->is_published)
        code = catalog_forget_collection(sql, name->published, err);
    return code == ERR_OK
               ? catalog_run(sql, err, "UPDATE collection SET token = NULL WHERE id = ?1", "i",
                             name->id)
               : code;
}

static enum err_code apply_publish(struct sql *sql, const void *argument, struct err *err)
{
    const char *token = argument;
    enum err_code code = catalog_run(sql, err,
                                     "DELETE FROM segment WHERE is_stored = 0 AND collection IN"
                                     " (SELECT id FROM collection WHERE token = ?1)",
                                     "t", token);
    struct staged_name name = {.found = true};
    while (code == ERR_OK && name.found) {
        code = next_staged(sql, token, &name, err);
        if (code == ERR_OK && name.found)
            code = publish_collection(sql, &name, err);
    }
    if (code == ERR_OK)
        code = catalog_run(sql, err, "INSERT OR IGNORE INTO publication VALUES (?1)", "t", token);
    return code;
}

enum err_code staging_publish(struct staging *staging, struct err *err)
{
    if (staging->is_published)
        return ERR_OK;
    const enum err_code code = change(staging->database, apply_publish, staging->token, err);
    if (code == ERR_OK)
        staging->is_published = true;
    return code;
}

static enum err_code apply_discard(struct sql *sql, const void *argument, struct err *err)
{
    const char *token = argument;
    struct staged_name name = {.found = true};
    enum err_code code = ERR_OK;
    while (code == ERR_OK && name.found) {
        code = next_staged(sql, token, &name, err);
        if (code == ERR_OK && name.found)
            code = catalog_forget_collection(sql, name.id, err);
    }
    /* What the token published stays, but is not the token's any more: a new run may use it. */
    if (code == ERR_OK)
        code = catalog_run(sql, err, "UPDATE segment SET token = '' WHERE token = ?1", "t", token);
    if (code == ERR_OK)
        code = catalog_run(sql, err, "DELETE FROM publication WHERE token = ?1", "t", token);
    return code;
}

enum err_code staging_discard(struct database *database, const char *token, struct err *err)
{
    return change(database, apply_discard, token, err);
}

static enum err_code find_published(struct sql *sql, const char *collection, int64_t *ret_id,
                                    struct err *err)
{
    bool found = false;
    const enum err_code code = catalog_find(sql, collection, NULL, &found, ret_id, err);
    if (code == ERR_OK && !found)
        return err_set(err, ERR_NO_COLLECTION, "collection %s: not found in %s", collection,
                       sql_path(sql));
    return code;
}

static enum err_code apply_drop_collection(struct sql *sql, const void *argument, struct err *err)
{
    int64_t id = 0;
    const enum err_code code = find_published(sql, argument, &id, err);
    return code == ERR_OK ? catalog_forget_collection(sql, id, err) : code;
}

enum err_code database_drop_collection(struct database *database, const char *collection,
                                       struct err *err)
{
    return change(database, apply_drop_collection, collection, err);
}

struct partition_name {
    const char *collection;
    const char *partition;
};

static enum err_code apply_drop_partition(struct sql *sql, const void *argument, struct err *err)
{
    const struct partition_name *name = argument;
    struct catalog_answer id = {0};
    int64_t collection = 0;
    enum err_code code = find_published(sql, name->collection, &collection, err);
    if (code == ERR_OK)
        code = catalog_ask(sql, &id, err,
                           "SELECT id FROM partition WHERE collection = ?1 AND name = ?2", "it",
                           collection, name->partition);
    if (code == ERR_OK && !id.found)
        code = err_set(err, ERR_NO_PARTITION, "partition %s: not found in collection %s",
                       name->partition, name->collection);
    if (code == ERR_OK)
        code = catalog_forget_rows(sql, collection, id.value, err);
    if (code == ERR_OK)
        code = catalog_run(sql, err, "DELETE FROM partition WHERE id = ?1 AND name <> ?2", "it",
                           id.value, PARTITION_DEFAULT);
    return code;
}

enum err_code database_drop_partition(struct database *database, const char *collection,
                                      const char *partition, struct err *err)
{
    const struct partition_name name = {collection, partition};
    return change(database, apply_drop_partition, &name, err);
}
