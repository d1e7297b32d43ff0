/* url.h: a server asked through its RESTful API: what the files url_*.c share; see site.h.
 *
 * The server is asked for details (the header Godwit-Details, docs/api.md), so that facts and
 * partitions are what the folder itself would say. Vectors of floats travel as decimal numbers
 * that read back to the same floats, bits as base64, ids as 64-bit integers. */
#ifndef GODWIT_SITE_URL_H
#define GODWIT_SITE_URL_H

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "flow/schema.h"
#include "remote/milvus.h"
#include "site/site_internal.h"

#define URL_MEMORY_MAX ((size_t)256 << 20) /* facts of collections */
#define URL_TEXT_SIZE ((size_t)8 << 20)    /* vectors in one request or answer, about */
#define URL_ROWS_MAX 8192                  /* rows in one request or answer */

struct url_site {
    struct site base;
    struct milvus *milvus;
};

/* Where a walk is: at the rows behind the first `taken` ones with the id `from`. */
struct url_walk {
    const char *partition; /* NULL: all; in the collection's arena */
    bool is_begun;
    int64_t from;
    size_t taken;
    int64_t *ids; /* the last batch */
    uint8_t *vectors;
    uint32_t *partitions;
};

/* The names of a partition beside facts->partitions[].name, its tag. */
struct url_partition {
    const char *answered; /* as JSON carries the tag, which need not be text */
    const char *asked;    /* by which requests find it */
};

struct url_collection {
    struct site_collection base;
    struct url_site *site;
    struct arena arena;
    struct collection_facts facts;
    const char *database;
    const char *name; /* inside its database */
    const char *key_field;
    const char *vector_field; /* NULL: none */
    enum field_type vector_type;
    struct url_partition *partitions; /* like facts.partitions */
    bool has_integer_keys;
    bool is_auto_id; /* the server makes the ids of new rows */
    bool is_restricted;
    const int64_t *only; /* to these ids */
    size_t only_count;
    struct url_walk walk;
};

/* Opens the request's object and names the collection; the caller closes it. */
void url_begin(const struct url_collection *c, struct text *request);
/* ERR_UNSUPPORTED when keys are texts or there is no vector field. */
enum err_code url_check_rows(const struct url_collection *c, struct err *err) MUST_USE;
/* Rows of which the vectors fit into URL_TEXT_SIZE; at least 1, at most URL_ROWS_MAX. */
size_t url_rows_at_once(const struct url_collection *c);
/* "partitionNames" of tags; with count 0 nothing. */
void url_add_partitions(const struct url_collection *c, struct text *request,
                        const char *const *tags, size_t count);
/* "partitionName" of a tag, which may be new; NULL: nothing. */
void url_add_partition(const struct url_collection *c, struct text *request, const char *tag);
/* The id of a row; its index into facts->partitions; its vector, row_size bytes into `to`.
 * ERR_CORRUPT when the answer is not as it should be, ERR_UNSUPPORTED for NaN and infinite
 * components, which JSON does not carry. */
enum err_code url_read_id(const struct url_collection *c, const struct json *value, int64_t *ret_id,
                          struct err *err) MUST_USE;
enum err_code url_read_partition(const struct url_collection *c, const struct json *row,
                                 uint32_t *ret_partition, struct err *err) MUST_USE;
enum err_code url_read_vector(const struct url_collection *c, const struct json *row, uint8_t *to,
                              struct err *err) MUST_USE;
/* One vector as the server takes it. ERR_INVALID for NaN and infinite components. */
enum err_code url_add_vector(struct text *request, const char *key, const uint8_t *vector,
                             size_t row_size, bool is_binary, struct err *err) MUST_USE;

/* collections/get_stats with details, into `c`. `name` may be "DATABASE/NAME". */
enum err_code url_facts_load(struct url_site *site, const char *name, struct url_collection *c,
                             struct err *err) MUST_USE;
enum err_code url_list(struct site *site, struct collection_list *ret_list,
                       struct err *err) MUST_USE;

enum err_code url_get(struct site_collection *base, const struct site_ids *wanted,
                      struct lookup_result *ret_result, struct err *err) MUST_USE;
enum err_code url_select(struct site_collection *base, const struct site_selection *selection,
                         int64_t **ret_ids, size_t *ret_count, struct err *err) MUST_USE;
enum err_code url_walk(struct site_collection *base, const char *partition,
                       struct err *err) MUST_USE;
enum err_code url_walk_next(struct site_collection *base, struct cursor_batch *ret_batch,
                            struct err *err) MUST_USE;
void url_walk_end(struct url_walk *walk);
enum err_code url_search(struct site_collection *base, const struct search_request *request,
                         struct search_result *ret_result, struct err *err) MUST_USE;
enum err_code url_import(struct site *site, const struct import_request *request,
                         struct import_result *ret_result, struct err *err) MUST_USE;

#endif
