/* serve.c: see serve.h.
 *
 * HTTP routes: /healthz (open to everybody), /metrics, /openapi.json, and REST (rest.h). */
#include <stdatomic.h>
#include <string.h>

#include "base/text.h"
#include "milvus2/auth.h"
#include "milvus2/grpc.h"
#include "milvus2/rest.h"
#include "milvus2/serve.h"

static void reply_text(struct call *call, int status, const char *type, struct text *text)
{
    if (text_failed(text)) {
        text_release(text);
        call_reply_status(call, GRPC_RESOURCE_EXHAUSTED, "out of memory");
        return;
    }
    const size_t size = text->size;
    call_reply_http(call, status, type, text_take(text), size);
}

static void reply_metrics(struct api *api, struct call *call)
{
    struct text text;
    text_init(&text);
    const struct server *server = atomic_load(&api->server);
    if (server != NULL)
        server_metrics(server, &text);
    text_add(&text, "# TYPE godwit_build_info gauge\n"
                    "godwit_build_info{version=\"" GODWIT_VERSION "\"} 1\n");
    call_set_label(call, "/metrics");
    reply_text(call, 200, "text/plain; version=0.0.4; charset=utf-8", &text);
}

static void reply_openapi(struct call *call)
{
    struct text text;
    text_init(&text);
    rest_openapi(&text);
    call_set_label(call, "/openapi.json");
    reply_text(call, 200, "application/json; charset=utf-8", &text);
}

static void handle_http(void *app, struct call *call)
{
    static const char healthy[] = "OK";
    const char *path = call_path(call);
    if (strcmp(path, AUTH_OPEN_PATH) == 0) {
        call_set_label(call, AUTH_OPEN_PATH);
        call_reply_static(call, 200, "text/plain",
                          (struct bytes){(const uint8_t *)healthy, sizeof healthy - 1});
    } else if (strcmp(path, "/metrics") == 0) {
        reply_metrics(app, call);
    } else if (strcmp(path, "/openapi.json") == 0) {
        reply_openapi(call);
    } else {
        rest_handle(app, call);
    }
}

static void on_access(void *app, const struct server_access *access)
{
    const struct api *api = app;
    if (api->options.access != NULL)
        api->options.access(api->options.access_argument, access);
}

static void on_notice(void *app, const char *text)
{
    const struct api *api = app;
    if (api->options.notice != NULL)
        api->options.notice(api->options.notice_argument, text);
}

enum err_code serve_start(struct api *api, const struct server_options *options, struct err *err)
{
    static const char *const quick_paths[] = {AUTH_OPEN_PATH, NULL};
    struct server_options all = *options;
    struct server *server;
    api->methods = grpc_methods(api->options.needs_login, &all.method_count);
    if (api->methods == NULL)
        return err_nomem(err, "methods");
    all.app = api;
    all.methods = api->methods;
    all.http = handle_http;
    all.quick_paths = quick_paths;
    all.authenticate = auth_check;
    all.access = on_access;
    all.notice = on_notice;
    all.cors_origin = "*";
    const enum err_code code = server_start(&all, &server, err);
    if (code == ERR_OK)
        atomic_store(&api->server, server);
    return code;
}

bool serve_stop(struct api *api, uint32_t drain_ms)
{
    struct server *server = atomic_load(&api->server);
    const bool is_clean = server_stop(server, drain_ms);
    atomic_store(&api->server, (struct server *)NULL);
    mem_free(api->methods);
    api->methods = NULL;
    return is_clean;
}

bool serve_is_local(const char *address)
{
    return strncmp(address, "unix:", 5) == 0 || strncmp(address, "127.", 4) == 0 ||
           strncmp(address, "[::1]:", 6) == 0 || strncmp(address, "localhost:", 10) == 0;
}
