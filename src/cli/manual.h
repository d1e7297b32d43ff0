/* manual.h: help texts, man pages and completions, all made from the command tables.
 *
 * Each appends to a text builder (sticky). man/ and completions/ hold what the hidden commands
 * `godwit __man NAME` and `godwit __completion SHELL` print; a test compares them. */
#ifndef GODWIT_CLI_MANUAL_H
#define GODWIT_CLI_MANUAL_H

#include <stddef.h>

#include "base/text.h"
#include "cli/command.h"

/* Exit statuses as the contract has them; ends with a NULL text. */
struct exit_status {
    int status;
    const char *text;
};
extern const struct exit_status exit_statuses[];
/* Environment variables; `name` is the variable, `text` what it does. */
struct variable {
    const char *name;
    const char *text;
};
extern const struct variable variables[];

/* "godwit migrate [OPTION]... SOURCE" */
void manual_usage(const struct command *command, struct text *text);
/* --help of one command, of the program. */
void manual_help(const struct command *command, struct text *text);
void manual_overview(struct text *text);
/* A page in man(7) macros; command NULL: the page of the program. */
void manual_page(const struct command *command, struct text *text);
void manual_bash(struct text *text);
void manual_zsh(struct text *text);
/* Appends words, wrapped to `width` columns; every line after the first starts with `indent`
 * blanks; `column` is where the first line stands already. */
void manual_wrap(struct text *text, const char *words, size_t indent, size_t column, size_t width);

#endif
