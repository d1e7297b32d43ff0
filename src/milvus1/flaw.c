/* flaw.c: see flaw.h. */
#include "milvus1/flaw.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum err_code flaw_set(struct flaw *ret_flaw, enum err_code code, uint64_t offset,
                       const char *found_format, ...)
{
    if (ret_flaw == NULL)
        return code;
    ret_flaw->offset = offset;
    ret_flaw->expected[0] = '\0';
    va_list args;
    va_start(args, found_format);
    (void)vsnprintf(ret_flaw->found, sizeof ret_flaw->found, found_format, args);
    va_end(args);
    return code;
}

void flaw_expect(struct flaw *ret_flaw, const char *format, ...)
{
    if (ret_flaw == NULL)
        return;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(ret_flaw->expected, sizeof ret_flaw->expected, format, args);
    va_end(args);
}

enum err_code flaw_to_err(const struct flaw *flaw, enum err_code code, const char *path,
                          struct err *err)
{
    return err_set(err, code, "%s: offset %" PRIu64 ": %s; expected %s", path, flaw->offset,
                   flaw->found, flaw->expected);
}
