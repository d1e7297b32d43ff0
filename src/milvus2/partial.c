/* partial.c: see partial.h. */
#include <string.h>

#include "milvus2/object.h"
#include "milvus2/partial.h"
#include "milvus2/values.h"

static struct bytes object_of(const struct column *column, size_t row)
{
    static const uint8_t empty[] = "{}";
    struct bytes object;
    object.data = column_bytes(column, row, &object.size);
    return object.size >= 2 ? object : (struct bytes){empty, 2};
}

static bool has_key(struct bytes object, struct bytes key)
{
    struct object_member member;
    size_t at = 0;
    while (object_next(object, &at, &member))
        if (member.key.size == key.size && memcmp(member.key.data, key.data, key.size) == 0)
            return true;
    return false;
}

static size_t put_member(const struct object_member *member, uint8_t *out, size_t at)
{
    if (at > 1)
        out[at++] = ',';
    out[at++] = '"';
    memcpy(out + at, member->key.data, member->key.size);
    at += member->key.size;
    out[at++] = '"';
    out[at++] = ':';
    memcpy(out + at, member->value.data, member->value.size);
    return at + member->value.size;
}

/* Members of `given`, and those of `old` that it does not name; as long as both at most. */
static size_t merge(struct bytes old, struct bytes given, uint8_t *out)
{
    struct object_member member;
    size_t size = 0, at = 0;
    out[size++] = '{';
    while (object_next(given, &at, &member))
        size = put_member(&member, out, size);
    at = 0;
    while (object_next(old, &at, &member))
        if (!has_key(given, member.key))
            size = put_member(&member, out, size);
    out[size++] = '}';
    return size;
}

static bool merge_objects(struct op *op, const struct view *view, const struct column *old,
                          struct column *given)
{
    if (!values_check(op, &view->schema.fields[view->dynamic], given))
        return false;
    const size_t size_max =
        (size_t)old->offsets[old->rows] + (size_t)given->offsets[given->rows] + 4 * given->rows;
    uint64_t *offsets = op_array(op, given->rows + 1, sizeof *offsets);
    uint8_t *bytes = op_array(op, size_max, 1);
    if (offsets == NULL || bytes == NULL)
        return false;
    for (size_t row = 0; row < given->rows; row++)
        offsets[row + 1] =
            offsets[row] + merge(object_of(old, row), object_of(given, row), bytes + offsets[row]);
    given->offsets = offsets;
    given->bytes = bytes;
    given->valid = NULL;
    return true;
}

/* False with a status when some rows are there and others are not. */
static bool find_rows(struct op *op, const struct view *view, const struct insert_request *request,
                      struct place *places, bool *ret_found)
{
    struct err err;
    size_t missing = 0;
    const struct column *keys = &request->columns[view->schema.primary];
    if (!op_engine(op, rows_find(view->snapshot, keys, NULL, places, &err), &err))
        return false;
    for (size_t i = 0; i < request->rows; i++)
        missing += places[i].segment == PLACE_NONE;
    *ret_found = missing == 0;
    return missing == 0 || missing == request->rows ||
           status_wrap(&op->status, MILVUS_INVALID,
                       "partial_update of rows that exist and of new rows in one request");
}

bool partial_complete(struct op *op, const struct view *view, struct insert_request *request)
{
    struct column *columns;
    bool is_found;
    struct place *places = op_array(op, request->rows, sizeof *places);
    size_t *fields = op_array(op, view->schema.field_count, sizeof *fields);
    if (places == NULL || fields == NULL || !find_rows(op, view, request, places, &is_found))
        return false;
    struct rows_fetch fetch = {.places = places, .count = request->rows, .fields = fields};
    for (size_t i = 0; i < view->schema.field_count; i++)
        if (request->columns[i].type == FIELD_NONE || i == view->dynamic)
            fields[fetch.field_count++] = i;
    if (!is_found || fetch.field_count == 0)
        return true;
    if (!view_fetch(op, view, &fetch, &columns))
        return false;
    for (size_t i = 0; i < fetch.field_count; i++) {
        struct column *given = &request->columns[fields[i]];
        if (given->type == FIELD_NONE)
            *given = columns[i];
        else if (!merge_objects(op, view, &columns[i], given))
            return false;
    }
    return true;
}
