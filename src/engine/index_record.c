/* index_record.c: see index_record.h. */
#include "engine/index_record.h"

#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

#define RECORD_SIZE_MAX ((size_t)65536)

static const char *const plan_names[INDEX_PLANS] = {"lists", "graph"};

const char *index_plan_name(enum index_plan plan)
{
    return plan_names[plan];
}

static void add_record(const struct index_record *record, struct text *text)
{
    json_open(text, NULL, '{');
    json_add_int(text, "built_us", record->built_us);
    json_add_uint(text, "threads", record->threads);
    json_add_bool(text, "failed", record->has_failed);
    if (record->has_failed)
        json_add_string(text, "reason", record->reason);
    for (size_t k = 0; k < INDEX_PLANS; k++) {
        json_open(text, plan_names[k], '{');
        json_add_double(text, "cpu_s", record->costs[k].cpu_s);
        json_add_double(text, "wall_s", record->costs[k].wall_s);
        json_close(text, '}');
    }
    json_close(text, '}');
    text_add(text, "\n");
}

enum err_code index_record_write(const char *path, const struct index_record *record,
                                 struct err *err)
{
    struct text text;
    text_init(&text);
    add_record(record, &text);
    const enum err_code code = text_failed(&text)
                                   ? err_nomem(err, path)
                                   : file_replace(path, text_get(&text), text.size, err);
    text_release(&text);
    return code;
}

bool index_record_read(const char *path, struct index_record *ret_record)
{
    struct err ignored;
    void *data = NULL;
    size_t size = 0;
    struct json *json = NULL;
    if (file_read_all(path, RECORD_SIZE_MAX, &data, &size, &ignored) != ERR_OK)
        return false;
    const enum err_code code = js_parse(data, size, &json, &ignored);
    mem_free(data);
    if (code != ERR_OK)
        return false;
    struct index_record record = {.built_us = js_int(js_get(json, "built_us"), 0),
                                  .threads = (size_t)js_int(js_get(json, "threads"), 0),
                                  .has_failed = js_is_true(js_get(json, "failed"))};
    (void)err_set(&ignored, ERR_OK, "%s", js_string(js_get(json, "reason"), ""));
    memcpy(record.reason, ignored.msg, sizeof record.reason);
    for (size_t k = 0; k < INDEX_PLANS; k++) {
        const struct json *cost = js_get(json, plan_names[k]);
        record.costs[k] = (struct index_cost){js_number(js_get(cost, "cpu_s"), 0.0),
                                              js_number(js_get(cost, "wall_s"), 0.0)};
    }
    js_free(json);
    *ret_record = record;
    return true;
}
