/* status.c: see status.h. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "milvus2/status.h"

struct status_row {
    enum milvus_code code;
    int older;
    bool is_input_error;
    const char *text;
};

#define STATUS_ROW(name, code, older, input, text) {name, older, input, text},
static const struct status_row rows[] = {STATUS_MAP(STATUS_ROW)};
#undef STATUS_ROW

static const struct status_row *row_find(enum milvus_code code)
{
    const size_t count = sizeof rows / sizeof *rows;
    for (size_t i = 0; i < count; i++)
        if (rows[i].code == code)
            return &rows[i];
    return &rows[count - 1];
}

static void set_code(struct status *status, enum milvus_code code)
{
    const struct status_row *row = row_find(code);
    status->code = row->code;
    status->older = row->older;
    status->is_input_error = row->is_input_error;
    status->is_retriable = code == MILVUS_NOT_READY || code == MILVUS_UNAVAILABLE ||
                           code == MILVUS_RATE_LIMIT || code == MILVUS_REST_LIMITER;
}

bool status_fail(struct status *status, enum milvus_code code, const char *format, ...)
{
    set_code(status, code);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(status->reason, sizeof status->reason, format, args);
    va_end(args);
    return false;
}

bool status_wrap(struct status *status, enum milvus_code code, const char *format, ...)
{
    set_code(status, code);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(status->reason, sizeof status->reason, format, args);
    va_end(args);
    const size_t size = strlen(status->reason);
    (void)snprintf(status->reason + size, sizeof status->reason - size, "%s%s",
                   size > 0 ? ": " : "", status_text(code));
    return false;
}

bool status_fields(struct status *status, enum milvus_code code, const char *format, ...)
{
    set_code(status, code);
    const int size = snprintf(status->reason, sizeof status->reason, "%s", status_text(code));
    va_list args;
    va_start(args, format);
    (void)vsnprintf(status->reason + size, sizeof status->reason - (size_t)size, format, args);
    va_end(args);
    return false;
}

bool status_expected(struct status *status, const char *expected, const char *actual,
                     const char *format, ...)
{
    set_code(status, MILVUS_INVALID);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(status->reason, sizeof status->reason, format, args);
    va_end(args);
    const size_t size = strlen(status->reason);
    (void)snprintf(status->reason + size, sizeof status->reason - size,
                   "%s%s[expected=%s][actual=%s]", size > 0 ? ": " : "",
                   status_text(MILVUS_INVALID), expected, actual);
    return false;
}

bool status_fail_err(struct status *status, const struct err *err)
{
    const struct err_mapping *mapping = err_mapping(err->code);
    set_code(status, (enum milvus_code)mapping->milvus_code);
    status->is_retriable = mapping->retry_helps;
    (void)snprintf(status->reason, sizeof status->reason, "%s", err->msg);
    return false;
}

bool status_nomem(struct status *status, const char *what)
{
    return status_fail(status, MILVUS_NO_MEMORY, "%s: out of memory", what);
}

const char *status_text(enum milvus_code code)
{
    return row_find(code)->text;
}
