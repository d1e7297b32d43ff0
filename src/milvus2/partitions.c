/* partitions.c: see partitions.h. Wording: Milvus's proxy and root coordinator.
 *
 * Shown names of tags that 2.x clients cannot type: each byte that is not allowed becomes "_xHH";
 * where that is another partition's tag, the tag itself is shown. */
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "engine/write/define.h"
#include "milvus2/names.h"
#include "milvus2/partitions.h"

#define PARTITION_DEFAULT "_default"

static bool is_plain(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

static size_t find_tag(const struct view *view, const char *tag)
{
    for (size_t i = 0; i < view->facts->partition_count; i++)
        if (strcmp(view->facts->partitions[i].name, tag) == 0)
            return i;
    return SIZE_MAX;
}

/* The name that a tag is shown by; NULL when memory ends. */
static const char *shown_name(struct op *op, const struct view *view, const char *tag)
{
    struct status ignored;
    if (name_check_partition(&ignored, tag))
        return tag;
    const size_t size = strlen(tag);
    char *name = op_array(op, size * 4 + 2, 1);
    if (name == NULL)
        return NULL;
    size_t at = 0;
    for (size_t i = 0; i < size; i++)
        if (is_plain(tag[i]) || (tag[i] == '-' && i > 0))
            name[at++] = tag[i];
        else
            at += (size_t)snprintf(name + at, 5, "_x%02X", (unsigned)(unsigned char)tag[i]);
    if (at == 0)
        name[at++] = '_';
    name[at] = '\0';
    return at <= NAME_SIZE_MAX && find_tag(view, name) == SIZE_MAX ? name : tag;
}

/* Made from the name, so that it is the same after every change. */
static int64_t partition_id(const struct view *view, const char *name)
{
    const uint64_t hash = hash64(name, strlen(name), (uint64_t)view->info->id);
    return (int64_t)(hash & INT64_MAX);
}

/* Tags that are loaded, when only some are: a list of lines in the collection's state. */
static bool loaded_tags(struct op *op, const struct view *view, struct name_list *ret_tags)
{
    const char *state = view->info->state != NULL ? view->info->state : "";
    size_t count = 0;
    for (const char *at = state; *at != '\0'; at++)
        count += *at == '\n';
    const char **tags = op_array(op, count, sizeof *tags);
    if (tags == NULL)
        return false;
    *ret_tags = (struct name_list){.items = tags};
    for (const char *at = state; ret_tags->count < count;) {
        const size_t size = strcspn(at, "\n");
        tags[ret_tags->count] = op_strndup(op, at, size);
        if (tags[ret_tags->count++] == NULL)
            return false;
        at += size + 1;
    }
    return true;
}

static bool key_partitions(struct op *op, const struct view *view,
                           struct partition_item **ret_items, size_t *ret_count)
{
    const size_t count = view->info->partition_keys;
    struct partition_item *items = op_array(op, count, sizeof *items);
    if (items == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        const char *name = op_printf(op, PARTITION_DEFAULT "_%zu", i);
        if (name == NULL)
            return false;
        /* One stored partition stands behind all of them: its rows are shown as the first one's. */
        items[i] = (struct partition_item){.name = name,
                                           .id = partition_id(view, name),
                                           .rows = i == 0 ? view->facts->rows : 0,
                                           .created_us = view->info->created_us,
                                           .is_loaded = view->info->is_loaded};
    }
    *ret_items = items;
    *ret_count = count;
    return true;
}

bool partitions_list(struct op *op, const struct view *view, struct partition_item **ret_items,
                     size_t *ret_count)
{
    struct name_list loaded;
    if (view->info->partition_keys > 0)
        return key_partitions(op, view, ret_items, ret_count);
    const size_t count = view->facts->partition_count;
    struct partition_item *items = op_array(op, count, sizeof *items);
    if (items == NULL || !loaded_tags(op, view, &loaded))
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct partition_facts *facts = &view->facts->partitions[i];
        items[i] = (struct partition_item){
            .name = shown_name(op, view, facts->name),
            .id = partition_id(view, facts->name),
            .rows = facts->rows,
            .created_us = view->info->created_us,
            .is_loaded =
                view->info->is_loaded && (loaded.count == 0 || names_have(&loaded, facts->name))};
        if (items[i].name == NULL)
            return false;
    }
    *ret_items = items;
    *ret_count = count;
    return true;
}

size_t partitions_find(struct op *op, const struct view *view, const char *name)
{
    const size_t at = find_tag(view, name);
    if (at != SIZE_MAX)
        return at;
    for (size_t i = 0; i < view->facts->partition_count; i++) {
        const char *shown = shown_name(op, view, view->facts->partitions[i].name);
        if (shown != NULL && strcmp(shown, name) == 0)
            return i;
    }
    return SIZE_MAX;
}

bool partitions_tag(struct op *op, const struct view *view, const char *name, const char **ret_tag)
{
    const size_t at = partitions_find(op, view, name);
    if (at == SIZE_MAX)
        return status_fields(&op->status, MILVUS_NO_PARTITION, "[partition=%s]", name);
    *ret_tag = view->facts->partitions[at].name;
    return true;
}

bool partitions_choose(struct op *op, const struct view *view, const struct name_list *names,
                       struct name_list *ret_tags)
{
    const char **tags = op_array(op, names->count, sizeof *tags);
    if (tags == NULL)
        return false;
    *ret_tags = (struct name_list){.items = tags};
    if (view->info->partition_keys > 0 && names->count > 0)
        return status_fail(&op->status, MILVUS_ERROR,
                           "not support manually specifying the partition names if partition key "
                           "mode is used");
    for (size_t i = 0; i < names->count; i++) {
        if (names->items[i][0] == '\0')
            return status_fail(&op->status, MILVUS_ERROR,
                               "Invalid partition name: . Partition name should not be empty.");
        const size_t at = partitions_find(op, view, names->items[i]);
        if (at == SIZE_MAX)
            return status_fail(&op->status, MILVUS_ERROR, "partition name %s not found",
                               names->items[i]);
        if (!names_have(ret_tags, view->facts->partitions[at].name))
            tags[ret_tags->count++] = view->facts->partitions[at].name;
    }
    return true;
}

static bool refuse_with_key(struct op *op, const struct view *view, const char *verb)
{
    return view->info->partition_keys == 0 ||
           status_fail(&op->status, MILVUS_ERROR,
                       "disable %s partition if partition key mode is used", verb);
}

bool partitions_create(struct op *op, const char *collection, const char *name)
{
    struct err err;
    struct view view;
    if (!name_check_partition(&op->status, name) || !view_open(op, collection, &view) ||
        !refuse_with_key(op, &view, "create"))
        return false;
    if (partitions_find(op, &view, name) != SIZE_MAX)
        return true;
    if (view.facts->partition_count >= LIMIT_PARTITIONS)
        return status_fail(&op->status, MILVUS_ERROR,
                           "partition number (%zu) exceeds max configuration (%d), collection: %s",
                           view.facts->partition_count, LIMIT_PARTITIONS, collection);
    const enum err_code code = define_create_partition(op->writer, view_name(&view), name, &err);
    return code == ERR_EXISTS || op_engine_for(op, code, &err, collection);
}

bool partitions_drop(struct op *op, const char *collection, const char *name)
{
    struct err err;
    struct view view;
    struct partition_item *items;
    size_t count;
    if (!view_open(op, collection, &view) || !refuse_with_key(op, &view, "drop"))
        return false;
    if (strcmp(name, PARTITION_DEFAULT) == 0)
        return status_fail(&op->status, MILVUS_ERROR, "default partition cannot be deleted");
    const size_t at = partitions_find(op, &view, name);
    if (at == SIZE_MAX)
        return name_check_partition(&op->status, name);
    if (!partitions_list(op, &view, &items, &count))
        return false;
    if (items[at].is_loaded)
        return status_fail(
            &op->status, MILVUS_ERROR,
            "partition cannot be dropped, partition is loaded, please release it first");
    const char *tag = view.facts->partitions[at].name;
    return op_engine_for(op, define_drop_partition(op->writer, view_name(&view), tag, &err), &err,
                         collection);
}

bool partitions_has(struct op *op, const char *collection, const char *name, bool *ret_has)
{
    struct view view;
    struct partition_item *items;
    size_t count;
    if (!name_check_partition(&op->status, name) || !view_open(op, collection, &view) ||
        !partitions_list(op, &view, &items, &count))
        return false;
    *ret_has = partitions_find(op, &view, name) != SIZE_MAX;
    for (size_t i = 0; i < count; i++)
        *ret_has = *ret_has || strcmp(items[i].name, name) == 0;
    return true;
}

/* ---- Loading ---- */

static bool check_indexes(struct op *op, const struct view *view)
{
    const char *missing = NULL;
    for (size_t i = 0; i < view->info->schema.field_count; i++) {
        const struct field *field = &view->info->schema.fields[i];
        bool has = !field_type_is_vector(field->type) || view->info->is_1x;
        for (size_t k = 0; k < view->info->index_count; k++)
            has = has || strcmp(view->info->indexes[k].field, field->name) == 0;
        if (!has)
            missing = missing == NULL ? field->name : op_printf(op, "%s %s", missing, field->name);
    }
    if (missing == NULL)
        return true;
    if (view->info->index_count == 0)
        return status_fields(&op->status, MILVUS_NO_INDEX, "[collection=%s]", view->info->name);
    return status_fail(&op->status, MILVUS_ERROR,
                       "there is no vector index on field: [%s], please create index firstly",
                       missing);
}

/* Stores which partitions are loaded: tags, or none for all. */
static bool set_loaded(struct op *op, const struct view *view, bool is_loaded,
                       const struct name_list *tags)
{
    struct err err;
    const char *state = "";
    for (size_t i = 0; i < tags->count && state != NULL; i++)
        state = op_printf(op, "%s%s\n", state, tags->items[i]);
    const struct collection_change change = {
        .state = state, .consistency = -1, .is_loaded = is_loaded};
    return state != NULL &&
           op_engine_for(op, define_alter_collection(op->writer, view_name(view), &change, &err),
                         &err, view->info->name);
}

static bool choose_tags(struct op *op, const struct view *view, const struct name_list *names,
                        struct name_list *ret_tags)
{
    const char **tags = op_array(op, names->count + view->facts->partition_count, sizeof *tags);
    if (tags == NULL)
        return false;
    *ret_tags = (struct name_list){.items = tags};
    for (size_t i = 0; i < names->count; i++) {
        const char *tag = NULL;
        if (!partitions_tag(op, view, names->items[i], &tag))
            return false;
        if (!names_have(ret_tags, tag))
            tags[ret_tags->count++] = tag;
    }
    return true;
}

/* Adds the names of another list that are not there yet. */
static bool add_names(struct op *op, struct name_list *names, const struct name_list *more)
{
    const char **all = op_array(op, names->count + more->count, sizeof *all);
    if (all == NULL)
        return false;
    memcpy(all, names->items, names->count * sizeof *all);
    names->items = all;
    for (size_t i = 0; i < more->count; i++)
        if (!names_have(names, more->items[i]))
            all[names->count++] = more->items[i];
    return true;
}

bool loads_load(struct op *op, const char *collection, const struct name_list *partitions)
{
    struct view view;
    struct name_list tags = {0}, old;
    if (!view_open(op, collection, &view) || !check_indexes(op, &view))
        return false;
    if (partitions->count == 0)
        return (view.info->is_loaded &&
                (view.info->state == NULL || view.info->state[0] == '\0')) ||
               set_loaded(op, &view, true, &tags);
    if (view.info->partition_keys > 0)
        return status_fail(&op->status, MILVUS_ERROR,
                           "disable load partitions if partition key mode is used");
    if (!choose_tags(op, &view, partitions, &tags) || !loaded_tags(op, &view, &old))
        return false;
    if (view.info->is_loaded && old.count == 0)
        return true;
    return (!view.info->is_loaded || add_names(op, &tags, &old)) &&
           set_loaded(op, &view, true, &tags);
}

bool loads_release(struct op *op, const char *collection, const struct name_list *partitions)
{
    struct view view;
    struct name_list tags = {0}, gone;
    struct partition_item *items;
    size_t count;
    if (!view_open(op, collection, &view))
        return false;
    if (partitions->count == 0)
        return !view.info->is_loaded || set_loaded(op, &view, false, &tags);
    if (view.info->partition_keys > 0)
        return status_fail(&op->status, MILVUS_ERROR,
                           "disable release partitions if partition key mode is used");
    if (!choose_tags(op, &view, partitions, &gone) || !partitions_list(op, &view, &items, &count))
        return false;
    const char **left = op_array(op, count, sizeof *left);
    if (left == NULL)
        return false;
    tags = (struct name_list){.items = left};
    for (size_t i = 0; i < count; i++)
        if (items[i].is_loaded && !names_have(&gone, view.facts->partitions[i].name))
            left[tags.count++] = view.facts->partitions[i].name;
    return set_loaded(op, &view, tags.count > 0, &tags);
}

bool loads_state(struct op *op, const char *collection, const struct name_list *partitions,
                 enum load_state *ret_state)
{
    struct view view;
    struct partition_item *items;
    size_t count;
    bool has;
    *ret_state = LOAD_NOT_EXIST;
    if (!view_try(op, collection, &view, &has))
        return false;
    if (!has)
        return true;
    *ret_state = view.info->is_loaded ? LOAD_LOADED : LOAD_NOT_LOADED;
    if (partitions->count == 0 || !view.info->is_loaded)
        return true;
    if (!partitions_list(op, &view, &items, &count))
        return false;
    for (size_t i = 0; i < partitions->count; i++) {
        const size_t at = partitions_find(op, &view, partitions->items[i]);
        if (at == SIZE_MAX)
            *ret_state = LOAD_NOT_EXIST;
        else if (!items[at].is_loaded)
            *ret_state = LOAD_NOT_LOADED;
    }
    return true;
}

bool loads_progress(struct op *op, const char *collection, const struct name_list *partitions,
                    int64_t *ret_percent)
{
    struct view view;
    enum load_state state;
    if (!view_open(op, collection, &view) || !loads_state(op, collection, partitions, &state))
        return false;
    if (state == LOAD_NOT_EXIST)
        return status_fields(&op->status, MILVUS_NO_PARTITION, "[partition=%s]",
                             partitions->count > 0 ? partitions->items[0] : "");
    if (state == LOAD_NOT_LOADED)
        return status_fields(&op->status, MILVUS_NOT_LOADED, "[collection=%s]", collection);
    *ret_percent = 100;
    return true;
}

bool loads_check(struct op *op, const struct view *view, struct name_list *tags)
{
    struct name_list loaded;
    if (!view->info->is_loaded)
        return status_fields(&op->status, MILVUS_NOT_LOADED, "[collection=%s]", view->info->name);
    if (!loaded_tags(op, view, &loaded))
        return false;
    if (loaded.count == 0)
        return true;
    for (size_t i = 0; i < tags->count; i++)
        if (!names_have(&loaded, tags->items[i]))
            return status_fields(&op->status, MILVUS_PARTITION_NOT_LOADED, "[partition=%s]",
                                 tags->items[i]);
    if (tags->count == 0)
        *tags = loaded;
    return true;
}
