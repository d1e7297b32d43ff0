/* query.c: queries: rows by a filter, in the order of their keys, or how many there are; see
 * search.h. Wording: Milvus's proxy. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bitmap.h"
#include "milvus2/names.h"
#include "milvus2/partitions.h"
#include "milvus2/refused.h"
#include "milvus2/search.h"
#include "milvus2/select.h"

struct window {
    int64_t limit; /* -1: none */
    int64_t offset;
    bool is_iterator;
};

/* A row found, with its key. */
struct found {
    struct place place;
    int64_t integer;
    struct bytes text;
};

/* The best `wanted` rows so far, as a heap with the greatest key on top; or all of them. */
struct finder {
    struct found *items;
    size_t count;
    size_t capacity;
    size_t wanted; /* SIZE_MAX: all */
    bool is_text;
};

static bool read_window(struct op *op, const struct pair_list *params, struct window *ret_window)
{
    *ret_window = (struct window){.limit = -1};
    const char *limit = pairs_get(params, "limit");
    const char *offset = pairs_get(params, "offset");
    const char *iterator = pairs_get(params, "iterator");
    for (size_t i = 0; i < params->count; i++)
        if ((strcmp(params->items[i].key, "order_by_fields") == 0 ||
             strcmp(params->items[i].key, "group_by_fields") == 0) &&
            params->items[i].value[0] != '\0')
            return refuse(op, REFUSED_ORDER_BY, params->items[i].key);
    if (iterator != NULL)
        ret_window->is_iterator = number_parse_bool(iterator);
    if (limit == NULL || limit[0] == '\0')
        return true;
    if (!number_parse_int(limit, &ret_window->limit))
        return status_wrap(&op->status, MILVUS_INVALID, "limit [%s] is invalid", limit);
    if (offset != NULL && offset[0] != '\0' && !number_parse_int(offset, &ret_window->offset))
        return status_wrap(&op->status, MILVUS_INVALID, "offset [%s] is invalid", offset);
    return limit_check_window(&op->status, ret_window->limit, ret_window->offset);
}

static int compare(const struct finder *finder, const struct found *a, const struct found *b)
{
    if (!finder->is_text && a->integer != b->integer)
        return a->integer < b->integer ? -1 : 1;
    if (finder->is_text) {
        const size_t size = a->text.size < b->text.size ? a->text.size : b->text.size;
        const int order = size > 0 ? memcmp(a->text.data, b->text.data, size) : 0;
        if (order != 0 || a->text.size != b->text.size)
            return order != 0 ? order : (a->text.size < b->text.size ? -1 : 1);
    }
    if (a->place.segment != b->place.segment)
        return a->place.segment < b->place.segment ? -1 : 1;
    return a->place.row < b->place.row ? -1 : a->place.row > b->place.row;
}

static void sift_up(struct finder *finder, size_t at)
{
    struct found *items = finder->items;
    while (at > 0 && compare(finder, &items[at], &items[(at - 1) / 2]) > 0) {
        const struct found swap = items[at];
        items[at] = items[(at - 1) / 2];
        items[(at - 1) / 2] = swap;
        at = (at - 1) / 2;
    }
}

static void sift_down(struct finder *finder, size_t at, size_t count)
{
    struct found *items = finder->items;
    for (;;) {
        size_t top = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < count; child++)
            if (compare(finder, &items[child], &items[top]) > 0)
                top = child;
        if (top == at)
            return;
        const struct found swap = items[at];
        items[at] = items[top];
        items[top] = swap;
        at = top;
    }
}

static bool take(struct op *op, struct finder *finder, const struct found *found)
{
    if (finder->count == finder->wanted) {
        if (compare(finder, found, &finder->items[0]) < 0) {
            finder->items[0] = *found;
            sift_down(finder, 0, finder->count);
        }
        return true;
    }
    if (!mem_grow(&finder->items, &finder->capacity, finder->count, sizeof *finder->items))
        return status_nomem(&op->status, "rows found");
    finder->items[finder->count] = *found;
    sift_up(finder, finder->count++);
    return true;
}

/* Heap sort: the greatest to the end, again and again. */
static void sort(struct finder *finder)
{
    for (size_t left = finder->count; left > 1; left--) {
        const struct found swap = finder->items[0];
        finder->items[0] = finder->items[left - 1];
        finder->items[left - 1] = swap;
        sift_down(finder, 0, left - 1);
    }
}

static bool take_range(struct op *op, const struct rows_range *range, const struct column *keys,
                       const uint64_t *bits, struct finder *finder)
{
    for (size_t row = 0; (row = bitmap_next(bits, range->rows, row, true)) < range->rows; row++) {
        struct found found = {
            .place = {.segment = (uint32_t)range->segment, .row = range->first_row + row}};
        if (finder->is_text)
            found.text.data = column_bytes(keys, row, &found.text.size);
        else
            memcpy(&found.integer, (const uint8_t *)keys->values + 8 * row, 8);
        if (!take(op, finder, &found))
            return false;
    }
    return true;
}

static bool take_segment(struct op *op, const struct view *view, const struct selection *selection,
                         size_t segment, struct finder *finder)
{
    struct err err;
    struct rows_segment facts;
    struct column keys;
    rows_segment(view->snapshot, segment, &facts);
    for (uint64_t row = 0; row < facts.rows; row += FILTER_BLOCK_ROWS) {
        const uint64_t left = facts.rows - row;
        const struct rows_range range = {.segment = segment,
                                         .first_row = row,
                                         .rows = left < FILTER_BLOCK_ROWS ? (size_t)left
                                                                          : FILTER_BLOCK_ROWS};
        const uint64_t *bits = selection->bits[segment] + row / 64;
        if (bitmap_next(bits, range.rows, 0, true) == range.rows)
            continue;
        /* The key is in every segment, so no scratch is needed to make it up. */
        struct rows_scratch scratch = {0};
        const enum err_code code =
            rows_column(view->snapshot, view->schema.primary, &range, &scratch, &keys, &err);
        const bool is_good =
            op_engine(op, code, &err) && take_range(op, &range, &keys, bits, finder);
        rows_scratch_release(&scratch);
        if (!is_good || !op_is_wanted(op))
            return false;
    }
    return true;
}

static bool answer_rows(struct op *op, const struct view *view, const struct selection *selection,
                        const struct window *window, struct query_answer *answer)
{
    struct finder finder = {.wanted = SIZE_MAX,
                            .is_text =
                                view->schema.fields[view->schema.primary].type == FIELD_VARCHAR};
    if (window->limit >= 0)
        finder.wanted = (size_t)(window->limit + window->offset);
    bool is_good = true;
    for (size_t s = 0; is_good && s < selection->segment_count; s++)
        is_good = selection->bits[s] == NULL || take_segment(op, view, selection, s, &finder);
    sort(&finder);
    const size_t skipped =
        (size_t)window->offset < finder.count ? (size_t)window->offset : finder.count;
    answer->rows = finder.count - skipped;
    struct place *places = is_good ? op_array(op, answer->rows, sizeof *places) : NULL;
    for (size_t i = 0; places != NULL && i < answer->rows; i++)
        places[i] = finder.items[skipped + i].place;
    mem_free(finder.items);
    answer->places = places;
    return places != NULL &&
           output_fetch(op, view, &answer->output, places, answer->rows, &answer->columns);
}

static bool count_rows(struct op *op, const struct view *view, const struct name_list *tags,
                       struct selection *selection, struct query_answer *answer)
{
    if (!selection->is_all) {
        if (!select_run(op, view, tags, selection))
            return false;
        answer->count = select_count(view, selection);
        return true;
    }
    for (size_t i = 0; i < view->facts->partition_count; i++)
        if (tags->count == 0 || names_have(tags, view->facts->partitions[i].name))
            answer->count += view->facts->partitions[i].rows;
    return true;
}

static bool run(struct op *op, const struct view *view, const struct query_spec *spec,
                struct selection *selection, struct query_answer *answer)
{
    struct name_list tags;
    struct window window;
    if (!read_window(op, &spec->params, &window) ||
        !partitions_choose(op, view, &spec->partitions, &tags) || !loads_check(op, view, &tags) ||
        !output_choose(op, view, &spec->output_fields, true, &answer->output) ||
        !select_compile(op, view, spec->filter, &spec->templates, "query", selection))
        return false;
    if (answer->output.is_count && window.limit >= 0)
        return status_wrap(&op->status, MILVUS_INVALID,
                           "count entities with pagination is not allowed");
    if (answer->output.is_count)
        return count_rows(op, view, &tags, selection, answer);
    if (selection->is_all && window.limit < 0)
        return status_wrap(&op->status, MILVUS_INVALID,
                           "empty expression should be used with limit");
    return select_run(op, view, &tags, selection) &&
           answer_rows(op, view, selection, &window, answer);
}

bool query_rows(struct op *op, const struct view *view, const struct query_spec *spec,
                struct query_answer *ret_answer)
{
    struct selection selection = {0};
    *ret_answer = (struct query_answer){.primary = &view->schema.fields[view->schema.primary],
                                        .session_ts = op_now()};
    const bool is_good = run(op, view, spec, &selection, ret_answer);
    select_release(&selection);
    return is_good;
}
