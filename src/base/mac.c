/* mac.c: see mac.h. */
#include "base/mac.h"

#include <gnutls/crypto.h>

bool mac_compute(struct bytes key, struct bytes text, uint8_t ret_mac[static MAC_SIZE])
{
    return gnutls_hmac_fast(GNUTLS_MAC_SHA256, key.data, key.size, text.data, text.size, ret_mac) ==
           0;
}
