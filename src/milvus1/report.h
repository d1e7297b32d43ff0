/* report.h: adding findings without ceremony. */
#ifndef GODWIT_MILVUS1_REPORT_H
#define GODWIT_MILVUS1_REPORT_H

#include "base/err.h"
#include "flow/finding.h"
#include "milvus1/flaw.h"

#define REPORT_TEXT_SIZE 320

/* A formatted text in a buffer of its own. `REPORT_TEXT("%d rows", n)` lives to the end of the full
 * expression, so use it inside a compound literal that is an argument of a call, never to
 * initialise a variable. */
struct report_text {
    char text[REPORT_TEXT_SIZE];
};
struct report_text report_format(const char *format, ...) PRINTF_LIKE(1, 2);
#define REPORT_TEXT(...) (report_format(__VA_ARGS__).text)

/* Adds `finding` with offset, found and expected taken from a flaw. */
enum err_code report_flaw(struct finding_list *list, const struct finding *finding,
                          const struct flaw *flaw, struct err *err) MUST_USE;

#endif
