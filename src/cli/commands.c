/* commands.c: the list of commands: a new one is a file, a line here and a line in cmd.h. */
#include <string.h>

#include "cli/cmd.h"
#include "cli/command.h"

const struct command *const commands[] = {
    &cmd_inspect,     &cmd_migrate,  &cmd_verify, &cmd_jobs,       &cmd_export, &cmd_package,
    &cmd_collections, &cmd_describe, &cmd_count,  &cmd_get,        &cmd_query,  &cmd_search,
    &cmd_explain,     &cmd_index,    &cmd_serve,  &cmd_import,     &cmd_unload, &cmd_drop,
    &cmd_version,     &cmd_help,     &cmd_man,    &cmd_completion, NULL,
};

const struct command *command_find(const char *name)
{
    for (size_t i = 0; commands[i] != NULL; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}
