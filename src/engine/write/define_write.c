/* define_write.c: see define_write.h. */
#include "engine/write/define_write.h"

#include "base/clock.h"
#include "engine/catalog_info.h"
#include "engine/write/writer_internal.h"

static int64_t flags_of(const struct field *field)
{
    return (field->is_primary ? FIELD_FLAG_PRIMARY : 0) |
           (field->is_auto_id ? FIELD_FLAG_AUTO_ID : 0) |
           (field->is_partition_key ? FIELD_FLAG_PARTITION_KEY : 0) |
           (field->is_clustering_key ? FIELD_FLAG_CLUSTERING_KEY : 0) |
           (field->is_nullable ? FIELD_FLAG_NULLABLE : 0) |
           (field->is_dynamic ? FIELD_FLAG_DYNAMIC : 0);
}

static const char *text_or(const char *text, const char *fallback)
{
    return text != NULL ? text : fallback;
}

enum err_code define_write_field(struct sql *sql, int64_t collection, size_t order,
                                 const struct field *field, enum metric_type metric,
                                 struct err *err)
{
    return catalog_run(sql, err,
                       "INSERT INTO field VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11,"
                       " ?12, ?13, ?14)",
                       "iiittiiiiiitti", collection, (int64_t)order, field->id, field->name,
                       text_or(field->description, ""), (int64_t)field->type,
                       (int64_t)field->element, (int64_t)field->dim, (int64_t)field->max_length,
                       (int64_t)field->max_capacity, flags_of(field), field->default_value,
                       text_or(field->params, "{}"), (int64_t)metric);
}

enum err_code define_write_index(struct sql *sql, int64_t collection,
                                 const struct declared_index *index, struct err *err)
{
    return catalog_run(sql, err,
                       "INSERT INTO declared_index (collection, name, field, params, metric,"
                       " created_us) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                       "itttii", collection, index->name, index->field,
                       text_or(index->params, "{}"), (int64_t)index->metric, clock_now_us());
}

enum err_code define_write_info(struct sql *sql, const struct collection_info *info,
                                struct err *err)
{
    enum err_code code = catalog_run(
        sql, err, "INSERT INTO detail VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 0)",
        "itttiiiiiii", info->id, text_or(info->schema.description, ""),
        text_or(info->properties, "{}"), text_or(info->state, ""), info->consistency,
        (int64_t)info->shards, (int64_t)info->partition_keys, (int64_t)info->schema.has_dynamic,
        (int64_t)info->is_loaded, (int64_t)info->is_1x, clock_now_us());
    for (size_t k = 0; code == ERR_OK && k < info->schema.field_count; k++)
        code = define_write_field(sql, info->id, k, &info->schema.fields[k], info->metrics[k], err);
    return code;
}

enum err_code define_ensure_detail(struct sql *sql, const struct collection_meta *meta,
                                   struct err *err)
{
    struct catalog_answer answer = {0};
    const struct collection_info *info = &meta->info;
    enum err_code code =
        catalog_ask(sql, &answer, err, "SELECT 1 FROM detail WHERE collection = ?1", "i", info->id);
    if (code != ERR_OK || answer.found)
        return code;
    code = define_write_info(sql, info, err);
    for (size_t k = 0; code == ERR_OK && k < info->index_count; k++)
        code = define_write_index(sql, info->id, &info->indexes[k], err);
    return code;
}
