/* http_curl.c: see http.h. Source: libcurl's documentation of the easy interface. */
#include <curl/curl.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "remote/http.h"

#define CONNECT_TIMEOUT_S 10L
#define UNIX_PREFIX "unix:"

struct http {
    CURL *curl;
    struct curl_slist *headers;
    char *url;  /* as given */
    char *base; /* what paths are put behind */
    struct text reply;
    bool is_too_large;
    const atomic_bool *stop;
    char reason[CURL_ERROR_SIZE];
};

static size_t take(char *data, size_t size, size_t count, void *argument)
{
    struct http *http = argument;
    const size_t bytes = size * count;
    http->is_too_large = bytes > HTTP_REPLY_MAX - http->reply.size;
    if (http->is_too_large)
        return 0;
    text_add_bytes(&http->reply, data, bytes);
    return text_failed(&http->reply) ? 0 : bytes;
}

static int look_up(void *argument, curl_off_t down_all, curl_off_t down, curl_off_t up_all,
                   curl_off_t up)
{
    const struct http *http = argument;
    (void)down_all, (void)down, (void)up_all, (void)up;
    return http->stop != NULL && atomic_load(http->stop);
}

/* "http://host:port" of a URL; a user, a query or a fragment is refused. */
static enum err_code read_url(struct http *http, const char *url, struct err *err)
{
    const bool is_unix = strncmp(url, UNIX_PREFIX, strlen(UNIX_PREFIX)) == 0;
    const char *scheme_end = strstr(url, "://");
    if (is_unix) {
        http->base = mem_strdup("http://localhost");
        return http->base != NULL ? ERR_OK : err_nomem(err, "URL");
    }
    if (scheme_end == NULL ||
        (strncasecmp(url, "http://", 7) != 0 && strncasecmp(url, "https://", 8) != 0))
        return err_set(err, ERR_USAGE,
                       "a server is http://HOST:PORT, https://HOST:PORT or unix:PATH");
    const char *host = scheme_end + 3;
    const size_t host_size = strcspn(host, "/?#");
    if (memchr(host, '@', host_size) != NULL)
        return err_set(err, ERR_USAGE,
                       "a URL with a user or a password in it can be read by others on this "
                       "machine; give --token-file or set GODWIT_TOKEN");
    if (host_size == 0 || strpbrk(host, "?# ") != NULL)
        return err_set(err, ERR_USAGE, "%.200s is no server's URL: http://HOST:PORT is expected",
                       url);
    http->base = mem_strdup(url);
    if (http->base == NULL)
        return err_nomem(err, "URL");
    for (size_t end = strlen(http->base); http->base[end - 1] == '/'; end--)
        http->base[end - 1] = '\0';
    return ERR_OK;
}

static bool add_header(struct http *http, const char *header)
{
    struct curl_slist *longer = curl_slist_append(http->headers, header);
    http->headers = longer != NULL ? longer : http->headers;
    return longer != NULL;
}

static enum err_code set_headers(struct http *http, const struct http_options *options,
                                 struct err *err)
{
    /* Without "Expect:" large requests would wait for a leave that no server needs to give. */
    bool is_good = add_header(http, "Content-Type: application/json") &&
                   add_header(http, "Accept: application/json") && add_header(http, "Expect:");
    for (size_t i = 0; is_good && options->headers != NULL && options->headers[i] != NULL; i++)
        is_good = add_header(http, options->headers[i]);
    if (is_good && options->bearer != NULL && options->bearer[0] != '\0') {
        char *header = mem_printf("Authorization: Bearer %s", options->bearer);
        is_good = header != NULL && add_header(http, header);
        if (header != NULL)
            explicit_bzero(header, strlen(header));
        mem_free(header);
    }
    return is_good ? ERR_OK : err_nomem(err, "HTTP");
}

static bool set_numbers(struct http *http, bool is_insecure)
{
    const struct {
        CURLoption option;
        long value;
    } settings[] = {
        {CURLOPT_NOSIGNAL, 1},
        {CURLOPT_NOPROGRESS, 0},
        {CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1},
        {CURLOPT_CONNECTTIMEOUT, CONNECT_TIMEOUT_S},
        {CURLOPT_SSL_VERIFYPEER, is_insecure ? 0 : 1},
        {CURLOPT_SSL_VERIFYHOST, is_insecure ? 0 : 2},
    };
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        if (curl_easy_setopt(http->curl, settings[i].option, settings[i].value) != CURLE_OK)
            return false;
    return true;
}

static bool set_texts(struct http *http, const struct http_options *options)
{
    const bool is_unix = strncmp(options->url, UNIX_PREFIX, strlen(UNIX_PREFIX)) == 0;
    const struct {
        CURLoption option;
        const char *value;
    } settings[] = {
        {CURLOPT_PROTOCOLS_STR, "http,https"},
        {CURLOPT_PROXY, ""},
        {CURLOPT_UNIX_SOCKET_PATH, is_unix ? options->url + strlen(UNIX_PREFIX) : NULL},
        {CURLOPT_CAINFO, options->ca_file},
        {CURLOPT_SSLCERT, options->cert_file},
        {CURLOPT_SSLKEY, options->key_file},
    };
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        if (settings[i].value != NULL &&
            curl_easy_setopt(http->curl, settings[i].option, settings[i].value) != CURLE_OK)
            return false;
    return true;
}

static enum err_code set_up(struct http *http, const struct http_options *options, struct err *err)
{
    CURL *curl = http->curl;
    const bool is_good = set_numbers(http, options->is_insecure) && set_texts(http, options) &&
                         curl_easy_setopt(curl, CURLOPT_HTTPHEADER, http->headers) == CURLE_OK &&
                         curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, http->reason) == CURLE_OK &&
                         curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take) == CURLE_OK &&
                         curl_easy_setopt(curl, CURLOPT_WRITEDATA, http) == CURLE_OK &&
                         curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, look_up) == CURLE_OK &&
                         curl_easy_setopt(curl, CURLOPT_XFERINFODATA, http) == CURLE_OK;
    return is_good ? ERR_OK : err_nomem(err, "HTTP");
}

enum err_code http_open(const struct http_options *options, struct http **ret_http, struct err *err)
{
    static bool is_started; /* commands open one server, from one thread */
    if (!is_started && curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return err_nomem(err, "HTTP");
    is_started = true;
    struct http *http = mem_zalloc(1, sizeof *http);
    if (http == NULL)
        return err_nomem(err, "HTTP");
    text_init(&http->reply);
    http->stop = options->stop;
    http->url = mem_strdup(options->url);
    http->curl = curl_easy_init();
    enum err_code code = ERR_OK;
    if (http->url == NULL || http->curl == NULL)
        code = err_nomem(err, "HTTP");
    if (code == ERR_OK)
        code = read_url(http, options->url, err);
    if (code == ERR_OK)
        code = set_headers(http, options, err);
    if (code == ERR_OK)
        code = set_up(http, options, err);
    if (code == ERR_OK)
        *ret_http = http;
    else
        http_close(http);
    return code;
}

void http_close(struct http *http)
{
    if (http == NULL)
        return;
    curl_easy_cleanup(http->curl);
    for (struct curl_slist *item = http->headers; item != NULL; item = item->next)
        explicit_bzero(item->data, strlen(item->data));
    curl_slist_free_all(http->headers);
    text_release(&http->reply);
    mem_free(http->base);
    mem_free(http->url);
    mem_free(http);
}

const char *http_url(const struct http *http)
{
    return http->url;
}

/* What went wrong below HTTP, and what may help. */
static enum err_code explain(const struct http *http, CURLcode result, struct err *err)
{
    const char *reason = http->reason[0] != '\0' ? http->reason : curl_easy_strerror(result);
    switch (result) {
    case CURLE_ABORTED_BY_CALLBACK:
        return err_set(err, ERR_INTERRUPTED, "%s: interrupted", http->url);
    case CURLE_OUT_OF_MEMORY:
        return err_nomem(err, http->url);
    case CURLE_WRITE_ERROR:
        if (!http->is_too_large)
            return err_nomem(err, http->url);
        return err_set(err, ERR_CORRUPT, "%s: an answer of more than %zu bytes; ask for less",
                       http->url, HTTP_REPLY_MAX);
    case CURLE_URL_MALFORMAT:
        return err_set(err, ERR_USAGE, "%s: %s", http->url, reason);
    case CURLE_COULDNT_CONNECT:
        return err_set(err, ERR_TEMPORARY, "%s: %s; is godwit serve running there?", http->url,
                       reason);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
        return err_set(err, ERR_CONFIG,
                       "%s: %s; --tls-ca names the certificates to trust instead of the system's",
                       http->url, reason);
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
        return err_set(err, ERR_CONFIG,
                       "%s: %s; does the server speak TLS, and want a certificate of ours "
                       "(--tls-cert, --tls-key)?",
                       http->url, reason);
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return err_set(err, ERR_CORRUPT, "%s: %s; what answers there does not speak HTTP",
                       http->url, reason);
    default:
        return err_set(err, ERR_TEMPORARY, "%s: %s", http->url, reason);
    }
}

enum err_code http_post(struct http *http, const char *path, const char *body, size_t size,
                        struct http_reply *ret_reply, struct err *err)
{
    char *url = mem_printf("%s%s", http->base, path);
    if (url == NULL)
        return err_nomem(err, http->url);
    text_release(&http->reply);
    text_init(&http->reply);
    http->is_too_large = false;
    http->reason[0] = '\0';
    CURLcode result = curl_easy_setopt(http->curl, CURLOPT_URL, url);
    mem_free(url);
    if (result == CURLE_OK)
        result = curl_easy_setopt(http->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)size);
    if (result == CURLE_OK)
        result = curl_easy_setopt(http->curl, CURLOPT_POSTFIELDS, body);
    if (result == CURLE_OK)
        result = curl_easy_perform(http->curl);
    if (result != CURLE_OK)
        return explain(http, result, err);
    long status = 0;
    (void)curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &status);
    *ret_reply = (struct http_reply){status, text_get(&http->reply), http->reply.size};
    return ERR_OK;
}
