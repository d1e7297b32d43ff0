/* http_rules.c: see http_rules.h. */
#include "server/http_rules.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CORS_METHODS "GET, POST, PUT, DELETE, HEAD, OPTIONS"
#define CORS_HEADERS                                                                               \
    "authorization, content-type, accept, accept-type-allow-int64, db-name, request-timeout"
#define CORS_MAX_AGE "86400"
#define NAME_SIZE 128

uint64_t http_rules_length(const struct call *call)
{
    const char *text = call_header(call, "content-length");
    if (text == NULL || !isdigit((unsigned char)*text))
        return 0;
    char *end = NULL;
    errno = 0;
    const unsigned long long length = strtoull(text, &end, 10);
    if (errno != 0)
        return UINT64_MAX;
    return *end == '\0' ? length : 0;
}

static bool is_quick(const struct call *call)
{
    const char *const *paths = call->hub->options.quick_paths;
    for (; paths != NULL && *paths != NULL; paths++)
        if (strcmp(*paths, call_path(call)) == 0)
            return true;
    return false;
}

/* False: the call is refused. */
static bool find_encoding(struct call *call)
{
    const char *name = call_header(call, "content-encoding");
    if (name == NULL || strcasecmp(name, "identity") == 0)
        return true;
    if (strcasecmp(name, "gzip") == 0 || strcasecmp(name, "x-gzip") == 0) {
        call->encoding = CALL_GZIP;
    } else if (strcasecmp(name, "deflate") == 0) {
        call->encoding = CALL_DEFLATE;
    } else {
        call_refuse_http(call, 415, "Content-Encoding: only gzip and deflate are known");
        call_add_header(call, "accept-encoding", "gzip, deflate, identity");
        return false;
    }
    return true;
}

bool http_rules_begin(struct call *call)
{
    const struct server_options *options = &call->hub->options;
    if (options->cors_origin != NULL && strcmp(call_method(call), "OPTIONS") == 0) {
        call_reply_static(call, 204, NULL, (struct bytes){NULL, 0});
        call_add_header(call, "access-control-allow-methods", CORS_METHODS);
        const char *asked = call_header(call, "access-control-request-headers");
        call_add_header(call, "access-control-allow-headers", asked != NULL ? asked : CORS_HEADERS);
        call_add_header(call, "access-control-max-age", CORS_MAX_AGE);
        return false;
    }
    if (options->http == NULL) {
        call_refuse_http(call, 404, "this server answers gRPC only");
        return false;
    }
    const uint64_t length = http_rules_length(call);
    if (length > options->limits.request_size_max) {
        call_refuse_room(call, CALL_TOO_LARGE);
        return false;
    }
    call->expected_size = (size_t)length;
    call->handle = options->http;
    call->is_quick = is_quick(call);
    return find_encoding(call);
}

bool http_rules_body(struct call *call, struct bytes piece)
{
    const enum call_room room = call_body_reserve(call, piece.size, call->expected_size);
    if (room != CALL_ROOM) {
        call_refuse_room(call, room);
        return false;
    }
    memcpy(call->body + call->body_size, piece.data, piece.size);
    call->body_size += piece.size;
    return true;
}

void http_rules_reply_headers(const struct call *call,
                              void (*each)(void *context, const char *name, const char *value),
                              void *context)
{
    const struct reply *reply = &call->reply;
    if (reply->type[0] != '\0')
        each(context, "content-type", reply->type);
    if (call->hub->options.cors_origin != NULL)
        each(context, "access-control-allow-origin", call->hub->options.cors_origin);
    if (reply->status == 401)
        each(context, "www-authenticate", "Bearer");
    if (reply->status == 503)
        each(context, "retry-after", "1");
    const char *name;
    const char *value;
    for (size_t at = 0; pairs_next(&reply->headers, &at, &name, &value);) {
        char lower[NAME_SIZE];
        size_t size = 0;
        for (; name[size] != '\0' && size < sizeof lower - 1; size++)
            lower[size] = (char)tolower((unsigned char)name[size]);
        lower[size] = '\0';
        each(context, lower, value);
    }
}
