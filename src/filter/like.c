/* like.c: cutting patterns into pieces, and looking for the pieces. */
#include "filter/like.h"

#include <string.h>

static bool is_continuation(uint8_t byte)
{
    return (byte & 0xC0) == 0x80;
}

static const uint8_t *next_character(const uint8_t *at, const uint8_t *end)
{
    at++;
    while (at < end && is_continuation(*at))
        at++;
    return at;
}

bool like_build(struct like *like, struct arena *arena, const char *pattern, size_t size)
{
    size_t percents = 0;
    for (size_t i = 0; i < size; i++)
        percents += pattern[i] == '%';
    uint8_t *bytes = arena_array(arena, size, 1);
    bool *is_any = arena_array(arena, size, sizeof *is_any);
    *like = (struct like){.pieces = arena_array(arena, percents + 1, sizeof *like->pieces)};
    if (bytes == NULL || is_any == NULL || like->pieces == NULL)
        return false;
    struct like_piece *piece = &like->pieces[like->count++];
    piece->bytes = bytes;
    for (size_t i = 0, used = 0; i < size; i++) {
        if (pattern[i] == '%') {
            piece = &like->pieces[like->count++];
            piece->bytes = bytes + used;
            continue;
        }
        if (pattern[i] == '_') {
            is_any[used] = true;
            piece->is_any = is_any + (piece->bytes - bytes);
        } else if (pattern[i] == '\\' && i + 1 < size) {
            i++;
        }
        bytes[used++] = (uint8_t)pattern[i];
        piece->size++;
    }
    return true;
}

/* Where the piece ends that begins at `at`, or NULL. */
static const uint8_t *match_at(const struct like_piece *piece, const uint8_t *at,
                               const uint8_t *end)
{
    if (piece->is_any == NULL) {
        const bool is_equal = (size_t)(end - at) >= piece->size &&
                              (piece->size == 0 || memcmp(at, piece->bytes, piece->size) == 0);
        return is_equal ? at + piece->size : NULL;
    }
    for (size_t i = 0; i < piece->size; i++) {
        if (at == end || (!piece->is_any[i] && *at != piece->bytes[i]))
            return NULL;
        at = piece->is_any[i] ? next_character(at, end) : at + 1;
    }
    return at;
}

/* Where the piece begins that ends at `end`, or NULL. */
static const uint8_t *match_back(const struct like_piece *piece, const uint8_t *start,
                                 const uint8_t *end)
{
    if (piece->is_any == NULL) {
        const bool is_long = (size_t)(end - start) >= piece->size;
        return is_long
                   ? (match_at(piece, end - piece->size, end) != NULL ? end - piece->size : NULL)
                   : NULL;
    }
    for (size_t i = piece->size; i-- > 0;) {
        if (end == start)
            return NULL;
        end--;
        while (piece->is_any[i] && end > start && is_continuation(*end))
            end--;
        if (!piece->is_any[i] && *end != piece->bytes[i])
            return NULL;
    }
    return end;
}

/* Where the first occurrence ends, or NULL. */
static const uint8_t *find_piece(const struct like_piece *piece, const uint8_t *at,
                                 const uint8_t *end)
{
    if (piece->is_any == NULL) {
        if (piece->size == 0)
            return at;
        const uint8_t *found = memmem(at, (size_t)(end - at), piece->bytes, piece->size);
        return found != NULL ? found + piece->size : NULL;
    }
    for (;; at = next_character(at, end)) {
        const uint8_t *behind = match_at(piece, at, end);
        if (behind != NULL || at == end)
            return behind;
    }
}

bool like_match(const struct like *like, const uint8_t *text, size_t size)
{
    static const uint8_t nothing[1];
    const uint8_t *at = size > 0 ? text : nothing;
    const uint8_t *end = at + size;
    at = match_at(&like->pieces[0], at, end);
    if (at == NULL || like->count == 1)
        return at == end && at != NULL;
    end = match_back(&like->pieces[like->count - 1], at, end);
    if (end == NULL)
        return false;
    for (size_t i = 1; i + 1 < like->count; i++) {
        at = find_piece(&like->pieces[i], at, end);
        if (at == NULL)
            return false;
    }
    return true;
}

const uint8_t *like_needle(const struct like *like, size_t *ret_size)
{
    const uint8_t *needle = like->pieces[0].bytes;
    *ret_size = 0;
    for (size_t i = 0; i < like->count; i++) {
        const struct like_piece *piece = &like->pieces[i];
        size_t run = 0;
        for (size_t k = 0; k < piece->size; k++) {
            run = piece->is_any != NULL && piece->is_any[k] ? 0 : run + 1;
            if (run > *ret_size) {
                *ret_size = run;
                needle = piece->bytes + k + 1 - run;
            }
        }
    }
    return needle;
}
