/* completion.c: completion scripts for bash and zsh (see manual.h).
 *
 * bash: one case a command; the word before decides whether a value is wanted, and of which kind.
 * zsh: one _arguments call a command. */
#include <string.h>

#include "cli/manual.h"

static const char *const head =
    "# Made from the command tables of godwit; change src/cli and run scripts/update-manuals.\n";

static bool takes_path(enum option_kind kind)
{
    return kind == OPTION_FILE || kind == OPTION_FOLDER;
}

/* "--to|-o) COMPREPLY=(...) ;;" for every option with a value. */
static void bash_values(const struct option_spec *options, struct text *text)
{
    for (const struct option_spec *o = options; o != NULL && o->name != NULL; o++) {
        if (o->kind == OPTION_FLAG)
            continue;
        text_addf(text, "        --%s", o->name);
        if (o->letter != 0)
            text_addf(text, "|-%c", o->letter);
        if (o->kind == OPTION_CHOICE)
            text_addf(text, ") _godwit_words \"%s\"; return ;;\n", o->choices);
        else if (takes_path(o->kind))
            text_addf(text, ") _godwit_%s; return ;;\n",
                      o->kind == OPTION_FILE ? "files" : "folders");
        else
            text_add(text, ") return ;;\n");
    }
}

static void bash_names(const struct option_spec *options, struct text *text)
{
    for (const struct option_spec *o = options; o != NULL && o->name != NULL; o++)
        text_addf(text, " --%s", o->name);
}

static bool operands_are_paths(const struct command *command)
{
    for (const struct operand_spec *o = command->operands; o != NULL && o->name != NULL; o++)
        if (takes_path(o->kind))
            return true;
    return false;
}

static void bash_command(const struct command *command, struct text *text)
{
    text_addf(text, "    %s)\n        case $previous in\n", command->name);
    bash_values(command->options, text);
    text_add(text,
             "        esac\n        if [[ $word == -* ]]; then\n            _godwit_words \"");
    struct text names;
    text_init(&names);
    bash_names(command->options, &names);
    bash_names(common_options, &names);
    text_add(text, text_get(&names) + (names.size > 0));
    text->has_failed = text->has_failed || text_failed(&names);
    text_release(&names);
    text_add(text, "\"\n");
    if (strcmp(command->name, "help") == 0)
        text_add(text, "        else\n            _godwit_words \"$commands\"\n");
    else if (operands_are_paths(command))
        text_add(text, "        else\n            _godwit_files\n");
    text_add(text, "        fi\n        ;;\n");
}

void manual_bash(struct text *text)
{
    text_add(text, head);
    text_add(text, "\n_godwit_words()\n{\n    mapfile -t COMPREPLY < <(compgen -W \"$1\" -- "
                   "\"$word\")\n}\n\n"
                   "_godwit_files()\n{\n    compopt -o filenames\n"
                   "    mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n}\n\n"
                   "_godwit_folders()\n{\n    compopt -o filenames\n"
                   "    mapfile -t COMPREPLY < <(compgen -d -- \"$word\")\n}\n\n"
                   "_godwit()\n{\n    local word=${COMP_WORDS[COMP_CWORD]} "
                   "previous=${COMP_WORDS[COMP_CWORD-1]}\n    local commands=\"");
    for (size_t i = 0, written = 0; commands[i] != NULL; i++)
        if (!commands[i]->is_hidden)
            text_addf(text, "%s%s", written++ > 0 ? " " : "", commands[i]->name);
    text_add(text, "\"\n    COMPREPLY=()\n    if ((COMP_CWORD == 1)); then\n"
                   "        _godwit_words \"$commands --help --version\"\n        return\n    fi\n"
                   "    case ${COMP_WORDS[1]} in\n");
    for (size_t i = 0; commands[i] != NULL; i++)
        if (!commands[i]->is_hidden)
            bash_command(commands[i], text);
    text_add(text, "    esac\n}\n\ncomplete -F _godwit godwit\n");
}

/* Text inside a zsh specification in single quotes. */
static void zsh_text(struct text *text, const char *piece)
{
    for (const char *p = piece; *p != '\0'; p++) {
        if (*p == '\'')
            text_add(text, "'\\''");
        else if (strchr(":[]\\", *p) != NULL)
            text_addf(text, "\\%c", *p);
        else
            text_add_bytes(text, p, 1);
    }
}

static void zsh_action(const struct option_spec *option, struct text *text)
{
    if (option->kind == OPTION_FLAG)
        return;
    text_add(text, ":");
    zsh_text(text, option->argument);
    text_add(text, ":");
    if (option->kind == OPTION_CHOICE)
        text_addf(text, "(%s)", option->choices);
    else if (takes_path(option->kind))
        text_add(text, option->kind == OPTION_FILE ? "_files" : "_files -/");
}

static void zsh_options(const struct option_spec *options, struct text *text)
{
    for (const struct option_spec *o = options; o != NULL && o->name != NULL; o++) {
        const char *star = o->is_repeatable ? "*" : "";
        if (o->letter != 0) {
            text_addf(text, "            '%s-%c%s[", star, o->letter,
                      o->kind == OPTION_FLAG ? "" : "+");
            zsh_text(text, o->help);
            text_add(text, "]");
            zsh_action(o, text);
            text_add(text, "' \\\n");
        }
        text_addf(text, "            '%s--%s%s[", star, o->name, o->kind == OPTION_FLAG ? "" : "=");
        zsh_text(text, o->help);
        text_add(text, "]");
        zsh_action(o, text);
        text_add(text, "' \\\n");
    }
}

static void zsh_command(const struct command *command, struct text *text)
{
    text_addf(text, "    %s)\n        _arguments \\\n", command->name);
    zsh_options(command->options, text);
    zsh_options(common_options, text);
    for (const struct operand_spec *o = command->operands; o != NULL && o->name != NULL; o++)
        text_addf(text, "            '%s%s:%s:%s' \\\n", o->is_repeated ? "*" : "",
                  o->is_optional && !o->is_repeated ? ":" : "", o->name,
                  takes_path(o->kind) ? "_files" : "");
    text_add(text, "            && return\n        ;;\n");
}

void manual_zsh(struct text *text)
{
    text_add(text, "#compdef godwit\n");
    text_add(text, head);
    text_add(text, "\n_godwit()\n{\n    if ((CURRENT == 2)); then\n        local -a names\n"
                   "        names=(\n");
    for (size_t i = 0; commands[i] != NULL; i++) {
        if (commands[i]->is_hidden)
            continue;
        text_addf(text, "            '%s:", commands[i]->name);
        zsh_text(text, commands[i]->summary);
        text_add(text, "'\n");
    }
    text_add(text, "        )\n        _describe command names\n        return\n    fi\n"
                   "    local name=$words[2]\n    words=(\"${(@)words[2,-1]}\")\n"
                   "    ((CURRENT--))\n    case $name in\n");
    for (size_t i = 0; commands[i] != NULL; i++)
        if (!commands[i]->is_hidden)
            zsh_command(commands[i], text);
    text_add(text, "    esac\n}\n\n_godwit \"$@\"\n");
}
