/* cmd_migrate.c: from SOURCE into TARGET, with proof. */
#include <string.h>

#include "cli/cmd.h"
#include "cli/indexing.h"
#include "cli/move.h"

static enum if_exists if_exists_from_name(const char *name)
{
    if (name != NULL && strcmp(name, "append") == 0)
        return IF_EXISTS_APPEND;
    if (name != NULL && strcmp(name, "replace") == 0)
        return IF_EXISTS_REPLACE;
    return IF_EXISTS_FAIL;
}

static enum err_code run(struct arguments *arguments, struct err *err)
{
    struct source_arguments from;
    struct selection selection;
    enum err_code code = source_arguments_read(arguments, arguments->operands[0], &from, err);
    const enum err_code selected =
        selection_read(arguments, &selection, code == ERR_OK ? err : NULL);
    if (code == ERR_OK)
        code = selected;
    const struct move move = {
        .arguments = arguments,
        .from = &from,
        .to = arguments_text(arguments, "to"),
        .selection = &selection,
        .if_exists = if_exists_from_name(arguments_text(arguments, "if-exists")),
        .way = arguments_has(arguments, "link") ? "link" : "copy",
        .is_dry_run = arguments_has(arguments, "dry-run"),
        .restart = arguments_has(arguments, "restart"),
    };
    if (code == ERR_OK)
        code = indexing_check(arguments, err);
    if (code == ERR_OK && move.to == NULL)
        code = err_set(err, ERR_USAGE, "--to TARGET is missing: the folder of the new database");
    if (code == ERR_OK)
        code = move_run(&move, err);
    selection_release(&selection);
    source_arguments_release(&from);
    return code;
}

const struct command cmd_migrate = {
    .name = "migrate",
    .summary = "move SOURCE into TARGET and verify; run again to continue",
    .operands = (const struct operand_spec[]){{.name = "SOURCE", .kind = OPTION_FOLDER}, {0}},
    .options =
        (const struct option_spec[]){
            {.name = "to",
             .kind = OPTION_FOLDER,
             .argument = "TARGET",
             .help = "Where to: the folder of a database, made when absent. Must be given."},
            SELECTION_OPTIONS,
            {.name = "if-exists",
             .kind = OPTION_CHOICE,
             .argument = "WHAT",
             .choices = "fail append replace",
             .help = "When the target has a collection of that name: fail (the default), append "
                     "the rows to it, or replace it in the moment in which the new one is "
                     "complete."},
            {.name = "link",
             .help = "Link segment files into the target instead of copying them: no second copy "
                     "of the data, on one filesystem. A link outlives the old folder."},
            {.name = "dry-run", .letter = 'n', .help = "Plan and check everything, write nothing."},
            {.name = "restart",
             .help = "Throw away what an unfinished job has done and begin anew."},
            INDEXING_OPTIONS,
            RUN_OPTIONS,
            SOURCE_OPTIONS,
            {0}},
    .description =
        "Copies every collection, partition and live row of SOURCE, reads each segment back and "
        "compares it row by row, and then makes all of it visible in one step. Deleted rows stay "
        "behind; rows that are only in the write-ahead log come along; ids and partition tags "
        "stay as they are. SOURCE is never changed.\n\n"
        "A migration is a durable job: when it is interrupted, killed or out of space, the same "
        "command continues where it was. Ctrl-C once stops cleanly, twice at once. godwit jobs "
        "lists the jobs of a database.\n\n"
        "Searches answer at once. The indexes that make them fast follow: a process in the "
        "background builds them and goes on when the shell is closed; godwit jobs shows how far it "
        "is. They are derived from the rows, so they change nothing of the job's result.\n\n"
        "On a terminal progress is drawn on standard error; the answer on standard output is a "
        "table of what was moved and verified, or JSON.",
    .examples =
        (const struct example[]){
            {"godwit migrate /var/lib/milvus --to ./godwit-data", "everything"},
            {"godwit migrate /var/lib/milvus --to ./godwit-data --collections faces,words "
             "--rename faces=people",
             "two collections, one under another name"},
            {"godwit migrate /var/lib/milvus --to /var/lib/godwit --link --report move.html",
             "without a second copy of the data, with a page to show"},
            {0}},
    .run = run,
};
