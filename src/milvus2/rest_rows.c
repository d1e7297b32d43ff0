/* rest_rows.c: rows in and out; see rest.h. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "milvus2/insert.h"
#include "milvus2/names.h"
#include "milvus2/refused.h"
#include "milvus2/rest_values.h"
#include "milvus2/rows_json.h"
#include "milvus2/search.h"
#include "milvus2/template_json.h"

#define ROWS_DEFAULT 100 /* limit of searches and queries that name none */

/* Rows, or one row, as the array that it should be. */
static bool as_array(struct rest *rest, const struct json *data, struct json **ret_document)
{
    struct err err;
    char *row = js_dump_ordered(data);
    char *text = row != NULL ? op_printf(&rest->op, "[%s]", row) : NULL;
    mem_free(row);
    if (text == NULL)
        return status_nomem(&rest->op.status, "request");
    return op_engine(&rest->op, js_parse(text, strlen(text), ret_document, &err), &err);
}

static bool read_rows(struct rest *rest, const struct view *view, struct insert_request *request)
{
    static const struct rows_json_options options = {.code = MILVUS_REST_INSERT};
    const struct json *data = js_get(rest->body, "data");
    struct json *document = NULL;
    if (js_is_object(data)) {
        if (!as_array(rest, data, &document))
            return false;
        data = document;
    }
    request->rows = js_size(data);
    const bool is_good =
        request->rows > 0
            ? rows_from_json(&rest->op, view, data, &options, &request->columns)
            : rest_fail(rest, MILVUS_REST_INSERT, "error: no row need to be convert to columns");
    js_free(document);
    return is_good;
}

static bool write_rows(struct rest *rest, bool is_upsert, struct insert_answer *ret_answer)
{
    struct view view;
    const bool is_partial = is_upsert && js_is_true(js_get(rest->body, "partialUpdate"));
    struct insert_request request = {.partition = rest_text(rest, "partitionName", ""),
                                     .is_upsert = is_upsert,
                                     .is_partial = is_partial};
    return view_open(&rest->op, rest_collection(rest), &view) && read_rows(rest, &view, &request) &&
           rows_insert(&rest->op, &view, &request, ret_answer);
}

static bool add_written(struct rest *rest, const char *count_key, const char *ids_key,
                        const struct insert_answer *answer)
{
    json_add_int(&rest->answer, "cost", 0);
    json_open(&rest->answer, "data", '{');
    json_add_uint(&rest->answer, count_key, answer->rows);
    json_open(&rest->answer, ids_key, '[');
    for (size_t i = 0; i < answer->ids.rows; i++)
        rest_add_value(rest, NULL, &answer->ids, i);
    json_close(&rest->answer, ']');
    json_close(&rest->answer, '}');
    return true;
}

bool rest_insert(struct rest *rest)
{
    struct insert_answer answer;
    return write_rows(rest, false, &answer) &&
           add_written(rest, "insertCount", "insertIds", &answer);
}

bool rest_upsert(struct rest *rest)
{
    struct insert_answer answer;
    return write_rows(rest, true, &answer) &&
           add_written(rest, "upsertCount", "upsertIds", &answer);
}

/* ---- Filters on primary keys ---- */

static bool bad_key(struct rest *rest, const struct json *value)
{
    const char *text = rest_value_text(rest, value);
    return text != NULL && status_fail(&rest->op.status, MILVUS_REST_PRIMARY, "%s, error: %.200s",
                                       status_text(MILVUS_REST_PRIMARY), text);
}

static bool add_key(struct rest *rest, const struct field *key, const struct json *value,
                    struct text *filter)
{
    int64_t number;
    if (key->type == FIELD_VARCHAR) {
        if (!js_is_string(value) && !js_is_int(value))
            return bad_key(rest, value);
        json_add_string(filter, NULL, rest_value_text(rest, value));
        return true;
    }
    if (js_is_int(value))
        number = js_int(value, 0);
    else if (!js_is_string(value) || !number_parse_int(js_string(value, ""), &number))
        return bad_key(rest, value);
    json_add_int(filter, NULL, number);
    return true;
}

/* "KEY in [...]" from the value of "id". */
static bool keys_filter(struct rest *rest, const struct view *view, const char **ret_filter)
{
    const struct field *key = &view->schema.fields[view->schema.primary];
    const struct json *ids = js_get(rest->body, "id");
    const size_t count = js_is_array(ids) ? js_size(ids) : 1;
    struct text list;
    bool is_good = true;
    if (js_is_null(ids))
        return rest_fail(rest, MILVUS_REST_MISSING, "error: a filter or ids are required");
    text_init(&list);
    json_open(&list, NULL, '[');
    for (size_t i = 0; is_good && i < count; i++)
        is_good = add_key(rest, key, js_is_array(ids) ? js_at(ids, i) : ids, &list);
    json_close(&list, ']');
    if (is_good && text_failed(&list))
        is_good = status_nomem(&rest->op.status, "filter");
    *ret_filter = is_good ? op_printf(&rest->op, "%s in %s", key->name, text_get(&list)) : NULL;
    text_release(&list);
    return *ret_filter != NULL;
}

bool rest_delete(struct rest *rest)
{
    struct view view;
    struct delete_answer answer;
    struct delete_request request = {.filter = rest_text(rest, "filter", ""),
                                     .partition = rest_text(rest, "partitionName", "")};
    if (!view_open(&rest->op, rest_collection(rest), &view) ||
        !templates_from_json(&rest->op, js_get(rest->body, "exprParams"), &request.templates) ||
        (request.filter[0] == '\0' && !keys_filter(rest, &view, &request.filter)) ||
        !rows_delete(&rest->op, &view, &request, &answer))
        return false;
    json_open(&rest->answer, "data", '{');
    json_add_uint(&rest->answer, "deleteCount", answer.rows);
    json_close(&rest->answer, '}');
    return true;
}

/* ---- Queries ---- */

static bool check_level(struct rest *rest)
{
    int64_t level;
    const char *name = rest_text(rest, "consistencyLevel", "");
    return name[0] == '\0' || rest_consistency(rest, name, &level);
}

/* What to show; `fallback` when the request does not say. */
static bool read_outputs(struct rest *rest, const char *fallback, struct name_list *ret_names)
{
    if (!rest_names(rest, "outputFields", ret_names))
        return false;
    if (js_get(rest->body, "outputFields") != NULL || fallback == NULL)
        return true;
    const char **all = op_array(&rest->op, 1, sizeof *all);
    if (all == NULL)
        return false;
    all[0] = fallback;
    *ret_names = (struct name_list){all, 1};
    return true;
}

/* The partition of a row by its tag, for those who ask for details. */
static void add_partition(struct rest *rest, const struct view *view, struct place place)
{
    struct rows_segment segment;
    if (!rest->has_details)
        return;
    rows_segment(view->snapshot, place.segment, &segment);
    json_add_string(&rest->answer, "$partition", view->facts->partitions[segment.partition].name);
}

static bool answer_query(struct rest *rest, const struct view *view, struct query_spec *spec)
{
    struct query_answer answer;
    if (!check_level(rest) || !read_outputs(rest, "*", &spec->output_fields) ||
        !rest_names(rest, "partitionNames", &spec->partitions) ||
        !query_rows(&rest->op, view, spec, &answer))
        return false;
    json_add_int(&rest->answer, "cost", 0);
    json_open(&rest->answer, "data", '[');
    if (answer.output.is_count) {
        json_open(&rest->answer, NULL, '{');
        rest_add_int(rest, "count(*)", (int64_t)answer.count);
        json_close(&rest->answer, '}');
    }
    for (size_t row = 0; !answer.output.is_count && row < answer.rows; row++) {
        json_open(&rest->answer, NULL, '{');
        rest_add_row(rest, view, &answer.output, answer.columns, row);
        add_partition(rest, view, answer.places[row]);
        json_close(&rest->answer, '}');
    }
    json_close(&rest->answer, ']');
    return true;
}

bool rest_get(struct rest *rest)
{
    struct view view;
    struct query_spec spec = {0};
    return view_open(&rest->op, rest_collection(rest), &view) &&
           keys_filter(rest, &view, &spec.filter) && answer_query(rest, &view, &spec);
}

static const char *number_text(struct rest *rest, int64_t number)
{
    return op_printf(&rest->op, "%" PRId64, number);
}

/* "count(*)" alone must not be limited. */
static bool asks_for_count(const struct rest *rest)
{
    const struct json *fields = js_get(rest->body, "outputFields");
    return js_size(fields) == 1 && strcasecmp(js_string(js_at(fields, 0), ""), "count(*)") == 0;
}

bool rest_query(struct rest *rest)
{
    struct view view;
    struct query_spec spec = {.filter = rest_text(rest, "filter", "")};
    struct pair *params = op_array(&rest->op, 2, sizeof *params);
    const int64_t limit = rest_int(rest, "limit", ROWS_DEFAULT);
    const int64_t offset = rest_int(rest, "offset", 0);
    if (params == NULL || !view_open(&rest->op, rest_collection(rest), &view) ||
        !templates_from_json(&rest->op, js_get(rest->body, "exprParams"), &spec.templates))
        return false;
    size_t n = 0;
    if (limit != 0 && !asks_for_count(rest))
        params[n++] = (struct pair){"limit", number_text(rest, limit)};
    if (offset != 0)
        params[n++] = (struct pair){"offset", number_text(rest, offset)};
    for (size_t i = 0; i < n; i++)
        if (params[i].value == NULL)
            return false;
    spec.params = (struct pair_list){params, n};
    return answer_query(rest, &view, &spec);
}

/* ---- Searches ---- */

/* The vector field: named, or the only one. */
static bool find_vectors(struct rest *rest, const struct view *view, const struct field **ret_field)
{
    const char *name = rest_text(rest, "annsField", "");
    *ret_field = NULL;
    for (size_t i = 0; i < view->shown_fields; i++) {
        const struct field *field = &view->schema.fields[i];
        if (!field_type_is_vector(field->type) ||
            (name[0] != '\0' && strcmp(field->name, name) != 0))
            continue;
        if (*ret_field != NULL)
            return rest_fail(rest, MILVUS_REST_JSON,
                             "error: multiple annsFields, please specify annsField");
        *ret_field = field;
    }
    return *ret_field != NULL ||
           rest_fail(rest, MILVUS_REST_JSON, "error: cannot find a vector field named: %s", name);
}

static bool conflict(struct rest *rest, const char *key)
{
    return status_wrap(&rest->op.status, MILVUS_INVALID,
                       "ambiguous parameter: %s, in search_param and in search_param.params", key);
}

/* Members of searchParams other than params, which may not say two things. */
static bool add_flat_params(struct rest *rest, const struct json *given, const struct json *inner,
                            struct pair *params, size_t *n)
{
    const char *key;
    const struct json *value;
    for (void *at = NULL; (value = js_next(given, &at, &key)) != NULL;) {
        const struct json *other = js_get(inner, key);
        const char *text;
        if (strcmp(key, "params") == 0)
            continue;
        text = rest_value_text(rest, value);
        if (text == NULL)
            return false;
        if (other != NULL) {
            const char *second = rest_value_text(rest, other);
            if (second == NULL || strcmp(text, second) != 0)
                return second != NULL && conflict(rest, key);
        }
        const bool is_metric = strcmp(key, "metricType") == 0;
        if (strcmp(key, "ignoreGrowing") != 0)
            params[(*n)++] = (struct pair){is_metric ? "metric_type" : key, text};
    }
    return true;
}

static bool read_params(struct rest *rest, const struct json *given, struct pair_list *ret_params)
{
    const struct json *inner = js_get(given, "params");
    size_t count = 0, n = 0;
    const char *key;
    for (void *at = NULL; js_next(given, &at, &key) != NULL;)
        count++;
    struct pair *params = op_array(&rest->op, count + 6, sizeof *params);
    if (params == NULL)
        return false;
    if (inner != NULL && !js_is_object(inner))
        return status_wrap(&rest->op.status, MILVUS_INVALID, "searchParams.params must be a dict");
    params[n++] = (struct pair){"topk", number_text(rest, rest_int(rest, "limit", ROWS_DEFAULT))};
    params[n++] = (struct pair){"offset", number_text(rest, rest_int(rest, "offset", 0))};
    params[n++] = (struct pair){"anns_field", rest_text(rest, "annsField", "")};
    params[n++] = (struct pair){"params", inner != NULL ? rest_value_text(rest, inner) : "{}"};
    const char *group = rest_text(rest, "groupingField", "");
    if (group[0] != '\0')
        params[n++] = (struct pair){"group_by_field", group};
    for (size_t i = 0; i < n; i++)
        if (params[i].value == NULL)
            return false;
    if (!add_flat_params(rest, given, inner, params, &n))
        return false;
    *ret_params = (struct pair_list){params, n};
    return true;
}

static bool add_hits(struct rest *rest, const struct view *view, const struct search_answer *answer)
{
    json_add_int(&rest->answer, "cost", 0);
    json_open(&rest->answer, "data", '[');
    for (size_t i = 0; i < answer->hit_count; i++) {
        json_open(&rest->answer, NULL, '{');
        json_add_float(&rest->answer, "distance", answer->scores[i]);
        rest_add_value(rest, "id", &answer->ids, i);
        for (size_t k = 0; k < answer->output.field_count; k++) {
            /* The key is there already when it is called "id". */
            const struct output one = {.fields = answer->output.fields + k, .field_count = 1};
            const size_t field = one.fields[0];
            if (field != view->schema.primary || strcmp(view->schema.fields[field].name, "id") != 0)
                rest_add_row(rest, view, &one, answer->columns + k, i);
        }
        add_partition(rest, view, answer->places[i]);
        json_close(&rest->answer, '}');
    }
    json_close(&rest->answer, ']');
    json_open(&rest->answer, "topks", '[');
    for (size_t i = 0; i < answer->query_count; i++)
        json_add_uint(&rest->answer, NULL, answer->counts[i]);
    json_close(&rest->answer, ']');
    return true;
}

/* Version 1 searches for one vector, and has its parameters flat. */
static bool read_search(struct rest *rest, const struct view *view, struct search_spec *spec)
{
    const struct field *field;
    const struct json *data = js_get(rest->body, "data");
    const struct json *params = js_get(rest->body, "searchParams");
    if (js_size(js_get(js_get(rest->body, "functionScore"), "functions")) > 0)
        return refuse(&rest->op, REFUSED_RERANK, "functionScore");
    if (!find_vectors(rest, view, &field) || !check_level(rest))
        return false;
    if (js_is_string(js_at(data, 0)) && field->type == FIELD_FLOAT_VECTOR &&
        js_string(js_at(data, 0), "")[0] != '[')
        return refuse(&rest->op, REFUSED_TEXT_QUERY, "data");
    return rest_read_queries(rest, field, data, &spec->query_type, &spec->queries,
                             &spec->query_count) &&
           read_params(rest, params, &spec->params) &&
           read_outputs(rest, NULL, &spec->output_fields) &&
           rest_names(rest, "partitionNames", &spec->partitions) &&
           templates_from_json(&rest->op, js_get(rest->body, "exprParams"), &spec->templates);
}

/* The request of version 1 in the form of version 2. */
static bool convert_v1(struct rest *rest, struct json **ret_document)
{
    struct err err;
    struct text text;
    const struct json *vector = js_get(rest->body, "vector");
    const struct json *params = js_get(rest->body, "params");
    static const char *const same[] = {"collectionName", "dbName", "filter",
                                       "limit",          "offset", "outputFields"};
    text_init(&text);
    json_open(&text, NULL, '{');
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        char *value = js_dump_ordered(js_get(rest->body, same[i]));
        if (!js_is_null(js_get(rest->body, same[i])) && value != NULL)
            json_add_raw(&text, same[i], value);
        mem_free(value);
    }
    char *query = js_dump_ordered(vector);
    char *inner = js_is_object(params) ? js_dump_ordered(params) : NULL;
    json_open(&text, "data", '[');
    json_add_raw(&text, NULL, query != NULL ? query : "[]");
    json_close(&text, ']');
    json_open(&text, "searchParams", '{');
    json_add_raw(&text, "params", inner != NULL ? inner : "{}");
    json_close(&text, '}');
    json_close(&text, '}');
    mem_free(query);
    mem_free(inner);
    const enum err_code code = js_parse(text_get(&text), text.size, ret_document, &err);
    text_release(&text);
    return op_engine(&rest->op, code, &err);
}

static bool answer_search(struct rest *rest)
{
    struct view view;
    struct search_answer answer;
    struct search_spec spec = {.filter = rest_text(rest, "filter", "")};
    return view_open(&rest->op, rest_collection(rest), &view) && read_search(rest, &view, &spec) &&
           search_rows(&rest->op, &view, &spec, &answer) && add_hits(rest, &view, &answer);
}

bool rest_search(struct rest *rest)
{
    if (!rest->is_v1)
        return answer_search(rest);
    const struct json *asked = rest->body;
    struct json *document;
    if (!convert_v1(rest, &document))
        return false;
    rest->body = document;
    const bool is_good = answer_search(rest);
    rest->body = asked;
    js_free(document);
    return is_good;
}

bool rest_hybrid_search(struct rest *rest)
{
    return refuse(&rest->op, REFUSED_HYBRID, "entities/hybrid_search");
}
