/* fuzz_h2.c: an HTTP/2 connection with gRPC and plain HTTP calls, without sockets and threads.
 *
 * The first byte of the input chooses: bit 0: the preface and SETTINGS come by themselves, so that
 * the input is frames; bits 1 and 2: calls are answered at once, after each piece, or only when the
 * connection has ended; bits 3 to 5: the size of the pieces; bit 6: time passes between them. In
 * the end all memory has to be given back to the budget. */
#include <string.h>

#include "fuzz.h"
#include "server/h2.h"
#include "server/metrics.h"
#include "server/workers.h"

#define MIB ((size_t)1 << 20)
#define QUEUE_MAX 64
#define SENT_MAX ((size_t)64 * 1024 * 1024)

enum { ANSWER_AT_ONCE, ANSWER_LATER, ANSWER_AT_THE_END };

struct fuzz_host {
    struct hub *hub;
    int when;
    struct call *queue[QUEUE_MAX];
    size_t count;
};

static void run(struct fuzz_host *host, struct call *call)
{
    workers_run_here(host->hub, call);
    (void)h2_done(call);
}

static bool submit(void *context, struct call *call)
{
    struct fuzz_host *host = context;
    if (host->count == QUEUE_MAX)
        return false;
    if (host->when == ANSWER_AT_ONCE)
        run(host, call);
    else
        host->queue[host->count++] = call;
    return true;
}

static bool withdraw(void *context, struct call *call)
{
    struct fuzz_host *host = context;
    for (size_t k = 0; k < host->count; k++) {
        if (host->queue[k] == call && k % 2 == 0) { /* the others have begun */
            host->queue[k] = host->queue[--host->count];
            return true;
        }
    }
    return false;
}

static void run_all(struct fuzz_host *host)
{
    while (host->count > 0)
        run(host, host->queue[--host->count]);
}

static void echo(void *app, struct call *call)
{
    (void)app;
    const struct bytes body = call_body(call);
    const char *query = call_query(call, "q");
    uint8_t *copy = mem_alloc(body.size, 1);
    FUZZ_CHECK(copy != NULL);
    if (body.size > 0)
        memcpy(copy, body.data, body.size);
    if (query != NULL)
        call_add_header(call, "x-query", query);
    if (call_is_grpc(call))
        call_reply_message(call, copy, body.size);
    else
        call_reply_http(call, 200, call_header(call, "accept"), copy, body.size);
}

static void fail(void *app, struct call *call)
{
    (void)app;
    const struct bytes body = call_body(call);
    call_reply_status(call, GRPC_ABORTED, "%.*s", (int)body.size, (const char *)body.data);
}

static const struct server_method methods[] = {{"/a/E", echo, false}, {"/a/F", fail, true}};

static void init_hub(struct hub *hub)
{
    *hub = (struct hub){
        .options = {.methods = methods,
                    .method_count = 2,
                    .http = echo,
                    .cors_origin = "*",
                    .limits = {.streams_max = 32,
                               .queue_max = QUEUE_MAX,
                               .header_size_max = 4096,
                               .request_size_max = MIB,
                               .reply_size_max = MIB,
                               .arena_size_max = MIB,
                               .in_flight_size_max = 8 * MIB,
                               .stall_ms = 1000,
                               .idle_ms = 1000,
                               .resets_burst = 20,
                               .resets_per_second = 1}},
        .metrics = metrics_new(),
    };
    FUZZ_CHECK(hub->metrics != NULL);
}

static void send_all(struct h2 *h2)
{
    static uint8_t buffer[65536];
    size_t sent = 0;
    for (size_t size = 1; size > 0; sent += size) {
        size = h2_send(h2, buffer, sizeof buffer);
        FUZZ_CHECK(size <= sizeof buffer && sent <= SENT_MAX);
    }
}

static void feed(struct h2 *h2, struct fuzz_host *host, uint8_t mode, struct bytes in)
{
    const size_t piece_max = (size_t)1 << (2 * (mode >> 3 & 7));
    uint64_t now_ns = 1000000000;
    bool is_fine = true;
    while (in.size > 0 && is_fine && !h2_is_over(h2)) {
        const size_t size = in.size < piece_max ? in.size : piece_max;
        is_fine = h2_receive(h2, (struct bytes){in.data, size}, now_ns);
        in.data += size;
        in.size -= size;
        if (host->when == ANSWER_LATER)
            run_all(host);
        if ((mode & 0x40) != 0)
            now_ns += 700000000;
        if (h2_next_ns(h2) <= now_ns)
            h2_tick(h2, now_ns);
        send_all(h2);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t beginning[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";
    if (size == 0)
        return 0;
    struct hub hub;
    init_hub(&hub);
    struct fuzz_host host = {.hub = &hub, .when = (data[0] >> 1 & 3) % 3};
    const struct h2_host h2_host = {
        .submit = submit, .withdraw = withdraw, .context = &host, .peer = "fuzz"};
    struct h2 *h2 = h2_new(&hub, &h2_host, 1000000000);
    FUZZ_CHECK(h2 != NULL);
    if ((data[0] & 1) != 0)
        FUZZ_CHECK(h2_receive(h2, (struct bytes){beginning, sizeof beginning - 1}, 1000000000));
    feed(h2, &host, data[0], (struct bytes){data + 1, size - 1});
    h2_free(h2);
    run_all(&host);
    FUZZ_CHECK(hub.in_flight_size == 0);
    metrics_free(hub.metrics);
    return 0;
}
