/* define_names.c: what stands beside collections: databases, aliases, users. See define.h. */
#include <string.h>

#include "base/clock.h"
#include "engine/catalog_info.h"
#include "engine/database_internal.h"
#include "engine/write/define_internal.h"

#define LIST_MAX 1000000

/* ---------------------------------------------------------------------------- databases */

struct database_change {
    const char *name;
    const char *properties;
};

static enum err_code find_database(struct sql *sql, const char *name, bool *ret_found,
                                   struct err *err)
{
    struct catalog_answer answer = {0};
    const enum err_code code =
        catalog_ask(sql, &answer, err, "SELECT 1 FROM logical_database WHERE name = ?1", "t", name);
    if (code == ERR_OK)
        *ret_found = answer.found;
    return code;
}

static enum err_code expect_database(struct sql *sql, const char *name, struct err *err)
{
    bool found = false;
    const enum err_code code = find_database(sql, name, &found, err);
    if (code == ERR_OK && !found)
        return err_set(err, ERR_NOT_FOUND, "database %s: not found", name);
    return code;
}

static enum err_code put_database(struct sql *sql, const char *name, const char *properties,
                                  struct err *err)
{
    return catalog_run(sql, err,
                       "INSERT INTO logical_database (name, properties, created_us)"
                       " VALUES (?1, ?2, ?3)",
                       "tti", name, properties != NULL ? properties : "{}", clock_now_us());
}

static enum err_code create_database_change(struct define_command *define, struct sql *sql,
                                            struct err *err)
{
    const struct database_change *change = define->argument;
    bool found = false;
    enum err_code code = find_database(sql, change->name, &found, err);
    if (code == ERR_OK && (found || strcmp(change->name, DATABASE_DEFAULT) == 0))
        code = err_set(err, ERR_EXISTS, "database %s exists already", change->name);
    return code == ERR_OK ? put_database(sql, change->name, change->properties, err) : code;
}

enum err_code define_create_database(struct writer *writer, const char *name,
                                     const char *properties, struct err *err)
{
    const enum err_code code = define_check_name("database", name, err);
    const struct database_change change = {name, properties};
    struct define_command define = {.change = create_database_change, .argument = &change};
    return code == ERR_OK ? define_run(writer, &define, err) : code;
}

/* The default database has a row once it has properties. */
static enum err_code alter_database_change(struct define_command *define, struct sql *sql,
                                           struct err *err)
{
    const struct database_change *change = define->argument;
    bool found = false;
    enum err_code code = find_database(sql, change->name, &found, err);
    if (code != ERR_OK)
        return code;
    if (!found && strcmp(change->name, DATABASE_DEFAULT) == 0)
        return put_database(sql, change->name, change->properties, err);
    if (!found)
        return err_set(err, ERR_NOT_FOUND, "database %s: not found", change->name);
    return catalog_run(sql, err, "UPDATE logical_database SET properties = ?1 WHERE name = ?2",
                       "tt", change->properties != NULL ? change->properties : "{}", change->name);
}

enum err_code define_alter_database(struct writer *writer, const char *name, const char *properties,
                                    struct err *err)
{
    const struct database_change change = {name, properties};
    struct define_command define = {.change = alter_database_change, .argument = &change};
    return define_run(writer, &define, err);
}

static enum err_code drop_database_change(struct define_command *define, struct sql *sql,
                                          struct err *err)
{
    const struct database_change *change = define->argument;
    struct catalog_answer answer = {0};
    if (strcmp(change->name, DATABASE_DEFAULT) == 0)
        return err_set(err, ERR_STATE, "database %s cannot be dropped", DATABASE_DEFAULT);
    enum err_code code = expect_database(sql, change->name, err);
    if (code == ERR_OK)
        code = catalog_ask(sql, &answer, err,
                           "SELECT 1 FROM collection WHERE token IS NULL"
                           " AND substr(name, 1, length(?1) + 1) = ?1 || '/'",
                           "t", change->name);
    if (code == ERR_OK && answer.found)
        code =
            err_set(err, ERR_STATE, "database %s holds collections; drop them first", change->name);
    if (code == ERR_OK)
        code = catalog_run(sql, err, "DELETE FROM logical_database WHERE name = ?1", "t",
                           change->name);
    return code;
}

enum err_code define_drop_database(struct writer *writer, const char *name, struct err *err)
{
    const struct database_change change = {name, NULL};
    struct define_command define = {.change = drop_database_change, .argument = &change};
    return define_run(writer, &define, err);
}

/* ------------------------------------------------------------------------------- listing */

/* Rows of a statement into items of `size` bytes each, by `read`. */
struct listing {
    const char *statement;
    size_t size;
    bool (*read)(struct sql_statement *statement, struct arena *arena, void *item);
    size_t spare; /* items before the first */
};

static enum err_code read_rows(struct sql *sql, const struct listing *listing, struct arena *arena,
                               void **ret_items, size_t *ret_count, struct err *err)
{
    struct sql_statement *statement = NULL;
    size_t count = listing->spare;
    size_t capacity = 16;
    uint8_t *items = arena_array(arena, capacity, listing->size);
    bool has_row = true;
    enum err_code code = items != NULL ? sql_prepare(sql, listing->statement, &statement, err)
                                       : err_nomem(err, "a list");
    while (code == ERR_OK && has_row && count < LIST_MAX) {
        code = sql_step(statement, &has_row, err);
        if (code != ERR_OK || !has_row)
            break;
        if (count == capacity) {
            uint8_t *more = arena_array(arena, 2 * capacity, listing->size);
            if (more != NULL)
                memcpy(more, items, count * listing->size);
            items = more;
            capacity *= 2;
        }
        if (items == NULL || !listing->read(statement, arena, items + count * listing->size))
            code = err_nomem(err, "a list");
        count++;
    }
    sql_finalize(statement);
    *ret_items = items;
    *ret_count = count;
    return code;
}

static bool read_database(struct sql_statement *statement, struct arena *arena, void *item)
{
    const struct database_item read = {.id = sql_column_int(statement, 0),
                                       .name = arena_strdup(arena, sql_column_text(statement, 1)),
                                       .properties =
                                           arena_strdup(arena, sql_column_text(statement, 2)),
                                       .created_us = sql_column_int(statement, 3)};
    memcpy(item, &read, sizeof read);
    return read.name != NULL && read.properties != NULL;
}

enum err_code define_list_databases(struct writer *writer, struct arena *arena,
                                    struct database_item **ret_items, size_t *ret_count,
                                    struct err *err)
{
    static const struct listing listing = {
        "SELECT id, name, properties, created_us FROM logical_database"
        " ORDER BY name <> 'default', name",
        sizeof(struct database_item), read_database, 1};
    struct catalog_answer created = {0};
    void *items = NULL;
    size_t count = 0;
    database_lock(writer->database);
    enum err_code code = read_rows(writer->database->sql, &listing, arena, &items, &count, err);
    if (code == ERR_OK)
        code = catalog_ask(writer->database->sql, &created, err,
                           "SELECT value FROM meta WHERE key = 'created_us'", "");
    database_unlock(writer->database);
    if (code != ERR_OK)
        return code;
    struct database_item *list = items;
    list[0] = (struct database_item){
        .name = DATABASE_DEFAULT, .properties = "{}", .created_us = created.value};
    const bool is_stored = count > 1 && strcmp(list[1].name, DATABASE_DEFAULT) == 0;
    *ret_items = list + is_stored; /* with its own row the made up one is not needed */
    *ret_count = count - is_stored;
    return ERR_OK;
}

static bool read_user(struct sql_statement *statement, struct arena *arena, void *item)
{
    const struct user_item read = {.name = arena_strdup(arena, sql_column_text(statement, 0)),
                                   .secret = arena_strdup(arena, sql_column_text(statement, 1))};
    memcpy(item, &read, sizeof read);
    return read.name != NULL && read.secret != NULL;
}

enum err_code define_list_users(struct writer *writer, struct arena *arena,
                                struct user_item **ret_items, size_t *ret_count, struct err *err)
{
    static const struct listing listing = {"SELECT name, secret FROM user ORDER BY name",
                                           sizeof(struct user_item), read_user, 0};
    void *items = NULL;
    database_lock(writer->database);
    const enum err_code code =
        read_rows(writer->database->sql, &listing, arena, &items, ret_count, err);
    database_unlock(writer->database);
    if (code == ERR_OK)
        *ret_items = items;
    return code;
}

/* --------------------------------------------------------------------------------- users */

static enum err_code put_user_change(struct define_command *define, struct sql *sql,
                                     struct err *err)
{
    const struct user_item *user = define->argument;
    return catalog_run(sql, err, "INSERT OR REPLACE INTO user VALUES (?1, ?2)", "tt", user->name,
                       user->secret);
}

enum err_code define_put_user(struct writer *writer, const char *name, const char *secret,
                              struct err *err)
{
    const enum err_code code = define_check_name("user", name, err);
    const struct user_item user = {name, secret};
    struct define_command define = {.change = put_user_change, .argument = &user};
    return code == ERR_OK ? define_run(writer, &define, err) : code;
}

static enum err_code drop_user_change(struct define_command *define, struct sql *sql,
                                      struct err *err)
{
    const char *name = define->argument;
    const enum err_code code = catalog_run(sql, err, "DELETE FROM user WHERE name = ?1", "t", name);
    if (code == ERR_OK && sql_changes(sql) == 0)
        return err_set(err, ERR_NOT_FOUND, "user %s: not found", name);
    return code;
}

enum err_code define_drop_user(struct writer *writer, const char *name, struct err *err)
{
    struct define_command define = {.change = drop_user_change, .argument = name};
    return define_run(writer, &define, err);
}

/* ------------------------------------------------------------------------------- aliases */

struct alias_change {
    const char *qualified;
    bool must_exist;
};

static enum err_code put_alias_change(struct define_command *define, struct sql *sql,
                                      struct err *err)
{
    const struct alias_change *change = define->argument;
    struct catalog_answer alias = {0};
    struct catalog_answer collection = {0};
    enum err_code code = catalog_ask(
        sql, &alias, err, "SELECT collection FROM alias WHERE name = ?1", "t", change->qualified);
    if (code == ERR_OK)
        code = catalog_ask(sql, &collection, err,
                           "SELECT 1 FROM collection WHERE name = ?1 AND token IS NULL", "t",
                           change->qualified);
    if (code != ERR_OK)
        return code;
    if (change->must_exist && !alias.found)
        return err_set(err, ERR_NOT_FOUND, "alias %s: not found", change->qualified);
    if (collection.found || (!change->must_exist && alias.found))
        return err_set(err, ERR_EXISTS, "alias %s: a collection or alias of that name exists",
                       change->qualified);
    return catalog_run(sql, err, "INSERT OR REPLACE INTO alias VALUES (?1, ?2)", "ti",
                       change->qualified, define->collection);
}

/* The collection that had the alias shows it no more. */
static enum err_code reload_others(struct writer *writer, struct command *command, struct err *err)
{
    (void)command;
    (void)err;
    for (size_t k = 0; k < writer->open_count; k++)
        if (writer->open[k]->live != NULL && writer->open[k]->live->meta->info.alias_count > 0)
            writer_forget(writer, writer->open[k]);
    return ERR_OK;
}

static enum err_code put_alias(struct writer *writer, struct collection_name name,
                               const char *alias, bool must_exist, struct err *err)
{
    enum err_code code = define_check_name("alias", alias, err);
    if (code != ERR_OK)
        return code;
    char *qualified = catalog_join_name(name.database, alias);
    if (qualified == NULL)
        return err_nomem(err, alias);
    const struct alias_change change = {qualified, must_exist};
    struct define_command define = {.name = name, .change = put_alias_change, .argument = &change};
    code = define_run(writer, &define, err);
    mem_free(qualified);
    struct command reload = {.prepare = reload_others};
    return code == ERR_OK && must_exist ? writer_run(writer, &reload, err) : code;
}

enum err_code define_create_alias(struct writer *writer, struct collection_name name,
                                  const char *alias, struct err *err)
{
    return put_alias(writer, name, alias, false, err);
}

enum err_code define_alter_alias(struct writer *writer, struct collection_name name,
                                 const char *alias, struct err *err)
{
    return put_alias(writer, name, alias, true, err);
}

static enum err_code drop_alias_change(struct define_command *define, struct sql *sql,
                                       struct err *err)
{
    const char *qualified = define->argument;
    const enum err_code code =
        catalog_run(sql, err, "DELETE FROM alias WHERE name = ?1", "t", qualified);
    if (code == ERR_OK && sql_changes(sql) == 0)
        return err_set(err, ERR_NOT_FOUND, "alias %s: not found", qualified);
    return code;
}

enum err_code define_drop_alias(struct writer *writer, const char *database, const char *alias,
                                struct err *err)
{
    char *qualified = catalog_join_name(database, alias);
    if (qualified == NULL)
        return err_nomem(err, alias);
    struct define_command define = {.change = drop_alias_change, .argument = qualified};
    enum err_code code = define_run(writer, &define, err);
    mem_free(qualified);
    struct command reload = {.prepare = reload_others};
    return code == ERR_OK ? writer_run(writer, &reload, err) : code;
}
