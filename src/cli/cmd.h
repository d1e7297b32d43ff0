/* cmd.h: the commands, one a file. */
#ifndef GODWIT_CLI_CMD_H
#define GODWIT_CLI_CMD_H

#include "cli/command.h"

extern const struct command cmd_collections;
extern const struct command cmd_completion;
extern const struct command cmd_count;
extern const struct command cmd_describe;
extern const struct command cmd_drop;
extern const struct command cmd_explain;
extern const struct command cmd_export;
extern const struct command cmd_get;
extern const struct command cmd_help;
extern const struct command cmd_import;
extern const struct command cmd_index;
extern const struct command cmd_inspect;
extern const struct command cmd_jobs;
extern const struct command cmd_man;
extern const struct command cmd_migrate;
extern const struct command cmd_package;
extern const struct command cmd_query;
extern const struct command cmd_search;
extern const struct command cmd_serve;
extern const struct command cmd_unload;
extern const struct command cmd_verify;
extern const struct command cmd_version;

#endif
