/* io.h: the thread that does I/O: its listeners and all connections until they are HTTP/1.1's.
 *
 * All functions run on the loop's thread, but for io_start() and io_stop(). */
#ifndef GODWIT_SERVER_IO_H
#define GODWIT_SERVER_IO_H

#include <pthread.h>
#include <sys/socket.h>

#include "base/tls.h"
#include "server/hub.h"
#include "server/loop.h"

#define IO_LISTENERS_MAX 16
#define IO_BUFFER_SIZE ((size_t)256 * 1024)

struct conn;
struct http1;
struct io;

struct listener {
    struct watch watch;
    struct io *io;
    const char *text; /* of the options */
    uint16_t port;
    bool is_unix;
};

struct io {
    struct hub *hub;
    struct loop *loop;
    struct tls_identity *tls; /* NULL: none */
    struct http1 *http1;
    struct listener listeners[IO_LISTENERS_MAX];
    size_t listener_count;
    struct conn *conns;
    struct timer rest;  /* accepting pauses while no descriptor is left */
    struct timer sweep; /* slow HTTP/1.1 clients */
    bool is_draining;
    uint8_t *buffer; /* IO_BUFFER_SIZE, for whoever reads now */
    /* what io_post() hands over */
    struct task drain;
    struct task cut;
    struct task end;
    pthread_t thread;
    bool has_thread;
};

/* Binds all addresses of the options. On failure all is closed again. */
enum err_code io_open(struct io *io, struct err *err) MUST_USE;
/* Starts the thread. */
enum err_code io_start(struct io *io, struct err *err) MUST_USE;
/* No new connections; those that are there end when their calls have. Threads: any. */
void io_drain(struct io *io);
/* Ends all connections. Threads: any. */
void io_cut(struct io *io);
/* Ends the thread; all workers have ended before. */
void io_stop(struct io *io);
/* Closes what io_open() opened. */
void io_close(struct io *io);

#endif
