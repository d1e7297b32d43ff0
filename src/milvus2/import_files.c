/* import_files.c: see import_files.h. */
#include <inttypes.h>
#include <string.h>

#include "base/npy.h"
#include "base/path.h"
#include "milvus2/half.h"
#include "milvus2/import_files.h"
#include "milvus2/refused.h"
#include "milvus2/rows_json.h"

struct npy {
    struct npy_header header;
    const uint8_t *data;
    const struct field *field;
};

/* Like other files that cannot be imported: code 2100. */
static bool refuse_import(struct op *op, enum refused what, const char *file)
{
    (void)refuse(op, what, file);
    op->status.code = MILVUS_IMPORT;
    op->status.older = 1;
    return false;
}

bool import_check_files(struct op *op, const struct name_list *files)
{
    if (files->count == 0)
        return status_wrap(&op->status, MILVUS_INVALID, "import request is empty");
    if (files->count > IMPORT_FILES_MAX)
        return status_wrap(&op->status, MILVUS_IMPORT,
                           "the max number of import files should not exceed %d, but got %zu",
                           IMPORT_FILES_MAX, files->count);
    for (size_t i = 0; i < files->count; i++) {
        const char *file = files->items[i];
        if (path_has_suffix(file, ".parquet"))
            return refuse_import(op, REFUSED_PARQUET, file);
        if (path_has_suffix(file, ".csv"))
            return refuse_import(op, REFUSED_CSV, file);
        if (!path_has_suffix(file, ".json") && !path_has_suffix(file, ".npy"))
            return status_wrap(&op->status, MILVUS_IMPORT,
                               "unexpected file type, files=[%s]: .npy and .json are served", file);
        if (path_has_suffix(file, ".json") != path_has_suffix(files->items[0], ".json"))
            return status_wrap(&op->status, MILVUS_IMPORT,
                               "inconsistency in file types, (%s) vs (%s)", files->items[0], file);
    }
    if (files->count > 1 && path_has_suffix(files->items[0], ".json"))
        return status_wrap(&op->status, MILVUS_IMPORT,
                           "for JSON import, accepts only one file, but got %zu files",
                           files->count);
    return true;
}

static bool fail(struct op *op, const char *what, const struct err *err)
{
    return status_wrap(&op->status, MILVUS_IMPORT, "%s%s%s", what, what[0] != '\0' ? ": " : "",
                       err->msg);
}

static bool map_file(struct op *op, const char *path, struct import_set *set,
                     struct bytes *ret_bytes)
{
    struct err err;
    struct file_map *map = &set->maps[set->map_count];
    if (file_map_open(path, map, &err) != ERR_OK ||
        file_map_populate(map, path, 0, map->size, &err) != ERR_OK)
        return fail(op, "", &err);
    set->map_count++;
    set->size += map->size;
    *ret_bytes = (struct bytes){map->data, map->size};
    return true;
}

/* ---- NumPy ---- */

/* Name of the file without folder and extension: the field's. */
static const char *stem_of(struct op *op, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    return op_strndup(op, name, strlen(name) - strlen(".npy"));
}

static const char *type_name(enum npy_type type)
{
    static const char *const names[] = {
        [NPY_FLOAT32] = "Float", [NPY_FLOAT64] = "Double", [NPY_INT64] = "Int64",
        [NPY_INT32] = "Int32",   [NPY_UINT8] = "UInt8",    [NPY_BOOL] = "Bool",
        [NPY_INT8] = "Int8",     [NPY_INT16] = "Int16",    [NPY_UNICODE] = "VarChar",
        [NPY_BYTES] = "VarChar"};
    return names[type];
}

static bool bad_type(struct op *op, const struct npy *npy)
{
    return status_wrap(&op->status, MILVUS_IMPORT,
                       "illegal data type %s of numpy file for field '%s' with type %s",
                       type_name(npy->header.type), npy->field->name,
                       field_type_name(npy->field->type));
}

/* The element type of a plain scalar field in a file; NPY_BYTES for what is no such field. */
static enum npy_type plain_type(enum field_type type)
{
    switch (type) {
    case FIELD_BOOL:
        return NPY_BOOL;
    case FIELD_INT8:
        return NPY_INT8;
    case FIELD_INT16:
        return NPY_INT16;
    case FIELD_INT32:
        return NPY_INT32;
    case FIELD_INT64:
        return NPY_INT64;
    case FIELD_FLOAT:
        return NPY_FLOAT32;
    case FIELD_DOUBLE:
        return NPY_FLOAT64;
    default:
        return NPY_BYTES;
    }
}

static size_t put_utf8(uint32_t c, uint8_t *to)
{
    if (c < 0x80) {
        to[0] = (uint8_t)c;
        return 1;
    }
    if (c < 0x800) {
        to[0] = (uint8_t)(0xc0 | c >> 6);
        to[1] = (uint8_t)(0x80 | (c & 63));
        return 2;
    }
    if (c < 0x10000) {
        to[0] = (uint8_t)(0xe0 | c >> 12);
        to[1] = (uint8_t)(0x80 | (c >> 6 & 63));
        to[2] = (uint8_t)(0x80 | (c & 63));
        return 3;
    }
    to[0] = (uint8_t)(0xf0 | (c >> 18 & 7));
    to[1] = (uint8_t)(0x80 | (c >> 12 & 63));
    to[2] = (uint8_t)(0x80 | (c >> 6 & 63));
    to[3] = (uint8_t)(0x80 | (c & 63));
    return 4;
}

/* Text of one element: up to its first zero. */
static size_t put_text(const struct npy *npy, const uint8_t *item, uint8_t *to)
{
    size_t size = 0;
    if (npy->header.type == NPY_BYTES) {
        while (size < npy->header.item_size && item[size] != 0)
            size++;
        memcpy(to, item, size);
        return size;
    }
    for (size_t at = 0; at < npy->header.item_size && get_u32(item + at) != 0; at += 4)
        size += put_utf8(get_u32(item + at), to + size);
    return size;
}

static bool read_texts(struct op *op, const struct npy *npy, size_t rows, struct column *column)
{
    if (npy->header.type != NPY_UNICODE && npy->header.type != NPY_BYTES)
        return bad_type(op, npy);
    uint64_t *offsets = op_array(op, rows + 1, sizeof *offsets);
    uint8_t *bytes = op_array(op, rows + 1, npy->header.item_size + 1);
    if (offsets == NULL || bytes == NULL)
        return false;
    for (size_t row = 0; row < rows; row++)
        offsets[row + 1] = offsets[row] + put_text(npy, npy->data + row * npy->header.item_size,
                                                   bytes + offsets[row]);
    column->offsets = offsets;
    column->bytes = bytes;
    return true;
}

static bool narrow(struct op *op, const struct npy *npy, size_t count, struct column *column)
{
    float *values = op_array(op, count, sizeof *values);
    for (size_t i = 0; values != NULL && i < count; i++) {
        double value;
        memcpy(&value, npy->data + 8 * i, sizeof value);
        values[i] = (float)value;
    }
    column->values = values;
    return values != NULL;
}

static bool read_vectors(struct op *op, const struct npy *npy, size_t rows, struct column *column)
{
    const struct npy_header *header = &npy->header;
    const bool is_float = npy->field->type == FIELD_FLOAT_VECTOR;
    const enum npy_type wanted = is_float                                ? NPY_FLOAT32
                                 : npy->field->type == FIELD_INT8_VECTOR ? NPY_INT8
                                                                         : NPY_UINT8;
    const size_t expected = is_float ? npy->field->dim : column->width;
    if (header->type != wanted && !(is_float && header->type == NPY_FLOAT64))
        return bad_type(op, npy);
    if (header->dimensions != 2)
        return status_wrap(&op->status, MILVUS_IMPORT,
                           "illegal shape [%" PRIu64 "] of numpy file for vector field '%s', shape "
                           "should be 2",
                           header->rows, npy->field->name);
    if (header->columns != expected)
        return status_wrap(&op->status, MILVUS_IMPORT,
                           "illegal dimension %" PRIu64 " of numpy file for vector field '%s', "
                           "dimension should be %zu",
                           header->columns, npy->field->name, expected);
    if (header->type == NPY_FLOAT64)
        return narrow(op, npy, rows * expected, column);
    column->values = npy->data;
    return true;
}

static bool read_npy(struct op *op, const struct npy *npy, struct column *column)
{
    const size_t rows = (size_t)npy->header.rows;
    *column = (struct column){.type = npy->field->type,
                              .element = npy->field->element,
                              .width = field_type_width(npy->field->type, npy->field->dim),
                              .rows = rows};
    if (field_type_is_vector(npy->field->type))
        return read_vectors(op, npy, rows, column);
    if (npy->header.dimensions != 1)
        return status_wrap(&op->status, MILVUS_IMPORT,
                           "illegal shape of numpy file for scalar field '%s', shape should be 1",
                           npy->field->name);
    if (npy->field->type == FIELD_VARCHAR || npy->field->type == FIELD_JSON)
        return read_texts(op, npy, rows, column);
    if (npy->header.type != plain_type(npy->field->type))
        return bad_type(op, npy);
    column->values = npy->data;
    return true;
}

static bool open_npy(struct op *op, const char *path, struct import_set *set, struct npy *npy)
{
    struct err err;
    struct bytes bytes;
    if (!map_file(op, path, set, &bytes))
        return false;
    if (npy_header_decode_any(bytes, &npy->header, &err) != ERR_OK)
        return fail(op, path, &err);
    const size_t item = npy->header.item_size > 0 ? npy->header.item_size : 1;
    const size_t room = (bytes.size - npy->header.data_offset) / item;
    if (npy->header.columns == 0 || npy->header.rows > room / npy->header.columns)
        return status_wrap(&op->status, MILVUS_IMPORT,
                           "%s: %" PRIu64 " rows announced, the file holds %zu bytes", path,
                           npy->header.rows, bytes.size);
    npy->data = bytes.data + npy->header.data_offset;
    return true;
}

static bool add_npy(struct op *op, const struct view *view, const char *path,
                    struct import_set *set)
{
    struct npy npy = {0};
    const char *stem = stem_of(op, path);
    if (stem == NULL)
        return false;
    const bool is_dynamic = view->dynamic != SIZE_MAX && strcmp(stem, SCHEMA_DYNAMIC_NAME) == 0;
    const size_t at = is_dynamic ? view->dynamic : view_field(view, stem);
    if (at == SIZE_MAX)
        return status_wrap(&op->status, MILVUS_IMPORT,
                           "the file '%s' has no corresponding field in collection", path);
    npy.field = &view->schema.fields[at];
    if (npy.field->is_auto_id)
        return status_wrap(&op->status, MILVUS_IMPORT,
                           "the primary key '%s' is auto-generated, no need to provide",
                           npy.field->name);
    if (set->columns[at].type != FIELD_NONE || set->map_count == SCHEMA_FIELDS_MAX)
        return status_wrap(&op->status, MILVUS_IMPORT, "duplicate file for field '%s'", stem);
    if (!open_npy(op, path, set, &npy) || !read_npy(op, &npy, &set->columns[at]))
        return false;
    if (set->map_count == 1)
        set->rows = (size_t)npy.header.rows;
    if (set->rows != npy.header.rows)
        return status_wrap(&op->status, MILVUS_IMPORT,
                           "the row count(%" PRIu64 ") of file '%s' is not equal to row count(%zu) "
                           "of the other files: imported rows are not aligned",
                           npy.header.rows, path, set->rows);
    return true;
}

/* ---- JSON ---- */

static bool read_rows(struct op *op, const struct view *view, const struct json *document,
                      const char *path, struct import_set *set)
{
    static const struct rows_json_options options = {.skips_unknown = true, .code = MILVUS_IMPORT};
    const struct json *rows = js_is_object(document) ? js_get(document, "rows") : document;
    if (!js_is_array(rows))
        return status_wrap(&op->status, MILVUS_IMPORT,
                           "%s: an array of rows, or an object with the key rows, is expected",
                           path);
    set->rows = js_size(rows);
    return rows_from_json(op, view, rows, &options, &set->columns);
}

static bool read_json(struct op *op, const struct view *view, const char *path,
                      struct import_set *set)
{
    struct err err;
    struct bytes bytes = {NULL, 0};
    struct json *document;
    if (!map_file(op, path, set, &bytes))
        return false;
    if (bytes.size > IMPORT_JSON_SIZE_MAX)
        return status_wrap(&op->status, MILVUS_IMPORT,
                           "%s: the file size exceeds the maximum size: %zu of %zu bytes", path,
                           bytes.size, IMPORT_JSON_SIZE_MAX);
    if (js_parse((const char *)bytes.data, bytes.size, &document, &err) != ERR_OK)
        return fail(op, path, &err);
    const bool is_good = read_rows(op, view, document, path, set);
    js_free(document);
    if (is_good && set->columns[view->schema.primary].type != FIELD_NONE &&
        view->schema.fields[view->schema.primary].is_auto_id)
        return status_wrap(&op->status, MILVUS_IMPORT,
                           "the primary key '%s' is auto-generated, no need to provide",
                           view->schema.fields[view->schema.primary].name);
    return is_good;
}

bool import_set_read(struct op *op, const struct view *view, const struct name_list *paths,
                     struct import_set *ret_set)
{
    *ret_set = (struct import_set){
        .columns = op_array(op, view->schema.field_count, sizeof *ret_set->columns)};
    if (ret_set->columns == NULL)
        return false;
    if (path_has_suffix(paths->items[0], ".json"))
        return read_json(op, view, paths->items[0], ret_set);
    for (size_t i = 0; i < paths->count; i++)
        if (!add_npy(op, view, paths->items[i], ret_set))
            return false;
    return true;
}

void import_set_release(struct import_set *set)
{
    while (set->map_count > 0)
        file_map_close(&set->maps[--set->map_count]);
}
