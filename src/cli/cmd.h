/* cmd.h: the commands, one a file. */
#ifndef GODWIT_CLI_CMD_H
#define GODWIT_CLI_CMD_H

#include "cli/command.h"

extern const struct command cmd_help;
extern const struct command cmd_version;
extern const struct command cmd_man;
extern const struct command cmd_completion;

#endif
