/* status.h: what a Milvus client is told about an operation: code, older code, sentence.
 *
 * Clients decide by the code (pymilvus, Java, Go) or by the older one (Node); test suites look for
 * words of the sentence. So both codes are always set, and sentences are worded as Milvus words
 * them: "TEXT: base text[key=value]". The numbers are those of Milvus's merr package. */
#ifndef GODWIT_MILVUS2_STATUS_H
#define GODWIT_MILVUS2_STATUS_H

#include <stdbool.h>

#include "base/err.h"

/* name, code, older code, the caller's mistake, base text */
#define STATUS_MAP(X)                                                                              \
    X(MILVUS_OK, 0, 0, false, "")                                                                  \
    X(MILVUS_NOT_READY, 1, 56, false, "service not ready")                                         \
    X(MILVUS_UNAVAILABLE, 2, 1, false, "service unavailable")                                      \
    X(MILVUS_NO_MEMORY, 3, 52, false, "memory limit exceeded")                                     \
    X(MILVUS_INTERNAL, 5, 1, false, "service internal error")                                      \
    X(MILVUS_DISK_LIMIT, 7, 54, false, "disk limit exceeded")                                      \
    X(MILVUS_RATE_LIMIT, 8, 49, false, "rate limit exceeded")                                      \
    X(MILVUS_QUOTA, 9, 48, false, "quota exceeded")                                                \
    X(MILVUS_UNIMPLEMENTED, 10, 1, false, "service unimplemented")                                 \
    X(MILVUS_NO_COLLECTION, 100, 4, true, "collection not found")                                  \
    X(MILVUS_NOT_LOADED, 101, 1, false, "collection not loaded")                                   \
    X(MILVUS_TOO_MANY_COLLECTIONS, 102, 1, false, "exceeded the limit number of collections")      \
    X(MILVUS_ALREADY_LOADED, 104, 1, false, "collection already loaded")                           \
    X(MILVUS_ILLEGAL_SCHEMA, 105, 1, true, "illegal collection schema")                            \
    X(MILVUS_SCHEMA_MISMATCH, 109, 62, true, "collection schema mismatch")                         \
    X(MILVUS_NO_PARTITION, 200, 15, true, "partition not found")                                   \
    X(MILVUS_PARTITION_NOT_LOADED, 201, 1, false, "partition not loaded")                          \
    X(MILVUS_NO_INDEX, 700, 25, true, "index not found")                                           \
    X(MILVUS_INDEX_UNSUPPORTED, 701, 1, true, "index type not supported")                          \
    X(MILVUS_INDEX_DUPLICATE, 702, 1, true, "index duplicates")                                    \
    X(MILVUS_NO_DATABASE, 800, 1, true, "database not found")                                      \
    X(MILVUS_TOO_MANY_DATABASES, 801, 1, false, "exceeded the limit number of database")           \
    X(MILVUS_DATABASE_NAME, 802, 1, true, "invalid database name")                                 \
    X(MILVUS_NO_KEY, 1000, 1, false, "key not found")                                              \
    X(MILVUS_IO, 1001, 1, false, "IO failed")                                                      \
    X(MILVUS_INVALID, 1100, 5, true, "invalid parameter")                                          \
    X(MILVUS_MISSING, 1101, 1, true, "missing parameter")                                          \
    X(MILVUS_TOO_LARGE, 1102, 1, true, "parameter too large")                                      \
    X(MILVUS_NOT_AUTHENTICATED, 1400, 1, true, "not authenticated")                                \
    X(MILVUS_NOT_PERMITTED, 1401, 1, true, "privilege not permitted")                              \
    X(MILVUS_NO_ALIAS, 1600, 1, true, "alias not found")                                           \
    X(MILVUS_ALIAS_CONFLICT, 1601, 1, true, "alias and collection name conflict")                  \
    X(MILVUS_ALIAS_EXISTS, 1602, 1, true, "alias already exist")                                   \
    X(MILVUS_NO_FIELD, 1700, 1, true, "field not found")                                           \
    X(MILVUS_FIELD_NAME, 1701, 1, true, "field name invalid")                                      \
    X(MILVUS_REST_NO_AUTH, 1800, 1, true, "user hasn't authenticated")                             \
    X(MILVUS_REST_JSON, 1801, 1, true, "can only accept json format request")                      \
    X(MILVUS_REST_MISSING, 1802, 1, true, "missing required parameters")                           \
    X(MILVUS_REST_SCHEMA, 1803, 1, true, "fail to marshal collection schema")                      \
    X(MILVUS_REST_INSERT, 1804, 1, true, "fail to deal the insert data")                           \
    X(MILVUS_REST_RESULT, 1805, 1, true, "fail to parse search result")                            \
    X(MILVUS_REST_PRIMARY, 1806, 1, true,                                                          \
      "please check the primary key and its' type can only in [int, string]")                      \
    X(MILVUS_REST_LIMITER, 1807, 1, false, "request is rejected by limiter")                       \
    X(MILVUS_IMPORT, 2100, 1, true, "importing data failed")                                       \
    X(MILVUS_UNSUPPORTED, 3000, 1, true, "unsupported operation")                                  \
    X(MILVUS_CANCELLED, 10000, 1, false, "context canceled")                                       \
    X(MILVUS_TIMEOUT, 10001, 1, false, "context deadline exceeded")                                \
    X(MILVUS_ERROR, 65535, 1, false, "")

#define STATUS_ENUM(name, code, older, input, text) name = code,
enum milvus_code { STATUS_MAP(STATUS_ENUM) };
#undef STATUS_ENUM

#define STATUS_REASON_SIZE 2048

struct status {
    enum milvus_code code;
    int older;           /* Status.error_code */
    bool is_input_error; /* extra_info: the caller's mistake */
    bool is_retriable;
    char reason[STATUS_REASON_SIZE]; /* always terminated; cut when too long */
};

/* Sets a failure with this sentence, unchanged; returns false, so that `return status_fail(...)`
 * reads well. Threads: any, on different statuses. */
bool status_fail(struct status *status, enum milvus_code code, const char *format, ...)
    PRINTF_LIKE(3, 4);
/* The same with ": BASE TEXT" behind the sentence, as Milvus wraps its errors; an empty sentence
 * gives the base text alone. */
bool status_wrap(struct status *status, enum milvus_code code, const char *format, ...)
    PRINTF_LIKE(3, 4);
/* "BASE TEXT[key=value]..."; `fields` is the formatted bracket part. */
bool status_fields(struct status *status, enum milvus_code code, const char *format, ...)
    PRINTF_LIKE(3, 4);
/* "SENTENCE: invalid parameter[expected=...][actual=...]". */
bool status_expected(struct status *status, const char *expected, const char *actual,
                     const char *format, ...) PRINTF_LIKE(4, 5);
/* Takes over an error of the engine: ERR_MAP says which code. */
bool status_fail_err(struct status *status, const struct err *err);
/* No memory for `what`. */
bool status_nomem(struct status *status, const char *what);

/* The base text of a code; "" when it has none. */
const char *status_text(enum milvus_code code);

#endif
