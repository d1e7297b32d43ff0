/* text.h: a growing string. Sticky: append freely, check text_failed() once at the end.
 * Also the writer of JSON: commas are put by the builder, strings are escaped. */
#ifndef GODWIT_BASE_TEXT_H
#define GODWIT_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct text {
    char *data; /* terminated, or NULL when empty */
    size_t size;
    size_t capacity;
    bool has_failed;
};

void text_init(struct text *text);
void text_release(struct text *text);
void text_add(struct text *text, const char *piece);
void text_add_bytes(struct text *text, const char *piece, size_t size);
void text_addf(struct text *text, const char *format, ...) PRINTF_LIKE(2, 3);
/* True when memory ended during any append; the content is then not to be used. */
bool text_failed(const struct text *text);
/* The content, never NULL; borrowed. */
const char *text_get(const struct text *text);
/* Moves the content out (mem_free it); NULL when the builder has failed. */
char *text_take(struct text *text);

/* JSON: `key` is NULL inside arrays. Text that is no valid UTF-8 is written byte by byte as the
 * characters U+0000..U+00FF, so the output is always valid JSON. */
void json_open(struct text *text, const char *key, char bracket);            /* '{' or '[' */
void json_close(struct text *text, char bracket);                            /* '}' or ']' */
void json_add_string(struct text *text, const char *key, const char *value); /* NULL -> null */
/* A string of `size` bytes, which may hold zero bytes; `value` may be NULL when size is 0. */
void json_add_bytes(struct text *text, const char *key, const char *value, size_t size);
void json_add_raw(struct text *text, const char *key, const char *json); /* valid JSON already */
void json_add_int(struct text *text, const char *key, int64_t value);
void json_add_uint(struct text *text, const char *key, uint64_t value);
void json_add_bool(struct text *text, const char *key, bool value);
/* Shortest form that reads back to the same double / float; NaN and Inf become null. */
void json_add_double(struct text *text, const char *key, double value);
void json_add_float(struct text *text, const char *key, float value);

#endif
