/* properties.c: see properties.h. */
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "milvus2/properties.h"

static size_t count_members(const struct json *object)
{
    void *at = NULL;
    const char *key;
    size_t count = 0;
    while (js_next(object, &at, &key) != NULL)
        count++;
    return count;
}

static bool add_member(struct op *op, struct pair *pair, const char *key, const struct json *value)
{
    char *dump = NULL;
    const char *text = js_string(value, NULL);
    if (text == NULL)
        text = dump = js_dump_ordered(value);
    if (text == NULL)
        return status_nomem(&op->status, "properties");
    pair->key = op_strndup(op, key, strlen(key));
    pair->value = op_strndup(op, text, strlen(text));
    mem_free(dump);
    return pair->key != NULL && pair->value != NULL;
}

bool properties_list(struct op *op, const char *json, struct pair_list *ret_pairs)
{
    struct err err;
    struct json *object;
    if (!op_engine(op, js_parse(json, strlen(json), &object, &err), &err))
        return false;
    const size_t count = count_members(object);
    struct pair *pairs = op_array(op, count, sizeof *pairs);
    bool is_good = pairs != NULL;
    void *at = NULL;
    const char *key;
    for (size_t i = 0; is_good && i < count; i++) {
        const struct json *value = js_next(object, &at, &key);
        is_good = add_member(op, &pairs[i], key, value);
    }
    js_free(object);
    *ret_pairs = (struct pair_list){.items = pairs, .count = is_good ? count : 0};
    return is_good;
}

bool properties_text(struct op *op, const struct pair_list *pairs, const char **ret_text)
{
    struct text text;
    text_init(&text);
    json_open(&text, NULL, '{');
    for (size_t i = 0; i < pairs->count; i++) {
        size_t later = i + 1;
        while (later < pairs->count && strcmp(pairs->items[later].key, pairs->items[i].key) != 0)
            later++;
        if (later == pairs->count)
            json_add_string(&text, pairs->items[i].key, pairs->items[i].value);
    }
    json_close(&text, '}');
    *ret_text = text_failed(&text) ? NULL : op_strndup(op, text_get(&text), text.size);
    text_release(&text);
    return *ret_text != NULL || status_nomem(&op->status, "properties");
}

bool properties_change(struct op *op, const char *json, const struct pair_list *set,
                       const struct name_list *removed, const char **ret_text)
{
    struct pair_list old;
    if (!properties_list(op, json, &old))
        return false;
    struct pair *pairs = op_array(op, old.count + set->count, sizeof *pairs);
    if (pairs == NULL)
        return false;
    struct pair_list all = {.items = pairs};
    for (size_t i = 0; i < old.count; i++)
        if (!names_have(removed, old.items[i].key))
            pairs[all.count++] = old.items[i];
    for (size_t i = 0; i < set->count; i++)
        pairs[all.count++] = set->items[i];
    return properties_text(op, &all, ret_text);
}
