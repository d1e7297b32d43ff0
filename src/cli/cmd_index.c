/* cmd_index.c: the approximate indexes of a database: what there is, building, dropping.
 *
 * Building holds the folder's lock like any writer; searches go on meanwhile and use an index from
 * the next time they open the folder. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/cmd.h"
#include "cli/db.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "engine/index.h"
#include "engine/search.h"

#define K_SHOWN 0 /* the ladder's class that the table is about: k up to 10 */

struct index_run {
    struct arguments *arguments;
    struct database *database;
    bool is_building;
    bool is_dropping;
    struct index_counts counts; /* of all collections */
    size_t dropped;
    struct text json;
    struct text plain;
};

static enum err_code build(struct index_run *run, struct snapshot *snapshot, struct err *err)
{
    const bool is_forced = arguments_has(run->arguments, "rebuild");
    struct meter meter;
    meter_init(&meter, 0, interrupt_flag());
    const struct index_options options = {
        .threads = (size_t)arguments_count(run->arguments, "threads", 0),
        .memory_max = (size_t)arguments_count(run->arguments, "memory", 0),
        .meter = &meter,
        .isa = getenv("GODWIT_ISA"),
        .is_forced = is_forced,
    };
    struct index_counts counts = {0};
    struct progress_display *display = index_missing_rows(snapshot, is_forced) > 0
                                           ? progress_start(run->arguments, "index", NULL, &meter)
                                           : NULL;
    const enum err_code code = index_build(run->database, snapshot, &options, &counts, err);
    progress_stop(display);
    run->counts.built += counts.built;
    run->counts.kept += counts.kept;
    run->counts.left += counts.left;
    run->counts.time_ns += counts.time_ns;
    return code;
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
            json_add_string(json, "plan", rung->probes > 0 ? "lists" : "flat");
            json_add_uint(json, "probes", rung->probes);
            json_add_uint(json, "rerank", rung->rerank);
            json_close(json, '}');
        }
    json_close(json, ']');
}

static const char *state_of(const struct index_facts *facts)
{
    if (facts->is_built)
        return "lists";
    return facts->is_possible ? "flat" : "flat (no index needed)";
}

static void json_segment(const struct collection_facts *f, size_t segment,
                         const struct index_facts *facts, struct text *json)
{
    json_open(json, NULL, '{');
    json_add_string(json, "collection", f->name);
    json_add_string(json, "partition", f->partitions[facts->partition].name);
    json_add_uint(json, "segment", segment);
    json_add_uint(json, "rows", facts->rows);
    json_add_string(json, "plan", facts->is_built ? "lists" : "flat");
    json_add_bool(json, "is_possible", facts->is_possible);
    if (facts->is_built) {
        json_add_uint(json, "size", facts->size);
        json_add_uint(json, "lists", facts->lists);
        json_add_bool(json, "is_rotated", facts->is_rotated);
        json_ladder(facts, json);
    }
    json_close(json, '}');
}

/* "23 (80)": lists scanned and rows scored at a level. */
static void rung_cell(const struct index_facts *facts, unsigned level, struct table *table)
{
    const struct index_rung *rung = &facts->ladder[K_SHOWN][level - 1];
    struct text cell;
    text_init(&cell);
    if (!facts->is_built)
        text_add(&cell, "");
    else if (rung->probes == 0)
        text_add(&cell, "all");
    else
        text_addf(&cell, "%zu (%zu)", rung->probes, rung->rerank);
    table_cell(table, text_get(&cell));
    text_release(&cell);
}

static void table_segment(const struct collection_facts *f, size_t segment,
                          const struct index_facts *facts, struct table *table)
{
    static const unsigned levels[] = {1, SEARCH_LEVEL_DEFAULT, 6, 9};
    table_cell_name(table, "", f->name);
    table_cell_name(table, "", f->partitions[facts->partition].name);
    table_cell_number(table, segment);
    table_cell_number(table, facts->rows);
    table_cell(table, state_of(facts));
    if (facts->is_built) {
        table_cell_size(table, facts->size);
        table_cell_number(table, facts->lists);
    } else {
        table_cell(table, "");
        table_cell(table, "");
    }
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
        rung_cell(facts, levels[i], table);
}

static enum err_code describe(struct index_run *run, const char *collection, struct table *table,
                              struct err *err)
{
    struct snapshot *snapshot = NULL;
    const enum err_code code = database_snapshot(run->database, collection, &snapshot, err);
    if (code != ERR_OK)
        return code;
    const struct collection_facts *f = snapshot_facts(snapshot);
    for (size_t k = 0; k < f->segment_count; k++) {
        struct index_facts facts;
        index_describe(snapshot, k, &facts);
        json_segment(f, k, &facts, &run->json);
        table_segment(f, k, &facts, table);
    }
    snapshot_unref(snapshot);
    return ERR_OK;
}

static enum err_code change(struct index_run *run, const char *collection, struct err *err)
{
    struct snapshot *snapshot = NULL;
    enum err_code code = database_snapshot(run->database, collection, &snapshot, err);
    if (code != ERR_OK)
        return code;
    size_t dropped = 0;
    if (run->is_dropping)
        code = index_drop(run->database, snapshot, &dropped, err);
    else
        code = build(run, snapshot, err);
    run->dropped += dropped;
    snapshot_unref(snapshot);
    return code;
}

/* All collections, or the one that was named. */
static enum err_code for_each(struct index_run *run, struct table *table, struct err *err)
{
    const char *name = run->arguments->operand_count > 1 ? run->arguments->operands[1] : NULL;
    struct collection_list list;
    enum err_code code = database_list(run->database, &list, err);
    if (code != ERR_OK)
        return code;
    if (name != NULL && collection_list_find(&list, name) == NULL) {
        code = err_set(err, ERR_NO_COLLECTION, "collection %s: not found", name);
        code = db_name_collections(run->database, err);
    }
    for (size_t i = 0; code == ERR_OK && i < list.count; i++) {
        if (name != NULL && strcmp(list.items[i].name, name) != 0)
            continue;
        if (table != NULL)
            code = describe(run, list.items[i].name, table, err);
        else
            code = change(run, list.items[i].name, err);
    }
    collection_list_release(&list);
    return code;
}

static void tell_changes(const struct index_run *run, struct text *plain)
{
    char time[NUMBER_SIZE];
    if (run->is_dropping)
        text_addf(plain, "%zu %s dropped\n", run->dropped,
                  plural(run->dropped, "index", "indexes"));
    else if (run->is_building)
        text_addf(plain, "%zu built in %s, %zu kept, %zu %s no index\n", run->counts.built,
                  format_seconds(run->counts.time_ns, time), run->counts.kept, run->counts.left,
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
    }
    json_close(json, '}');
    text_add(json, "\n");
}

/* Opens the folder anew, so that what was built or dropped is seen. */
static enum err_code show(struct index_run *run, struct err *err)
{
    static const char *const heads[] = {"collection", "partition", ">segment", ">rows",
                                        "plan",       ">size",     ">lists",   ">level 1",
                                        ">level 3",   ">level 6",  ">level 9"};
    struct table table;
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

static enum err_code run(struct arguments *arguments, struct err *err)
{
    struct index_run run = {.arguments = arguments,
                            .is_building = arguments_has(arguments, "build") ||
                                           arguments_has(arguments, "rebuild"),
                            .is_dropping = arguments_has(arguments, "drop")};
    if (run.is_building && run.is_dropping)
        return err_set(err, ERR_USAGE, "--drop does not go with --build or --rebuild");
    enum err_code code = ERR_OK;
    if (run.is_building || run.is_dropping) {
        code = db_open(arguments->operands[0], DATABASE_WRITE, &run.database, err);
        if (code != ERR_OK)
            return code;
        code = for_each(&run, NULL, err);
        database_close(run.database);
    }
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
        "of levels show how many lists are scanned and, in brackets, how many rows are scored "
        "exactly for k up to 10; \"all\" is a scan.\n\n"
        "Segments with fewer than 8,000 rows and binary collections need no index. An index that "
        "is damaged or does not belong to its segment is not used.",
    .examples =
        (const struct example[]){
            {"godwit index ./godwit-data --build", "all collections"},
            {"godwit index ./godwit-data words", "what there is"},
            {"godwit search ./godwit-data words --like 17 --recall 0.99", "as good as asked for"},
            {0}},
    .run = run,
};
