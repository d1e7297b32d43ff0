/* access_log.c: see access_log.h. One line is one write, so lines of several threads do not mix. */
#include "cli/access_log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/output.h"
#include "server/server.h"

#define LINE_SIZE 1024

struct access_log {
    int fd; /* -1: none */
    uint64_t slow_ns;
};

enum err_code access_log_open(const char *path, uint64_t slow_ms, struct access_log **ret_log,
                              struct err *err)
{
    struct access_log *log = mem_zalloc(1, sizeof *log);
    if (log == NULL)
        return err_nomem(err, "access log");
    log->fd = -1;
    log->slow_ns = slow_ms * 1000000;
    if (path != NULL)
        log->fd = strcmp(path, "-") == 0
                      ? dup(STDERR_FILENO)
                      : open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
    if (path != NULL && log->fd < 0) {
        const int number = errno;
        mem_free(log);
        (void)err_errno(err, number, "--log %s", path);
        return err_recode(err, ERR_CONFIG);
    }
    *ret_log = log;
    return ERR_OK;
}

void access_log_close(struct access_log *log)
{
    if (log == NULL)
        return;
    if (log->fd >= 0)
        (void)close(log->fd);
    mem_free(log);
}

void access_log_write(void *argument, const struct server_access *access)
{
    const struct access_log *log = argument;
    char time[CLOCK_TEXT_SIZE], line[LINE_SIZE];
    const uint64_t total_ns = access->wait_ns + access->run_ns;
    if (log->slow_ns > 0 && total_ns > log->slow_ns)
        log_line("slow call: %s took %" PRIu64 " ms, %" PRIu64 " ms of them waiting", access->path,
                 total_ns / 1000000, access->wait_ns / 1000000);
    if (log->fd < 0)
        return;
    clock_format_utc(access->time_us, time);
    const int size =
        snprintf(line, sizeof line,
                 "%s %s %s %s %s %s %d in=%" PRIu64 " out=%" PRIu64 " wait_us=%" PRIu64
                 " run_us=%" PRIu64 "\n",
                 time, access->peer, access->user[0] != '\0' ? access->user : "-", access->protocol,
                 access->method, access->path, access->status, access->request_size,
                 access->reply_size, access->wait_ns / 1000, access->run_ns / 1000);
    const size_t length = (size_t)size < sizeof line ? (size_t)size : sizeof line - 1;
    if (write(log->fd, line, length) < 0)
        return; /* a full disk must not stop the server */
}
