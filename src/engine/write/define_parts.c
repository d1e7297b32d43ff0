/* define_parts.c: changes inside a collection: fields, partitions, indexes. See define.h. */
#include <string.h>

#include "engine/catalog_forget.h"
#include "engine/field_default.h"
#include "engine/schema_check.h"
#include "engine/write/define_internal.h"
#include "flow/source.h"

static const struct collection_meta *meta_of(const struct define_command *define)
{
    return define->open->live->meta;
}

/* ------------------------------------------------------------------------------ fields */

/* A field that older rows do not have must say what they read as. */
static enum err_code check_added(const struct field *field, struct err *err)
{
    struct rows_scratch scratch = {0};
    struct column column;
    if (field->is_primary || field->is_auto_id || field_type_is_vector(field->type))
        return err_set(err, ERR_INVALID, "field %s: a key or vector cannot be added later",
                       field->name);
    const enum err_code code = field_default_column(field, 1, &scratch, &column, err);
    rows_scratch_release(&scratch);
    return code;
}

static enum err_code add_field_change(struct define_command *define, struct sql *sql,
                                      struct err *err)
{
    const struct schema *schema = &meta_of(define)->info.schema;
    struct field *fields = mem_zalloc(schema->field_count + 1, sizeof *fields);
    if (fields == NULL)
        return err_nomem(err, "fields");
    int64_t id = 0;
    for (size_t k = 0; k < schema->field_count; k++) {
        fields[k] = schema->fields[k];
        id = fields[k].id >= id ? fields[k].id + 1 : id;
    }
    /* The dynamic field stays the last. */
    size_t at = schema->field_count;
    if (at > 0 && fields[at - 1].is_dynamic) {
        fields[at] = fields[at - 1];
        at--;
    }
    fields[at] = *(const struct field *)define->argument;
    fields[at].id = id;
    struct schema wider = *schema;
    wider.fields = fields;
    wider.field_count++;
    enum err_code code = schema_check(&wider, err);
    if (code == ERR_OK)
        code = catalog_run(sql, err,
                           "UPDATE field SET ord = ord + 1 WHERE collection = ?1 AND ord >= ?2",
                           "ii", define->collection, (int64_t)at);
    if (code == ERR_OK)
        code = define_write_field(sql, define->collection, at, &fields[at], METRIC_NONE, err);
    mem_free(fields);
    return code;
}

enum err_code define_add_field(struct writer *writer, struct collection_name name,
                               const struct field *field, struct err *err)
{
    const enum err_code code = check_added(field, err);
    struct define_command define = {
        .name = name, .allow_alias = true, .change = add_field_change, .argument = field};
    return code == ERR_OK ? define_run(writer, &define, err) : code;
}

static enum err_code alter_field_change(struct define_command *define, struct sql *sql,
                                        struct err *err)
{
    const struct field_change *change = define->argument;
    if (schema_find(&meta_of(define)->info.schema, change->field) == SIZE_MAX)
        return err_set(err, ERR_NOT_FOUND, "field %s: not found", change->field);
    return catalog_run(sql, err,
                       "UPDATE field SET params = coalesce(?1, params),"
                       " max_length = CASE WHEN ?2 = 0 THEN max_length ELSE ?2 END,"
                       " max_capacity = CASE WHEN ?3 = 0 THEN max_capacity ELSE ?3 END"
                       " WHERE collection = ?4 AND name = ?5",
                       "tiiit", change->params, (int64_t)change->max_length,
                       (int64_t)change->max_capacity, define->collection, change->field);
}

enum err_code define_alter_field(struct writer *writer, struct collection_name name,
                                 const struct field_change *change, struct err *err)
{
    struct define_command define = {
        .name = name, .allow_alias = true, .change = alter_field_change, .argument = change};
    return define_run(writer, &define, err);
}

/* --------------------------------------------------------------------------- partitions */

static bool find_partition(const struct define_command *define, const char *name, int64_t *ret_id)
{
    const struct collection_meta *meta = meta_of(define);
    for (size_t k = 0; k < meta->facts.partition_count; k++) {
        if (strcmp(meta->facts.partitions[k].name, name) == 0) {
            *ret_id = meta->partition_ids[k];
            return true;
        }
    }
    return false;
}

static enum err_code add_partition_change(struct define_command *define, struct sql *sql,
                                          struct err *err)
{
    const char *name = define->argument;
    int64_t id = 0;
    if (find_partition(define, name, &id))
        return err_set(err, ERR_EXISTS, "partition %s exists already", name);
    return catalog_run(sql, err, "INSERT INTO partition (collection, name) VALUES (?1, ?2)", "it",
                       define->collection, name);
}

enum err_code define_create_partition(struct writer *writer, struct collection_name name,
                                      const char *partition, struct err *err)
{
    const enum err_code code = define_check_name("partition", partition, err);
    struct define_command define = {
        .name = name, .allow_alias = true, .change = add_partition_change, .argument = partition};
    return code == ERR_OK ? define_run(writer, &define, err) : code;
}

static enum err_code drop_partition_change(struct define_command *define, struct sql *sql,
                                           struct err *err)
{
    const char *name = define->argument;
    int64_t id = 0;
    if (!find_partition(define, name, &id))
        return err_set(err, ERR_NO_PARTITION, "partition %s: not found in collection %s", name,
                       meta_of(define)->facts.name);
    if (strcmp(name, PARTITION_DEFAULT) == 0)
        return err_set(err, ERR_STATE, "the default partition cannot be dropped");
    enum err_code code = define_list_files(define, sql, id, err);
    if (code == ERR_OK)
        code = catalog_forget_rows(sql, define->collection, id, err);
    if (code == ERR_OK)
        code = catalog_run(sql, err, "DELETE FROM partition WHERE id = ?1", "i", id);
    return code;
}

enum err_code define_drop_partition(struct writer *writer, struct collection_name name,
                                    const char *partition, struct err *err)
{
    struct define_command define = {.name = name,
                                    .allow_alias = true,
                                    .is_removal = true,
                                    .change = drop_partition_change,
                                    .argument = partition};
    return define_run(writer, &define, err);
}

/* ------------------------------------------------------------------------------ indexes */

static const struct declared_index *find_index(const struct define_command *define,
                                               const char *name)
{
    const struct collection_info *info = &meta_of(define)->info;
    for (size_t k = 0; k < info->index_count; k++)
        if (strcmp(info->indexes[k].name, name) == 0)
            return &info->indexes[k];
    return NULL;
}

static bool is_indexed(const struct define_command *define, const char *field)
{
    const struct collection_info *info = &meta_of(define)->info;
    for (size_t k = 0; k < info->index_count; k++)
        if (strcmp(info->indexes[k].field, field) == 0)
            return true;
    return false;
}

static enum err_code set_metric(struct define_command *define, struct sql *sql, size_t field,
                                enum metric_type metric, struct err *err)
{
    const struct collection_meta *meta = meta_of(define);
    enum err_code code = catalog_run(
        sql, err, "UPDATE field SET metric = ?1 WHERE collection = ?2 AND name = ?3", "iit",
        (int64_t)metric, define->collection, meta->info.schema.fields[field].name);
    if (code == ERR_OK && field == meta->layout.vector)
        code = catalog_run(sql, err, "UPDATE collection SET metric = ?1 WHERE id = ?2", "ii",
                           (int64_t)metric, define->collection);
    return code;
}

static enum err_code add_index_change(struct define_command *define, struct sql *sql,
                                      struct err *err)
{
    const struct declared_index *index = define->argument;
    const struct schema *schema = &meta_of(define)->info.schema;
    const size_t field = schema_find(schema, index->field);
    if (field == SIZE_MAX)
        return err_set(err, ERR_NOT_FOUND, "field %s: not found", index->field);
    const enum field_type type = schema->fields[field].type;
    const bool is_vector = field_type_is_vector(type);
    if (find_index(define, index->name) != NULL || (is_vector && is_indexed(define, index->field)))
        return err_set(err, ERR_EXISTS, "index %s: it, or another one of field %s, exists",
                       index->name, index->field);
    if (is_vector != (index->metric != METRIC_NONE) ||
        (is_vector && metric_is_binary(index->metric) != (type == FIELD_BINARY_VECTOR)))
        return err_set(err, ERR_INVALID, "field %s: metric %s does not fit its type", index->field,
                       metric_name(index->metric));
    const enum err_code code = define_write_index(sql, define->collection, index, err);
    return code == ERR_OK && is_vector ? set_metric(define, sql, field, index->metric, err) : code;
}

enum err_code define_create_index(struct writer *writer, struct collection_name name,
                                  const struct declared_index *index, struct err *err)
{
    struct define_command define = {
        .name = name, .allow_alias = true, .change = add_index_change, .argument = index};
    return define_run(writer, &define, err);
}

struct index_change {
    const char *index;
    const char *params;
};

static enum err_code alter_index_change(struct define_command *define, struct sql *sql,
                                        struct err *err)
{
    const struct index_change *change = define->argument;
    if (find_index(define, change->index) == NULL)
        return err_set(err, ERR_NOT_FOUND, "index %s: not found", change->index);
    if (change->params == NULL)
        return catalog_run(sql, err,
                           "DELETE FROM declared_index WHERE collection = ?1 AND name = ?2", "it",
                           define->collection, change->index);
    return catalog_run(sql, err,
                       "UPDATE declared_index SET params = ?1 WHERE collection = ?2 AND name = ?3",
                       "tit", change->params, define->collection, change->index);
}

enum err_code define_alter_index(struct writer *writer, struct collection_name name,
                                 const char *index, const char *params, struct err *err)
{
    const struct index_change change = {index, params};
    struct define_command define = {
        .name = name, .allow_alias = true, .change = alter_index_change, .argument = &change};
    return define_run(writer, &define, err);
}

enum err_code define_drop_index(struct writer *writer, struct collection_name name,
                                const char *index, struct err *err)
{
    const struct index_change change = {index, NULL};
    struct define_command define = {
        .name = name, .allow_alias = true, .change = alter_index_change, .argument = &change};
    return define_run(writer, &define, err);
}
