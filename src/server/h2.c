/* h2.c: see h2.h. The connection, and what nghttp2 tells about it. */
#include "server/h2.h"

#include <string.h>

#include "server/h2_internal.h"
#include "server/metrics.h"

#define STREAM_WINDOW (4 << 20)
#define CONNECTION_WINDOW (16 << 20)
#define HEADER_SIZE_FACTOR                                                                         \
    4 /* so many times the limit, and the stream is reset without an answer */

static void leave_list(struct h2_stream *stream)
{
    struct h2 *h2 = stream->h2;
    if (stream->previous != NULL)
        stream->previous->next = stream->next;
    else
        h2->streams = stream->next;
    if (stream->next != NULL)
        stream->next->previous = stream->previous;
    h2->stream_count--;
}

/* The call of a stream that ends: freed, or left to the worker that has it. */
static void let_go(struct h2 *h2, struct call *call, bool is_running)
{
    if (is_running && !h2->host.withdraw(h2->host.context, call)) {
        call->owner = NULL;
        atomic_store(&call->is_cancelled, true);
        return;
    }
    call_settle_cancelled(call);
    call_free(call);
}

static void stream_free(struct h2_stream *stream)
{
    timers_stop(&stream->h2->timers, &stream->timer);
    leave_list(stream);
    let_go(stream->h2, stream->call, stream->state == STREAM_RUNNING);
    mem_free(stream->target);
    mem_free(stream);
}

/* ---- time ---- */

static void answer_late(struct h2_stream *stream)
{
    struct h2 *h2 = stream->h2;
    struct call *call = stream->call;
    if (stream->state == STREAM_RUNNING && !h2->host.withdraw(h2->host.context, call)) {
        /* The handler has the call; the answer needs one of its own. */
        struct call *late = call_new(h2->hub, call->protocol, call->peer);
        if (late == NULL) {
            (void)nghttp2_submit_rst_stream(h2->session, NGHTTP2_FLAG_NONE, stream->id,
                                            NGHTTP2_CANCEL);
            return;
        }
        late->is_grpc = call->is_grpc;
        late->is_logged = true; /* the other one will be */
        call->owner = NULL;
        atomic_store(&call->is_cancelled, true);
        stream->call = late;
    }
    call_refuse(stream->call, GRPC_DEADLINE_EXCEEDED, "the deadline has passed");
    h2_reply(stream);
}

static void answer_stalled(struct h2_stream *stream)
{
    metrics_add(stream->h2->hub->metrics, METRICS_SLOW, 1);
    if (stream->state == STREAM_BODY) {
        call_refuse(stream->call, GRPC_DEADLINE_EXCEEDED, "the request came in too slowly");
        h2_reply(stream);
    } else {
        (void)nghttp2_submit_rst_stream(stream->h2->session, NGHTTP2_FLAG_NONE, stream->id,
                                        NGHTTP2_CANCEL);
    }
}

static uint64_t moved(const struct h2_stream *stream)
{
    return stream->state == STREAM_REPLY ? stream->sent_size : stream->received_size;
}

static uint64_t deadline_of(const struct h2_stream *stream)
{
    return stream->state == STREAM_REPLY ? UINT64_MAX : call_deadline_ns(stream->call);
}

static void set_timer(struct h2_stream *stream)
{
    const uint64_t deadline_ns = deadline_of(stream);
    timers_set(&stream->h2->timers, &stream->timer,
               deadline_ns < stream->stall_ns ? deadline_ns : stream->stall_ns);
}

void h2_stream_watch(struct h2_stream *stream)
{
    const uint64_t span_ns = (uint64_t)stream->h2->hub->options.limits.stall_ms * 1000000;
    stream->stall_mark = moved(stream);
    stream->stall_ns = stream->state == STREAM_RUNNING ? UINT64_MAX : stream->h2->now_ns + span_ns;
    set_timer(stream);
}

static void stream_fire(struct timer *timer)
{
    struct h2_stream *stream =
        (struct h2_stream *)((char *)timer - offsetof(struct h2_stream, timer));
    if (stream->h2->now_ns >= deadline_of(stream)) {
        answer_late(stream);
    } else if (stream->h2->now_ns < stream->stall_ns) {
        set_timer(stream);
    } else if (moved(stream) - stream->stall_mark >= SERVER_STALL_SIZE_MIN) {
        h2_stream_watch(stream);
    } else {
        stream->stall_ns = UINT64_MAX;
        answer_stalled(stream);
    }
}

uint64_t h2_next_ns(const struct h2 *h2)
{
    return timers_next(&h2->timers);
}

void h2_tick(struct h2 *h2, uint64_t now_ns)
{
    h2->now_ns = now_ns;
    timers_fire(&h2->timers, now_ns);
}

/* ---- what nghttp2 tells ---- */

static struct h2_stream *stream_new(struct h2 *h2, int32_t id)
{
    struct h2_stream *stream = mem_zalloc(1, sizeof *stream);
    struct call *call = call_new(h2->hub, "http/2", h2->host.peer);
    if (stream == NULL || call == NULL || !call_charge(call, sizeof *stream)) {
        call_free(call);
        mem_free(stream);
        return NULL;
    }
    call->is_secure = h2->host.is_secure;
    stream->h2 = h2;
    stream->id = id;
    stream->call = call;
    stream->timer.fire = stream_fire;
    stream->next = h2->streams;
    if (h2->streams != NULL)
        h2->streams->previous = stream;
    h2->streams = stream;
    h2->stream_count++;
    return stream;
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    struct h2 *h2 = context;
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    struct h2_stream *stream = stream_new(h2, frame->hd.stream_id);
    if (stream == NULL) {
        /* Nothing was done for it, so that the client may try again. */
        (void)nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id,
                                        NGHTTP2_REFUSED_STREAM);
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    (void)nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, stream);
    return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_size, const uint8_t *value, size_t value_size, uint8_t flags,
                     void *context)
{
    (void)flags;
    const struct h2 *h2 = context;
    struct h2_stream *stream = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    if (stream == NULL || frame->hd.type != NGHTTP2_HEADERS || stream->state != STREAM_HEADERS)
        return 0; /* trailers */
    h2_request_header(stream, (struct bytes){name, name_size}, (struct bytes){value, value_size});
    if (stream->header_size / HEADER_SIZE_FACTOR <= h2->hub->options.limits.header_size_max)
        return 0;
    (void)nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id,
                                    NGHTTP2_ENHANCE_YOUR_CALM);
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

/* Rapid reset: each stream that is opened and taken back costs work here and nothing there. nghttp2
 * has such a limit too, but calls it an error of ours. */
static void count_reset(struct h2 *h2)
{
    const struct server_limits *limits = &h2->hub->options.limits;
    const double elapsed_s = (double)(h2->now_ns - h2->reset_ns) / 1e9;
    h2->reset_ns = h2->now_ns;
    h2->resets -= elapsed_s * limits->resets_per_second;
    h2->resets = (h2->resets > 0 ? h2->resets : 0) + 1;
    if (h2->resets > limits->resets_burst)
        h2_end(h2, NGHTTP2_ENHANCE_YOUR_CALM);
}

static int on_frame_recv(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    if (frame->hd.type == NGHTTP2_RST_STREAM)
        count_reset(context);
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA)
        return 0;
    struct h2_stream *stream = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    if (stream == NULL)
        return 0;
    if (stream->state == STREAM_HEADERS) {
        stream->is_request_over = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
        h2_request_begin(stream);
    }
    if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0)
        h2_request_end(stream);
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
                   size_t size, void *context)
{
    (void)flags;
    (void)context;
    struct h2_stream *stream = nghttp2_session_get_stream_user_data(session, id);
    if (stream != NULL && size > 0)
        h2_request_body(stream, (struct bytes){data, size});
    return 0;
}

static int on_frame_sent(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    const struct h2 *h2 = context;
    if (frame->hd.type == NGHTTP2_GOAWAY && frame->goaway.error_code != NGHTTP2_NO_ERROR)
        metrics_add(h2->hub->metrics, METRICS_ABUSE, 1);
    if ((frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) ||
        (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0)
        return 0;
    const struct h2_stream *stream =
        nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    /* The answer has left; now the rest of the request need not come. */
    if (stream != NULL && !stream->is_request_over)
        (void)nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, stream->id, NGHTTP2_NO_ERROR);
    return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t error_code, void *context)
{
    (void)error_code;
    (void)context;
    struct h2_stream *stream = nghttp2_session_get_stream_user_data(session, id);
    if (stream != NULL)
        stream_free(stream);
    return 0;
}

/* ---- the connection ---- */

/* nghttp2's memory through base/mem.h. */
static void *h2_alloc(size_t size, void *context)
{
    (void)context;
    return mem_alloc(size, 1);
}

static void *h2_zalloc(size_t count, size_t size, void *context)
{
    (void)context;
    return mem_zalloc(count, size);
}

static void *h2_realloc(void *block, size_t size, void *context)
{
    (void)context;
    return mem_realloc(block, size, 1);
}

static void h2_release(void *block, void *context)
{
    (void)context;
    mem_free(block);
}

static bool open_session(struct h2 *h2, const nghttp2_session_callbacks *callbacks)
{
    static nghttp2_mem memory = {NULL, h2_alloc, h2_release, h2_zalloc, h2_realloc};
    const struct server_limits *limits = &h2->hub->options.limits;
    nghttp2_option *option = NULL;
    if (nghttp2_option_new(&option) != 0)
        return false;
    nghttp2_option_set_no_closed_streams(option, 1);
    nghttp2_option_set_stream_reset_rate_limit(option, UINT64_MAX, UINT64_MAX);
    const bool is_open =
        nghttp2_session_server_new3(&h2->session, callbacks, h2, option, &memory) == 0;
    nghttp2_option_del(option);
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, (uint32_t)limits->streams_max},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, STREAM_WINDOW},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, (uint32_t)limits->header_size_max},
    };
    return is_open &&
           nghttp2_submit_settings(h2->session, NGHTTP2_FLAG_NONE, settings,
                                   sizeof settings / sizeof settings[0]) == 0 &&
           nghttp2_session_set_local_window_size(h2->session, NGHTTP2_FLAG_NONE, 0,
                                                 CONNECTION_WINDOW) == 0;
}

struct h2 *h2_new(struct hub *hub, const struct h2_host *host, uint64_t now_ns)
{
    struct h2 *h2 = mem_zalloc(1, sizeof *h2);
    nghttp2_session_callbacks *callbacks = NULL;
    if (h2 == NULL || nghttp2_session_callbacks_new(&callbacks) != 0) {
        mem_free(h2);
        return NULL;
    }
    h2->hub = hub;
    h2->host = *host;
    h2->now_ns = now_ns;
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame_recv);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_sent);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    const bool is_open = open_session(h2, callbacks);
    nghttp2_session_callbacks_del(callbacks);
    if (!is_open) {
        h2_free(h2);
        return NULL;
    }
    metrics_add(hub->metrics, METRICS_HTTP2, 1);
    return h2;
}

void h2_free(struct h2 *h2)
{
    if (h2 == NULL)
        return;
    while (h2->streams != NULL)
        stream_free(h2->streams);
    nghttp2_session_del(h2->session);
    mem_free(h2);
}

void *h2_context(const struct h2 *h2)
{
    return h2->host.context;
}

/* What a client is told whose bytes ended the session. */
static uint32_t goaway_code(ssize_t failure)
{
    switch (failure) {
    case NGHTTP2_ERR_FLOODED:
    case NGHTTP2_ERR_TOO_MANY_CONTINUATIONS:
        return NGHTTP2_ENHANCE_YOUR_CALM;
    case NGHTTP2_ERR_NOMEM:
    case NGHTTP2_ERR_CALLBACK_FAILURE:
        return NGHTTP2_INTERNAL_ERROR;
    default:
        return NGHTTP2_PROTOCOL_ERROR;
    }
}

bool h2_receive(struct h2 *h2, struct bytes in, uint64_t now_ns)
{
    h2->now_ns = now_ns;
    if (h2->is_broken)
        return false;
    metrics_add(h2->hub->metrics, METRICS_RECEIVED, in.size);
    const ssize_t end = nghttp2_session_mem_recv(h2->session, in.data, in.size);
    if (end < 0) {
        h2->is_broken = true;
        (void)nghttp2_session_terminate_session(h2->session, goaway_code(end));
    }
    return !h2->is_broken;
}

size_t h2_send(struct h2 *h2, uint8_t *buffer, size_t size)
{
    size_t filled = 0;
    for (;;) {
        if (h2->rest_size == 0) {
            const ssize_t end = nghttp2_session_mem_send(h2->session, &h2->rest);
            if (end < 0)
                h2->is_broken = true;
            h2->rest_size = end > 0 ? (size_t)end : 0;
        }
        const size_t room = size - filled;
        if (h2->rest_size == 0 || h2->rest_size > room)
            break;
        memcpy(buffer + filled, h2->rest, h2->rest_size);
        filled += h2->rest_size;
        h2->rest_size = 0;
    }
    metrics_add(h2->hub->metrics, METRICS_SENT, filled);
    return filled;
}

bool h2_is_over(const struct h2 *h2)
{
    return h2->rest_size == 0 && (h2->is_broken || (nghttp2_session_want_read(h2->session) == 0 &&
                                                    nghttp2_session_want_write(h2->session) == 0));
}

size_t h2_streams(const struct h2 *h2)
{
    return h2->stream_count;
}

struct h2 *h2_done(struct call *call)
{
    struct h2_stream *stream = call->owner;
    if (stream == NULL) {
        call_free(call);
        return NULL;
    }
    h2_reply_settled(stream);
    return stream->h2;
}

void h2_drain(struct h2 *h2)
{
    if (h2->is_draining)
        return;
    h2->is_draining = true;
    (void)nghttp2_submit_goaway(h2->session, NGHTTP2_FLAG_NONE,
                                nghttp2_session_get_last_proc_stream_id(h2->session),
                                NGHTTP2_NO_ERROR, NULL, 0);
}

void h2_end(struct h2 *h2, uint32_t error_code)
{
    h2->is_draining = true;
    (void)nghttp2_session_terminate_session(h2->session, error_code);
}
