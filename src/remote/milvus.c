/* milvus.c: see milvus.h. Codes: the documented ones of Milvus 2.x. */
#include "remote/milvus.h"

#include "base/mem.h"

#define PREFIX "/v2/vectordb/"
#define MESSAGE_SIZE 800
#define HTTP_UNAUTHORIZED 401
#define HTTP_NOT_FOUND 404
#define HTTP_TOO_LARGE 413

struct milvus {
    struct http *http;
};

enum err_code milvus_open(const struct http_options *options, struct milvus **ret_milvus,
                          struct err *err)
{
    struct milvus *milvus = mem_zalloc(1, sizeof *milvus);
    if (milvus == NULL)
        return err_nomem(err, "server");
    const enum err_code code = http_open(options, &milvus->http, err);
    if (code != ERR_OK) {
        mem_free(milvus);
        return code;
    }
    *ret_milvus = milvus;
    return ERR_OK;
}

void milvus_close(struct milvus *milvus)
{
    if (milvus == NULL)
        return;
    http_close(milvus->http);
    mem_free(milvus);
}

const char *milvus_url(const struct milvus *milvus)
{
    return http_url(milvus->http);
}

/* Codes of Milvus that mean something here, and what helps. */
static const struct meaning {
    int64_t milvus_code;
    enum err_code code;
    const char *advice;
} meanings[] = {
    {1, ERR_TEMPORARY, "; run again"},
    {3, ERR_TEMPORARY, "; run again when the server has memory"},
    {8, ERR_TEMPORARY, "; run again later"},
    {100, ERR_NO_COLLECTION, ""},
    {101, ERR_STATE, "; a client has released it: it must be loaded again (collections/load)"},
    {103, ERR_STATE, "; run again when it is loaded"},
    {200, ERR_NO_PARTITION, ""},
    {201, ERR_STATE, "; a client has released it: it must be loaded again (partitions/load)"},
    {800, ERR_NO_COLLECTION, ""},
    {1001, ERR_IO, ""},
    {1002, ERR_NO_SPACE, ""},
    {1100, ERR_INVALID, ""},
    {1801, ERR_INVALID, ""},
    {1802, ERR_INVALID, ""},
    {1804, ERR_INVALID, ""},
};

static enum err_code wrong_credentials(const struct milvus *milvus, const char *message,
                                       struct err *err)
{
    return err_set(err, ERR_CONFIG,
                   "%s: %.400s; set GODWIT_TOKEN to USER:PASSWORD or an API key, or give "
                   "--token-file",
                   milvus_url(milvus), message);
}

/* The server's sentence without what could move a cursor or forge a line. */
static void copy_message(const struct json *answer, char *message, size_t size)
{
    const char *from = js_string(js_get(answer, "message"), "no reason given");
    size_t i = 0;
    for (; i + 1 < size && from[i] != '\0'; i++)
        message[i] = (unsigned char)from[i] < ' ' || from[i] == 0x7f ? ' ' : from[i];
    message[i] = '\0';
}

static enum err_code refused(const struct milvus *milvus, const struct json *answer, int64_t number,
                             struct err *err)
{
    char message[MESSAGE_SIZE];
    copy_message(answer, message, sizeof message);
    if (number == 1800)
        return wrong_credentials(milvus, message, err);
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++)
        if (meanings[i].milvus_code == number)
            return err_set(err, meanings[i].code, "%s: %.700s%s", milvus_url(milvus), message,
                           meanings[i].advice);
    return err_set(err, ERR_TARGET, "%s: %.700s (code %lld)", milvus_url(milvus), message,
                   (long long)number);
}

static enum err_code read_reply(const struct milvus *milvus, const struct http_reply *reply,
                                struct json **ret_answer, struct err *err)
{
    struct json *answer = NULL;
    struct err parse;
    enum err_code code = js_parse(reply->body, reply->size, &answer, &parse);
    const struct json *number = code == ERR_OK ? js_get(answer, "code") : NULL;
    if (code == ERR_NOMEM)
        code = err_nomem(err, milvus_url(milvus));
    else if (js_is_int(number) && js_int(number, 0) != 0 && reply->status != HTTP_NOT_FOUND)
        code = refused(milvus, answer, js_int(number, 0), err);
    else if (reply->status == HTTP_UNAUTHORIZED)
        code = wrong_credentials(milvus, "401 unauthorized", err);
    else if (reply->status == HTTP_TOO_LARGE)
        code = err_set(err, ERR_INVALID, "%s: 413, the request is too large for the server",
                       milvus_url(milvus));
    else if (reply->status / 100 == 5)
        code = err_set(err, ERR_TEMPORARY, "%s: HTTP status %ld: %.200s", milvus_url(milvus),
                       reply->status, reply->body);
    else if (reply->status != 200 || !js_is_int(number))
        code = err_set(err, ERR_SOURCE,
                       "%s: HTTP status %ld and no answer of a Milvus server; is this the URL of "
                       "godwit serve?",
                       milvus_url(milvus), reply->status);
    if (code != ERR_OK) {
        js_free(answer);
        return code;
    }
    *ret_answer = answer;
    return ERR_OK;
}

enum err_code milvus_call(struct milvus *milvus, const char *route, struct text *request,
                          const struct json **ret_data, struct json **ret_answer, struct err *err)
{
    struct http_reply reply;
    char *path = mem_printf(PREFIX "%s", route);
    enum err_code code = ERR_OK;
    if (path == NULL || text_failed(request))
        code = err_nomem(err, milvus_url(milvus));
    if (code == ERR_OK)
        code = http_post(milvus->http, path, text_get(request), request->size, &reply, err);
    mem_free(path);
    text_release(request);
    if (code == ERR_OK)
        code = read_reply(milvus, &reply, ret_answer, err);
    if (code == ERR_OK)
        *ret_data = js_get(*ret_answer, "data");
    return code;
}

enum err_code milvus_tell(struct milvus *milvus, const char *route, struct text *request,
                          struct err *err)
{
    const struct json *data;
    struct json *answer;
    const enum err_code code = milvus_call(milvus, route, request, &data, &answer, err);
    if (code == ERR_OK)
        js_free(answer);
    return code;
}
