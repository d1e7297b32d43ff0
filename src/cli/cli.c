/* cli.c: see cli.h. Each failure is told here and nowhere else. */
#include "cli/cli.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "cli/command.h"
#include "cli/manual.h"
#include "cli/options.h"
#include "cli/output.h"

#define SHOWN_SIZE 256
#define NAMES_MAX 64

static enum err_code unknown_command(const char *word, struct err *err)
{
    const char *names[NAMES_MAX];
    size_t count = 0;
    for (size_t i = 0; commands[i] != NULL && count < NAMES_MAX; i++)
        if (!commands[i]->is_hidden)
            names[count++] = commands[i]->name;
    char shown[SHOWN_SIZE];
    (void)show_word(word, shown, sizeof shown);
    const char *near = nearest_name(word, names, count);
    if (near != NULL)
        return err_set(err, ERR_USAGE, "unknown command %s; did you mean %s?", shown, near);
    return err_set(err, ERR_USAGE, "unknown command %s; godwit --help lists them", shown);
}

/* `*ret_misused` is set when the words of the command line were wrong. */
static enum err_code run_command(const struct command *command, int argc, char **argv,
                                 const struct command **ret_misused, struct err *err)
{
    struct arguments arguments;
    enum err_code code = arguments_parse(command, argc, argv, &arguments, err);
    if (code == ERR_OK && arguments_has(&arguments, "no-color"))
        output_forbid_colours();
    if (code == ERR_OK && arguments_know(&arguments, "progress")) {
        const char *progress = arguments_text(&arguments, "progress");
        if (progress != NULL && strcmp(progress, "json") == 0)
            log_as_json();
    }
    if (code == ERR_OK && arguments_has(&arguments, "help")) {
        struct text text;
        text_init(&text);
        manual_help(command, &text);
        code = output_write(&text, err);
    } else if (code == ERR_OK) {
        code = command->run(&arguments, err);
    }
    if (code == ERR_USAGE)
        *ret_misused = command;
    arguments_release(&arguments);
    return code;
}

static enum err_code dispatch(int argc, char **argv, const struct command **ret_misused,
                              struct err *err)
{
    if (argc < 2)
        return err_set(err, ERR_USAGE, "a command is missing; godwit --help lists them");
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        name = "help";
    else if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0)
        name = "version";
    const struct command *command = command_find(name);
    if (command == NULL)
        return unknown_command(name, err);
    return run_command(command, argc - 2, argv + 2, ret_misused, err);
}

static void tell_usage(const struct command *command)
{
    struct text text;
    text_init(&text);
    manual_usage(command, &text);
    log_line("usage: %s; godwit %s --help tells more", text_get(&text), command->name);
    text_release(&text);
}

int cli_main(int argc, char **argv)
{
    output_start();
    struct err err = {.code = ERR_OK};
    const struct command *misused = NULL;
    enum err_code code = dispatch(argc, argv, &misused, &err);
    struct err late = {.code = ERR_OK};
    errno = 0;
    const enum err_code finish = output_finish(&late);
    if (finish != ERR_OK && errno == EPIPE)
        return code != ERR_OK ? err_mapping(code)->exit_status : 1; /* the reader went away */
    if (code == ERR_OK && finish != ERR_OK) {
        code = finish;
        err = late;
    }
    if (code != ERR_OK)
        log_error("%s", err.msg[0] != '\0' ? err.msg : err_mapping(code)->text);
    if (misused != NULL)
        tell_usage(misused);
    return err_mapping(code)->exit_status;
}
