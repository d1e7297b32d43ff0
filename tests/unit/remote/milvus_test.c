/* milvus_test.c: one request to a server that answers what the test wants. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fault.h"
#include "base/mem.h"
#include "remote/milvus.h"

/* Answers one request after the other with the same bytes, each on a connection of its own. */
struct canned {
    int listener;
    pthread_t thread;
    const char *status; /* "200 OK" */
    const char *body;
    char url[64];
    char request[4096]; /* the last one */
};

static void receive(int fd, struct canned *canned)
{
    size_t size = 0;
    ssize_t got = 1;
    while (got > 0 && strstr(canned->request, "}") == NULL && size + 1 < sizeof canned->request) {
        got = recv(fd, canned->request + size, sizeof canned->request - 1 - size, 0);
        size += got > 0 ? (size_t)got : 0;
        canned->request[size] = '\0';
    }
}

static void *answer_all(void *argument)
{
    struct canned *canned = argument;
    int fd;
    while ((fd = accept(canned->listener, NULL, NULL)) >= 0) {
        char *reply = NULL;
        canned->request[0] = '\0';
        receive(fd, canned);
        const int size =
            asprintf(&reply, "HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s",
                     canned->status, strlen(canned->body), canned->body);
        assert_true(size > 0 && send(fd, reply, (size_t)size, MSG_NOSIGNAL) == size);
        free(reply);
        close(fd);
    }
    return NULL;
}

static void start(struct canned *canned, const char *status, const char *body)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    *canned = (struct canned){.listener = socket(AF_INET, SOCK_STREAM, 0)};
    canned->status = status;
    canned->body = body;
    assert_int_equal(bind(canned->listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(canned->listener, 8), 0);
    assert_int_equal(getsockname(canned->listener, (struct sockaddr *)&address, &size), 0);
    (void)snprintf(canned->url, sizeof canned->url, "http://127.0.0.1:%d/",
                   ntohs(address.sin_port));
    assert_int_equal(pthread_create(&canned->thread, NULL, answer_all, canned), 0);
}

static void stop(struct canned *canned)
{
    (void)shutdown(canned->listener, SHUT_RDWR);
    assert_int_equal(pthread_join(canned->thread, NULL), 0);
    close(canned->listener);
}

/* The error of one call; `*ret_number` is data.n of an answer. */
static enum err_code call(const struct canned *canned, int64_t *ret_number, struct err *err)
{
    struct milvus *milvus = NULL;
    struct text request;
    const struct json *data;
    struct json *answer;
    const struct http_options options = {.url = canned->url, .bearer = "root:secret"};
    enum err_code code = milvus_open(&options, &milvus, err);
    if (code != ERR_OK)
        return code;
    text_init(&request);
    json_open(&request, NULL, '{');
    json_add_string(&request, "collectionName", "words");
    json_close(&request, '}');
    code = milvus_call(milvus, "collections/has", &request, &data, &answer, err);
    if (code == ERR_OK) {
        *ret_number = js_int(js_get(data, "n"), -1);
        js_free(answer);
    }
    milvus_close(milvus);
    return code;
}

static void test_milvus__asks_and_reads(void **state)
{
    struct canned canned;
    struct err err = {0};
    int64_t number = 0;
    (void)state;
    start(&canned, "200 OK", "{\"code\":0,\"data\":{\"n\":9223372036854775807}}");
    assert_int_equal(call(&canned, &number, &err), ERR_OK);
    stop(&canned);
    assert_true(number == INT64_MAX);
    assert_non_null(strstr(canned.request, "POST /v2/vectordb/collections/has HTTP/1.1\r\n"));
    assert_non_null(strstr(canned.request, "Authorization: Bearer root:secret\r\n"));
    assert_non_null(strstr(canned.request, "{\"collectionName\":\"words\"}"));
}

static void test_milvus__says_why_not(void **state)
{
    static const struct {
        const char *status;
        const char *body;
        enum err_code code;
        const char *part;
    } cases[] = {
        {"200 OK", "{\"code\":100,\"message\":\"no words\"}", ERR_NO_COLLECTION, "no words"},
        {"200 OK", "{\"code\":200,\"message\":\"no p\"}", ERR_NO_PARTITION, "no p"},
        {"200 OK", "{\"code\":101,\"message\":\"not loaded\"}", ERR_STATE, "loaded again"},
        {"200 OK", "{\"code\":1100,\"message\":\"bad\"}", ERR_INVALID, "bad"},
        {"200 OK", "{\"code\":65535,\"message\":\"a\\u001bb\"}", ERR_TARGET, "a b (code 65535)"},
        {"401 Unauthorized", "{\"code\":1800,\"message\":\"who\"}", ERR_CONFIG, "GODWIT_TOKEN"},
        {"401 Unauthorized", "", ERR_CONFIG, "--token-file"},
        {"404 Not Found", "{\"code\":404,\"message\":\"page\"}", ERR_SOURCE, "godwit serve"},
        {"413 Too Large", "", ERR_INVALID, "413"},
        {"503 Busy", "later", ERR_TEMPORARY, "503"},
        {"200 OK", "[1", ERR_SOURCE, "godwit serve"},
        {"200 OK", "{\"code\":\"0\"}", ERR_SOURCE, "godwit serve"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct canned canned;
        struct err err = {0};
        int64_t number;
        start(&canned, cases[i].status, cases[i].body);
        assert_int_equal(call(&canned, &number, &err), cases[i].code);
        stop(&canned);
        assert_non_null(strstr(err.msg, cases[i].part));
        assert_null(strstr(err.msg, "secret"));
    }
}

static void test_milvus__nobody_listens(void **state)
{
    struct canned canned;
    struct err err = {0};
    int64_t number;
    (void)state;
    start(&canned, "200 OK", "{}");
    stop(&canned);
    assert_int_equal(call(&canned, &number, &err), ERR_TEMPORARY);
    assert_non_null(strstr(err.msg, "is godwit serve running there?"));
}

static void test_http__urls_that_are_none(void **state)
{
    static const char *const urls[] = {"ftp://host",     "http://",      "http://u:p@host",
                                       "http://host/?q", "http://ho st", "https://host#x"};
    (void)state;
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        struct http *http = NULL;
        struct err err = {0};
        const struct http_options options = {.url = urls[i]};
        assert_int_equal(http_open(&options, &http, &err), ERR_USAGE);
        assert_null(http);
        assert_null(strstr(err.msg, "u:p"));
    }
}

static void test_milvus__memory_ends(void **state)
{
    struct canned canned;
    struct err err = {0};
    int64_t number = 0;
    (void)state;
    start(&canned, "200 OK", "{\"code\":0,\"data\":{\"n\":7}}");
    bool was_reached = true;
    for (size_t n = 0; was_reached; n++) {
        fault_arm(FAULT_MALLOC, n, ENOMEM);
        const enum err_code code = call(&canned, &number, &err);
        was_reached = fault_disarm();
        assert_int_equal(code, was_reached ? ERR_NOMEM : ERR_OK);
    }
    stop(&canned);
    assert_true(number == 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_milvus__asks_and_reads),
        cmocka_unit_test(test_milvus__says_why_not),
        cmocka_unit_test(test_milvus__nobody_listens),
        cmocka_unit_test(test_http__urls_that_are_none),
        cmocka_unit_test(test_milvus__memory_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
