/* collections.c: collections and their fields; see collections.h. Wording: Milvus's proxy and root
 * coordinator. */
#include <inttypes.h>
#include <string.h>

#include "milvus2/collections.h"
#include "milvus2/fields.h"
#include "milvus2/names.h"
#include "milvus2/partitions.h"
#include "milvus2/properties.h"

static bool fields_equal(const struct field *a, const struct field *b)
{
    return strcmp(a->name, b->name) == 0 && a->type == b->type && a->element == b->element &&
           a->dim == b->dim && a->max_length == b->max_length &&
           a->max_capacity == b->max_capacity && a->is_primary == b->is_primary &&
           a->is_auto_id == b->is_auto_id && a->is_nullable == b->is_nullable &&
           a->is_partition_key == b->is_partition_key;
}

static bool is_same(const struct view *view, const struct collection_spec *spec)
{
    if (view->shown_fields != spec->field_count || view->schema.has_dynamic != spec->has_dynamic)
        return false;
    for (size_t i = 0; i < spec->field_count; i++)
        if (!fields_equal(&view->schema.fields[i], &spec->fields[i]))
            return false;
    return strcmp(view->schema.description, spec->description) == 0;
}

/* The name is taken: by an alias, or by a collection that must then have the same schema. */
static bool accept_existing(struct op *op, const struct collection_spec *spec)
{
    struct view view;
    if (!view_open(op, spec->name, &view))
        return false;
    if (strcmp(view.info->name, spec->name) != 0)
        return status_fail(&op->status, MILVUS_ERROR,
                           "collection name [%s] conflicts with an existing alias, please choose a "
                           "unique name",
                           spec->name);
    return is_same(&view, spec) ||
           status_fail(&op->status, MILVUS_ERROR,
                       "create duplicate collection with different parameters, collection: %s",
                       spec->name);
}

static bool check_room(struct op *op)
{
    struct collection_info *items;
    size_t count;
    if (!collections_list(op, &items, &count))
        return false;
    return count < LIMIT_COLLECTIONS ||
           status_fields(&op->status, MILVUS_TOO_MANY_COLLECTIONS, "[dbName=%s][limit=%d]",
                         op->database, LIMIT_COLLECTIONS);
}

bool collections_create(struct op *op, const struct collection_spec *spec)
{
    struct err err;
    bool has_partition_key = false;
    if (!name_check_collection(&op->status, spec->name) || !op_check_database(op, op->database) ||
        !fields_check(op, spec) || !check_room(op))
        return false;
    struct schema schema = {.fields = spec->fields,
                            .field_count = spec->field_count,
                            .has_dynamic = spec->has_dynamic,
                            .description = spec->description};
    for (size_t i = 0; i < spec->field_count; i++) {
        schema.primary = spec->fields[i].is_primary ? i : schema.primary;
        has_partition_key = has_partition_key || spec->fields[i].is_partition_key;
    }
    struct collection_definition definition = {.name = op_name(op, spec->name),
                                               .schema = &schema,
                                               .consistency = spec->consistency,
                                               .shards =
                                                   spec->shards > 0 ? (size_t)spec->shards : 1};
    if (has_partition_key)
        definition.partition_keys =
            spec->partitions > 0 ? (size_t)spec->partitions : PARTITION_KEYS_DEFAULT;
    if (!properties_text(op, &spec->properties, &definition.properties))
        return false;
    const enum err_code code = define_create_collection(op->writer, &definition, &err);
    if (code == ERR_EXISTS)
        return accept_existing(op, spec);
    return op_engine(op, code, &err);
}

bool collections_list(struct op *op, struct collection_info **ret_items, size_t *ret_count)
{
    struct err err;
    return op_check_database(op, op->database) &&
           op_engine(op,
                     define_list_collections(op->writer, op->database, op->arena, ret_items,
                                             ret_count, &err),
                     &err);
}

bool collections_has(struct op *op, const char *name, bool *ret_has)
{
    struct view view;
    return view_try(op, name, &view, ret_has);
}

static bool has_aliases(struct op *op, const struct view *view)
{
    const char *list = view->info->aliases[0];
    for (size_t i = 1; i < view->info->alias_count && list != NULL; i++)
        list = op_printf(op, "%s %s", list, view->info->aliases[i]);
    return list != NULL &&
           status_fail(&op->status, MILVUS_ERROR,
                       "unable to drop the collection [%s] because it has associated aliases [%s], "
                       "please remove all aliases before dropping the collection",
                       view->info->name, list);
}

bool collections_drop(struct op *op, const char *name)
{
    struct err err;
    struct view view;
    bool has;
    if (!name_check_collection(&op->status, name) || !collections_has(op, name, &has))
        return false;
    if (!has)
        return true;
    if (!view_open(op, name, &view))
        return false;
    if (strcmp(view.info->name, name) != 0)
        return status_fail(&op->status, MILVUS_ERROR, "cannot drop the collection via alias = %s",
                           name);
    if (view.info->alias_count > 0)
        return has_aliases(op, &view);
    return op_engine_for(op, define_drop_collection(op->writer, view_name(&view), &err), &err,
                         name);
}

bool collections_rename(struct op *op, const char *from, const char *to, const char *to_database)
{
    struct err err;
    struct view view;
    if (!name_check_collection(&op->status, to) || !view_open(op, from, &view))
        return false;
    const char *database = to_database[0] != '\0' ? to_database : op->database;
    if (!op_check_database(op, database))
        return false;
    if (strcmp(view.info->name, from) != 0)
        return status_fail(&op->status, MILVUS_ERROR,
                           "unsupported use an alias to rename collection, alias:%s", from);
    if (view.info->alias_count > 0 && strcmp(database, op->database) != 0)
        return status_fail(&op->status, MILVUS_ERROR,
                           "fail to rename db name, must drop all aliases of this collection "
                           "before rename");
    const struct collection_name target = {.database = database, .name = to};
    const enum err_code code = define_rename_collection(op->writer, view_name(&view), target, &err);
    if (code == ERR_EXISTS)
        return status_fail(&op->status, MILVUS_ERROR,
                           "duplicated new collection name %s:%s with other collection name or "
                           "alias",
                           database, to);
    return op_engine_for(op, code, &err, from);
}

bool collections_truncate(struct op *op, const char *name)
{
    struct err err;
    struct view view;
    return view_open(op, name, &view) &&
           op_engine_for(op, define_truncate_collection(op->writer, view_name(&view), &err), &err,
                         name);
}

bool collections_alter(struct op *op, const char *name, const struct pair_list *set,
                       const struct name_list *removed)
{
    struct err err;
    struct view view;
    struct collection_change change = {.consistency = -1, .is_loaded = -1};
    if (!view_open(op, name, &view))
        return false;
    if (set->count > 0 && removed->count > 0)
        return status_wrap(&op->status, MILVUS_INVALID,
                           "cannot provide both DeleteKeys and ExtraParams");
    const char *mmap = pairs_get(set, "mmap.enabled");
    if ((mmap != NULL || names_have(removed, "mmap.enabled")) && view.info->is_loaded)
        return status_fail(&op->status, MILVUS_ALREADY_LOADED,
                           "can not alter mmap properties if collection loaded: collection already "
                           "loaded[collection=%s]",
                           name);
    if (!properties_change(op, view.info->properties, set, removed, &change.properties))
        return false;
    /* Two settings are fields of their own in a description. */
    const char *description = pairs_get(set, "collection.description");
    change.description = description;
    return op_engine_for(op, define_alter_collection(op->writer, view_name(&view), &change, &err),
                         &err, name);
}

static bool read_length(struct op *op, const struct pair *pair, int64_t most, size_t *ret_length)
{
    int64_t length;
    if (!number_parse_int(pair->value, &length))
        return status_wrap(&op->status, MILVUS_INVALID, "%s should be an integer, but got %s",
                           pair->key, pair->value);
    if (length <= 0 || length > most)
        return status_wrap(&op->status, MILVUS_INVALID,
                           "%s exceeds the maximum allowed value %" PRId64, pair->value, most);
    *ret_length = (size_t)length;
    return true;
}

static bool read_field_change(struct op *op, const struct field *field, const struct pair *pair,
                              struct field_change *change)
{
    if (strcmp(pair->key, "max_length") == 0) {
        if (field->type != FIELD_VARCHAR && field->element != FIELD_VARCHAR)
            return status_wrap(&op->status, MILVUS_INVALID,
                               "%s can not modify the maxlength for non-string types", field->name);
        return read_length(op, pair, LIMIT_VARCHAR, &change->max_length);
    }
    if (strcmp(pair->key, "max_capacity") == 0) {
        if (field->type != FIELD_ARRAY)
            return status_wrap(&op->status, MILVUS_INVALID,
                               "%s can not modify the maxcapacity for non-array types",
                               field->name);
        return read_length(op, pair, LIMIT_CAPACITY, &change->max_capacity);
    }
    return strcmp(pair->key, "mmap.enabled") == 0 || strcmp(pair->key, "field.description") == 0 ||
           status_wrap(&op->status, MILVUS_INVALID,
                       "%s does not allow update in collection field param", pair->key);
}

bool collections_alter_field(struct op *op, const char *name, const char *field,
                             const struct pair_list *set, const struct name_list *removed)
{
    struct err err;
    struct view view;
    if (!view_open(op, name, &view))
        return false;
    const size_t at = view_field(&view, field);
    if (at == SIZE_MAX)
        return status_fields(&op->status, MILVUS_NO_FIELD, "[field=%s]", field);
    const struct field *old = &view.schema.fields[at];
    struct field_change change = {.field = view.info->schema.fields[at].name};
    for (size_t i = 0; i < set->count; i++)
        if (!read_field_change(op, old, &set->items[i], &change))
            return false;
    for (size_t i = 0; i < removed->count; i++)
        if (strcmp(removed->items[i], "mmap.enabled") != 0)
            return status_wrap(&op->status, MILVUS_INVALID,
                               "%s is not allowed to drop in collection field param",
                               removed->items[i]);
    if (!properties_change(op, old->params != NULL ? old->params : "{}", set, removed,
                           &change.params))
        return false;
    return op_engine_for(op, define_alter_field(op->writer, view_name(&view), &change, &err), &err,
                         name);
}

static bool check_added(struct op *op, const struct view *view, const struct field *field)
{
    if (field_type_is_vector(field->type))
        return status_wrap(&op->status, MILVUS_INVALID,
                           "not support to add vector field, field name = %s", field->name);
    if (field->is_primary)
        return status_wrap(&op->status, MILVUS_INVALID,
                           "not support to add pk field, field name = %s", field->name);
    if (!field->is_nullable)
        return status_wrap(&op->status, MILVUS_INVALID,
                           "added field must be nullable, please check it, field name = %s",
                           field->name);
    if (field->is_partition_key)
        return status_wrap(&op->status, MILVUS_INVALID,
                           "not support to add partition key field, field name  = %s", field->name);
    if (schema_find(&view->schema, field->name) != SIZE_MAX)
        return status_wrap(&op->status, MILVUS_INVALID, "duplicate field name: %s", field->name);
    if (view->schema.field_count >= SCHEMA_FIELDS_MAX)
        return status_wrap(&op->status, MILVUS_INVALID,
                           "The number of fields has reached the maximum value %d",
                           SCHEMA_FIELDS_MAX);
    return true;
}

bool collections_add_field(struct op *op, const char *name, struct field *field)
{
    struct err err;
    struct view view;
    return view_open(op, name, &view) && check_added(op, &view, field) &&
           op_engine_for(op, define_add_field(op->writer, view_name(&view), field, &err), &err,
                         name);
}

bool collections_count(struct op *op, const char *name, const char *partition, uint64_t *ret_rows)
{
    struct view view;
    if (!view_open(op, name, &view))
        return false;
    if (partition == NULL) {
        *ret_rows = view.facts->rows;
        return true;
    }
    struct partition_item *items;
    size_t count;
    if (!partitions_list(op, &view, &items, &count))
        return false;
    for (size_t i = 0; i < count; i++)
        if (strcmp(items[i].name, partition) == 0) {
            *ret_rows = items[i].rows;
            return true;
        }
    const size_t at = partitions_find(op, &view, partition);
    if (at == SIZE_MAX)
        return status_fields(&op->status, MILVUS_NO_PARTITION, "[partition=%s]", partition);
    *ret_rows = view.facts->partitions[at].rows;
    return true;
}
