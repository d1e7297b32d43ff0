/* h2_internal.h: what the files of the HTTP/2 side share: h2.c is the connection and nghttp2's
 * callbacks, h2_request.c what comes in on a stream, h2_reply.c what goes out. */
#ifndef GODWIT_SERVER_H2_INTERNAL_H
#define GODWIT_SERVER_H2_INTERNAL_H

#include <nghttp2/nghttp2.h>

#include "server/grpc.h"
#include "server/h2.h"
#include "server/timers.h"

enum stream_state {
    STREAM_HEADERS, /* they are coming in */
    STREAM_BODY,    /* so is the body */
    STREAM_RUNNING, /* the call is at the workers */
    STREAM_REPLY    /* the reply is being sent; the rest of the request is dropped */
};

struct h2_stream {
    struct h2 *h2;
    int32_t id;
    enum stream_state state;
    struct call *call; /* never NULL while the stream is in the list */
    struct timer timer;
    struct h2_stream *next;
    struct h2_stream *previous;
    /* the request */
    char method[16]; /* longer ones are refused */
    char *target;
    size_t target_size;
    size_t header_size;
    bool is_too_long; /* headers */
    bool is_out_of_memory;
    bool is_request_over; /* END_STREAM has come */
    struct grpc_reader reader;
    uint64_t received_size;
    /* the reply */
    uint64_t sent_size;  /* prefix of the message included */
    uint64_t stall_mark; /* received_size or sent_size at the beginning of the present span */
    uint64_t stall_ns;   /* its end; UINT64_MAX: nothing has to move */
};

struct h2 {
    struct hub *hub;
    struct h2_host host;
    nghttp2_session *session;
    uint64_t now_ns;
    struct timers timers;
    struct h2_stream *streams;
    size_t stream_count;
    double resets; /* a bucket that each RST_STREAM fills and time empties */
    uint64_t reset_ns;
    bool is_broken;
    bool is_draining;
    /* a frame that did not fit into the caller's buffer; nghttp2's memory, until the next is asked
     * for */
    const uint8_t *rest;
    size_t rest_size;
};

/* ---- h2_request.c ---- */

void h2_request_header(struct h2_stream *stream, struct bytes name, struct bytes value);
/* The headers are complete: a call, or an early refusal. */
void h2_request_begin(struct h2_stream *stream);
void h2_request_body(struct h2_stream *stream, struct bytes piece);
void h2_request_end(struct h2_stream *stream);

/* ---- h2_reply.c ---- */

/* Settles the call and sends its reply. */
void h2_reply(struct h2_stream *stream);
/* The call is counted already. */
void h2_reply_settled(struct h2_stream *stream);

/* ---- h2.c ---- */

/* Sets the timer of the stream: its deadline, and the end of a span in which something has to move.
 */
void h2_stream_watch(struct h2_stream *stream);

#endif
