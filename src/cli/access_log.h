/* access_log.h: a line for each call that the server answered, and a word about slow ones. */
#ifndef GODWIT_CLI_ACCESS_LOG_H
#define GODWIT_CLI_ACCESS_LOG_H

#include <stdint.h>

#include "base/err.h"

struct access_log;
struct server_access;

/* `path`: appended to; "-" standard error, NULL: only slow calls are told. slow_ms 0: none are.
 * ERR_CONFIG when the file cannot be opened. */
enum err_code access_log_open(const char *path, uint64_t slow_ms, struct access_log **ret_log,
                              struct err *err) MUST_USE;
void access_log_close(struct access_log *log); /* NULL accepted */
/* The server's hook; `argument` is the log. Threads: any. */
void access_log_write(void *argument, const struct server_access *access);

#endif
