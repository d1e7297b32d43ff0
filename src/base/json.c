/* json.c: see json.h. */
#include "base/json.h"

#include <jansson.h>
#include <pthread.h>
#include <string.h>

#include "base/mem.h"

/* `struct json` is jansson's json_t under a name of ours; it is never defined. */
static const json_t *in(const struct json *value)
{
    return (const json_t *)(const void *)value;
}

static const struct json *out(const json_t *value)
{
    return (const struct json *)(const void *)value;
}

/* jansson does not always say that memory ended: it may call the token invalid. */
static _Thread_local bool has_no_memory;

static void *allocate(size_t size)
{
    void *block = mem_alloc(size, 1);
    has_no_memory = has_no_memory || block == NULL;
    return block;
}

/* jansson's memory is ours too, so that tests can make it end. */
static void use_our_memory(void)
{
    json_set_alloc_funcs(allocate, mem_free);
}

/* jansson recurses, so the depth is measured on the text: brackets outside strings. */
static bool depth_is_fine(const char *text, size_t size, size_t *ret_offset)
{
    int depth = 0;
    bool is_string = false;
    for (size_t k = 0; k < size; k++) {
        const char c = text[k];
        if (is_string && c == '\\')
            k++;
        else if (c == '"')
            is_string = !is_string;
        else if (!is_string && (c == '{' || c == '['))
            depth++;
        else if (!is_string && (c == '}' || c == ']'))
            depth--;
        if (depth > JSON_DEPTH_MAX) {
            *ret_offset = k;
            return false;
        }
    }
    return true;
}

enum err_code js_parse(const char *text, size_t size, struct json **ret_document, struct err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, use_our_memory);
    size_t offset = 0;
    if (!depth_is_fine(text, size, &offset))
        return err_set(err, ERR_CORRUPT, "offset %zu: JSON nested deeper than %d", offset,
                       JSON_DEPTH_MAX);
    json_error_t error;
    has_no_memory = false;
    json_t *document = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (has_no_memory) {
        json_decref(document);
        return err_nomem(err, "JSON");
    }
    if (document == NULL)
        return err_set(err, ERR_CORRUPT, "line %d, column %d: no valid JSON: %s", error.line,
                       error.column, error.text);
    *ret_document = (struct json *)(void *)document;
    return ERR_OK;
}

void js_free(struct json *document)
{
    json_decref((json_t *)(void *)document);
}

bool js_is_object(const struct json *value)
{
    return value != NULL && json_typeof(in(value)) == JSON_OBJECT;
}

bool js_is_array(const struct json *value)
{
    return value != NULL && json_typeof(in(value)) == JSON_ARRAY;
}

bool js_is_int(const struct json *value)
{
    return value != NULL && json_typeof(in(value)) == JSON_INTEGER;
}

bool js_is_number(const struct json *value)
{
    return value != NULL && (js_is_int(value) || json_typeof(in(value)) == JSON_REAL);
}

bool js_is_string(const struct json *value)
{
    return value != NULL && json_typeof(in(value)) == JSON_STRING;
}

bool js_is_true(const struct json *value)
{
    return value != NULL && json_typeof(in(value)) == JSON_TRUE;
}

bool js_is_bool(const struct json *value)
{
    return value != NULL && json_is_boolean(in(value));
}

bool js_is_null(const struct json *value)
{
    return value == NULL || json_is_null(in(value));
}

const struct json *js_get(const struct json *object, const char *key)
{
    return js_is_object(object) ? out(json_object_get(in(object), key)) : NULL;
}

size_t js_size(const struct json *array)
{
    return js_is_array(array) ? json_array_size(in(array)) : 0;
}

const struct json *js_at(const struct json *array, size_t index)
{
    return js_is_array(array) ? out(json_array_get(in(array), index)) : NULL;
}

int64_t js_int(const struct json *value, int64_t fallback)
{
    return js_is_int(value) ? json_integer_value(in(value)) : fallback;
}

double js_number(const struct json *value, double fallback)
{
    return js_is_number(value) ? json_number_value(in(value)) : fallback;
}

const char *js_string(const struct json *value, const char *fallback)
{
    return js_is_string(value) ? json_string_value(in(value)) : fallback;
}

const struct json *js_next(const struct json *object, void **at, const char **ret_key)
{
    if (!js_is_object(object))
        return NULL;
    json_t *members =
        (json_t *)(uintptr_t)object; /* jansson's iterator wants it; it is not written */
    *at = *at == NULL ? json_object_iter(members) : json_object_iter_next(members, *at);
    if (*at == NULL)
        return NULL;
    *ret_key = json_object_iter_key(*at);
    return out(json_object_iter_value(*at));
}

size_t js_string_size(const struct json *value)
{
    return js_is_string(value) ? json_string_length(in(value)) : 0;
}

char *js_dump_ordered(const struct json *value)
{
    return json_dumps(in(value), JSON_COMPACT | JSON_ENCODE_ANY);
}

char *js_dump(const struct json *value)
{
    return json_dumps(in(value), JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
}
