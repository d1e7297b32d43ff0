/* serve.c: serves app.h as a program, for clients that are programs: says its port, ends with its
 * standard input.
 *
 *     server_serve [ADDRESS...] [--tls CERT KEY] [--client-ca CA] [--workers N] */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app.h"

static void notice(void *app, const char *text)
{
    (void)app;
    (void)fprintf(stderr, "%s\n", text);
}

int main(int argc, char **argv)
{
    static struct app app;
    static const char *listen[8];
    struct server_options options;
    app_options(&app, &options);
    options.notice = notice;
    size_t count = 0;
    for (int k = 1; k < argc; k++) {
        if (strcmp(argv[k], "--tls") == 0 && k + 2 < argc) {
            options.tls_cert = argv[++k];
            options.tls_key = argv[++k];
        } else if (strcmp(argv[k], "--client-ca") == 0 && k + 1 < argc) {
            options.tls_client_ca = argv[++k];
        } else if (strcmp(argv[k], "--workers") == 0 && k + 1 < argc) {
            options.workers = strtoull(argv[++k], NULL, 10);
        } else if (count < 8) {
            listen[count++] = argv[k];
        }
    }
    if (count > 0) {
        options.listen = listen;
        options.listen_count = count;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    struct err err;
    if (server_start(&options, &app.server, &err) != ERR_OK) {
        (void)fprintf(stderr, "%s\n", err.msg);
        return 1;
    }
    (void)printf("%u\n", server_port(app.server));
    (void)fflush(stdout);
    char byte;
    while (read(0, &byte, 1) > 0)
        continue;
    atomic_store(&app.go, true);
    return server_stop(app.server, 5000) ? 0 : 2;
}
