/* h2.h: one HTTP/2 connection, gRPC above all: bytes in, calls out, replies in, bytes out.
 *
 * No socket, no thread, no waiting: whoever owns it moves the bytes, says what time it is, and runs
 * the calls. nghttp2 does the protocol. All functions of one connection run on one thread.
 *
 * An answer that is ready before the request has been read (unknown method, message too large) ends
 * with RST_STREAM(NO_ERROR), but only after its own last frame has left: nghttp2 drops frames of a
 * stream whose reset is queued. Memory: a stream is charged to the budget of the hub. */
#ifndef GODWIT_SERVER_H2_H
#define GODWIT_SERVER_H2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/call_internal.h"

struct h2;

struct h2_host {
    /* Runs a call, now or later, and lets it come back by h2_done(); false: no room for more. */
    bool (*submit)(void *context, struct call *call);
    /* Takes a submitted call back that has not begun; false when it has. */
    bool (*withdraw)(void *context, struct call *call);
    /* What call->done will be. */
    void (*done)(struct call *call);
    void *context;
    const char *peer;
    bool is_secure;
};

/* Begins with our SETTINGS to be sent. `host` is copied, what it names is borrowed. NULL when
 * memory ends. */
struct h2 *h2_new(struct hub *hub, const struct h2_host *host, uint64_t now_ns) MUST_USE;
/* Cancels the calls that are under way; those that run come back by h2_done() all the same. NULL is
 * fine. */
void h2_free(struct h2 *h2);
/* The context of its host. */
void *h2_context(const struct h2 *h2);

/* Takes bytes from the client, any number. False when the connection is broken: what h2_send()
 * still gives is to be sent, then it ends. */
bool h2_receive(struct h2 *h2, struct bytes in, uint64_t now_ns) MUST_USE;
/* Writes frames to be sent into the buffer; 0: nothing now. `size` is at least H2_SEND_SIZE_MIN. */
#define H2_SEND_SIZE_MIN ((size_t)32 * 1024)
size_t h2_send(struct h2 *h2, uint8_t *buffer, size_t size);
/* True when nothing is to be sent or received any more. */
bool h2_is_over(const struct h2 *h2);
/* Open streams. */
size_t h2_streams(const struct h2 *h2);

/* A call has come back; its reply is queued, or it is freed when its stream is gone. Returns the
 * connection that has something to send now, or NULL. */
struct h2 *h2_done(struct call *call);

/* No new streams (GOAWAY); it is over when the present ones have ended. */
void h2_drain(struct h2 *h2);
/* The same, with a reason for a client that did wrong or waits for nothing. */
void h2_end(struct h2 *h2, uint32_t error_code);
#define H2_NO_ERROR 0u
#define H2_ENHANCE_YOUR_CALM 11u
#define H2_INADEQUATE_SECURITY 12u

/* Deadlines and slow streams. When the next is due: UINT64_MAX for none. */
uint64_t h2_next_ns(const struct h2 *h2);
void h2_tick(struct h2 *h2, uint64_t now_ns);

#endif
