/* open.h: the operand SOURCE with its options, and which part of it is meant.
 *
 * Errors get the exit status of the contract here: a source that is not there is unreadable (3). */
#ifndef GODWIT_CLI_OPEN_H
#define GODWIT_CLI_OPEN_H

#include "base/err.h"
#include "base/text.h"
#include "cli/options.h"
#include "flow/source.h"
#include "milvus1/milvus1.h"

/* Rows of an option table that say where the parts of a source are. */
#define SOURCE_OPTIONS                                                                             \
    {.name = "config",                                                                             \
     .kind = OPTION_FILE,                                                                          \
     .argument = "FILE",                                                                           \
     .help = "The server's server_config.yaml: says where metadata, segments and log are."},       \
        {.name = "meta",                                                                           \
         .kind = OPTION_TEXT,                                                                      \
         .is_secret = true,                                                                        \
         .argument = "URI",                                                                        \
         .help = "Where the metadata is: mysql://USER@HOST:PORT/DATABASE, "                        \
                 "USER@tcp(HOST:PORT)/DATABASE, a meta.sqlite or a meta.json file. A password "    \
                 "may stand in it, but is better given by one of the next two."},                  \
        {.name = "meta-password-file",                                                             \
         .kind = OPTION_FILE,                                                                      \
         .argument = "FILE",                                                                       \
         .help = "A file whose first line is the password for --meta (or set "                     \
                 "GODWIT_META_PASSWORD)."},                                                        \
        {.name = "wal",                                                                            \
         .kind = OPTION_FOLDER,                                                                    \
         .argument = "DIR",                                                                        \
         .help = "The folder of the write-ahead log (default: as the configuration says, or "      \
                 "wal beside db)."},                                                               \
        {.name = "no-wal",                                                                         \
         .help = "The server ran with its write-ahead log switched off: do not look for one."},    \
        {.name = "allow-running",                                                                  \
         .help = "Go on although a server seems to use the files. What it writes meanwhile may "   \
                 "be missed."},                                                                    \
        {.name = "include-unacknowledged",                                                         \
         .help = "Where the log's own notes are lost, take every whole record, also those that "   \
                 "the server may not have confirmed."},                                            \
    {                                                                                              \
        .name = "rescue-skipped",                                                                  \
        .help = "Bring rows of the log whose partition tag the server could not resolve, and "     \
                "would have dropped."                                                              \
    }

#define SOURCE_PASSWORD_SIZE 1024

/* The options above, read. */
struct source_arguments {
    struct milvus1_options options;
    char password[SOURCE_PASSWORD_SIZE]; /* wiped by source_arguments_release */
};
/* `path`: the operand SOURCE. `ret_arguments` must be released in every case. */
enum err_code source_arguments_read(const struct arguments *arguments, const char *path,
                                    struct source_arguments *ret_arguments,
                                    struct err *err) MUST_USE;
/* The password alone: --meta-password-file, else the environment; "" when there is none. */
enum err_code source_password_read(const struct arguments *arguments, char *password,
                                   struct err *err) MUST_USE;
void source_arguments_release(struct source_arguments *source);
/* Opens a Milvus 1.x installation, a package, or a Godwit database. */
enum err_code source_arguments_open(const struct source_arguments *source,
                                    struct source **ret_source, struct err *err) MUST_USE;
/* JSON from which a job can open the same source again; without secrets. Sticky builder. */
void source_arguments_add_json(const struct source_arguments *source, struct text *text);
/* Fills `ret_arguments` from such JSON; texts live in `arena`. */
enum err_code source_arguments_from_json(const char *json, struct arena *arena,
                                         struct source_arguments *ret_arguments,
                                         struct err *err) MUST_USE;

/* A URI or DSN without its password; arena. NULL when memory ends. */
const char *uri_without_password(const char *uri, struct arena *arena);
/* The command line for a job's log: no passwords. Sticky builder. */
void command_line_add(const struct arguments *arguments, struct text *text);

/* --collections, --rename, --duplicates, --skip-damaged as a selection. */
struct selection;
#define SELECTION_OPTIONS                                                                          \
    {.name = "collections",                                                                        \
     .kind = OPTION_TEXT,                                                                          \
     .is_repeatable = true,                                                                        \
     .argument = "NAME,...",                                                                       \
     .help = "Only these collections, with all their partitions (default: all)."},                 \
        {.name = "rename",                                                                         \
         .kind = OPTION_TEXT,                                                                      \
         .is_repeatable = true,                                                                    \
         .argument = "OLD=NEW,...",                                                                \
         .help = "Other names in the target."},                                                    \
        {.name = "duplicates",                                                                     \
         .kind = OPTION_CHOICE,                                                                    \
         .argument = "POLICY",                                                                     \
         .choices = "keep first fail",                                                             \
         .help = "Ids that occur more than once in a collection: keep every row (the default, "    \
                 "as Milvus counts them), keep the first row, or fail."},                          \
    {                                                                                              \
        .name = "skip-damaged",                                                                    \
        .help = "Leave out segments that cannot be read, name them, and end with status 6."        \
    }
/* `ret_selection` is initialised in every case; the caller releases it. */
enum err_code selection_read(struct arguments *arguments, struct selection *ret_selection,
                             struct err *err) MUST_USE;

#endif
