/* man_page.c: man pages in man(7) macros (see manual.h). */
#include <ctype.h>
#include <string.h>

#include "cli/manual.h"

/* Text for roff: backslashes, dashes, and a dot or quote at the start of a line. */
static void roff_bytes(struct text *text, const char *piece, size_t size)
{
    if (size > 0 && (piece[0] == '.' || piece[0] == '\''))
        text_add(text, "\\&");
    for (size_t i = 0; i < size; i++) {
        if (piece[i] == '\\')
            text_add(text, "\\e");
        else if (piece[i] == '-')
            text_add(text, "\\-");
        else
            text_add_bytes(text, &piece[i], 1);
    }
}

static void roff(struct text *text, const char *piece)
{
    roff_bytes(text, piece, strlen(piece));
}

static void roff_paragraphs(struct text *text, const char *paragraphs)
{
    for (const char *p = paragraphs; p != NULL && *p != '\0';) {
        const char *end = strstr(p, "\n\n");
        const size_t size = end != NULL ? (size_t)(end - p) : strlen(p);
        text_add(text, *p == ' ' ? ".PP\n.nf\n" : ".PP\n");
        for (size_t done = 0; done < size;) {
            const char *newline = memchr(p + done, '\n', size - done);
            const size_t line = newline != NULL ? (size_t)(newline - p) - done : size - done;
            roff_bytes(text, p + done, line);
            text_add(text, "\n");
            done += line + 1;
        }
        text_add(text, *p == ' ' ? ".fi\n" : "");
        p = end != NULL ? end + 2 : NULL;
    }
}

static void roff_head(struct text *text, const char *name, const char *suffix, const char *summary)
{
    text_add(text,
             ".\\\" Made from the command tables; change src/cli and run scripts/update-manuals.\n"
             ".TH GODWIT");
    for (const char *p = suffix; *p != '\0'; p++) {
        const char upper[2] = {(char)toupper((unsigned char)*p), '\0'};
        text_add(text, *p == '-' ? "\\-" : upper);
    }
    text_add(text, " 1 \"\" Godwit \"User Commands\"\n.SH NAME\n");
    roff(text, name);
    text_add(text, " \\- ");
    roff(text, summary);
    text_add(text, "\n");
}

static void roff_options(struct text *text, const struct option_spec *options)
{
    for (const struct option_spec *o = options; o != NULL && o->name != NULL; o++) {
        text_add(text, ".TP\n");
        if (o->letter != 0)
            text_addf(text, "\\fB\\-%c\\fR, ", o->letter);
        text_add(text, "\\fB\\-\\-");
        roff(text, o->name);
        text_add(text, "\\fR");
        if (o->kind != OPTION_FLAG) {
            text_add(text, " \\fI");
            roff(text, o->argument);
            text_add(text, "\\fR");
        }
        text_add(text, "\n");
        roff(text, o->help);
        text_add(text, "\n");
    }
}

static void roff_statuses(struct text *text)
{
    text_add(text, ".SH \"EXIT STATUS\"\n");
    for (const struct exit_status *s = exit_statuses; s->text != NULL; s++) {
        text_addf(text, ".TP\n\\fB%d\\fR\n", s->status);
        roff(text, s->text);
        text_add(text, "\n");
    }
}

static void roff_examples(struct text *text, const struct example *examples)
{
    if (examples == NULL)
        return;
    text_add(text, ".SH EXAMPLES\n");
    for (const struct example *e = examples; e->line != NULL; e++) {
        text_add(text, ".TP\n\\fB");
        roff(text, e->line);
        text_add(text, "\\fR\n");
        roff(text, e->what);
        text_add(text, "\n");
    }
}

static void command_page(const struct command *command, struct text *text)
{
    struct text part;
    text_init(&part);
    text_addf(&part, "godwit-%s", command->name);
    roff_head(text, text_get(&part), text_get(&part) + strlen("godwit"), command->summary);
    text_release(&part);
    text_add(text, ".SH SYNOPSIS\n");
    text_init(&part);
    manual_usage(command, &part);
    roff(text, text_get(&part));
    text->has_failed = text->has_failed || text_failed(&part);
    text_release(&part);
    text_add(text, "\n.SH DESCRIPTION\n");
    roff_paragraphs(text, command->description);
    text_add(text, ".SH OPTIONS\n");
    roff_options(text, command->options);
    roff_options(text, common_options);
    roff_statuses(text);
    roff_examples(text, command->examples);
    text_add(text, ".SH \"SEE ALSO\"\n\\fBgodwit\\fR(1)\n");
}

static void program_page(struct text *text)
{
    roff_head(text, "godwit", "", "migrate Milvus 0.9-1.x data and search it");
    text_add(text, ".SH SYNOPSIS\ngodwit \\fICOMMAND\\fR [\\fIOPERAND\\fR]... [\\fIOPTION\\fR]...\n"
                   ".SH DESCRIPTION\n");
    roff_paragraphs(
        text, "Godwit reads the files of a stopped Milvus 0.9 to 1.x server, moves every "
              "collection, partition and live row into a database folder, compares both ends "
              "row by row, and answers searches from the folder.\n\n"
              "SOURCE is the root of an installation (it holds db/ and wal/), its db folder, "
              "or a migration_data folder that godwit package made. A source is never "
              "changed.\n\n"
              "DB is the database folder.\n\n"
              "The answer of a command goes to standard output, with --json as JSON; messages "
              "and progress go to standard error.");
    text_add(text, ".SH COMMANDS\n");
    for (size_t i = 0; commands[i] != NULL; i++) {
        if (commands[i]->is_hidden)
            continue;
        text_add(text, ".TP\n\\fBgodwit\\-");
        roff(text, commands[i]->name);
        text_add(text, "\\fR(1)\n");
        roff(text, commands[i]->summary);
        text_add(text, "\n");
    }
    text_add(text, ".SH OPTIONS\n");
    roff_options(text, common_options);
    roff_statuses(text);
    text_add(text, ".SH ENVIRONMENT\n");
    for (const struct variable *v = variables; v->name != NULL; v++) {
        text_addf(text, ".TP\n\\fB%s\\fR\n", v->name);
        roff(text, v->text);
        text_add(text, "\n");
    }
}

void manual_page(const struct command *command, struct text *text)
{
    if (command != NULL)
        command_page(command, text);
    else
        program_page(text);
}
