/* err.h: an error is a value that carries its own sentence.
 *
 * The leaf that sees the bytes says offset, found and expected (err_set); each caller that knows
 * more adds its part in front (err_wrap) and keeps the code. Nobody below cli/ and server/ prints.
 * One list makes the enum, the texts and every mapping to the outside. */
#ifndef GODWIT_BASE_ERR_H
#define GODWIT_BASE_ERR_H

#include <stdbool.h>
#include <stddef.h>

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(text_at, args_at) __attribute__((format(printf, text_at, args_at)))

/* code, text, exit status, HTTP status, gRPC status, Milvus code, retrying helps */
#define ERR_MAP(X)                                                                                 \
    X(ERR_OK, "no error", 0, 200, 0, 0, false)                                                     \
    X(ERR_INTERNAL, "internal error", 1, 200, 0, 5, false)                                         \
    X(ERR_IO, "reading or writing failed", 1, 200, 0, 1001, true)                                  \
    X(ERR_NO_COLLECTION, "collection not found", 1, 200, 0, 100, false)                            \
    X(ERR_NO_PARTITION, "partition not found", 1, 200, 0, 200, false)                              \
    X(ERR_NOT_FOUND, "not found", 1, 200, 0, 65535, false)                                         \
    X(ERR_USAGE, "wrong usage", 2, 200, 0, 1100, false)                                            \
    X(ERR_CONFIG, "wrong configuration", 2, 200, 0, 1100, false)                                   \
    X(ERR_INVALID, "invalid parameter", 2, 200, 0, 1100, false)                                    \
    X(ERR_SOURCE, "the source cannot be read", 3, 200, 0, 65535, false)                            \
    X(ERR_CORRUPT, "the data is damaged", 3, 200, 0, 65535, false)                                 \
    X(ERR_UNSUPPORTED, "not supported", 3, 200, 0, 65535, false)                                   \
    X(ERR_TARGET, "the target refused", 4, 200, 0, 65535, false)                                   \
    X(ERR_EXISTS, "exists already", 4, 200, 0, 65535, false)                                       \
    X(ERR_TEMPORARY, "temporary failure", 5, 200, 0, 1, true)                                      \
    X(ERR_NO_SPACE, "no space left", 5, 200, 0, 1002, true)                                        \
    X(ERR_NOMEM, "out of memory", 5, 200, 0, 3, true)                                              \
    X(ERR_LEFT_OUT, "done, with items left out", 6, 200, 0, 65535, false)                          \
    X(ERR_MISMATCH, "source and target differ", 7, 200, 0, 65535, false)                           \
    X(ERR_LOCKED, "locked by another process", 8, 200, 0, 65535, true)                             \
    X(ERR_STATE, "in the wrong state", 8, 200, 0, 65535, false)                                    \
    X(ERR_INTERRUPTED, "interrupted", 130, 200, 1, 65535, true)

#define ERR_ENUM(code, text, exit_status, http, grpc, milvus, retry) code,
enum err_code { ERR_MAP(ERR_ENUM) ERR_CODE_COUNT };
#undef ERR_ENUM

#define ERR_MSG_SIZE 1024

struct err {
    enum err_code code;
    char msg[ERR_MSG_SIZE]; /* one sentence, always terminated; cut when too long */
};

/* What the outside is told about a code. */
struct err_mapping {
    const char *name;
    const char *text;
    int exit_status;
    int http_status;
    int grpc_status;
    int milvus_code;
    bool retry_helps;
};

/* Sets code and sentence; returns the code, so that `return err_set(...)` reads well. `err` may be
 * NULL. Never allocates. Threads: any, on different `err`. */
enum err_code err_set(struct err *err, enum err_code code, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* Puts "text: " in front of the sentence and keeps the code, which it returns. Control characters
 * in the added text are replaced, so a hostile file name cannot forge a line of a log. */
enum err_code err_wrap(struct err *err, const char *format, ...) PRINTF_LIKE(2, 3);

/* Changes only the code (the sentence stays); returns the new one. */
enum err_code err_recode(struct err *err, enum err_code code);

/* Sets an error from an errno value: ENOSPC and EDQUOT become ERR_NO_SPACE, ENOMEM ERR_NOMEM,
 * anything else ERR_IO. The sentence is "TEXT: strerror". */
enum err_code err_errno(struct err *err, int errno_value, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* ERR_NOMEM with "TEXT: out of memory". */
enum err_code err_nomem(struct err *err, const char *what);

/* The row of ERR_MAP of a code; never NULL (an unknown code is ERR_INTERNAL). */
const struct err_mapping *err_mapping(enum err_code code);

#endif
