/* cmd_jobs.c: the migrations of a database: list, show, cancel, resume. */
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "cli/cmd.h"
#include "cli/db.h"
#include "cli/indexing.h"
#include "cli/move.h"
#include "cli/output.h"
#include "migrate/jobs.h"
#include "target/target.h"

static const char *time_text(int64_t time_us, char *buffer)
{
    if (time_us == 0)
        return "";
    clock_format_utc(time_us, buffer);
    return buffer;
}

static enum colour state_colour(const char *state)
{
    if (strcmp(state, "SUCCESSFUL") == 0)
        return COLOUR_GREEN;
    return strcmp(state, "FAILED") == 0 ? COLOUR_RED : COLOUR_NONE;
}

static void json_view(struct text *text, const struct job_view *v)
{
    char time[CLOCK_TEXT_SIZE];
    json_add_int(text, "id", v->id);
    json_add_string(text, "state", v->state);
    json_add_string(text, "phase", v->phase);
    json_add_string(text, "reason", v->reason);
    json_add_string(text, "source", v->source);
    json_add_string(text, "source_kind", v->source_kind);
    json_add_string(text, "started", v->started_us != 0 ? time_text(v->started_us, time) : NULL);
    json_add_string(text, "updated", v->updated_us != 0 ? time_text(v->updated_us, time) : NULL);
    json_add_string(text, "finished", v->finished_us != 0 ? time_text(v->finished_us, time) : NULL);
    json_add_uint(text, "rows", v->rows);
    json_add_uint(text, "rows_total", v->rows_total);
    json_add_uint(text, "size", v->size);
    json_add_uint(text, "segments", v->segments);
    json_add_uint(text, "segments_done", v->segments_done);
}

static enum err_code list_jobs(const struct arguments *arguments, const char *catalog,
                               struct err *err)
{
    struct indexing_summary indexes;
    static const char *const heads[] = {">job",    "state",    ">rows",  ">of",
                                        "started", "finished", "source", "reason"};
    struct job_list list;
    const enum err_code code = jobs_list(catalog, &list, err);
    if (code != ERR_OK) {
        job_list_release(&list);
        return code;
    }
    struct text text;
    text_init(&text);
    indexing_summarize(arguments->operands[0], &indexes);
    char started[CLOCK_TEXT_SIZE], finished[CLOCK_TEXT_SIZE];
    struct table table;
    table_init(&table, heads, sizeof heads / sizeof *heads);
    json_open(&text, NULL, '{');
    json_open(&text, "jobs", '[');
    for (size_t i = 0; i < list.count; i++) {
        const struct job_view *v = &list.views[i];
        json_open(&text, NULL, '{');
        json_view(&text, v);
        json_close(&text, '}');
        table_cell_number(&table, (uint64_t)v->id);
        table_cell(&table, v->state);
        table_cell_number(&table, v->rows);
        table_cell_number(&table, v->rows_total);
        table_cell(&table, time_text(v->started_us, started));
        table_cell(&table, time_text(v->finished_us, finished));
        table_cell_name(&table, "", v->source);
        table_cell_name(&table, "", v->reason);
    }
    json_close(&text, ']');
    indexing_add_json(&indexes, "index", &text);
    json_close(&text, '}');
    text_add(&text, "\n");
    if (!arguments_has(arguments, "json")) {
        text_release(&text);
        text_init(&text);
        if (list.count == 0)
            text_add(&text, "no jobs\n");
        else
            table_write(&table, 0, &text);
        indexing_add_line(&indexes, &text);
    }
    text_release(&table.cells);
    job_list_release(&list);
    return output_write(&text, err);
}

static void json_details(struct text *text, const struct job_details *d)
{
    char time[CLOCK_TEXT_SIZE];
    json_open(text, NULL, '{');
    json_view(text, &d->view);
    json_add_string(text, "options", d->view.options);
    json_open(text, "collections", '[');
    for (size_t i = 0; i < d->collection_count; i++) {
        const struct job_collection_view *c = &d->collections[i];
        json_open(text, NULL, '{');
        json_add_string(text, "name", c->name);
        json_add_string(text, "target_name", c->target_name);
        json_add_uint(text, "rows", c->rows);
        json_add_uint(text, "rows_total", c->rows_total);
        json_add_uint(text, "segments", c->segments);
        json_add_uint(text, "segments_done", c->segments_done);
        json_close(text, '}');
    }
    json_close(text, ']');
    json_open(text, "commands", '[');
    for (size_t i = 0; i < d->command_count; i++) {
        json_open(text, NULL, '{');
        json_add_string(text, "at", time_text(d->commands[i].at_us, time));
        json_add_string(text, "command", d->commands[i].command);
        json_close(text, '}');
    }
    json_close(text, ']');
    json_close(text, '}');
    text_add(text, "\n");
}

static void write_collections(const struct job_details *d, struct text *text)
{
    static const char *const heads[] = {"collection", "in the target", ">rows",
                                        ">of",        ">segments",     ">of"};
    struct table table;
    table_init(&table, heads, sizeof heads / sizeof *heads);
    for (size_t i = 0; i < d->collection_count; i++) {
        const struct job_collection_view *c = &d->collections[i];
        table_cell_name(&table, "", c->name);
        table_cell_name(&table, "", c->target_name);
        table_cell_number(&table, c->rows);
        table_cell_number(&table, c->rows_total);
        table_cell_number(&table, c->segments_done);
        table_cell_number(&table, c->segments);
    }
    table_write(&table, 2, text);
}

static void write_details(struct text *text, const struct job_details *d)
{
    char a[CLOCK_TEXT_SIZE], b[CLOCK_TEXT_SIZE], rows[NUMBER_SIZE], total[NUMBER_SIZE];
    const struct job_view *v = &d->view;
    text_addf(text, "job %lld  %s%s%s\n", (long long)v->id, output_colour(state_colour(v->state)),
              v->state, output_colour(COLOUR_NONE));
    text_add(text, "  reason    ");
    output_name(text, v->reason);
    text_addf(text, "\n  source    %s ", v->source_kind);
    output_name(text, v->source);
    text_addf(text, "\n  started   %s\n", time_text(v->started_us, a));
    if (v->finished_us != 0)
        text_addf(text, "  finished  %s\n", time_text(v->finished_us, b));
    text_addf(text, "  rows      %s of %s verified\n", format_number(v->rows, rows),
              format_number(v->rows_total, total));
    write_collections(d, text);
    if (d->command_count > 0)
        text_add(text, "  commands\n");
    for (size_t i = 0; i < d->command_count; i++) {
        text_addf(text, "    %s  ", time_text(d->commands[i].at_us, a));
        output_name(text, d->commands[i].command);
        text_add(text, "\n");
    }
}

static enum err_code show_job(const struct arguments *arguments, const char *catalog, int64_t id,
                              struct err *err)
{
    struct job_details details;
    const enum err_code code = jobs_show(catalog, id, &details, err);
    if (code != ERR_OK) {
        job_details_release(&details);
        return code;
    }
    struct text text;
    text_init(&text);
    if (arguments_has(arguments, "json"))
        json_details(&text, &details);
    else
        write_details(&text, &details);
    job_details_release(&details);
    return output_write(&text, err);
}

static enum err_code cancel_job(const struct arguments *arguments, int64_t id, struct err *err)
{
    const struct target_options options = {.link = false};
    struct target *target = NULL;
    enum err_code code = target_open(arguments->operands[0], &options, &target, err);
    if (code == ERR_OK)
        code = jobs_cancel(target, id, err);
    target_close(target);
    if (code == ERR_OK)
        log_line("job %lld is cancelled; what it had copied is removed", (long long)id);
    return code;
}

/* Opens the job's source as it was opened then, with the password of now, and continues. */
static enum err_code continue_job(struct arguments *arguments, const struct job_view *view,
                                  struct arena *arena, struct err *err)
{
    struct selection selection;
    selection_init(&selection);
    struct move move = {
        .arguments = arguments, .to = arguments->operands[0], .selection = &selection};
    struct source_arguments from;
    enum err_code code = source_arguments_from_json(view->source_arguments, arena, &from, err);
    if (code == ERR_OK)
        code = source_password_read(arguments, from.password, err);
    if (code == ERR_OK) {
        const char *meta = arguments_text(arguments, "meta");
        from.options.meta = meta != NULL ? meta : from.options.meta;
        from.options.meta_password = from.password[0] != '\0' ? from.password : NULL;
        move.from = &from;
        code = jobs_resume_options(view, &selection, &move.if_exists, &move.way, err);
    }
    if (code == ERR_OK)
        code = move_run(&move, err);
    source_arguments_release(&from);
    selection_release(&selection);
    return code;
}

static enum err_code resume_job(struct arguments *arguments, const char *catalog, int64_t id,
                                struct err *err)
{
    struct job_details details;
    enum err_code code = jobs_show(catalog, id, &details, err);
    struct arena arena;
    arena_init(&arena, ARGUMENTS_SIZE_MAX);
    if (code == ERR_OK)
        code = continue_job(arguments, &details.view, &arena, err);
    arena_release(&arena);
    job_details_release(&details);
    return code;
}

static enum err_code act(struct arguments *arguments, const char *catalog, struct err *err)
{
    if (indexing_check(arguments, err) != ERR_OK)
        return err->code;
    const char *verb = arguments->operand_count > 1 ? arguments->operands[1] : "list";
    if (strcmp(verb, "list") == 0 && arguments->operand_count <= 2)
        return list_jobs(arguments, catalog, err);
    const bool is_known =
        strcmp(verb, "show") == 0 || strcmp(verb, "cancel") == 0 || strcmp(verb, "resume") == 0;
    if (!is_known)
        return err_set(err, ERR_USAGE, "after DB: list, show ID, cancel ID or resume ID");
    int64_t id = 0;
    if (arguments->operand_count != 3 || !parse_id(arguments->operands[2], &id))
        return err_set(err, ERR_USAGE, "%s needs the number of one job; godwit jobs %s lists them",
                       verb, arguments->operands[0]);
    if (strcmp(verb, "show") == 0)
        return show_job(arguments, catalog, id, err);
    return strcmp(verb, "cancel") == 0 ? cancel_job(arguments, id, err)
                                       : resume_job(arguments, catalog, id, err);
}

static enum err_code run(struct arguments *arguments, struct err *err)
{
    struct database *database = NULL;
    enum err_code code = db_open(arguments->operands[0], DATABASE_READ, &database, err);
    if (code != ERR_OK)
        return code;
    char *catalog = mem_strdup(database_catalog_path(database));
    database_close(database); /* cancel and resume open it for writing */
    code = catalog == NULL ? err_nomem(err, "jobs") : act(arguments, catalog, err);
    mem_free(catalog);
    return code;
}

const struct command cmd_jobs = {
    .name = "jobs",
    .summary = "list the migrations of a database; show, cancel or continue one",
    .operands = (const struct operand_spec[]){{.name = "DB", .kind = OPTION_FOLDER},
                                              {.name = "VERB", .is_optional = true},
                                              {.name = "ID", .is_optional = true},
                                              {0}},
    .options =
        (const struct option_spec[]){
            INDEXING_OPTIONS,
            RUN_OPTIONS,
            {.name = "meta",
             .kind = OPTION_TEXT,
             .is_secret = true,
             .argument = "URI",
             .help = "With resume: where the metadata is now, when it has moved."},
            {.name = "meta-password-file",
             .kind = OPTION_FILE,
             .argument = "FILE",
             .help = "With resume: the password of the metadata; jobs do not keep it. Or set "
                     "GODWIT_META_PASSWORD."},
            {0}},
    .description =
        "VERB is list (the default), show, cancel or resume; the last three need the job's ID. "
        "States are PENDING, MIGRATING, SUCCESSFUL, FAILED and CANCELLED; SUCCESSFUL is only said "
        "after every row was read back and compared. Listing works beside a running job.\n\n"
        "The last line tells how the indexes are that make searches fast: how many segments have "
        "theirs, how far a builder in the background is, or that one died and left some to "
        "build.\n\n"
        "resume does what running the same godwit migrate command again does. cancel is for jobs "
        "that no process works on; it removes what was copied.",
    .examples = (const struct example[]){{"godwit jobs ./godwit-data", "all jobs, newest last"},
                                         {"godwit jobs ./godwit-data resume 3", "continue job 3"},
                                         {0}},
    .run = run,
};
