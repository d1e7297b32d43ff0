/* certs.h: certificates made for one test run. */
#ifndef GODWIT_TESTS_UNIT_SERVER_CERTS_H
#define GODWIT_TESTS_UNIT_SERVER_CERTS_H

#include <stddef.h>
#include <stdint.h>

/* Writes a self-signed certificate (EC P-256) for `name`, an authority too, and its key, as PEM
 * files. */
void certs_make(const char *name, const char *cert_path, const char *key_path);
/* The name in the certificate that a TLS peer has shown; "" for none. */
struct peer;
void certs_peer_name(const struct peer *peer, char *name, size_t size);

#endif
