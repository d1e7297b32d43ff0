/* mac.h: a keyed digest (HMAC-SHA-256 of GnuTLS): without the key nobody finds a text to a digest.
 */
#ifndef GODWIT_BASE_MAC_H
#define GODWIT_BASE_MAC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define MAC_SIZE 32

/* False when the library refuses. Threads: any. */
bool mac_compute(struct bytes key, struct bytes text, uint8_t ret_mac[static MAC_SIZE]);

#endif
