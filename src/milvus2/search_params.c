/* search_params.c: see search_params.h. Keys and wording: Milvus's proxy.
 *
 * A key may stand beside the others or in the JSON object "params"; some clients do both. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "milvus2/names.h"
#include "milvus2/properties.h"
#include "milvus2/refused.h"
#include "milvus2/search_params.h"

struct reader {
    struct op *op;
    const struct view *view;
    const struct pair_list *flat;
    struct pair_list inner; /* of "params" */
};

/* NULL when it is absent or empty. */
static const char *get(const struct reader *reader, const char *key)
{
    const char *value = pairs_get(reader->flat, key);
    if (value == NULL || value[0] == '\0')
        value = pairs_get(&reader->inner, key);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

static bool read_inner(struct reader *reader)
{
    const char *text = pairs_get(reader->flat, "params");
    if (text == NULL || text[0] == '\0')
        return true;
    return properties_list(reader->op, text, &reader->inner) ||
           status_wrap(&reader->op->status, MILVUS_INVALID,
                       "failed to create query plan: params is no JSON object: %s", text);
}

static bool refuse_unserved(struct reader *reader)
{
    static const struct {
        const char *key;
        enum refused what;
    } unserved[] = {{"group_by_field", REFUSED_GROUP_BY},
                    {"order_by_fields", REFUSED_ORDER_BY},
                    {"group_by_fields", REFUSED_GROUP_BY}};
    for (size_t i = 0; i < sizeof unserved / sizeof *unserved; i++)
        if (get(reader, unserved[i].key) != NULL)
            return refuse(reader->op, unserved[i].what, unserved[i].key);
    return true;
}

static bool read_field(struct reader *reader, struct search_params *params)
{
    const struct schema *schema = &reader->view->schema;
    const char *name = get(reader, "anns_field");
    size_t count = 0;
    if (name == NULL) {
        for (size_t i = 0; i < schema->field_count; i++)
            if (field_type_is_vector(schema->fields[i].type) && count++ == 0)
                params->field = i;
        return count == 1 ||
               status_fail(&reader->op->status, MILVUS_ERROR,
                           count == 0
                               ? "anns_field not found in schema"
                               : "multiple anns_fields exist, please specify a anns_field in "
                                 "search_params");
    }
    params->field = view_field(reader->view, name);
    if (params->field == SIZE_MAX)
        return status_wrap(&reader->op->status, MILVUS_INVALID,
                           "failed to create query plan: failed to get field schema by name: "
                           "fieldName(%s) not found",
                           name);
    return field_type_is_vector(schema->fields[params->field].type) ||
           status_wrap(&reader->op->status, MILVUS_INVALID,
                       "failed to create query plan: field (%s) to search is not of vector data "
                       "type",
                       name);
}

static bool read_metric(struct reader *reader, struct search_params *params)
{
    params->metric = reader->view->info->metrics[params->field];
    const char *name = get(reader, "metric_type");
    if (name == NULL || metric_from_name(name) == params->metric)
        return true;
    return status_expected(&reader->op->status, metric_name(params->metric), name,
                           "metric type not match: invalid");
}

static bool read_window(struct reader *reader, struct search_params *params)
{
    struct status *status = &reader->op->status;
    int64_t k, offset = 0;
    const char *text = get(reader, "topk");
    if (text == NULL)
        text = get(reader, "limit");
    if (text == NULL)
        return status_wrap(status, MILVUS_INVALID, "topk is required");
    if (!number_parse_int(text, &k))
        return status_wrap(status, MILVUS_INVALID, "topk [%s] is invalid", text);
    if (k <= 0 || k > LIMIT_ROWS)
        return status_wrap(status, MILVUS_INVALID,
                           "topk [%" PRId64 "] is invalid, it should be in range [1, %d], but got "
                           "%" PRId64,
                           k, LIMIT_ROWS, k);
    text = get(reader, "offset");
    if (text != NULL && !number_parse_int(text, &offset))
        return status_wrap(status, MILVUS_INVALID, "offset [%s] is invalid", text);
    if (offset < 0 || offset > LIMIT_ROWS)
        return status_wrap(status, MILVUS_INVALID,
                           "offset [%" PRId64
                           "] is invalid, it should be in range [0, %d], but got "
                           "%" PRId64,
                           offset, LIMIT_ROWS, offset);
    if (k + offset > LIMIT_ROWS)
        return status_wrap(status, MILVUS_INVALID,
                           "offset+topk [%" PRId64 "] is invalid, it should be in range [1, %d], "
                           "but got %" PRId64,
                           k + offset, LIMIT_ROWS, k + offset);
    params->k = (size_t)k;
    params->offset = (size_t)offset;
    return true;
}

static bool read_round(struct reader *reader, struct search_params *params)
{
    int64_t digits = -1;
    const char *text = get(reader, "round_decimal");
    if (text != NULL && (!number_parse_int(text, &digits) || digits < -1 || digits > 6))
        return status_wrap(&reader->op->status, MILVUS_INVALID,
                           "round_decimal [%s] is invalid, should be -1 or an integer in range "
                           "[0, 6]",
                           text);
    params->round_decimal = (int)digits;
    return true;
}

static bool read_level(struct reader *reader, struct search_params *params)
{
    int64_t level = 0;
    const char *text = get(reader, "level");
    if (text != NULL && (!number_parse_int(text, &level) || level < 1 || level > 10))
        return status_wrap(&reader->op->status, MILVUS_INVALID,
                           "level [%s] is invalid, it should be in range [1, 10]", text);
    params->level = (unsigned)level;
    return true;
}

static bool read_bound(struct reader *reader, const char *key, bool *ret_has, float *ret_value)
{
    double value = 0;
    const char *text = get(reader, key);
    *ret_has = text != NULL;
    if (text != NULL && !number_parse_double(text, &value))
        return status_wrap(&reader->op->status, MILVUS_INVALID,
                           "failed to create query plan: %s must be a number: %s", key, text);
    *ret_value = (float)value;
    return true;
}

static bool read_range(struct reader *reader, struct search_params *params)
{
    if (!read_bound(reader, "radius", &params->has_radius, &params->radius) ||
        !read_bound(reader, "range_filter", &params->has_range_filter, &params->range_filter))
        return false;
    if (!params->has_radius && params->has_range_filter)
        params->has_range_filter = false; /* means nothing without a radius */
    if (!params->has_radius || !params->has_range_filter)
        return true;
    const bool is_large = metric_larger_is_better(params->metric);
    if (is_large ? params->range_filter > params->radius : params->range_filter < params->radius)
        return true;
    return status_wrap(&reader->op->status, MILVUS_INVALID,
                       is_large ? "range_filter(%g) must be greater than radius(%g) when metric "
                                  "type is %s"
                                : "range_filter(%g) must be less than radius(%g) when metric type "
                                  "is %s",
                       (double)params->range_filter, (double)params->radius,
                       metric_name(params->metric));
}

static bool is_uuid(const char *text)
{
    if (strlen(text) != 36)
        return false;
    for (size_t i = 0; i < 36; i++) {
        const bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (is_dash ? text[i] != '-' : strchr("0123456789abcdefABCDEF", text[i]) == NULL)
            return false;
    }
    return true;
}

/* An iterator goes on with the collection that it began with. */
static bool check_collection(struct reader *reader)
{
    int64_t number;
    const char *id = get(reader, "collection_id");
    if (id == NULL || !number_parse_int(id, &number) || number <= 0 ||
        number == reader->view->info->id)
        return true;
    return status_wrap(&reader->op->status, MILVUS_INVALID,
                       "collection id:%s in the request is not consistent to that in the search "
                       "context, alias or database may have been changed",
                       id);
}

static bool read_iterator(struct reader *reader, struct search_params *params)
{
    struct status *status = &reader->op->status;
    int64_t number;
    const char *iterator = get(reader, "iterator"), *v2 = get(reader, "search_iter_v2");
    params->token = "";
    if (!check_collection(reader))
        return false;
    if (v2 == NULL || !number_parse_bool(v2))
        return true;
    if (iterator == NULL || !number_parse_bool(iterator))
        return status_wrap(
            status, MILVUS_INVALID,
            "parse iterator v2 info failed: both iterator and search_iter_v2 must be "
            "set in the SDK");
    const char *size = get(reader, "search_iter_batch_size");
    if (size == NULL)
        return status_wrap(status, MILVUS_INVALID,
                           "parse iterator v2 info failed: batch size is required");
    if (!number_parse_int(size, &number) || number <= 0 || number > LIMIT_ROWS)
        return status_wrap(status, MILVUS_INVALID,
                           "parse iterator v2 info failed: batch size is invalid, it should be in "
                           "range [1, %d], but got %s",
                           LIMIT_ROWS, size);
    params->is_iterator = true;
    params->k = (size_t)number;
    params->offset = 0;
    const char *token = get(reader, "search_iter_id");
    if (token != NULL && !is_uuid(token))
        return status_wrap(status, MILVUS_INVALID,
                           "parse iterator v2 info failed: invalid token format");
    params->token = token != NULL ? token : "";
    return read_bound(reader, "search_iter_last_bound", &params->has_bound, &params->bound);
}

bool search_params_read(struct op *op, const struct view *view, const struct pair_list *params,
                        struct search_params *ret_params)
{
    struct reader reader = {.op = op, .view = view, .flat = params};
    *ret_params = (struct search_params){0};
    return read_inner(&reader) && refuse_unserved(&reader) && read_field(&reader, ret_params) &&
           read_metric(&reader, ret_params) && read_window(&reader, ret_params) &&
           read_round(&reader, ret_params) && read_level(&reader, ret_params) &&
           read_range(&reader, ret_params) && read_iterator(&reader, ret_params);
}
