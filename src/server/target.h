/* target.h: the target of an HTTP request ("/a%20b?x=1") taken apart, and lists of pairs of strings
 * in one block of memory, which headers and parameters are kept in. No I/O. */
#ifndef GODWIT_SERVER_TARGET_H
#define GODWIT_SERVER_TARGET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/err.h"

/* name\0value\0name\0value\0… */
struct pairs {
    char *data;
    size_t size;
    size_t capacity;
};
void pairs_release(struct pairs *pairs);
/* Copies both, which hold no zero byte. False when memory ends. */
bool pairs_add(struct pairs *pairs, struct bytes name, struct bytes value) MUST_USE;
/* The value of the first pair of that name (ASCII letters in either case when !is_exact), or NULL.
 * Borrowed until the next pairs_add. */
const char *pairs_find(const struct pairs *pairs, const char *name, bool is_exact);
/* Goes through them: `*at` begins with 0; false at the end. */
bool pairs_next(const struct pairs *pairs, size_t *at, const char **ret_name,
                const char **ret_value);

/* Takes a request target apart: origin form ("/p?q") or absolute form ("http://host/p?q"). `*` and
 * anything else stand as they are.
 *   ret_path  percent-decoded; mem_free
 *   ret_query decoded parameters are appended ("+" is a blank)
 * Errors: ERR_INVALID (a broken escape or an escaped zero byte in the path), ERR_NOMEM. In the
 * query what cannot be decoded stays as it is. */
enum err_code target_parse(struct bytes target, char **ret_path, struct pairs *ret_query,
                           struct err *err) MUST_USE;

#endif
