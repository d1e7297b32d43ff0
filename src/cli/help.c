/* help.c: --help texts (see manual.h). */
#include <string.h>

#include "cli/manual.h"

#define HELP_WIDTH 88    /* columns of help texts */
#define OPTION_COLUMN 30 /* where the explanation of an option starts */
#define OPTION_INDENT 2

const struct exit_status exit_statuses[] = {
    {0, "done"},
    {1, "another error, such as a collection that does not exist"},
    {2, "wrong usage or configuration"},
    {3, "the source cannot be read, is damaged, or is of a kind that is not supported"},
    {4, "the target refused"},
    {5, "temporary failure (no space, a lost connection): run the same command again"},
    {6, "done, with items left out that were named"},
    {7, "verification found differences"},
    {8, "locked by another process, or in the wrong state"},
    {130, "interrupted; run the same command again to continue"},
    {0, NULL},
};

const struct variable variables[] = {
    {"GODWIT_META_PASSWORD", "password of the MySQL server that --meta names"},
    {"GODWIT_ISA", "scalar, avx2 or avx512: use at most these instructions for searching"},
    {"NO_COLOR", "set to anything: no colours"},
    {"TMPDIR", "where private copies of metadata files are made (default /tmp)"},
    {NULL, NULL},
};

void manual_wrap(struct text *text, const char *words, size_t indent, size_t column, size_t width)
{
    bool is_first = true;
    for (const char *p = words; *p != '\0';) {
        p += strspn(p, " ");
        const size_t size = strcspn(p, " ");
        if (size == 0)
            break;
        if (!is_first && column + 1 + size > width) {
            text_addf(text, "\n%*s", (int)indent, "");
            column = indent;
        } else if (!is_first) {
            text_add(text, " ");
            column++;
        }
        text_add_bytes(text, p, size);
        column += size;
        p += size;
        is_first = false;
    }
}

void manual_usage(const struct command *command, struct text *text)
{
    text_addf(text, "godwit %s", command->name);
    for (const struct operand_spec *o = command->operands; o != NULL && o->name != NULL; o++)
        text_addf(text, " %s%s%s%s", o->is_optional ? "[" : "", o->name,
                  o->is_repeated ? "..." : "", o->is_optional ? "]" : "");
    if (command->options != NULL)
        text_add(text, " [OPTION]...");
}

static void help_option(const struct option_spec *option, struct text *text)
{
    struct text left;
    text_init(&left);
    if (option->letter != 0)
        text_addf(&left, "-%c, ", option->letter);
    else
        text_add(&left, "    ");
    text_addf(&left, "--%s", option->name);
    if (option->kind != OPTION_FLAG)
        text_addf(&left, " %s", option->argument);
    text_addf(text, "%*s%s", OPTION_INDENT, "", text_get(&left));
    size_t column = OPTION_INDENT + left.size;
    if (column + 2 > OPTION_COLUMN) {
        text_add(text, "\n");
        column = 0;
    }
    text_addf(text, "%*s", (int)(OPTION_COLUMN - column), "");
    manual_wrap(text, option->help, OPTION_COLUMN, OPTION_COLUMN, HELP_WIDTH);
    text_add(text, "\n");
    if (text_failed(&left))
        text->has_failed = true;
    text_release(&left);
}

static void help_options(const char *head, const struct option_spec *options, struct text *text)
{
    if (options == NULL || options->name == NULL)
        return;
    text_addf(text, "\n%s:\n", head);
    for (const struct option_spec *o = options; o->name != NULL; o++)
        help_option(o, text);
}

/* Paragraphs; a line that starts with a blank stays as it is. */
static void help_paragraphs(const char *paragraphs, struct text *text)
{
    for (const char *p = paragraphs; p != NULL && *p != '\0';) {
        const char *end = strstr(p, "\n\n");
        const size_t size = end != NULL ? (size_t)(end - p) : strlen(p);
        struct text one;
        text_init(&one);
        text_add_bytes(&one, p, size);
        text_add(text, "\n");
        if (*p == ' ')
            text_add(text, text_get(&one));
        else
            manual_wrap(text, text_get(&one), 0, 0, HELP_WIDTH);
        text_add(text, "\n");
        text_release(&one);
        p = end != NULL ? end + 2 : NULL;
    }
}

void manual_help(const struct command *command, struct text *text)
{
    text_add(text, "usage: ");
    manual_usage(command, text);
    text_addf(text, "\n\ngodwit %s: %s\n", command->name, command->summary);
    help_paragraphs(command->description, text);
    help_options("options", command->options, text);
    help_options("options of every command", common_options, text);
    if (command->examples != NULL)
        text_add(text, "\nexamples:\n");
    for (const struct example *e = command->examples; e != NULL && e->line != NULL; e++)
        text_addf(text, "  %s\n      %s\n", e->line, e->what);
}

void manual_overview(struct text *text)
{
    text_add(text, "usage: godwit COMMAND [OPERAND]... [OPTION]...\n\n"
                   "Moves the data of a Milvus 0.9-1.x installation into a database folder, proves "
                   "that\nnothing was lost, and answers searches from it.\n\ncommands:\n");
    for (size_t i = 0; commands[i] != NULL; i++)
        if (!commands[i]->is_hidden)
            text_addf(text, "  %-12s %s\n", commands[i]->name, commands[i]->summary);
    text_add(text, "\nTypically:\n"
                   "  godwit inspect /var/lib/milvus\n"
                   "  godwit migrate /var/lib/milvus --to ./godwit-data\n"
                   "  godwit search ./godwit-data COLLECTION --like ID\n\n"
                   "godwit COMMAND --help tells more about a command, and man godwit about all of "
                   "them.\n\nexit status:\n");
    for (const struct exit_status *s = exit_statuses; s->text != NULL; s++)
        text_addf(text, "  %-4d %s\n", s->status, s->text);
}
