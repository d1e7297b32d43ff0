/* indexes.c: see indexes.h. Rules and wording: Milvus's proxy and index parameter checks. */
#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "engine/index.h"
#include "engine/write/define.h"
#include "milvus2/api.h"
#include "milvus2/indexes.h"
#include "milvus2/names.h"
#include "milvus2/properties.h"
#include "milvus2/refused.h"

#define AUTOINDEX "AUTOINDEX"

enum index_kind { FOR_FLOAT = 1, FOR_BITS = 2, FOR_SPARSE = 4, FOR_SCALAR = 8 };

static const struct {
    const char *name;
    unsigned kinds;
} index_types[] = {
    {AUTOINDEX, FOR_FLOAT | FOR_BITS | FOR_SPARSE | FOR_SCALAR},
    {"FLAT", FOR_FLOAT},
    {"IVF_FLAT", FOR_FLOAT},
    {"IVF_FLAT_CC", FOR_FLOAT},
    {"IVF_SQ8", FOR_FLOAT},
    {"IVF_PQ", FOR_FLOAT},
    {"IVF_RABITQ", FOR_FLOAT},
    {"SCANN", FOR_FLOAT},
    {"SCANN_DVR", FOR_FLOAT},
    {"HNSW", FOR_FLOAT},
    {"HNSW_SQ", FOR_FLOAT},
    {"HNSW_PQ", FOR_FLOAT},
    {"HNSW_PRQ", FOR_FLOAT},
    {"DISKANN", FOR_FLOAT},
    {"GPU_BRUTE_FORCE", FOR_FLOAT},
    {"GPU_IVF_FLAT", FOR_FLOAT},
    {"GPU_IVF_PQ", FOR_FLOAT},
    {"GPU_CAGRA", FOR_FLOAT},
    {"BIN_FLAT", FOR_BITS},
    {"BIN_IVF_FLAT", FOR_BITS},
    {"SPARSE_INVERTED_INDEX", FOR_SPARSE},
    {"SPARSE_WAND", FOR_SPARSE},
    {"INVERTED", FOR_SCALAR},
    {"BITMAP", FOR_SCALAR},
    {"STL_SORT", FOR_SCALAR},
    {"Trie", FOR_SCALAR},
    {"TRIE", FOR_SCALAR},
    {"NGRAM", FOR_SCALAR},
};

/* Numbers of an index type that must lie in a range when they are given. */
static const struct {
    const char *prefix; /* of the index type */
    const char *key;
    int64_t least, most;
} ranges[] = {{"HNSW", "M", 2, 2048},       {"HNSW", "efConstruction", 1, INT32_MAX},
              {"IVF_", "nlist", 1, 65536},  {"SCANN", "nlist", 1, 65536},
              {"IVF_PQ", "nbits", 1, 64},   {"BIN_IVF", "nlist", 1, 65536},
              {"IVF_PQ", "m", 1, LIMIT_DIM}};

struct merged {
    struct pair_list shown; /* as given, "params" unfolded */
    const char *type;       /* NULL: not given */
    const char *metric;     /* likewise */
};

/* NULL when it is absent or empty. */
static const char *given_text(const struct pair_list *pairs, const char *key)
{
    const char *value = pairs_get(pairs, key);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

/* Unfolds "params" (a JSON object), refuses a key that comes twice. */
static bool merge(struct op *op, const struct pair_list *given, struct merged *ret_merged)
{
    struct pair_list inner = {0};
    for (size_t i = 0; i < given->count; i++) {
        const struct pair *pair = &given->items[i];
        for (size_t k = 0; k < i; k++)
            if (strcmp(given->items[k].key, pair->key) == 0)
                return status_wrap(&op->status, MILVUS_INVALID,
                                   "duplicated index param (key=%s) (value=%s) found", pair->key,
                                   pair->value);
        if (strcmp(pair->key, "params") == 0 && pair->value[0] != '\0' &&
            !properties_list(op, pair->value, &inner))
            return status_wrap(&op->status, MILVUS_INVALID, "params is no JSON object: %s",
                               pair->value);
    }
    struct pair *pairs = op_array(op, given->count + inner.count, sizeof *pairs);
    if (pairs == NULL)
        return false;
    struct pair_list all = {.items = pairs};
    for (size_t i = 0; i < given->count; i++)
        if (strcmp(given->items[i].key, "params") != 0)
            pairs[all.count++] = given->items[i];
    for (size_t i = 0; i < inner.count; i++)
        if (pairs_get(&all, inner.items[i].key) == NULL)
            pairs[all.count++] = inner.items[i];
    /* Shown again as it was sent: flat, or as one JSON object. */
    *ret_merged = (struct merged){.shown = *given,
                                  .type = given_text(&all, "index_type"),
                                  .metric = given_text(&all, "metric_type")};
    return true;
}

static unsigned kind_of(const struct field *field)
{
    if (field->type == FIELD_BINARY_VECTOR)
        return FOR_BITS;
    return field_type_is_vector(field->type) ? FOR_FLOAT : FOR_SCALAR;
}

static bool check_type(struct op *op, const struct field *field, const char *type)
{
    for (size_t i = 0; i < sizeof index_types / sizeof *index_types; i++) {
        if (strcmp(index_types[i].name, type) != 0)
            continue;
        if ((index_types[i].kinds & kind_of(field)) != 0)
            return true;
        return status_wrap(&op->status, MILVUS_INVALID,
                           "data type %s can't build with this index %s",
                           field_type_name(field->type), type);
    }
    return status_fail(&op->status, MILVUS_INVALID,
                       "invalid parameter[expected=valid index][actual=invalid index type: %s]",
                       type);
}

static bool bad_params(struct op *op, const char *reason, const char *detail)
{
    return status_fail(&op->status, MILVUS_INVALID,
                       "%s%s: invalid parameter[expected=valid index params][actual=invalid index "
                       "params]",
                       reason, detail);
}

static bool check_metric(struct op *op, const struct view *view, const struct field *field,
                         const char *name, enum metric_type *ret_metric)
{
    const enum metric_type metric = metric_from_name(name);
    const bool is_structure = metric == METRIC_SUBSTRUCTURE || metric == METRIC_SUPERSTRUCTURE ||
                              strcmp(name, "MHJACCARD") == 0;
    if (is_structure && !view->info->is_1x)
        return refuse(op, REFUSED_METRIC_STRUCTURE, field->name);
    const bool is_bits = field->type == FIELD_BINARY_VECTOR;
    if (metric == METRIC_NONE || metric_is_binary(metric) != is_bits ||
        (metric == METRIC_TANIMOTO && !view->info->is_1x))
        return bad_params(op,
                          is_bits ? "metric type not found or not supported, supported: [HAMMING "
                                    "JACCARD]: binary vector index does not support metric type: "
                          : field->type == FIELD_INT8_VECTOR
                              ? "int vector index does not support metric type: "
                              : "float vector index does not support metric type: ",
                          name);
    *ret_metric = metric;
    return true;
}

static bool check_ranges(struct op *op, const struct merged *merged)
{
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        const char *value = pairs_get(&merged->shown, ranges[i].key);
        int64_t number;
        if (value == NULL || strncmp(merged->type, ranges[i].prefix, strlen(ranges[i].prefix)) != 0)
            continue;
        if (!number_parse_int(value, &number))
            return bad_params(op, "Type conflict in json: param ", ranges[i].key);
        if (number < ranges[i].least || number > ranges[i].most) {
            const char *text =
                op_printf(op, "'%s' (%" PRId64 ") should be in range [%" PRId64 ", %" PRId64 "]",
                          ranges[i].key, number, ranges[i].least, ranges[i].most);
            return text != NULL && bad_params(op, "Out of range in json: param ", text);
        }
    }
    return true;
}

/* What the client sees later: AUTOINDEX shows two parameters only. */
static bool show_autoindex(struct op *op, struct merged *merged)
{
    const size_t allowed = (size_t)(merged->type != NULL) + (size_t)(merged->metric != NULL);
    size_t given = 0;
    for (size_t i = 0; i < merged->shown.count; i++)
        if (merged->shown.items[i].value[0] != '\0' &&
            strcmp(merged->shown.items[i].key, "mmap.enabled") != 0)
            given++;
    if (given > allowed)
        return status_fail(&op->status, MILVUS_ERROR,
                           "only metric type can be passed when use AutoIndex");
    struct pair *pairs = op_array(op, 2, sizeof *pairs);
    if (pairs == NULL)
        return false;
    pairs[0] = (struct pair){"index_type", AUTOINDEX};
    pairs[1] = (struct pair){"metric_type", merged->metric};
    merged->shown = (struct pair_list){.items = pairs, .count = merged->metric != NULL ? 2 : 1};
    return true;
}

static bool check_vector_index(struct op *op, const struct view *view, const struct field *field,
                               struct merged *merged, enum metric_type *ret_metric)
{
    const bool is_auto = merged->type == NULL || strcmp(merged->type, AUTOINDEX) == 0;
    if (merged->metric == NULL && !is_auto)
        return bad_params(op, "metric type not set for vector index", "");
    const bool is_given = merged->metric != NULL;
    const char *fallback = field->type == FIELD_BINARY_VECTOR ? "HAMMING" : "COSINE";
    if (!check_metric(op, view, field, is_given ? merged->metric : fallback, ret_metric))
        return false;
    if (!is_auto)
        return check_ranges(op, merged);
    if (!show_autoindex(op, merged))
        return false;
    if (is_given)
        return true;
    struct pair *pairs = op_array(op, 2, sizeof *pairs);
    if (pairs == NULL)
        return false;
    pairs[0] = (struct pair){"index_type", AUTOINDEX};
    pairs[1] = (struct pair){"metric_type", fallback};
    merged->shown = (struct pair_list){.items = pairs, .count = 2};
    return true;
}

static bool check_scalar_index(struct op *op, const struct field *field, struct merged *merged)
{
    if (merged->type != NULL)
        return true;
    struct pair *pairs = op_array(op, merged->shown.count + 1, sizeof *pairs);
    if (pairs == NULL)
        return false;
    pairs[0] = (struct pair){"index_type", AUTOINDEX};
    memcpy(pairs + 1, merged->shown.items, merged->shown.count * sizeof *pairs);
    merged->shown = (struct pair_list){.items = pairs, .count = merged->shown.count + 1};
    (void)field;
    return true;
}

/* An index of that field or name may be there already. `*ret_done`: the same one. */
static bool check_existing(struct op *op, const struct view *view, const char *field,
                           const struct declared_index *index, bool *ret_done)
{
    *ret_done = false;
    for (size_t i = 0; i < view->info->index_count; i++) {
        const struct declared_index *old = &view->info->indexes[i];
        const bool is_field = strcmp(old->field, field) == 0;
        const bool is_name = strcmp(old->name, index->name) == 0;
        if (!is_field && is_name)
            return status_fail(&op->status, MILVUS_ERROR,
                               "CreateIndex failed: at most one distinct index is allowed per "
                               "field");
        if (!is_field)
            continue;
        if (is_name && strcmp(old->params, index->params) == 0) {
            *ret_done = true;
            return true;
        }
        if (is_name)
            return status_fail(&op->status, MILVUS_ERROR,
                               "CreateIndex failed: at most one distinct index is allowed per "
                               "field");
        return status_fail(&op->status, MILVUS_ERROR,
                           "CreateIndex failed: creating multiple indexes on same field is not "
                           "supported");
    }
    return true;
}

/* The name of an index that is asked for without one: that of the field's index, when it has just
 * one, so that asking again changes nothing; else the field's own. */
static const char *index_name(const struct view *view, const struct index_spec *spec, size_t field)
{
    const char *name = NULL;
    size_t count = 0;
    if (spec->name[0] != '\0')
        return spec->name;
    for (size_t i = 0; i < view->info->index_count; i++) {
        const struct declared_index *index = &view->info->indexes[i];
        if (strcmp(index->field, view->info->schema.fields[field].name) != 0)
            continue;
        name = index->name;
        count++;
    }
    return count == 1 ? name : spec->field;
}

/* Another call may have declared the same index since the view was opened: that is fine. */
static bool declare(struct op *op, const struct index_spec *spec, const struct view *view,
                    const struct declared_index *index)
{
    struct err err;
    struct view now;
    bool is_done = false;
    const enum err_code code = define_create_index(op->writer, view_name(view), index, &err);
    if (code != ERR_EXISTS)
        return op_engine_for(op, code, &err, spec->collection);
    return view_open(op, spec->collection, &now) &&
           check_existing(op, &now, index->field, index, &is_done) &&
           (is_done || op_engine_for(op, code, &err, spec->collection));
}

bool indexes_create(struct op *op, const struct index_spec *spec)
{
    struct view view;
    struct merged merged;
    bool is_done;
    if (!view_open(op, spec->collection, &view) ||
        (spec->name[0] != '\0' && !name_check_index(&op->status, spec->name)))
        return false;
    const size_t at = view_field(&view, spec->field);
    if (at == SIZE_MAX)
        return status_fail(&op->status, MILVUS_ERROR, "cannot create index on non-exist field: %s",
                           spec->field);
    const struct field *field = &view.schema.fields[at];
    struct declared_index index = {.name = index_name(&view, spec, at),
                                   .field = view.info->schema.fields[at].name};
    if (!merge(op, &spec->params, &merged) ||
        (merged.type != NULL && !check_type(op, field, merged.type)))
        return false;
    if (field_type_is_vector(field->type)) {
        if (!check_vector_index(op, &view, field, &merged, &index.metric))
            return false;
    } else if (!check_scalar_index(op, field, &merged)) {
        return false;
    }
    if (!properties_text(op, &merged.shown, &index.params) ||
        !check_existing(op, &view, index.field, &index, &is_done))
        return false;
    return is_done || declare(op, spec, &view, &index);
}

static const char *field_shown(const struct view *view, const char *stored)
{
    const size_t at = schema_find(&view->info->schema, stored);
    return at < view->schema.field_count ? view->schema.fields[at].name : stored;
}

/* Segments of the view that should have an index of a field, and that have one. */
static bool count_segments(struct op *op, const struct view *view, size_t field,
                           size_t *ret_possible, size_t *ret_ready)
{
    struct err err;
    struct snapshot *snapshot;
    *ret_possible = *ret_ready = 0;
    if (!op_engine(op, snapshot_for_field(view->snapshot, field, &snapshot, &err), &err))
        return false;
    index_count_first(snapshot, ret_possible, ret_ready);
    return true;
}

/* Counts and state: the share of the segments that have what they need, of the rows that there are.
 * While some lack it, the writer is asked to look for what has been built meanwhile. */
static bool count_rows(struct op *op, const struct view *view, struct index_view *item)
{
    struct err err;
    size_t possible = 0, ready = 0, found;
    const size_t field = schema_find(&view->info->schema, item->declared->field);
    item->total_rows = item->indexed_rows = view->facts->rows;
    item->state = INDEX_STATE_FINISHED;
    if (item->declared->metric == METRIC_NONE)
        return true;
    if (!count_segments(op, view, field, &possible, &ready))
        return false;
    if (ready >= possible)
        return true;
    item->pending_rows = (uint64_t)((double)item->total_rows * (double)(possible - ready) /
                                    (double)view->facts->segment_count);
    item->indexed_rows = item->total_rows - item->pending_rows;
    item->state = INDEX_STATE_IN_PROGRESS;
    return op_engine(op, writer_refresh_indexes(op->writer, &found, &err), &err);
}

/* A collection from Milvus 1.x has its index without asking. */
static bool list_declared(struct op *op, const struct view *view,
                          const struct declared_index **ret_items, size_t *ret_count)
{
    *ret_items = view->info->indexes;
    *ret_count = view->info->index_count;
    if (!view->info->is_1x || *ret_count > 0)
        return true;
    size_t at = 0;
    while (!field_type_is_vector(view->schema.fields[at].type))
        at++;
    struct declared_index *index = op_array(op, 1, sizeof *index);
    if (index == NULL)
        return false;
    *index = (struct declared_index){
        .id = view->info->id,
        .name = view->schema.fields[at].name,
        .field = view->info->schema.fields[at].name,
        .metric = view->info->metrics[at],
        .params = op_printf(op, "{\"index_type\":\"" AUTOINDEX "\",\"metric_type\":\"%s\"}",
                            metric_name(view->info->metrics[at])),
        .created_us = view->info->created_us};
    *ret_items = index;
    *ret_count = 1;
    return index->params != NULL;
}

bool indexes_describe(struct op *op, const struct view *view, const char *field, const char *name,
                      struct index_view **ret_items, size_t *ret_count)
{
    const struct declared_index *declared;
    size_t declared_count, count = 0;
    if (!list_declared(op, view, &declared, &declared_count))
        return false;
    struct index_view *items = op_array(op, declared_count, sizeof *items);
    if (items == NULL)
        return false;
    for (size_t i = 0; i < declared_count; i++) {
        const char *shown = field_shown(view, declared[i].field);
        if ((name[0] != '\0' && strcmp(declared[i].name, name) != 0) ||
            (name[0] == '\0' && field[0] != '\0' && strcmp(shown, field) != 0))
            continue;
        struct index_view *item = &items[count++];
        *item = (struct index_view){.declared = &declared[i], .field = shown};
        if (!properties_list(op, declared[i].params, &item->params) || !count_rows(op, view, item))
            return false;
    }
    if (count == 0 && name[0] != '\0')
        return status_fields(&op->status, MILVUS_NO_INDEX, "[indexName=%s]", name);
    if (count == 0)
        return status_fields(&op->status, MILVUS_NO_INDEX, "[collection=%s]", view->info->name);
    *ret_items = items;
    *ret_count = count;
    return true;
}

bool indexes_drop(struct op *op, const char *collection, const char *field, const char *name)
{
    struct err err;
    struct view view;
    if (!view_open(op, collection, &view))
        return false;
    for (size_t i = 0; i < view.info->index_count; i++) {
        const struct declared_index *index = &view.info->indexes[i];
        const bool is_it = name[0] != '\0' ? strcmp(index->name, name) == 0
                                           : strcmp(field_shown(&view, index->field), field) == 0;
        if (!is_it)
            continue;
        if (view.info->is_loaded && index->metric != METRIC_NONE)
            return status_fail(
                &op->status, MILVUS_ERROR,
                "index cannot be dropped, collection is loaded, please release it first");
        return op_engine_for(op, define_drop_index(op->writer, view_name(&view), index->name, &err),
                             &err, collection);
    }
    return true;
}

static bool is_configurable(const char *key)
{
    return strcmp(key, "mmap.enabled") == 0 || strcmp(key, "indexoffsetcache.enabled") == 0;
}

bool indexes_alter(struct op *op, const char *collection, const char *name,
                   const struct pair_list *set, const struct name_list *removed)
{
    struct err err;
    struct view view;
    struct index_view *items;
    size_t count;
    const char *params;
    if (set->count > 0 && removed->count > 0)
        return status_wrap(&op->status, MILVUS_INVALID,
                           "cannot provide both DeleteKeys and ExtraParams");
    for (size_t i = 0; i < set->count + removed->count; i++) {
        const char *key = i < set->count ? set->items[i].key : removed->items[i - set->count];
        if (!is_configurable(key))
            return status_wrap(&op->status, MILVUS_INVALID, "%s is not a configable index property",
                               key);
    }
    if (name[0] == '\0')
        return status_wrap(&op->status, MILVUS_INVALID, "index name is empty");
    if (!view_open(op, collection, &view) || !indexes_describe(op, &view, "", name, &items, &count))
        return false;
    if (view.info->is_loaded)
        return status_fail(&op->status, MILVUS_ALREADY_LOADED,
                           "can't alter index on loaded collection, please release the collection "
                           "first: collection already loaded[collection=%s]",
                           collection);
    return properties_change(op, items[0].declared->params, set, removed, &params) &&
           op_engine_for(op, define_alter_index(op->writer, view_name(&view), name, params, &err),
                         &err, collection);
}
