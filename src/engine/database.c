/* database.c: opening and closing a folder, its lock, its list, and the cache of snapshots.
 *
 * Invariant: a cached snapshot whose seal is the catalog's is what a fresh load would give. */
#include "engine/database.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "engine/catalog.h"
#include "engine/database_internal.h"
#include "engine/layout.h"
#include "engine/snapshot_internal.h"
#include "engine/write/writer.h"

#define FOLDER_NAMES_MAX 100000
#define LIST_MEMORY_MAX ((size_t)1 << 30)

void database_lock(struct database *database)
{
    (void)pthread_mutex_lock(&database->lock);
}

void database_unlock(struct database *database)
{
    (void)pthread_mutex_unlock(&database->lock);
}

const char *database_catalog_path(const struct database *database)
{
    return database->catalog_path;
}

enum err_code database_expect_writer(const struct database *database, struct err *err)
{
    if (database->mode != DATABASE_READ)
        return ERR_OK;
    return err_set(err, ERR_STATE, "%s: opened for reading, so it cannot be changed",
                   database->folder);
}

bool database_exists(const char *folder)
{
    char *path = layout_catalog(folder);
    const bool exists = path != NULL && file_exists(path) && !file_is_folder(path);
    mem_free(path);
    return exists;
}

/* Certain that there is none? (Not being able to look is no answer: a new catalog would replace
 * it.) */
static bool is_absent(const struct database *database)
{
    return access(database->catalog_path, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR);
}

/* A new database may only be made in an empty folder, or in one where making it was cut short. */
static enum err_code expect_free_folder(const char *folder, struct err *err)
{
    char **names = NULL;
    size_t count = 0;
    const enum err_code code = folder_list(folder, FOLDER_NAMES_MAX, &names, &count, err);
    if (code == ERR_NOT_FOUND)
        return ERR_OK;
    if (code != ERR_OK)
        return code;
    const char *stranger = NULL;
    for (size_t k = 0; k < count && stranger == NULL; k++)
        if (!layout_is_own_name(names[k]))
            stranger = names[k];
    enum err_code result = ERR_OK;
    if (stranger != NULL)
        result = err_set(err, ERR_EXISTS,
                         "%s: holds other files (%s), and is no Godwit database; name an empty or "
                         "a new folder",
                         folder, stranger);
    mem_free(names);
    return result;
}

static enum err_code take_lock(struct database *database, struct err *err)
{
    char *path = layout_lock(database->folder);
    if (path == NULL)
        return err_nomem(err, database->folder);
    enum err_code code = file_lock(path, &database->lock_fd, err);
    mem_free(path);
    if (code == ERR_LOCKED)
        code = err_wrap(err, "another program is writing to this database; wait for it, then run "
                             "again");
    return code;
}

static enum err_code make_folders(struct database *database, struct err *err)
{
    char *segments = layout_segments(database->folder);
    if (segments == NULL)
        return err_nomem(err, database->folder);
    const enum err_code code = folder_make(segments, err);
    mem_free(segments);
    return code;
}

/* Closing moves the write-ahead log into the file and removes it, or fails without a word. */
static enum err_code expect_no_log(const char *path, struct err *err)
{
    char *log = mem_printf("%s-wal", path);
    if (log == NULL)
        return err_nomem(err, path);
    enum err_code code = ERR_OK;
    if (file_exists(log))
        code = err_set(err, ERR_IO, "%s: its write-ahead log could not be merged; run again", path);
    mem_free(log);
    return code;
}

/* A new catalog is made under another name and renamed when it is complete, so that nobody ever
 * sees half of one. What a dead run left of it is removed first. */
static enum err_code make_catalog(struct database *database, struct err *err)
{
    static const char *const endings[] = {"", "-wal", "-shm", "-journal"};
    char *path = mem_printf("%s.new", database->catalog_path);
    enum err_code code = path != NULL ? ERR_OK : err_nomem(err, database->folder);
    for (size_t k = 0; code == ERR_OK && k < sizeof endings / sizeof endings[0]; k++) {
        char *leftover = mem_printf("%s%s", path, endings[k]);
        code = leftover != NULL ? file_remove(leftover, err) : err_nomem(err, path);
        mem_free(leftover);
    }
    struct sql *sql = NULL;
    if (code == ERR_OK)
        code = sql_open(path, &sql, err);
    if (code == ERR_OK)
        code = catalog_create(sql, err);
    if (code == ERR_OK) /* here a full disk still has its name */
        code = sql_exec(sql, "PRAGMA wal_checkpoint(TRUNCATE)", err);
    sql_close(sql);
    if (code == ERR_OK)
        code = expect_no_log(path, err);
    if (code == ERR_OK)
        code = file_rename(path, database->catalog_path, err);
    mem_free(path);
    return code;
}

static enum err_code open_for_writing(struct database *database, struct err *err)
{
    const bool may_create = database->mode == DATABASE_CREATE;
    const bool is_new = is_absent(database);
    if (!may_create && is_new)
        return err_set(err, ERR_NOT_FOUND, "%s: not a Godwit database", database->folder);
    enum err_code code = ERR_OK;
    if (is_new)
        code = expect_free_folder(database->folder, err);
    if (code == ERR_OK && may_create)
        code = make_folders(database, err);
    if (code == ERR_OK)
        code = take_lock(database, err);
    if (code == ERR_OK && is_absent(database))
        code = make_catalog(database, err);
    if (code == ERR_OK)
        code = sql_open(database->catalog_path, &database->sql, err);
    return code == ERR_OK ? catalog_check(database->sql, err) : code;
}

static enum err_code open_for_reading(struct database *database, struct err *err)
{
    if (is_absent(database))
        return err_set(err, ERR_NOT_FOUND, "%s: not a Godwit database", database->folder);
    const enum err_code code = sql_open_readonly(database->catalog_path, &database->sql, err);
    return code == ERR_OK ? catalog_check(database->sql, err) : code;
}

enum err_code database_open(const char *folder, enum database_mode mode,
                            struct database **ret_database, struct err *err)
{
    struct database *database = mem_zalloc(1, sizeof *database);
    if (database == NULL)
        return err_nomem(err, folder);
    (void)pthread_mutex_init(&database->lock, NULL);
    database->mode = mode;
    database->lock_fd = -1;
    database->folder = mem_strdup(folder);
    database->catalog_path = layout_catalog(folder);
    enum err_code code = ERR_OK;
    if (database->folder == NULL || database->catalog_path == NULL)
        code = err_nomem(err, folder);
    if (code == ERR_OK)
        code = mode == DATABASE_READ ? open_for_reading(database, err)
                                     : open_for_writing(database, err);
    if (code == ERR_OK)
        *ret_database = database;
    else
        database_close(database);
    return code;
}

void database_close(struct database *database)
{
    if (database == NULL)
        return;
    for (size_t k = 0; k < database->cached_count; k++)
        snapshot_unref(database->cached[k]);
    mem_free(database->cached);
    sql_close(database->sql);
    file_close(database->lock_fd);
    (void)pthread_mutex_destroy(&database->lock);
    mem_free(database->catalog_path);
    mem_free(database->folder);
    mem_free(database);
}

static enum err_code load_list(struct sql *sql, struct collection_list *list, struct err *err)
{
    const char **names = NULL;
    uint64_t seal = 0;
    enum err_code code = catalog_seal_check(sql, &seal, err);
    if (code == ERR_OK)
        code = catalog_names(sql, &list->arena, &names, &list->count, err);
    if (code != ERR_OK)
        return code;
    list->items = arena_array(&list->arena, list->count + 1, sizeof *list->items);
    if (list->items == NULL)
        return err_nomem(err, sql_path(sql));
    for (size_t k = 0; code == ERR_OK && k < list->count; k++) {
        struct catalog_collection collection = {0};
        code = catalog_load(sql, names[k], &list->arena, &collection, err);
        list->items[k] = collection.facts;
    }
    return code;
}

enum err_code database_list(struct database *database, struct collection_list *ret_list,
                            struct err *err)
{
    struct collection_list list = {0};
    arena_init(&list.arena, LIST_MEMORY_MAX);
    database_lock(database);
    enum err_code code = sql_exec(database->sql, "BEGIN", err);
    if (code == ERR_OK)
        code = load_list(database->sql, &list, err);
    sql_rollback(database->sql);
    database_unlock(database);
    if (code == ERR_OK)
        *ret_list = list;
    else
        collection_list_release(&list);
    return code;
}

const struct collection_facts *collection_list_find(const struct collection_list *list,
                                                    const char *name)
{
    for (size_t k = 0; k < list->count; k++)
        if (strcmp(list->items[k].name, name) == 0)
            return &list->items[k];
    return NULL;
}

void collection_list_release(struct collection_list *list)
{
    arena_release(&list->arena);
    list->items = NULL;
    list->count = 0;
}

/* Keeps a reference for the next caller; forgets what is out of date. Not being able to is no
 * error: the next caller loads again. */
static void cache_put(struct database *database, struct snapshot *snapshot)
{
    size_t kept = 0;
    for (size_t k = 0; k < database->cached_count; k++) {
        struct snapshot *old = database->cached[k];
        if (catalog_stamp_is_equal(old->stamp, snapshot->stamp))
            database->cached[kept++] = old;
        else
            snapshot_unref(old);
    }
    database->cached_count = kept;
    if (mem_grow(&database->cached, &database->cached_capacity, kept, sizeof *database->cached))
        database->cached[database->cached_count++] = snapshot_ref(snapshot);
}

static struct snapshot *cache_find(struct database *database, const char *name,
                                   struct catalog_stamp stamp)
{
    for (size_t k = 0; k < database->cached_count; k++)
        if (catalog_stamp_is_equal(database->cached[k]->stamp, stamp) &&
            strcmp(database->cached[k]->facts.name, name) == 0)
            return database->cached[k];
    return NULL;
}

/* A writer may remove files between our reading the catalog and opening them: then the catalog has
 * a new seal, and reading it again helps. With the old seal a file is truly missing. */
static enum err_code load_snapshot(struct database *database, const char *name,
                                   struct catalog_stamp stamp, struct snapshot **ret_snapshot,
                                   struct err *err)
{
    enum err_code code = ERR_NOT_FOUND;
    for (int attempt = 0; code == ERR_NOT_FOUND && attempt < 2; attempt++) {
        struct catalog_stamp now = stamp;
        code = snapshot_load(database->sql, database->folder, name, ret_snapshot, err);
        if (code != ERR_NOT_FOUND)
            break;
        struct err ignored = {0};
        if (catalog_stamp_get(database->sql, &now, &ignored) == ERR_OK &&
            catalog_stamp_is_equal(now, stamp))
            break;
        stamp = now;
    }
    if (code == ERR_NOT_FOUND)
        code = err_recode(err, ERR_CORRUPT);
    return code;
}

/* "database/collection", asked of the one who changes it. */
static enum err_code ask_writer(struct database *database, const char *collection,
                                struct snapshot **ret_snapshot, struct err *err)
{
    char *name = mem_strdup(collection);
    if (name == NULL)
        return err_nomem(err, collection);
    char *slash = strchr(name, '/');
    if (slash != NULL)
        *slash = '\0';
    const struct collection_name split = {slash != NULL ? name : NULL,
                                          slash != NULL ? slash + 1 : name};
    const enum err_code code = writer_snapshot(database->writer, split, ret_snapshot, err);
    mem_free(name);
    return code;
}

enum err_code database_snapshot(struct database *database, const char *collection,
                                struct snapshot **ret_snapshot, struct err *err)
{
    if (database->writer != NULL)
        return ask_writer(database, collection, ret_snapshot, err);
    struct catalog_stamp stamp = {0};
    database_lock(database);
    enum err_code code = catalog_stamp_get(database->sql, &stamp, err);
    struct snapshot *snapshot = NULL;
    if (code == ERR_OK)
        snapshot = cache_find(database, collection, stamp);
    if (snapshot != NULL)
        (void)snapshot_ref(snapshot);
    else if (code == ERR_OK &&
             (code = load_snapshot(database, collection, stamp, &snapshot, err)) == ERR_OK)
        cache_put(database, snapshot);
    database_unlock(database);
    if (code == ERR_OK)
        *ret_snapshot = snapshot;
    return code;
}
