/* http1.h: HTTP/1.1 by libmicrohttpd, which has a thread of its own and is handed connected
 * sockets.
 *
 * A request is received on that thread, its connection is then suspended until a worker has run the
 * call. libmicrohttpd's own time limit knows idle connections only; whoever sends or fetches a byte
 * now and then is found by http1_sweep(). */
#ifndef GODWIT_SERVER_HTTP1_H
#define GODWIT_SERVER_HTTP1_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "server/hub.h"

struct http1;

struct http1_socket {
    int fd; /* becomes http1's, whatever happens */
    const struct sockaddr_storage *address;
    socklen_t address_size;
    const char *peer;
    bool is_secure;
    bool is_counted; /* in hub->connections, until it closes */
};

enum err_code http1_start(struct hub *hub, struct http1 **ret_http1, struct err *err) MUST_USE;
/* Takes over a connection of which nothing has been read. Threads: any, as for the others but
 * http1_stop. */
void http1_adopt(struct http1 *http1, const struct http1_socket *socket);
/* Cuts connections that have been too slow at `now_ns`. */
void http1_sweep(struct http1 *http1, uint64_t now_ns);
/* Ends idle connections; the others end with their present request. */
void http1_drain(struct http1 *http1);
/* Cancels all calls and cuts all connections. */
void http1_cut(struct http1 *http1);
/* All calls have come back. NULL is fine. */
void http1_stop(struct http1 *http1);

#endif
