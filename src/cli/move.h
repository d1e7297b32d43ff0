/* move.h: the run that `migrate` and `jobs resume` share: open both ends, move, prove, report. */
#ifndef GODWIT_CLI_MOVE_H
#define GODWIT_CLI_MOVE_H

#include <stdbool.h>

#include "base/err.h"
#include "cli/open.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "flow/target.h"
#include "migrate/report.h"
#include "migrate/selection.h"

/* How the work is done and shown: does not change what is moved. */
#define RUN_OPTIONS                                                                                \
    {.name = "jobs",                                                                               \
     .letter = 'j',                                                                                \
     .kind = OPTION_COUNT,                                                                         \
     .argument = "N",                                                                              \
     .min = 1,                                                                                     \
     .max = 256,                                                                                   \
     .help = "Work on N segments at once (default: one a processor)."},                            \
        {.name = "limit-rate",                                                                     \
         .kind = OPTION_SIZE,                                                                      \
         .argument = "SIZE",                                                                       \
         .min = 1,                                                                                 \
         .help = "Move at most this many bytes a second: 50M, 200Mi."},                            \
        REPORT_OPTION, PROGRESS_OPTION,                                                            \
    {                                                                                              \
        .name = "json", .help = "Answer as JSON (docs/cli.md)."                                    \
    }
#define REPORT_OPTION                                                                              \
    {                                                                                              \
        .name = "report", .kind = OPTION_FILE, .is_repeatable = true, .argument = "FILE",          \
        .help = "Write a report: a self-contained page, or JSON when the name ends in .json."      \
    }

struct move {
    struct arguments *arguments; /* RUN_OPTIONS of it are used */
    const struct source_arguments *from;
    const char *to; /* location of the target */
    const struct selection *selection;
    enum if_exists if_exists;
    const char *way; /* "copy" or "link" */
    bool is_dry_run;
    bool restart;
};
/* Moves, tells the result on stdout and what to do next on stderr. Errors: those of opening and of
 * migrate_run(). */
enum err_code move_run(const struct move *move, struct err *err) MUST_USE;

/* For verify too: writes every --report; the first failure is returned. */
enum err_code reports_write(struct arguments *arguments, const struct report *report,
                            struct err *err) MUST_USE;
/* The comparison as a table, then the ids that differ. Sticky builder. */
void comparison_write(const struct verify_result *result, struct text *text);
/* Warnings and worse of a source, on stderr. */
void findings_log(const struct source_description *description);

#endif
