/* rest_args.c: values of a request, and the small parts of answers; see rest.h. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "milvus2/names.h"
#include "milvus2/rest.h"

static const char *const consistency_names[] = {"Strong", "Session", "Bounded", "Eventually",
                                                "Customized"};
#define CONSISTENCY_COUNT (sizeof consistency_names / sizeof *consistency_names)

const char *rest_text(const struct rest *rest, const char *key, const char *fallback)
{
    const char *value = js_string(js_get(rest->body, key), fallback);
    if (rest->is_v1 && js_is_null(js_get(rest->body, key))) {
        const char *query = call_query(rest->call, key);
        return query != NULL ? query : value;
    }
    return value;
}

int64_t rest_int(const struct rest *rest, const char *key, int64_t fallback)
{
    return js_int(js_get(rest->body, key), fallback);
}

const char *rest_collection(const struct rest *rest)
{
    return rest_text(rest, "collectionName", "");
}

bool rest_names(struct rest *rest, const char *key, struct name_list *ret_names)
{
    const struct json *array = js_get(rest->body, key);
    const size_t count = js_size(array);
    const char **items = op_array(&rest->op, count, sizeof *items);
    if (items == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        items[i] = js_string(js_at(array, i), NULL);
        if (items[i] == NULL)
            return rest_fail(rest, MILVUS_REST_JSON,
                             "error: json: the values of %s must be strings", key);
    }
    *ret_names = (struct name_list){items, count};
    return true;
}

const char *rest_value_text(struct rest *rest, const struct json *value)
{
    if (js_is_string(value))
        return js_string(value, "");
    char *text = js_dump_ordered(value);
    if (text == NULL) {
        (void)status_nomem(&rest->op.status, "request");
        return NULL;
    }
    const char *copy = op_strndup(&rest->op, text, strlen(text));
    mem_free(text);
    return copy;
}

bool rest_pairs(struct rest *rest, const struct json *object, struct pair_list *ret_pairs)
{
    size_t count = 0;
    const char *key;
    for (void *at = NULL; js_next(object, &at, &key) != NULL;)
        count++;
    struct pair *items = op_array(&rest->op, count, sizeof *items);
    if (items == NULL)
        return false;
    size_t n = 0;
    const struct json *value;
    for (void *at = NULL; (value = js_next(object, &at, &key)) != NULL; n++) {
        items[n] = (struct pair){.key = key, .value = rest_value_text(rest, value)};
        if (items[n].value == NULL)
            return false;
    }
    *ret_pairs = (struct pair_list){items, n};
    return true;
}

bool rest_done(struct rest *rest)
{
    json_open(&rest->answer, "data", '{');
    json_close(&rest->answer, '}');
    return true;
}

bool rest_add_names(struct rest *rest, const char *key, const struct name_list *names)
{
    json_open(&rest->answer, key, '[');
    for (size_t i = 0; i < names->count; i++)
        json_add_string(&rest->answer, NULL, names->items[i]);
    json_close(&rest->answer, ']');
    return true;
}

void rest_add_pairs(struct rest *rest, const char *key, const struct pair_list *pairs)
{
    json_open(&rest->answer, key, '[');
    for (size_t i = 0; i < pairs->count; i++) {
        json_open(&rest->answer, NULL, '{');
        json_add_string(&rest->answer, "key", pairs->items[i].key);
        json_add_string(&rest->answer, "value", pairs->items[i].value);
        json_close(&rest->answer, '}');
    }
    json_close(&rest->answer, ']');
}

void rest_add_int(struct rest *rest, const char *key, int64_t value)
{
    char text[24];
    if (!rest->ints_as_text) {
        json_add_int(&rest->answer, key, value);
        return;
    }
    (void)snprintf(text, sizeof text, "%" PRId64, value);
    json_add_string(&rest->answer, key, text);
}

bool rest_consistency(struct rest *rest, const char *name, int64_t *ret_level)
{
    for (size_t i = 0; i < CONSISTENCY_COUNT; i++)
        if (strcmp(consistency_names[i], name) == 0) {
            *ret_level = (int64_t)i;
            return true;
        }
    return status_expected(&rest->op.status, "Strong, Session, Bounded, Eventually, Customized",
                           name,
                           "consistencyLevel can only be [Strong, Session, Bounded, Eventually, "
                           "Customized], default: Bounded, err: '%s'",
                           name);
}

const char *rest_consistency_name(int64_t level)
{
    return level >= 0 && (uint64_t)level < CONSISTENCY_COUNT ? consistency_names[level]
                                                             : "Customized";
}
