/* peer.c: see peer.h. */
#include "peer.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "scratch.h"

#define TIME_LIMIT_S 60
#define FRAME_HEAD_SIZE 9
#define DATA_SIZE 16384
#define WINDOW_DEFAULT 65535

struct peer peer_of_socket(int fd)
{
    const struct timeval limit = {.tv_sec = TIME_LIMIT_S};
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit), 0);
    struct peer peer = {.fd = fd, .window_initial = WINDOW_DEFAULT, .window = WINDOW_DEFAULT};
    assert_int_equal(nghttp2_hd_inflate_new(&peer.inflater), 0);
    return peer;
}

struct peer peer_connect(uint16_t port)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    const int one = 1;
    assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one), 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return peer_of_socket(fd);
}

struct peer peer_connect_unix(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    assert_true(strlen(path) < sizeof address.sun_path);
    memcpy(address.sun_path, path, strlen(path));
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return peer_of_socket(fd);
}

void peer_close(struct peer *peer)
{
    if (peer->tls != NULL)
        gnutls_deinit(peer->tls);
    if (peer->credentials != NULL)
        gnutls_certificate_free_credentials(peer->credentials);
    nghttp2_hd_inflate_del(peer->inflater);
    (void)close(peer->fd);
    *peer = (struct peer){.fd = -1};
}

bool peer_start_tls(struct peer *peer, const char *protocol, const char *cert, const char *key)
{
    unsigned char name[16];
    const gnutls_datum_t protocols = {name, (unsigned)strlen(protocol)};
    memcpy(name, protocol, strlen(protocol));
    assert_int_equal(gnutls_init(&peer->tls, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL), 0);
    assert_int_equal(gnutls_set_default_priority(peer->tls), 0);
    assert_int_equal(gnutls_certificate_allocate_credentials(&peer->credentials), 0);
    if (cert != NULL)
        assert_int_equal(
            gnutls_certificate_set_x509_key_file(peer->credentials, cert, key, GNUTLS_X509_FMT_PEM),
            0);
    assert_int_equal(gnutls_credentials_set(peer->tls, GNUTLS_CRD_CERTIFICATE, peer->credentials),
                     0);
    assert_int_equal(gnutls_alpn_set_protocols(peer->tls, &protocols, 1, 0), 0);
    gnutls_transport_set_int(peer->tls, peer->fd);
    int end;
    do
        end = gnutls_handshake(peer->tls);
    while (end < 0 && gnutls_error_is_fatal(end) == 0);
    return end == 0;
}

bool peer_send(struct peer *peer, const void *data, size_t size)
{
    const uint8_t *at = data;
    while (size > 0) {
        const ssize_t count = peer->tls != NULL ? gnutls_record_send(peer->tls, at, size)
                                                : send(peer->fd, at, size, MSG_NOSIGNAL);
        if (count <= 0)
            return false;
        at += count;
        size -= (size_t)count;
    }
    return true;
}

size_t peer_receive(struct peer *peer, void *data, size_t size)
{
    const ssize_t count = peer->tls != NULL ? gnutls_record_recv(peer->tls, data, size)
                                            : recv(peer->fd, data, size, 0);
    return count > 0 ? (size_t)count : 0;
}

size_t peer_receive_all(struct peer *peer, char *text, size_t size)
{
    size_t kept = 0;
    char buffer[4096];
    for (;;) {
        const size_t count = peer_receive(peer, buffer, sizeof buffer);
        if (count == 0)
            break;
        const size_t room = size - 1 - kept;
        const size_t more = count < room ? count : room;
        memcpy(text + kept, buffer, more);
        kept += more;
    }
    text[kept] = '\0';
    return kept;
}

static bool receive_exactly(struct peer *peer, void *data, size_t size)
{
    uint8_t *at = data;
    while (size > 0) {
        const size_t count = peer_receive(peer, at, size);
        if (count == 0)
            return false;
        at += count;
        size -= count;
    }
    return true;
}

/* ---- HTTP/1.1 ---- */

bool peer_say(struct peer *peer, const char *text)
{
    return peer_send(peer, text, strlen(text));
}

static bool receive_line(struct peer *peer, char *line, size_t size)
{
    size_t at = 0;
    while (at < size - 1 && receive_exactly(peer, line + at, 1)) {
        line[++at] = '\0';
        if (line[at - 1] == '\n')
            return true;
    }
    return false;
}

static void receive_piece(struct peer *peer, struct http_answer *answer, size_t size)
{
    answer->body = realloc(answer->body, answer->body_size + size + 1);
    assert_non_null(answer->body);
    answer->is_cut |= !receive_exactly(peer, answer->body + answer->body_size, size);
    answer->body_size += answer->is_cut ? 0 : size;
    answer->body[answer->body_size] = '\0';
}

static void receive_chunks(struct peer *peer, struct http_answer *answer)
{
    char line[64];
    size_t size;
    do {
        if (!receive_line(peer, line, sizeof line)) {
            answer->is_cut = true;
            return;
        }
        size = strtoull(line, NULL, 16);
        receive_piece(peer, answer, size);
        answer->is_cut |= !receive_line(peer, line, sizeof line);
    } while (size > 0 && !answer->is_cut);
}

void peer_http_answer(struct peer *peer, struct http_answer *ret_answer)
{
    *ret_answer = (struct http_answer){0};
    char line[1024];
    size_t length = 0;
    bool is_chunked = false;
    while (receive_line(peer, line, sizeof line) && strcmp(line, "\r\n") != 0) {
        if (ret_answer->status == 0)
            assert_int_equal(sscanf(line, "HTTP/1.1 %d", &ret_answer->status), 1);
        if (strncasecmp(line, "content-length:", 15) == 0)
            length = strtoull(line + 15, NULL, 10);
        is_chunked |= strcasecmp(line, "transfer-encoding: chunked\r\n") == 0;
        const size_t used = strlen(ret_answer->head);
        (void)snprintf(ret_answer->head + used, sizeof ret_answer->head - used, "%s", line);
    }
    if (is_chunked)
        receive_chunks(peer, ret_answer);
    else
        receive_piece(peer, ret_answer, length);
}

/* ---- HTTP/2 ---- */

void peer_begin_h2(struct peer *peer)
{
    assert_true(peer_say(peer, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
    assert_true(peer_send_frame(peer, NGHTTP2_SETTINGS, 0, 0, NULL, 0));
}

static void put_u32_big(uint8_t *bytes, uint32_t value)
{
    for (int k = 0; k < 4; k++)
        bytes[k] = (uint8_t)(value >> (24 - 8 * k));
}

static uint32_t get_u32_big(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

bool peer_send_frame(struct peer *peer, uint8_t type, uint8_t flags, int32_t id,
                     const void *payload, size_t size)
{
    uint8_t frame[FRAME_HEAD_SIZE + FRAME_SIZE_MAX];
    assert_true(size <= FRAME_SIZE_MAX);
    put_u32_big(frame, (uint32_t)size << 8);
    frame[3] = type;
    frame[4] = flags;
    put_u32_big(frame + 5, (uint32_t)id);
    if (size > 0)
        memcpy(frame + FRAME_HEAD_SIZE, payload, size);
    return peer_send(peer, frame, FRAME_HEAD_SIZE + size);
}

static void widen(struct peer *peer, int32_t id, size_t size)
{
    uint8_t more[4];
    put_u32_big(more, (uint32_t)size);
    (void)peer_send_frame(peer, NGHTTP2_WINDOW_UPDATE, 0, 0, more, 4);
    (void)peer_send_frame(peer, NGHTTP2_WINDOW_UPDATE, 0, id, more, 4);
}

static void note_settings(struct peer *peer, const struct frame *frame)
{
    for (size_t at = 0; at + 6 <= frame->size; at += 6)
        if (frame->payload[at + 1] == NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE)
            peer->window_initial = get_u32_big(frame->payload + at + 2);
    (void)peer_send_frame(peer, NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, NULL, 0);
}

static void react(struct peer *peer, const struct frame *frame)
{
    const bool is_ack = (frame->flags & NGHTTP2_FLAG_ACK) != 0;
    if (frame->type == NGHTTP2_SETTINGS && !is_ack)
        note_settings(peer, frame);
    if (frame->type == NGHTTP2_PING && !is_ack)
        (void)peer_send_frame(peer, NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, frame->payload, 8);
    if (frame->type == NGHTTP2_DATA && frame->size > 0)
        widen(peer, frame->id, frame->size);
    if (frame->type == NGHTTP2_WINDOW_UPDATE) {
        const uint32_t more = get_u32_big(frame->payload);
        if (frame->id == 0)
            peer->window += more;
        else
            peer->stream_window += more;
    }
}

static void note_field(struct frame *frame, const nghttp2_nv *field)
{
    char value[PEER_TEXT_SIZE];
    (void)snprintf(value, sizeof value, "%.*s", (int)field->valuelen, (const char *)field->value);
    const char *name = (const char *)field->name;
    if (field->namelen == 7 && memcmp(name, ":status", 7) == 0)
        frame->http_status = (int)strtol(value, NULL, 10);
    if (field->namelen == 11 && memcmp(name, "grpc-status", 11) == 0)
        frame->grpc_status = (int)strtol(value, NULL, 10);
    if (field->namelen == 12 && memcmp(name, "grpc-message", 12) == 0)
        memcpy(frame->message, value, sizeof value);
}

static void note_headers(struct peer *peer, struct frame *frame)
{
    frame->http_status = 0;
    frame->grpc_status = -1;
    frame->message[0] = '\0';
    const uint8_t *at = frame->payload;
    size_t left = frame->size;
    for (;;) {
        nghttp2_nv field;
        int flags = 0;
        const ssize_t used = nghttp2_hd_inflate_hd2(peer->inflater, &field, &flags, at, left, 1);
        assert_true(used >= 0);
        at += used;
        left -= (size_t)used;
        if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0)
            note_field(frame, &field);
        if ((flags & NGHTTP2_HD_INFLATE_FINAL) != 0)
            break;
        if ((flags & NGHTTP2_HD_INFLATE_EMIT) == 0 && left == 0)
            break;
    }
    (void)nghttp2_hd_inflate_end_headers(peer->inflater);
}

bool peer_read_frame(struct peer *peer, struct frame *ret_frame)
{
    uint8_t head[FRAME_HEAD_SIZE];
    if (!receive_exactly(peer, head, sizeof head))
        return false;
    ret_frame->size = get_u32_big(head) >> 8;
    ret_frame->type = head[3];
    ret_frame->flags = head[4];
    ret_frame->id = (int32_t)(get_u32_big(head + 5) & 0x7fffffff);
    assert_true(ret_frame->size <= FRAME_SIZE_MAX);
    if (!receive_exactly(peer, ret_frame->payload, ret_frame->size))
        return false;
    if (ret_frame->type == NGHTTP2_HEADERS)
        note_headers(peer, ret_frame);
    if (!peer->is_silent)
        react(peer, ret_frame);
    return true;
}

static void block_number(struct block *block, size_t number)
{
    if (number < 127) {
        block->data[block->size++] = (uint8_t)number;
        return;
    }
    block->data[block->size++] = 127;
    for (number -= 127; number >= 128; number /= 128)
        block->data[block->size++] = (uint8_t)(number % 128 + 128);
    block->data[block->size++] = (uint8_t)number;
}

static void block_text(struct block *block, const char *text)
{
    const size_t size = strlen(text);
    assert_true(block->size + size + 8 < sizeof block->data);
    block_number(block, size);
    memcpy(block->data + block->size, text, size);
    block->size += size;
}

void block_add(struct block *block, const char *name, const char *value)
{
    block->data[block->size++] = 0;
    block_text(block, name);
    block_text(block, value);
}

void block_http(struct block *block, const char *method, const char *path)
{
    block->size = 0;
    block_add(block, ":method", method);
    block_add(block, ":scheme", "http");
    block_add(block, ":path", path);
    block_add(block, ":authority", "test");
}

void block_grpc(struct block *block, const char *path)
{
    block_http(block, "POST", path);
    block_add(block, "content-type", "application/grpc");
    block_add(block, "te", "trailers");
}

bool peer_send_headers(struct peer *peer, int32_t id, const struct block *block, bool is_end)
{
    uint8_t type = NGHTTP2_HEADERS;
    size_t at = 0;
    do {
        const size_t left = block->size - at;
        const size_t size = left < DATA_SIZE ? left : DATA_SIZE;
        const uint8_t flags =
            (uint8_t)((at + size == block->size ? NGHTTP2_FLAG_END_HEADERS : 0) |
                      (is_end && type == NGHTTP2_HEADERS ? NGHTTP2_FLAG_END_STREAM : 0));
        if (!peer_send_frame(peer, type, flags, id, block->data + at, size))
            return false;
        type = NGHTTP2_CONTINUATION;
        at += size;
    } while (at < block->size);
    return true;
}

struct frame peer_last;

bool peer_send_data(struct peer *peer, int32_t id, const void *data, size_t size, bool is_end)
{
    const uint8_t *at = data;
    peer->stream_window = peer->window_initial;
    do {
        const size_t piece = size < DATA_SIZE ? size : DATA_SIZE;
        while (peer->window < (int64_t)piece || peer->stream_window < (int64_t)piece) {
            if (!peer_read_frame(peer, &peer_last) || peer_last.type == NGHTTP2_HEADERS ||
                peer_last.type == NGHTTP2_RST_STREAM || peer_last.type == NGHTTP2_GOAWAY)
                return false;
            if (peer_last.type == NGHTTP2_SETTINGS)
                peer->stream_window += (int64_t)peer->window_initial - WINDOW_DEFAULT;
        }
        size -= piece;
        const uint8_t flags = is_end && size == 0 ? NGHTTP2_FLAG_END_STREAM : 0;
        if (!peer_send_frame(peer, NGHTTP2_DATA, flags, id, at, piece))
            return false;
        at += piece;
        peer->window -= (int64_t)piece;
        peer->stream_window -= (int64_t)piece;
    } while (size > 0);
    return true;
}

bool peer_grpc(struct peer *peer, int32_t id, const char *path, const void *message, size_t size)
{
    static struct block block;
    block_grpc(&block, path);
    uint8_t *body = malloc(size + 5);
    assert_non_null(body);
    body[0] = 0;
    put_u32_big(body + 1, (uint32_t)size);
    if (size > 0)
        memcpy(body + 5, message, size);
    const bool is_sent = peer_send_headers(peer, id, &block, false) &&
                         peer_send_data(peer, id, body, size + 5, true);
    free(body);
    return is_sent;
}

static void note_body(struct h2_answer *answer, const struct frame *frame)
{
    if (frame->size == 0)
        return;
    const size_t need = answer->body_size + frame->size;
    if (need > answer->body_capacity) {
        answer->body_capacity = 2 * need;
        answer->body = realloc(answer->body, answer->body_capacity);
        assert_non_null(answer->body);
    }
    memcpy(answer->body + answer->body_size, frame->payload, frame->size);
    answer->body_size += frame->size;
}

static void note_status(struct h2_answer *answer, const struct frame *frame)
{
    if (frame->http_status != 0)
        answer->http_status = frame->http_status;
    if (frame->grpc_status < 0)
        return;
    answer->grpc_status = frame->grpc_status;
    memcpy(answer->message, frame->message, sizeof answer->message);
}

void peer_answer(struct peer *peer, int32_t id, struct h2_answer *ret_answer)
{
    static struct frame frame;
    *ret_answer = (struct h2_answer){.grpc_status = -1, .reset = -1, .goaway = -1};
    while (!ret_answer->is_ended && ret_answer->reset < 0) {
        if (!peer_read_frame(peer, &frame)) {
            ret_answer->is_closed = true;
            return;
        }
        if (frame.type == NGHTTP2_GOAWAY)
            ret_answer->goaway = (int)get_u32_big(frame.payload + 4);
        const bool is_ours = frame.id != 0 && (id == 0 || frame.id == id);
        if (!is_ours)
            continue;
        ret_answer->id = frame.id;
        if (frame.type == NGHTTP2_HEADERS)
            note_status(ret_answer, &frame);
        if (frame.type == NGHTTP2_DATA)
            note_body(ret_answer, &frame);
        if (frame.type == NGHTTP2_RST_STREAM)
            ret_answer->reset = (int)get_u32_big(frame.payload);
        if (frame.type == NGHTTP2_HEADERS || frame.type == NGHTTP2_DATA)
            ret_answer->is_ended = (frame.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    }
}

int peer_goaway(struct peer *peer)
{
    static struct frame frame;
    int code = -1;
    while (peer_read_frame(peer, &frame))
        if (frame.type == NGHTTP2_GOAWAY)
            code = (int)get_u32_big(frame.payload + 4);
    return code;
}
