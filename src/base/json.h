/* json.h: reading JSON through jansson (the only file that includes it). Writing: text.h.
 *
 * A document is freed as a whole; every value borrowed from it lives as long. Missing keys give
 * NULL or the fallback: the caller decides what is required. Duplicate keys are an error. */
#ifndef GODWIT_BASE_JSON_H
#define GODWIT_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define JSON_DEPTH_MAX 64

struct json; /* any value */

/* ERR_CORRUPT with line, column and reason. Depth is checked before the parser sees the text. */
enum err_code js_parse(const char *text, size_t size, struct json **ret_document,
                       struct err *err) MUST_USE;
void js_free(struct json *document);

bool js_is_object(const struct json *value);
bool js_is_array(const struct json *value);
bool js_is_int(const struct json *value);
bool js_is_number(const struct json *value);
bool js_is_string(const struct json *value);
bool js_is_true(const struct json *value);
bool js_is_bool(const struct json *value);
bool js_is_null(const struct json *value);                             /* also an absent value */
const struct json *js_get(const struct json *object, const char *key); /* NULL when absent */
size_t js_size(const struct json *array);                              /* 0 when no array */
const struct json *js_at(const struct json *array, size_t index);
int64_t js_int(const struct json *value, int64_t fallback);
double js_number(const struct json *value, double fallback);
const char *js_string(const struct json *value, const char *fallback);
/* The members of an object in the order of the text: `*at` begins as NULL; NULL at the end. */
const struct json *js_next(const struct json *object, void **at, const char **ret_key);
/* Bytes of a string; 0 when it is none. */
size_t js_string_size(const struct json *value);
/* Compact text of a value, keys sorted; mem_free. NULL when memory ends. */
char *js_dump(const struct json *value) MUST_USE;
/* The same, keys in the order of the text. */
char *js_dump_ordered(const struct json *value) MUST_USE;

#endif
