/* report.h: the result of a migration or comparison as a page for people or JSON for machines.
 *
 * HTML: one file without scripts or anything from outside: verdict, tables, pictures as inline SVG;
 * light and dark, printable. JSON: docs/report.md. Written to a temporary name, synced, renamed. */
#ifndef GODWIT_MIGRATE_REPORT_H
#define GODWIT_MIGRATE_REPORT_H

#include <stdint.h>

#include "base/err.h"
#include "base/text.h"
#include "flow/source.h"
#include "migrate/migrate.h"
#include "migrate/verify.h"

/* Everything is borrowed. */
struct report {
    const char *verb;   /* "migrate" or "verify" */
    const char *target; /* location */
    const struct source_description *source;
    const struct verify_result *verify;
    const struct migrate_result *migrate; /* NULL for verify */
    enum err_code code;                   /* how the run ended */
    const char *sentence;                 /* err.msg; "" when ERR_OK */
    int64_t started_us;
    int64_t ended_us;
};

/* ".json" gives JSON, any other name the page. */
enum err_code report_write(const char *path, const struct report *report, struct err *err) MUST_USE;
/* The JSON document alone, for `--json`; sticky builder. */
void report_add_json(struct text *text, const struct report *report);

#endif
