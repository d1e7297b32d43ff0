/* cmd_serve.c: the Milvus 2.x API over a database folder, until somebody says stop.
 *
 * SIGTERM or SIGINT: no new calls, those under way end within --drain; a second one ends the
 * process. SIGHUP reads the TLS files again. Signals are waited for in the main thread and blocked
 * in all others. */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "cli/access_log.h"
#include "cli/cmd.h"
#include "cli/options.h"
#include "cli/output.h"
#include "milvus2/serve.h"

#define LISTEN_DEFAULT "127.0.0.1:19530"
#define DRAIN_DEFAULT_S 10
#define SLOW_DEFAULT_MS 1000
#define SECRET_SIZE_MAX 65536
#define PASSWORD_VARIABLE "GODWIT_ROOT_PASSWORD"

struct serving {
    struct arguments *arguments;
    struct api_options api_options;
    struct server_options server_options;
    const char **listen;
    const char **api_keys;
    char *keys_text; /* what they point into */
    char *password;
    struct access_log *log;
    struct api *api;
};

static void say_notice(void *argument, const char *text)
{
    (void)argument;
    log_line("%s", text);
}

/* The lines of a file that only its owner should read, comments and blanks dropped. */
static enum err_code read_keys(struct serving *serving, const char *path, struct err *err)
{
    void *data;
    size_t size, capacity = 0;
    const enum err_code code = file_read_all(path, SECRET_SIZE_MAX, &data, &size, err);
    if (code != ERR_OK)
        return err_recode(err, ERR_CONFIG);
    serving->keys_text = data;
    char *rest = data;
    for (char *line = strsep(&rest, "\r\n"); line != NULL; line = strsep(&rest, "\r\n")) {
        if (line[0] == '\0' || line[0] == '#')
            continue;
        if (!mem_grow(&serving->api_keys, &capacity, serving->api_options.api_key_count,
                      sizeof *serving->api_keys))
            return err_nomem(err, path);
        serving->api_keys[serving->api_options.api_key_count++] = line;
    }
    serving->api_options.api_keys = serving->api_keys;
    return ERR_OK;
}

/* Root's password: from a file, else from the environment, where it does not stay. */
static enum err_code read_password(struct serving *serving, struct err *err)
{
    const char *path = arguments_text(serving->arguments, "root-password-file");
    char *variable = getenv(PASSWORD_VARIABLE);
    if (path != NULL) {
        void *data;
        size_t size;
        if (file_read_all(path, SECRET_SIZE_MAX, &data, &size, err) != ERR_OK)
            return err_recode(err, ERR_CONFIG);
        serving->password = data;
        serving->password[strcspn(serving->password, "\r\n")] = '\0';
    } else if (variable != NULL && variable[0] != '\0') {
        serving->password = mem_strdup(variable);
        if (serving->password == NULL)
            return err_nomem(err, PASSWORD_VARIABLE);
        wipe_text(variable);
        (void)unsetenv(PASSWORD_VARIABLE);
    }
    serving->api_options.root_password = serving->password;
    return ERR_OK;
}

static enum err_code check_address(const struct serving *serving, const char *address,
                                   struct err *err)
{
    if (serving->api_options.needs_login || serve_is_local(address))
        return ERR_OK;
    return err_set(
        err, ERR_USAGE,
        "%s can be reached from other machines: give --auth, so that clients have to log "
        "in, or listen on 127.0.0.1",
        address);
}

static enum err_code read_addresses(struct serving *serving, struct err *err)
{
    static const char *const fallback[] = {LISTEN_DEFAULT};
    struct server_options *options = &serving->server_options;
    enum err_code code =
        arguments_list(serving->arguments, "listen", &serving->listen, &options->listen_count, err);
    options->listen = serving->listen;
    if (code == ERR_OK && options->listen_count == 0) {
        options->listen = fallback;
        options->listen_count = 1;
    }
    for (size_t i = 0; code == ERR_OK && i < options->listen_count; i++)
        code = check_address(serving, options->listen[i], err);
    return code;
}

static enum err_code read_options(struct serving *serving, struct err *err)
{
    struct arguments *arguments = serving->arguments;
    struct api_options *api = &serving->api_options;
    struct server_options *server = &serving->server_options;
    const char *durability = arguments_text(arguments, "durability");
    const char *keys = arguments_text(arguments, "api-keys");
    api->is_relaxed = durability != NULL && strcmp(durability, "relaxed") == 0;
    api->vector_field = arguments_text(arguments, "vector-field");
    api->import_folder = arguments_text(arguments, "import-dir");
    api->needs_login = arguments_has(arguments, "auth");
    api->notice = say_notice;
    server->tls_cert = arguments_text(arguments, "tls-cert");
    server->tls_key = arguments_text(arguments, "tls-key");
    server->tls_client_ca = arguments_text(arguments, "tls-client-ca");
    server->workers = (size_t)arguments_count(arguments, "threads", 0);
    if (api->import_folder != NULL && !file_is_folder(api->import_folder))
        return err_set(err, ERR_CONFIG, "--import-dir %s is no folder", api->import_folder);
    if ((server->tls_cert == NULL) != (server->tls_key == NULL))
        return err_set(err, ERR_USAGE, "--tls-cert and --tls-key belong together");
    enum err_code code = read_addresses(serving, err);
    if (code == ERR_OK && keys != NULL)
        code = read_keys(serving, keys, err);
    if (code == ERR_OK)
        code = read_password(serving, err);
    return code;
}

static void say_ready(const struct serving *serving)
{
    const struct server_options *options = &serving->server_options;
    for (size_t i = 0; i < options->listen_count; i++)
        log_line("serving %s on %s%s", serving->arguments->operands[0], options->listen[i],
                 options->tls_cert != NULL ? " (TLS)" : "");
    if (serving->api_options.is_relaxed)
        log_line("--durability relaxed: a write is acknowledged up to 50 ms before it is durable");
    if (serving->api->made_password[0] != '\0')
        log_line("the password of root was made up and is shown only now: %s",
                 serving->api->made_password);
}

static void reload_tls(const struct serving *serving)
{
    struct err err;
    if (server_reload_tls(atomic_load(&serving->api->server), &err) == ERR_OK)
        log_line("TLS files were read again");
    else
        log_error("TLS files cannot be used, the old ones stay: %s", err.msg);
}

/* Until a signal that ends it. */
static void wait_for_end(const struct serving *serving, const sigset_t *signals)
{
    int number = 0;
    while (sigwait(signals, &number) == 0 && number == SIGHUP)
        reload_tls(serving);
    /* Who asks twice does not want to wait. */
    (void)signal(SIGTERM, SIG_DFL);
    (void)signal(SIGINT, SIG_DFL);
    (void)pthread_sigmask(SIG_UNBLOCK, signals, NULL);
}

static enum err_code serve(struct serving *serving, const sigset_t *signals, struct err *err)
{
    struct arguments *arguments = serving->arguments;
    const uint64_t drain_s = arguments_count(arguments, "drain", DRAIN_DEFAULT_S);
    enum err_code code =
        access_log_open(arguments_text(arguments, "log"),
                        arguments_count(arguments, "slow", SLOW_DEFAULT_MS), &serving->log, err);
    if (code != ERR_OK)
        return code;
    serving->api_options.access = access_log_write;
    serving->api_options.access_argument = serving->log;
    code = api_open(arguments->operands[0], &serving->api_options, &serving->api, err);
    if (code != ERR_OK)
        return code;
    code = serve_start(serving->api, &serving->server_options, err);
    if (code != ERR_OK)
        return code;
    say_ready(serving);
    wait_for_end(serving, signals);
    log_line("stopping: calls under way have %" PRIu64 " s", drain_s);
    if (!serve_stop(serving->api, (uint32_t)(drain_s * 1000)))
        log_line("some calls were cancelled");
    return ERR_OK;
}

static enum err_code run(struct arguments *arguments, struct err *err)
{
    struct serving serving = {.arguments = arguments};
    sigset_t signals;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)sigaddset(&signals, SIGHUP);
    enum err_code code = read_options(&serving, err);
    /* Before any thread is there, so that none of them takes a signal. */
    (void)pthread_sigmask(SIG_BLOCK, &signals, NULL);
    if (code == ERR_OK)
        code = serve(&serving, &signals, err);
    api_close(serving.api);
    access_log_close(serving.log);
    if (serving.password != NULL)
        wipe_text(serving.password);
    mem_free(serving.password);
    mem_free(serving.api_keys);
    mem_free(serving.keys_text);
    return code;
}

const struct command cmd_serve = {
    .name = "serve",
    .summary = "serve a database to Milvus 2.x clients: gRPC and REST on one port",
    .operands = (const struct operand_spec[]){{.name = "DB", .kind = OPTION_FOLDER}, {0}},
    .options =
        (const struct option_spec[]){
            {.name = "listen",
             .letter = 'l',
             .kind = OPTION_TEXT,
             .is_repeatable = true,
             .argument = "ADDRESS",
             .help = "Where: HOST:PORT, [IPV6]:PORT or unix:PATH; may be given several times. The "
                     "default is " LISTEN_DEFAULT ". An address that other machines can reach "
                     "needs --auth."},
            {.name = "auth",
             .help = "Clients have to log in, with a user and password or an API key. At the first "
                     "start the password of root is taken from --root-password-file or the "
                     "environment variable " PASSWORD_VARIABLE ", or made up and shown once."},
            {.name = "root-password-file",
             .kind = OPTION_FILE,
             .argument = "FILE",
             .help = "Sets the password of root to the first line of this file."},
            {.name = "api-keys",
             .kind = OPTION_FILE,
             .argument = "FILE",
             .help = "Tokens that may do everything, one a line."},
            {.name = "tls-cert",
             .kind = OPTION_FILE,
             .argument = "FILE",
             .help = "Certificate chain (PEM); TLS and plain connections then share the port. "
                     "SIGHUP reads the TLS files again."},
            {.name = "tls-key",
             .kind = OPTION_FILE,
             .argument = "FILE",
             .help = "The certificate's private key (PEM)."},
            {.name = "tls-client-ca",
             .kind = OPTION_FILE,
             .argument = "FILE",
             .help = "Serve only clients with a certificate of this authority (PEM)."},
            {.name = "durability",
             .kind = OPTION_CHOICE,
             .argument = "WHICH",
             .choices = "strict relaxed",
             .help = "strict (the default): a write is acknowledged when it is durable. relaxed: "
                     "up to 50 ms before; what was acknowledged survives the death of the "
                     "process, but perhaps not that of the machine."},
            {.name = "vector-field",
             .kind = OPTION_TEXT,
             .argument = "NAME",
             .help = "How clients see the vector field of collections from Milvus 1.x; the "
                     "default is data."},
            {.name = "import-dir",
             .kind = OPTION_FOLDER,
             .argument = "FOLDER",
             .help = "Bulk imports may read files below this folder; without it they are refused."},
            {.name = "drain",
             .kind = OPTION_COUNT,
             .max = 3600,
             .argument = "SECONDS",
             .help = "How long calls under way may take when the server is stopped; the default "
                     "is 10."},
            {.name = "log",
             .kind = OPTION_FILE,
             .argument = "FILE",
             .help = "Append a line for each call that was answered; - is standard error. No "
                     "payloads, no secrets."},
            {.name = "slow",
             .kind = OPTION_COUNT,
             .max = 3600000,
             .argument = "MILLISECONDS",
             .help = "Calls that took longer are named on standard error; the default is 1000, 0 "
                     "names none."},
            {.name = "threads",
             .kind = OPTION_COUNT,
             .min = 1,
             .max = 1024,
             .argument = "N",
             .help = "Calls handled at once; the default is two for each processor, at least 4."},
            {0}},
    .description =
        "Serves the folder DB (made when absent) to unmodified Milvus 2.x clients: pymilvus, the "
        "Node, Java and Go SDKs, LangChain, and REST v2 with curl, all on one port. Collections "
        "that were migrated from Milvus 1.x are there with the fields id and data, and are loaded; "
        "new ones can be made. Everything that was acknowledged is read by every call that begins "
        "later: all reads are strongly consistent.\n\n"
        "One process serves a folder at a time; godwit's other commands may read it meanwhile. "
        "/healthz and /metrics (Prometheus) are on the same port. SIGTERM or Ctrl-C stops cleanly.",
    .examples =
        (const struct example[]){
            {"godwit serve ./godwit-data", "for programs of this machine, on port 19530"},
            {"godwit serve ./godwit-data --listen 0.0.0.0:19530 --auth --tls-cert c.pem --tls-key "
             "k.pem",
             "for a network"},
            {0}},
    .run = run,
};
