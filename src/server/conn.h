/* conn.h: a connection from accept() to its end.
 *
 *   accepted -> TLS handshake -> first bytes -> HTTP/2, or
 *   accepted ->                                 handed to HTTP/1.1 (plain: the socket itself; TLS:
 * through a relay), or refused any -> lingering: our last bytes are sent, and what still comes in
 * is dropped, so that the kernel does not answer it with a reset that overtakes them -> closed
 *
 * conn.c has the life of a connection and the first two steps, conn_h2.c HTTP/2, relay.c the relay.
 * All on the loop's thread. */
#ifndef GODWIT_SERVER_CONN_H
#define GODWIT_SERVER_CONN_H

#include <sys/socket.h>

#include "server/call_internal.h"
#include "server/h2.h"
#include "server/io.h"
#include "server/wire.h"

#define CONN_FIRST_SIZE 24 /* the HTTP/2 preface */

struct relay;

struct conn {
    struct watch watch;
    struct timer timer;
    struct task later; /* at the end of the round: send, or free */
    struct io *io;
    struct conn *next;
    struct conn *previous;
    struct wire wire;
    struct sockaddr_storage address;
    socklen_t address_size;
    char peer[CALL_PEER_SIZE];
    bool is_unix;
    bool is_refused; /* too many are open: told so in its own protocol */
    bool is_closed;
    bool is_later_set;
    uint64_t deadline_ns;           /* of the present step */
    uint8_t first[CONN_FIRST_SIZE]; /* decrypted; a plain socket is only looked into */
    size_t first_size;
    /* HTTP/2 */
    struct h2 *h2;
    uint8_t *out; /* what the socket did not take; NULL: nothing waits */
    size_t out_size;
    size_t out_sent;
    uint32_t events;    /* that are watched */
    uint64_t active_ns; /* last time bytes came in or a stream was open */
    uint64_t sent_size; /* bytes sent since the mark was set */
    uint64_t
        stall_ns; /* end of the span in which something has to be sent; UINT64_MAX: nothing waits */
    /* HTTP/1.1 through TLS */
    struct relay *relay;
};

/* Takes a socket over. It is closed when memory ends. */
void conn_accept(struct io *io, const struct listener *listener, int fd,
                 const struct sockaddr_storage *address, socklen_t address_size);
/* Sends `size` bytes (at most a few hundred) as far as they go at once, then lingers. */
void conn_refuse(struct conn *conn, const void *data, size_t size);
/* Our side is over. */
void conn_linger(struct conn *conn);
void conn_close(struct conn *conn);
/* Calls the step's work at the end of the round, once. */
void conn_later(struct conn *conn);

/* ---- conn_h2.c ---- */
void conn_h2_begin(struct conn *conn);
void conn_h2_flush(struct conn *conn);
void conn_h2_drain(struct conn *conn);
void conn_h2_free(struct conn *conn);

/* ---- relay.c ---- */
void relay_begin(struct conn *conn);
void relay_free(struct conn *conn);

#endif
