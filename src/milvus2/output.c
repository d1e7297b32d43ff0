/* output.c: see output.h. */
#include <string.h>

#include "milvus2/object.h"
#include "milvus2/output.h"

#define COUNT_ALL "count(*)"

struct choice {
    const char **names;
    size_t name_count;
    size_t *fields;
    size_t field_count;
    const char **keys;
    size_t key_count;
    bool has_dynamic; /* the dynamic field is shown: as a whole, or keys of it */
    bool has_whole;
};

static void add_name(struct choice *choice, const char *name)
{
    const struct name_list names = {choice->names, choice->name_count};
    if (!names_have(&names, name))
        choice->names[choice->name_count++] = name;
}

static void add_field(struct choice *choice, const struct view *view, size_t field)
{
    for (size_t i = 0; i < choice->field_count; i++)
        if (choice->fields[i] == field)
            return;
    choice->fields[choice->field_count++] = field;
    add_name(choice, view->schema.fields[field].name);
}

/* k of $meta["k"] or $meta['k']; else the name itself. NULL when memory ends. */
static const char *dynamic_key(struct op *op, const char *name)
{
    const size_t prefix = strlen(SCHEMA_DYNAMIC_NAME);
    const size_t size = strlen(name);
    if (strncmp(name, SCHEMA_DYNAMIC_NAME, prefix) != 0 || size < prefix + 5 ||
        name[prefix] != '[' || name[size - 1] != ']' ||
        (name[prefix + 1] != '"' && name[prefix + 1] != '\'') || name[size - 2] != name[prefix + 1])
        return name;
    return op_strndup(op, name + prefix + 2, size - prefix - 4);
}

static bool add_asked(struct op *op, const struct view *view, const char *name,
                      struct choice *choice)
{
    const size_t at = view_field(view, name);
    if (at != SIZE_MAX) {
        add_field(choice, view, at);
        return true;
    }
    if (strcmp(name, "*") == 0) {
        for (size_t i = 0; i < view->schema.field_count; i++)
            if (i != view->dynamic)
                add_field(choice, view, i);
        if (view->dynamic == SIZE_MAX)
            return true;
        name = SCHEMA_DYNAMIC_NAME;
    }
    if (view->dynamic == SIZE_MAX)
        return status_wrap(&op->status, MILVUS_INVALID, "field %s not exist", name);
    choice->has_dynamic = true;
    if (strcmp(name, SCHEMA_DYNAMIC_NAME) == 0) {
        choice->has_whole = true;
    } else {
        const char *key = dynamic_key(op, name);
        if (key == NULL)
            return false;
        choice->keys[choice->key_count++] = key;
    }
    add_name(choice, name);
    return true;
}

bool output_choose(struct op *op, const struct view *view, const struct name_list *asked,
                   bool with_key, struct output *ret_output)
{
    *ret_output = (struct output){0};
    if (asked->count == 1 && strcmp(asked->items[0], COUNT_ALL) == 0) {
        ret_output->is_count = true;
        ret_output->names = *asked;
        return true;
    }
    const size_t most = asked->count + view->schema.field_count + 1;
    struct choice choice = {.names = op_array(op, most, sizeof *choice.names),
                            .fields = op_array(op, most, sizeof *choice.fields),
                            .keys = op_array(op, most, sizeof *choice.keys)};
    if (choice.names == NULL || choice.fields == NULL || choice.keys == NULL)
        return false;
    for (size_t i = 0; i < asked->count; i++)
        if (!add_asked(op, view, asked->items[i], &choice))
            return false;
    if (with_key)
        add_field(&choice, view, view->schema.primary);
    if (choice.has_dynamic)
        choice.fields[choice.field_count++] = view->dynamic;
    *ret_output =
        (struct output){.names = {choice.names, choice.name_count},
                        .fields = choice.fields,
                        .field_count = choice.field_count,
                        .dynamic_keys = {choice.keys, choice.has_whole ? 0 : choice.key_count}};
    return true;
}

static bool is_asked(const struct name_list *keys, struct bytes key)
{
    for (size_t i = 0; i < keys->count; i++)
        if (strlen(keys->items[i]) == key.size && memcmp(keys->items[i], key.data, key.size) == 0)
            return true;
    return false;
}

/* Writes the object with the wanted members only; what is left out makes it shorter, so it fits
 * where the whole one did. Returns its size. */
static size_t reduce(struct bytes object, const struct name_list *keys, uint8_t *out)
{
    struct object_member member;
    size_t at = 0, size = 0;
    out[size++] = '{';
    while (object_next(object, &at, &member)) {
        if (!is_asked(keys, member.key))
            continue;
        if (size > 1)
            out[size++] = ',';
        out[size++] = '"';
        memcpy(out + size, member.key.data, member.key.size);
        size += member.key.size;
        out[size++] = '"';
        out[size++] = ':';
        memcpy(out + size, member.value.data, member.value.size);
        size += member.value.size;
    }
    out[size++] = '}';
    return size;
}

/* The dynamic field: an object in each row, reduced to the keys that were asked for. */
static bool shape_dynamic(struct op *op, const struct name_list *keys, struct column *column)
{
    uint64_t *offsets = op_array(op, column->rows + 1, sizeof *offsets);
    uint8_t *bytes = op_array(op, (size_t)column->offsets[column->rows] + 2 * column->rows, 1);
    if (offsets == NULL || bytes == NULL)
        return false;
    for (size_t row = 0; row < column->rows; row++) {
        struct bytes object;
        object.data = column_bytes(column, row, &object.size);
        uint8_t *out = bytes + offsets[row];
        size_t size = 2;
        if (object.size < 2 || column_is_null(column, row))
            memcpy(out, "{}", 2);
        else if (keys->count > 0)
            size = reduce(object, keys, out);
        else
            memcpy(out, object.data, size = object.size);
        offsets[row + 1] = offsets[row] + size;
    }
    column->offsets = offsets;
    column->bytes = bytes;
    column->valid = NULL;
    return true;
}

bool output_fetch(struct op *op, const struct view *view, const struct output *output,
                  const struct place *places, size_t count, struct column **ret_columns)
{
    const struct rows_fetch fetch = {.places = places,
                                     .count = count,
                                     .fields = output->fields,
                                     .field_count = output->field_count};
    if (!view_fetch(op, view, &fetch, ret_columns))
        return false;
    for (size_t i = 0; i < output->field_count; i++)
        if (output->fields[i] == view->dynamic &&
            !shape_dynamic(op, &output->dynamic_keys, &(*ret_columns)[i]))
            return false;
    return true;
}
