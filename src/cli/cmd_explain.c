/* cmd_explain.c: what one search does, segment by segment: which plan, why, how much it looks at,
 * and where the time goes. The search runs twice: the second time is shown, when files are warm. */
#include "base/text.h"
#include "cli/cmd.h"
#include "cli/db.h"
#include "cli/output.h"
#include "cli/search_request.h"
#include "cli/vectors.h"
#include "engine/lookup.h"
#include "engine/search_trace.h"

struct explain {
    struct arguments *arguments;
    struct database *database;
    struct snapshot *snapshot;
    const struct collection_facts *facts;
    struct vectors query;
    struct lookup_result like; /* owns the query of --like */
    struct lookup_marks marks; /* the rows of --only-ids */
    struct search_request request;
    struct search_trace trace;
    struct search_result result;
};

static enum err_code read_query(struct explain *e, struct err *err)
{
    const char *vector = arguments_text(e->arguments, "vector");
    const bool is_binary = metric_is_binary(e->facts->metric);
    if ((vector != NULL) + arguments_has(e->arguments, "like") != 1)
        return err_set(err, ERR_USAGE, "one of --vector and --like is needed");
    e->request.query_count = 1;
    if (vector == NULL) {
        const int64_t id = arguments_id(e->arguments, "like", 0);
        const enum err_code code = lookup_get(e->snapshot, NULL, &id, 1, &e->like, err);
        if (code == ERR_OK && !e->like.found[0])
            return err_set(err, ERR_NOT_FOUND, "--like: the collection has no row with the id %lld",
                           (long long)id);
        e->request.queries = e->like.vectors;
        return code;
    }
    const enum err_code code = vectors_from_text("--vector", vector, is_binary, &e->query, err);
    if (code != ERR_OK)
        return code;
    if (e->query.dim != e->facts->dim)
        return err_set(err, ERR_INVALID, "the query has %zu dimensions, the collection %zu",
                       e->query.dim, e->facts->dim);
    e->request.queries = e->query.data;
    return ERR_OK;
}

static enum err_code read_filter(struct explain *e, struct err *err)
{
    const char *file = arguments_text(e->arguments, "only-ids");
    struct ids ids = {0};
    if (file == NULL)
        return ERR_OK;
    enum err_code code = ids_from_npy(file, &ids, err);
    if (code == ERR_OK)
        code = lookup_mark(e->snapshot, ids.items, (size_t)ids.count, &e->marks, err);
    ids_release(&ids);
    e->request.allow = (const uint64_t *const *)e->marks.bitmaps;
    return code;
}

/* Once for the files, once for the clock. */
static enum err_code run_search(struct explain *e, struct err *err)
{
    const enum err_code code =
        search_run_traced(e->snapshot, &e->request, &e->trace, &e->result, err);
    if (code != ERR_OK)
        return code;
    search_trace_release(&e->trace);
    search_result_release(&e->result);
    return search_run_traced(e->snapshot, &e->request, &e->trace, &e->result, err);
}

static double microseconds(uint64_t ns)
{
    return (double)ns / 1e3;
}

static void json_part(const struct search_trace_part *part, struct text *text)
{
    json_open(text, NULL, '{');
    json_add_uint(text, "segment", part->segment);
    json_add_string(text, "plan", part->plan);
    json_add_string(text, "why", part->why);
    json_add_uint(text, "rows", part->live);
    json_add_uint(text, "passing", part->passing);
    json_add_uint(text, "lists", part->opened);
    json_add_uint(text, "scanned", part->scanned);
    json_add_uint(text, "scored", part->scored);
    json_add_double(text, "model_us", part->cost_us);
    json_add_double(text, "model_flat_us", part->flat_us);
    json_add_double(text, "time_us", microseconds(part->time_ns));
    json_close(text, '}');
}

static void write_json(const struct explain *e, struct text *text)
{
    const struct search_trace *trace = &e->trace;
    json_open(text, NULL, '{');
    json_add_string(text, "collection", e->facts->name);
    json_add_string(text, "metric", metric_name(e->facts->metric));
    json_add_uint(text, "k", e->request.k);
    json_add_uint(text, "level", trace->level);
    json_add_uint(text, "hits", e->result.counts[0]);
    json_add_string(text, "isa", e->result.stats.isa);
    json_add_bool(text, "completed", trace->is_completed);
    json_add_double(text, "plan_us", microseconds(trace->plan_ns));
    json_add_double(text, "search_us", microseconds(trace->search_ns));
    json_add_double(text, "finish_us", microseconds(trace->completion_ns));
    json_open(text, "segments", '[');
    for (size_t i = 0; i < trace->count; i++)
        json_part(&trace->parts[i], text);
    json_close(text, ']');
    json_close(text, '}');
    text_add(text, "\n");
}

static void cell_time(struct table *table, double us)
{
    struct text cell;
    text_init(&cell);
    text_addf(&cell, "%.1f", us);
    table_cell(table, text_get(&cell));
    text_release(&cell);
}

static void write_parts(const struct search_trace *trace, struct text *text)
{
    static const char *const heads[] = {">segment", "plan",        ">rows",   ">passing",
                                        ">lists",   ">scanned",    ">scored", ">us",
                                        ">model",   ">model flat", "why"};
    struct table table;
    table_init(&table, heads, sizeof heads / sizeof heads[0]);
    for (size_t i = 0; i < trace->count; i++) {
        const struct search_trace_part *part = &trace->parts[i];
        table_cell_number(&table, part->segment);
        table_cell(&table, part->plan);
        table_cell_number(&table, part->live);
        table_cell_number(&table, part->passing);
        table_cell_number(&table, part->opened);
        table_cell_number(&table, part->scanned);
        table_cell_number(&table, part->scored);
        cell_time(&table, microseconds(part->time_ns));
        cell_time(&table, part->cost_us);
        cell_time(&table, part->flat_us);
        table_cell(&table, part->why);
    }
    table_write(&table, 0, text);
}

static void write_text(const struct explain *e, struct text *text)
{
    const struct search_trace *trace = &e->trace;
    write_parts(trace, text);
    text_addf(text,
              "\nlevel %u, k %zu: %zu %s; plans chosen in %.1f us, segments searched in %.1f us, "
              "finished in %.1f us, %s\n",
              trace->level, e->request.k, e->result.counts[0],
              plural(e->result.counts[0], "hit", "hits"), microseconds(trace->plan_ns),
              microseconds(trace->search_ns), microseconds(trace->completion_ns),
              e->result.stats.isa);
    if (trace->is_completed)
        text_add(text, "an index proposed too little, so all rows were scanned as well\n");
}

static enum err_code show(const struct explain *e, struct err *err)
{
    struct text text;
    text_init(&text);
    if (arguments_has(e->arguments, "json"))
        write_json(e, &text);
    else
        write_text(e, &text);
    return output_write(&text, err);
}

static enum err_code run(struct arguments *arguments, struct err *err)
{
    struct explain e = {.arguments = arguments};
    enum err_code code = db_open_collection(arguments, &e.database, &e.snapshot, err);
    if (code != ERR_OK)
        return code;
    e.facts = snapshot_facts(e.snapshot);
    code = search_request_read(arguments, e.facts, &e.request, err);
    if (code == ERR_OK)
        code = read_query(&e, err);
    if (code == ERR_OK)
        code = read_filter(&e, err);
    if (code == ERR_OK)
        code = run_search(&e, err);
    if (code == ERR_OK)
        code = show(&e, err);
    search_trace_release(&e.trace);
    search_result_release(&e.result);
    lookup_marks_release(&e.marks);
    lookup_result_release(&e.like);
    vectors_release(&e.query);
    snapshot_unref(e.snapshot);
    database_close(e.database);
    return code;
}

static const struct option_spec options[] = {
    {.name = "vector",
     .kind = OPTION_TEXT,
     .argument = "VECTOR",
     .help = "The query, as in godwit search."},
    {.name = "like",
     .kind = OPTION_ID,
     .argument = "ID",
     .help = "The query is the vector of this row."},
    {.name = "k",
     .letter = 'k',
     .kind = OPTION_COUNT,
     .argument = "N",
     .min = 1,
     .max = SEARCH_K_MAX,
     .help = "Hits wanted (default 10)."},
    {.name = "partition",
     .letter = 'p',
     .kind = OPTION_TEXT,
     .is_repeatable = true,
     .argument = "NAME",
     .help = "Search only this partition; may be given several times."},
    {.name = "only-ids",
     .kind = OPTION_FILE,
     .argument = "FILE.npy",
     .help = "Only rows with one of these ids may be hits."},
    {.name = "level",
     .kind = OPTION_COUNT,
     .argument = "N",
     .min = 1,
     .max = SEARCH_LEVEL_MAX,
     .help = "From 1, fastest, to 10, exact (default 3)."},
    {.name = "recall",
     .kind = OPTION_NUMBER,
     .argument = "R",
     .max = 1,
     .help = "The part of the true nearest rows that is wanted; wins over --level."},
    {.name = "radius",
     .kind = OPTION_TEXT,
     .argument = "SCORE",
     .help = "Only hits that are nearer, as in godwit search."},
    {.name = "range-filter",
     .kind = OPTION_TEXT,
     .argument = "SCORE",
     .help = "Only hits that are as far away or further."},
    {.name = "json", .help = "Answer as JSON (docs/cli.md)."},
    {.name = NULL},
};

const struct command cmd_explain = {
    .name = "explain",
    .summary = "show how a search is carried out, and why so",
    .operands = (const struct operand_spec[]){{.name = "DB", .kind = OPTION_FOLDER},
                                              {.name = "COLLECTION"},
                                              {0}},
    .options = options,
    .description =
        "For one query and each segment: the plan (flat, lists, graph, bits), why it was chosen, "
        "how many lists were opened, how many rows were looked at by their codes and how many "
        "were scored exactly, the time it took, and what the model that chooses plans had "
        "expected of it and of an exact scan, in microseconds. One thread searches, the second "
        "of two times.",
    .examples =
        (const struct example[]){{"godwit explain ./godwit-data words --like 17 --recall 0.99",
                                  "what such a search costs"},
                                 {0}},
    .run = run,
};
