/* catalog_info.c: see catalog_info.h. */
#include "engine/catalog_info.h"

#include <inttypes.h>
#include <string.h>

#include "engine/schema_check.h"

#define INDEXES_MAX 4096
#define ALIASES_MAX 100000
#define FIRST_FIELD_ID 100
#define CONSISTENCY_BOUNDED 2

/* Where texts go, and whether memory has ended. */
struct texts {
    struct arena *arena;
    bool failed;
};

static const char *take_text(struct texts *texts, struct sql_statement *statement, int column)
{
    const char *copy = arena_strdup(texts->arena, sql_column_text(statement, column));
    texts->failed = texts->failed || copy == NULL;
    return copy;
}

const char *catalog_split_name(const char *qualified, struct arena *arena,
                               const char **ret_database)
{
    const char *slash = strchr(qualified, '/');
    if (slash == NULL)
        *ret_database = DATABASE_DEFAULT;
    else
        *ret_database = arena_strndup(arena, qualified, (size_t)(slash - qualified));
    if (*ret_database == NULL)
        return NULL;
    return slash == NULL ? qualified : slash + 1;
}

char *catalog_join_name(const char *database, const char *name)
{
    if (database == NULL || strcmp(database, DATABASE_DEFAULT) == 0)
        return mem_strdup(name);
    return mem_printf("%s/%s", database, name);
}

/* ------------------------------------------------------- a collection nobody has changed yet */

static enum err_code make_1x(const struct collection_facts *facts, struct arena *arena,
                             struct collection_info *info, struct err *err)
{
    struct field *fields = arena_array(arena, 2, sizeof *fields);
    enum metric_type *metrics = arena_array(arena, 2, sizeof *metrics);
    struct declared_index *index = arena_array(arena, 1, sizeof *index);
    if (fields == NULL || metrics == NULL || index == NULL)
        return err_nomem(err, facts->name);
    fields[0] = (struct field){.id = FIRST_FIELD_ID,
                               .name = FIELD_1X_KEY,
                               .description = "",
                               .type = FIELD_INT64,
                               .is_primary = true,
                               .is_auto_id = facts->has_auto_ids,
                               .params = "{}"};
    fields[1] = (struct field){.id = FIRST_FIELD_ID + 1,
                               .name = FIELD_1X_VECTOR,
                               .description = "",
                               .type = metric_is_binary(facts->metric) ? FIELD_BINARY_VECTOR
                                                                       : FIELD_FLOAT_VECTOR,
                               .dim = facts->dim,
                               .params = "{}"};
    metrics[1] = facts->metric;
    *index = (struct declared_index){
        .id = 1,
        .name = FIELD_1X_VECTOR,
        .field = FIELD_1X_VECTOR,
        .params = arena_printf(arena, "{\"index_type\":\"AUTOINDEX\",\"metric_type\":\"%s\"}",
                               metric_name(facts->metric)),
        .metric = facts->metric,
        .created_us = facts->created_us};
    info->schema = (struct schema){.fields = fields, .field_count = 2, .description = ""};
    info->metrics = metrics;
    info->indexes = index;
    info->index_count = 1;
    info->properties = "{}";
    info->state = "";
    info->consistency = CONSISTENCY_BOUNDED;
    info->shards = 1;
    info->is_loaded = true;
    info->is_1x = true;
    info->updated_us = facts->created_us;
    return index->params != NULL ? ERR_OK : err_nomem(err, facts->name);
}

/* ------------------------------------------------------------------ what the catalog says */

static enum err_code read_detail(struct sql *sql, int64_t id, struct arena *arena,
                                 struct collection_info *info, bool *ret_found, struct err *err)
{
    struct sql_statement *statement = NULL;
    struct texts texts = {.arena = arena};
    enum err_code code = sql_prepare(
        sql,
        "SELECT description, properties, state, consistency, shards, partition_keys, is_loaded,"
        " is_1x, updated_us, has_dynamic FROM detail WHERE collection = ?1",
        &statement, err);
    if (code == ERR_OK) {
        sql_bind_int(statement, 1, id);
        code = sql_step(statement, ret_found, err);
    }
    if (code == ERR_OK && *ret_found) {
        info->schema.description = take_text(&texts, statement, 0);
        info->properties = take_text(&texts, statement, 1);
        info->state = take_text(&texts, statement, 2);
        info->consistency = sql_column_int(statement, 3);
        info->shards = (size_t)sql_column_int(statement, 4);
        info->partition_keys = (size_t)sql_column_int(statement, 5);
        info->is_loaded = sql_column_int(statement, 6) != 0;
        info->is_1x = sql_column_int(statement, 7) != 0;
        info->updated_us = sql_column_int(statement, 8);
        info->schema.has_dynamic = sql_column_int(statement, 9) != 0;
    }
    if (code == ERR_OK && texts.failed)
        code = err_nomem(err, sql_path(sql));
    sql_finalize(statement);
    return code;
}

static bool read_size(struct sql_statement *statement, int column, size_t *ret_size)
{
    const int64_t value = sql_column_int(statement, column);
    *ret_size = value >= 0 && value <= UINT32_MAX ? (size_t)value : 0;
    return value >= 0 && value <= UINT32_MAX;
}

static bool read_field(struct sql_statement *statement, struct texts *texts, struct field *field,
                       enum metric_type *metric)
{
    const int64_t flags = sql_column_int(statement, 8);
    const int64_t metric_number = sql_column_int(statement, 11);
    *field = (struct field){
        .id = sql_column_int(statement, 0),
        .name = take_text(texts, statement, 1),
        .description = take_text(texts, statement, 2),
        .type = (enum field_type)sql_column_int(statement, 3),
        .element = (enum field_type)sql_column_int(statement, 4),
        .is_primary = (flags & FIELD_FLAG_PRIMARY) != 0,
        .is_auto_id = (flags & FIELD_FLAG_AUTO_ID) != 0,
        .is_partition_key = (flags & FIELD_FLAG_PARTITION_KEY) != 0,
        .is_clustering_key = (flags & FIELD_FLAG_CLUSTERING_KEY) != 0,
        .is_nullable = (flags & FIELD_FLAG_NULLABLE) != 0,
        .is_dynamic = (flags & FIELD_FLAG_DYNAMIC) != 0,
        .default_value = sql_column_is_null(statement, 9) ? NULL : take_text(texts, statement, 9),
        .params = take_text(texts, statement, 10)};
    *metric = metric_number > METRIC_NONE && metric_number < METRIC_COUNT
                  ? (enum metric_type)metric_number
                  : METRIC_NONE;
    return read_size(statement, 5, &field->dim) && read_size(statement, 6, &field->max_length) &&
           read_size(statement, 7, &field->max_capacity) &&
           field_type_is_vector(field->type) == (*metric != METRIC_NONE);
}

/* Fields in order; their number in schema->field_count. */
static enum err_code read_field_rows(struct sql_statement *statement, struct texts *texts,
                                     struct schema *schema, struct field *fields,
                                     enum metric_type *metrics, struct err *err)
{
    bool has_row = true;
    schema->primary = SIZE_MAX;
    for (;;) {
        const enum err_code code = sql_step(statement, &has_row, err);
        if (code != ERR_OK || !has_row)
            return code;
        const size_t at = schema->field_count;
        if (at > SCHEMA_FIELDS_MAX || !read_field(statement, texts, &fields[at], &metrics[at]))
            return err_set(err, ERR_CORRUPT, "field %zu is not possible", at);
        if (fields[at].is_primary)
            schema->primary = at;
        schema->field_count++;
    }
}

static enum err_code read_fields(struct sql *sql, int64_t id, struct arena *arena,
                                 struct collection_info *info, struct err *err)
{
    struct sql_statement *statement = NULL;
    struct texts texts = {.arena = arena};
    struct field *fields = arena_array(arena, SCHEMA_FIELDS_MAX + 1, sizeof *fields);
    enum metric_type *metrics = arena_array(arena, SCHEMA_FIELDS_MAX + 1, sizeof *metrics);
    if (fields == NULL || metrics == NULL)
        return err_nomem(err, sql_path(sql));
    enum err_code code =
        sql_prepare(sql,
                    "SELECT id, name, description, type, element, dim, max_length, max_capacity,"
                    " flags, default_value, params, metric FROM field WHERE collection = ?1"
                    " ORDER BY ord",
                    &statement, err);
    if (code == ERR_OK) {
        sql_bind_int(statement, 1, id);
        code = read_field_rows(statement, &texts, &info->schema, fields, metrics, err);
    }
    sql_finalize(statement);
    if (code == ERR_OK && texts.failed)
        return err_nomem(err, sql_path(sql));
    info->schema.fields = fields;
    info->metrics = metrics;
    if (code == ERR_OK && schema_check(&info->schema, err) != ERR_OK)
        code = err_recode(err, ERR_CORRUPT);
    return code == ERR_CORRUPT ? err_wrap(err, "%s: collection %" PRId64, sql_path(sql), id) : code;
}

static enum err_code count_of(struct sql *sql, const char *statement, int64_t id, size_t max,
                              size_t *ret_count, struct err *err)
{
    struct catalog_answer answer = {0};
    const enum err_code code = catalog_ask(sql, &answer, err, statement, "i", id);
    if (code == ERR_OK && (answer.value < 0 || (uint64_t)answer.value > max))
        return err_set(err, ERR_CORRUPT, "%s: %" PRId64 " entries found, at most %zu expected",
                       sql_path(sql), answer.value, max);
    *ret_count = (size_t)answer.value;
    return code;
}

static enum err_code read_indexes(struct sql *sql, int64_t id, struct arena *arena,
                                  struct collection_info *info, struct err *err)
{
    struct sql_statement *statement = NULL;
    struct texts texts = {.arena = arena};
    size_t total = 0;
    enum err_code code = count_of(sql, "SELECT count(*) FROM declared_index WHERE collection = ?1",
                                  id, INDEXES_MAX, &total, err);
    struct declared_index *indexes = arena_array(arena, total + 1, sizeof *indexes);
    if (code == ERR_OK && indexes == NULL)
        code = err_nomem(err, sql_path(sql));
    if (code == ERR_OK)
        code = sql_prepare(sql,
                           "SELECT id, name, field, params, metric, created_us FROM"
                           " declared_index WHERE collection = ?1 ORDER BY id",
                           &statement, err);
    if (code == ERR_OK)
        sql_bind_int(statement, 1, id);
    bool has_row = true;
    while (code == ERR_OK && has_row && info->index_count < total) {
        code = sql_step(statement, &has_row, err);
        if (code == ERR_OK && has_row)
            indexes[info->index_count++] =
                (struct declared_index){.id = sql_column_int(statement, 0),
                                        .name = take_text(&texts, statement, 1),
                                        .field = take_text(&texts, statement, 2),
                                        .params = take_text(&texts, statement, 3),
                                        .metric = (enum metric_type)sql_column_int(statement, 4),
                                        .created_us = sql_column_int(statement, 5)};
    }
    sql_finalize(statement);
    info->indexes = indexes;
    return code == ERR_OK && texts.failed ? err_nomem(err, sql_path(sql)) : code;
}

static enum err_code read_aliases(struct sql *sql, int64_t id, struct arena *arena,
                                  struct collection_info *info, struct err *err)
{
    struct sql_statement *statement = NULL;
    size_t total = 0;
    enum err_code code = count_of(sql, "SELECT count(*) FROM alias WHERE collection = ?1", id,
                                  ALIASES_MAX, &total, err);
    const char **aliases = arena_array(arena, total + 1, sizeof *aliases);
    if (code == ERR_OK && aliases == NULL)
        code = err_nomem(err, sql_path(sql));
    if (code == ERR_OK)
        code = sql_prepare(sql, "SELECT name FROM alias WHERE collection = ?1 ORDER BY name",
                           &statement, err);
    if (code == ERR_OK)
        sql_bind_int(statement, 1, id);
    bool has_row = true;
    while (code == ERR_OK && has_row && info->alias_count < total) {
        code = sql_step(statement, &has_row, err);
        if (code != ERR_OK || !has_row)
            break;
        const char *database = NULL;
        const char *name = catalog_split_name(sql_column_text(statement, 0), arena, &database);
        if (name == NULL || (aliases[info->alias_count++] = arena_strdup(arena, name)) == NULL)
            code = err_nomem(err, sql_path(sql));
    }
    sql_finalize(statement);
    info->aliases = aliases;
    return code;
}

/* The first vector stands twice: in `collection`, for whoever knows one vector only, and here. */
static enum err_code check_vector(struct sql *sql, const struct collection_facts *facts,
                                  const struct collection_info *info, struct err *err)
{
    size_t first = 0;
    while (!field_type_is_vector(info->schema.fields[first].type))
        first++;
    const struct field *field = &info->schema.fields[first];
    if (field->dim == facts->dim && info->metrics[first] == facts->metric &&
        metric_is_binary(facts->metric) == (field->type == FIELD_BINARY_VECTOR))
        return ERR_OK;
    return err_set(err, ERR_CORRUPT, "%s: collection %s: field %s is not the vector it should be",
                   sql_path(sql), facts->name, field->name);
}

enum err_code catalog_info_load(struct sql *sql, int64_t id, const struct collection_facts *facts,
                                struct arena *arena, struct collection_info *ret_info,
                                struct err *err)
{
    struct collection_info info = {.id = id, .created_us = facts->created_us};
    bool has_rows = false;
    bool found = false;
    info.name = catalog_split_name(facts->name, arena, &info.database);
    enum err_code code =
        info.name != NULL ? catalog_has_rows(sql, &has_rows, err) : err_nomem(err, facts->name);
    if (code == ERR_OK && has_rows)
        code = read_detail(sql, id, arena, &info, &found, err);
    if (code == ERR_OK && !found)
        code = make_1x(facts, arena, &info, err);
    if (code == ERR_OK && found)
        code = read_fields(sql, id, arena, &info, err);
    if (code == ERR_OK && found)
        code = check_vector(sql, facts, &info, err);
    if (code == ERR_OK && found)
        code = read_indexes(sql, id, arena, &info, err);
    if (code == ERR_OK && has_rows)
        code = read_aliases(sql, id, arena, &info, err);
    if (code == ERR_OK)
        *ret_info = info;
    return code;
}
