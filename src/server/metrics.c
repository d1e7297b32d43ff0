/* metrics.c: see metrics.h. */
#include "server/metrics.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/mem.h"

/* Upper bounds of the latency histogram, in microseconds, as they stand in the text. */
static const struct {
    uint64_t max_us;
    const char *text;
} buckets[] = {
    {100, "0.0001"},  {250, "0.00025"}, {500, "0.0005"},  {1000, "0.001"},  {2500, "0.0025"},
    {5000, "0.005"},  {10000, "0.01"},  {25000, "0.025"}, {50000, "0.05"},  {100000, "0.1"},
    {250000, "0.25"}, {500000, "0.5"},  {1000000, "1"},   {2500000, "2.5"}, {5000000, "5"},
    {10000000, "10"}, {60000000, "60"},
};
#define BUCKET_COUNT (sizeof buckets / sizeof buckets[0])

struct label {
    const char *name;
    bool is_grpc;
    size_t status_count;
    int statuses[METRICS_STATUSES_MAX];
    uint64_t counts[METRICS_STATUSES_MAX];
    uint64_t durations[BUCKET_COUNT + 1]; /* each bucket alone; the last has no bound */
    uint64_t duration_ns;
    uint64_t request_size;
    uint64_t reply_size;
};

struct metrics {
    atomic_uint_fast64_t events[METRICS_EVENT_COUNT];
    pthread_mutex_t lock;
    /* guarded by lock */
    struct label labels[METRICS_LABELS_MAX];
    size_t label_count;
};

struct metrics *metrics_new(void)
{
    struct metrics *metrics = mem_zalloc(1, sizeof *metrics);
    if (metrics != NULL)
        (void)pthread_mutex_init(&metrics->lock, NULL);
    return metrics;
}

void metrics_free(struct metrics *metrics)
{
    if (metrics == NULL)
        return;
    (void)pthread_mutex_destroy(&metrics->lock);
    mem_free(metrics);
}

void metrics_add(struct metrics *metrics, enum metrics_event event, uint64_t count)
{
    atomic_fetch_add_explicit(&metrics->events[event], count, memory_order_relaxed);
}

static struct label *find_label(struct metrics *metrics, bool is_grpc, const char *name)
{
    for (size_t k = 0; k < metrics->label_count; k++) {
        struct label *label = &metrics->labels[k];
        if (label->is_grpc == is_grpc && (label->name == name || strcmp(label->name, name) == 0))
            return label;
    }
    /* The last two places are kept for "other" of either protocol. */
    const bool is_other = strcmp(name, "other") == 0;
    if (metrics->label_count >= METRICS_LABELS_MAX - (is_other ? 0 : 2))
        return is_other ? &metrics->labels[METRICS_LABELS_MAX - 1]
                        : find_label(metrics, is_grpc, "other");
    struct label *label = &metrics->labels[metrics->label_count++];
    label->name = name;
    label->is_grpc = is_grpc;
    return label;
}

static void count_status(struct label *label, int status)
{
    size_t k = 0;
    while (k < label->status_count && label->statuses[k] != status)
        k++;
    if (k == METRICS_STATUSES_MAX)
        k--;
    if (k == label->status_count) {
        label->statuses[k] = status;
        label->status_count++;
    }
    label->counts[k]++;
}

void metrics_count(struct metrics *metrics, const struct metrics_request *request)
{
    size_t bucket = 0;
    while (bucket < BUCKET_COUNT && request->duration_ns > buckets[bucket].max_us * 1000)
        bucket++;
    (void)pthread_mutex_lock(&metrics->lock);
    struct label *label =
        find_label(metrics, request->is_grpc, request->label != NULL ? request->label : "other");
    count_status(label, request->status);
    label->durations[bucket]++;
    label->duration_ns += request->duration_ns;
    label->request_size += request->request_size;
    label->reply_size += request->reply_size;
    (void)pthread_mutex_unlock(&metrics->lock);
}

static void write_head(struct text *text, const char *name, const char *type, const char *help)
{
    text_addf(text, "# HELP godwit_%s %s\n# TYPE godwit_%s %s\n", name, help, name, type);
}

void metrics_write_gauge(struct text *text, const char *name, const char *help, uint64_t value)
{
    write_head(text, name, "gauge", help);
    text_addf(text, "godwit_%s %" PRIu64 "\n", name, value);
}

static const char *protocol_of(const struct label *label)
{
    return label->is_grpc ? "grpc" : "http";
}

static void write_requests(const struct metrics *metrics, struct text *text)
{
    write_head(text, "requests_total", "counter", "Requests by method and status.");
    for (size_t k = 0; k < metrics->label_count; k++) {
        const struct label *label = &metrics->labels[k];
        for (size_t s = 0; s < label->status_count; s++)
            text_addf(text,
                      "godwit_requests_total{protocol=\"%s\",method=\"%s\",status=\"%d\"} %" PRIu64
                      "\n",
                      protocol_of(label), label->name, label->statuses[s], label->counts[s]);
    }
}

static void write_histogram(const struct label *label, struct text *text)
{
    uint64_t count = 0;
    for (size_t k = 0; k <= BUCKET_COUNT; k++) {
        count += label->durations[k];
        text_addf(
            text,
            "godwit_request_seconds_bucket{protocol=\"%s\",method=\"%s\",le=\"%s\"} %" PRIu64 "\n",
            protocol_of(label), label->name, k < BUCKET_COUNT ? buckets[k].text : "+Inf", count);
    }
    text_addf(text,
              "godwit_request_seconds_sum{protocol=\"%s\",method=\"%s\"} %.9f\n"
              "godwit_request_seconds_count{protocol=\"%s\",method=\"%s\"} %" PRIu64 "\n",
              protocol_of(label), label->name, (double)label->duration_ns / 1e9, protocol_of(label),
              label->name, count);
}

static void write_sizes(const struct metrics *metrics, struct text *text)
{
    write_head(text, "request_bytes_total", "counter", "Bytes of request bodies.");
    for (size_t k = 0; k < metrics->label_count; k++)
        text_addf(text, "godwit_request_bytes_total{protocol=\"%s\",method=\"%s\"} %" PRIu64 "\n",
                  protocol_of(&metrics->labels[k]), metrics->labels[k].name,
                  metrics->labels[k].request_size);
    write_head(text, "reply_bytes_total", "counter", "Bytes of replies.");
    for (size_t k = 0; k < metrics->label_count; k++)
        text_addf(text, "godwit_reply_bytes_total{protocol=\"%s\",method=\"%s\"} %" PRIu64 "\n",
                  protocol_of(&metrics->labels[k]), metrics->labels[k].name,
                  metrics->labels[k].reply_size);
}

#define EVENT_ROW(id, name, help) {name, help},
static const struct {
    const char *name;
    const char *help;
} events[] = {METRICS_EVENT_MAP(EVENT_ROW)};

void metrics_write(struct metrics *metrics, struct text *text)
{
    for (size_t k = 0; k < METRICS_EVENT_COUNT; k++) {
        write_head(text, events[k].name, "counter", events[k].help);
        text_addf(text, "godwit_%s %" PRIu64 "\n", events[k].name,
                  (uint64_t)atomic_load(&metrics->events[k]));
    }
    (void)pthread_mutex_lock(&metrics->lock);
    write_requests(metrics, text);
    write_head(text, "request_seconds", "histogram",
               "Time from the first byte of a request's headers to its reply.");
    for (size_t k = 0; k < metrics->label_count; k++)
        write_histogram(&metrics->labels[k], text);
    write_sizes(metrics, text);
    (void)pthread_mutex_unlock(&metrics->lock);
}
