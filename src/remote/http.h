/* http.h: requests to one HTTP server through libcurl (http_curl.c, the only file that includes
 * it). A program without libcurl has http_none.c instead, in which opening says so.
 *
 * One connection is kept and used again. Certificates are verified unless told otherwise; proxies
 * of the environment and redirects are not followed: what is asked for is the server itself.
 * Threads: one at a time. */
#ifndef GODWIT_REMOTE_HTTP_H
#define GODWIT_REMOTE_HTTP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define HTTP_REPLY_MAX ((size_t)512 << 20)

struct http_options {
    const char *url;            /* http://HOST[:PORT][/PATH], https://..., or unix:PATH */
    const char *bearer;         /* sent as "Authorization: Bearer ..."; NULL or "": nothing is */
    const char *const *headers; /* "Name: value", also sent; ends with NULL */
    const char *ca_file;        /* certificates to trust instead of the system's; NULL */
    const char *cert_file;      /* our certificate and its key, for servers that want one; NULL */
    const char *key_file;
    bool is_insecure;        /* any certificate will do */
    const atomic_bool *stop; /* set: the request is given up; NULL */
};

struct http;

/* Nothing is sent yet. Errors: ERR_USAGE for a URL that is none, or has a user or a query in it,
 * ERR_UNSUPPORTED, ERR_NOMEM. */
enum err_code http_open(const struct http_options *options, struct http **ret_http,
                        struct err *err) MUST_USE;

struct http_reply {
    long status;      /* 200 ... */
    const char *body; /* terminated; lives until the next request */
    size_t size;
};
/* POST of a JSON text to the URL and `path` ("/v2/..."). Every HTTP status is a reply. Errors,
 * which begin with the URL: ERR_TEMPORARY (nobody listens, no answer, connection lost), ERR_CONFIG
 * (certificates), ERR_INTERRUPTED, ERR_CORRUPT (no HTTP, or more than HTTP_REPLY_MAX), ERR_NOMEM.
 */
enum err_code http_post(struct http *http, const char *path, const char *body, size_t size,
                        struct http_reply *ret_reply, struct err *err) MUST_USE;
void http_close(struct http *http); /* NULL accepted */
/* As given, for messages. */
const char *http_url(const struct http *http);

#endif
