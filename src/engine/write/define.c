/* define.c: running changes of what collections are; the collections themselves. See define.h. */
#include "engine/write/define.h"

#include <string.h>

#include "base/clock.h"
#include "engine/catalog_forget.h"
#include "engine/catalog_info.h"
#include "engine/database_internal.h"
#include "engine/layout.h"
#include "engine/schema_check.h"
#include "engine/segment_write.h"
#include "engine/write/define_internal.h"
#include "flow/source.h"

#define FIRST_FIELD_ID 100

/* ------------------------------------------------------------------------------ running */

static enum err_code prepare(struct writer *writer, struct command *command, struct err *err)
{
    struct define_command *define = (struct define_command *)command;
    if (define->name.name == NULL)
        return ERR_OK;
    enum err_code code =
        writer_resolve(writer, define->name, define->allow_alias, &define->collection, err);
    if (code == ERR_OK)
        code = writer_open_collection(writer, define->collection, &define->open, err);
    return code;
}

static enum err_code run(struct writer *writer, struct command *command, struct err *err)
{
    struct define_command *define = (struct define_command *)command;
    struct sql *sql = writer->database->sql;
    enum err_code code = ERR_OK;
    if (define->open != NULL) {
        define->open->is_changed = true;
        code = define_ensure_detail(sql, define->open->live->meta, err);
    }
    if (code == ERR_OK)
        code = define->change(define, sql, err);
    if (code == ERR_OK && define->open != NULL)
        code = catalog_run(sql, err, "UPDATE detail SET updated_us = ?1 WHERE collection = ?2",
                           "ii", clock_now_us(), define->collection);
    if (code != ERR_OK || define->open == NULL)
        return code;
    if (define->is_drop)
        writer_remove(writer, define->open);
    else if (define->is_removal)
        writer_forget(writer, define->open);
    else
        code = writer_reload_meta(writer, define->open, err);
    return code;
}

static void remove_files(const struct writer *writer, const struct define_command *define)
{
    struct err ignored; /* a sweep removes what stays */
    for (size_t k = 0; define->command.is_synced && k < define->old_count; k++) {
        const struct segment_facts *facts = &define->old_files[k];
        char *stem = layout_segment_stem(writer->database->folder, facts->folder, facts->number);
        if (stem != NULL)
            (void)!segment_remove(stem, &ignored);
        mem_free(stem);
    }
}

enum err_code define_run(struct writer *writer, struct define_command *define, struct err *err)
{
    define->command.prepare = prepare;
    define->command.run = run;
    define->command.in_transaction = true;
    define->command.changes_published = true;
    const enum err_code code = writer_run(writer, &define->command, err);
    if (code == ERR_OK)
        remove_files(writer, define);
    mem_free(define->old_files);
    return code;
}

enum err_code define_list_files(struct define_command *define, struct sql *sql, int64_t partition,
                                struct err *err)
{
    struct sql_statement *statement = NULL;
    size_t capacity = 0;
    bool has_row = true;
    enum err_code code = sql_prepare(sql,
                                     "SELECT folder, number FROM segment WHERE collection = ?1"
                                     " AND rows > 0 AND (?2 = 0 OR partition = ?2)",
                                     &statement, err);
    if (code == ERR_OK) {
        sql_bind_int(statement, 1, define->collection);
        sql_bind_int(statement, 2, partition);
    }
    while (code == ERR_OK && has_row) {
        code = sql_step(statement, &has_row, err);
        if (code != ERR_OK || !has_row)
            break;
        if (!mem_grow(&define->old_files, &capacity, define->old_count, sizeof *define->old_files))
            code = err_nomem(err, "segments");
        else
            define->old_files[define->old_count++] =
                (struct segment_facts){.folder = (uint64_t)sql_column_int(statement, 0),
                                       .number = (uint64_t)sql_column_int(statement, 1)};
    }
    sql_finalize(statement);
    return code;
}

enum err_code define_check_name(const char *what, const char *name, struct err *err)
{
    if (name == NULL || name[0] == '\0' || strchr(name, '/') != NULL)
        return err_set(err, ERR_INVALID, "%s: a name must not be empty or contain '/'", what);
    return ERR_OK;
}

/* ----------------------------------------------------------------------------- creating */

/* The schema with ids, the dynamic field, and a metric for each vector. */
struct completed {
    struct field fields[SCHEMA_FIELDS_MAX + 1];
    enum metric_type metrics[SCHEMA_FIELDS_MAX + 1];
    struct schema schema;
    size_t vector; /* the first */
};

static enum err_code complete(const struct schema *schema, struct completed *done, struct err *err)
{
    if (schema->field_count > SCHEMA_FIELDS_MAX)
        return err_set(err, ERR_INVALID, "%zu fields found, at most %d expected",
                       schema->field_count, SCHEMA_FIELDS_MAX);
    size_t count = schema->field_count;
    bool has_dynamic = false;
    for (size_t k = 0; k < count; k++) {
        done->fields[k] = schema->fields[k];
        has_dynamic = has_dynamic || schema->fields[k].is_dynamic;
    }
    if (schema->has_dynamic && !has_dynamic)
        done->fields[count++] = (struct field){.name = SCHEMA_DYNAMIC_NAME,
                                               .description = "",
                                               .type = FIELD_JSON,
                                               .is_dynamic = true,
                                               .params = "{}"};
    done->vector = SIZE_MAX;
    for (size_t k = 0; k < count; k++) {
        struct field *field = &done->fields[k];
        field->id = field->id != 0 ? field->id : FIRST_FIELD_ID + (int64_t)k;
        done->metrics[k] = METRIC_NONE;
        if (!field_type_is_vector(field->type))
            continue;
        done->metrics[k] = field->type == FIELD_BINARY_VECTOR ? METRIC_HAMMING : METRIC_COSINE;
        done->vector = done->vector == SIZE_MAX ? k : done->vector;
    }
    done->schema = *schema;
    done->schema.fields = done->fields;
    done->schema.field_count = count;
    return schema_check(&done->schema, err);
}

struct creation {
    const struct collection_definition *definition;
    const struct completed *done;
    const char *qualified;
};

static enum err_code expect_free_name(struct sql *sql, const char *qualified, struct err *err)
{
    struct catalog_answer answer = {0};
    enum err_code code = catalog_ask(sql, &answer, err,
                                     "SELECT 1 FROM collection WHERE name = ?1 AND token IS NULL"
                                     " UNION SELECT 1 FROM alias WHERE name = ?1",
                                     "t", qualified);
    if (code == ERR_OK && answer.found)
        code = err_set(err, ERR_EXISTS, "%s: a collection or alias of that name exists", qualified);
    return code;
}

static enum err_code expect_database(struct sql *sql, const char *database, struct err *err)
{
    struct catalog_answer answer = {0};
    if (database == NULL || strcmp(database, DATABASE_DEFAULT) == 0)
        return ERR_OK;
    enum err_code code = catalog_ask(
        sql, &answer, err, "SELECT 1 FROM logical_database WHERE name = ?1", "t", database);
    if (code == ERR_OK && !answer.found)
        code = err_set(err, ERR_NOT_FOUND, "database %s: not found", database);
    return code;
}

static enum err_code create_rows(struct sql *sql, const struct creation *creation, int64_t id,
                                 struct err *err)
{
    const struct completed *done = creation->done;
    const struct collection_definition *definition = creation->definition;
    const struct field *vector = &done->fields[done->vector];
    const struct field *key = &done->fields[done->schema.primary];
    enum err_code code = catalog_run(
        sql, err, "INSERT INTO collection VALUES (?1, NULL, ?2, 0, ?3, ?4, ?5, '', '{}', 0, ?6, 0)",
        "itiiii", id, creation->qualified, (int64_t)done->metrics[done->vector],
        (int64_t)vector->dim, (int64_t)key->is_auto_id, clock_now_us());
    if (code == ERR_OK)
        code = catalog_run(sql, err, "INSERT INTO partition (collection, name) VALUES (?1, ?2)",
                           "it", id, PARTITION_DEFAULT);
    const struct collection_info info = {.id = id,
                                         .schema = done->schema,
                                         .metrics = done->metrics,
                                         .properties = definition->properties,
                                         .consistency = definition->consistency,
                                         .shards = definition->shards,
                                         .partition_keys = definition->partition_keys};
    return code == ERR_OK ? define_write_info(sql, &info, err) : code;
}

static enum err_code create_change(struct define_command *define, struct sql *sql, struct err *err)
{
    const struct creation *creation = define->argument;
    struct catalog_answer next = {0};
    enum err_code code = expect_database(sql, creation->definition->name.database, err);
    if (code == ERR_OK)
        code = expect_free_name(sql, creation->qualified, err);
    if (code == ERR_OK)
        code = catalog_ask(sql, &next, err, "SELECT value FROM meta WHERE key = 'next_collection'",
                           "");
    if (code == ERR_OK)
        code = catalog_run(sql, err, "UPDATE meta SET value = ?1 WHERE key = 'next_collection'",
                           "i", next.value + 1);
    return code == ERR_OK ? create_rows(sql, creation, next.value, err) : code;
}

enum err_code define_create_collection(struct writer *writer,
                                       const struct collection_definition *definition,
                                       struct err *err)
{
    struct completed *done = mem_zalloc(1, sizeof *done);
    char *qualified = catalog_join_name(definition->name.database, definition->name.name);
    enum err_code code = ERR_OK;
    if (done == NULL || qualified == NULL)
        code = err_nomem(err, "collection");
    if (code == ERR_OK)
        code = define_check_name("collection", definition->name.name, err);
    if (code == ERR_OK)
        code = complete(definition->schema, done, err);
    if (code == ERR_OK) {
        const struct creation creation = {definition, done, qualified};
        struct define_command define = {.change = create_change, .argument = &creation};
        code = define_run(writer, &define, err);
    }
    mem_free(qualified);
    mem_free(done);
    return code;
}

/* ---------------------------------------------------------------------------- going away */

static enum err_code drop_change(struct define_command *define, struct sql *sql, struct err *err)
{
    struct catalog_answer answer = {0};
    enum err_code code = catalog_ask(sql, &answer, err, "SELECT 1 FROM alias WHERE collection = ?1",
                                     "i", define->collection);
    if (code == ERR_OK && answer.found)
        code = err_set(err, ERR_STATE, "collection %s: aliases point to it; drop them first",
                       define->name.name);
    if (code == ERR_OK)
        code = define_list_files(define, sql, 0, err);
    return code == ERR_OK ? catalog_forget_collection(sql, define->collection, err) : code;
}

enum err_code define_drop_collection(struct writer *writer, struct collection_name name,
                                     struct err *err)
{
    struct define_command define = {.name = name, .is_drop = true, .change = drop_change};
    return define_run(writer, &define, err);
}

static enum err_code truncate_change(struct define_command *define, struct sql *sql,
                                     struct err *err)
{
    const enum err_code code = define_list_files(define, sql, 0, err);
    return code == ERR_OK ? catalog_forget_rows(sql, define->collection, 0, err) : code;
}

enum err_code define_truncate_collection(struct writer *writer, struct collection_name name,
                                         struct err *err)
{
    struct define_command define = {
        .name = name, .allow_alias = true, .is_removal = true, .change = truncate_change};
    return define_run(writer, &define, err);
}

/* -------------------------------------------------------------------------- other changes */

struct rename_change {
    struct collection_name to;
    const char *qualified;
};

static enum err_code rename_change(struct define_command *define, struct sql *sql, struct err *err)
{
    const struct rename_change *to = define->argument;
    enum err_code code = expect_database(sql, to->to.database, err);
    if (code == ERR_OK)
        code = expect_free_name(sql, to->qualified, err);
    if (code == ERR_OK)
        code = catalog_run(sql, err, "UPDATE collection SET name = ?1 WHERE id = ?2", "ti",
                           to->qualified, define->collection);
    return code;
}

enum err_code define_rename_collection(struct writer *writer, struct collection_name from,
                                       struct collection_name to, struct err *err)
{
    const enum err_code code = define_check_name("collection", to.name, err);
    if (code != ERR_OK)
        return code;
    char *qualified = catalog_join_name(to.database, to.name);
    if (qualified == NULL)
        return err_nomem(err, to.name);
    const struct rename_change change = {to, qualified};
    struct define_command define = {.name = from, .change = rename_change, .argument = &change};
    const enum err_code result = define_run(writer, &define, err);
    mem_free(qualified);
    return result;
}

static enum err_code alter_change(struct define_command *define, struct sql *sql, struct err *err)
{
    const struct collection_change *change = define->argument;
    return catalog_run(
        sql, err,
        "UPDATE detail SET description = coalesce(?1, description),"
        " properties = coalesce(?2, properties), state = coalesce(?3, state),"
        " consistency = CASE WHEN ?4 < 0 THEN consistency ELSE ?4 END,"
        " is_loaded = CASE WHEN ?5 < 0 THEN is_loaded ELSE ?5 END WHERE collection = ?6",
        "tttiii", change->description, change->properties, change->state, change->consistency,
        (int64_t)change->is_loaded, define->collection);
}

enum err_code define_alter_collection(struct writer *writer, struct collection_name name,
                                      const struct collection_change *change, struct err *err)
{
    struct define_command define = {
        .name = name, .allow_alias = true, .change = alter_change, .argument = change};
    return define_run(writer, &define, err);
}

/* --------------------------------------------------------------------------------- listing */

static enum err_code list_infos(struct sql *sql, const char *database, struct arena *arena,
                                struct collection_info **ret_items, size_t *ret_count,
                                struct err *err)
{
    const char **names = NULL;
    size_t total = 0;
    size_t count = 0;
    enum err_code code = catalog_names(sql, arena, &names, &total, err);
    struct collection_info *items = NULL;
    if (code == ERR_OK && (items = arena_array(arena, total + 1, sizeof *items)) == NULL)
        code = err_nomem(err, "collections");
    for (size_t k = 0; code == ERR_OK && k < total; k++) {
        struct catalog_collection collection = {0};
        code = catalog_load(sql, names[k], arena, &collection, err);
        if (code == ERR_OK)
            code =
                catalog_info_load(sql, collection.id, &collection.facts, arena, &items[count], err);
        if (code == ERR_OK && (database == NULL || strcmp(items[count].database, database) == 0))
            count++;
    }
    *ret_items = items;
    *ret_count = count;
    return code;
}

enum err_code define_list_collections(struct writer *writer, const char *database,
                                      struct arena *arena, struct collection_info **ret_items,
                                      size_t *ret_count, struct err *err)
{
    struct sql *sql = writer->database->sql;
    database_lock(writer->database);
    enum err_code code = database != NULL ? expect_database(sql, database, err) : ERR_OK;
    if (code == ERR_OK)
        code = list_infos(sql, database, arena, ret_items, ret_count, err);
    database_unlock(writer->database);
    return code;
}
