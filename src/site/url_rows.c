/* url_rows.c: rows of a server by their ids, and all of them in order; see url.h.
 *
 * A walk asks for the rows from the last id on and leaves out those of that id that it had, so
 * pages may end anywhere, also among rows of one id. */
#include <stdlib.h>
#include <string.h>

#include "site/url.h"

enum err_code url_check_rows(const struct url_collection *c, struct err *err)
{
    if (c->has_integer_keys && c->vector_field != NULL)
        return ERR_OK;
    return err_set(err, ERR_UNSUPPORTED, "collection %s: %s; use a Milvus client", c->facts.name,
                   c->has_integer_keys ? "it has no vectors" : "its rows have texts for ids");
}

static void add_fields(const struct url_collection *c, bool has_vectors, struct text *request)
{
    json_open(request, "outputFields", '[');
    json_add_string(request, NULL, c->key_field);
    if (has_vectors)
        json_add_string(request, NULL, c->vector_field);
    json_close(request, ']');
}

/* ---- Get ---- */

/* A row of an answer. */
struct answered {
    int64_t id;
    size_t row;
};

static int by_id(const void *a, const void *b)
{
    const struct answered *left = a, *right = b;
    if (left->id != right->id)
        return left->id < right->id ? -1 : 1;
    return (left->row > right->row) - (left->row < right->row);
}

/* The first row of an id, or NULL. */
static const struct answered *find(const struct answered *rows, size_t count, int64_t id)
{
    size_t low = 0, high = count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (rows[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && rows[low].id == id ? &rows[low] : NULL;
}

/* The answer's rows by id; mem_free. */
static enum err_code sort_rows(const struct url_collection *c, const struct json *data,
                               struct answered **ret_rows, struct err *err)
{
    const size_t count = js_size(data);
    struct answered *rows = mem_alloc(count + 1, sizeof *rows);
    enum err_code code = rows != NULL ? ERR_OK : err_nomem(err, "get");
    for (size_t i = 0; code == ERR_OK && i < count; i++) {
        rows[i].row = i;
        code = url_read_id(c, js_get(js_at(data, i), c->key_field), &rows[i].id, err);
    }
    if (code != ERR_OK) {
        mem_free(rows);
        return code;
    }
    if (count > 1)
        qsort(rows, count, sizeof *rows, by_id);
    *ret_rows = rows;
    return ERR_OK;
}

/* Puts the answer to the ids `first` .. `first + count` where it belongs. */
static enum err_code place_rows(const struct url_collection *c, const struct site_ids *wanted,
                                const struct site_ids *part, const struct json *data,
                                struct lookup_result *result, struct err *err)
{
    struct answered *rows;
    const size_t first = (size_t)(part->ids - wanted->ids);
    enum err_code code = sort_rows(c, data, &rows, err);
    if (code != ERR_OK)
        return code;
    for (size_t i = first; code == ERR_OK && i < first + part->count; i++) {
        const struct answered *found = find(rows, js_size(data), wanted->ids[i]);
        if (found == NULL)
            continue;
        const struct json *row = js_at(data, found->row);
        result->found[i] = true;
        result->found_count++;
        code = url_read_partition(c, row, &result->partitions[i], err);
        if (code == ERR_OK && wanted->has_vectors)
            code = url_read_vector(c, row, result->vectors + i * result->row_size, err);
    }
    mem_free(rows);
    return code;
}

static enum err_code get_part(const struct url_collection *c, const struct site_ids *part,
                              const struct json **ret_data, struct json **ret_answer,
                              struct err *err)
{
    struct text request;
    url_begin(c, &request);
    json_open(&request, "id", '[');
    for (size_t i = 0; i < part->count; i++)
        json_add_int(&request, NULL, part->ids[i]);
    json_close(&request, ']');
    add_fields(c, part->has_vectors, &request);
    url_add_partitions(c, &request, &part->partition, part->partition != NULL);
    json_close(&request, '}');
    return milvus_call(c->site->milvus, "entities/get", &request, ret_data, ret_answer, err);
}

static enum err_code result_init(struct lookup_result *result, size_t count, size_t row_size,
                                 struct err *err)
{
    *result = (struct lookup_result){.count = count, .row_size = row_size};
    result->found = mem_zalloc(count + 1, sizeof *result->found);
    result->partitions = mem_zalloc(count + 1, sizeof *result->partitions);
    result->vectors = mem_zalloc(count + 1, row_size);
    if (result->found == NULL || result->partitions == NULL || result->vectors == NULL)
        return err_nomem(err, "get");
    return ERR_OK;
}

enum err_code url_get(struct site_collection *base, const struct site_ids *wanted,
                      struct lookup_result *ret_result, struct err *err)
{
    const struct url_collection *c = (const struct url_collection *)base;
    size_t at;
    struct lookup_result result = {0};
    enum err_code code = url_check_rows(c, err);
    if (code == ERR_OK && wanted->partition != NULL)
        code = facts_partition(&c->facts, wanted->partition, &at, err);
    if (code == ERR_OK)
        code = result_init(&result, wanted->count, c->facts.row_size, err);
    const size_t step = url_rows_at_once(c);
    for (size_t first = 0; code == ERR_OK && first < wanted->count; first += step) {
        const struct json *data;
        struct json *answer;
        struct site_ids part = *wanted;
        part.ids = wanted->ids + first;
        part.count = wanted->count - first < step ? wanted->count - first : step;
        code = get_part(c, &part, &data, &answer, err);
        if (code != ERR_OK)
            break;
        code = place_rows(c, wanted, &part, data, &result, err);
        js_free(answer);
    }
    if (code == ERR_OK)
        *ret_result = result;
    else
        lookup_result_release(&result);
    return code;
}

/* ---- Select ---- */

static enum err_code take_ids(const struct url_collection *c, const struct json *data,
                              int64_t **ret_ids, size_t *ret_count, struct err *err)
{
    const size_t count = js_size(data);
    int64_t *ids = mem_alloc(count + 1, sizeof *ids);
    enum err_code code = ids != NULL ? ERR_OK : err_nomem(err, "query");
    for (size_t i = 0; code == ERR_OK && i < count; i++)
        code = url_read_id(c, js_get(js_at(data, i), c->key_field), &ids[i], err);
    if (code != ERR_OK) {
        mem_free(ids);
        return code;
    }
    *ret_ids = ids;
    *ret_count = count;
    return ERR_OK;
}

enum err_code url_select(struct site_collection *base, const struct site_selection *selection,
                         int64_t **ret_ids, size_t *ret_count, struct err *err)
{
    const struct url_collection *c = (const struct url_collection *)base;
    struct text request;
    const struct json *data;
    struct json *answer;
    enum err_code code = url_check_rows(c, err);
    if (code != ERR_OK)
        return code;
    url_begin(c, &request);
    json_add_string(&request, "filter", selection->filter);
    json_add_uint(&request, "limit", selection->limit);
    json_add_uint(&request, "offset", selection->offset);
    add_fields(c, false, &request);
    url_add_partitions(c, &request, &selection->partition, selection->partition != NULL);
    json_close(&request, '}');
    code = milvus_call(c->site->milvus, "entities/query", &request, &data, &answer, err);
    if (code != ERR_OK)
        return code;
    code = take_ids(c, data, ret_ids, ret_count, err);
    js_free(answer);
    return code;
}

/* ---- Walk ---- */

void url_walk_end(struct url_walk *walk)
{
    mem_free(walk->ids);
    mem_free(walk->vectors);
    mem_free(walk->partitions);
    *walk = (struct url_walk){0};
}

enum err_code url_walk(struct site_collection *base, const char *partition, struct err *err)
{
    struct url_collection *c = (struct url_collection *)base;
    struct url_walk *walk = &c->walk;
    size_t at = 0;
    const size_t rows = url_rows_at_once(c);
    enum err_code code = url_check_rows(c, err);
    if (code == ERR_OK && partition != NULL)
        code = facts_partition(&c->facts, partition, &at, err);
    if (code != ERR_OK)
        return code;
    url_walk_end(walk);
    walk->partition = partition != NULL ? c->facts.partitions[at].name : NULL;
    walk->ids = mem_alloc(rows, sizeof *walk->ids);
    walk->partitions = mem_alloc(rows, sizeof *walk->partitions);
    walk->vectors = mem_alloc(rows, c->facts.row_size);
    if (walk->ids == NULL || walk->partitions == NULL || walk->vectors == NULL)
        return err_nomem(err, "rows");
    return ERR_OK;
}

static enum err_code ask_page(const struct url_collection *c, size_t rows,
                              const struct json **ret_data, struct json **ret_answer,
                              struct err *err)
{
    struct text request;
    const struct url_walk *walk = &c->walk;
    url_begin(c, &request);
    if (walk->is_begun) {
        text_addf(&request, ",\"filter\":\"%s >= {from}\"", c->key_field);
        json_open(&request, "exprParams", '{');
        json_add_int(&request, "from", walk->from);
        json_close(&request, '}');
        json_add_uint(&request, "offset", walk->taken);
    }
    json_add_uint(&request, "limit", rows);
    add_fields(c, true, &request);
    url_add_partitions(c, &request, &walk->partition, walk->partition != NULL);
    json_close(&request, '}');
    return milvus_call(c->site->milvus, "entities/query", &request, ret_data, ret_answer, err);
}

static enum err_code take_row(struct url_collection *c, const struct json *row, size_t at,
                              struct err *err)
{
    struct url_walk *walk = &c->walk;
    int64_t id;
    enum err_code code = url_read_id(c, js_get(row, c->key_field), &id, err);
    if (code == ERR_OK)
        code = url_read_partition(c, row, &walk->partitions[at], err);
    if (code == ERR_OK)
        code = url_read_vector(c, row, walk->vectors + at * c->facts.row_size, err);
    if (code != ERR_OK)
        return code;
    if (walk->is_begun && id < walk->from)
        return err_set(err, ERR_CORRUPT, "%s: rows do not come in the order of their ids",
                       milvus_url(c->site->milvus));
    walk->taken = walk->is_begun && id == walk->from ? walk->taken + 1 : 1;
    walk->is_begun = true;
    walk->from = walk->ids[at] = id;
    return ERR_OK;
}

enum err_code url_walk_next(struct site_collection *base, struct cursor_batch *ret_batch,
                            struct err *err)
{
    struct url_collection *c = (struct url_collection *)base;
    struct url_walk *walk = &c->walk;
    const struct json *data;
    struct json *answer;
    const size_t most = url_rows_at_once(c);
    enum err_code code = ask_page(c, most, &data, &answer, err);
    if (code != ERR_OK)
        return code;
    const size_t rows = js_size(data);
    if (rows > most)
        code = err_set(err, ERR_CORRUPT, "%s: %zu rows answered, %zu asked for",
                       milvus_url(c->site->milvus), rows, most);
    for (size_t i = 0; code == ERR_OK && i < rows; i++)
        code = take_row(c, js_at(data, i), i, err);
    js_free(answer);
    if (code == ERR_OK)
        *ret_batch = (struct cursor_batch){rows, walk->ids, walk->vectors, walk->partitions};
    return code;
}
