/* words.c: cutting texts into words, and comparing the words. */
#include "filter/words.h"

#include <string.h>

struct span {
    uint32_t first;
    uint32_t last;
};

/* Punctuation, blanks and symbols above ASCII; everything else there is a letter. */
static const struct span no_letters[] = {
    {0x80, 0xA9},     {0xAB, 0xB4},     {0xB6, 0xB9},     {0xBB, 0xBF},
    {0xD7, 0xD7},     {0xF7, 0xF7},     {0x2000, 0x206F}, {0x20A0, 0x20CF},
    {0x2190, 0x2BFF}, {0x3000, 0x3004}, {0x3008, 0x3020}, {0xFF01, 0xFF0F},
    {0xFF1A, 0xFF20}, {0xFF3B, 0xFF40}, {0xFF5B, 0xFF65}, {0x1F000, 0x1FAFF},
};
/* Characters that are words by themselves: ideographs and hiragana. */
static const struct span single_words[] = {
    {0x3041, 0x3096}, {0x3400, 0x4DBF}, {0x4E00, 0x9FFF}, {0xF900, 0xFAFF}, {0x20000, 0x3FFFF},
};

#define IS_IN(spans, code) is_in(spans, sizeof(spans) / sizeof(spans)[0], code)

static bool is_in(const struct span *spans, size_t count, uint32_t code)
{
    for (size_t i = 0; i < count; i++)
        if (code >= spans[i].first && code <= spans[i].last)
            return true;
    return false;
}

/* Capital letters and how far away their small ones are. Where step is 2, each other one is. */
static const struct {
    uint32_t first;
    uint32_t last;
    uint32_t distance;
    uint32_t step;
} capitals[] = {
    {'A', 'Z', 32, 1},     {0xC0, 0xD6, 32, 1},   {0xD8, 0xDE, 32, 1},
    {0x100, 0x136, 1, 2},  {0x139, 0x147, 1, 2},  {0x14A, 0x176, 1, 2},
    {0x391, 0x3A9, 32, 1}, {0x400, 0x40F, 80, 1}, {0x410, 0x42F, 32, 1},
};

static uint32_t lower(uint32_t code)
{
    if (code >= 'a' && code < 0xC0)
        return code;
    for (size_t i = 0; i < sizeof capitals / sizeof capitals[0]; i++)
        if (code >= capitals[i].first && code <= capitals[i].last)
            return (code - capitals[i].first) % capitals[i].step == 0 ? code + capitals[i].distance
                                                                      : code;
    return code;
}

/* The character at *at; a byte that begins none is one by itself. */
static uint32_t take_character(const uint8_t **at, const uint8_t *end)
{
    const uint8_t first = *(*at)++;
    const size_t more = first < 0xC2   ? 0
                        : first < 0xE0 ? 1
                        : first < 0xF0 ? 2
                        : first < 0xF5 ? 3
                                       : 0;
    if (more == 0 || (size_t)(end - *at) < more)
        return first;
    uint32_t code = first & (0x3FU >> more);
    for (size_t i = 0; i < more; i++)
        code = code << 6 | ((*at)[i] & 0x3F);
    *at += more;
    return code;
}

static bool is_letter(uint32_t code)
{
    if (code < 0x80)
        return (code >= '0' && code <= '9') || ((code | 32) >= 'a' && (code | 32) <= 'z');
    return !IS_IN(no_letters, code);
}

/* The next word from *at on, as it is written; false at the end of the text. */
static bool take_word(const uint8_t **at, const uint8_t *end, const uint8_t **ret_word,
                      size_t *ret_size)
{
    const uint8_t *start = *at;
    while (*at < end) {
        const uint8_t *before = *at;
        const uint32_t code = take_character(at, end);
        const bool is_single = code >= 0x80 && IS_IN(single_words, code);
        if (is_letter(code) && !is_single)
            continue;
        if (before > start) {
            *at = is_single ? before : *at;
            *ret_word = start;
            *ret_size = (size_t)(before - start);
            return true;
        }
        if (is_single)
            break;
        start = *at;
    }
    *ret_word = start;
    *ret_size = (size_t)(*at - start);
    return *ret_size > 0;
}

/* Whether a word of a text is a word of the constant, in any case. */
static bool is_same(const uint8_t *a, size_t size, const struct word *word)
{
    const uint8_t *b = word->bytes;
    const uint8_t *a_end = a + size;
    const uint8_t *b_end = b + word->size;
    while (a < a_end && b < b_end)
        if (lower(take_character(&a, a_end)) != lower(take_character(&b, b_end)))
            return false;
    return a == a_end && b == b_end;
}

/* The first word that is the same, or SIZE_MAX. */
static size_t index_of(const struct words *words, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < words->count; i++)
        if (is_same(bytes, size, &words->items[i]))
            return i;
    return SIZE_MAX;
}

enum err_code words_build(struct words *words, struct arena *arena, const char *text, size_t size,
                          struct err *err)
{
    static const uint8_t nothing[1];
    words->items = arena_array(arena, WORDS_COUNT_MAX, sizeof *words->items);
    words->count = 0;
    if (words->items == NULL)
        return err_nomem(err, "filter");
    const uint8_t *at = size > 0 ? (const uint8_t *)text : nothing;
    const uint8_t *end = at + size;
    struct word word = {0};
    while (take_word(&at, end, &word.bytes, &word.size)) {
        if (words->count == WORDS_COUNT_MAX)
            return err_set(err, ERR_INVALID, "more than %d words to match", WORDS_COUNT_MAX);
        const size_t same = index_of(words, word.bytes, word.size);
        word.same = (uint16_t)(same != SIZE_MAX ? same : words->count);
        word.before = 0;
        for (size_t i = 0; i < words->count; i++)
            if (words->items[i].same == word.same)
                word.before = (uint16_t)(i + 1);
        words->items[words->count++] = word;
    }
    return ERR_OK;
}

bool words_match(const struct words *words, const uint8_t *text, size_t size)
{
    static const uint8_t nothing[1];
    const uint8_t *at = size > 0 ? text : nothing;
    const uint8_t *end = at + size;
    const uint8_t *word;
    size_t word_size;
    while (take_word(&at, end, &word, &word_size))
        if (index_of(words, word, word_size) != SIZE_MAX)
            return true;
    return false;
}

size_t words_room(size_t text_size)
{
    return (text_size + 1) * sizeof(uint16_t);
}

/* Whether each word i of the phrase stands in [shift + i, shift + i + slop]. Equal words take
 * different places: their windows move to the right, so that the first free place is never a worse
 * choice than a later one. */
static bool fits_at(const struct words *words, const uint16_t *places, size_t count, int64_t shift)
{
    int64_t taken[WORDS_COUNT_MAX];
    for (size_t i = 0; i < words->count; i++) {
        const struct word *word = &words->items[i];
        const int64_t last = shift + (int64_t)(i + words->slop);
        int64_t at = shift + (int64_t)i;
        if (word->before > 0 && at <= taken[word->before - 1])
            at = taken[word->before - 1] + 1;
        at = at > 0 ? at : 0;
        while (at <= last && at < (int64_t)count && places[at] != word->same)
            at++;
        if (at > last || at >= (int64_t)count)
            return false;
        taken[i] = at;
    }
    return true;
}

bool words_phrase(const struct words *words, const uint8_t *text, size_t size, uint16_t *places)
{
    static const uint8_t nothing[1];
    const uint8_t *at = size > 0 ? text : nothing;
    const uint8_t *end = at + size;
    const uint8_t *word;
    size_t word_size;
    size_t count = 0;
    while (take_word(&at, end, &word, &word_size)) {
        const size_t index = index_of(words, word, word_size);
        places[count++] = (uint16_t)(index != SIZE_MAX ? index : UINT16_MAX);
    }
    const int64_t first = -(int64_t)(words->count + words->slop);
    for (int64_t shift = first; words->count > 0 && shift < (int64_t)count; shift++)
        if (fits_at(words, places, count, shift))
            return true;
    return false;
}
