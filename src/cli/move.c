/* move.c: see move.h. */
#include "cli/move.h"

#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/path.h"
#include "cli/indexing.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "target/target.h"

/* What is open during a run. */
struct run {
    const struct move *move;
    struct source *source;
    struct target *target; /* NULL in a dry run without a target */
    struct migrate_progress *progress;
    struct migrate_result result;
    int64_t started_us;
    int64_t ended_us;
};

/* Looked at before the target is made, so that a refusal leaves nothing behind. */
static bool can_link(const char *source, const char *target)
{
    char folder[FILE_PATH_MAX];
    if (!path_copy(target, folder, sizeof folder))
        return true; /* opening it will tell */
    while (!file_exists(folder) && strcmp(folder, ".") != 0 && strcmp(folder, "/") != 0)
        if (!path_parent(folder, folder, sizeof folder))
            return true;
    return file_same_filesystem(source, folder);
}

/* A source is never written to, and a target is more than a corner of an old folder that will go.
 */
static enum err_code check_apart(const struct source_description *source, const char *target,
                                 struct err *err)
{
    const char *const folders[] = {source->location, source->log};
    for (size_t k = 0; k < sizeof folders / sizeof *folders; k++)
        if (*folders[k] != '\0' && file_is_inside(target, folders[k]))
            return err_set(err, ERR_TARGET,
                           "%s: lies in the source (%s), which is never changed; name another "
                           "folder for --to",
                           target, folders[k]);
    return ERR_OK;
}

static enum err_code open_ends(struct run *run, struct err *err)
{
    const struct move *move = run->move;
    enum err_code code = source_arguments_open(move->from, &run->source, err);
    if (code != ERR_OK)
        return code;
    findings_log(&run->source->description);
    code = check_apart(&run->source->description, move->to, err);
    if (code != ERR_OK)
        return code;
    if (move->is_dry_run && !source_engine_is_database(move->to))
        return ERR_OK;
    const struct target_options options = {.link = strcmp(move->way, "link") == 0};
    if (options.link && !can_link(run->source->description.location, move->to))
        return err_set(err, ERR_TARGET,
                       "--link: %s and %s are not on one filesystem; leave --link out to copy",
                       run->source->description.location, move->to);
    code = target_open(move->to, &options, &run->target, err);
    return code == ERR_UNSUPPORTED || code == ERR_IO ? err_recode(err, ERR_TARGET) : code;
}

static enum err_code migrate(struct run *run, struct err *err)
{
    const struct move *move = run->move;
    const struct arguments *a = move->arguments;
    struct text source, line;
    text_init(&source);
    text_init(&line);
    source_arguments_add_json(move->from, &source);
    command_line_add(a, &line);
    enum err_code code =
        text_failed(&source) || text_failed(&line) ? err_nomem(err, "job") : ERR_OK;
    const struct migrate_options options = {
        .selection = move->selection,
        .if_exists = move->if_exists,
        .is_dry_run = move->is_dry_run,
        .restart = move->restart,
        .threads = (size_t)arguments_count(a, "jobs", 0),
        .rate_max = arguments_count(a, "limit-rate", 0),
        .way = move->way,
        .source_arguments = text_get(&source),
        .command_line = text_get(&line),
        .stop = interrupt_flag(),
    };
    run->started_us = clock_now_us();
    struct progress_display *display = NULL;
    if (code == ERR_OK) {
        display = progress_start(a, "migrate", run->progress, NULL);
        code = migrate_run(run->source, run->target, &options, run->progress, &run->result, err);
    }
    progress_stop(display);
    run->ended_us = clock_now_us();
    text_release(&source);
    text_release(&line);
    return code;
}

static void write_plan(const struct run *run, struct text *text)
{
    static const char *const heads[] = {"collection", "in the target", ">rows", ">segments",
                                        ">size"};
    const struct migrate_result *r = &run->result;
    struct table table;
    table_init(&table, heads, sizeof heads / sizeof *heads);
    for (size_t i = 0; i < r->verify.collection_count; i++) {
        const struct compared_collection *c = &r->verify.collections[i];
        table_cell_name(&table, "", c->name);
        table_cell_name(&table, "", c->target_name);
        table_cell_number(&table, c->source_rows);
        table_cell_number(&table, c->segments);
        table_cell_size(&table, c->size);
    }
    table_write(&table, 0, text);
    char rows[NUMBER_SIZE], size[NUMBER_SIZE];
    text_addf(text, "\nwould migrate %s %s, %s; nothing was written\n",
              format_number(r->verify.source_rows, rows),
              plural(r->verify.source_rows, "row", "rows"), format_size(r->verify.size, size));
}

static void write_summary(const struct run *run, enum err_code code, struct text *text)
{
    const struct verify_result *v = &run->result.verify;
    char rows[NUMBER_SIZE], size[NUMBER_SIZE], time[NUMBER_SIZE], rate[NUMBER_SIZE];
    const uint64_t duration_us = (uint64_t)(run->ended_us - run->started_us);
    comparison_write(v, text);
    if (code != ERR_OK && code != ERR_LEFT_OUT)
        return;
    text_addf(text, "\n%smigrated %s %s of %zu %s%s, %s in %s", output_colour(COLOUR_GREEN),
              format_number(v->target_rows, rows), plural(v->target_rows, "row", "rows"),
              v->collection_count, plural(v->collection_count, "collection", "collections"),
              output_colour(COLOUR_NONE), format_size(v->size, size),
              format_seconds(duration_us * 1000, time));
    if (duration_us > 0)
        text_addf(text, " (%s/s)",
                  format_size((uint64_t)((double)v->size * 1e6 / (double)duration_us), rate));
    text_add(text, "; every row was read back and agrees\n");
    if (run->result.was_resumed)
        text_addf(text, "continued job %lld: %s segments were there already\n",
                  (long long)run->result.job, format_number(run->result.segments_found, rows));
    if (v->left_out_segments > 0)
        text_addf(text, "%s damaged %s left out\n", format_number(v->left_out_segments, rows),
                  plural(v->left_out_segments, "segment was", "segments were"));
}

/* A run that was stopped before it compared has numbers that would look like losses. */
static bool has_comparison(const struct run *run, enum err_code code)
{
    return run->result.verify.collection_count > 0 &&
           (code == ERR_OK || code == ERR_LEFT_OUT || code == ERR_MISMATCH);
}

/* What a person would do now. */
static void log_next(const struct run *run, enum err_code code)
{
    const struct verify_result *v = &run->result.verify;
    if (code == ERR_INTERRUPTED)
        log_line("run the same command again to continue");
    if ((code != ERR_OK && code != ERR_LEFT_OUT) || run->move->is_dry_run)
        return;
    for (size_t i = 0; i < v->collection_count; i++)
        if (v->collections[i].target_rows > 0) {
            log_line("next: godwit search %s %s --like ID, or godwit describe %s %s", run->move->to,
                     v->collections[i].target_name, run->move->to, v->collections[i].target_name);
            return;
        }
}

static enum err_code tell(const struct run *run, enum err_code code, struct err *err)
{
    const struct report report = {
        .verb = "migrate",
        .target = run->move->to,
        .source = &run->source->description,
        .verify = &run->result.verify,
        .migrate = &run->result,
        .code = code,
        .sentence = code == ERR_OK ? "" : err->msg,
        .started_us = run->started_us,
        .ended_us = run->ended_us,
    };
    struct text text;
    text_init(&text);
    if (arguments_has(run->move->arguments, "json")) {
        report_add_json(&text, &report);
        text_add(&text, "\n");
    } else if (run->move->is_dry_run && code == ERR_OK) {
        write_plan(run, &text);
    } else if (has_comparison(run, code)) {
        write_summary(run, code, &text);
    }
    struct err late = {.code = ERR_OK};
    enum err_code told = output_write(&text, &late);
    if (told == ERR_OK)
        told = reports_write(run->move->arguments, &report, &late);
    log_next(run, code);
    if (code == ERR_OK && told != ERR_OK)
        *err = late;
    else if (told != ERR_OK)
        log_error("%s", late.msg);
    return code == ERR_OK ? told : code;
}

enum err_code move_run(const struct move *move, struct err *err)
{
    struct run run = {.move = move, .progress = migrate_progress_new()};
    enum err_code code = run.progress == NULL ? err_nomem(err, "progress") : open_ends(&run, err);
    if (code == ERR_OK) {
        code = migrate(&run, err);
        code = tell(&run, code, err);
        migrate_result_release(&run.result);
    }
    char *work_folder = NULL;
    const bool is_done = (code == ERR_OK || code == ERR_LEFT_OUT) && !move->is_dry_run;
    if (is_done && (work_folder = mem_strdup(run.target->work_folder)) == NULL)
        code = err_nomem(err, "end of the job");
    target_close(run.target);
    if (is_done) /* before the job forgets that it was not told: who is killed here is told again */
        indexing_follow(move->arguments, move->to, NULL);
    if (work_folder != NULL) {
        struct err late; /* the job is done; at worst the same command is answered once more */
        const enum err_code told = migrate_told(work_folder, &late);
        if (told != ERR_OK)
            log_line("%s", late.msg);
        mem_free(work_folder);
    }
    source_close(run.source);
    migrate_progress_free(run.progress);
    return code;
}
