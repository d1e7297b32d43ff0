/* peer.h: clients for the tests, down to single frames and bytes. Sockets block, with a time limit
 * that only a hanging test meets. TLS when tls is set. Functions fail the test when a call fails
 * that must not; what a server may do (close, reset) is returned. */
#ifndef GODWIT_TESTS_UNIT_SERVER_PEER_H
#define GODWIT_TESTS_UNIT_SERVER_PEER_H

#include <gnutls/gnutls.h>
#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PEER_TEXT_SIZE 4096

struct peer {
    int fd;
    gnutls_session_t tls;
    gnutls_certificate_credentials_t credentials;
    nghttp2_hd_inflater *inflater;
    bool is_silent;          /* does not acknowledge SETTINGS and PING, gives no window */
    uint32_t window_initial; /* of a stream, as the server's SETTINGS say */
    int64_t window;          /* of the connection, for what we send */
    int64_t stream_window;   /* of the one stream that sends now */
};

struct peer peer_connect(uint16_t port);
struct peer peer_connect_unix(const char *path);
/* Takes a connected socket over. */
struct peer peer_of_socket(int fd);
void peer_close(struct peer *peer);
/* ALPN "h2" or "http/1.1"; certificate and key may be NULL. False when the handshake fails. */
bool peer_start_tls(struct peer *peer, const char *protocol, const char *cert, const char *key);

/* False when the other side is gone. */
bool peer_send(struct peer *peer, const void *data, size_t size);
/* At most `size` bytes; 0: closed or reset. */
size_t peer_receive(struct peer *peer, void *data, size_t size);
/* Reads up to the end of the connection; at most `size` - 1 bytes are kept, and terminated. */
size_t peer_receive_all(struct peer *peer, char *text, size_t size);

/* ---- HTTP/1.1 ---- */

struct http_answer {
    int status; /* 0: none came */
    char head[PEER_TEXT_SIZE];
    char *body; /* free it */
    size_t body_size;
    bool is_cut;
};
/* Sends `text` as it is. */
bool peer_say(struct peer *peer, const char *text);
/* One answer with Content-Length, or chunked, or none (204). */
void peer_http_answer(struct peer *peer, struct http_answer *ret_answer);

/* ---- HTTP/2 ---- */

#define FRAME_SIZE_MAX 65536

struct frame {
    /* of HEADERS */
    int http_status; /* 0: none */
    int grpc_status; /* -1: none */
    char message[PEER_TEXT_SIZE];
    uint8_t type;
    uint8_t flags;
    int32_t id;
    size_t size;
    uint8_t payload[FRAME_SIZE_MAX];
};
/* Preface and an empty SETTINGS. */
void peer_begin_h2(struct peer *peer);
bool peer_send_frame(struct peer *peer, uint8_t type, uint8_t flags, int32_t id,
                     const void *payload, size_t size);
/* False when the connection has ended. Acknowledges and widens windows unless is_silent. */
bool peer_read_frame(struct peer *peer, struct frame *ret_frame);

/* A block of header fields: literals without index. */
struct block {
    uint8_t data[FRAME_SIZE_MAX];
    size_t size;
};
void block_add(struct block *block, const char *name, const char *value);
/* The pseudo fields of a POST, content-type application/grpc and te. */
void block_grpc(struct block *block, const char *path);
void block_http(struct block *block, const char *method, const char *path);
/* HEADERS with END_HEADERS, in CONTINUATIONs where it is too large for one. */
bool peer_send_headers(struct peer *peer, int32_t id, const struct block *block, bool is_end);
/* DATA in frames of 16 KiB, as the windows allow. Ends early when the server answers: false, and
 * the frame is in peer_last. */
extern struct frame peer_last;
bool peer_send_data(struct peer *peer, int32_t id, const void *data, size_t size, bool is_end);
/* A whole gRPC request: prefix, message, END_STREAM. */
bool peer_grpc(struct peer *peer, int32_t id, const char *path, const void *message, size_t size);

struct h2_answer {
    int32_t id;
    int http_status;
    int grpc_status; /* -1: none */
    char message[PEER_TEXT_SIZE];
    uint8_t *body; /* free it; with the prefix */
    size_t body_size;
    size_t body_capacity;
    bool is_ended; /* END_STREAM */
    int reset;     /* code of RST_STREAM, -1: none */
    int goaway;    /* code of GOAWAY, -1: none */
    bool is_closed;
};
/* Reads frames until a stream (id, 0: any) has ended or the connection has. With is_reset_awaited a
 * RST_STREAM after END_STREAM is read too. */
void peer_answer(struct peer *peer, int32_t id, struct h2_answer *ret_answer);
/* Reads to the end of the connection; returns the code of the last GOAWAY, -1 when there was none.
 */
int peer_goaway(struct peer *peer);

#endif
