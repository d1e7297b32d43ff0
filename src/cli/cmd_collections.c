/* cmd_collections.c: what a database holds: collections, describe, count, drop. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/cmd.h"
#include "cli/db.h"
#include "cli/output.h"

static void json_facts(struct text *text, const struct collection_facts *f)
{
    json_add_string(text, "name", f->name);
    json_add_string(text, "metric", metric_name(f->metric));
    json_add_uint(text, "dimension", f->dim);
    json_add_uint(text, "rows", f->rows);
    json_add_uint(text, "partitions_count", f->partition_count);
    json_add_uint(text, "segments", f->segment_count);
    json_add_uint(text, "size", f->size);
}

static enum err_code run_collections(struct arguments *arguments, struct err *err)
{
    static const char *const heads[] = {"collection",  "metric",    ">dim", ">rows",
                                        ">partitions", ">segments", ">size"};
    struct site *site = NULL;
    enum err_code code = db_site(arguments, DATABASE_READ, &site, err);
    struct collection_list list;
    if (code == ERR_OK) {
        code = site_list(site, &list, err);
        site_close(site);
    }
    if (code != ERR_OK)
        return code;
    struct text json, plain;
    text_init(&json);
    text_init(&plain);
    struct table table;
    table_init(&table, heads, sizeof heads / sizeof *heads);
    json_open(&json, NULL, '{');
    json_open(&json, "collections", '[');
    for (size_t i = 0; i < list.count; i++) {
        const struct collection_facts *f = &list.items[i];
        json_open(&json, NULL, '{');
        json_facts(&json, f);
        json_close(&json, '}');
        table_cell_name(&table, "", f->name);
        table_cell(&table, metric_name(f->metric));
        table_cell_number(&table, f->dim);
        table_cell_number(&table, f->rows);
        table_cell_number(&table, f->partition_count);
        table_cell_number(&table, f->segment_count);
        table_cell_size(&table, f->size);
    }
    json_close(&json, ']');
    json_close(&json, '}');
    text_add(&json, "\n");
    table_write(&table, 0, &plain);
    const bool is_empty = list.count == 0;
    collection_list_release(&list);
    if (is_empty) {
        text_release(&plain);
        text_init(&plain);
        text_add(&plain, "no collections\n");
    }
    code = output_write(arguments_has(arguments, "json") ? &json : &plain, err);
    text_release(&json);
    text_release(&plain);
    return code;
}

static void json_description(const struct collection_facts *f, struct text *text)
{
    char created[CLOCK_TEXT_SIZE];
    json_open(text, NULL, '{');
    json_facts(text, f);
    json_add_uint(text, "row_size", f->row_size);
    json_add_uint(text, "dead_rows", f->dead_rows);
    json_add_bool(text, "auto_ids", f->has_auto_ids);
    json_add_bool(text, "may_have_duplicates", f->may_have_duplicates);
    json_add_string(text, "index_type", f->index_type);
    json_add_string(text, "index_params", f->index_params);
    json_add_uint(text, "index_file_size", f->index_file_size);
    clock_format_utc(f->created_us, created);
    json_add_string(text, "created", f->created_us != 0 ? created : NULL);
    json_open(text, "partitions", '[');
    for (size_t i = 0; i < f->partition_count; i++) {
        json_open(text, NULL, '{');
        json_add_string(text, "name", f->partitions[i].name);
        json_add_uint(text, "rows", f->partitions[i].rows);
        json_add_uint(text, "segments", f->partitions[i].segment_count);
        json_close(text, '}');
    }
    json_close(text, ']');
    json_close(text, '}');
    text_add(text, "\n");
}

static void write_description(const struct collection_facts *f, struct text *text)
{
    static const char *const heads[] = {"partition", ">rows", ">segments"};
    char number[NUMBER_SIZE], time[CLOCK_TEXT_SIZE];
    text_add(text, output_colour(COLOUR_BOLD));
    output_name(text, f->name);
    text_addf(text, "%s\n  metric      %s\n  dimension   %zu%s\n", output_colour(COLOUR_NONE),
              metric_name(f->metric), f->dim, metric_is_binary(f->metric) ? " bits" : "");
    text_addf(text, "  rows        %s\n", format_number(f->rows, number));
    if (f->dead_rows > 0)
        text_addf(text, "  dead rows   %s, still in linked files\n",
                  format_number(f->dead_rows, number));
    text_addf(text, "  size        %s\n", format_size(f->size, number));
    if (f->may_have_duplicates)
        text_add(text, "  ids         some may stand in several rows\n");
    if (f->index_type[0] != '\0') {
        text_add(text, "  was         ");
        output_name(text, f->index_type);
        text_add(text, " ");
        output_name(text, f->index_params);
        text_add(text, " at the source\n");
    }
    if (f->created_us != 0) {
        clock_format_utc(f->created_us, time);
        text_addf(text, "  created     %s\n", time);
    }
    struct table table;
    table_init(&table, heads, sizeof heads / sizeof *heads);
    for (size_t i = 0; i < f->partition_count; i++) {
        table_cell_name(&table, "", f->partitions[i].name);
        table_cell_number(&table, f->partitions[i].rows);
        table_cell_number(&table, f->partitions[i].segment_count);
    }
    text_add(text, "\n");
    table_write(&table, 2, text);
}

static enum err_code run_describe(struct arguments *arguments, struct err *err)
{
    struct site *site = NULL;
    struct site_collection *collection = NULL;
    const enum err_code code = db_collection(arguments, &site, &collection, err);
    if (code != ERR_OK)
        return code;
    struct text text;
    text_init(&text);
    if (arguments_has(arguments, "json"))
        json_description(site_facts(collection), &text);
    else
        write_description(site_facts(collection), &text);
    site_collection_close(collection);
    site_close(site);
    return output_write(&text, err);
}

static enum err_code run_count(struct arguments *arguments, struct err *err)
{
    struct site *site = NULL;
    struct site_collection *collection = NULL;
    enum err_code code = db_collection(arguments, &site, &collection, err);
    if (code != ERR_OK)
        return code;
    const char *partition = arguments_text(arguments, "partition");
    uint64_t rows = 0;
    code = site_count(collection, partition, &rows, err);
    site_collection_close(collection);
    site_close(site);
    if (code != ERR_OK)
        return code;
    struct text text;
    text_init(&text);
    if (arguments_has(arguments, "json")) {
        json_open(&text, NULL, '{');
        json_add_string(&text, "collection", arguments->operands[1]);
        json_add_string(&text, "partition", partition);
        json_add_uint(&text, "rows", rows);
        json_close(&text, '}');
        text_add(&text, "\n");
    } else {
        text_addf(&text, "%llu\n", (unsigned long long)rows);
    }
    return output_write(&text, err);
}

/* Asks a person who sits there; a script has said what it wants. */
static bool is_confirmed(const struct arguments *arguments, const char *partition)
{
    if (arguments_has(arguments, "yes") || isatty(STDIN_FILENO) != 1 || !output_is_terminal())
        return true;
    struct text name;
    text_init(&name);
    output_name(&name, arguments->operands[1]);
    if (partition != NULL) {
        text_add(&name, " / ");
        output_name(&name, partition);
    }
    (void)fprintf(stderr, "Remove %s and all its rows from %s? [y/N] ", text_get(&name),
                  arguments->operands[0]);
    text_release(&name);
    char answer[16];
    return fgets(answer, sizeof answer, stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y');
}

static enum err_code run_drop(struct arguments *arguments, struct err *err)
{
    const char *partition = arguments_text(arguments, "partition");
    struct site *site = NULL;
    enum err_code code = db_site(arguments, DATABASE_WRITE, &site, err);
    if (code != ERR_OK)
        return code;
    struct site_collection *collection = NULL;
    code = db_collection_of(arguments, site, &collection, err);
    site_collection_close(collection);
    if (code == ERR_CORRUPT)
        code = ERR_OK; /* what is damaged may be dropped */
    if (code == ERR_OK && !is_confirmed(arguments, partition))
        code = err_set(err, ERR_INTERRUPTED, "nothing was removed");
    if (code == ERR_OK)
        code = site_drop(site, arguments->operands[1], partition, err);
    site_close(site);
    if (code != ERR_OK || !arguments_has(arguments, "json"))
        return code;
    struct text text;
    text_init(&text);
    json_open(&text, NULL, '{');
    json_add_string(&text, "dropped", arguments->operands[1]);
    json_add_string(&text, "partition", partition);
    json_close(&text, '}');
    text_add(&text, "\n");
    return output_write(&text, err);
}

#define JSON_OPTION                                                                                \
    {                                                                                              \
        .name = "json", .help = "Answer as JSON (docs/cli.md)."                                    \
    }

const struct command cmd_collections = {
    .name = "collections",
    .summary = "list the collections of a database",
    .operands = (const struct operand_spec[]){DB_OPERAND, {0}},
    .options = (const struct option_spec[]){SERVER_OPTIONS, JSON_OPTION, {0}},
    .description = "Sizes are those of ids and vectors." DB_DESCRIPTION,
    .examples = (const struct example[]){{"godwit collections ./godwit-data", "a table"},
                                         {"godwit collections http://127.0.0.1:19530",
                                          "the same of a server"},
                                         {0}},
    .run = run_collections,
};

const struct command cmd_describe = {
    .name = "describe",
    .summary = "show everything about a collection",
    .operands = (const struct operand_spec[]){DB_OPERAND, {.name = "COLLECTION"}, {0}},
    .options = (const struct option_spec[]){SERVER_OPTIONS, JSON_OPTION, {0}},
    .description =
        "Metric, dimension, rows, partitions, and which index the source had." DB_DESCRIPTION,
    .examples = (const struct example[]){{"godwit describe ./godwit-data words", ""}, {0}},
    .run = run_describe,
};

const struct command cmd_count = {
    .name = "count",
    .summary = "count the live rows of a collection",
    .operands = (const struct operand_spec[]){DB_OPERAND, {.name = "COLLECTION"}, {0}},
    .options =
        (const struct option_spec[]){{.name = "partition",
                                      .letter = 'p',
                                      .kind = OPTION_TEXT,
                                      .argument = "NAME",
                                      .help = "Only this partition; the collection's own rows are "
                                              "in _default."},
                                     SERVER_OPTIONS,
                                     JSON_OPTION,
                                     {0}},
    .description = "An id that stands in several rows is counted that often, as Milvus 1.x "
                   "did." DB_DESCRIPTION,
    .examples =
        (const struct example[]){
            {"godwit count ./godwit-data words --partition cities", "prints a number"}, {0}},
    .run = run_count,
};

const struct command cmd_drop = {
    .name = "drop",
    .summary = "remove a collection or a partition",
    .operands = (const struct operand_spec[]){DB_OPERAND, {.name = "COLLECTION"}, {0}},
    .options =
        (const struct option_spec[]){
            {.name = "partition",
             .letter = 'p',
             .kind = OPTION_TEXT,
             .argument = "NAME",
             .help = "Only this partition and its rows; _default "
                     "is emptied."},
            {.name = "yes", .letter = 'y', .help = "Do not ask, also on a terminal."},
            SERVER_OPTIONS,
            JSON_OPTION,
            {0}},
    .description =
        "There is no way back. On a terminal the question is asked first." DB_DESCRIPTION,
    .examples = (const struct example[]){{"godwit drop ./godwit-data words", "all of it"}, {0}},
    .run = run_drop,
};
