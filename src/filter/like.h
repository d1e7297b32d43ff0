/* like.h: patterns of LIKE: % any run, _ one character (a UTF-8 sequence), \ makes the next one
 * literal. A pattern is cut at its %: the first and last piece are anchored unless a % stands
 * there, the others are found one after another, leftmost first. Built once, then only read:
 * threads any. */
#ifndef GODWIT_FILTER_LIKE_H
#define GODWIT_FILTER_LIKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

struct like_piece {
    const uint8_t *bytes;
    const bool *is_any; /* byte k stands for any one character; NULL: none does */
    size_t size;
};

struct like {
    struct like_piece *pieces;
    size_t count; /* at least 1; pieces next to a leading or trailing % are empty */
};

/* False when memory ends. */
bool like_build(struct like *like, struct arena *arena, const char *pattern, size_t size) MUST_USE;
bool like_match(const struct like *like, const uint8_t *text, size_t size);
/* The longest run of bytes that every text that matches holds; borrowed. */
const uint8_t *like_needle(const struct like *like, size_t *ret_size);

#endif
