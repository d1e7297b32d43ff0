/* command.h: what a command of the program is: one table from which parsing, --help, the man page
 * and the completion of both shells are made.
 *
 * Every command stands in its own file as a `const struct command`; commands.c lists them. All
 * texts are static. Options end with a row whose name is NULL, operands and examples likewise. */
#ifndef GODWIT_CLI_COMMAND_H
#define GODWIT_CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum option_kind {
    OPTION_FLAG,   /* no argument */
    OPTION_TEXT,   /* anything, not empty */
    OPTION_FILE,   /* as TEXT; shells complete files */
    OPTION_FOLDER, /* as TEXT; shells complete folders */
    OPTION_COUNT,  /* a whole number from `min` to `max` */
    OPTION_SIZE,   /* bytes: 500, 50M (10^6), 50Mi (2^20); `min` to `max` */
    OPTION_NUMBER, /* a decimal number from `min` to `max` */
    OPTION_ID,     /* a 64-bit integer, may be negative */
    OPTION_CHOICE  /* one of the words in `choices`, separated by blanks */
};

struct option_spec {
    const char *name; /* without dashes */
    char letter;      /* short form, or 0 */
    enum option_kind kind;
    bool is_repeatable; /* otherwise the second time is an error */
    bool is_secret;     /* may hold a password: wiped from the process list once read */
    const char *argument;
    const char *help;
    const char *choices;
    uint64_t min;
    uint64_t max; /* 0: no maximum */
};

struct operand_spec {
    const char *name;
    bool is_optional;
    bool is_repeated;      /* the last one only: any number, at least one unless optional */
    enum option_kind kind; /* TEXT, FILE, FOLDER: for completion */
};

struct example {
    const char *line;
    const char *what;
};

struct arguments;

struct command {
    const char *name;
    const char *summary; /* one line, small letter, no full stop */
    const struct operand_spec *operands;
    const struct option_spec *options;
    const char *description; /* paragraphs, an empty line between them */
    const struct example *examples;
    enum err_code (*run)(struct arguments *arguments, struct err *err);
    bool is_hidden; /* for building and testing; not in any list */
};

/* Options that every command takes (options.c). */
extern const struct option_spec common_options[];

/* All commands in the order of help; NULL ends the list. */
extern const struct command *const commands[];
/* The command of a name, or NULL. */
const struct command *command_find(const char *name);

#endif
