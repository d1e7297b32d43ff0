/* app.c: see app.h. */
#include "app.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

static void echo(void *app, struct call *call)
{
    const struct bytes body = call_body(call);
    uint8_t *copy = mem_alloc(body.size, 1);
    atomic_fetch_add(&((struct app *)app)->started, 1);
    if (copy == NULL) {
        call_reply_status(call, GRPC_UNAVAILABLE, "out of memory");
        return;
    }
    if (body.size > 0)
        memcpy(copy, body.data, body.size);
    if (call_is_grpc(call))
        call_reply_message(call, copy, body.size);
    else
        call_reply_http(call, 200, "application/octet-stream", copy, body.size);
}

static void big(void *app, struct call *call)
{
    (void)app;
    const struct bytes body = call_body(call);
    const char *query = call_is_grpc(call) ? NULL : call_query(call, "n");
    const size_t size = query != NULL ? strtoull(query, NULL, 10) : get_u32(body.data);
    uint8_t *data = mem_alloc(size, 1);
    if (data == NULL) {
        call_reply_status(call, GRPC_UNAVAILABLE, "out of memory");
        return;
    }
    for (size_t k = 0; k < size; k++)
        data[k] = (uint8_t)(k % 251);
    if (call_is_grpc(call))
        call_reply_message(call, data, size);
    else
        call_reply_http(call, 200, "application/octet-stream", data, size);
}

static void fail(void *app, struct call *call)
{
    (void)app;
    call_reply_status(call, GRPC_NOT_FOUND, "no \xc3\xa4pfel, 100%% sure\n");
}

static void wait_for_go(void *data, struct call *call)
{
    struct app *app = data;
    atomic_fetch_add(&app->waiting, 1);
    enum call_state state = CALL_WANTED;
    while (!atomic_load(&app->go) && (state = call_state(call)) == CALL_WANTED)
        clock_sleep_ns(500000);
    if (state == CALL_CANCELLED)
        atomic_fetch_add(&app->cancelled, 1);
    if (state == CALL_LATE)
        atomic_fetch_add(&app->late, 1);
    atomic_fetch_sub(&app->waiting, 1);
    if (state == CALL_LATE)
        call_reply_status(call, GRPC_DEADLINE_EXCEEDED, "waited too long");
    else
        echo(app, call);
}

static void silent(void *app, struct call *call)
{
    (void)app;
    (void)call;
}

static const struct server_method methods[] = {
    {"/t.Test/Echo", echo, false}, {"/t.Test/Big", big, false},
    {"/t.Test/Fail", fail, false}, {"/t.Test/Wait", wait_for_go, false},
    {"/t.Test/Quick", echo, true}, {"/t.Test/Silent", silent, false},
};

struct made {
    struct app *app;
    uint64_t size;
    uint64_t fail_at;
};

static ssize_t made_read(void *context, uint64_t offset, void *buffer, size_t size)
{
    const struct made *made = context;
    if (offset >= made->fail_at)
        return -1;
    const uint64_t left = made->size - offset;
    const size_t count = left < size ? (size_t)left : size;
    for (size_t k = 0; k < count; k++)
        ((uint8_t *)buffer)[k] = (uint8_t)((offset + k) % 251);
    return (ssize_t)count;
}

static void made_close(void *context)
{
    struct made *made = context;
    atomic_fetch_add(&made->app->released, 1);
    mem_free(made);
}

static void stream(struct app *app, struct call *call)
{
    struct made *made = mem_alloc(1, sizeof *made);
    if (made == NULL)
        return;
    const char *size = call_query(call, "n");
    const char *fail_at = call_query(call, "fail");
    *made = (struct made){app, strtoull(size != NULL ? size : "0", NULL, 10),
                          fail_at != NULL ? strtoull(fail_at, NULL, 10) : UINT64_MAX};
    const struct call_source source = {
        made_read, made_close, made,
        call_query(call, "chunked") != NULL ? CALL_SOURCE_SIZE_UNKNOWN : made->size};
    call_reply_source(call, 200, "text/plain", &source);
}

static void reply_text(struct call *call, int status, const char *text)
{
    call_reply_http(call, status, "text/plain", mem_strdup(text), strlen(text));
}

static void metrics(struct app *app, struct call *call)
{
    struct text text;
    text_init(&text);
    server_metrics(app->server, &text);
    const size_t size = text.size;
    call_reply_http(call, 200, "text/plain", text_take(&text), size);
}

static void http(void *data, struct call *call)
{
    struct app *app = data;
    const char *path = call_path(call);
    if (strcmp(path, "/echo") == 0) {
        call_set_label(call, "/echo");
        call_add_header(call, "X-Answer", "yes");
        echo(app, call);
    } else if (strcmp(path, "/big") == 0) {
        big(app, call);
    } else if (strcmp(path, "/stream") == 0) {
        stream(app, call);
    } else if (strcmp(path, "/wait") == 0) {
        wait_for_go(app, call);
    } else if (strcmp(path, "/metrics") == 0) {
        metrics(app, call);
    } else if (strcmp(path, "/healthz") == 0) {
        call_reply_static(call, 200, "text/plain", (struct bytes){(const uint8_t *)"ok", 2});
    } else if (strcmp(path, "/header") == 0) {
        const char *name = call_query(call, "name");
        const char *value = call_header(call, name != NULL ? name : "");
        reply_text(call, 200, value != NULL ? value : "-");
    } else if (strncmp(path, "/path", 5) == 0) {
        reply_text(call, 200, path);
    } else if (strcmp(path, "/user") == 0) {
        reply_text(call, 200, call_user(call));
    } else {
        call_reply_status(call, GRPC_NOT_FOUND, "no such page: %s", path);
    }
}

static bool authenticate(void *app, struct call *call)
{
    (void)app;
    const char *user = call_header(call, "x-user");
    if (user == NULL)
        return true;
    call_set_user(call, user);
    if (strcmp(user, "known") == 0)
        return true;
    call_reply_status(call, GRPC_UNAUTHENTICATED, "who are you?");
    return false;
}

static void access_log(void *data, const struct server_access *access)
{
    struct app *app = data;
    atomic_store(&app->last_status, access->status);
    atomic_fetch_add(&app->accesses, 1);
}

static void notice(void *data, const char *text)
{
    struct app *app = data;
    if (text[0] != '\0')
        atomic_fetch_add(&app->notices, 1);
}

void app_options(struct app *app, struct server_options *ret_options)
{
    static const char *const local[] = {"127.0.0.1:0"};
    static const char *const quick_paths[] = {"/healthz", NULL};
    *ret_options = (struct server_options){
        .listen = local,
        .listen_count = 1,
        .workers = 4,
        .app = app,
        .methods = methods,
        .method_count = sizeof methods / sizeof methods[0],
        .http = http,
        .quick_paths = quick_paths,
        .authenticate = authenticate,
        .access = access_log,
        .notice = notice,
        .cors_origin = "*",
    };
}
