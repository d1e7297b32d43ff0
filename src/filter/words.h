/* words.h: text_match and phrase_match: texts as words, without regard to case.
 *
 * A word is a run of letters and digits; a Chinese or Japanese character (not katakana) is a word
 * of its own. Lower case is that of Latin, Greek and Cyrillic letters. A phrase matches when its
 * words stand in the text, moved by the same distance from their places in the phrase, but for
 * `slop` positions. Built once, then only read: threads any. */
#ifndef GODWIT_FILTER_WORDS_H
#define GODWIT_FILTER_WORDS_H

#include <stdint.h>

#include "base/mem.h"

#define WORDS_COUNT_MAX 256 /* in the constant that is looked for */
#define WORDS_SLOP_MAX 1000

struct word {
    const uint8_t *bytes;
    size_t size;
    uint16_t same;   /* index of the first equal word */
    uint16_t before; /* index of the previous equal word, plus 1; 0: none */
};

struct words {
    struct word *items; /* borrowed from the constant, in order */
    size_t count;
    size_t slop;
};

/* `slop` is left as it is. ERR_INVALID when there are too many words, ERR_NOMEM. `text` must live
 * as long as the words. */
enum err_code words_build(struct words *words, struct arena *arena, const char *text, size_t size,
                          struct err *err) MUST_USE;
/* Any of the words stands in the text. */
bool words_match(const struct words *words, const uint8_t *text, size_t size);

/* Bytes that words_phrase needs for a text of this size. */
size_t words_room(size_t text_size);
/* All of them do, as a phrase; `places` has words_room(size) bytes. */
bool words_phrase(const struct words *words, const uint8_t *text, size_t size, uint16_t *places);

#endif
