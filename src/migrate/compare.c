/* compare.c: see compare.h. Partitions are matched by tag, collections by the name they have in the
 * target. */
#include "migrate/compare.h"

#include <stdlib.h>
#include <string.h>

#define RESULT_SIZE_MAX ((size_t)1 << 30)

void compare_init(struct verify_result *result)
{
    *result = (struct verify_result){.unreadable = ""};
    arena_init(&result->arena, RESULT_SIZE_MAX);
}

void verify_result_release(struct verify_result *result)
{
    arena_release(&result->arena);
    *result = (struct verify_result){0};
}

enum err_code compare_add_item(struct compare_items *items, const struct compare_item *item,
                               struct err *err)
{
    if (!mem_grow(&items->items, &items->capacity, items->count, sizeof *items->items))
        return err_nomem(err, "list of segments");
    items->items[items->count++] = *item;
    return ERR_OK;
}

/* The row of a tag, or partition_count when there is none. */
static size_t find_tag(const struct compared_collection *collection, const char *tag)
{
    size_t k = 0;
    while (k < collection->partition_count && strcmp(collection->partitions[k].tag, tag) != 0)
        k++;
    return k;
}

/* The row of a tag, made when it is new. The array has room. NULL when memory ends. */
static struct compared_partition *get_row(struct arena *arena,
                                          struct compared_collection *collection, const char *tag,
                                          enum presence presence)
{
    const size_t at = find_tag(collection, tag);
    struct compared_partition *partition = &collection->partitions[at];
    if (at < collection->partition_count)
        return partition;
    const char *copy = arena_strdup(arena, tag);
    if (copy == NULL)
        return NULL;
    *partition = (struct compared_partition){.tag = copy, .presence = presence};
    collection->partition_count++;
    return partition;
}

static uint64_t segments_size(const struct source_collection *source)
{
    uint64_t size = 0;
    for (size_t s = 0; s < source->segment_count; s++)
        size += source->segments[s].is_damaged ? 0 : source->segments[s].size;
    return size;
}

static enum err_code add_source_row(struct verify_result *result, struct plan_collection *planned,
                                    struct arena *plan_arena, struct err *err)
{
    const struct source_collection *source = planned->source;
    struct compared_collection *row = &result->collections[result->collection_count];
    *row = (struct compared_collection){
        .name = arena_strdup(&result->arena, source->name),
        .target_name = arena_strdup(&result->arena, planned->target_name),
        .presence = PRESENT_IN_SOURCE,
        .source_metric = source->metric,
        .source_dim = source->dim,
        .deleted_rows = source->deleted_rows,
        .log_rows = source->log_rows,
        .duplicate_rows = source->duplicate_rows,
        .left_out_rows = source->damaged_rows,
        .size = segments_size(source),
        .segments = source->segment_count,
        .partitions =
            arena_array(&result->arena, source->partition_count, sizeof *row->partitions)};
    planned->partition_at =
        arena_array(plan_arena, source->partition_count, sizeof *planned->partition_at);
    if (row->name == NULL || row->target_name == NULL || row->partitions == NULL ||
        planned->partition_at == NULL)
        return err_nomem(err, "table of collections");
    for (size_t p = 0; p < source->partition_count; p++) {
        const struct compared_partition *partition =
            get_row(&result->arena, row, source->partitions[p].tag, PRESENT_IN_SOURCE);
        if (partition == NULL)
            return err_nomem(err, "table of collections");
        planned->partition_at[p] = (size_t)(partition - row->partitions);
    }
    result->collection_count++;
    return ERR_OK;
}

enum err_code compare_add_source(struct verify_result *result, struct plan *plan, struct err *err)
{
    result->collections =
        arena_array(&result->arena, plan->collection_count, sizeof *result->collections);
    if (result->collections == NULL)
        return err_nomem(err, "table of collections");
    enum err_code code = ERR_OK;
    for (size_t k = 0; code == ERR_OK && k < plan->collection_count; k++)
        code = add_source_row(result, &plan->collections[k], &plan->arena, err);
    result->left_out_segments = plan->left_out_segments;
    return code;
}

static enum err_code add_target_segments(const struct source_collection *collection, size_t index,
                                         size_t row, const size_t *partition_at,
                                         struct compare_items *items, struct err *err)
{
    enum err_code code = ERR_OK;
    for (size_t s = 0; code == ERR_OK && s < collection->segment_count; s++) {
        const struct source_segment *segment = &collection->segments[s];
        code =
            compare_add_item(items,
                             &(struct compare_item){.is_target = true,
                                                    .row = row,
                                                    .partition = partition_at[segment->partition],
                                                    .collection = index,
                                                    .segment = s,
                                                    .size = segment->size,
                                                    .is_unreadable = segment->is_damaged},
                             err);
    }
    return code;
}

/* Joins one collection of the target to a row. */
static enum err_code join_target(struct verify_result *result, size_t at,
                                 const struct source_collection *collection, size_t index,
                                 struct compare_items *items, struct err *err)
{
    struct compared_collection *row = &result->collections[at];
    row->target_metric = collection->metric;
    row->target_dim = collection->dim;
    const enum presence new_presence = PRESENT_IN_TARGET;
    const size_t room = row->partition_count + collection->partition_count;
    struct compared_partition *partitions = arena_array(&result->arena, room, sizeof *partitions);
    size_t *partition_at = mem_alloc(collection->partition_count, sizeof *partition_at);
    if (partitions == NULL || partition_at == NULL) {
        mem_free(partition_at);
        return err_nomem(err, "table of collections");
    }
    if (row->partition_count > 0)
        memcpy(partitions, row->partitions, row->partition_count * sizeof *partitions);
    row->partitions = partitions;
    enum err_code code = ERR_OK;
    for (size_t p = 0; code == ERR_OK && p < collection->partition_count; p++) {
        struct compared_partition *partition =
            get_row(&result->arena, row, collection->partitions[p].tag, new_presence);
        if (partition == NULL) {
            code = err_nomem(err, "table of collections");
            break;
        }
        if (partition->presence == PRESENT_IN_SOURCE)
            partition->presence = PRESENT_IN_BOTH;
        partition_at[p] = (size_t)(partition - row->partitions);
    }
    if (code == ERR_OK)
        code = add_target_segments(collection, index, at, partition_at, items, err);
    mem_free(partition_at);
    return code;
}

/* The row that expects a collection of this name, or collection_count. */
static size_t find_row(const struct verify_result *result, const char *target_name)
{
    size_t k = 0;
    while (k < result->collection_count &&
           strcmp(result->collections[k].target_name, target_name) != 0)
        k++;
    return k;
}

static enum err_code add_extra_row(struct verify_result *result, const char *name, struct err *err)
{
    struct compared_collection *row = &result->collections[result->collection_count];
    *row = (struct compared_collection){.name = arena_strdup(&result->arena, name),
                                        .presence = PRESENT_IN_TARGET};
    row->target_name = row->name;
    if (row->name == NULL)
        return err_nomem(err, "table of collections");
    result->collection_count++;
    return ERR_OK;
}

enum err_code compare_add_target(struct verify_result *result, const struct plan *plan,
                                 const struct source *target, bool has_extra,
                                 struct compare_items *items, struct err *err)
{
    const struct source_description *description = &target->description;
    struct compared_collection *rows = arena_array(
        &result->arena, plan->collection_count + description->collection_count, sizeof *rows);
    if (rows == NULL)
        return err_nomem(err, "table of collections");
    if (result->collection_count > 0)
        memcpy(rows, result->collections, result->collection_count * sizeof *rows);
    result->collections = rows;
    enum err_code code = ERR_OK;
    for (size_t k = 0; code == ERR_OK && k < description->collection_count; k++) {
        const struct source_collection *collection = &description->collections[k];
        const size_t at = find_row(result, collection->name);
        if (at == result->collection_count && !has_extra)
            continue;
        if (at == result->collection_count)
            code = add_extra_row(result, collection->name, err);
        else
            result->collections[at].presence = PRESENT_IN_BOTH;
        if (code == ERR_OK)
            code = join_target(result, at, collection, k, items, err);
    }
    return code;
}

struct sized {
    uint64_t size;
    size_t index;
};

static int compare_sized(const void *a, const void *b)
{
    const struct sized *sa = a;
    const struct sized *sb = b;
    if (sa->size != sb->size)
        return sa->size > sb->size ? -1 : 1;
    return sa->index < sb->index ? -1 : sa->index > sb->index;
}

size_t *compare_order(const struct compare_items *items)
{
    struct sized *sized = mem_alloc(items->count, sizeof *sized);
    size_t *order = mem_alloc(items->count, sizeof *order);
    if (sized == NULL || order == NULL) {
        mem_free(sized);
        mem_free(order);
        return NULL;
    }
    for (size_t k = 0; k < items->count; k++)
        sized[k] = (struct sized){.size = items->items[k].size, .index = k};
    if (items->count > 1)
        qsort(sized, items->count, sizeof *sized, compare_sized);
    for (size_t k = 0; k < items->count; k++)
        order[k] = sized[k].index;
    mem_free(sized);
    return order;
}

static void finish_collection(struct compared_collection *row)
{
    row->source_rows = 0;
    row->target_rows = 0;
    row->non_finite_rows = 0;
    row->is_equal = row->presence == PRESENT_IN_BOTH && row->source_metric == row->target_metric &&
                    row->source_dim == row->target_dim;
    for (size_t p = 0; p < row->partition_count; p++) {
        struct compared_partition *partition = &row->partitions[p];
        partition->is_equal = partition->presence == PRESENT_IN_BOTH &&
                              tally_equal(&partition->source, &partition->target);
        row->source_rows += partition->source.rows;
        row->target_rows += partition->target.rows;
        row->non_finite_rows += partition->source.non_finite;
        row->is_equal &= partition->is_equal;
    }
}

void compare_finish(struct verify_result *result)
{
    result->is_equal = result->unreadable_segments == 0;
    result->source_rows = 0;
    result->target_rows = 0;
    result->non_finite_rows = 0;
    result->size = 0;
    result->segments = 0;
    for (size_t k = 0; k < result->collection_count; k++) {
        struct compared_collection *row = &result->collections[k];
        finish_collection(row);
        result->is_equal &= row->is_equal;
        result->source_rows += row->source_rows;
        result->target_rows += row->target_rows;
        result->non_finite_rows += row->non_finite_rows;
        result->size += row->size;
        result->segments += row->segments;
    }
}
