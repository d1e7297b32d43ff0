/* jscan.c: walking JSON texts. */
#include "filter/jscan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_SIZE_MAX 1024 /* bytes of a written number; longer ones are no number */
#define ONES UINT64_C(0x0101010101010101)

static const uint8_t *skip_blanks(const uint8_t *at, const uint8_t *end)
{
    while (at < end && (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r'))
        at++;
    return at;
}

/* The top bit of each byte that is `wanted` (and perhaps of bytes above one that is). */
static uint64_t bytes_equal(uint64_t word, uint8_t wanted)
{
    const uint64_t differs = word ^ (ONES * wanted);
    return (differs - ONES) & ~differs & (ONES * 0x80);
}

/* From behind the opening quote to the closing one, or NULL. */
static const uint8_t *string_end(const uint8_t *at, const uint8_t *end, bool *has_escapes)
{
    for (;;) {
        while (end - at >= 8) {
            uint64_t word;
            memcpy(&word, at, sizeof word);
            const uint64_t hits = bytes_equal(word, '"') | bytes_equal(word, '\\');
            if (hits != 0) {
                at += __builtin_ctzll(hits) / 8;
                break;
            }
            at += 8;
        }
        while (at < end && *at != '"' && *at != '\\')
            at++;
        if (at == end || *at == '"')
            return at < end ? at : NULL;
        *has_escapes = true;
        if (end - at < 2)
            return NULL;
        at += 2;
    }
}

/* From a bracket to behind the one that closes it; strings in between are stepped over. */
static const uint8_t *skip_container(const uint8_t *at, const uint8_t *end)
{
    size_t depth = 0;
    bool has_escapes = false;
    for (; at < end; at++) {
        if (*at == '"') {
            at = string_end(at + 1, end, &has_escapes);
            if (at == NULL)
                return NULL;
        } else if (*at == '{' || *at == '[') {
            depth++;
        } else if (*at == '}' || *at == ']') {
            depth--;
            if (depth == 0)
                return at + 1;
        }
    }
    return NULL;
}

/* Behind the value that begins at `at`, or NULL. */
static const uint8_t *skip_value(const uint8_t *at, const uint8_t *end)
{
    bool has_escapes = false;
    if (at == end)
        return NULL;
    if (*at == '"') {
        at = string_end(at + 1, end, &has_escapes);
        return at != NULL ? at + 1 : NULL;
    }
    if (*at == '{' || *at == '[')
        return skip_container(at, end);
    while (at < end && !jscan_is_delimiter(*at))
        at++;
    return at;
}

static uint32_t hex4(const uint8_t *at)
{
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) {
        const uint8_t c = at[i];
        const uint32_t digit = c <= '9' ? (uint32_t)(c - '0') : (uint32_t)((c | 0x20) - 'a' + 10);
        value = value << 4 | (digit & 15);
    }
    return value;
}

static size_t put_utf8(uint8_t *to, uint32_t code)
{
    if (code < 0x80) {
        to[0] = (uint8_t)code;
        return 1;
    }
    const size_t size = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const uint8_t lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = size; i-- > 1; code >>= 6)
        to[i] = (uint8_t)(0x80 | (code & 0x3F));
    to[0] = (uint8_t)(lead[size] | code);
    return size;
}

/* The character of one escape at *at (behind the backslash). */
static uint32_t take_escape(const uint8_t **at, const uint8_t *end)
{
    static const char names[] = "bfnrt";
    static const char bytes[] = "\b\f\n\r\t";
    const uint8_t c = *(*at)++;
    if (c != 'u' || end - *at < 4) {
        const char *name = c != '\0' ? strchr(names, c) : NULL;
        return name != NULL ? (uint8_t)bytes[name - names] : c;
    }
    uint32_t code = hex4(*at);
    *at += 4;
    if (code >= 0xD800 && code < 0xDC00 && end - *at >= 6 && (*at)[0] == '\\' && (*at)[1] == 'u') {
        const uint32_t low = hex4(*at + 2);
        if (low >= 0xDC00 && low < 0xE000) {
            code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
            *at += 6;
        }
    }
    return code;
}

size_t jscan_decode(const uint8_t *from, size_t size, uint8_t *to)
{
    const uint8_t *end = from + size;
    size_t to_size = 0;
    while (from < end) {
        if (*from != '\\' || end - from < 2) {
            to[to_size++] = *from++;
            continue;
        }
        from++;
        to_size += put_utf8(to + to_size, take_escape(&from, end));
    }
    return to_size;
}

/* Whether a key that has escapes reads as the wanted one. */
static bool is_decoded_key(const uint8_t *from, const uint8_t *end, const struct step *step)
{
    size_t done = 0;
    while (from < end) {
        uint8_t bytes[8];
        size_t size = 1;
        if (*from == '\\' && end - from >= 2) {
            from++;
            size = put_utf8(bytes, take_escape(&from, end));
        } else {
            bytes[0] = *from++;
        }
        if (size > step->size - done || memcmp(bytes, step->key + done, size) != 0)
            return false;
        done += size;
    }
    return done == step->size;
}

static bool is_key(const uint8_t *key, const uint8_t *key_end, bool has_escapes,
                   const struct step *step)
{
    if (has_escapes)
        return is_decoded_key(key, key_end, step);
    return (size_t)(key_end - key) == step->size && memcmp(key, step->key, step->size) == 0;
}

/* Where a key ends and whether it is the wanted one; `key` stands behind its opening quote. */
static const uint8_t *take_key(const uint8_t *key, const uint8_t *end, const struct step *step,
                               bool *ret_is_wanted)
{
    bool has_escapes = false;
    *ret_is_wanted = step->is_plain && (size_t)(end - key) > step->size && key[step->size] == '"' &&
                     memcmp(key, step->key, step->size) == 0;
    if (*ret_is_wanted)
        return key + step->size;
    const uint8_t *key_end = string_end(key, end, &has_escapes);
    if (key_end != NULL && (has_escapes || !step->is_plain))
        *ret_is_wanted = is_key(key, key_end, has_escapes, step);
    return key_end;
}

/* The value of a member; `at` stands behind the opening brace. */
static const uint8_t *find_member(const uint8_t *at, const uint8_t *end, const struct step *step)
{
    for (;;) {
        bool is_wanted;
        at = skip_blanks(at, end);
        if (at < end && *at == ',')
            at = skip_blanks(at + 1, end);
        if (at == end || *at != '"')
            return NULL;
        at = take_key(at + 1, end, step, &is_wanted);
        if (at == NULL)
            return NULL;
        at = skip_blanks(at + 1, end);
        if (at == end || *at != ':')
            return NULL;
        at = skip_blanks(at + 1, end);
        if (is_wanted)
            return at < end ? at : NULL;
        at = skip_value(at, end);
        if (at == NULL)
            return NULL;
    }
}

bool jscan_first(const struct jvalue *array, struct jvalue *ret_item)
{
    if (!jscan_is_array(array))
        return false;
    const uint8_t *at = skip_blanks(array->at + 1, array->end);
    *ret_item = (struct jvalue){at, array->end};
    return at < array->end && *at != ']' && *at != ',';
}

bool jscan_next(struct jvalue *item)
{
    const uint8_t *at = skip_value(item->at, item->end);
    if (at == NULL)
        return false;
    at = skip_blanks(at, item->end);
    if (at == item->end || *at != ',')
        return false;
    item->at = skip_blanks(at + 1, item->end);
    return item->at < item->end && *item->at != ']';
}

static const uint8_t *find_element(const struct jvalue *array, size_t index)
{
    struct jvalue item;
    if (index == SIZE_MAX || !jscan_first(array, &item))
        return NULL;
    for (size_t i = 0; i < index; i++)
        if (!jscan_next(&item))
            return NULL;
    return item.at;
}

bool jscan_find(const uint8_t *text, size_t size, const struct step *steps, size_t count,
                struct jvalue *ret)
{
    static const uint8_t nothing[1];
    const uint8_t *start = size > 0 ? text : nothing;
    struct jvalue value = {skip_blanks(start, start + size), start + size};
    for (size_t i = 0; i < count && value.at != NULL && value.at < value.end; i++) {
        if (*value.at == '{')
            value.at = find_member(value.at + 1, value.end, &steps[i]);
        else
            value.at = find_element(&value, steps[i].index);
    }
    if (value.at == NULL || value.at == value.end)
        return false;
    *ret = value;
    return true;
}

bool jscan_is_array(const struct jvalue *value)
{
    return value->at < value->end && *value->at == '[';
}

bool jscan_is_null(const struct jvalue *value)
{
    return value->at < value->end && *value->at == 'n';
}

/* A number with a fraction, an exponent or too many digits. */
static struct scalar real_scalar(const uint8_t *at, size_t size)
{
    char text[NUMBER_SIZE_MAX];
    if (size >= sizeof text)
        return (struct scalar){.kind = SCALAR_NONE};
    memcpy(text, at, size);
    text[size] = '\0';
    char *behind;
    const double real = strtod(text, &behind);
    if (behind != text + size || !isfinite(real))
        return (struct scalar){.kind = SCALAR_NONE};
    return (struct scalar){.kind = SCALAR_REAL, .real = real};
}

/* A mantissa that a double holds times a power of ten that it holds is rounded once, so exact. */
static bool short_real(uint64_t mantissa, size_t digits, size_t fraction, double *ret)
{
    static const double tens[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                  1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    if (digits > 15 || fraction >= sizeof tens / sizeof tens[0])
        return false;
    *ret = (double)mantissa / tens[fraction];
    return true;
}

/* Digits from *at on are added to a mantissa; false once it is greater than `max` (and then it is
 * meaningless). Returns how many there were. */
static size_t take_digits(const uint8_t **at, const uint8_t *end, uint64_t max, uint64_t *mantissa,
                          bool *fits)
{
    const uint8_t *start = *at;
    for (; *at < end && **at >= '0' && **at <= '9'; (*at)++) {
        const uint64_t digit = (uint64_t)(**at - '0');
        *fits = *fits && *mantissa <= (max - digit) / 10;
        *mantissa = *mantissa * 10 + digit;
    }
    return (size_t)(*at - start);
}

static bool is_end(const uint8_t *at, const uint8_t *end)
{
    return at == end || jscan_is_delimiter(*at);
}

static struct scalar number_scalar(const uint8_t *start, const uint8_t *end)
{
    const bool is_negative = *start == '-';
    const uint64_t max = (uint64_t)INT64_MAX + is_negative;
    const uint8_t *at = start + is_negative;
    uint64_t mantissa = 0;
    bool fits = true;
    const size_t digits = take_digits(&at, end, max, &mantissa, &fits);
    if (fits && digits > 0 && is_end(at, end))
        return (struct scalar){.kind = SCALAR_INT,
                               .integer = (int64_t)(is_negative ? 0 - mantissa : mantissa)};
    if (digits > 0 && at < end && *at == '.') {
        at++;
        const size_t fraction = take_digits(&at, end, max, &mantissa, &fits);
        double real;
        if (is_end(at, end) && fraction > 0 &&
            short_real(mantissa, digits + fraction, fraction, &real))
            return (struct scalar){.kind = SCALAR_REAL, .real = is_negative ? -real : real};
    }
    while (!is_end(at, end))
        at++;
    return real_scalar(start, (size_t)(at - start));
}

static bool is_word(const struct jvalue *value, const char *word, size_t size)
{
    return (size_t)(value->end - value->at) >= size && memcmp(value->at, word, size) == 0;
}

struct scalar jscan_scalar(const struct jvalue *value, bool *ret_has_escapes)
{
    const uint8_t *at = value->at;
    *ret_has_escapes = false;
    if (*at == '"') {
        const uint8_t *closing = string_end(at + 1, value->end, ret_has_escapes);
        if (closing == NULL)
            return (struct scalar){.kind = SCALAR_NONE};
        return (struct scalar){
            .kind = SCALAR_STRING, .data = at + 1, .size = (size_t)(closing - at - 1)};
    }
    if (*at == '-' || (*at >= '0' && *at <= '9'))
        return number_scalar(at, value->end);
    if (is_word(value, "true", 4))
        return (struct scalar){.kind = SCALAR_BOOL, .boolean = true};
    if (is_word(value, "false", 5))
        return (struct scalar){.kind = SCALAR_BOOL, .boolean = false};
    return (struct scalar){.kind = SCALAR_NONE};
}
