/* rest.c: from a call to a route's function and back; see rest.h. */
#include "milvus2/rest.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "milvus2/names.h"

#define JSON_TYPE "application/json; charset=utf-8"

bool rest_fail(struct rest *rest, enum milvus_code code, const char *format, ...)
{
    char sentence[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    return status_fail(&rest->op.status, code, "%s, %s", status_text(code), sentence);
}

bool rest_next_key(const char **at, struct rest_key *ret_key)
{
    const char *from = *at + strspn(*at, " ");
    const size_t size = strcspn(from, "!:");
    if (from[0] == '\0' || size >= sizeof ret_key->name)
        return false;
    memcpy(ret_key->name, from, size);
    ret_key->name[size] = '\0';
    from += size;
    ret_key->is_required = *from == '!';
    from += ret_key->is_required;
    ret_key->type = *from == ':' ? from[1] : 'v';
    *at = from + strcspn(from, " ");
    return true;
}

static bool has_type(const struct json *value, char type)
{
    switch (type) {
    case 's':
        return js_is_string(value);
    case 'i':
        return js_is_int(value);
    case 'b':
        return js_is_bool(value);
    case 'a':
        return js_is_array(value);
    case 'o':
        return js_is_object(value);
    default:
        return true;
    }
}

static const char *type_name(char type)
{
    switch (type) {
    case 's':
        return "a string";
    case 'i':
        return "a whole number";
    case 'b':
        return "true or false";
    case 'a':
        return "an array";
    default:
        return "an object";
    }
}

/* Milvus's validator writes the names of its own fields: the key with a capital letter. */
static bool say_missing(struct rest *rest, const char *key)
{
    const char first = key[0] >= 'a' && key[0] <= 'z' ? (char)(key[0] - 'a' + 'A') : key[0];
    return rest_fail(rest, MILVUS_REST_MISSING,
                     "error: Key: '%c%s' Error:Field validation for '%c%s' failed on the "
                     "'required' tag",
                     first, key + 1, first, key + 1);
}

static bool check_keys(struct rest *rest, const struct rest_route *route)
{
    struct rest_key key;
    for (const char *at = route->keys; rest_next_key(&at, &key);) {
        const struct json *value = js_get(rest->body, key.name);
        if (!js_is_null(value) && !has_type(value, key.type))
            return rest_fail(rest, MILVUS_REST_JSON, "error: json: the value of %s must be %s",
                             key.name, type_name(key.type));
        const bool is_blank =
            js_is_null(value) || (js_is_string(value) && js_string_size(value) == 0);
        if (key.is_required && is_blank)
            return say_missing(rest, key.name);
    }
    return true;
}

static bool parse_body(struct rest *rest, struct json **ret_document)
{
    struct err err;
    const struct bytes body = call_body(rest->call);
    *ret_document = NULL;
    if (body.size == 0 && !rest->is_v1)
        return rest_fail(rest, MILVUS_REST_JSON,
                         "the request body should be nil, however {} is valid");
    const char *text = body.size > 0 ? (const char *)body.data : "{}";
    const enum err_code code = js_parse(text, body.size > 0 ? body.size : 2, ret_document, &err);
    if (code == ERR_NOMEM)
        return status_nomem(&rest->op.status, "request");
    if (code != ERR_OK)
        return rest_fail(rest, MILVUS_REST_JSON, "error: %s", err.msg);
    rest->body = *ret_document;
    /* "null" asks for nothing in particular, like {}. */
    return js_is_object(rest->body) || js_is_null(rest->body) ||
           rest_fail(rest, MILVUS_REST_JSON, "error: json: the request must be an object");
}

/* Which logical database: in the body, else in a header. */
static void choose_database(struct rest *rest)
{
    const char *name = js_string(js_get(rest->body, "dbName"), "");
    const char *header = call_header(rest->call, "DB-Name");
    if (name[0] == '\0' && header != NULL)
        name = header;
    if (name[0] != '\0')
        rest->op.database = name;
}

static void open_envelope(struct rest *rest)
{
    text_init(&rest->answer);
    json_open(&rest->answer, NULL, '{');
    json_add_int(&rest->answer, "code", rest->is_v1 ? 200 : 0);
}

static void reply(struct call *call, int http_status, struct text *text)
{
    const size_t size = text->size;
    char *data = text_take(text);
    if (data == NULL)
        call_reply_status(call, GRPC_RESOURCE_EXHAUSTED, "no memory for the answer");
    else
        call_reply_http(call, http_status, JSON_TYPE, data, size);
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

static void finish(struct rest *rest)
{
    const struct status *status = &rest->op.status;
    if (status->code == MILVUS_OK) {
        json_close(&rest->answer, '}');
        reply(rest->call, 200, &rest->answer);
        return;
    }
    text_release(&rest->answer);
    rest_reply_status(rest->call, status->code == MILVUS_TIMEOUT ? 408 : 200, status);
}

static void run(struct rest *rest, const struct rest_route *route)
{
    struct json *document;
    open_envelope(rest);
    if (route->run == NULL)
        (void)status_fail(&rest->op.status, MILVUS_UNIMPLEMENTED,
                          "service unimplemented: %s is not supported by this server", route->path);
    else if (parse_body(rest, &document) && check_keys(rest, route)) {
        choose_database(rest);
        if (!route->run(rest) && rest->op.status.code == MILVUS_OK)
            (void)status_nomem(&rest->op.status, "answer");
    }
    if (route->run != NULL)
        js_free(document);
    finish(rest);
}

/* Header "Request-Timeout": whole seconds. */
static void take_timeout(struct call *call)
{
    int64_t seconds;
    const char *header = call_header(call, "Request-Timeout");
    if (header != NULL && number_parse_int(header, &seconds) && seconds > 0 && seconds < 1000000)
        call_set_timeout(call, (uint64_t)seconds * 1000);
}

static const struct rest_route *find(const struct rest_route *routes, size_t count,
                                     const char *path)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(routes[i].path, path) == 0)
            return &routes[i];
    return NULL;
}

void rest_handle(void *app, struct call *call)
{
    const char *path = call_path(call);
    const bool is_v1 = strncmp(path, REST_V1, strlen(REST_V1)) == 0;
    const struct rest_route *route = NULL;
    if (is_v1)
        route = find(rest_v1_routes, rest_v1_route_count, path + strlen(REST_V1));
    else if (strncmp(path, REST_V2, strlen(REST_V2)) == 0)
        route = find(rest_v2_routes, rest_v2_route_count, path + strlen(REST_V2));
    /* Only version 1 reads with GET, where a route takes nothing from a body. */
    const char *method = is_v1 && route != NULL && route->keys[0] == '\0' ? "GET" : "POST";
    if (route != NULL && strcmp(call_method(call), method) != 0)
        route = NULL;
    if (route == NULL) {
        call_set_label(call, "other");
        call_reply_status(call, GRPC_NOT_FOUND, "404 page not found");
        return;
    }
    call_set_label(call, route->path);
    take_timeout(call);
    const char *ints = call_header(call, "Accept-Type-Allow-Int64");
    const char *details = call_header(call, REST_DETAILS);
    struct rest rest = {
        .call = call,
        .is_v1 = is_v1,
        .ints_as_text = ints != NULL && !number_parse_bool(ints),
        .has_details = details != NULL && number_parse_bool(details),
    };
    op_begin(&rest.op, app, call_arena(call), NULL);
    rest.op.call = call;
    rest.op.user = call_user(call);
    run(&rest, route);
    op_end(&rest.op);
}
