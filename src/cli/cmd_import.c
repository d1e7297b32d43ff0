/* cmd_import.c: rows of NumPy files into a collection. */
#include <string.h>

#include "base/metric.h"
#include "cli/cmd.h"
#include "cli/db.h"
#include "cli/indexing.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/vectors.h"
#include "flow/meter.h"

#define SERVER_INDEXES "a server builds indexes by itself, in the background"

static enum err_code check_metric(const struct arguments *arguments, const struct vectors *vectors,
                                  enum metric_type *ret_metric, struct err *err)
{
    const char *name = arguments_text(arguments, "metric");
    *ret_metric = name != NULL ? metric_from_name(name) : METRIC_NONE;
    if (name != NULL && metric_is_binary(*ret_metric) != vectors->is_binary)
        return err_set(err, ERR_INVALID, "--metric %s is for %s, the file holds %s", name,
                       vectors->is_binary ? "floats" : "bits (uint8)",
                       vectors->is_binary ? "bytes" : "floats");
    return ERR_OK;
}

static enum err_code tell(const struct arguments *arguments, const struct import_result *result,
                          bool has_ids, struct err *err)
{
    struct text text;
    text_init(&text);
    if (arguments_has(arguments, "json")) {
        json_open(&text, NULL, '{');
        json_add_string(&text, "collection", arguments->operands[1]);
        json_add_string(&text, "partition", arguments_text(arguments, "partition"));
        json_add_uint(&text, "rows", result->rows);
        json_add_bool(&text, "is_new", result->is_new);
        if (!has_ids && result->rows > 0)
            json_add_int(&text, "first_id", result->first_id);
        json_close(&text, '}');
        text_add(&text, "\n");
    } else {
        char rows[NUMBER_SIZE];
        text_addf(&text, "%s %s into %s", format_number(result->rows, rows),
                  plural(result->rows, "row", "rows"), result->is_new ? "the new collection " : "");
        output_name(&text, arguments->operands[1]);
        if (!has_ids && result->rows > 0)
            text_addf(&text, ", ids from %lld on", (long long)result->first_id);
        text_add(&text, "\n");
    }
    return output_write(&text, err);
}

static enum err_code import(struct arguments *arguments, const struct vectors *vectors,
                            const struct ids *ids, struct err *err)
{
    struct meter meter;
    meter_init(&meter, 0, interrupt_flag());
    struct import_request request = {
        .collection = arguments->operands[1],
        .partition = arguments_text(arguments, "partition"),
        .is_binary = vectors->is_binary,
        .dim = vectors->dim,
        .ids = ids->items,
        .vectors = vectors->data,
        .rows = vectors->rows,
        .meter = &meter,
    };
    const bool has_ids = arguments_has(arguments, "ids");
    if (has_ids && ids->count != vectors->rows)
        return err_set(err, ERR_INVALID, "%llu ids for %llu vectors",
                       (unsigned long long)ids->count, (unsigned long long)vectors->rows);
    enum err_code code = check_metric(arguments, vectors, &request.metric, err);
    struct site *site = NULL;
    if (code == ERR_OK)
        code = db_site(arguments, DATABASE_CREATE, &site, err);
    if (code != ERR_OK)
        return code;
    struct import_result result = {0};
    struct progress_display *display = progress_start(arguments, "import", NULL, &meter);
    code = site_import(site, &request, &result, err);
    progress_stop(display);
    site_close(site);
    if (code != ERR_OK)
        return code;
    code = tell(arguments, &result, has_ids, err);
    if (!site_is_server(arguments->operands[0])) /* a server indexes by itself */
        indexing_follow(arguments, arguments->operands[0], arguments->operands[1]);
    return code;
}

static enum err_code run(struct arguments *arguments, struct err *err)
{
    struct vectors vectors = {0};
    struct ids ids = {0};
    const char *file = arguments_text(arguments, "vectors");
    const char *ids_file = arguments_text(arguments, "ids");
    if (file == NULL)
        return err_set(err, ERR_USAGE, "--vectors FILE.npy is missing");
    enum err_code code = indexing_check(arguments, err);
    if (code == ERR_OK)
        code = db_folder_option(arguments, "wait-index", SERVER_INDEXES, err);
    if (code == ERR_OK)
        code = db_folder_option(arguments, "no-index", SERVER_INDEXES, err);
    if (code == ERR_OK)
        code = vectors_from_npy(file, &vectors, err);
    if (code == ERR_OK && ids_file != NULL)
        code = ids_from_npy(ids_file, &ids, err);
    if (code == ERR_OK)
        code = import(arguments, &vectors, &ids, err);
    ids_release(&ids);
    vectors_release(&vectors);
    return code;
}

const struct command cmd_import = {
    .name = "import",
    .summary = "add rows of NumPy files to a collection, which is made when absent",
    .operands = (const struct operand_spec[]){DB_OPERAND, {.name = "COLLECTION"}, {0}},
    .options =
        (const struct option_spec[]){
            {.name = "vectors",
             .kind = OPTION_FILE,
             .argument = "FILE.npy",
             .help =
                 "float32 or float64 (n, dimension), or uint8 (n, dimension / 8) for bits. Must "
                 "be given."},
            {.name = "ids",
             .kind = OPTION_FILE,
             .argument = "FILE.npy",
             .help = "int64 (n,); without it ids are counted up."},
            {.name = "partition",
             .letter = 'p',
             .kind = OPTION_TEXT,
             .argument = "NAME",
             .help = "Into this partition, which is made when absent."},
            {.name = "metric",
             .kind = OPTION_CHOICE,
             .argument = "METRIC",
             .choices = "L2 IP COSINE HAMMING JACCARD TANIMOTO SUBSTRUCTURE SUPERSTRUCTURE",
             .help = "Of a new collection: L2 (the default), IP, COSINE; for bits HAMMING (the "
                     "default), JACCARD, TANIMOTO, SUBSTRUCTURE, SUPERSTRUCTURE."},
            INDEXING_OPTIONS,
            PROGRESS_OPTION,
            SERVER_OPTIONS,
            {.name = "json", .help = "Answer as JSON (docs/cli.md)."},
            {0}},
    .description = "The rows become visible together, or not at all. DB is made when absent. An "
                   "index follows in the background when there are enough of them." DB_DESCRIPTION
                   " A server gets the rows in portions, which become visible one by one; a row "
                   "with an id that is there replaces the old one.",
    .examples =
        (const struct example[]){
            {"godwit import ./godwit-data faces --vectors data.npy --ids id.npy --metric COSINE",
             "what godwit unload wrote, or NumPy"},
            {0}},
    .run = run,
};
