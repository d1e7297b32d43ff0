/* utf8.c: see utf8.h. */
#include "base/utf8.h"

/* Bytes of the character that starts with `lead`, 0 when it cannot start one. */
static size_t sequence_size(unsigned char lead)
{
    if (lead < 0x80)
        return 1;
    if (lead >= 0xc2 && lead <= 0xdf)
        return 2;
    if ((lead & 0xf0) == 0xe0)
        return 3;
    return lead >= 0xf0 && lead <= 0xf4 ? 4 : 0;
}

/* The second byte is restricted after some leads: overlong forms, surrogates, past U+10FFFF. */
static bool second_is_valid(unsigned char lead, unsigned char second)
{
    const unsigned char low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    const unsigned char high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    return second >= low && second <= high;
}

bool utf8_is_valid(const char *text, size_t size)
{
    size_t at = 0;
    while (at < size) {
        const unsigned char lead = (unsigned char)text[at];
        const size_t length = sequence_size(lead);
        if (length == 0 || length > size - at)
            return false;
        if (length > 1 && !second_is_valid(lead, (unsigned char)text[at + 1]))
            return false;
        for (size_t k = 2; k < length; k++)
            if (((unsigned char)text[at + k] & 0xc0) != 0x80)
                return false;
        at += length;
    }
    return true;
}
