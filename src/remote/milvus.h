/* milvus.h: a server's RESTful API, version 2: one route, one JSON text there, one back.
 *
 * What the server refuses becomes an error with its own sentence and, where Milvus's code says
 * enough, what to do next. Routes: docs/api.md. Threads: one at a time. */
#ifndef GODWIT_REMOTE_MILVUS_H
#define GODWIT_REMOTE_MILVUS_H

#include "base/json.h"
#include "base/text.h"
#include "remote/http.h"

struct milvus;

/* Errors: of http_open. */
enum err_code milvus_open(const struct http_options *options, struct milvus **ret_milvus,
                          struct err *err) MUST_USE;
void milvus_close(struct milvus *milvus); /* NULL accepted */
const char *milvus_url(const struct milvus *milvus);

/* POST /v2/vectordb/ROUTE.
 *   request   a JSON object; released in every case
 *   ret_data  the answer's "data", borrowed from *ret_answer; NULL when it has none
 *   ret_answer  js_free; only after ERR_OK
 * Errors: of http_post; ERR_CONFIG for wrong credentials, ERR_NO_COLLECTION, ERR_NO_PARTITION,
 * ERR_STATE (released), ERR_INVALID, ERR_TEMPORARY, ERR_TARGET for other refusals, ERR_SOURCE when
 * what answers is no Milvus API, ERR_NOMEM. */
enum err_code milvus_call(struct milvus *milvus, const char *route, struct text *request,
                          const struct json **ret_data, struct json **ret_answer,
                          struct err *err) MUST_USE;
/* The same, when nothing but success matters. */
enum err_code milvus_tell(struct milvus *milvus, const char *route, struct text *request,
                          struct err *err) MUST_USE;

#endif
