/* commands.c: the list of commands: a new one is a file, a line here and a line in cmd.h. */
#include <string.h>

#include "cli/cmd.h"
#include "cli/command.h"

const struct option_spec common_options[] = {
    {.name = "help", .letter = 'h', .help = "Show what the command does and its options."},
    {.name = "no-color", .help = "No colours, also on a terminal."},
    {.name = NULL},
};

const struct command *const commands[] = {
    &cmd_help, &cmd_version, &cmd_man, &cmd_completion, NULL,
};

const struct command *command_find(const char *name)
{
    for (size_t i = 0; commands[i] != NULL; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}
