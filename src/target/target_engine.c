/* target_engine.c: struct target over engine/staging.h. The job catalog of the mover lies in the
 * database's own catalog file, in tables of its own. */
#include "target/target_engine.h"

#include "base/file.h"
#include "base/mem.h"
#include "engine/database.h"
#include "engine/staging.h"

#define SUMS_SHARE 32768    /* one checksum of 8 bytes for each 256 KiB */
#define SEGMENT_SPACE 16384 /* blocks that are not full, four files */
#define CATALOG_SPACE ((uint64_t)4 << 20)

struct target_engine {
    struct target base;
    struct target_options options;
    char *location;
    struct database *database;
    struct staging *staging;
};

static struct target_engine *engine_of(struct target *target)
{
    return (struct target_engine *)target;
}

static enum err_code find_collection(struct target *target, const char *name, bool *ret_found,
                                     enum metric_type *ret_metric, size_t *ret_dim, struct err *err)
{
    struct collection_list list = {0};
    const enum err_code code = database_list(engine_of(target)->database, &list, err);
    if (code != ERR_OK)
        return code;
    const struct collection_facts *facts = collection_list_find(&list, name);
    *ret_found = facts != NULL;
    if (facts != NULL) {
        *ret_metric = facts->metric;
        *ret_dim = facts->dim;
    }
    collection_list_release(&list);
    return ERR_OK;
}

uint64_t target_engine_estimate(const struct source_collection *collection, bool link)
{
    uint64_t stored = 0;
    uint64_t linked = 0;
    for (size_t k = 0; k < collection->segment_count; k++) {
        const struct source_segment *segment = &collection->segments[k];
        const uint64_t live = segment->live_rows * (8 + collection->row_size);
        const uint64_t all = segment->rows * (8 + collection->row_size);
        stored += live + live / SUMS_SHARE + SEGMENT_SPACE;
        linked += all / SUMS_SHARE + segment->rows / 8 + SEGMENT_SPACE;
        if (segment->is_log_only)
            linked += live;
    }
    return (link ? linked : stored) + CATALOG_SPACE;
}

static uint64_t estimate(const struct target *target, const struct source_collection *collection)
{
    const struct target_engine *engine = (const struct target_engine *)target;
    return target_engine_estimate(collection, engine->options.link);
}

static enum err_code stage_begin(struct target *target, const char *token, struct err *err)
{
    struct target_engine *engine = engine_of(target);
    staging_close(engine->staging);
    engine->staging = NULL;
    return staging_open(engine->database, token, engine->options.link, &engine->staging, err);
}

static enum err_code expect_staging(const struct target_engine *engine, struct err *err)
{
    if (engine->staging != NULL)
        return ERR_OK;
    return err_set(err, ERR_INTERNAL, "%s: nothing is being staged", engine->location);
}

static enum err_code stage_collection(struct target *target,
                                      const struct staged_collection *collection, struct err *err)
{
    struct target_engine *engine = engine_of(target);
    const enum err_code code = expect_staging(engine, err);
    return code == ERR_OK ? staging_collection(engine->staging, collection, err) : code;
}

static enum err_code put_segment(struct target *target, const struct staged_segment *segment,
                                 struct meter *meter, struct err *err)
{
    struct target_engine *engine = engine_of(target);
    const enum err_code code = expect_staging(engine, err);
    return code == ERR_OK ? staging_put(engine->staging, segment, meter, err) : code;
}

static enum err_code open_staged(struct target *target, const char *collection,
                                 const char *segment_name, struct segment_reader **ret_reader,
                                 struct err *err)
{
    struct target_engine *engine = engine_of(target);
    const enum err_code code = expect_staging(engine, err);
    return code == ERR_OK
               ? staging_open_segment(engine->staging, collection, segment_name, ret_reader, err)
               : code;
}

static enum err_code drop_staged(struct target *target, const char *collection,
                                 const char *segment_name, struct err *err)
{
    struct target_engine *engine = engine_of(target);
    const enum err_code code = expect_staging(engine, err);
    return code == ERR_OK ? staging_drop_segment(engine->staging, collection, segment_name, err)
                          : code;
}

static enum err_code publish(struct target *target, struct err *err)
{
    struct target_engine *engine = engine_of(target);
    const enum err_code code = expect_staging(engine, err);
    return code == ERR_OK ? staging_publish(engine->staging, err) : code;
}

static enum err_code discard(struct target *target, const char *token, struct err *err)
{
    struct target_engine *engine = engine_of(target);
    staging_close(engine->staging);
    engine->staging = NULL;
    return staging_discard(engine->database, token, err);
}

static enum err_code as_source(struct target *target, struct source **ret_source, struct err *err)
{
    return source_engine_open(engine_of(target)->location, ret_source, err);
}

static void close_target(struct target *target)
{
    struct target_engine *engine = engine_of(target);
    staging_close(engine->staging);
    database_close(engine->database);
    mem_free(engine->location);
    mem_free(engine);
}

static const struct target_ops engine_ops = {
    .find_collection = find_collection,
    .estimate = estimate,
    .stage_begin = stage_begin,
    .stage_collection = stage_collection,
    .put_segment = put_segment,
    .open_staged = open_staged,
    .drop_staged = drop_staged,
    .publish = publish,
    .discard = discard,
    .as_source = as_source,
    .close = close_target,
};

enum err_code target_engine_open(const char *folder, const struct target_options *options,
                                 struct target **ret_target, struct err *err)
{
    struct target_engine *engine = mem_zalloc(1, sizeof *engine);
    if (engine == NULL)
        return err_nomem(err, folder);
    engine->base.ops = &engine_ops;
    engine->options = *options;
    engine->location = mem_strdup(folder);
    enum err_code code = engine->location != NULL ? ERR_OK : err_nomem(err, folder);
    if (code == ERR_OK)
        code = database_open(folder, DATABASE_CREATE, &engine->database, err);
    if (code != ERR_OK) {
        close_target(&engine->base);
        return code;
    }
    engine->base.location = engine->location;
    engine->base.work_folder = engine->location;
    engine->base.catalog_path = database_catalog_path(engine->database);
    *ret_target = &engine->base;
    return ERR_OK;
}
