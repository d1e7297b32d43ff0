/* cmd_help.c: help, version, and the two hidden commands that print man pages and completions. */
#include <string.h>

#include "cli/cmd.h"
#include "cli/manual.h"
#include "cli/options.h"
#include "cli/output.h"

static enum err_code find_command(const char *name, const struct command **ret_command,
                                  struct err *err)
{
    char shown[128];
    *ret_command = command_find(name);
    if (*ret_command == NULL)
        return err_set(err, ERR_USAGE, "there is no command %s; godwit --help lists them",
                       show_word(name, shown, sizeof shown));
    return ERR_OK;
}

static enum err_code run_help(struct arguments *arguments, struct err *err)
{
    struct text text;
    text_init(&text);
    if (arguments->operand_count == 0) {
        manual_overview(&text);
        return output_write(&text, err);
    }
    const struct command *command = NULL;
    const enum err_code code = find_command(arguments->operands[0], &command, err);
    if (code != ERR_OK)
        return code;
    manual_help(command, &text);
    return output_write(&text, err);
}

static enum err_code run_version(struct arguments *arguments, struct err *err)
{
    struct text text;
    text_init(&text);
    if (arguments_has(arguments, "json")) {
        json_open(&text, NULL, '{');
        json_add_string(&text, "version", GODWIT_VERSION);
        json_close(&text, '}');
        text_add(&text, "\n");
    } else {
        text_add(&text, "godwit " GODWIT_VERSION "\n");
    }
    return output_write(&text, err);
}

/* The names of all commands, a line each: what has a man page. */
static enum err_code list_names(struct err *err)
{
    struct text text;
    text_init(&text);
    for (size_t i = 0; commands[i] != NULL; i++)
        if (!commands[i]->is_hidden)
            text_addf(&text, "%s\n", commands[i]->name);
    return output_write(&text, err);
}

static enum err_code run_man(struct arguments *arguments, struct err *err)
{
    const struct command *command = NULL;
    const char *name = arguments->operands[0];
    if (strcmp(name, "__list") == 0)
        return list_names(err);
    const enum err_code code =
        strcmp(name, "godwit") == 0 ? ERR_OK : find_command(name, &command, err);
    if (code != ERR_OK)
        return code;
    struct text text;
    text_init(&text);
    manual_page(command, &text);
    return output_write(&text, err);
}

static enum err_code run_completion(struct arguments *arguments, struct err *err)
{
    struct text text;
    text_init(&text);
    if (strcmp(arguments->operands[0], "bash") == 0)
        manual_bash(&text);
    else if (strcmp(arguments->operands[0], "zsh") == 0)
        manual_zsh(&text);
    else
        return err_set(err, ERR_USAGE, "SHELL is bash or zsh");
    return output_write(&text, err);
}

const struct command cmd_help = {
    .name = "help",
    .summary = "show the commands, or what one of them does",
    .operands = (const struct operand_spec[]){{.name = "COMMAND", .is_optional = true}, {0}},
    .run = run_help,
};

const struct command cmd_version = {
    .name = "version",
    .summary = "show the version of the program",
    .options = (const struct option_spec[]){{.name = "json", .help = "Answer as JSON."}, {0}},
    .run = run_version,
};

const struct command cmd_man = {
    .name = "__man",
    .summary = "print the man page of a command",
    .operands = (const struct operand_spec[]){{.name = "COMMAND"}, {0}},
    .run = run_man,
    .is_hidden = true,
};

const struct command cmd_completion = {
    .name = "__completion",
    .summary = "print the completion script of a shell",
    .operands = (const struct operand_spec[]){{.name = "SHELL"}, {0}},
    .run = run_completion,
    .is_hidden = true,
};
