/* url_search.c: searches of a server; see url.h. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "engine/plan.h"
#include "site/url.h"

#define HITS_AT_ONCE ((size_t)1 << 17) /* in one answer */

struct url_search {
    const struct url_collection *c;
    const struct search_request *request;
    struct search_result result;
};

static enum err_code check(const struct url_search *s, struct err *err)
{
    const struct search_request *r = s->request;
    size_t at;
    enum err_code code = url_check_rows(s->c, err);
    if (code == ERR_OK && r->dim != s->c->facts.dim)
        code = err_set(err, ERR_INVALID, "the query has %zu dimensions, the collection %zu", r->dim,
                       s->c->facts.dim);
    for (size_t i = 0; code == ERR_OK && i < r->partition_count; i++)
        code = facts_partition(&s->c->facts, r->partitions[i], &at, err);
    return code;
}

/* A bound alone is no range for Milvus: the other one is then as far away as a float can be. */
static void add_range(const struct url_search *s, struct text *request)
{
    const struct search_request *r = s->request;
    const bool is_large = metric_larger_is_better(s->c->facts.metric);
    if (!r->has_radius && !r->has_range_filter)
        return;
    json_add_float(request, "radius", r->has_radius ? r->radius : is_large ? -FLT_MAX : FLT_MAX);
    if (r->has_range_filter)
        json_add_float(request, "range_filter", r->range_filter);
}

static void add_filter(const struct url_collection *c, struct text *request)
{
    if (!c->is_restricted)
        return;
    text_addf(request, ",\"filter\":\"%s in {ids}\"", c->key_field);
    json_open(request, "exprParams", '{');
    json_open(request, "ids", '[');
    for (size_t i = 0; i < c->only_count; i++)
        json_add_int(request, NULL, c->only[i]);
    json_close(request, ']');
    json_close(request, '}');
}

static enum err_code add_queries(const struct url_search *s, size_t first, size_t count,
                                 struct text *request, struct err *err)
{
    const struct collection_facts *facts = &s->c->facts;
    const uint8_t *queries = s->request->queries;
    enum err_code code = ERR_OK;
    json_open(request, "data", '[');
    for (size_t q = first; code == ERR_OK && q < first + count; q++)
        code = url_add_vector(request, NULL, queries + q * facts->row_size, facts->row_size,
                              metric_is_binary(facts->metric), err);
    json_close(request, ']');
    return code == ERR_OK ? code : err_wrap(err, "the query");
}

static enum err_code make_request(const struct url_search *s, size_t first, size_t count,
                                  struct text *request, struct err *err)
{
    const struct search_request *r = s->request;
    url_begin(s->c, request);
    json_add_string(request, "annsField", s->c->vector_field);
    json_add_uint(request, "limit", r->k);
    json_open(request, "searchParams", '{');
    json_open(request, "params", '{');
    json_add_uint(request, "level", plan_level(r));
    add_range(s, request);
    json_close(request, '}');
    json_close(request, '}');
    url_add_partitions(s->c, request, r->partitions, r->partition_count);
    add_filter(s->c, request);
    const enum err_code code = add_queries(s, first, count, request, err);
    json_close(request, '}');
    return code;
}

/* JSON has no infinity; as a distance it can only be the positive one. */
static enum err_code read_score(const struct url_search *s, const struct json *hit,
                                float *ret_score, struct err *err)
{
    const struct json *distance = js_get(hit, "distance");
    if (!js_is_number(distance) && metric_larger_is_better(s->c->facts.metric))
        return err_set(err, ERR_UNSUPPORTED,
                       "%s: a score is infinite, which a server cannot send; use the folder itself",
                       milvus_url(s->c->site->milvus));
    *ret_score = js_is_number(distance) ? (float)js_number(distance, 0) : INFINITY;
    return ERR_OK;
}

static enum err_code take_hits(struct url_search *s, size_t query, const struct json *data,
                               size_t from, struct err *err)
{
    struct search_result *result = &s->result;
    enum err_code code = ERR_OK;
    for (size_t i = 0; code == ERR_OK && i < result->counts[query]; i++) {
        const struct json *hit = js_at(data, from + i);
        const size_t at = query * result->k + i;
        code = read_score(s, hit, &result->scores[at], err);
        if (code == ERR_OK)
            code = url_read_id(s->c, js_get(hit, "id"), &result->ids[at], err);
        if (code == ERR_OK)
            code = url_read_partition(s->c, hit, &result->partitions[at], err);
    }
    return code;
}

static enum err_code read_answer(struct url_search *s, size_t first, size_t count,
                                 const struct json *answer, struct err *err)
{
    const struct json *data = js_get(answer, "data"), *counts = js_get(answer, "topks");
    enum err_code code = ERR_OK;
    size_t at = 0;
    for (size_t q = 0; code == ERR_OK && q < count; q++) {
        const int64_t hits = js_int(js_at(counts, q), -1);
        if (hits < 0 || (uint64_t)hits > s->result.k || (uint64_t)hits > js_size(data) - at)
            return err_set(err, ERR_CORRUPT, "%s: the answer to a search is not as it should be",
                           milvus_url(s->c->site->milvus));
        s->result.counts[first + q] = (size_t)hits;
        code = take_hits(s, first + q, data, at, err);
        at += (size_t)hits;
    }
    return code;
}

static enum err_code search_some(struct url_search *s, size_t first, size_t count, struct err *err)
{
    struct text request;
    const struct json *data;
    struct json *answer;
    enum err_code code = make_request(s, first, count, &request, err);
    if (code != ERR_OK) {
        text_release(&request);
        return code;
    }
    code = milvus_call(s->c->site->milvus, "entities/search", &request, &data, &answer, err);
    if (code != ERR_OK)
        return code;
    code = read_answer(s, first, count, answer, err);
    js_free(answer);
    return code;
}

static enum err_code result_init(struct url_search *s, struct err *err)
{
    const size_t queries = s->request->query_count, k = s->request->k;
    struct search_result *r = &s->result;
    *r = (struct search_result){.query_count = queries, .k = k, .stats = {.plan = "", .isa = ""}};
    r->counts = mem_zalloc(queries, sizeof *r->counts);
    r->ids = mem_zalloc(queries, k * sizeof *r->ids);
    r->scores = mem_zalloc(queries, k * sizeof *r->scores);
    r->partitions = mem_zalloc(queries, k * sizeof *r->partitions);
    if (r->counts == NULL || r->ids == NULL || r->scores == NULL || r->partitions == NULL)
        return err_nomem(err, "search");
    return ERR_OK;
}

enum err_code url_search(struct site_collection *base, const struct search_request *request,
                         struct search_result *ret_result, struct err *err)
{
    struct url_search s = {.c = (const struct url_collection *)base, .request = request};
    enum err_code code = check(&s, err);
    if (code == ERR_OK)
        code = result_init(&s, err);
    const size_t by_size = url_rows_at_once(s.c), by_hits = HITS_AT_ONCE / request->k + 1;
    const size_t step = by_size < by_hits ? by_size : by_hits;
    for (size_t first = 0; code == ERR_OK && first < request->query_count; first += step) {
        const size_t left = request->query_count - first;
        code = search_some(&s, first, left < step ? left : step, err);
    }
    if (code == ERR_OK)
        *ret_result = s.result;
    else
        search_result_release(&s.result);
    return code;
}
