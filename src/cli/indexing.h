/* indexing.h: indexes after rows: in the background of migrate and import, or awaited.
 *
 * Rows are safe and searchable before an index is thought of, so nothing here changes what a
 * command answers or its exit status; what goes wrong is a line on stderr and stands in `godwit
 * jobs`. */
#ifndef GODWIT_CLI_INDEXING_H
#define GODWIT_CLI_INDEXING_H

#include <stdbool.h>

#include "base/err.h"
#include "base/text.h"
#include "cli/options.h"
#include "engine/index.h"
#include "engine/index_status.h"

/* Of commands that add rows. */
#define INDEXING_OPTIONS                                                                           \
    {.name = "wait-index",                                                                         \
     .help = "Stay until the indexes are built, and show how far they are. Otherwise a process "   \
             "of its own builds them in the background; godwit jobs shows it. Needed where the "   \
             "end of the command ends everything: in a container, in CI."},                        \
    {                                                                                              \
        .name = "no-index", .help = "Build no indexes now; godwit index DB --build does it later." \
    }

/* ERR_USAGE when both are given. */
enum err_code indexing_check(const struct arguments *arguments, struct err *err) MUST_USE;
/* The command has added rows to a collection (NULL: to some) of the database in `folder`, and has
 * told its result. No thread may be running. */
void indexing_follow(const struct arguments *arguments, const char *folder, const char *collection);

/* Starts a builder in the background, which leaves it to the one there is. */
enum err_code indexing_detach(const char *folder, struct err *err) MUST_USE;

/* A build in the foreground, with progress. `waits`: for the builder there is. */
struct indexing {
    const struct arguments *arguments;
    const char *folder;
    const char *collection; /* NULL: all */
    struct index_options options;
    bool waits;
};
enum err_code indexing_build(const struct indexing *indexing, struct index_counts *ret_counts,
                             struct err *err) MUST_USE;

/* How the indexes of a folder are: what there is and what is being done. */
struct indexing_summary {
    struct index_status status;
    size_t possible; /* segments that should have one */
    size_t ready;    /* of them, that do */
};
void indexing_summarize(const char *folder, struct indexing_summary *ret_summary);
/* One word: none, complete, missing, building, interrupted, stopped, failed. */
const char *indexing_state(const struct indexing_summary *summary);
/* An object under `key` / a line; nothing when there is nothing to index. Sticky builders. */
void indexing_add_json(const struct indexing_summary *summary, const char *key, struct text *text);
void indexing_add_line(const struct indexing_summary *summary, struct text *text);

#endif
