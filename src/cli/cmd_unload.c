/* cmd_unload.c: rows of a collection into NumPy files, sorted by id.
 *
 * Both files are complete under temporary names before the first gets its own; id.npy comes last,
 * so where it is, the two belong together. */
#include <string.h>

#include "base/mem.h"
#include "base/path.h"
#include "cli/cmd.h"
#include "cli/db.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/vectors.h"

struct unload {
    struct arguments *arguments;
    const char *folder;
    const char *partition;
    struct site_collection *collection;
    char *ids_path;
    char *vectors_path;
    struct npy_writer *ids;
    struct npy_writer *vectors;
    struct meter meter;
    uint64_t rows;
};

static enum err_code open_writers(struct unload *u, struct err *err)
{
    const struct collection_facts *f = site_facts(u->collection);
    const bool is_binary = metric_is_binary(f->metric);
    enum err_code code = folder_make(u->folder, err);
    if (code != ERR_OK)
        return code;
    u->ids_path = path_join(u->folder, "id.npy");
    u->vectors_path = path_join(u->folder, "data.npy");
    if (u->ids_path == NULL || u->vectors_path == NULL)
        return err_nomem(err, "unload");
    code = npy_writer_open(u->ids_path, NPY_COLUMN_IDS, 0, &u->ids, err);
    if (code != ERR_OK)
        return code;
    return npy_writer_open(u->vectors_path, is_binary ? NPY_COLUMN_BYTES : NPY_COLUMN_FLOATS,
                           is_binary ? f->row_size : f->dim, &u->vectors, err);
}

static enum err_code write_rows(struct unload *u, struct err *err)
{
    const size_t row_size = site_facts(u->collection)->row_size;
    for (;;) {
        struct cursor_batch batch;
        enum err_code code = site_walk_next(u->collection, &batch, err);
        if (code != ERR_OK || batch.rows == 0)
            return code;
        code = npy_writer_add(u->ids, batch.ids, batch.rows * sizeof *batch.ids, err);
        if (code == ERR_OK)
            code = npy_writer_add(u->vectors, batch.vectors, batch.rows * row_size, err);
        if (code == ERR_OK)
            code = meter_pass(&u->meter, batch.rows * row_size, batch.rows, err);
        if (code != ERR_OK)
            return code;
        u->rows += batch.rows;
    }
}

static enum err_code publish(struct unload *u, struct err *err)
{
    enum err_code code = npy_writer_finish(u->vectors, u->rows, err);
    if (code == ERR_OK)
        code = npy_writer_finish(u->ids, u->rows, err);
    if (code == ERR_OK)
        code = file_remove(u->ids_path, err); /* of an earlier run: never beside other vectors */
    if (code == ERR_OK)
        code = npy_writer_publish(u->vectors, err);
    if (code == ERR_OK)
        code = npy_writer_publish(u->ids, err);
    return code;
}

static enum err_code unload(struct unload *u, struct err *err)
{
    enum err_code code = site_walk(u->collection, u->partition, err);
    if (code == ERR_OK)
        code = open_writers(u, err);
    if (code != ERR_OK)
        return code;
    meter_init(&u->meter, 0, interrupt_flag());
    struct progress_display *display = progress_start(u->arguments, "unload", NULL, &u->meter);
    code = write_rows(u, err);
    if (code == ERR_OK)
        code = publish(u, err);
    progress_stop(display);
    return code;
}

static enum err_code tell(const struct unload *u, struct err *err)
{
    const struct collection_facts *f = site_facts(u->collection);
    struct text text;
    text_init(&text);
    if (arguments_has(u->arguments, "json")) {
        json_open(&text, NULL, '{');
        json_add_string(&text, "collection", f->name);
        json_add_string(&text, "partition", u->partition);
        json_add_uint(&text, "rows", u->rows);
        json_add_uint(&text, "dimension", f->dim);
        json_add_string(&text, "metric", metric_name(f->metric));
        json_open(&text, "files", '[');
        json_add_string(&text, NULL, u->ids_path);
        json_add_string(&text, NULL, u->vectors_path);
        json_close(&text, ']');
        json_close(&text, '}');
        text_add(&text, "\n");
    } else {
        char rows[NUMBER_SIZE];
        text_addf(&text, "%s %s into ", format_number(u->rows, rows),
                  plural(u->rows, "row", "rows"));
        output_name(&text, u->ids_path);
        text_add(&text, " and ");
        output_name(&text, u->vectors_path);
        text_add(&text, "\n");
    }
    return output_write(&text, err);
}

static enum err_code run(struct arguments *arguments, struct err *err)
{
    struct unload u = {.arguments = arguments,
                       .folder = arguments_text(arguments, "output"),
                       .partition = arguments_text(arguments, "partition")};
    if (u.folder == NULL)
        return err_set(err, ERR_USAGE, "-o OUT is missing: the folder for id.npy and data.npy");
    struct site *site = NULL;
    enum err_code code = db_collection(arguments, &site, &u.collection, err);
    if (code != ERR_OK)
        return code;
    code = unload(&u, err);
    if (code == ERR_OK)
        code = tell(&u, err);
    npy_writer_close(u.ids);
    npy_writer_close(u.vectors);
    mem_free(u.ids_path);
    mem_free(u.vectors_path);
    site_collection_close(u.collection);
    site_close(site);
    return code;
}

const struct command cmd_unload = {
    .name = "unload",
    .summary = "write the rows of a collection to NumPy files, sorted by id",
    .operands = (const struct operand_spec[]){DB_OPERAND, {.name = "COLLECTION"}, {0}},
    .options =
        (const struct option_spec[]){
            {.name = "output",
             .letter = 'o',
             .kind = OPTION_FOLDER,
             .argument = "OUT",
             .help = "The folder, made when absent; files of an earlier run are replaced. Must be "
                     "given."},
            {.name = "partition",
             .letter = 'p',
             .kind = OPTION_TEXT,
             .argument = "NAME",
             .help = "Only this partition; the collection's own rows are in _default."},
            PROGRESS_OPTION,
            SERVER_OPTIONS,
            {.name = "json", .help = "Answer as JSON (docs/cli.md)."},
            {0}},
    .description = "OUT/id.npy is an int64 array (n,), OUT/data.npy a float32 array (n, dimension) "
                   "or, for bits, uint8 (n, dimension / 8). Rows are sorted by id." DB_DESCRIPTION,
    .examples = (const struct example[]){{"godwit unload ./godwit-data words -o words-npy",
                                          "numpy.load(\"words-npy/data.npy\") reads it"},
                                         {0}},
    .run = run,
};
