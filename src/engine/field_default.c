/* field_default.c: see field_default.h. */
#include "engine/field_default.h"

#include <string.h>

#include "base/bitmap.h"
#include "base/json.h"

#define VALUE_SIZE_MAX 65536

/* The bytes of one value. */
struct value {
    uint8_t *bytes;
    size_t size;
    bool is_null;
};

static void *room(void *block, size_t *size, size_t wanted)
{
    if (wanted <= *size && block != NULL)
        return block;
    void *larger = mem_aligned(wanted + 8, 1);
    if (larger == NULL)
        return NULL;
    mem_free(block);
    *size = wanted;
    return larger;
}

uint8_t *rows_scratch_values(struct rows_scratch *scratch, size_t size)
{
    void *block = room(scratch->values, &scratch->values_size, size);
    if (block != NULL)
        scratch->values = block;
    return block;
}

uint64_t *rows_scratch_offsets(struct rows_scratch *scratch, size_t count)
{
    void *block = room(scratch->offsets, &scratch->offsets_size, count * sizeof(uint64_t));
    if (block != NULL)
        scratch->offsets = block;
    return block;
}

uint64_t *rows_scratch_valid(struct rows_scratch *scratch, size_t rows)
{
    void *block =
        room(scratch->valid, &scratch->valid_size, (bitmap_words(rows) + 1) * sizeof(uint64_t));
    if (block != NULL)
        scratch->valid = block;
    return block;
}

static enum err_code store_int(const struct field *field, int64_t number, struct value *value,
                               struct err *err)
{
    const size_t width = field_type_width(field->type, 0);
    const int bits = (int)width * 8;
    if (width < 8 && (number < -((int64_t)1 << (bits - 1)) || number >= (int64_t)1 << (bits - 1)))
        return err_set(err, ERR_INVALID, "field %s: its default does not fit into %s", field->name,
                       field_type_name(field->type));
    memcpy(value->bytes, &number, width); /* little-endian */
    value->size = width;
    return ERR_OK;
}

static enum err_code store_number(const struct field *field, const struct json *json,
                                  struct value *value, struct err *err)
{
    if (field->type == FIELD_FLOAT) {
        const float number = (float)js_number(json, 0);
        memcpy(value->bytes, &number, sizeof number);
        value->size = sizeof number;
        return ERR_OK;
    }
    if (field->type == FIELD_DOUBLE) {
        const double number = js_number(json, 0);
        memcpy(value->bytes, &number, sizeof number);
        value->size = sizeof number;
        return ERR_OK;
    }
    return store_int(field, js_int(json, 0), value, err);
}

static enum err_code store(const struct field *field, const struct json *json, struct value *value,
                           struct err *err)
{
    const bool is_float = field->type == FIELD_FLOAT || field->type == FIELD_DOUBLE;
    if (field->type == FIELD_VARCHAR && js_is_string(json)) {
        const char *text = js_string(json, "");
        value->size = strlen(text);
        if (value->size > VALUE_SIZE_MAX)
            return err_set(err, ERR_INVALID, "field %s: its default is too long", field->name);
        memcpy(value->bytes, text, value->size);
        return ERR_OK;
    }
    if (field->type == FIELD_BOOL) {
        value->bytes[0] = js_is_true(json) || js_int(json, 0) != 0;
        value->size = 1;
        return ERR_OK;
    }
    if (!field_type_is_variable(field->type) && !field_type_is_vector(field->type) &&
        (is_float ? js_is_number(json) : js_is_int(json)))
        return store_number(field, json, value, err);
    return err_set(err, ERR_INVALID, "field %s: its default is no %s", field->name,
                   field_type_name(field->type));
}

static enum err_code parse(const struct field *field, struct value *value, struct err *err)
{
    if (field->default_value == NULL && field->is_dynamic) {
        memcpy(value->bytes, "{}", 2);
        value->size = 2;
        return ERR_OK;
    }
    if (field->default_value == NULL) {
        value->is_null = true;
        if (field->is_nullable)
            return ERR_OK;
        return err_set(err, ERR_INVALID, "field %s: no value is given, and it has no default",
                       field->name);
    }
    if (field->type == FIELD_JSON) {
        value->size = strlen(field->default_value);
        if (value->size > VALUE_SIZE_MAX)
            return err_set(err, ERR_INVALID, "field %s: its default is too long", field->name);
        memcpy(value->bytes, field->default_value, value->size);
        return ERR_OK;
    }
    struct json *json = NULL;
    enum err_code code = js_parse(field->default_value, strlen(field->default_value), &json, err);
    if (code == ERR_CORRUPT)
        return err_recode(err, ERR_INVALID);
    if (code == ERR_OK)
        code = store(field, json, value, err);
    js_free(json);
    return code;
}

/* Rows of the value, one after another. */
static bool fill(const struct field *field, const struct value *value, size_t rows,
                 struct rows_scratch *scratch, struct column *column)
{
    const bool is_variable = field_type_is_variable(field->type);
    const size_t width = is_variable ? value->size : field_type_width(field->type, field->dim);
    uint8_t *values = rows_scratch_values(scratch, rows * width + 1);
    uint64_t *offsets = is_variable ? rows_scratch_offsets(scratch, rows + 1) : NULL;
    if (values == NULL || (is_variable && offsets == NULL))
        return false;
    for (size_t r = 0; r < rows && width > 0; r++)
        memcpy(values + r * width, value->bytes, width);
    for (size_t r = 0; is_variable && r <= rows; r++)
        offsets[r] = r * width;
    *column = (struct column){.type = field->type,
                              .element = field->element,
                              .width = is_variable ? 0 : width,
                              .rows = rows,
                              .values = is_variable ? NULL : values,
                              .offsets = offsets,
                              .bytes = is_variable ? values : NULL};
    if (!value->is_null)
        return true;
    uint64_t *valid = rows_scratch_valid(scratch, rows);
    if (valid != NULL)
        memset(valid, 0, (bitmap_words(rows) + 1) * sizeof *valid);
    column->valid = valid;
    return valid != NULL;
}

enum err_code field_default_column(const struct field *field, size_t rows,
                                   struct rows_scratch *scratch, struct column *ret_column,
                                   struct err *err)
{
    struct value value = {.bytes = mem_zalloc(VALUE_SIZE_MAX, 1)};
    if (value.bytes == NULL)
        return err_nomem(err, field->name);
    enum err_code code = parse(field, &value, err);
    if (code == ERR_OK && !fill(field, &value, rows, scratch, ret_column))
        code = err_nomem(err, field->name);
    mem_free(value.bytes);
    return code;
}
