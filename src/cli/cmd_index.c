/* cmd_index.c: the approximate indexes of a database: what there is, building, dropping.
 *
 * Building and dropping need no writer's lock, only that nobody else builds
 * (engine/index_builder.h); searches use an index from the next time they open the folder. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/cmd.h"
#include "cli/db.h"
#include "cli/indexing.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "engine/collection.h"
#include "engine/index_builder.h"
#include "engine/search.h"

#define K_SHOWN 0 /* the ladder's class that the table is about: k up to 10 */

struct index_run {
    struct arguments *arguments;
    struct database *database;
    struct index_status status;
    bool is_building;
    bool is_dropping;
    struct index_counts counts; /* of all collections */
    size_t dropped;
    struct text json;
    struct text plain;
};

/* Which index a line is about. */
struct shown {
    const struct collection_facts *collection;
    const char *field;
    size_t segment;
};

static const char *collection_of(const struct arguments *arguments)
{
    return arguments->operand_count > 1 ? arguments->operands[1] : NULL;
}

static void json_ladder(const struct index_facts *facts, struct text *json)
{
    json_open(json, "ladder", '[');
    for (size_t c = 0; c < INDEX_K_CLASSES; c++)
        for (size_t level = 0; level < INDEX_LEVELS; level++) {
            const struct index_rung *rung = &facts->ladder[c][level];
            json_open(json, NULL, '{');
            json_add_uint(json, "k", facts->ks[c]);
            json_add_uint(json, "level", level + 1);
            json_add_float(json, "recall", rung->recall);
            json_add_string(json, "plan", rung->plan);
            json_add_uint(json, "probes", rung->probes);
            json_add_uint(json, "rerank", rung->rerank);
            json_add_uint(json, "ef", rung->ef);
            json_add_uint(json, "graph_rerank", rung->graph_rerank);
            json_close(json, '}');
        }
    json_close(json, ']');
}

/* What the files say, and whether somebody is at it just now. */
static enum index_state state_of(const struct index_run *run, const struct index_facts *facts)
{
    const struct index_status *status = &run->status;
    const bool is_under_way = status->activity == INDEX_BUILDING && status->has_segment &&
                              status->folder == facts->folder && status->number == facts->number;
    return is_under_way && facts->state != INDEX_READY ? INDEX_UNDER_WAY : facts->state;
}

static bool has_index(const struct index_facts *facts)
{
    return facts->is_built || facts->has_graph;
}

static const char *plan_of(const struct index_facts *facts)
{
    if (facts->has_graph)
        return facts->is_built ? "lists+graph" : "graph";
    return facts->is_built ? "lists" : "flat";
}

static struct index_cost cost_of(const struct index_facts *facts)
{
    struct index_cost sum = {0};
    for (size_t k = 0; k < INDEX_PLANS; k++) {
        sum.cpu_s += facts->record.costs[k].cpu_s;
        sum.wall_s += facts->record.costs[k].wall_s;
    }
    return sum;
}

static void json_record(const struct index_facts *facts, struct text *json)
{
    char time[CLOCK_TEXT_SIZE];
    const struct index_record *record = &facts->record;
    const struct index_cost sum = cost_of(facts);
    clock_format_utc(record->built_us, time);
    json_open(json, "build", '{');
    json_add_string(json, "at", time);
    json_add_uint(json, "threads", record->threads);
    json_add_double(json, "cpu_s", sum.cpu_s);
    json_add_double(json, "wall_s", sum.wall_s);
    for (size_t k = 0; k < INDEX_PLANS; k++) {
        json_open(json, index_plan_name((enum index_plan)k), '{');
        json_add_double(json, "cpu_s", record->costs[k].cpu_s);
        json_add_double(json, "wall_s", record->costs[k].wall_s);
        json_close(json, '}');
    }
    if (record->has_failed)
        json_add_string(json, "reason", record->reason);
    json_close(json, '}');
}

static void json_segment(struct index_run *run, const struct shown *shown,
                         const struct index_facts *facts)
{
    const struct collection_facts *f = shown->collection;
    struct text *json = &run->json;
    json_open(json, NULL, '{');
    json_add_string(json, "collection", f->name);
    json_add_string(json, "partition", f->partitions[facts->partition].name);
    json_add_string(json, "field", shown->field);
    json_add_uint(json, "segment", shown->segment);
    json_add_uint(json, "rows", facts->rows);
    json_add_string(json, "plan", plan_of(facts));
    json_add_bool(json, "is_possible", facts->is_possible);
    json_add_string(json, "state", index_state_name(state_of(run, facts)));
    if (facts->has_record)
        json_record(facts, json);
    if (has_index(facts)) {
        json_add_uint(json, "size", facts->size);
        json_add_uint(json, "lists", facts->lists);
        json_add_bool(json, "is_graph_needless", facts->is_judged);
        json_add_uint(json, "degree", facts->degree);
        json_add_uint(json, "bits", facts->bits);
        json_add_bool(json, "is_rotated", facts->is_rotated);
        json_ladder(facts, json);
    }
    json_close(json, '}');
}

/* "lists 23 (80)", "graph 60 (15)": how far a level goes, and rows scored. */
static void rung_cell(const struct index_facts *facts, unsigned level, struct table *table)
{
    const struct index_rung *rung = &facts->ladder[K_SHOWN][level - 1];
    struct text cell;
    text_init(&cell);
    if (!has_index(facts))
        text_add(&cell, "");
    else if (strcmp(rung->plan, "graph") == 0)
        text_addf(&cell, "graph %zu (%zu)", rung->ef, rung->graph_rerank);
    else if (strcmp(rung->plan, "lists") == 0)
        text_addf(&cell, rung->rerank > 0 ? "lists %zu (%zu)" : "lists %zu", rung->probes,
                  rung->rerank);
    else
        text_add(&cell, "all");
    table_cell(table, text_get(&cell));
    text_release(&cell);
}

/* "building 42 %", and what the last build took. */
static void state_cells(const struct index_run *run, const struct index_facts *facts,
                        struct table *table)
{
    const enum index_state state = state_of(run, facts);
    char time[NUMBER_SIZE];
    struct text cell;
    text_init(&cell);
    text_add(&cell, index_state_name(state));
    if (state == INDEX_BROKEN) {
        text_add(&cell, ": ");
        output_name(&cell, facts->record.reason);
    }
    table_cell(table, text_get(&cell));
    text_release(&cell);
    const bool is_shown = facts->has_record && has_index(facts);
    table_cell(table, is_shown ? format_seconds((uint64_t)(cost_of(facts).cpu_s * 1e9), time) : "");
}

static void table_segment(const struct index_run *run, const struct shown *shown,
                          const struct index_facts *facts, struct table *table)
{
    const struct collection_facts *f = shown->collection;
    static const unsigned levels[] = {1, SEARCH_LEVEL_DEFAULT, 6, 9};
    table_cell_name(table, "", f->name);
    table_cell_name(table, "", f->partitions[facts->partition].name);
    table_cell_number(table, shown->segment);
    table_cell_name(table, "", shown->field);
    table_cell_number(table, facts->rows);
    table_cell(table, plan_of(facts));
    state_cells(run, facts, table);
    if (has_index(facts)) {
        table_cell_size(table, facts->size);
        table_cell_number(table, facts->lists);
    } else {
        table_cell(table, "");
        table_cell(table, "");
    }
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
        rung_cell(facts, levels[i], table);
}

static void describe_field(struct index_run *run, struct snapshot *view, const char *field,
                           struct table *table)
{
    const struct collection_facts *collection = snapshot_facts(view);
    for (size_t k = 0; k < collection->segment_count; k++) {
        const struct shown shown = {collection, field, k};
        struct index_facts facts;
        index_describe(run->database, view, k, &facts);
        json_segment(run, &shown, &facts);
        table_segment(run, &shown, &facts, table);
    }
}

static enum err_code describe(struct index_run *run, const char *collection, struct table *table,
                              struct err *err)
{
    struct snapshot *snapshot = NULL;
    enum err_code code = database_snapshot(run->database, collection, &snapshot, err);
    if (code != ERR_OK)
        return code;
    const struct schema *schema = &snapshot_info(snapshot)->schema;
    for (size_t f = 0; code == ERR_OK && f < schema->field_count; f++) {
        struct snapshot *view = NULL;
        if (!field_type_is_vector(schema->fields[f].type))
            continue;
        code = snapshot_for_field(snapshot, f, &view, err);
        if (code == ERR_OK)
            describe_field(run, view, schema->fields[f].name, table);
    }
    snapshot_unref(snapshot);
    return code;
}

/* All collections, or the one that was named. `table` NULL: only looks whether it is there. */
static enum err_code for_each(struct index_run *run, struct table *table, struct err *err)
{
    const char *name = collection_of(run->arguments);
    struct collection_list list;
    enum err_code code = database_list(run->database, &list, err);
    if (code != ERR_OK)
        return code;
    if (name != NULL && collection_list_find(&list, name) == NULL) {
        code = err_set(err, ERR_NO_COLLECTION, "collection %s: not found", name);
        code = db_name_collections(run->database, err);
    }
    for (size_t i = 0; code == ERR_OK && i < list.count; i++) {
        if (table != NULL && (name == NULL || strcmp(list.items[i].name, name) == 0))
            code = describe(run, list.items[i].name, table, err);
    }
    collection_list_release(&list);
    return code;
}

static void tell_changes(const struct index_run *run, struct text *plain)
{
    char time[NUMBER_SIZE], cpu[NUMBER_SIZE];
    if (run->is_dropping)
        text_addf(plain, "%zu %s dropped\n", run->dropped,
                  plural(run->dropped, "index", "indexes"));
    else if (run->is_building)
        text_addf(plain, "%zu built in %s (%s of processor time), %zu kept, %zu %s no index\n",
                  run->counts.built, format_seconds(run->counts.time_ns, time),
                  format_seconds(run->counts.cpu_ns, cpu), run->counts.kept, run->counts.left,
                  plural(run->counts.left, "segment needs", "segments need"));
}

static void json_changes(struct index_run *run)
{
    struct text *json = &run->json;
    json_close(json, ']');
    if (run->is_dropping)
        json_add_uint(json, "dropped", run->dropped);
    if (run->is_building) {
        json_add_uint(json, "built", run->counts.built);
        json_add_uint(json, "kept", run->counts.kept);
        json_add_double(json, "build_s", (double)run->counts.time_ns / 1e9);
        json_add_double(json, "build_cpu_s", (double)run->counts.cpu_ns / 1e9);
    }
    json_close(json, '}');
    text_add(json, "\n");
}

/* Opens the folder anew, so that what was built or dropped is seen. */
static enum err_code show(struct index_run *run, struct err *err)
{
    static const char *const heads[] = {"collection", "partition", ">segment",  "field",   ">rows",
                                        "plan",       "state",     ">built in", ">size",   ">lists",
                                        ">level 1",   ">level 3",  ">level 6",  ">level 9"};
    struct table table;
    index_status_read(run->arguments->operands[0], &run->status);
    enum err_code code = db_open(run->arguments->operands[0], DATABASE_READ, &run->database, err);
    if (code != ERR_OK)
        return code;
    table_init(&table, heads, sizeof heads / sizeof *heads);
    tell_changes(run, &run->plain);
    json_open(&run->json, NULL, '{');
    json_open(&run->json, "segments", '[');
    code = for_each(run, &table, err);
    database_close(run->database);
    json_changes(run);
    table_write(&table, 0, &run->plain);
    if (code != ERR_OK)
        return code;
    return output_write(arguments_has(run->arguments, "json") ? &run->json : &run->plain, err);
}

/* Is it a database that has the collection? */
static enum err_code look(struct index_run *run, struct err *err)
{
    enum err_code code = db_open(run->arguments->operands[0], DATABASE_READ, &run->database, err);
    if (code != ERR_OK)
        return code;
    code = for_each(run, NULL, err);
    database_close(run->database);
    return code;
}

static enum err_code build(struct index_run *run, struct err *err)
{
    const struct arguments *arguments = run->arguments;
    const struct indexing indexing = {
        .arguments = arguments,
        .folder = arguments->operands[0],
        .collection = collection_of(arguments),
        .options = {.threads = (size_t)arguments_count(arguments, "threads", 0),
                    .memory_max = (size_t)arguments_count(arguments, "memory", 0),
                    .isa = getenv("GODWIT_ISA"),
                    .is_forced = arguments_has(arguments, "rebuild")},
        .waits = !arguments_has(arguments, "no-wait"),
    };
    const enum err_code code = indexing_build(&indexing, &run->counts, err);
    if (code != ERR_LOCKED || indexing.waits)
        return code;
    log_line("%s; it is left to it", err->msg);
    run->is_building = false;
    return ERR_OK;
}

static enum err_code drop(struct index_run *run, struct err *err)
{
    struct index_builder *builder = NULL;
    enum err_code code =
        index_builder_open(run->arguments->operands[0], interrupt_flag(), false, &builder, err);
    if (code == ERR_OK)
        code = index_builder_drop(builder, collection_of(run->arguments), &run->dropped, err);
    index_builder_close(builder);
    return code;
}

static enum err_code change(struct index_run *run, struct err *err)
{
    const bool in_background = arguments_has(run->arguments, "background");
    if (run->is_building + run->is_dropping + in_background > 1)
        return err_set(err, ERR_USAGE, "--build or --rebuild, --background, --drop: one of them");
    if (in_background && collection_of(run->arguments) != NULL)
        return err_set(err, ERR_USAGE, "--background builds for all collections; leave %s out",
                       collection_of(run->arguments));
    if (!run->is_building && !run->is_dropping && !in_background)
        return ERR_OK;
    enum err_code code = look(run, err);
    if (code != ERR_OK)
        return code;
    if (in_background)
        return indexing_detach(run->arguments->operands[0], err);
    return run->is_dropping ? drop(run, err) : build(run, err);
}

static enum err_code run(struct arguments *arguments, struct err *err)
{
    struct index_run run = {.arguments = arguments,
                            .is_building = arguments_has(arguments, "build") ||
                                           arguments_has(arguments, "rebuild"),
                            .is_dropping = arguments_has(arguments, "drop")};
    enum err_code code = change(&run, err);
    text_init(&run.json);
    text_init(&run.plain);
    if (code == ERR_OK)
        code = show(&run, err);
    text_release(&run.json);
    text_release(&run.plain);
    return code;
}

const struct command cmd_index = {
    .name = "index",
    .summary = "show, build or drop the indexes that make searches fast",
    .operands = (const struct operand_spec[]){{.name = "DB", .kind = OPTION_FOLDER},
                                              {.name = "COLLECTION", .is_optional = true},
                                              {0}},
    .options =
        (const struct option_spec[]){
            {.name = "build", .help = "Build the indexes that are missing or damaged."},
            {.name = "rebuild", .help = "Build all of them anew."},
            {.name = "drop", .help = "Remove them; searches scan every row again."},
            {.name = "background",
             .help = "Build what is missing in a process of its own, which goes on when the shell "
                     "is closed; godwit jobs shows how far it is."},
            {.name = "no-wait",
             .help = "With --build: when another program builds here, leave it to that one instead "
                     "of waiting for it."},
            {.name = "threads",
             .letter = 't',
             .kind = OPTION_COUNT,
             .argument = "N",
             .min = 1,
             .max = 256,
             .help = "Build with N threads (default: one a processor). The files are the same."},
            {.name = "memory",
             .kind = OPTION_SIZE,
             .argument = "SIZE",
             .min = 1 << 20,
             .help = "Memory that a build may take for its sample (default: a quarter of the "
                     "machine's)."},
            PROGRESS_OPTION,
            {.name = "json", .help = "Answer as JSON (docs/cli.md)."},
            {0}},
    .description =
        "Without an index a search looks at every row and is exact. With one it looks where the "
        "nearest rows should be, as far as the asked --level or --recall needs, which was measured "
        "on the segment itself when the index was built; --level 10 is still exact. The columns "
        "of levels show the plan of a single query for k up to 10: how many lists are scanned, or "
        "how many rows a walk through the graph keeps, and, in brackets, how many rows are scored "
        "exactly; \"all\" is a scan.\n\n"
        "migrate and import have indexes built in the background. A build that was killed costs "
        "the segment it was at; --build goes on with those that are missing. One program at a time "
        "builds in a folder. Writers need not wait for it, nor it for them.\n\n"
        "Segments with fewer than 8,000 rows, or less than 1 MiB of binary vectors, need no index, "
        "nor does SUBSTRUCTURE or SUPERSTRUCTURE. An index that is damaged or does not belong to "
        "its segment is not used.",
    .examples =
        (const struct example[]){
            {"godwit index ./godwit-data --build", "what is missing, in all collections"},
            {"godwit index ./godwit-data words", "what there is"},
            {"godwit search ./godwit-data words --like 17 --recall 0.99", "as good as asked for"},
            {0}},
    .run = run,
};
