/* report.c: see report.h. */
#include "migrate/report.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/file.h"
#include "base/path.h"
#include "migrate/report_parts.h"

const char *report_verdict(const struct report *report)
{
    switch (report->code) {
    case ERR_OK:
        return "equal";
    case ERR_LEFT_OUT:
        return "left_out";
    case ERR_MISMATCH:
        return "differs";
    case ERR_INTERRUPTED:
        return "interrupted";
    default:
        return "failed";
    }
}

const char *report_presence(enum presence presence)
{
    static const char *const names[] = {"both", "source", "target"};
    return names[presence];
}

void report_checksum(const struct tally *tally, char *buffer)
{
    (void)snprintf(buffer, REPORT_CHECKSUM_SIZE, "%016" PRIx64 "%016" PRIx64, tally->sum.high,
                   tally->sum.low);
}

enum err_code report_write(const char *path, const struct report *report, struct err *err)
{
    struct text text;
    text_init(&text);
    if (path_has_suffix(path, ".json")) {
        report_add_json(&text, report);
        text_add(&text, "\n");
    } else {
        report_add_html(&text, report);
    }
    enum err_code code = text_failed(&text) ? err_nomem(err, path)
                                            : file_replace(path, text_get(&text), text.size, err);
    text_release(&text);
    if (code != ERR_OK)
        return err_wrap(err, "report");
    return ERR_OK;
}
