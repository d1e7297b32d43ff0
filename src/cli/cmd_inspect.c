/* cmd_inspect.c: what a source holds, what will be migrated, every problem. Changes nothing. */
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/pool.h"
#include "cli/cmd.h"
#include "cli/findings.h"
#include "cli/interrupt.h"
#include "cli/open.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "target/target.h"

#define FINDINGS_SHOWN 100
struct partition_sums {
    uint64_t stored_rows;
    uint64_t live_rows;
    uint64_t log_rows;
    uint64_t size;
    uint64_t segments;
    uint64_t damaged_segments;
};

/* Space that migrating needs, by either way. */
struct estimate {
    uint64_t copy_size;
    uint64_t link_size;
    uint64_t free_size;
    const char *free_at;
    bool has_free;
    bool can_link;
};

struct totals {
    uint64_t partitions;
    uint64_t segments;
    uint64_t rows;
    uint64_t deleted_rows;
    uint64_t log_rows;
    uint64_t duplicate_ids;
    uint64_t damaged_rows;
    uint64_t size;
};

static struct partition_sums sum_partition(const struct source_collection *c, size_t partition)
{
    struct partition_sums sums = {0};
    for (size_t i = 0; i < c->segment_count; i++) {
        const struct source_segment *s = &c->segments[i];
        if (s->partition != partition)
            continue;
        sums.segments++;
        sums.damaged_segments += s->is_damaged;
        if (s->is_damaged)
            continue;
        sums.stored_rows += s->rows;
        sums.live_rows += s->live_rows;
        sums.log_rows += s->is_log_only ? s->live_rows : 0;
        sums.size += s->size;
    }
    return sums;
}

static uint64_t collection_size(const struct source_collection *c)
{
    uint64_t size = 0;
    for (size_t i = 0; i < c->segment_count; i++)
        size += c->segments[i].is_damaged ? 0 : c->segments[i].size;
    return size;
}

static struct totals sum_source(const struct source_description *d)
{
    struct totals t = {0};
    for (size_t i = 0; i < d->collection_count; i++) {
        const struct source_collection *c = &d->collections[i];
        t.partitions += c->partition_count;
        t.segments += c->segment_count;
        t.rows += c->live_rows;
        t.deleted_rows += c->deleted_rows;
        t.log_rows += c->log_rows;
        t.duplicate_ids += c->duplicate_ids;
        t.damaged_rows += c->damaged_rows;
        t.size += collection_size(c);
    }
    return t;
}

static struct estimate make_estimate(const struct source_description *d, const char *folder)
{
    struct estimate e = {.free_at = folder != NULL ? folder : "."};
    for (size_t i = 0; i < d->collection_count; i++) {
        e.copy_size += target_engine_estimate(&d->collections[i], false);
        e.link_size += target_engine_estimate(&d->collections[i], true);
    }
    struct err ignored;
    e.has_free = file_free_space(e.free_at, &e.free_size, &ignored) == ERR_OK;
    e.can_link = file_same_filesystem(d->location, e.free_at);
    return e;
}

static void write_collections(const struct source_description *d, struct text *text)
{
    static const char *const heads[] = {"collection",  "metric", ">dim",     "index",
                                        ">segments",   ">rows",  ">deleted", ">in log",
                                        ">duplicates", ">size"};
    struct table table;
    table_init(&table, heads, sizeof heads / sizeof *heads);
    for (size_t i = 0; i < d->collection_count; i++) {
        const struct source_collection *c = &d->collections[i];
        table_cell_name(&table, "", c->name);
        table_cell(&table, metric_name(c->metric));
        table_cell_number(&table, c->dim);
        table_cell(&table, c->index_type);
        table_cell_number(&table, c->segment_count);
        table_cell_number(&table, c->live_rows);
        table_cell_number(&table, c->deleted_rows);
        table_cell_number(&table, c->log_rows);
        table_cell_number(&table, c->duplicate_ids);
        table_cell_size(&table, collection_size(c));
        for (size_t k = 0; k < c->partition_count; k++) {
            const struct partition_sums sums = sum_partition(c, k);
            table_cell_name(&table, "  ", c->partitions[k].tag);
            table_cell(&table, "");
            table_cell(&table, "");
            table_cell(&table, "");
            table_cell_number(&table, sums.segments);
            table_cell_number(&table, c->partitions[k].rows);
            table_cell_number(&table, sums.stored_rows - sums.live_rows);
            table_cell_number(&table, sums.log_rows);
            table_cell(&table, "");
            table_cell_size(&table, sums.size);
        }
    }
    table_write(&table, 0, text);
}

static void add_head(struct text *text, const char *head, const char *value)
{
    if (value[0] == '\0')
        return;
    text_addf(text, "  %-10s ", head);
    output_name(text, value);
    text_add(text, "\n");
}

static void write_estimate(const struct totals *t, const struct estimate *e, struct text *text)
{
    char a[NUMBER_SIZE], b[NUMBER_SIZE], c[NUMBER_SIZE];
    text_addf(text, "\nto migrate: %s %s, %s\n", format_number(t->rows, a),
              plural(t->rows, "row", "rows"), format_size(t->size, b));
    text_addf(text, "  %s free are needed when files are copied\n", format_size(e->copy_size, a));
    text_addf(text, "  %s with --link%s\n", format_size(e->link_size, b),
              e->can_link ? "" : ", which is not possible across filesystems");
    if (e->has_free) {
        text_addf(text, "  %s are free at ", format_size(e->free_size, c));
        output_name(text, e->free_at);
        text_add(text, e->free_size < e->copy_size ? ": too little for a copy\n" : "\n");
    }
}

static void write_report(const struct source_description *d, const struct estimate *e,
                         struct text *text)
{
    const struct totals t = sum_source(d);
    text_addf(text, "%s%s%s\n", output_colour(COLOUR_BOLD), d->kind, output_colour(COLOUR_NONE));
    add_head(text, "location", d->location);
    add_head(text, "version", d->version);
    add_head(text, "metadata", d->meta);
    add_head(text, "log", d->log);
    text_add(text, "\n");
    if (d->collection_count == 0)
        text_add(text, "no collections\n");
    else
        write_collections(d, text);
    write_estimate(&t, e, text);
    text_add(text, "\nfindings: ");
    findings_count_words(&d->findings, text);
    text_add(text, "\n");
    findings_write(&d->findings, FINDING_NOTE, FINDINGS_SHOWN, text);
}

static void json_partition(const struct source_collection *c, size_t index, struct text *text)
{
    const struct partition_sums sums = sum_partition(c, index);
    json_open(text, NULL, '{');
    json_add_string(text, "tag", c->partitions[index].tag);
    json_add_uint(text, "rows", c->partitions[index].rows);
    json_add_uint(text, "deleted_rows", sums.stored_rows - sums.live_rows);
    json_add_uint(text, "log_rows", sums.log_rows);
    json_add_uint(text, "segments", sums.segments);
    json_add_uint(text, "damaged_segments", sums.damaged_segments);
    json_add_uint(text, "size", sums.size);
    json_close(text, '}');
}

static void json_collection(const struct source_collection *c, struct text *text)
{
    char created[CLOCK_TEXT_SIZE];
    json_open(text, NULL, '{');
    json_add_string(text, "name", c->name);
    json_add_string(text, "metric", metric_name(c->metric));
    json_add_uint(text, "dimension", c->dim);
    json_add_uint(text, "row_size", c->row_size);
    json_add_bool(text, "auto_ids", c->has_auto_ids);
    json_add_string(text, "index_type", c->index_type);
    json_add_string(text, "index_params", c->index_params);
    json_add_uint(text, "index_file_size", c->index_file_size);
    clock_format_utc(c->created_us, created);
    json_add_string(text, "created", c->created_us != 0 ? created : NULL);
    json_add_uint(text, "segments", c->segment_count);
    json_add_uint(text, "rows", c->live_rows);
    json_add_uint(text, "deleted_rows", c->deleted_rows);
    json_add_uint(text, "log_rows", c->log_rows);
    json_add_uint(text, "log_deleted_rows", c->log_deleted_rows);
    json_add_uint(text, "damaged_rows", c->damaged_rows);
    json_add_uint(text, "duplicate_ids", c->duplicate_ids);
    json_add_uint(text, "duplicate_rows", c->duplicate_rows);
    json_add_uint(text, "size", collection_size(c));
    json_open(text, "partitions", '[');
    for (size_t i = 0; i < c->partition_count; i++)
        json_partition(c, i, text);
    json_close(text, ']');
    json_close(text, '}');
}

static void json_totals(const struct source_description *d, struct text *text)
{
    const struct totals t = sum_source(d);
    json_open(text, "totals", '{');
    json_add_uint(text, "collections", d->collection_count);
    json_add_uint(text, "partitions", t.partitions);
    json_add_uint(text, "segments", t.segments);
    json_add_uint(text, "rows", t.rows);
    json_add_uint(text, "deleted_rows", t.deleted_rows);
    json_add_uint(text, "log_rows", t.log_rows);
    json_add_uint(text, "damaged_rows", t.damaged_rows);
    json_add_uint(text, "duplicate_ids", t.duplicate_ids);
    json_add_uint(text, "size", t.size);
    json_close(text, '}');
}

static void json_report(const struct source_description *d, const struct estimate *e,
                        const char *verdict, struct text *text)
{
    json_open(text, NULL, '{');
    json_add_string(text, "verdict", verdict);
    json_open(text, "source", '{');
    json_add_string(text, "kind", d->kind);
    json_add_string(text, "location", d->location);
    json_add_string(text, "version", d->version);
    json_add_string(text, "meta", d->meta);
    json_add_string(text, "log", d->log);
    json_close(text, '}');
    json_totals(d, text);
    json_open(text, "estimate", '{');
    json_add_uint(text, "copy_size", e->copy_size);
    json_add_uint(text, "link_size", e->link_size);
    json_add_bool(text, "can_link", e->can_link);
    if (e->has_free)
        json_add_uint(text, "free_size", e->free_size);
    json_add_string(text, "free_at", e->free_at);
    json_close(text, '}');
    json_open(text, "collections", '[');
    for (size_t i = 0; i < d->collection_count; i++)
        json_collection(&d->collections[i], text);
    json_close(text, ']');
    findings_add_json(&d->findings, text);
    json_close(text, '}');
    text_add(text, "\n");
}

/* The exit status and its sentence: running beats refused beats damaged. */
static enum err_code judge(const struct source_description *d, bool is_running,
                           const char **ret_verdict, struct err *err)
{
    *ret_verdict = "fine";
    if (is_running) {
        *ret_verdict = "running";
        return err->code; /* the sentence of the refused opening */
    }
    if (finding_count(&d->findings, FINDING_REFUSED) > 0) {
        *ret_verdict = "refused";
        return err_set(err, ERR_UNSUPPORTED, "the source cannot be migrated as it is");
    }
    const size_t damages = finding_count(&d->findings, FINDING_DAMAGE);
    if (damages == 0)
        return ERR_OK;
    *ret_verdict = "damaged";
    return err_set(
        err, ERR_CORRUPT,
        "the source is damaged in %zu %s; godwit migrate needs --skip-damaged and leaves "
        "%s out",
        damages, plural(damages, "place", "places"), plural(damages, "it", "them"));
}

static enum err_code show(struct arguments *arguments, struct source *source, bool is_running,
                          struct err *err)
{
    const struct source_description *d = &source->description;
    const struct estimate e = make_estimate(d, arguments_text(arguments, "to"));
    const char *verdict = "";
    const enum err_code code = judge(d, is_running, &verdict, err);
    struct text text;
    text_init(&text);
    if (arguments_has(arguments, "json"))
        json_report(d, &e, verdict, &text);
    else
        write_report(d, &e, &text);
    struct err late;
    const enum err_code written = output_write(&text, &late);
    if (written != ERR_OK)
        *err = late;
    return written != ERR_OK ? written : code;
}

/* The only part that reads the vectors; a database of ours has been verified when it was made. */
static enum err_code scan_values(const struct arguments *arguments,
                                 const struct source_arguments *from, struct source *source,
                                 struct err *err)
{
    if (arguments_has(arguments, "quick") || source_engine_is_database(from->options.path))
        return ERR_OK;
    struct meter meter;
    meter_init(&meter, 0, interrupt_flag());
    struct progress_display *display = progress_start(arguments, "reading vectors", NULL, &meter);
    struct err late = {.code = ERR_OK};
    const enum err_code code = milvus1_scan_values(source, pool_processor_count(), &meter, &late);
    progress_stop(display);
    if (code == ERR_OK)
        return ERR_OK;
    *err = late;
    return code;
}

static enum err_code run(struct arguments *arguments, struct err *err)
{
    struct source_arguments from;
    struct source *source = NULL;
    enum err_code code = source_arguments_read(arguments, arguments->operands[0], &from, err);
    if (code == ERR_OK)
        code = source_arguments_open(&from, &source, err);
    const bool is_running = code == ERR_LOCKED && !from.options.allow_running;
    if (is_running) { /* looking does no harm: show what can be seen, and end with that status */
        from.options.allow_running = true;
        struct err again;
        code = source_arguments_open(&from, &source, &again);
        if (code != ERR_OK)
            *err = again;
    }
    if (code == ERR_OK)
        code = scan_values(arguments, &from, source, err);
    if (code == ERR_OK)
        code = show(arguments, source, is_running, err);
    source_close(source);
    source_arguments_release(&from);
    return code;
}

const struct command cmd_inspect = {
    .name = "inspect",
    .summary = "show what a source holds and every problem, before anything is written",
    .operands = (const struct operand_spec[]){{.name = "SOURCE", .kind = OPTION_FOLDER}, {0}},
    .options =
        (const struct option_spec[]){
            {.name = "json", .help = "Answer as JSON (docs/cli.md)."},
            {.name = "to",
             .kind = OPTION_FOLDER,
             .argument = "DIR",
             .help = "Where you mean to migrate to: free space and --link are judged for it "
                     "(default: the current folder)."},
            {.name = "quick",
             .help = "Do not read the vectors: NaN and infinite components are not looked for."},
            PROGRESS_OPTION,
            SOURCE_OPTIONS,
            {0}},
    .description =
        "Reads metadata, deleted rows, ids, the write-ahead log and the vectors of SOURCE and "
        "shows "
        "collections, partitions, rows alive, deleted, only in the log, duplicate ids, the space "
        "that migrating needs, and every finding with file, offset, what was found and expected, "
        "and what will happen to it. SOURCE is the root of an installation (with db/ and wal/), "
        "its db folder, or a migration_data folder. Nothing in it is changed.\n\n"
        "Status 0: can be migrated, warnings included. 3: something is damaged or refused; godwit "
        "migrate then needs --skip-damaged. 8: a server is running on the files; stop it.",
    .examples =
        (const struct example[]){
            {"godwit inspect /var/lib/milvus", "an installation with its metadata in SQLite"},
            {"godwit inspect /var/lib/milvus --meta mysql://root@10.0.0.5:3306/milvus",
             "metadata in MySQL; the password is in GODWIT_META_PASSWORD"},
            {"godwit inspect migration_data --json", "a package, for a script"},
            {0}},
    .run = run,
};
