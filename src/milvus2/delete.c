/* delete.c: rows out of a collection; see insert.h.
 *
 * A filter that names keys is applied as it is. Any other is evaluated first, and the keys of the
 * rows found are deleted: a row that is written between the two is not lost, unless it has the key
 * of one that was found. */
#include <string.h>

#include "base/bitmap.h"
#include "milvus2/insert.h"
#include "milvus2/partitions.h"
#include "milvus2/select.h"

static bool find_keys(struct op *op, const struct view *view, const struct selection *selection,
                      struct column *ret_keys)
{
    const uint64_t count = select_count(view, selection);
    struct place *places = op_array(op, (size_t)count, sizeof *places);
    if (places == NULL)
        return false;
    size_t at = 0;
    for (size_t s = 0; s < selection->segment_count; s++) {
        struct rows_segment facts;
        rows_segment(view->snapshot, s, &facts);
        const size_t rows = selection->bits[s] != NULL ? (size_t)facts.rows : 0;
        for (size_t row = 0; (row = bitmap_next(selection->bits[s], rows, row, true)) < rows; row++)
            places[at++] = (struct place){.segment = (uint32_t)s, .row = row};
    }
    struct column *columns;
    const struct rows_fetch fetch = {
        .places = places, .count = at, .fields = &view->schema.primary, .field_count = 1};
    if (!view_fetch(op, view, &fetch, &columns))
        return false;
    *ret_keys = columns[0];
    return true;
}

static bool apply(struct op *op, const struct view *view, const char *tag,
                  struct selection *selection, struct delete_answer *ret_answer)
{
    struct err err;
    struct column keys;
    struct mutation_result result = {0};
    const struct name_list tags = {.items = &tag, .count = tag != NULL};
    const bool is_named = selection->keys != NULL;
    if (is_named
            ? !select_keys(op, selection, &keys)
            : !select_run(op, view, &tags, selection) || !find_keys(op, view, selection, &keys))
        return false;
    const struct mutation mutation = {.delete_keys = &keys, .delete_partition = tag};
    if (keys.rows > 0) {
        const enum err_code code =
            writer_apply(op->writer, view_name(view), &mutation, &result, &err);
        if (!op_engine_for(op, code, &err, view->info->name))
            return false;
    }
    *ret_answer = (struct delete_answer){.rows = is_named ? keys.rows : result.deleted,
                                         .timestamp = op_now()};
    return true;
}

bool rows_delete(struct op *op, const struct view *view, const struct delete_request *request,
                 struct delete_answer *ret_answer)
{
    struct selection selection;
    const char *tag = NULL;
    const bool is_named = request->partition != NULL && request->partition[0] != '\0';
    if (request->filter[strspn(request->filter, " \t\r\n")] == '\0')
        return status_expected(&op->status, "valid expr", "empty expr", "invalid expression");
    if (is_named && view->info->partition_keys > 0)
        return status_fail(&op->status, MILVUS_ERROR,
                           "not support manually specifying the partition names if partition key "
                           "mode is used");
    if (is_named && !partitions_tag(op, view, request->partition, &tag))
        return false;
    bool is_good =
        select_compile(op, view, request->filter, &request->templates, "delete", &selection);
    if (is_good && selection.is_all)
        is_good = status_wrap(&op->status, MILVUS_INVALID,
                              "delete plan can't be empty or always true : %s", request->filter);
    is_good = is_good && apply(op, view, tag, &selection, ret_answer);
    select_release(&selection);
    return is_good;
}
