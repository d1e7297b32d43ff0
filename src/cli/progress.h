/* progress.h: shows on stderr how far long work is, from a thread of its own.
 *
 * On a terminal a block that is redrawn in place: a line a collection under way and one for all;
 * else a line every few seconds, or JSON, one object a line. Whoever works is asked for numbers and
 * is not slowed down. Nothing goes to stdout. */
#ifndef GODWIT_CLI_PROGRESS_H
#define GODWIT_CLI_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "cli/options.h"
#include "engine/index_watch.h"
#include "flow/meter.h"
#include "migrate/progress.h"

#define PROGRESS_OPTION                                                                            \
    {                                                                                              \
        .name = "progress", .kind = OPTION_CHOICE, .argument = "FORM",                             \
        .choices = "auto plain json none",                                                         \
        .help = "How progress is shown on standard error: bars on a terminal and a line every "    \
                "few seconds otherwise (auto), lines (plain), JSON lines (json), or not at all "   \
                "(none)."                                                                          \
    }

struct progress_display;

/* Starts showing; `progress` or `meter` (the other is NULL) must live until progress_stop.
 * `verb`: "migrate", "package". A display that cannot be started is simply not there: *never* an
 * error of the work. NULL when the form is none or memory ended. */
struct progress_display *progress_start(const struct arguments *arguments, const char *verb,
                                        const struct migrate_progress *progress,
                                        const struct meter *meter);
/* The same for a build of indexes. */
struct progress_display *progress_start_index(const struct arguments *arguments,
                                              const struct index_watch *watch);
/* Draws the last state, clears the block, ends the thread. NULL accepted. */
void progress_stop(struct progress_display *display);

#endif
