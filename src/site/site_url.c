/* site_url.c: a server as a site: opening, dropping, and what its answers have in common; see
 * url.h. */
#include <math.h>
#include <string.h>

#include "base/base64.h"
#include "engine/vector_convert.h"
#include "flow/source.h"
#include "site/url.h"

#define BYTES_A_FLOAT 13 /* "-0.123456789," */
#define BYTES_A_ROW 64   /* id, partition, punctuation */

static void close_site(struct site *base)
{
    struct url_site *site = (struct url_site *)base;
    milvus_close(site->milvus);
    mem_free(site);
}

/* ---- Rows in requests and answers ---- */

enum err_code url_read_id(const struct url_collection *c, const struct json *value, int64_t *ret_id,
                          struct err *err)
{
    *ret_id = js_int(value, 0);
    return js_is_int(value) ? ERR_OK
                            : err_set(err, ERR_CORRUPT, "%s: an answer has a row without an id",
                                      milvus_url(c->site->milvus));
}

enum err_code url_read_partition(const struct url_collection *c, const struct json *row,
                                 uint32_t *ret_partition, struct err *err)
{
    const char *name = js_string(js_get(row, "$partition"), "");
    for (size_t i = 0; i < c->facts.partition_count; i++)
        if (strcmp(c->partitions[i].answered, name) == 0) {
            *ret_partition = (uint32_t)i;
            return ERR_OK;
        }
    return err_set(err, ERR_TEMPORARY,
                   "%s: a row is in partition \"%s\", which was not there a moment ago; run again",
                   milvus_url(c->site->milvus), name);
}

static enum err_code read_floats(const struct url_collection *c, const struct json *value,
                                 uint8_t *to, struct err *err)
{
    const size_t count = js_size(value);
    if (count * sizeof(float) != c->facts.row_size)
        return err_set(err, ERR_CORRUPT, "%s: an answer has a vector of %zu numbers, expected %zu",
                       milvus_url(c->site->milvus), count, c->facts.row_size / sizeof(float));
    for (size_t i = 0; i < count; i++) {
        const struct json *item = js_at(value, i);
        const float single = (float)js_number(item, 0);
        if (!js_is_number(item))
            return err_set(err, ERR_UNSUPPORTED,
                           "%s: a vector has components that are NaN or infinite, which a server "
                           "cannot send; use the folder itself (godwit reads it while it is "
                           "served), or --no-vectors",
                           milvus_url(c->site->milvus));
        memcpy(to + i * sizeof single, &single, sizeof single);
    }
    return ERR_OK;
}

enum err_code url_read_vector(const struct url_collection *c, const struct json *row, uint8_t *to,
                              struct err *err)
{
    const struct json *value = js_get(row, c->vector_field);
    if (js_is_array(value))
        return read_floats(c, value, to, err);
    const size_t size = js_string_size(value), count = c->facts.dim;
    const size_t width = field_type_width(c->vector_type, count);
    size_t decoded = 0;
    if (!js_is_string(value) || width == 0 || size > BASE64_SIZE(width))
        return err_set(err, ERR_CORRUPT, "%s: an answer has no vector in the field %s",
                       milvus_url(c->site->milvus), c->vector_field);
    uint8_t *bytes = mem_alloc(size / 4 * 3 + 3, 1);
    if (bytes == NULL)
        return err_nomem(err, "vector");
    const bool is_good =
        base64_decode(js_string(value, ""), size, bytes, &decoded) && decoded == width;
    if (is_good)
        vector_to_kept(c->vector_type, bytes, count, to);
    mem_free(bytes);
    return is_good ? ERR_OK
                   : err_set(err, ERR_CORRUPT, "%s: an answer has a vector of %zu bytes, not %zu",
                             milvus_url(c->site->milvus), decoded, width);
}

enum err_code url_add_vector(struct text *request, const char *key, const uint8_t *vector,
                             size_t row_size, bool is_binary, struct err *err)
{
    if (is_binary) {
        char *text = mem_alloc(BASE64_SIZE(row_size) + 1, 1);
        if (text == NULL)
            return err_nomem(err, "vector");
        base64_encode(vector, row_size, text);
        json_add_string(request, key, text);
        mem_free(text);
        return ERR_OK;
    }
    json_open(request, key, '[');
    for (size_t at = 0; at < row_size; at += sizeof(float)) {
        float single;
        memcpy(&single, vector + at, sizeof single);
        if (!isfinite(single))
            return err_set(err, ERR_INVALID,
                           "component %zu is NaN or infinite, which a server does not take",
                           at / sizeof single);
        json_add_float(request, NULL, single);
    }
    json_close(request, ']');
    return ERR_OK;
}

static const char *asked_name(const struct url_collection *c, const char *tag)
{
    for (size_t i = 0; i < c->facts.partition_count; i++)
        if (strcmp(c->facts.partitions[i].name, tag) == 0)
            return c->partitions[i].asked;
    return tag;
}

void url_add_partition(const struct url_collection *c, struct text *request, const char *tag)
{
    if (tag != NULL)
        json_add_string(request, "partitionName", asked_name(c, tag));
}

void url_add_partitions(const struct url_collection *c, struct text *request,
                        const char *const *tags, size_t count)
{
    if (count == 0)
        return;
    json_open(request, "partitionNames", '[');
    for (size_t i = 0; i < count; i++)
        json_add_string(request, NULL, asked_name(c, tags[i]));
    json_close(request, ']');
}

size_t url_rows_at_once(const struct url_collection *c)
{
    const size_t floats = c->facts.row_size / sizeof(float);
    const size_t bytes =
        BYTES_A_ROW + (metric_is_binary(c->facts.metric) ? BASE64_SIZE(c->facts.row_size)
                                                         : floats * BYTES_A_FLOAT);
    const size_t rows = URL_TEXT_SIZE / bytes;
    return rows == 0 ? 1 : rows > URL_ROWS_MAX ? URL_ROWS_MAX : rows;
}

/* ---- Dropping ---- */

static enum err_code tell(const struct url_collection *c, const char *route, const char *partition,
                          struct err *err)
{
    struct text request;
    url_begin(c, &request);
    url_add_partition(c, &request, partition);
    url_add_partitions(c, &request, &partition, partition != NULL);
    json_close(&request, '}');
    return milvus_tell(c->site->milvus, route, &request, err);
}

/* The default partition cannot be dropped, only emptied. */
static enum err_code empty(const struct url_collection *c, const char *partition, struct err *err)
{
    struct text request;
    url_begin(c, &request);
    url_add_partition(c, &request, partition);
    text_addf(&request, ",\"filter\":\"%s >= {least}\"", c->key_field);
    json_open(&request, "exprParams", '{');
    json_add_int(&request, "least", INT64_MIN);
    json_close(&request, '}');
    json_close(&request, '}');
    return milvus_tell(c->site->milvus, "entities/delete", &request, err);
}

static enum err_code is_loaded(const struct url_collection *c, bool *ret_is_loaded, struct err *err)
{
    struct text request;
    const struct json *data;
    struct json *answer;
    url_begin(c, &request);
    json_open(&request, "partitionNames", '[');
    for (size_t i = 0; i < c->facts.partition_count; i++)
        json_add_string(&request, NULL, c->partitions[i].asked);
    json_close(&request, ']');
    json_close(&request, '}');
    const enum err_code code =
        milvus_call(c->site->milvus, "collections/get_load_state", &request, &data, &answer, err);
    if (code != ERR_OK)
        return code;
    *ret_is_loaded = strcmp(js_string(js_get(data, "loadState"), ""), "LoadStateLoaded") == 0;
    js_free(answer);
    return ERR_OK;
}

/* A loaded partition must be released first. Then only the others are loaded, by name; a collection
 * that was loaded as a whole is made so again, so that partitions to come are. */
static enum err_code drop_partition(const struct url_collection *c, const char *partition,
                                    struct err *err)
{
    size_t at;
    bool was_loaded = false;
    enum err_code code = facts_partition(&c->facts, partition, &at, err);
    if (code != ERR_OK)
        return code;
    if (strcmp(partition, PARTITION_DEFAULT) == 0)
        return empty(c, partition, err);
    code = is_loaded(c, &was_loaded, err);
    if (code == ERR_OK)
        code = tell(c, "partitions/release", partition, err);
    if (code == ERR_OK)
        code = tell(c, "partitions/drop", partition, err);
    if (code == ERR_OK && was_loaded)
        code = tell(c, "collections/load", NULL, err);
    return code;
}

static enum err_code drop(struct site *site, const char *name, const char *partition,
                          struct err *err)
{
    struct site_collection *base = NULL;
    enum err_code code = site_collection_open(site, name, &base, err);
    if (code != ERR_OK)
        return code;
    const struct url_collection *c = (const struct url_collection *)base;
    code = partition != NULL ? drop_partition(c, partition, err)
                             : tell(c, "collections/drop", NULL, err);
    site_collection_close(base);
    return code;
}

/* ---- Opening ---- */

static void close_collection(struct site_collection *base)
{
    struct url_collection *c = (struct url_collection *)base;
    url_walk_end(&c->walk);
    arena_release(&c->arena);
    mem_free(c);
}

static enum err_code restrict_to(struct site_collection *base, const int64_t *ids, size_t count,
                                 struct err *err)
{
    struct url_collection *c = (struct url_collection *)base;
    if (count > LOOKUP_IDS_MAX)
        return err_set(err, ERR_INVALID, "%zu ids, at most %d are possible", count, LOOKUP_IDS_MAX);
    c->is_restricted = true;
    c->only = ids;
    c->only_count = count;
    return ERR_OK;
}

static const struct site_collection_ops collection_ops = {
    close_collection, url_get, url_select, restrict_to, url_search, url_walk, url_walk_next,
};

static enum err_code open_collection(struct site *site, const char *name,
                                     struct site_collection **ret_collection, struct err *err)
{
    struct url_collection *c = mem_zalloc(1, sizeof *c);
    if (c == NULL)
        return err_nomem(err, name);
    arena_init(&c->arena, URL_MEMORY_MAX);
    c->site = (struct url_site *)site;
    c->base.ops = &collection_ops;
    c->base.facts = &c->facts;
    const enum err_code code = url_facts_load(c->site, name, c, err);
    if (code == ERR_OK)
        *ret_collection = &c->base;
    else
        close_collection(&c->base);
    return code;
}

static const struct site_ops url_ops = {close_site, url_list, url_import, drop, open_collection};

enum err_code site_url_open(const char *url, const struct site_options *options,
                            struct site **ret_site, struct err *err)
{
    static const char *const headers[] = {"Godwit-Details: true", NULL};
    const struct http_options http = {
        .url = url,
        .bearer = options->token,
        .headers = headers,
        .ca_file = options->ca_file,
        .cert_file = options->cert_file,
        .key_file = options->key_file,
        .is_insecure = options->is_insecure,
        .stop = options->stop,
    };
    struct url_site *site = mem_zalloc(1, sizeof *site);
    if (site == NULL)
        return err_nomem(err, "server");
    site->base.ops = &url_ops;
    const enum err_code code = milvus_open(&http, &site->milvus, err);
    if (code == ERR_OK)
        *ret_site = &site->base;
    else
        mem_free(site);
    return code;
}
