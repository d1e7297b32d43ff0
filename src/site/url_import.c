/* url_import.c: rows of arrays into a server's collection, portion by portion; see url.h.
 *
 * Ids that were not given are counted up from the largest one there is, which is found by halving:
 * how many rows have an id of at least this? A collection whose keys the server makes gets none. */
#include <inttypes.h>
#include <string.h>

#include "site/url.h"

#define VECTOR_FIELD "data" /* of new collections; as migrated ones are shown */
#define KEY_FIELD "id"

struct url_import {
    const struct import_request *request;
    struct url_collection *c;
    size_t row_size;
    bool has_made_ids; /* by the server */
    struct import_result result;
};

/* ---- What is there ---- */

static enum err_code check_fit(const struct url_import *i, struct err *err)
{
    const struct import_request *r = i->request;
    const struct collection_facts *facts = &i->c->facts;
    if (r->metric != METRIC_NONE && r->metric != facts->metric)
        return err_set(err, ERR_INVALID, "collection %s has metric %s, not %s", facts->name,
                       metric_name(facts->metric), metric_name(r->metric));
    if (r->is_binary != metric_is_binary(facts->metric) || r->dim != facts->dim)
        return err_set(err, ERR_INVALID,
                       "the vectors are %s of dimension %zu, collection %s has %s of %zu",
                       r->is_binary ? "bits" : "floats", r->dim, facts->name,
                       metric_is_binary(facts->metric) ? "bits" : "floats", facts->dim);
    return url_check_rows(i->c, err);
}

static void add_schema(const struct import_request *r, const char *metric, struct text *request)
{
    json_open(request, "schema", '{');
    json_add_bool(request, "autoID", false);
    json_add_bool(request, "enableDynamicField", false);
    json_open(request, "fields", '[');
    json_open(request, NULL, '{');
    json_add_string(request, "fieldName", KEY_FIELD);
    json_add_string(request, "dataType", "Int64");
    json_add_bool(request, "isPrimary", true);
    json_close(request, '}');
    json_open(request, NULL, '{');
    json_add_string(request, "fieldName", VECTOR_FIELD);
    json_add_string(request, "dataType", r->is_binary ? "BinaryVector" : "FloatVector");
    json_open(request, "elementTypeParams", '{');
    json_add_uint(request, "dim", r->dim);
    json_close(request, '}');
    json_close(request, '}');
    json_close(request, ']');
    json_close(request, '}');
    json_open(request, "indexParams", '[');
    json_open(request, NULL, '{');
    json_add_string(request, "fieldName", VECTOR_FIELD);
    json_add_string(request, "indexName", VECTOR_FIELD);
    json_add_string(request, "metricType", metric);
    json_add_string(request, "indexType", "AUTOINDEX");
    json_close(request, '}');
    json_close(request, ']');
}

static enum err_code create(struct url_import *i, struct err *err)
{
    struct text request;
    const struct import_request *r = i->request;
    enum metric_type metric = r->metric;
    if (metric == METRIC_NONE)
        metric = r->is_binary ? METRIC_HAMMING : METRIC_L2;
    url_begin(i->c, &request);
    add_schema(r, metric_name(metric), &request);
    json_close(&request, '}');
    enum err_code code = milvus_tell(i->c->site->milvus, "collections/create", &request, err);
    if (code == ERR_OK)
        code = url_facts_load(i->c->site, r->collection, i->c, err);
    i->result.is_new = code == ERR_OK;
    return code;
}

static enum err_code make_partition(const struct url_import *i, struct err *err)
{
    struct text request;
    size_t at;
    struct err ignored;
    const char *name = i->request->partition;
    if (name == NULL || facts_partition(&i->c->facts, name, &at, &ignored) == ERR_OK)
        return ERR_OK;
    url_begin(i->c, &request);
    json_add_string(&request, "partitionName", name);
    json_close(&request, '}');
    return milvus_tell(i->c->site->milvus, "partitions/create", &request, err);
}

/* ---- Ids ---- */

static enum err_code count_from(const struct url_collection *c, int64_t id, int64_t *ret_rows,
                                struct err *err)
{
    struct text request;
    const struct json *data;
    struct json *answer;
    url_begin(c, &request);
    text_addf(&request, ",\"filter\":\"%s >= {from}\"", c->key_field);
    json_open(&request, "exprParams", '{');
    json_add_int(&request, "from", id);
    json_close(&request, '}');
    json_open(&request, "outputFields", '[');
    json_add_string(&request, NULL, "count(*)");
    json_close(&request, ']');
    json_close(&request, '}');
    const enum err_code code =
        milvus_call(c->site->milvus, "entities/query", &request, &data, &answer, err);
    if (code != ERR_OK)
        return code;
    *ret_rows = js_int(js_get(js_at(data, 0), "count(*)"), 0);
    js_free(answer);
    return ERR_OK;
}

/* The largest id is in [low, high] as long as some row has an id of at least `low`. */
static enum err_code largest_id(const struct url_collection *c, int64_t *ret_id, struct err *err)
{
    int64_t low = INT64_MIN, high = INT64_MAX;
    while (low < high) {
        const uint64_t distance = (uint64_t)high - (uint64_t)low;
        const int64_t middle = (int64_t)((uint64_t)low + distance / 2 + 1);
        int64_t rows = 0;
        const enum err_code code = count_from(c, middle, &rows, err);
        if (code != ERR_OK)
            return code;
        if (rows > 0)
            low = middle;
        else
            high = middle - 1;
    }
    *ret_id = low;
    return ERR_OK;
}

static enum err_code choose_ids(struct url_import *i, struct err *err)
{
    const struct import_request *r = i->request;
    int64_t largest = 0;
    i->has_made_ids = i->c->is_auto_id && r->ids == NULL;
    if (r->ids != NULL || i->has_made_ids || i->c->facts.rows == 0)
        return ERR_OK;
    const enum err_code code = largest_id(i->c, &largest, err);
    if (code != ERR_OK)
        return code;
    if (largest >= 0 && r->rows > (uint64_t)INT64_MAX - (uint64_t)largest)
        return err_set(err, ERR_INVALID,
                       "the largest id is %" PRId64 ": there is no room to count on; give ids",
                       largest);
    i->result.first_id = largest + 1;
    return ERR_OK;
}

/* ---- Rows ---- */

static enum err_code add_row(const struct url_import *i, uint64_t row, struct text *request,
                             struct err *err)
{
    const struct import_request *r = i->request;
    json_open(request, NULL, '{');
    if (!i->has_made_ids)
        json_add_int(request, i->c->key_field,
                     r->ids != NULL ? r->ids[row] : (int64_t)((uint64_t)i->result.first_id + row));
    const enum err_code code =
        url_add_vector(request, i->c->vector_field, r->vectors + row * i->row_size, i->row_size,
                       r->is_binary, err);
    json_close(request, '}');
    return code == ERR_OK ? code : err_wrap(err, "row %" PRIu64, row);
}

static enum err_code insert(struct url_import *i, uint64_t first, uint64_t rows, struct err *err)
{
    struct text request;
    const struct json *data;
    struct json *answer;
    enum err_code code = ERR_OK;
    url_begin(i->c, &request);
    url_add_partition(i->c, &request, i->request->partition);
    json_open(&request, "data", '[');
    for (uint64_t row = first; code == ERR_OK && row < first + rows; row++)
        code = add_row(i, row, &request, err);
    json_close(&request, ']');
    json_close(&request, '}');
    if (code != ERR_OK) {
        text_release(&request);
        return code;
    }
    code = milvus_call(i->c->site->milvus, "entities/insert", &request, &data, &answer, err);
    if (code != ERR_OK)
        return code;
    if (i->has_made_ids && first == 0)
        i->result.first_id = js_int(js_at(js_get(data, "insertIds"), 0), 0);
    js_free(answer);
    i->result.rows += rows;
    return meter_pass(i->request->meter, rows * i->row_size, rows, err);
}

static enum err_code insert_all(struct url_import *i, struct err *err)
{
    const uint64_t step = url_rows_at_once(i->c);
    enum err_code code = ERR_OK;
    for (uint64_t first = 0; code == ERR_OK && first < i->request->rows; first += step) {
        const uint64_t left = i->request->rows - first;
        code = insert(i, first, left < step ? left : step, err);
    }
    if (code != ERR_OK && i->result.rows > 0)
        (void)err_wrap(err,
                       "after %" PRIu64 " of %" PRIu64 " rows, which stay (with --ids the command "
                       "can be run again: they are replaced)",
                       i->result.rows, i->request->rows);
    return code;
}

static enum err_code import(struct url_import *i, struct err *err)
{
    struct err missing = {0};
    enum err_code code = url_facts_load(i->c->site, i->request->collection, i->c, &missing);
    if (code == ERR_NO_COLLECTION)
        code = create(i, err);
    else if (code != ERR_OK && err != NULL)
        *err = missing;
    if (code == ERR_OK)
        code = check_fit(i, err);
    if (code == ERR_OK)
        code = make_partition(i, err);
    if (code == ERR_OK)
        code = choose_ids(i, err);
    i->row_size = i->c->facts.row_size;
    return code == ERR_OK ? insert_all(i, err) : code;
}

enum err_code url_import(struct site *site, const struct import_request *request,
                         struct import_result *ret_result, struct err *err)
{
    struct url_collection c = {.site = (struct url_site *)site};
    struct url_import i = {.request = request, .c = &c};
    arena_init(&c.arena, URL_MEMORY_MAX);
    const enum err_code code = import(&i, err);
    arena_release(&c.arena);
    if (code == ERR_OK)
        *ret_result = i.result;
    return code;
}
