/* text.c: see text.h. */
#include "base/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"

void text_init(struct text *text)
{
    *text = (struct text){0};
}

void text_release(struct text *text)
{
    mem_free(text->data);
    *text = (struct text){0};
}

static bool reserve(struct text *text, size_t more)
{
    if (text->has_failed)
        return false;
    if (more < text->capacity - text->size)
        return true;
    size_t wanted = text->capacity > 0 ? text->capacity * 2 : 256;
    while (wanted - text->size <= more && wanted < SIZE_MAX / 2)
        wanted *= 2;
    char *bigger = mem_realloc(text->data, wanted, 1);
    if (bigger == NULL) {
        text->has_failed = true;
        return false;
    }
    text->data = bigger;
    text->capacity = wanted;
    return true;
}

void text_add_bytes(struct text *text, const char *piece, size_t size)
{
    if (!reserve(text, size))
        return;
    if (size > 0)
        memcpy(text->data + text->size, piece, size);
    text->size += size;
    text->data[text->size] = '\0';
}

void text_add(struct text *text, const char *piece)
{
    text_add_bytes(text, piece, strlen(piece));
}

void text_addf(struct text *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (size < 0 || !reserve(text, (size_t)size))
        return;
    va_start(args, format);
    (void)vsnprintf(text->data + text->size, (size_t)size + 1, format, args);
    va_end(args);
    text->size += (size_t)size;
}

bool text_failed(const struct text *text)
{
    return text->has_failed;
}

const char *text_get(const struct text *text)
{
    return text->data != NULL ? text->data : "";
}

char *text_take(struct text *text)
{
    if (text->data == NULL)
        text_add(text, "");
    char *data = text->has_failed ? NULL : text->data;
    if (data != NULL)
        *text = (struct text){0};
    return data;
}

static void add_escaped(struct text *text, const char *value, size_t size)
{
    const bool is_utf8 = utf8_is_valid(value, size);
    text_add(text, "\"");
    for (size_t k = 0; k < size; k++) {
        const unsigned char c = (unsigned char)value[k];
        if (c == '"' || c == '\\')
            text_addf(text, "\\%c", c);
        else if (c == '\n')
            text_add(text, "\\n");
        else if (c < 0x20 || c == 0x7f || (c >= 0x80 && !is_utf8))
            text_addf(text, "\\u%04x", c);
        else
            text_add_bytes(text, value + k, 1);
    }
    text_add(text, "\"");
}

/* A comma is due unless the last thing written opened a bracket or ended a key. */
static void start_value(struct text *text, const char *key)
{
    const char last = text->size > 0 && text->data != NULL ? text->data[text->size - 1] : '{';
    if (last != '{' && last != '[' && last != '\n')
        text_add(text, ",");
    if (key == NULL)
        return;
    add_escaped(text, key, strlen(key));
    text_add(text, ":");
}

void json_open(struct text *text, const char *key, char bracket)
{
    start_value(text, key);
    text_add_bytes(text, &bracket, 1);
}

void json_close(struct text *text, char bracket)
{
    text_add_bytes(text, &bracket, 1);
}

void json_add_string(struct text *text, const char *key, const char *value)
{
    start_value(text, key);
    if (value == NULL)
        text_add(text, "null");
    else
        add_escaped(text, value, strlen(value));
}

void json_add_bytes(struct text *text, const char *key, const char *value, size_t size)
{
    start_value(text, key);
    add_escaped(text, value, size);
}

void json_add_raw(struct text *text, const char *key, const char *json)
{
    start_value(text, key);
    text_add(text, json);
}

void json_add_int(struct text *text, const char *key, int64_t value)
{
    start_value(text, key);
    text_addf(text, "%" PRId64, value);
}

void json_add_uint(struct text *text, const char *key, uint64_t value)
{
    start_value(text, key);
    text_addf(text, "%" PRIu64, value);
}

void json_add_bool(struct text *text, const char *key, bool value)
{
    start_value(text, key);
    text_add(text, value ? "true" : "false");
}

void json_add_double(struct text *text, const char *key, double value)
{
    start_value(text, key);
    if (!isfinite(value)) {
        text_add(text, "null");
        return;
    }
    char digits[40];
    for (int precision = 6; precision <= 17; precision++) {
        (void)snprintf(digits, sizeof digits, "%.*g", precision, value);
        const double back = strtod(digits, NULL);
        if (memcmp(&back, &value, sizeof value) == 0)
            break;
    }
    text_add(text, digits);
}

void json_add_float(struct text *text, const char *key, float value)
{
    start_value(text, key);
    if (!isfinite(value)) {
        text_add(text, "null");
        return;
    }
    char digits[40];
    for (int precision = 6; precision <= 9; precision++) {
        (void)snprintf(digits, sizeof digits, "%.*g", precision, (double)value);
        const float back = strtof(digits, NULL);
        if (memcmp(&back, &value, sizeof value) == 0)
            break;
    }
    text_add(text, digits);
}
