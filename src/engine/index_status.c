/* index_status.c: see index_status.h. */
#include "engine/index_status.h"

#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "engine/layout.h"

#define STATUS_SIZE_MAX ((size_t)65536)

static const char *const names[] = {"idle", "building", "interrupted", "stopped", "failed"};

const char *index_activity_name(enum index_activity activity)
{
    return names[activity];
}

static void add_status(const struct index_status *status, struct text *text)
{
    const struct index_progress *p = &status->progress;
    json_open(text, NULL, '{');
    json_add_string(text, "activity", names[status->activity]);
    json_add_int(text, "process", status->process);
    json_add_int(text, "started_us", status->started_us);
    json_add_int(text, "updated_us", status->updated_us);
    json_add_double(text, "done", p->done);
    json_add_uint(text, "rows_total", p->rows_total);
    json_add_uint(text, "rows_done", p->rows_done);
    json_add_uint(text, "segments_total", p->segments_total);
    json_add_uint(text, "segments_done", p->segments_done);
    if (p->has_eta)
        json_add_uint(text, "eta_s", p->eta_s);
    if (status->has_segment) {
        json_add_uint(text, "folder", status->folder);
        json_add_uint(text, "number", status->number);
    }
    json_add_string(text, "reason", status->reason);
    json_close(text, '}');
    text_add(text, "\n");
}

enum err_code index_status_write(const char *folder, const struct index_status *status,
                                 struct err *err)
{
    struct text text;
    text_init(&text);
    add_status(status, &text);
    char *path = layout_index_status(folder);
    const enum err_code code = path == NULL || text_failed(&text)
                                   ? err_nomem(err, folder)
                                   : file_replace(path, text_get(&text), text.size, err);
    mem_free(path);
    text_release(&text);
    return code;
}

static uint64_t count_of(const struct json *json, const char *key)
{
    const int64_t value = js_int(js_get(json, key), 0);
    return value > 0 ? (uint64_t)value : 0;
}

static void parse(const struct json *json, struct index_status *status)
{
    const char *name = js_string(js_get(json, "activity"), "");
    for (size_t k = 0; k < sizeof names / sizeof *names; k++)
        if (strcmp(name, names[k]) == 0)
            status->activity = (enum index_activity)k;
    status->process = js_int(js_get(json, "process"), 0);
    status->started_us = js_int(js_get(json, "started_us"), 0);
    status->updated_us = js_int(js_get(json, "updated_us"), 0);
    status->progress = (struct index_progress){
        .done = js_number(js_get(json, "done"), 0.0),
        .rows_total = count_of(json, "rows_total"),
        .rows_done = count_of(json, "rows_done"),
        .segments_total = count_of(json, "segments_total"),
        .segments_done = count_of(json, "segments_done"),
        .has_eta = js_is_int(js_get(json, "eta_s")),
        .eta_s = count_of(json, "eta_s"),
    };
    status->has_segment = js_is_int(js_get(json, "folder")) && js_is_int(js_get(json, "number"));
    status->folder = count_of(json, "folder");
    status->number = count_of(json, "number");
    struct err sentence;
    (void)err_set(&sentence, ERR_OK, "%s", js_string(js_get(json, "reason"), ""));
    memcpy(status->reason, sentence.msg, sizeof status->reason);
}

static void read_file(const char *folder, struct index_status *status)
{
    struct err ignored;
    void *data = NULL;
    size_t size = 0;
    struct json *json = NULL;
    char *path = layout_index_status(folder);
    if (path != NULL && file_read_all(path, STATUS_SIZE_MAX, &data, &size, &ignored) == ERR_OK &&
        js_parse(data, size, &json, &ignored) == ERR_OK)
        parse(json, status);
    js_free(json);
    mem_free(data);
    mem_free(path);
}

static bool has_builder(const char *folder)
{
    char *lock = layout_index_lock(folder);
    const bool is_held = lock != NULL && file_lock_is_held(lock);
    mem_free(lock);
    return is_held;
}

void index_status_read(const char *folder, struct index_status *ret_status)
{
    struct index_status status = {.activity = INDEX_IDLE};
    read_file(folder, &status);
    if (status.activity == INDEX_BUILDING && !has_builder(folder)) {
        const int64_t started_us = status.started_us;
        read_file(folder, &status); /* it may have ended well in between */
        if (status.activity == INDEX_BUILDING && status.started_us == started_us)
            status.activity = INDEX_INTERRUPTED;
    }
    if (status.activity != INDEX_BUILDING)
        status.has_segment = false;
    *ret_status = status;
}
