/* fuzz_rows_json.c: bodies of REST inserts: JSON rows to columns of a schema with a field of every
 * type, whose values are then checked as an insert checks them. Every array must have as many
 * values as rows, and offsets that ascend. */
#include "base/json.h"
#include "fuzz.h"
#include "milvus2/object.h"
#include "milvus2/rows_json.h"
#include "milvus2/values.h"

#define MEMORY_MAX ((size_t)64 << 20)

static const struct field fields[] = {
    {.id = 100, .name = "id", .type = FIELD_INT64, .is_primary = true},
    {.id = 101, .name = "b", .type = FIELD_BOOL},
    {.id = 102, .name = "i", .type = FIELD_INT8, .is_nullable = true},
    {.id = 103, .name = "f", .type = FIELD_FLOAT},
    {.id = 104, .name = "s", .type = FIELD_VARCHAR, .max_length = 8},
    {.id = 105,
     .name = "a",
     .type = FIELD_ARRAY,
     .element = FIELD_VARCHAR,
     .max_length = 4,
     .max_capacity = 3},
    {.id = 106, .name = "n", .type = FIELD_ARRAY, .element = FIELD_INT16, .max_capacity = 3},
    {.id = 107, .name = "j", .type = FIELD_JSON},
    {.id = 108, .name = "v", .type = FIELD_FLOAT_VECTOR, .dim = 4},
    {.id = 109, .name = "h", .type = FIELD_FLOAT16_VECTOR, .dim = 2},
    {.id = 110, .name = "x", .type = FIELD_BINARY_VECTOR, .dim = 16},
    {.id = 111, .name = "c", .type = FIELD_INT8_VECTOR, .dim = 2},
    {.id = 112, .name = SCHEMA_DYNAMIC_NAME, .type = FIELD_JSON, .is_dynamic = true},
};
#define FIELD_COUNT (sizeof fields / sizeof *fields)

static void check_column(const struct column *column, size_t rows)
{
    if (column->type == FIELD_NONE)
        return;
    FUZZ_CHECK(column->rows == rows);
    for (size_t row = 0; field_type_is_variable(column->type) && row < rows; row++)
        FUZZ_CHECK(column->offsets[row] <= column->offsets[row + 1]);
}

static void convert(struct op *op, const struct view *view, const struct json *document)
{
    static const struct rows_json_options options = {.code = MILVUS_REST_INSERT};
    struct column *columns;
    if (!rows_from_json(op, view, document, &options, &columns))
        return;
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        check_column(&columns[i], js_size(document));
        if (columns[i].type != FIELD_NONE)
            (void)values_check(op, &fields[i], &columns[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct schema schema = {
        .fields = fields, .field_count = FIELD_COUNT, .has_dynamic = true};
    const struct view view = {
        .schema = schema, .shown_fields = FIELD_COUNT - 1, .dynamic = FIELD_COUNT - 1};
    struct err err;
    struct json *document;
    struct arena arena;
    struct object_member member;
    size_t at = 0;
    while (object_next((struct bytes){data, size}, &at, &member))
        FUZZ_CHECK(at <= size && member.value.size <= size);
    if (js_parse((const char *)data, size, &document, &err) != ERR_OK)
        return 0;
    arena_init(&arena, MEMORY_MAX);
    struct op op = {.arena = &arena, .database = "default", .user = ""};
    convert(&op, &view, document);
    arena_release(&arena);
    js_free(document);
    return 0;
}
