/* aliases.c: aliases and databases; see collections.h. */
#include <string.h>

#include "milvus2/collections.h"
#include "milvus2/names.h"
#include "milvus2/properties.h"

/* The collection behind an alias, found without a status; NULL when there is none. */
static bool find_alias(struct op *op, const char *alias, const struct collection_info **ret_info)
{
    struct collection_info *items;
    size_t count;
    if (!collections_list(op, &items, &count))
        return false;
    *ret_info = NULL;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < items[i].alias_count; k++)
            if (strcmp(items[i].aliases[k], alias) == 0)
                *ret_info = &items[i];
    return true;
}

static bool no_alias(struct op *op, const char *alias)
{
    return status_fields(&op->status, MILVUS_NO_ALIAS, "[database=%s][alias=%s]", op->database,
                         alias);
}

/* By its own name: an alias of an alias makes no sense. */
static bool open_named(struct op *op, const char *collection, struct view *ret_view)
{
    return view_open(op, collection, ret_view) &&
           (strcmp(ret_view->info->name, collection) == 0 ||
            status_fields(&op->status, MILVUS_NO_COLLECTION, "[database=%s][collection=%s]",
                          op->database, collection));
}

bool aliases_create(struct op *op, const char *collection, const char *alias)
{
    struct err err;
    struct view view;
    const struct collection_info *owner;
    if (!name_check_alias(&op->status, alias) || !name_check_collection(&op->status, collection) ||
        !open_named(op, collection, &view) || !find_alias(op, alias, &owner))
        return false;
    if (owner != NULL && owner->id == view.info->id)
        return true;
    if (owner != NULL)
        return status_fail(&op->status, MILVUS_ALIAS_EXISTS,
                           "%s is alias to another collection: %s: alias already exist"
                           "[database=%s][alias=%s]",
                           alias, owner->name, op->database, alias);
    const enum err_code code = define_create_alias(op->writer, view_name(&view), alias, &err);
    if (code == ERR_EXISTS)
        return status_fields(&op->status, MILVUS_ALIAS_CONFLICT, "[database=%s][alias=%s]",
                             op->database, alias);
    return op_engine_for(op, code, &err, collection);
}

bool aliases_alter(struct op *op, const char *collection, const char *alias)
{
    struct err err;
    struct view view;
    const struct collection_info *owner;
    if (!name_check_alias(&op->status, alias) || !name_check_collection(&op->status, collection) ||
        !open_named(op, collection, &view) || !find_alias(op, alias, &owner))
        return false;
    if (owner == NULL)
        return no_alias(op, alias);
    const enum err_code code = define_alter_alias(op->writer, view_name(&view), alias, &err);
    return code == ERR_NOT_FOUND ? no_alias(op, alias) : op_engine_for(op, code, &err, collection);
}

bool aliases_drop(struct op *op, const char *alias)
{
    struct err err;
    if (!name_check_alias(&op->status, alias) || !op_check_database(op, op->database))
        return false;
    const enum err_code code = define_drop_alias(op->writer, op->database, alias, &err);
    return code == ERR_NOT_FOUND || op_engine(op, code, &err);
}

bool aliases_describe(struct op *op, const char *alias, const char **ret_collection)
{
    const struct collection_info *owner;
    if (!name_check_alias(&op->status, alias) || !find_alias(op, alias, &owner))
        return false;
    if (owner == NULL)
        return no_alias(op, alias);
    *ret_collection = owner->name;
    return true;
}

bool aliases_list(struct op *op, const char *collection, struct name_list *ret_names)
{
    struct collection_info *items;
    struct view view;
    size_t count, total = 0;
    if (collection[0] != '\0') {
        if (!view_open(op, collection, &view))
            return false;
        *ret_names = (struct name_list){view.info->aliases, view.info->alias_count};
        return true;
    }
    if (!collections_list(op, &items, &count))
        return false;
    for (size_t i = 0; i < count; i++)
        total += items[i].alias_count;
    const char **names = op_array(op, total, sizeof *names);
    if (names == NULL)
        return false;
    *ret_names = (struct name_list){.items = names};
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < items[i].alias_count; k++)
            names[ret_names->count++] = items[i].aliases[k];
    return true;
}

static bool find_database(struct op *op, const char *name, struct database_item *ret_item)
{
    struct database_item *items;
    size_t count;
    if (!databases_list(op, &items, &count))
        return false;
    for (size_t i = 0; i < count; i++)
        if (strcmp(items[i].name, name) == 0) {
            *ret_item = items[i];
            return true;
        }
    return status_fields(&op->status, MILVUS_NO_DATABASE, "[database=%s]", name);
}

bool databases_list(struct op *op, struct database_item **ret_items, size_t *ret_count)
{
    struct err err;
    return op_engine(op, define_list_databases(op->writer, op->arena, ret_items, ret_count, &err),
                     &err);
}

bool databases_create(struct op *op, const char *name, const struct pair_list *properties)
{
    struct err err;
    struct database_item *items;
    size_t count;
    const char *text;
    if (!name_check_database(&op->status, name) || !databases_list(op, &items, &count) ||
        !properties_text(op, properties, &text))
        return false;
    if (count >= LIMIT_DATABASES)
        return status_fields(&op->status, MILVUS_TOO_MANY_DATABASES, "[limit=%d]", LIMIT_DATABASES);
    const enum err_code code = define_create_database(op->writer, name, text, &err);
    if (code == ERR_EXISTS)
        return status_fail(&op->status, MILVUS_ERROR, "database already exist: %s", name);
    return op_engine(op, code, &err);
}

bool databases_drop(struct op *op, const char *name)
{
    struct err err;
    if (!name_check_database(&op->status, name))
        return false;
    if (strcmp(name, DATABASE_DEFAULT) == 0)
        return status_fail(&op->status, MILVUS_ERROR, "can not drop default database");
    const enum err_code code = define_drop_database(op->writer, name, &err);
    if (code == ERR_STATE)
        return status_fail(&op->status, MILVUS_ERROR,
                           "database:%s not empty, must drop all collections before drop database",
                           name);
    return code == ERR_NOT_FOUND || op_engine(op, code, &err);
}

bool databases_alter(struct op *op, const char *name, const struct pair_list *set,
                     const struct name_list *removed)
{
    struct err err;
    struct database_item item = {0};
    const char *text;
    if (set->count == 0 && removed->count == 0)
        return status_wrap(&op->status, MILVUS_INVALID, "no properties or delete keys provided");
    if (set->count > 0 && removed->count > 0)
        return status_wrap(&op->status, MILVUS_INVALID,
                           "can not provide properties and deletekeys at the same time");
    return find_database(op, name, &item) &&
           properties_change(op, item.properties, set, removed, &text) &&
           op_engine(op, define_alter_database(op->writer, name, text, &err), &err);
}

bool databases_describe(struct op *op, const char *name, struct database_item *ret_item)
{
    return find_database(op, name[0] != '\0' ? name : DATABASE_DEFAULT, ret_item);
}
