/* cmd_verify.c: is everything of SOURCE in TARGET, bit for bit, and nothing else? */
#include "base/clock.h"
#include "cli/cmd.h"
#include "cli/interrupt.h"
#include "cli/move.h"
#include "cli/output.h"
#include "target/target.h"

/* What is open during a comparison. */
struct run {
    struct arguments *arguments;
    struct source_arguments from;
    struct selection selection;
    const char *against;
    struct source *source;
    struct source *target;
    struct migrate_progress *progress;
    struct verify_result result;
    int64_t started_us;
};

static enum err_code open_ends(struct run *run, struct err *err)
{
    enum err_code code = source_arguments_open(&run->from, &run->source, err);
    if (code != ERR_OK)
        return code;
    findings_log(&run->source->description);
    code = source_engine_open(run->against, &run->target, err);
    if (code == ERR_NOT_FOUND)
        return err_recode(err, ERR_TARGET);
    return code;
}

static enum err_code tell(const struct run *run, enum err_code code, struct err *err)
{
    const struct verify_result *v = &run->result;
    const struct report report = {
        .verb = "verify",
        .target = run->against,
        .source = &run->source->description,
        .verify = v,
        .code = code,
        .sentence = code == ERR_OK ? "" : err->msg,
        .started_us = run->started_us,
        .ended_us = clock_now_us(),
    };
    struct text text;
    text_init(&text);
    if (arguments_has(run->arguments, "json")) {
        report_add_json(&text, &report);
        text_add(&text, "\n");
    } else if (v->collection_count > 0 || code == ERR_OK) {
        char rows[NUMBER_SIZE], size[NUMBER_SIZE], time[NUMBER_SIZE];
        comparison_write(v, &text);
        text_addf(&text, "\n%s%s%s: %s %s compared, %s, in %s\n",
                  output_colour(v->is_equal ? COLOUR_GREEN : COLOUR_RED),
                  v->is_equal ? "equal" : "different", output_colour(COLOUR_NONE),
                  format_number(v->source_rows, rows), plural(v->source_rows, "row", "rows"),
                  format_size(v->size, size), format_seconds(v->elapsed_ns, time));
    }
    struct err late = {.code = ERR_OK};
    enum err_code told = output_write(&text, &late);
    if (told == ERR_OK)
        told = reports_write(run->arguments, &report, &late);
    if (code == ERR_OK && told != ERR_OK)
        *err = late;
    else if (told != ERR_OK)
        log_error("%s", late.msg);
    return code == ERR_OK ? told : code;
}

static enum err_code compare(struct run *run, struct err *err)
{
    enum err_code code = open_ends(run, err);
    if (code != ERR_OK)
        return code;
    const struct verify_options options = {
        .selection = &run->selection,
        .threads = (size_t)arguments_count(run->arguments, "jobs", 0),
        .stop = interrupt_flag(),
    };
    struct progress_display *display =
        progress_start(run->arguments, "verify", run->progress, NULL);
    run->started_us = clock_now_us();
    code = verify_run(run->source, run->target, &options, run->progress, &run->result, err);
    progress_stop(display);
    code = tell(run, code, err);
    verify_result_release(&run->result);
    return code;
}

static enum err_code run(struct arguments *arguments, struct err *err)
{
    struct run run = {.arguments = arguments, .against = arguments_text(arguments, "against")};
    enum err_code code = selection_read(arguments, &run.selection, err);
    if (code == ERR_OK)
        code = source_arguments_read(arguments, arguments->operands[0], &run.from, err);
    if (code == ERR_OK && run.against == NULL)
        code = err_set(err, ERR_USAGE, "--against TARGET is missing: the folder of the database");
    if (code == ERR_OK) {
        run.progress = migrate_progress_new();
        code = run.progress == NULL ? err_nomem(err, "progress") : compare(&run, err);
    }
    source_close(run.target);
    source_close(run.source);
    migrate_progress_free(run.progress);
    selection_release(&run.selection);
    source_arguments_release(&run.from);
    return code;
}

const struct command cmd_verify = {
    .name = "verify",
    .summary = "compare SOURCE with a database row by row",
    .operands = (const struct operand_spec[]){{.name = "SOURCE", .kind = OPTION_FOLDER}, {0}},
    .options =
        (const struct option_spec[]){
            {.name = "against",
             .kind = OPTION_FOLDER,
             .argument = "TARGET",
             .help = "The folder of the database. Must be given."},
            SELECTION_OPTIONS,
            {.name = "jobs",
             .letter = 'j',
             .kind = OPTION_COUNT,
             .argument = "N",
             .min = 1,
             .max = 256,
             .help = "Read N segments at once (default: one a processor)."},
            REPORT_OPTION,
            PROGRESS_OPTION,
            {.name = "json", .help = "Answer as JSON (docs/cli.md)."},
            SOURCE_OPTIONS,
            {0}},
    .description =
        "Reads both sides completely and compares, for every collection and partition, the number "
        "of live rows and an order-free checksum over ids and vector bits. Where they differ, the "
        "ids that are missing, extra or changed are found and named. Nothing that a migration has "
        "noted is believed.\n\n"
        "Status 0: equal. 7: different. 6: equal, but damaged segments of SOURCE were skipped. Say "
        "--rename and --duplicates as they were said to godwit migrate.",
    .examples = (const struct example[]){{"godwit verify /var/lib/milvus --against ./godwit-data",
                                          "after a migration, or months later"},
                                         {0}},
    .run = run,
};
