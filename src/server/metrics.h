/* metrics.h: counters of the transport, and their text for Prometheus.
 *
 * Requests are counted by label and status. Labels are few: gRPC paths of the method table, what
 * handlers give to call_set_label(), and "other"; past METRICS_LABELS_MAX all is "other". So a
 * client that makes up paths makes up no counters. */
#ifndef GODWIT_SERVER_METRICS_H
#define GODWIT_SERVER_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

#define METRICS_LABELS_MAX 256
#define METRICS_STATUSES_MAX                                                                       \
    24 /* different ones for a label; further ones are counted as the last */

/* Names of what is counted apart from requests: name, type, help. */
#define METRICS_EVENT_MAP(X)                                                                       \
    X(METRICS_ACCEPTED, "connections_accepted_total", "Connections accepted.")                     \
    X(METRICS_REFUSED, "connections_refused_total",                                                \
      "Connections refused: too many, or plain "                                                   \
      "where TLS is asked for.")                                                                   \
    X(METRICS_TLS, "tls_handshakes_total", "TLS handshakes that succeeded.")                       \
    X(METRICS_TLS_FAILED, "tls_handshakes_failed_total", "TLS handshakes that failed.")            \
    X(METRICS_HTTP2, "http2_connections_total", "HTTP/2 connections.")                             \
    X(METRICS_HTTP1, "http1_connections_total", "HTTP/1.1 connections.")                           \
    X(METRICS_SLOW, "slow_clients_total", "Connections and streams cut for being too slow.")       \
    X(METRICS_ABUSE, "http2_protocol_errors_total",                                                \
      "HTTP/2 connections ended for an error or "                                                  \
      "abuse by the client.")                                                                      \
    X(METRICS_RECEIVED, "received_bytes_total", "Bytes received over HTTP/2.")                     \
    X(METRICS_SENT, "sent_bytes_total", "Bytes sent over HTTP/2.")

#define METRICS_EVENT_ENUM(id, name, help) id,
enum metrics_event { METRICS_EVENT_MAP(METRICS_EVENT_ENUM) METRICS_EVENT_COUNT };
#undef METRICS_EVENT_ENUM

struct metrics_request {
    bool is_grpc;
    const char *label; /* outlives the counters; NULL: "other" */
    int status;
    uint64_t duration_ns;
    size_t request_size;
    size_t reply_size;
};

struct metrics;

struct metrics *metrics_new(void) MUST_USE; /* NULL when memory ends */
void metrics_free(struct metrics *metrics);
/* Threads: any. */
void metrics_add(struct metrics *metrics, enum metrics_event event, uint64_t count);
void metrics_count(struct metrics *metrics, const struct metrics_request *request);
/* Appends all of it. Threads: any. */
void metrics_write(struct metrics *metrics, struct text *text);
/* One number that is measured elsewhere, in the same format. */
void metrics_write_gauge(struct text *text, const char *name, const char *help, uint64_t value);

#endif
