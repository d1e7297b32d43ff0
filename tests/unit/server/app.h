/* app.h: what the tests let a server serve: echoes, answers of any size, failures, and calls that
 * wait until they are let go. */
#ifndef GODWIT_TESTS_UNIT_SERVER_APP_H
#define GODWIT_TESTS_UNIT_SERVER_APP_H

#include <stdatomic.h>

#include "server/server.h"

struct app {
    atomic_int started;   /* handlers that began */
    atomic_int waiting;   /* of /t.Test/Wait and /wait, now */
    atomic_int cancelled; /* that saw CALL_CANCELLED */
    atomic_int late;      /* that saw CALL_LATE */
    atomic_int released;  /* sources whose close() was called */
    atomic_int accesses;
    atomic_int notices;
    atomic_int last_status;
    atomic_bool go; /* lets the waiting ones end */
    struct server *server;
};

/* gRPC: /t.Test/Echo (the message), /t.Test/Big (4 bytes little-endian n: n bytes of n % 251),
 * /t.Test/Fail (status 5 and a text with UTF-8), /t.Test/Wait, /t.Test/Quick (quick echo),
 * /t.Test/Silent (no reply). HTTP: /echo, /big?n=, /stream?n= (by a source; &chunked; &fail=AT),
 * /wait, /header?name=, /path…, /healthz (quick), /metrics, /user. Metadata or header "x-user"
 * other than absent or "known" is refused by authenticate. */
void app_options(struct app *app, struct server_options *ret_options);

#endif
