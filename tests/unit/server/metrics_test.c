/* metrics_test.c: the counters' text, and that clients cannot make it grow. */
#include "scratch.h"
#include "server/metrics.h"

static void count(struct metrics *metrics, const char *label, int status, uint64_t duration_ns)
{
    const struct metrics_request request = {.is_grpc = true,
                                            .label = label,
                                            .status = status,
                                            .duration_ns = duration_ns,
                                            .request_size = 10,
                                            .reply_size = 20};
    metrics_count(metrics, &request);
}

static void test_metrics__text(void **state)
{
    (void)state;
    struct metrics *metrics = metrics_new();
    assert_non_null(metrics);
    metrics_add(metrics, METRICS_ACCEPTED, 3);
    count(metrics, "/a/B", 0, 90000);
    count(metrics, "/a/B", 0, 2000000);
    count(metrics, "/a/B", 14, 100000000000);
    count(metrics, NULL, 12, 1);
    struct text text;
    text_init(&text);
    metrics_write_gauge(&text, "things", "All of them.", 7);
    metrics_write(metrics, &text);
    assert_false(text_failed(&text));
    static const char *const lines[] = {
        "# HELP godwit_things All of them.\n# TYPE godwit_things gauge\ngodwit_things 7\n",
        "\n# TYPE godwit_connections_accepted_total counter\ngodwit_connections_accepted_total 3\n",
        "\ngodwit_requests_total{protocol=\"grpc\",method=\"/a/B\",status=\"0\"} 2\n",
        "\ngodwit_requests_total{protocol=\"grpc\",method=\"/a/B\",status=\"14\"} 1\n",
        "\ngodwit_requests_total{protocol=\"grpc\",method=\"other\",status=\"12\"} 1\n",
        "\ngodwit_request_seconds_bucket{protocol=\"grpc\",method=\"/a/B\",le=\"0.0001\"} 1\n",
        "\ngodwit_request_seconds_bucket{protocol=\"grpc\",method=\"/a/B\",le=\"0.0025\"} 2\n",
        "\ngodwit_request_seconds_bucket{protocol=\"grpc\",method=\"/a/B\",le=\"60\"} 2\n",
        "\ngodwit_request_seconds_bucket{protocol=\"grpc\",method=\"/a/B\",le=\"+Inf\"} 3\n",
        "\ngodwit_request_seconds_count{protocol=\"grpc\",method=\"/a/B\"} 3\n",
        "\ngodwit_request_bytes_total{protocol=\"grpc\",method=\"/a/B\"} 30\n",
        "\ngodwit_reply_bytes_total{protocol=\"grpc\",method=\"/a/B\"} 60\n",
    };
    for (size_t k = 0; k < sizeof lines / sizeof lines[0]; k++) {
        if (strstr(text_get(&text), lines[k]) == NULL)
            print_error("missing: %s in %s\n", lines[k], text_get(&text));
        assert_non_null(strstr(text_get(&text), lines[k]));
    }
    text_release(&text);
    metrics_free(metrics);
}

static void test_metrics__too_many_labels(void **state)
{
    (void)state;
    static char names[1000][16];
    struct metrics *metrics = metrics_new();
    assert_non_null(metrics);
    for (int k = 0; k < 1000; k++) {
        (void)snprintf(names[k], sizeof names[k], "/label/%d", k);
        count(metrics, names[k], k, 1);
        count(metrics, "/label/0", k, 1);
    }
    struct text text;
    text_init(&text);
    metrics_write(metrics, &text);
    assert_false(text_failed(&text));
    assert_non_null(strstr(text_get(&text), "method=\"/label/200\""));
    assert_null(strstr(text_get(&text), "method=\"/label/300\""));
    assert_non_null(
        strstr(text_get(&text), "request_seconds_count{protocol=\"grpc\",method=\"other\"} 746"));
    assert_non_null(strstr(text_get(&text),
                           "request_seconds_count{protocol=\"grpc\",method=\"/label/0\"} 1001"));
    text_release(&text);
    metrics_free(metrics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_metrics__text),
        cmocka_unit_test(test_metrics__too_many_labels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
