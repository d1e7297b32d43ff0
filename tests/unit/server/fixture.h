/* fixture.h: one running server for each test; options are changed in `options` before start(). */
#ifndef GODWIT_TESTS_UNIT_SERVER_FIXTURE_H
#define GODWIT_TESTS_UNIT_SERVER_FIXTURE_H

#include "app.h"
#include "base/clock.h"
#include "peer.h"
#include "scratch.h"

static struct app app;
static struct server_options options;
static struct h2_answer answer;
static struct http_answer http_answer;

static inline int fixture_setup(void **state)
{
    memset(&app, 0, sizeof app);
    app_options(&app, &options);
    return scratch_setup(state);
}

static inline void start(void)
{
    struct err err = {0};
    const enum err_code code = server_start(&options, &app.server, &err);
    if (code != ERR_OK)
        print_error("%s\n", err.msg);
    assert_int_equal(code, ERR_OK);
}

static inline bool stop(void)
{
    struct server *server = app.server;
    app.server = NULL;
    return server_stop(server, 10000);
}

static inline int fixture_teardown(void **state)
{
    atomic_store(&app.go, true);
    (void)stop();
    free(answer.body);
    free(http_answer.body);
    answer.body = NULL;
    http_answer.body = NULL;
    return scratch_teardown(state);
}

static inline struct peer connect_h2(void)
{
    struct peer peer = peer_connect(server_port(app.server));
    peer_begin_h2(&peer);
    return peer;
}

/* Reads the next answer of HTTP/2 into `answer`. */
static inline void await(struct peer *peer, int32_t id)
{
    free(answer.body);
    peer_answer(peer, id, &answer);
}

static inline void await_http(struct peer *peer)
{
    free(http_answer.body);
    peer_http_answer(peer, &http_answer);
}

/* Waits until a counter of the app has a value. */
static inline void await_count(atomic_int *counter, int value)
{
    for (int k = 0; k < 60000 && atomic_load(counter) != value; k++)
        clock_sleep_ns(1000000);
    assert_int_equal(atomic_load(counter), value);
}

/* The server still answers, on a connection of its own. */
static inline void assert_alive(void)
{
    struct peer peer = connect_h2();
    assert_true(peer_grpc(&peer, 1, "/t.Test/Echo", "alive", 5));
    await(&peer, 1);
    assert_int_equal(answer.grpc_status, 0);
    assert_int_equal(answer.body_size, 10);
    assert_memory_equal(answer.body + 5, "alive", 5);
    peer_close(&peer);
}

/* The value of a counter or gauge of the server without labels. */
static inline uint64_t counter(const char *name)
{
    struct text text;
    text_init(&text);
    server_metrics(app.server, &text);
    char line[128];
    (void)snprintf(line, sizeof line, "\ngodwit_%s ", name);
    const char *found = strstr(text_get(&text), line);
    assert_non_null(found);
    const uint64_t value = strtoull(found + strlen(line), NULL, 10);
    text_release(&text);
    return value;
}

/* Waits until a gauge of the server has a value. */
static inline void await_gauge(const char *name, uint64_t value)
{
    for (int k = 0; k < 60000 && counter(name) != value; k++)
        clock_sleep_ns(1000000);
    assert_int_equal(counter(name), value);
}

#define SERVER_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

#endif
