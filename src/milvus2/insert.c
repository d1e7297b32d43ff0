/* insert.c: rows into a collection; see insert.h. Wording: Milvus's proxy. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bitmap.h"
#include "milvus2/insert.h"
#include "milvus2/names.h"
#include "milvus2/partial.h"
#include "milvus2/partitions.h"
#include "milvus2/properties.h"
#include "milvus2/values.h"

static bool spread_plain(struct op *op, const struct column *compact, const uint64_t *valid,
                         size_t rows, struct column *column)
{
    uint8_t *values = op_array(op, rows > 0 ? rows : 1, compact->width);
    const uint8_t *from = compact->values;
    if (values == NULL)
        return false;
    for (size_t row = 0; row < rows; row++)
        if (bitmap_get(valid, row)) {
            memcpy(values + row * compact->width, from, compact->width);
            from += compact->width;
        }
    column->values = values;
    return true;
}

static bool spread_variable(struct op *op, const struct column *compact, const uint64_t *valid,
                            size_t rows, struct column *column)
{
    uint64_t *offsets = op_array(op, rows + 1, sizeof *offsets);
    size_t from = 0;
    if (offsets == NULL)
        return false;
    for (size_t row = 0; row < rows; row++) {
        from += bitmap_get(valid, row);
        offsets[row + 1] = compact->offsets[from];
    }
    column->offsets = offsets;
    return true;
}

bool columns_spread(struct op *op, const char *field, const struct column *compact,
                    const uint64_t *valid, size_t rows, struct column *ret_column)
{
    const size_t present = valid != NULL ? bitmap_count(valid, rows) : rows;
    *ret_column = *compact;
    ret_column->valid = valid;
    if (compact->rows == rows)
        return true;
    if (compact->rows != present) {
        const char *expected = op_printf(op, "%zu", rows);
        const char *actual = op_printf(op, "%zu", compact->rows);
        return expected != NULL && actual != NULL &&
               status_expected(&op->status, expected, actual,
                               "the num_rows (%zu) of field (%s) is not equal to passed num_rows "
                               "(%zu)",
                               compact->rows, field, rows);
    }
    ret_column->rows = rows;
    return field_type_is_variable(compact->type)
               ? spread_variable(op, compact, valid, rows, ret_column)
               : spread_plain(op, compact, valid, rows, ret_column);
}

/* One empty object a row, for rows that came without dynamic keys. */
static bool fill_dynamic(struct op *op, size_t rows, struct column *column)
{
    uint64_t *offsets = op_array(op, rows + 1, sizeof *offsets);
    uint8_t *bytes = op_array(op, rows, 2);
    if (offsets == NULL || bytes == NULL)
        return false;
    for (size_t row = 0; row < rows; row++) {
        memcpy(bytes + 2 * row, "{}", 2);
        offsets[row + 1] = 2 * (row + 1);
    }
    *column = (struct column){.type = FIELD_JSON, .rows = rows, .offsets = offsets, .bytes = bytes};
    return true;
}

static bool allows_given_ids(struct op *op, const struct view *view, bool *ret_allows)
{
    struct pair_list properties;
    if (!properties_list(op, view->info->properties, &properties))
        return false;
    const char *value = pairs_get(&properties, "allow_insert_auto_id");
    *ret_allows = value != NULL && number_parse_bool(value);
    return true;
}

static bool check_key(struct op *op, const struct view *view, const struct insert_request *request)
{
    const struct field *key = &view->schema.fields[view->schema.primary];
    const bool is_given = request->columns[view->schema.primary].type != FIELD_NONE;
    bool allows;
    if (!is_given && (request->is_upsert || !key->is_auto_id))
        return status_wrap(&op->status, MILVUS_INVALID,
                           "fieldSchema(%s) has no corresponding fieldData pass in", key->name);
    if (!is_given || request->is_upsert || !key->is_auto_id)
        return true;
    if (!allows_given_ids(op, view, &allows))
        return false;
    return allows ||
           status_wrap(&op->status, MILVUS_INVALID,
                       "can not assign primary field data when auto id enabled %s", key->name);
}

bool rows_check(struct op *op, const struct view *view, struct insert_request *request)
{
    for (size_t i = 0; i < view->schema.field_count; i++) {
        const struct field *field = &view->schema.fields[i];
        struct column *column = &request->columns[i];
        if (column->type == FIELD_NONE) {
            if (field->is_dynamic && !fill_dynamic(op, request->rows, column))
                return false;
            if (!field->is_dynamic && i != view->schema.primary && !field->is_nullable &&
                field->default_value == NULL)
                return status_wrap(&op->status, MILVUS_INVALID,
                                   "fieldSchema(%s) has no corresponding fieldData pass in",
                                   field->name);
            continue;
        }
        if (!values_check(op, field, column))
            return false;
    }
    return check_key(op, view, request);
}

/* Keys that the engine made: they count up. */
static bool made_ids(struct op *op, const struct field *key, int64_t first, size_t rows,
                     struct column *ret_ids)
{
    if (key->type == FIELD_INT64) {
        int64_t *values = op_array(op, rows, sizeof *values);
        for (size_t i = 0; values != NULL && i < rows; i++)
            values[i] = first + (int64_t)i;
        *ret_ids = (struct column){.type = FIELD_INT64, .width = 8, .rows = rows, .values = values};
        return values != NULL;
    }
    uint64_t *offsets = op_array(op, rows + 1, sizeof *offsets);
    char *bytes = op_array(op, rows, 21);
    if (offsets == NULL || bytes == NULL)
        return false;
    for (size_t i = 0; i < rows; i++)
        offsets[i + 1] =
            offsets[i] + (uint64_t)snprintf(bytes + offsets[i], 21, "%" PRId64, first + (int64_t)i);
    *ret_ids = (struct column){
        .type = FIELD_VARCHAR, .rows = rows, .offsets = offsets, .bytes = (const uint8_t *)bytes};
    return true;
}

/* Into which stored partition; NULL: the default one. */
static bool choose_partition(struct op *op, const struct view *view, const char *name,
                             const char **ret_tag)
{
    *ret_tag = NULL;
    if (name == NULL || name[0] == '\0')
        return true;
    if (view->info->partition_keys > 0)
        return status_fail(&op->status, MILVUS_ERROR,
                           "not support manually specifying the partition names if partition key "
                           "mode is used");
    return partitions_tag(op, view, name, ret_tag);
}

bool rows_insert(struct op *op, const struct view *view, struct insert_request *request,
                 struct insert_answer *ret_answer)
{
    struct err err;
    struct mutation_result result;
    const size_t primary = view->schema.primary;
    const struct field *key = &view->schema.fields[primary];
    struct row_batch batch = {.rows = request->rows,
                              .columns = request->columns,
                              .column_count = view->schema.field_count};
    if (request->rows == 0)
        return status_expected(&op->status, "invalid num_rows", "0",
                               "num_rows should be greater than 0");
    if (!choose_partition(op, view, request->partition, &batch.partition))
        return false;
    if (request->is_partial && request->columns[primary].type != FIELD_NONE &&
        !partial_complete(op, view, request))
        return false;
    if (!rows_check(op, view, request))
        return false;
    struct mutation mutation = {.insert = &batch};
    const struct column given = request->columns[primary];
    const bool makes_ids = key->is_auto_id && (request->is_upsert || given.type == FIELD_NONE);
    if (request->is_upsert && key->is_auto_id) {
        mutation.delete_keys = &given;
        request->columns[primary] = (struct column){.type = FIELD_NONE};
    }
    const enum err_code code = writer_apply(op->writer, view_name(view), &mutation, &result, &err);
    if (!op_engine_for(op, code, &err, view->info->name))
        return false;
    *ret_answer =
        (struct insert_answer){.ids = given, .rows = request->rows, .timestamp = op_now()};
    return !makes_ids || made_ids(op, key, result.first_id, request->rows, &ret_answer->ids);
}
