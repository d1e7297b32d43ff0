/* rest.c: the table of REST routes, and what is the same for all of them; see rest.h.
 *
 * The HTTP status is 200 for errors too: the body's code says what went wrong, as Milvus does it.
 */
#include <string.h>
#include <strings.h>

#include "milvus2/api.h"
#include "milvus2/names.h"
#include "milvus2/properties.h"
#include "milvus2/rest.h"
#include "milvus2/rest_routes.h"

#define JSON_TYPE "application/json; charset=utf-8"
#define V1_SUCCESS 200

static void reply(struct call *call, int http_status, struct text *text)
{
    if (text_failed(text)) {
        text_release(text);
        call_reply_status(call, GRPC_RESOURCE_EXHAUSTED, "out of memory");
        return;
    }
    const size_t size = text->size;
    call_reply_http(call, http_status, JSON_TYPE, text_take(text), size);
}

void rest_reply_status(struct call *call, int http_status, const struct status *status)
{
    struct text text;
    text_init(&text);
    json_open(&text, NULL, '{');
    json_add_int(&text, "code", (int64_t)status->code);
    json_add_string(&text, "message", status->reason);
    json_close(&text, '}');
    reply(call, http_status, &text);
}

const char *rest_text(const struct rest *rest, const char *key)
{
    return js_string(js_get(rest->body, key), "");
}

int64_t rest_int(const struct rest *rest, const char *key, int64_t fallback)
{
    return js_int(js_get(rest->body, key), fallback);
}

bool rest_flag(const struct rest *rest, const char *key, bool fallback)
{
    const struct json *value = js_get(rest->body, key);
    if (js_is_string(value))
        return number_parse_bool(js_string(value, ""));
    return js_is_bool(value) ? js_is_true(value) : fallback;
}

bool rest_names(struct rest *rest, const char *key, struct name_list *ret_names)
{
    const struct json *value = js_get(rest->body, key);
    const size_t count = js_is_string(value) ? 1 : js_size(value);
    const char **names = op_array(&rest->op, count, sizeof *names);
    if (names == NULL)
        return false;
    for (size_t i = 0; i < count; i++)
        names[i] = js_string(js_is_string(value) ? value : js_at(value, i), "");
    *ret_names = (struct name_list){names, count};
    return true;
}

bool rest_pairs(struct rest *rest, const char *key, struct pair_list *ret_pairs)
{
    const struct json *value = js_get(rest->body, key);
    *ret_pairs = (struct pair_list){0};
    if (js_is_null(value))
        return true;
    char *text = js_dump_ordered(value);
    if (text == NULL)
        return status_nomem(&rest->op.status, "request");
    const bool is_good = js_is_object(value) && properties_list(&rest->op, text, ret_pairs);
    mem_free(text);
    return is_good || status_wrap(&rest->op.status, MILVUS_REST_JSON, "%s must be an object", key);
}

bool rest_empty(struct rest *rest)
{
    json_open(&rest->out, "data", '{');
    json_close(&rest->out, '}');
    return true;
}

void rest_add_int(struct rest *rest, const char *key, int64_t value)
{
    if (rest->has_text_ints) {
        const char *text = op_printf(&rest->op, "%lld", (long long)value);
        json_add_string(&rest->out, key, text != NULL ? text : "");
    } else {
        json_add_int(&rest->out, key, value);
    }
}

/* ---- One call ---- */

static const struct rest_route *find_route(const char *method, const char *path)
{
    for (const struct rest_route *route = rest_routes; route->path != NULL; route++)
        if (strcmp(route->path, path) == 0 && strcmp(route->method, method) == 0)
            return route;
    return NULL;
}

/* Required keys, separated by blanks: the first that is missing is named as Milvus's validator
 * does. */
static bool check_required(struct rest *rest, const char *keys)
{
    while (*keys != '\0') {
        const size_t size = strcspn(keys, " ");
        const char *key = op_strndup(&rest->op, keys, size);
        if (key == NULL)
            return false;
        const struct json *value = js_get(rest->body, key);
        const bool is_blank = js_is_string(value) && js_string_size(value) == 0;
        const bool is_none = js_is_array(value) && js_size(value) == 0;
        if (js_is_null(value) || is_blank || is_none)
            return status_fail(&rest->op.status, MILVUS_REST_MISSING,
                               "missing required parameters, error: Key: '%s' Error:Field "
                               "validation for '%s' failed on the 'required' tag",
                               key, key);
        keys += size + strspn(keys + size, " ");
    }
    return true;
}

static bool parse_body(struct rest *rest, struct json **ret_document)
{
    struct err err;
    const struct bytes body = call_body(rest->call);
    *ret_document = NULL;
    if (body.size == 0)
        return status_fail(&rest->op.status, MILVUS_REST_JSON,
                           "can only accept json format request, the request body should be nil, "
                           "however {} is valid");
    const enum err_code code = js_parse((const char *)body.data, body.size, ret_document, &err);
    if (code == ERR_NOMEM)
        return status_fail_err(&rest->op.status, &err);
    if (code == ERR_OK && js_is_object(*ret_document))
        return true;
    return status_fail(&rest->op.status, MILVUS_REST_JSON,
                       "can only accept json format request, error: %s",
                       code == ERR_OK ? "an object is expected" : err.msg);
}

static void choose_database(struct rest *rest)
{
    const char *name = rest_text(rest, "dbName");
    if (name[0] == '\0')
        name = call_header(rest->call, "DB-Name");
    if (name != NULL && name[0] != '\0')
        rest->op.database = name;
}

static bool run_route(struct rest *rest, const struct rest_route *route)
{
    choose_database(rest);
    json_open(&rest->out, NULL, '{');
    json_add_int(&rest->out, "code", rest->is_v1 ? V1_SUCCESS : 0);
    const bool is_good = check_required(rest, route->required) && route->run(rest);
    json_close(&rest->out, '}');
    return is_good;
}

static void answer(struct rest *rest, const struct rest_route *route)
{
    struct json *document = NULL;
    text_init(&rest->out);
    const bool is_read = route->has_body ? parse_body(rest, &document) : true;
    rest->body = document;
    if (is_read && run_route(rest, route)) {
        reply(rest->call, 200, &rest->out);
    } else {
        text_release(&rest->out);
        rest_reply_status(rest->call, 200, &rest->op.status);
    }
    js_free(document);
}

void rest_handle(void *app, struct call *call)
{
    struct rest rest = {.call = call};
    int64_t timeout_s;
    const struct rest_route *route = find_route(call_method(call), call_path(call));
    if (route == NULL) {
        call_set_label(call, "other");
        call_reply_status(call, GRPC_NOT_FOUND, "404 page not found");
        return;
    }
    call_set_label(call, route->path);
    const char *timeout = call_header(call, "Request-Timeout");
    if (timeout != NULL && number_parse_int(timeout, &timeout_s) && timeout_s > 0 &&
        timeout_s < INT32_MAX)
        call_set_timeout(call, (uint64_t)timeout_s * 1000);
    const char *ints = call_header(call, "Accept-Type-Allow-Int64");
    op_begin(&rest.op, app, call_arena(call), NULL);
    rest.op.call = call;
    rest.op.user = call_user(call);
    rest.has_text_ints = ints != NULL && !number_parse_bool(ints);
    rest.is_v1 = strncmp(route->path, "/v1/", 4) == 0;
    answer(&rest, route);
    op_end(&rest.op);
}
