/* base64.h: RFC 4648 base64, standard alphabet; also without padding. */
#ifndef GODWIT_BASE_BASE64_H
#define GODWIT_BASE_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* At most size / 4 * 3 + 3 bytes into `out`. False for anything that is no base64. */
bool base64_decode(const char *text, size_t size, uint8_t *out, size_t *ret_size);
/* BASE64_SIZE(size) characters and a zero byte. */
#define BASE64_SIZE(size) (((size) + 2) / 3 * 4)
void base64_encode(const uint8_t *bytes, size_t size, char *out);

#endif
