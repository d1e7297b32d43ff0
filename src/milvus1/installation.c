/* installation.c: a Milvus 0.9-1.x installation or migration_data package as a source.
 *
 * The order matters: what a crash left half done in MySQL is mended (mysql_crash), metadata says
 * what lives (catalog1), the files are looked at (survey), the log is read (replay), positions that
 * a crash left wrong are settled (thresholds), and then everything is counted (describe). Nothing
 * under the source is written. See milvus1.h. */
#include "milvus1/installation.h"

#include "milvus1/milvus1.h"
#include "milvus1/mysql_crash.h"

#define INSTALLATION_SIZE_MAX ((size_t)1 << 32) /* texts, segments, findings */

struct segment1_place installation_place(const struct installation *installation, size_t table,
                                         size_t index)
{
    const struct catalog1_table *entry = &installation->catalog.tables[table];
    return (struct segment1_place){
        .layout = &installation->layout,
        .table_id = entry->row->table_id,
        .segment_id = entry->segments[index].segment_id,
        .row_size = installation->catalog.collections[entry->collection].row_size};
}

static enum err_code open_segment(struct source *source, size_t collection, size_t segment,
                                  struct segment_reader **ret_reader, struct err *err)
{
    struct installation *installation = (struct installation *)source;
    const struct source_segment *what =
        &source->description.collections[collection].segments[segment];
    const struct installation_segment *where = &installation->segments[collection][segment];
    if (what->is_damaged)
        return err_set(err, ERR_CORRUPT, "segment %s is damaged and cannot be read", what->name);
    if (where->is_log)
        return replay_read_table(&installation->replay, where->table, ret_reader, err);
    const struct segment1_place place =
        installation_place(installation, where->table, where->index);
    const struct kill_view kills = replay_kills(&installation->replay, where->table);
    return segment1_read(&place, &kills, ret_reader, err);
}

static void close_installation(struct source *source)
{
    struct installation *installation = (struct installation *)source;
    replay_close(&installation->replay);
    if (installation->has_located)
        located_release(&installation->located);
    finding_list_release(&source->description.findings);
    arena_release(&installation->arena);
    mem_free(installation);
}

static const struct source_ops installation_ops = {.open_segment = open_segment,
                                                   .close = close_installation};

struct installation *installation_new(const struct milvus1_options *options)
{
    struct installation *installation = mem_zalloc(1, sizeof *installation);
    if (installation == NULL)
        return NULL;
    installation->base.ops = &installation_ops;
    installation->options = *options;
    arena_init(&installation->arena, INSTALLATION_SIZE_MAX);
    finding_list_init(&installation->base.description.findings, &installation->arena);
    return installation;
}

enum err_code installation_fill(struct installation *installation, struct err *err)
{
    struct finding_list *findings = &installation->base.description.findings;
    const struct located *located = &installation->located;
    installation->layout = (struct layout){.store = located->store,
                                           .roots = located->data_roots,
                                           .root_count = located->data_root_count,
                                           .log_folder = located->log_folder};
    enum err_code code = mysql_crash_mend(&installation->located, findings, err);
    if (code == ERR_OK)
        code = catalog1_build(&located->meta, &installation->arena, findings,
                              &installation->catalog, err);
    if (code == ERR_OK)
        code = survey_dimensions(installation, err);
    if (code == ERR_OK)
        code = survey_segments(installation, err);
    const struct replay_options options = {.located = located,
                                           .catalog = &installation->catalog,
                                           .layout = &installation->layout,
                                           .user = &installation->options,
                                           .findings = findings,
                                           .arena = &installation->arena};
    if (code == ERR_OK)
        code = replay_open(&options, &installation->replay, err);
    if (code == ERR_OK)
        code = thresholds_settle(installation, err);
    if (code == ERR_OK)
        code = single_deletes_report(installation, err);
    if (code == ERR_OK)
        code = skipped_find(installation, err);
    if (code == ERR_OK)
        code = installation_describe(installation, err);
    return code == ERR_OK ? survey_debris(installation, err) : code;
}

enum err_code milvus1_open(const struct milvus1_options *options, struct source **ret_source,
                           struct err *err)
{
    struct installation *installation = installation_new(options);
    if (installation == NULL)
        return err_nomem(err, options->path);
    struct finding_list *findings = &installation->base.description.findings;
    enum err_code code = located_find(options, findings, &installation->located, err);
    installation->has_located = code == ERR_OK;
    if (code == ERR_OK)
        code = installation_fill(installation, err);
    if (code != ERR_OK) {
        close_installation(&installation->base);
        return code;
    }
    *ret_source = &installation->base;
    return ERR_OK;
}
