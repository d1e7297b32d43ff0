/* err.c: see err.h. */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ERR_ROW(code, text, exit_status, http, grpc, milvus, retry)                                \
    {#code, text, exit_status, http, grpc, milvus, retry},
static const struct err_mapping err_mappings[] = {ERR_MAP(ERR_ROW)};

/* Names of files and tags come from outside: keep them on one line. */
static void replace_controls(char *text)
{
    for (; *text != '\0'; text++) {
        const unsigned char c = (unsigned char)*text;
        if (c < 0x20 || c == 0x7f)
            *text = '?';
    }
}

enum err_code err_set(struct err *err, enum err_code code, const char *format, ...)
{
    if (err == NULL)
        return code;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(err->msg, sizeof err->msg, format, args);
    va_end(args);
    replace_controls(err->msg);
    err->code = code;
    return code;
}

enum err_code err_wrap(struct err *err, const char *format, ...)
{
    if (err == NULL)
        return ERR_INTERNAL;
    char front[ERR_MSG_SIZE];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(front, sizeof front, format, args);
    va_end(args);
    replace_controls(front);
    char whole[2 * ERR_MSG_SIZE + 4];
    (void)snprintf(whole, sizeof whole, "%s: %s", front, err->msg);
    memcpy(err->msg, whole, sizeof err->msg - 1);
    err->msg[sizeof err->msg - 1] = '\0';
    return err->code;
}

enum err_code err_recode(struct err *err, enum err_code code)
{
    if (err != NULL)
        err->code = code;
    return code;
}

enum err_code err_errno(struct err *err, int errno_value, const char *format, ...)
{
    enum err_code code = ERR_IO;
    if (errno_value == ENOSPC || errno_value == EDQUOT)
        code = ERR_NO_SPACE;
    else if (errno_value == ENOMEM)
        code = ERR_NOMEM;
    char text[ERR_MSG_SIZE];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    char reason[128];
    const char *why = strerror_r(errno_value, reason, sizeof reason);
    return err_set(err, code, "%s: %s", text, why);
}

enum err_code err_nomem(struct err *err, const char *what)
{
    return err_set(err, ERR_NOMEM, "%s: out of memory", what);
}

const struct err_mapping *err_mapping(enum err_code code)
{
    const size_t index = (size_t)code;
    return &err_mappings[index < ERR_CODE_COUNT ? index : ERR_INTERNAL];
}
