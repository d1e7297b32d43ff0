/* options.h: the words of a command line, checked against a command's tables.
 *
 * `--name value`, `--name=value`, `-x value`, `-xvalue`; `--` ends the options. Names are never
 * abbreviated, an unknown one is answered with the nearest that exists. `-5` is an operand. Values
 * of secret options are overwritten in argv as soon as they are copied, so `ps` does not show them.
 */
#ifndef GODWIT_CLI_OPTIONS_H
#define GODWIT_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "cli/command.h"

#define ARGUMENTS_SIZE_MAX ((size_t)64 << 20) /* memory for the copies of argv */

struct argument_value {
    const struct option_spec *spec;
    const char *text;
    uint64_t count; /* of COUNT and SIZE */
    double number;  /* of NUMBER */
    int64_t id;     /* of ID */
};

struct arguments {
    const struct command *command;
    const char **operands;
    size_t operand_count;
    struct argument_value *values; /* in the order of the command line */
    size_t value_count;
    struct arena arena;
};

/* Reads argv[0..argc-1], the words behind the command's name. `ret_arguments` is released by
 * arguments_release, also after a failure. ERR_USAGE with a sentence, ERR_NOMEM. Operands are not
 * counted here when --help is given. */
enum err_code arguments_parse(const struct command *command, int argc, char **argv,
                              struct arguments *ret_arguments, struct err *err) MUST_USE;
void arguments_release(struct arguments *arguments);

/* True when the command has such an option at all. */
bool arguments_know(const struct arguments *arguments, const char *name);
/* The option must be one of the command's (or common), which is asserted. */
bool arguments_has(const struct arguments *arguments, const char *name);
/* The last value, NULL when the option is not there. */
const char *arguments_text(const struct arguments *arguments, const char *name);
uint64_t arguments_count(const struct arguments *arguments, const char *name, uint64_t fallback);
double arguments_number(const struct arguments *arguments, const char *name, double fallback);
int64_t arguments_id(const struct arguments *arguments, const char *name, int64_t fallback);
/* All values of a repeatable option, each also split at commas; blanks around a part are dropped,
 * empty parts are left out. `*ret_list` belongs to the arguments. */
enum err_code arguments_list(struct arguments *arguments, const char *name, const char ***ret_list,
                             size_t *ret_count, struct err *err) MUST_USE;
/* All values of a repeatable option as they are, not split. */
enum err_code arguments_all(struct arguments *arguments, const char *name, const char ***ret_list,
                            size_t *ret_count, struct err *err) MUST_USE;

/* A whole decimal 64-bit integer and nothing behind it. */
bool parse_id(const char *text, int64_t *ret_id);
/* The name nearest to `word` among `count` names, or NULL when none is near. */
const char *nearest_name(const char *word, const char *const *names, size_t count);
/* Finds the password of "scheme://user:password@host" or "user:password@tcp(host)"; the last '@'
 * counts, as in Milvus. False when there is none. */
bool password_span(const char *word, size_t *ret_from, size_t *ret_to);
/* Writes a word of the command line for a message: passwords in URIs and DSNs become "***", control
 * characters are escaped. At most size - 1 bytes; returns buffer. */
const char *show_word(const char *word, char *buffer, size_t size);
/* Overwrites the characters of a text that somebody else may read (argv, environ). */
void wipe_text(char *text);

#endif
