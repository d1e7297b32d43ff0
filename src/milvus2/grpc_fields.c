/* grpc_fields.c: see grpc_fields.h. */
#include <inttypes.h>
#include <string.h>

#include "base/bitmap.h"
#include "milvus2/grpc_fields.h"
#include "milvus2/insert.h"
#include "milvus2/refused.h"

/* ---- From the wire ---- */

static bool mismatch(struct op *op, const struct field *field)
{
    const char *expected = op_printf(op, "need %s data", field_type_name(field->type));
    return expected != NULL &&
           status_expected(&op->status, expected, "got another type",
                           "the data type of field (%s) is not the one of its schema", field->name);
}

/* Validity may stand at three places; the innermost counts. */
static bool read_valid(struct op *op, const struct field *field, const Mv__FieldData *data,
                       size_t rows, const uint64_t **ret_valid)
{
    const protobuf_c_boolean *flags = data->valid_data;
    size_t count = data->n_valid_data;
    if (data->field_case == MV__FIELD_DATA__FIELD_SCALARS && data->scalars->n_valid_data > 0) {
        flags = data->scalars->valid_data;
        count = data->scalars->n_valid_data;
    } else if (data->field_case == MV__FIELD_DATA__FIELD_VECTORS &&
               data->vectors->n_valid_data > 0) {
        flags = data->vectors->valid_data;
        count = data->vectors->n_valid_data;
    }
    *ret_valid = NULL;
    if (count == 0)
        return true;
    if (count != rows) {
        const char *expected = op_printf(op, "%zu", rows);
        const char *actual = op_printf(op, "%zu", count);
        return expected != NULL && actual != NULL &&
               status_expected(&op->status, expected, actual,
                               "the length of valid_data of field(%s) is wrong", field->name);
    }
    uint64_t *valid = op_bitmap(op, rows);
    if (valid == NULL)
        return false;
    for (size_t i = 0; i < rows; i++)
        if (flags[i])
            bitmap_set(valid, i);
    *ret_valid = bitmap_count(valid, rows) < rows ? valid : NULL;
    return true;
}

static bool read_bools(struct op *op, const Mv__BoolArray *array, struct column *column)
{
    uint8_t *values = op_array(op, array->n_data, 1);
    for (size_t i = 0; values != NULL && i < array->n_data; i++)
        values[i] = array->data[i] != 0;
    column->values = values;
    column->rows = array->n_data;
    return values != NULL;
}

/* 32-bit integers of the wire in the field's own width. */
static bool read_ints(struct op *op, const struct field *field, const Mv__IntArray *array,
                      struct column *column)
{
    const int32_t most = column->width == 1 ? INT8_MAX : column->width == 2 ? INT16_MAX : INT32_MAX;
    uint8_t *values = op_array(op, array->n_data, column->width);
    if (values == NULL)
        return false;
    for (size_t i = 0; i < array->n_data; i++) {
        if (array->data[i] > most || array->data[i] < -most - 1)
            return status_expected(&op->status, "integer doesn't overflow", "out of range",
                                   "field (%s): the %zuth element (%" PRId32
                                   ") out of range: [%" PRId32 ", %" PRId32 "]",
                                   field->name, i, array->data[i], -most - 1, most);
        memcpy(values + i * column->width, &array->data[i], column->width);
    }
    column->values = values;
    column->rows = array->n_data;
    return true;
}

static bool read_strings(struct op *op, const Mv__BytesArray *array, struct column *column)
{
    size_t size = 0;
    for (size_t i = 0; i < array->n_data; i++)
        size += array->data[i].len;
    uint64_t *offsets = op_array(op, array->n_data + 1, sizeof *offsets);
    uint8_t *bytes = op_array(op, size, 1);
    if (offsets == NULL || bytes == NULL)
        return false;
    for (size_t i = 0; i < array->n_data; i++) {
        if (array->data[i].len > 0)
            memcpy(bytes + offsets[i], array->data[i].data, array->data[i].len);
        offsets[i + 1] = offsets[i] + array->data[i].len;
    }
    column->offsets = offsets;
    column->bytes = bytes;
    column->rows = array->n_data;
    return true;
}

static bool read_scalar(struct op *op, const struct field *field, const Mv__ScalarField *data,
                        struct column *column)
{
    switch (column->type) {
    case FIELD_BOOL:
        return data->data_case == MV__SCALAR_FIELD__DATA_BOOL_DATA
                   ? read_bools(op, data->bool_data, column)
                   : mismatch(op, field);
    case FIELD_INT8:
    case FIELD_INT16:
    case FIELD_INT32:
        return data->data_case == MV__SCALAR_FIELD__DATA_INT_DATA
                   ? read_ints(op, field, data->int_data, column)
                   : mismatch(op, field);
    case FIELD_INT64:
        if (data->data_case != MV__SCALAR_FIELD__DATA_LONG_DATA)
            return mismatch(op, field);
        column->values = data->long_data->data;
        column->rows = data->long_data->n_data;
        return true;
    case FIELD_FLOAT:
        if (data->data_case != MV__SCALAR_FIELD__DATA_FLOAT_DATA)
            return mismatch(op, field);
        column->values = data->float_data->data;
        column->rows = data->float_data->n_data;
        return true;
    case FIELD_DOUBLE:
        if (data->data_case != MV__SCALAR_FIELD__DATA_DOUBLE_DATA)
            return mismatch(op, field);
        column->values = data->double_data->data;
        column->rows = data->double_data->n_data;
        return true;
    default:
        break;
    }
    if (column->type == FIELD_VARCHAR && data->data_case == MV__SCALAR_FIELD__DATA_STRING_DATA)
        return read_strings(op, data->string_data, column);
    if (column->type == FIELD_JSON && data->data_case == MV__SCALAR_FIELD__DATA_JSON_DATA)
        return read_strings(op, data->json_data, column);
    return mismatch(op, field);
}

/* The elements of one array in the form that columns have them. */
static bool encode_array(struct op *op, const struct field *field, const Mv__ScalarField *data,
                         struct bytes *ret_bytes)
{
    struct column elements = {.type = field->element, .width = field_type_width(field->element, 0)};
    *ret_bytes = (struct bytes){NULL, 0};
    if (data->data_case == MV__SCALAR_FIELD__DATA__NOT_SET)
        return true;
    if (!read_scalar(op, field, data, &elements))
        return false;
    if (field->element != FIELD_VARCHAR) {
        *ret_bytes = (struct bytes){elements.values, elements.rows * elements.width};
        return true;
    }
    uint8_t *bytes = op_array(op, elements.rows * 4 + (size_t)elements.offsets[elements.rows], 1);
    size_t at = 0;
    for (size_t i = 0; bytes != NULL && i < elements.rows; i++) {
        size_t size;
        const uint8_t *text = column_bytes(&elements, i, &size);
        put_u32(bytes + at, (uint32_t)size);
        if (size > 0)
            memcpy(bytes + at + 4, text, size);
        at += 4 + size;
    }
    *ret_bytes = (struct bytes){bytes, at};
    return bytes != NULL;
}

static bool read_arrays(struct op *op, const struct field *field, const Mv__ArrayArray *array,
                        struct column *column)
{
    struct bytes *rows = op_array(op, array->n_data, sizeof *rows);
    uint64_t *offsets = op_array(op, array->n_data + 1, sizeof *offsets);
    if (rows == NULL || offsets == NULL)
        return false;
    for (size_t i = 0; i < array->n_data; i++) {
        if (!encode_array(op, field, array->data[i], &rows[i]))
            return false;
        offsets[i + 1] = offsets[i] + rows[i].size;
    }
    uint8_t *bytes = op_array(op, (size_t)offsets[array->n_data], 1);
    for (size_t i = 0; bytes != NULL && i < array->n_data; i++)
        if (rows[i].size > 0)
            memcpy(bytes + offsets[i], rows[i].data, rows[i].size);
    column->offsets = offsets;
    column->bytes = bytes;
    column->rows = array->n_data;
    return bytes != NULL;
}

static bool vector_bytes(const Mv__VectorField *data, enum field_type type, struct bytes *ret_bytes)
{
    static const struct {
        enum field_type type;
        Mv__VectorField__DataCase which;
    } cases[] = {{FIELD_BINARY_VECTOR, MV__VECTOR_FIELD__DATA_BINARY_VECTOR},
                 {FIELD_FLOAT16_VECTOR, MV__VECTOR_FIELD__DATA_FLOAT16_VECTOR},
                 {FIELD_BFLOAT16_VECTOR, MV__VECTOR_FIELD__DATA_BFLOAT16_VECTOR},
                 {FIELD_INT8_VECTOR, MV__VECTOR_FIELD__DATA_INT8_VECTOR}};
    if (type == FIELD_FLOAT_VECTOR && data->data_case == MV__VECTOR_FIELD__DATA_FLOAT_VECTOR) {
        *ret_bytes = (struct bytes){(const uint8_t *)data->float_vector->data,
                                    data->float_vector->n_data * sizeof(float)};
        return true;
    }
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (cases[i].type == type && cases[i].which == data->data_case) {
            /* The members of the union have one type. */
            *ret_bytes = (struct bytes){data->binary_vector.data, data->binary_vector.len};
            return true;
        }
    return false;
}

static bool read_vectors(struct op *op, const struct field *field, const Mv__VectorField *data,
                         struct column *column)
{
    struct bytes bytes;
    if (!vector_bytes(data, field->type, &bytes))
        return mismatch(op, field);
    if ((data->dim > 0 && (uint64_t)data->dim != field->dim) || bytes.size % column->width != 0) {
        const char *expected = op_printf(op, "%zu", field->dim);
        const char *actual = op_printf(op, "%" PRId64, data->dim);
        return expected != NULL && actual != NULL &&
               status_expected(&op->status, expected, actual,
                               "the dim (%" PRId64 ") of field data(%s) is not equal to schema dim "
                               "(%zu)",
                               data->dim, field->name, field->dim);
    }
    column->values = bytes.data;
    column->rows = bytes.size / column->width;
    return true;
}

/* Some clients send no bytes at all for a JSON value that is not there, and call it valid: it is
 * JSON's null then. */
static bool fill_json(struct op *op, struct column *column)
{
    static const char null_text[] = "null";
    const size_t width = sizeof null_text - 1;
    size_t missing = 0;
    for (size_t i = 0; i < column->rows; i++)
        missing += column->offsets[i] == column->offsets[i + 1] && !column_is_null(column, i);
    if (missing == 0)
        return true;
    uint64_t *offsets = op_array(op, column->rows + 1, sizeof *offsets);
    uint8_t *bytes = op_array(op, (size_t)column->offsets[column->rows] + missing * width, 1);
    if (offsets == NULL || bytes == NULL)
        return false;
    for (size_t i = 0; i < column->rows; i++) {
        size_t size;
        const uint8_t *from = column_bytes(column, i, &size);
        if (size == 0 && !column_is_null(column, i)) {
            from = (const uint8_t *)null_text;
            size = width;
        }
        if (size > 0)
            memcpy(bytes + offsets[i], from, size);
        offsets[i + 1] = offsets[i] + size;
    }
    column->offsets = offsets;
    column->bytes = bytes;
    return true;
}

bool grpc_column(struct op *op, const struct field *field, const Mv__FieldData *data, size_t rows,
                 struct column *ret_column)
{
    const uint64_t *valid;
    struct column compact = {.type = field->type,
                             .element = field->element,
                             .width = field_type_width(field->type, field->dim)};
    if (!read_valid(op, field, data, rows, &valid))
        return false;
    bool is_good = true;
    if (field_type_is_vector(field->type))
        is_good = data->field_case == MV__FIELD_DATA__FIELD_VECTORS
                      ? read_vectors(op, field, data->vectors, &compact)
                      : mismatch(op, field);
    else if (data->field_case != MV__FIELD_DATA__FIELD_SCALARS ||
             data->scalars->data_case == MV__SCALAR_FIELD__DATA__NOT_SET) {
        /* Every row is null: some clients then send no data at all. */
        is_good = data->field_case != MV__FIELD_DATA__FIELD_VECTORS && valid != NULL &&
                          bitmap_count(valid, rows) == 0
                      ? true
                      : mismatch(op, field);
        compact.offsets = op_array(op, 1, sizeof *compact.offsets);
    } else if (field->type == FIELD_ARRAY)
        is_good = data->scalars->data_case == MV__SCALAR_FIELD__DATA_ARRAY_DATA
                      ? read_arrays(op, field, data->scalars->array_data, &compact)
                      : mismatch(op, field);
    else
        is_good = read_scalar(op, field, data->scalars, &compact);
    return is_good && columns_spread(op, field->name, &compact, valid, rows, ret_column) &&
           (field->type != FIELD_JSON || field->is_dynamic || fill_json(op, ret_column));
}

bool grpc_keys(struct op *op, const Mv__IDs *ids, struct column *ret_keys)
{
    *ret_keys = (struct column){.type = FIELD_INT64, .width = 8};
    if (ids->id_field_case == MV__IDS__ID_FIELD_INT_ID) {
        ret_keys->values = ids->int_id->data;
        ret_keys->rows = ids->int_id->n_data;
        return true;
    }
    if (ids->id_field_case != MV__IDS__ID_FIELD_STR_ID)
        return true;
    ret_keys->type = FIELD_VARCHAR;
    ret_keys->width = 0;
    return read_strings(op, ids->str_id, ret_keys);
}

/* ---- To the wire ---- */

static Mv__BytesArray *put_strings(struct op *op, const struct column *column)
{
    Mv__BytesArray *array = grpc_new(op, &mv__bytes_array__descriptor);
    if (array == NULL)
        return NULL;
    array->n_data = column->rows;
    array->data = op_array(op, column->rows, sizeof *array->data);
    for (size_t i = 0; array->data != NULL && i < column->rows; i++) {
        size_t size;
        const uint8_t *bytes = column_bytes(column, i, &size);
        array->data[i] = grpc_bytes(bytes, size);
    }
    return array->data != NULL ? array : NULL;
}

static int32_t small_int(const struct column *column, size_t row)
{
    const uint8_t *at = (const uint8_t *)column->values + row * column->width;
    switch (column->width) {
    case 1:
        return (int8_t)at[0];
    case 2:
        return (int16_t)get_u16(at);
    default:
        return (int32_t)get_u32(at);
    }
}

static bool put_ints(struct op *op, const struct column *column, Mv__ScalarField *scalars)
{
    Mv__IntArray *array = grpc_new(op, &mv__int_array__descriptor);
    int32_t *data = op_array(op, column->rows, sizeof *data);
    if (array == NULL || data == NULL)
        return false;
    for (size_t i = 0; i < column->rows; i++)
        data[i] = small_int(column, i);
    array->n_data = column->rows;
    array->data = data;
    scalars->data_case = MV__SCALAR_FIELD__DATA_INT_DATA;
    scalars->int_data = array;
    return true;
}

static bool put_bools(struct op *op, const struct column *column, Mv__ScalarField *scalars)
{
    Mv__BoolArray *array = grpc_new(op, &mv__bool_array__descriptor);
    protobuf_c_boolean *data = op_array(op, column->rows, sizeof *data);
    if (array == NULL || data == NULL)
        return false;
    for (size_t i = 0; i < column->rows; i++)
        data[i] = ((const uint8_t *)column->values)[i] != 0;
    array->n_data = column->rows;
    array->data = data;
    scalars->data_case = MV__SCALAR_FIELD__DATA_BOOL_DATA;
    scalars->bool_data = array;
    return true;
}

/* Numbers that are on the wire as they are in memory. Array elements may stand unaligned: copied.
 */
static void *plain_copy(struct op *op, const struct column *column)
{
    void *copy = op_array(op, column->rows, column->width);
    if (copy != NULL && column->rows > 0)
        memcpy(copy, column->values, column->rows * column->width);
    return copy;
}

static bool put_longs(struct op *op, const struct column *column, Mv__ScalarField *scalars)
{
    Mv__LongArray *array = grpc_new(op, &mv__long_array__descriptor);
    if (array == NULL || (array->data = plain_copy(op, column)) == NULL)
        return false;
    array->n_data = column->rows;
    scalars->data_case = MV__SCALAR_FIELD__DATA_LONG_DATA;
    scalars->long_data = array;
    return true;
}

static bool put_floats(struct op *op, const struct column *column, Mv__ScalarField *scalars)
{
    Mv__FloatArray *array = grpc_new(op, &mv__float_array__descriptor);
    if (array == NULL || (array->data = plain_copy(op, column)) == NULL)
        return false;
    array->n_data = column->rows;
    scalars->data_case = MV__SCALAR_FIELD__DATA_FLOAT_DATA;
    scalars->float_data = array;
    return true;
}

static bool put_doubles(struct op *op, const struct column *column, Mv__ScalarField *scalars)
{
    Mv__DoubleArray *array = grpc_new(op, &mv__double_array__descriptor);
    if (array == NULL || (array->data = plain_copy(op, column)) == NULL)
        return false;
    array->n_data = column->rows;
    scalars->data_case = MV__SCALAR_FIELD__DATA_DOUBLE_DATA;
    scalars->double_data = array;
    return true;
}

static bool put_scalar(struct op *op, const struct column *column, Mv__ScalarField *scalars)
{
    switch (column->type) {
    case FIELD_BOOL:
        return put_bools(op, column, scalars);
    case FIELD_INT8:
    case FIELD_INT16:
    case FIELD_INT32:
        return put_ints(op, column, scalars);
    case FIELD_INT64:
        return put_longs(op, column, scalars);
    case FIELD_FLOAT:
        return put_floats(op, column, scalars);
    case FIELD_DOUBLE:
        return put_doubles(op, column, scalars);
    case FIELD_VARCHAR:
        scalars->data_case = MV__SCALAR_FIELD__DATA_STRING_DATA;
        return (scalars->string_data = put_strings(op, column)) != NULL;
    default:
        scalars->data_case = MV__SCALAR_FIELD__DATA_JSON_DATA;
        return (scalars->json_data = put_strings(op, column)) != NULL;
    }
}

/* The elements of an array as a column. */
static bool decode_array(struct op *op, enum field_type element, struct bytes bytes,
                         struct column *ret_elements)
{
    *ret_elements = (struct column){.type = element, .width = field_type_width(element, 0)};
    if (element != FIELD_VARCHAR) {
        ret_elements->values = bytes.data;
        ret_elements->rows = bytes.size / ret_elements->width;
        return true;
    }
    uint64_t *offsets = op_array(op, bytes.size / 4 + 1, sizeof *offsets);
    uint8_t *texts = op_array(op, bytes.size, 1);
    if (offsets == NULL || texts == NULL)
        return false;
    size_t count = 0;
    for (size_t at = 0; at + 4 <= bytes.size; count++) {
        const size_t size = get_u32(bytes.data + at);
        if (size > bytes.size - at - 4)
            break;
        memcpy(texts + offsets[count], bytes.data + at + 4, size);
        offsets[count + 1] = offsets[count] + size;
        at += 4 + size;
    }
    ret_elements->rows = count;
    ret_elements->offsets = offsets;
    ret_elements->bytes = texts;
    return true;
}

static bool put_arrays(struct op *op, const struct column *column, Mv__ScalarField *scalars)
{
    Mv__ArrayArray *array = grpc_new(op, &mv__array_array__descriptor);
    if (array == NULL)
        return false;
    array->element_type = (int32_t)column->element;
    array->n_data = column->rows;
    array->data = grpc_new_array(op, &mv__scalar_field__descriptor, column->rows);
    if (array->data == NULL)
        return false;
    for (size_t i = 0; i < column->rows; i++) {
        struct bytes bytes;
        struct column elements;
        bytes.data = column_bytes(column, i, &bytes.size);
        if (!decode_array(op, column->element, bytes, &elements) ||
            !put_scalar(op, &elements, array->data[i]))
            return false;
    }
    scalars->data_case = MV__SCALAR_FIELD__DATA_ARRAY_DATA;
    scalars->array_data = array;
    return true;
}

static bool put_vectors(struct op *op, const struct field *field, const struct column *column,
                        Mv__FieldData *data)
{
    static const Mv__VectorField__DataCase cases[] = {
        [FIELD_BINARY_VECTOR - FIELD_BINARY_VECTOR] = MV__VECTOR_FIELD__DATA_BINARY_VECTOR,
        [FIELD_FLOAT16_VECTOR - FIELD_BINARY_VECTOR] = MV__VECTOR_FIELD__DATA_FLOAT16_VECTOR,
        [FIELD_BFLOAT16_VECTOR - FIELD_BINARY_VECTOR] = MV__VECTOR_FIELD__DATA_BFLOAT16_VECTOR,
        [FIELD_INT8_VECTOR - FIELD_BINARY_VECTOR] = MV__VECTOR_FIELD__DATA_INT8_VECTOR};
    Mv__VectorField *vectors = grpc_new(op, &mv__vector_field__descriptor);
    if (vectors == NULL)
        return false;
    data->field_case = MV__FIELD_DATA__FIELD_VECTORS;
    data->vectors = vectors;
    vectors->dim = (int64_t)field->dim;
    if (column->type != FIELD_FLOAT_VECTOR) {
        vectors->data_case = cases[column->type - FIELD_BINARY_VECTOR];
        vectors->binary_vector = grpc_bytes(column->values, column->rows * column->width);
        return true;
    }
    Mv__FloatArray *array = grpc_new(op, &mv__float_array__descriptor);
    if (array == NULL)
        return false;
    array->n_data = column->rows * field->dim;
    array->data = (uintptr_t)column->values % sizeof(float) == 0
                      ? (float *)(uintptr_t)column->values
                      : plain_copy(op, column);
    vectors->data_case = MV__VECTOR_FIELD__DATA_FLOAT_VECTOR;
    vectors->float_vector = array;
    return array->data != NULL || column->rows == 0;
}

static bool put_valid(struct op *op, const struct column *column, Mv__FieldData *data)
{
    data->n_valid_data = column->rows;
    data->valid_data = op_array(op, column->rows, sizeof *data->valid_data);
    for (size_t i = 0; data->valid_data != NULL && i < column->rows; i++)
        data->valid_data[i] = !column_is_null(column, i);
    return data->valid_data != NULL;
}

Mv__FieldData *grpc_field_data(struct op *op, const struct field *field,
                               const struct column *column)
{
    Mv__FieldData *data = grpc_new(op, &mv__field_data__descriptor);
    if (data == NULL)
        return NULL;
    data->type = (int32_t)field->type;
    data->field_name = grpc_text(field->name);
    data->field_id = field->id;
    data->is_dynamic = field->is_dynamic;
    if (field->is_nullable && !field->is_dynamic && !put_valid(op, column, data))
        return NULL;
    if (field_type_is_vector(field->type))
        return put_vectors(op, field, column, data) ? data : NULL;
    data->field_case = MV__FIELD_DATA__FIELD_SCALARS;
    data->scalars = grpc_new(op, &mv__scalar_field__descriptor);
    if (data->scalars == NULL)
        return NULL;
    const bool is_good = field->type == FIELD_ARRAY ? put_arrays(op, column, data->scalars)
                                                    : put_scalar(op, column, data->scalars);
    return is_good ? data : NULL;
}

bool grpc_put_fields(struct op *op, const struct view *view, const struct output *output,
                     const struct column *columns, Mv__FieldData ***ret_items, size_t *ret_count)
{
    Mv__FieldData **items = op_array(op, output->field_count, sizeof *items);
    if (items == NULL)
        return false;
    for (size_t i = 0; i < output->field_count; i++) {
        items[i] = grpc_field_data(op, &view->schema.fields[output->fields[i]], &columns[i]);
        if (items[i] == NULL)
            return false;
    }
    *ret_items = items;
    *ret_count = output->field_count;
    return true;
}

Mv__IDs *grpc_ids(struct op *op, const struct column *keys)
{
    Mv__IDs *ids = grpc_new(op, &mv__ids__descriptor);
    if (ids == NULL)
        return NULL;
    if (keys->type == FIELD_VARCHAR) {
        ids->id_field_case = MV__IDS__ID_FIELD_STR_ID;
        ids->str_id = put_strings(op, keys);
        return ids->str_id != NULL ? ids : NULL;
    }
    Mv__LongArray *array = grpc_new(op, &mv__long_array__descriptor);
    if (array == NULL)
        return NULL;
    array->n_data = keys->rows;
    array->data = plain_copy(op, keys);
    ids->id_field_case = MV__IDS__ID_FIELD_INT_ID;
    ids->int_id = array;
    return array->data != NULL ? ids : NULL;
}
