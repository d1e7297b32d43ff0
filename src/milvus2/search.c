/* search.c: searches; see search.h. Wording: Milvus's proxy and segcore. */
#include <math.h>
#include <string.h>

#include "base/finite.h"
#include "base/hash.h"
#include "engine/search.h"
#include "milvus2/api.h"
#include "milvus2/half.h"
#include "milvus2/names.h"
#include "milvus2/partitions.h"
#include "milvus2/search_params.h"
#include "milvus2/select.h"
#include "milvus2/sessions.h"

struct run {
    struct op *op;
    const struct view *view;
    const struct search_spec *spec;
    struct search_params params;
    struct snapshot *snapshot; /* of the vector field; the view's own */
    const struct collection_facts *facts;
    struct name_list tags;
    struct selection selection;
    struct search_request request;
    struct session_ties ties; /* of the iterator's last batch */
    struct search_result result;
};

/* ---- What is looked for ---- */

static void widen(int type, const uint8_t *from, size_t dim, float *to)
{
    for (size_t i = 0; i < dim; i++)
        if (type == FIELD_FLOAT16_VECTOR)
            to[i] = half_f16_to_float(get_u16(from + 2 * i));
        else if (type == FIELD_BFLOAT16_VECTOR)
            to[i] = half_bf16_to_float(get_u16(from + 2 * i));
        else
            to[i] = (float)(int8_t)from[i];
}

static bool put_query(struct run *run, struct bytes query, int type, uint8_t *to)
{
    const struct field *field = &run->view->schema.fields[run->params.field];
    const size_t expected = field_type_width((enum field_type)type, field->dim);
    if (query.size != expected)
        return status_wrap(&run->op->status, MILVUS_INVALID,
                           "vector dimension mismatch, expected vector size(byte) %zu, actual %zu.",
                           expected, query.size);
    if (expected == run->facts->row_size)
        memcpy(to, query.data, expected);
    else
        widen(type, query.data, field->dim, (float *)(void *)to);
    if (field->type != FIELD_BINARY_VECTOR && run->facts->row_size == 4 * field->dim &&
        !floats_are_finite(to, field->dim))
        return status_wrap(&run->op->status, MILVUS_INVALID,
                           "the query vector holds a value that is not a number or infinity");
    return true;
}

static bool put_queries(struct run *run, const struct bytes *queries, size_t count, int type)
{
    const struct field *field = &run->view->schema.fields[run->params.field];
    const bool is_bits = field->type == FIELD_BINARY_VECTOR;
    if (count == 0 || count > LIMIT_ROWS)
        return status_wrap(&run->op->status, MILVUS_INVALID,
                           "nq [%zu] is invalid, nq (number of search vector per search request) "
                           "should be in range [1, %d], but got %zu",
                           count, LIMIT_ROWS, count);
    /* pymilvus sends any bytes as a binary vector when it has not seen the schema. */
    if (type == FIELD_BINARY_VECTOR && field->type != FIELD_FLOAT_VECTOR &&
        queries[0].size == field_type_width(field->type, field->dim))
        type = (int)field->type;
    if (type != (int)field->type && (is_bits || type != FIELD_FLOAT_VECTOR))
        return status_wrap(&run->op->status, MILVUS_INVALID,
                           "vector type must be the same, field %s - type VECTOR_%s, search info "
                           "type %s",
                           field->name, field_type_name(field->type),
                           field_type_name((enum field_type)type));
    uint8_t *all = op_array(run->op, count, run->facts->row_size);
    if (all == NULL)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!put_query(run, queries[i], type, all + i * run->facts->row_size))
            return false;
    run->request.queries = all;
    run->request.query_count = count;
    return true;
}

/* The vectors of rows that are named by their keys. */
static bool put_rows(struct run *run)
{
    struct err err;
    const struct column *keys = run->spec->keys;
    struct column *columns;
    struct place *places = op_array(run->op, keys->rows, sizeof *places);
    struct bytes *queries = op_array(run->op, keys->rows, sizeof *queries);
    if (places == NULL || queries == NULL ||
        !op_engine(run->op, rows_find(run->view->snapshot, keys, NULL, places, &err), &err))
        return false;
    for (size_t i = 0; i < keys->rows; i++)
        if (places[i].segment == PLACE_NONE)
            return status_wrap(&run->op->status, MILVUS_INVALID,
                               "search by ids: the row of key number %zu does not exist", i);
    const struct rows_fetch fetch = {
        .places = places, .count = keys->rows, .fields = &run->params.field, .field_count = 1};
    if (!view_fetch(run->op, run->view, &fetch, &columns))
        return false;
    for (size_t i = 0; i < keys->rows; i++)
        queries[i] = (struct bytes){(const uint8_t *)columns[0].values + i * columns[0].width,
                                    columns[0].width};
    return put_queries(run, queries, keys->rows, (int)columns[0].type);
}

/* ---- Iterators ---- */

/* The next batch begins where the last one ended: at its last score, whose rows that were handed
 * out already are dropped afterwards. */
static void continue_iterator(struct run *run)
{
    const struct search_params *params = &run->params;
    struct search_request *request = &run->request;
    if (!params->has_bound)
        return;
    const bool is_large = metric_larger_is_better(params->metric);
    const bool is_known = sessions_get(run->op->api->sessions, params->token, &run->ties) &&
                          run->ties.bound == params->bound;
    if (!is_known) {
        mem_free(run->ties.hashes);
        run->ties = (struct session_ties){0};
    }
    const float start =
        is_known ? params->bound : nextafterf(params->bound, is_large ? -INFINITY : INFINITY);
    if (!request->has_range_filter ||
        (is_large ? start < request->range_filter : start > request->range_filter))
        request->range_filter = start;
    request->has_range_filter = true;
    request->k += run->ties.count;
    request->k = request->k < SEARCH_K_MAX ? request->k : SEARCH_K_MAX;
}

static uint64_t key_hash(const struct column *ids, size_t row)
{
    if (ids->type == FIELD_INT64)
        return hash64((const uint8_t *)ids->values + 8 * row, 8, 0);
    size_t size;
    const uint8_t *bytes = column_bytes(ids, row, &size);
    return hash64(bytes, size, 0);
}

static bool was_sent(const struct session_ties *ties, uint64_t hash)
{
    for (size_t i = 0; i < ties->count; i++)
        if (ties->hashes[i] == hash)
            return true;
    return false;
}

/* Remembers the rows with the last score, for the next call. */
static void remember(struct run *run, const struct search_answer *answer)
{
    struct session_ties ties = {.bound = answer->iterator_bound};
    size_t first = answer->hit_count;
    while (first > 0 && answer->scores[first - 1] == ties.bound)
        first--;
    const bool is_same = run->ties.hashes != NULL && run->ties.bound == ties.bound;
    const size_t old = is_same ? run->ties.count : 0;
    ties.count = old + answer->hit_count - first;
    ties.hashes = mem_alloc(ties.count, sizeof *ties.hashes);
    if (ties.hashes == NULL || ties.count > SESSION_TIES_MAX) {
        mem_free(ties.hashes);
        return;
    }
    if (old > 0)
        memcpy(ties.hashes, run->ties.hashes, old * sizeof *ties.hashes);
    for (size_t i = first; i < answer->hit_count; i++)
        ties.hashes[old + i - first] = key_hash(&answer->ids, i);
    sessions_put(run->op->api->sessions, answer->iterator_token, &ties);
    mem_free(ties.hashes);
}

/* ---- The answer ---- */

static float rounded(float score, int digits)
{
    if (digits < 0)
        return score;
    const double scale = pow(10, digits);
    return (float)(round((double)score * scale) / scale);
}

struct hits {
    struct place *places;
    float *scores;
    size_t *counts;
    int64_t *ids;
    size_t count;
};

/* Hits behind the offset; those that an iterator has sent are dropped. */
static bool collect(struct run *run, struct hits *ret_hits)
{
    const struct search_result *result = &run->result;
    const size_t most = result->query_count * result->k;
    struct hits hits = {.places = op_array(run->op, most, sizeof *hits.places),
                        .scores = op_array(run->op, most, sizeof *hits.scores),
                        .counts = op_array(run->op, result->query_count, sizeof *hits.counts),
                        .ids = op_array(run->op, most, sizeof *hits.ids)};
    if (hits.places == NULL || hits.scores == NULL || hits.counts == NULL || hits.ids == NULL)
        return false;
    const bool is_text = run->view->schema.fields[run->view->schema.primary].type == FIELD_VARCHAR;
    for (size_t q = 0; q < result->query_count; q++)
        for (size_t i = run->params.offset; i < result->counts[q]; i++) {
            const size_t at = q * result->k + i;
            const struct column one = {
                .type = FIELD_INT64, .width = 8, .rows = 1, .values = &result->ids[at]};
            const bool is_open = is_text && run->ties.count > 0; /* drop_sent() decides */
            if ((!is_open && hits.counts[q] == run->params.k) ||
                (!is_text && was_sent(&run->ties, key_hash(&one, 0))))
                continue;
            hits.places[hits.count] =
                (struct place){.segment = result->segments[at], .row = result->rows[at]};
            hits.ids[hits.count] = result->ids[at];
            hits.scores[hits.count++] = rounded(result->scores[at], run->params.round_decimal);
            hits.counts[q]++;
        }
    *ret_hits = hits;
    return true;
}

/* VarChar keys are known only when the rows have been read. */
static bool drop_sent(struct run *run, struct hits *hits, struct column *ids)
{
    if (run->ties.count == 0 || ids->type == FIELD_INT64)
        return true;
    uint64_t *offsets = op_array(run->op, hits->count + 1, sizeof *offsets);
    uint8_t *bytes = op_array(run->op, (size_t)ids->offsets[ids->rows], 1);
    if (offsets == NULL || bytes == NULL)
        return false;
    size_t kept = 0;
    for (size_t i = 0; i < hits->count; i++) {
        size_t size;
        const uint8_t *text = column_bytes(ids, i, &size);
        if (was_sent(&run->ties, key_hash(ids, i)) || kept == run->params.k)
            continue;
        memcpy(bytes + offsets[kept], text, size);
        offsets[kept + 1] = offsets[kept] + size;
        hits->places[kept] = hits->places[i];
        hits->scores[kept++] = hits->scores[i];
    }
    hits->counts[0] = hits->count = kept;
    *ids = (struct column){.type = FIELD_VARCHAR, .rows = kept, .offsets = offsets, .bytes = bytes};
    return true;
}

static bool read_ids(struct run *run, struct hits *hits, struct column *ret_ids)
{
    const struct field *key = &run->view->schema.fields[run->view->schema.primary];
    *ret_ids =
        (struct column){.type = FIELD_INT64, .width = 8, .rows = hits->count, .values = hits->ids};
    if (key->type == FIELD_INT64)
        return true;
    struct column *columns;
    const struct rows_fetch fetch = {.places = hits->places,
                                     .count = hits->count,
                                     .fields = &run->view->schema.primary,
                                     .field_count = 1};
    if (!view_fetch(run->op, run->view, &fetch, &columns))
        return false;
    *ret_ids = columns[0];
    return drop_sent(run, hits, ret_ids);
}

static bool end_iterator(struct run *run, struct search_answer *answer)
{
    if (!run->params.is_iterator)
        return true;
    char *token = op_array(run->op, SESSION_TOKEN_SIZE, 1);
    if (token == NULL)
        return false;
    if (run->params.token[0] != '\0')
        memcpy(token, run->params.token, SESSION_TOKEN_SIZE);
    else
        sessions_make_token(token);
    answer->has_iterator = true;
    answer->iterator_token = token;
    answer->iterator_bound =
        answer->hit_count > 0 ? answer->scores[answer->hit_count - 1] : run->params.bound;
    if (answer->hit_count > 0)
        remember(run, answer);
    return true;
}

static bool make_answer(struct run *run, struct search_answer *answer)
{
    struct hits hits;
    if (!collect(run, &hits) || !read_ids(run, &hits, &answer->ids))
        return false;
    answer->query_count = run->result.query_count;
    answer->k = run->params.k;
    answer->counts = hits.counts;
    answer->hit_count = hits.count;
    answer->scores = hits.scores;
    answer->places = hits.places;
    return output_fetch(run->op, run->view, &answer->output, hits.places, hits.count,
                        &answer->columns) &&
           end_iterator(run, answer);
}

/* ---- The search ---- */

static bool prepare(struct run *run, struct search_answer *answer)
{
    struct err err;
    struct op *op = run->op;
    const struct search_spec *spec = run->spec;
    if (!partitions_choose(op, run->view, &spec->partitions, &run->tags) ||
        !loads_check(op, run->view, &run->tags) ||
        !search_params_read(op, run->view, &spec->params, &run->params) ||
        !output_choose(op, run->view, &spec->output_fields, false, &answer->output))
        return false;
    if (answer->output.is_count)
        return status_wrap(&op->status, MILVUS_INVALID, "field count(*) not exist");
    const enum err_code code =
        snapshot_for_field(run->view->snapshot, run->params.field, &run->snapshot, &err);
    if (!op_engine(op, code, &err))
        return false;
    run->facts = snapshot_facts(run->snapshot);
    run->request = (struct search_request){.dim = run->facts->dim,
                                           .k = run->params.k + run->params.offset,
                                           .partitions = run->tags.items,
                                           .partition_count = run->tags.count,
                                           .level = run->params.level,
                                           .has_radius = run->params.has_radius,
                                           .has_range_filter = run->params.has_range_filter,
                                           .radius = run->params.radius,
                                           .range_filter = run->params.range_filter};
    if (!(spec->keys != NULL
              ? put_rows(run)
              : put_queries(run, spec->queries, spec->query_count, spec->query_type)))
        return false;
    if (run->params.is_iterator && run->request.query_count > 1)
        return status_wrap(&op->status, MILVUS_INVALID,
                           "search iterator does not support multiple vectors (nq > 1)");
    if (!select_compile(op, run->view, spec->filter, &spec->templates, "query", &run->selection))
        return false;
    if (!run->selection.is_all && !select_run(op, run->view, &run->tags, &run->selection))
        return false;
    run->request.allow = (const uint64_t *const *)run->selection.bits;
    return true;
}

static bool run_search(struct run *run, struct search_answer *answer)
{
    struct err err;
    if (!prepare(run, answer))
        return false;
    if (run->params.is_iterator)
        continue_iterator(run);
    const enum err_code code = search_run(run->snapshot, &run->request, &run->result, &err);
    return op_engine(run->op, code, &err) && make_answer(run, answer);
}

bool search_rows(struct op *op, const struct view *view, const struct search_spec *spec,
                 struct search_answer *ret_answer)
{
    struct run run = {.op = op, .view = view, .spec = spec};
    *ret_answer = (struct search_answer){.primary = &view->schema.fields[view->schema.primary],
                                         .session_ts = op_now()};
    const bool is_good = run_search(&run, ret_answer);
    search_result_release(&run.result);
    select_release(&run.selection);
    mem_free(run.ties.hashes);
    return is_good;
}
