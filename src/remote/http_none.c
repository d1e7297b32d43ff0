/* http_none.c: see http.h: the static program, which has no HTTP client (instead of http_curl.c).
 */
#include "remote/http.h"

#ifdef GODWIT_PORTABLE

enum err_code http_open(const struct http_options *options, struct http **ret_http, struct err *err)
{
    (void)ret_http;
    return err_set(err, ERR_UNSUPPORTED,
                   "%s: this program was built without an HTTP client (docs/portable.md); use the "
                   "ordinary build to talk to servers",
                   options->url);
}

enum err_code http_post(struct http *http, const char *path, const char *body, size_t size,
                        struct http_reply *ret_reply, struct err *err)
{
    (void)http, (void)path, (void)body, (void)size, (void)ret_reply;
    return err_set(err, ERR_UNSUPPORTED, "no HTTP client");
}

void http_close(struct http *http)
{
    (void)http;
}

const char *http_url(const struct http *http)
{
    (void)http;
    return "";
}
#endif
