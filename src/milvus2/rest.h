/* rest.h: the REST side of the API: JSON bodies to operations and back.
 *
 * One table (rest.c) has every route: its path, the keys that must be there, what runs it. A
 * route's function reads the body, fills neutral structs, calls the core, and writes the answer's
 * members into a text; rest.c puts the envelope around it. */
#ifndef GODWIT_MILVUS2_REST_H
#define GODWIT_MILVUS2_REST_H

#include "base/json.h"
#include "base/text.h"
#include "milvus2/op.h"
#include "server/call.h"

/* Answers any HTTP call that is not another page's: /v2/vectordb/..., /v1/vector/..., 404. */
void rest_handle(void *app, struct call *call);

/* {"code":...,"message":"..."} of a failure. */
void rest_reply_status(struct call *call, int http_status, const struct status *status);

/* One request being answered. */
struct rest {
    struct op op;
    struct call *call;
    const struct json *body; /* an object */
    bool has_text_ints;      /* 64-bit integers are answered as strings */
    bool is_v1;              /* success is code 200 */
    struct text out;         /* the answer: members behind "code", and the "data" */
};
/* Writes what stands beside "code" ("data", "cost", "topks"); false: op.status says why. */
typedef bool rest_run(struct rest *rest);

/* ---- for the files with routes ---- */

/* A string member, "" when it is absent. */
const char *rest_text(const struct rest *rest, const char *key);
int64_t rest_int(const struct rest *rest, const char *key, int64_t fallback);
bool rest_flag(const struct rest *rest, const char *key, bool fallback);
/* A member that is an array of strings (or one string). */
bool rest_names(struct rest *rest, const char *key, struct name_list *ret_names);
/* A member that is an object, as pairs; values that are no strings as their JSON text. */
bool rest_pairs(struct rest *rest, const char *key, struct pair_list *ret_pairs);
/* "data": {} */
bool rest_empty(struct rest *rest);
/* A 64-bit integer: a number or a string, as the client wants it. */
void rest_add_int(struct rest *rest, const char *key, int64_t value);

#endif
