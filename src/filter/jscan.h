/* jscan.h: finding one value in a JSON text without reading it into a tree.
 *
 * The text is walked once, byte after byte, and values that are not asked for are skipped; nothing
 * is allocated and nothing recurses. A text that is no JSON gives "not found" or some value that is
 * in it, and never a byte beyond it is read. Of a key that stands twice the first counts. */
#ifndef GODWIT_FILTER_JSCAN_H
#define GODWIT_FILTER_JSCAN_H

#include "filter/scalar.h"

struct jvalue {
    const uint8_t *at;  /* its first byte */
    const uint8_t *end; /* of the whole text, not of the value */
};

/* The value that a path leads to; no step: the document itself. */
bool jscan_find(const uint8_t *text, size_t size, const struct step *steps, size_t count,
                struct jvalue *ret);

/* Arrays: `for (ok = jscan_first(array, &item); ok; ok = jscan_next(&item))`; first is false for
 * what is no array. */
bool jscan_first(const struct jvalue *array, struct jvalue *ret_item);
bool jscan_next(struct jvalue *item);

bool jscan_is_array(const struct jvalue *value);
bool jscan_is_null(const struct jvalue *value);

/* What may follow a number or a word. */
static inline bool jscan_is_delimiter(uint8_t byte)
{
    return byte == ',' || byte == '}' || byte == ']' || byte == ' ' || byte == '\n' ||
           byte == '\t' || byte == '\r' || byte == ':';
}

/* Integers of up to 18 digits, which most numbers are; false: ask jscan_scalar. */
static inline bool jscan_short_integer(const struct jvalue *value, int64_t *ret)
{
    const uint8_t *at = value->at;
    const bool is_negative = *at == '-';
    at += is_negative;
    const uint8_t *start = at;
    int64_t result = 0;
    for (; at < value->end && at - start < 18 && *at >= '0' && *at <= '9'; at++)
        result = result * 10 + (*at - '0');
    if (at == start || at == value->end || !jscan_is_delimiter(*at))
        return false;
    *ret = is_negative ? -result : result;
    return true;
}

/* A value as a scalar; SCALAR_NONE for null, arrays, objects. Where a string has escapes, its data
 * is the written form and *ret_has_escapes is true: jscan_decode gives the content. */
struct scalar jscan_scalar(const struct jvalue *value, bool *ret_has_escapes);
/* Writes the content of a string; `to` has room for `size` bytes. Returns the bytes written. */
size_t jscan_decode(const uint8_t *from, size_t size, uint8_t *to);

#endif
