/* target.c: see target.h. */
#include "server/target.h"

#include <string.h>
#include <strings.h>

#include "base/mem.h"

#define PAIRS_CAPACITY_FIRST ((size_t)512)

void pairs_release(struct pairs *pairs)
{
    mem_free(pairs->data);
    *pairs = (struct pairs){0};
}

static void append(struct pairs *pairs, struct bytes text)
{
    if (text.size > 0)
        memcpy(pairs->data + pairs->size, text.data, text.size);
    pairs->size += text.size;
    pairs->data[pairs->size++] = '\0';
}

bool pairs_add(struct pairs *pairs, struct bytes name, struct bytes value)
{
    const size_t need = pairs->size + name.size + value.size + 2;
    if (need > pairs->capacity) {
        size_t capacity = pairs->capacity > 0 ? pairs->capacity : PAIRS_CAPACITY_FIRST;
        while (capacity < need)
            capacity *= 2;
        char *bigger = mem_realloc(pairs->data, capacity, 1);
        if (bigger == NULL)
            return false;
        pairs->data = bigger;
        pairs->capacity = capacity;
    }
    append(pairs, name);
    append(pairs, value);
    return true;
}

bool pairs_next(const struct pairs *pairs, size_t *at, const char **ret_name,
                const char **ret_value)
{
    if (*at >= pairs->size)
        return false;
    *ret_name = pairs->data + *at;
    *ret_value = *ret_name + strlen(*ret_name) + 1;
    *at = (size_t)(*ret_value - pairs->data) + strlen(*ret_value) + 1;
    return true;
}

const char *pairs_find(const struct pairs *pairs, const char *name, bool is_exact)
{
    const char *found;
    const char *value;
    for (size_t at = 0; pairs_next(pairs, &at, &found, &value);)
        if ((is_exact ? strcmp(found, name) : strcasecmp(found, name)) == 0)
            return value;
    return NULL;
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that "%xy" at `at` stands for; -1 when it stands for none, or for zero. */
static int escaped(struct bytes text, size_t at)
{
    if (text.size - at < 3 || hex_digit(text.data[at + 1]) < 0 || hex_digit(text.data[at + 2]) < 0)
        return -1;
    const int byte = hex_digit(text.data[at + 1]) * 16 + hex_digit(text.data[at + 2]);
    return byte > 0 ? byte : -1;
}

/* Decodes into `out`, which has room for text.size bytes. False when an escape is broken. */
static bool decode(struct bytes text, bool is_query, uint8_t *out, size_t *ret_size)
{
    bool is_fine = true;
    size_t size = 0;
    for (size_t k = 0; k < text.size; k++) {
        const int byte = text.data[k] == '%' ? escaped(text, k) : -1;
        if (byte > 0) {
            out[size++] = (uint8_t)byte;
            k += 2;
            continue;
        }
        is_fine = is_fine && text.data[k] != '%' && text.data[k] != '\0';
        if (text.data[k] == '\0')
            break;
        out[size++] = is_query && text.data[k] == '+' ? ' ' : text.data[k];
    }
    *ret_size = size;
    return is_fine;
}

static struct bytes before(struct bytes text, const uint8_t *end)
{
    return (struct bytes){text.data, end != NULL ? (size_t)(end - text.data) : text.size};
}

static struct bytes after(struct bytes text, const uint8_t *mark)
{
    if (mark == NULL)
        return (struct bytes){NULL, 0};
    return (struct bytes){mark + 1, text.size - (size_t)(mark + 1 - text.data)};
}

static const uint8_t *find(struct bytes text, char c)
{
    return text.size > 0 ? memchr(text.data, c, text.size) : NULL;
}

/* `scratch` has room for the whole query. */
static bool parse_query(struct bytes query, uint8_t *scratch, struct pairs *ret_query)
{
    while (query.size > 0) {
        const uint8_t *end = find(query, '&');
        const struct bytes pair = before(query, end);
        const uint8_t *equals = find(pair, '=');
        struct bytes name = {scratch, 0};
        (void)decode(before(pair, equals), true, scratch, &name.size);
        struct bytes value = {scratch + name.size, 0};
        (void)decode(after(pair, equals), true, scratch + name.size, &value.size);
        if (name.size > 0 && !pairs_add(ret_query, name, value))
            return false;
        query = after(query, end);
    }
    return true;
}

/* "http://host/path" -> "/path" */
static struct bytes without_origin(struct bytes target)
{
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t k = 0; k < 2; k++) {
        const size_t size = strlen(schemes[k]);
        if (target.size < size || memcmp(target.data, schemes[k], size) != 0)
            continue;
        const struct bytes rest = {target.data + size, target.size - size};
        const uint8_t *slash = find(rest, '/');
        if (slash != NULL)
            return (struct bytes){slash, rest.size - (size_t)(slash - rest.data)};
        return (struct bytes){(const uint8_t *)"/", 1};
    }
    return target;
}

enum err_code target_parse(struct bytes target, char **ret_path, struct pairs *ret_query,
                           struct err *err)
{
    target = without_origin(target);
    const uint8_t *mark = find(target, '?');
    const struct bytes path = before(target, mark);
    uint8_t *decoded = mem_alloc(target.size + 1, 1);
    if (decoded == NULL)
        return err_nomem(err, "request target");
    if (!parse_query(after(target, mark), decoded, ret_query)) {
        mem_free(decoded);
        return err_nomem(err, "request target");
    }
    size_t size;
    if (!decode(path, false, decoded, &size)) {
        mem_free(decoded);
        return err_set(err, ERR_INVALID, "the path of the request holds a broken %%-escape");
    }
    decoded[size] = '\0';
    *ret_path = (char *)decoded;
    return ERR_OK;
}
