/* object.c: see object.h. */
#include "milvus2/object.h"

static size_t skip_blanks(struct bytes text, size_t at)
{
    while (at < text.size && (text.data[at] == ' ' || text.data[at] == '\t' ||
                              text.data[at] == '\n' || text.data[at] == '\r'))
        at++;
    return at;
}

/* Behind the closing quote; `at` is the opening one. */
static size_t skip_string(struct bytes text, size_t at)
{
    for (at++; at < text.size && text.data[at] != '"'; at++)
        if (text.data[at] == '\\')
            at++;
    return at < text.size ? at + 1 : text.size;
}

/* Behind the value: brackets are counted, strings skipped. */
static size_t skip_value(struct bytes text, size_t at)
{
    size_t depth = 0;
    while (at < text.size) {
        const uint8_t c = text.data[at];
        if (c == '"') {
            at = skip_string(text, at);
            if (depth == 0)
                return at;
            continue;
        }
        if (depth == 0 && (c == ',' || c == '}' || c == ']'))
            return at;
        if (c == '{' || c == '[')
            depth++;
        else if ((c == '}' || c == ']') && --depth == 0)
            return at + 1;
        at++;
    }
    return text.size;
}

bool object_next(struct bytes text, size_t *at, struct object_member *ret_member)
{
    size_t k = skip_blanks(text, *at);
    if (k < text.size && (text.data[k] == '{' || text.data[k] == ','))
        k = skip_blanks(text, k + 1);
    if (k >= text.size || text.data[k] != '"')
        return false;
    const size_t end = skip_string(text, k);
    if (end < k + 2)
        return false;
    ret_member->key = (struct bytes){text.data + k + 1, end - k - 2};
    k = skip_blanks(text, end);
    if (k >= text.size || text.data[k] != ':')
        return false;
    k = skip_blanks(text, k + 1);
    size_t last = skip_value(text, k);
    *at = last;
    while (last > k && (text.data[last - 1] == ' ' || text.data[last - 1] == '\t' ||
                        text.data[last - 1] == '\n' || text.data[last - 1] == '\r'))
        last--;
    ret_member->value = (struct bytes){text.data + k, last - k};
    return true;
}
