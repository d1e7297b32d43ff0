/* report.c: see report.h. */
#include "milvus1/report.h"

#include <stdarg.h>
#include <stdio.h>

struct report_text report_format(const char *format, ...)
{
    struct report_text result;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(result.text, sizeof result.text, format, args);
    va_end(args);
    return result;
}

enum err_code report_flaw(struct finding_list *list, const struct finding *finding,
                          const struct flaw *flaw, struct err *err)
{
    struct finding copy = *finding;
    copy.has_offset = true;
    copy.offset = flaw->offset;
    copy.found = flaw->found;
    copy.expected = flaw->expected;
    return finding_add(list, &copy, err);
}
