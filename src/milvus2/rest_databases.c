/* rest_databases.c: aliases, databases, users and roles; see rest.h. */
#include "milvus2/collections.h"
#include "milvus2/names.h"
#include "milvus2/properties.h"
#include "milvus2/rest.h"
#include "milvus2/users.h"

static const char *alias(const struct rest *rest)
{
    return rest_text(rest, "aliasName", "");
}

bool rest_list_aliases(struct rest *rest)
{
    struct name_list names;
    return aliases_list(&rest->op, rest_collection(rest), &names) &&
           rest_add_names(rest, "data", &names);
}

bool rest_describe_alias(struct rest *rest)
{
    const char *collection;
    if (!aliases_describe(&rest->op, alias(rest), &collection))
        return false;
    json_open(&rest->answer, "data", '{');
    json_add_string(&rest->answer, "dbName", rest->op.database);
    json_add_string(&rest->answer, "collectionName", collection);
    json_add_string(&rest->answer, "aliasName", alias(rest));
    json_close(&rest->answer, '}');
    return true;
}

bool rest_create_alias(struct rest *rest)
{
    return aliases_create(&rest->op, rest_collection(rest), alias(rest)) && rest_done(rest);
}

bool rest_drop_alias(struct rest *rest)
{
    return aliases_drop(&rest->op, alias(rest)) && rest_done(rest);
}

bool rest_alter_alias(struct rest *rest)
{
    return aliases_alter(&rest->op, rest_collection(rest), alias(rest)) && rest_done(rest);
}

/* ---- Databases ---- */

static const char *database(const struct rest *rest)
{
    return rest_text(rest, "dbName", "");
}

bool rest_list_databases(struct rest *rest)
{
    struct database_item *items;
    size_t count;
    if (!databases_list(&rest->op, &items, &count))
        return false;
    json_open(&rest->answer, "data", '[');
    for (size_t i = 0; i < count; i++)
        json_add_string(&rest->answer, NULL, items[i].name);
    json_close(&rest->answer, ']');
    return true;
}

bool rest_describe_database(struct rest *rest)
{
    struct database_item item;
    struct pair_list properties;
    if (!databases_describe(&rest->op, database(rest), &item) ||
        !properties_list(&rest->op, item.properties, &properties))
        return false;
    json_open(&rest->answer, "data", '{');
    json_add_string(&rest->answer, "dbName", item.name);
    rest_add_int(rest, "dbID", item.id);
    rest_add_pairs(rest, "properties", &properties);
    json_close(&rest->answer, '}');
    return true;
}

bool rest_create_database(struct rest *rest)
{
    struct pair_list properties;
    return rest_pairs(rest, js_get(rest->body, "properties"), &properties) &&
           databases_create(&rest->op, database(rest), &properties) && rest_done(rest);
}

bool rest_drop_database(struct rest *rest)
{
    return databases_drop(&rest->op, database(rest)) && rest_done(rest);
}

bool rest_alter_database(struct rest *rest)
{
    struct pair_list set;
    return rest_pairs(rest, js_get(rest->body, "properties"), &set) &&
           databases_alter(&rest->op, database(rest), &set, &(struct name_list){0}) &&
           rest_done(rest);
}

bool rest_drop_database_properties(struct rest *rest)
{
    struct name_list removed;
    return rest_names(rest, "propertyKeys", &removed) &&
           databases_alter(&rest->op, database(rest), &(struct pair_list){0}, &removed) &&
           rest_done(rest);
}

/* ---- Users ---- */

static const char *user(const struct rest *rest)
{
    return rest_text(rest, "userName", "");
}

bool rest_list_users(struct rest *rest)
{
    struct name_list names;
    return users_list(&rest->op, &names) && rest_add_names(rest, "data", &names);
}

bool rest_describe_user(struct rest *rest)
{
    struct name_list roles;
    bool has;
    if (!users_has(&rest->op, user(rest), &has))
        return false;
    if (!has)
        return status_fail(&rest->op.status, MILVUS_ERROR, "not found the user[userName=%s]",
                           user(rest));
    users_roles(user(rest), &roles);
    return rest_add_names(rest, "data", &roles);
}

bool rest_create_user(struct rest *rest)
{
    return users_create(&rest->op, user(rest), rest_text(rest, "password", "")) && rest_done(rest);
}

bool rest_update_user(struct rest *rest)
{
    return users_update(&rest->op, user(rest), rest_text(rest, "password", ""),
                        rest_text(rest, "newPassword", "")) &&
           rest_done(rest);
}

bool rest_drop_user(struct rest *rest)
{
    return users_drop(&rest->op, user(rest)) && rest_done(rest);
}

static const char *const role_names[] = {"admin", "public"};

bool rest_list_roles(struct rest *rest)
{
    return rest_add_names(rest, "data", &(struct name_list){role_names, 2});
}

/* The roles are fixed and carry no list of grants: users may do everything. */
bool rest_describe_role(struct rest *rest)
{
    const char *name = rest_text(rest, "roleName", "");
    if (!names_have(&(struct name_list){role_names, 2}, name))
        return status_fail(&rest->op.status, MILVUS_ERROR, "not found the role[roleName=%s]", name);
    return rest_add_names(rest, "data", &(struct name_list){0});
}
