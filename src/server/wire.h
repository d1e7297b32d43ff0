/* wire.h: bytes of a connection, plain or through TLS, without waiting. Owns its descriptor. */
#ifndef GODWIT_SERVER_WIRE_H
#define GODWIT_SERVER_WIRE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/tls.h"

struct wire {
    int fd;                  /* -1: closed */
    struct tls_session *tls; /* NULL: plain */
};

enum wire_result { WIRE_DONE, WIRE_AGAIN, WIRE_CLOSED, WIRE_FAILED };

/* 1 to `size` bytes on WIRE_DONE. */
enum wire_result wire_receive(struct wire *wire, void *buffer, size_t size,
                              size_t *ret_size) MUST_USE;
/* After WIRE_AGAIN the same bytes (and perhaps more behind them) have to be given again. */
enum wire_result wire_send(struct wire *wire, const void *data, size_t size,
                           size_t *ret_size) MUST_USE;
/* True when bytes are there that the descriptor does not show. */
bool wire_has_pending(const struct wire *wire);
/* No more bytes from us: the other side reads an end. */
void wire_finish(struct wire *wire);
void wire_close(struct wire *wire);

#endif
