/* tls.h: TLS for servers by GnuTLS (the only file that includes it).
 *
 * One place says which versions (1.2, 1.3), which protocols (ALPN: http/1.1 before h2, the server's
 * order, because clients that offer both get along better with the former, and gRPC clients offer
 * h2 only) and who is trusted. Keys stay inside; nothing here prints them. Sessions use
 * non-blocking sockets and never wait. */
#ifndef GODWIT_BASE_TLS_H
#define GODWIT_BASE_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct tls_files {
    const char *cert;      /* PEM, the server's own first, then the chain */
    const char *key;       /* PEM */
    const char *client_ca; /* PEM; NULL: clients need no certificate */
};

/* What a server shows and trusts; can be read anew while sessions live. */
struct tls_identity;

/* `files` is copied. ERR_CONFIG (a file cannot be read or used, key and certificate do not belong
 * together), ERR_NOMEM. */
enum err_code tls_identity_open(const struct tls_files *files, struct tls_identity **ret_identity,
                                struct err *err) MUST_USE;
/* Reads the files again, for sessions that begin from now on; when that fails all stays as it was.
 * Threads: any. */
enum err_code tls_identity_reload(struct tls_identity *identity, struct err *err) MUST_USE;
/* Sessions that still live keep what they began with. NULL is fine. */
void tls_identity_close(struct tls_identity *identity);

struct tls_session;

enum tls_result {
    TLS_DONE,
    TLS_WANT_READ,  /* again when the socket is readable */
    TLS_WANT_WRITE, /* again when it is writable */
    TLS_CLOSED,     /* the other side said goodbye */
    TLS_FAILED
};

/* `fd` is borrowed, and non-blocking. NULL when memory ends. One thread at a time for each session;
 * making one: any thread. */
struct tls_session *tls_session_new(struct tls_identity *identity, int fd) MUST_USE;
void tls_session_free(struct tls_session *session);
/* On TLS_FAILED the alert was sent, and `err` says why (ERR_IO). */
enum tls_result tls_handshake(struct tls_session *session, struct err *err) MUST_USE;
enum tls_result tls_receive(struct tls_session *session, void *buffer, size_t size,
                            size_t *ret_size) MUST_USE;
/* After TLS_WANT_WRITE the same bytes (and perhaps more behind them) have to be given again. */
enum tls_result tls_send(struct tls_session *session, const void *data, size_t size,
                         size_t *ret_size) MUST_USE;
/* Decrypted bytes that the socket does not show any more. */
bool tls_has_pending(const struct tls_session *session);
/* Says goodbye, without waiting for an answer. */
void tls_goodbye(struct tls_session *session);

#endif
