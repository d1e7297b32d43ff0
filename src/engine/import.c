/* import.c: see import.h. An import is a small migration: a staged collection whose source is
 * memory, put and published in append mode. */
#include "engine/import.h"

#include <inttypes.h>
#include <string.h>

#include "base/bitmap.h"
#include "base/bytes.h"
#include "base/mem.h"
#include "engine/snapshot_internal.h"
#include "engine/staging.h"

#define TOKEN "import" /* one import at a time; what a dead one left is discarded first */

/* Rows first .. first + base.rows - 1 of the request's arrays. */
struct memory_reader {
    struct segment_reader base;
    const struct import_request *request;
    uint64_t first;
    int64_t first_id; /* when ids are made up */
    uint64_t next_row;
    int64_t *ids; /* batch_rows, when they are made up */
    size_t batch_rows;
};

static enum err_code memory_next(struct segment_reader *base, struct batch *ret_batch,
                                 struct err *err)
{
    struct memory_reader *reader = (struct memory_reader *)base;
    (void)err;
    const uint64_t left = base->rows - reader->next_row;
    const size_t rows = left < reader->batch_rows ? (size_t)left : reader->batch_rows;
    const uint64_t at = reader->first + reader->next_row;
    const int64_t *ids = reader->ids;
    if (reader->request->ids != NULL)
        ids = reader->request->ids + at;
    else
        for (size_t k = 0; k < rows; k++)
            reader->ids[k] = (int64_t)((uint64_t)reader->first_id + at + k);
    *ret_batch = (struct batch){
        .first_row = reader->next_row,
        .rows = rows,
        .ids = ids,
        .vectors = reader->request->vectors + at * base->row_size,
    };
    reader->next_row += rows;
    return ERR_OK;
}

static void memory_close(struct segment_reader *base)
{
    struct memory_reader *reader = (struct memory_reader *)base;
    mem_free(reader->ids);
}

static const struct segment_reader_ops memory_ops = {memory_next, memory_close};

static enum err_code memory_open(struct memory_reader *reader, const struct import_request *request,
                                 size_t row_size, struct err *err)
{
    *reader = (struct memory_reader){.base = {.ops = &memory_ops, .row_size = row_size},
                                     .request = request};
    reader->batch_rows = row_size < BATCH_SIZE ? BATCH_SIZE / row_size : 1;
    if (request->ids == NULL) {
        reader->ids = mem_alloc(reader->batch_rows, sizeof *reader->ids);
        if (reader->ids == NULL)
            return err_nomem(err, "import");
    }
    return ERR_OK;
}

/* Everything that an import decides before it writes. */
struct import {
    struct database *database;
    const struct import_request *request;
    enum metric_type metric;
    size_t row_size;
    bool is_new;
    int64_t first_id;
    struct arena arena;
    struct source_partition partitions[2];
    struct source_collection collection;
};

static enum err_code largest_id(struct snapshot *snapshot, bool *ret_found, int64_t *ret_id,
                                struct err *err)
{
    *ret_found = false;
    for (size_t s = 0; s < snapshot->segment_count; s++) {
        struct segment *segment = &snapshot->segments[s];
        const enum err_code code = segment_touch(&segment->ids, 0, segment->facts.rows, 8, err);
        if (code != ERR_OK)
            return code;
        for (uint64_t row = 0; row < segment->facts.rows; row++) {
            const int64_t id = get_i64(segment->ids.data + row * 8);
            if (segment->dead != NULL && bitmap_get(segment->dead, (size_t)row))
                continue;
            if (!*ret_found || id > *ret_id)
                *ret_id = id;
            *ret_found = true;
        }
    }
    return ERR_OK;
}

static enum err_code choose_ids(struct import *import, struct snapshot *snapshot, struct err *err)
{
    bool found = false;
    int64_t largest = 0;
    if (snapshot != NULL) {
        const enum err_code code = largest_id(snapshot, &found, &largest, err);
        if (code != ERR_OK)
            return code;
    }
    if (found && largest >= 0 && import->request->rows > (uint64_t)INT64_MAX - (uint64_t)largest)
        return err_set(err, ERR_INVALID,
                       "the largest id is %" PRId64 ": there is no room to count on; give ids",
                       largest);
    import->first_id = found ? largest + 1 : 0;
    return ERR_OK;
}

static enum err_code fit_existing(struct import *import, const struct collection_facts *facts,
                                  struct err *err)
{
    const struct import_request *request = import->request;
    if (request->metric != METRIC_NONE && request->metric != facts->metric)
        return err_set(err, ERR_INVALID, "collection %s has metric %s, not %s", facts->name,
                       metric_name(facts->metric), metric_name(request->metric));
    if (request->is_binary != metric_is_binary(facts->metric) || request->dim != facts->dim)
        return err_set(err, ERR_INVALID,
                       "the vectors are %s of dimension %zu, collection %s has %s of %zu",
                       request->is_binary ? "bits" : "floats", request->dim, facts->name,
                       metric_is_binary(facts->metric) ? "bits" : "floats", facts->dim);
    import->metric = facts->metric;
    return ERR_OK;
}

static enum err_code fit_new(struct import *import, struct err *err)
{
    const struct import_request *request = import->request;
    import->is_new = true;
    import->metric = request->metric;
    if (import->metric == METRIC_NONE)
        import->metric = request->is_binary ? METRIC_HAMMING : METRIC_L2;
    if (metric_is_binary(import->metric) != request->is_binary)
        return err_set(err, ERR_INVALID, "metric %s does not go with %s vectors",
                       metric_name(import->metric), request->is_binary ? "binary" : "float");
    if (!metric_dim_is_valid(import->metric, (long long)request->dim))
        return err_set(err, ERR_INVALID, "dimension %zu: 1 to %d expected%s", request->dim,
                       DIMENSION_MAX, request->is_binary ? ", a multiple of 8" : "");
    if (request->collection[0] == '\0')
        return err_set(err, ERR_INVALID, "a collection needs a name");
    return ERR_OK;
}

/* Metric, row size and ids, from the request and what is there. */
static enum err_code decide(struct import *import, struct err *err)
{
    struct snapshot *snapshot = NULL;
    struct err missing = {0};
    enum err_code code =
        database_snapshot(import->database, import->request->collection, &snapshot, &missing);
    if (code != ERR_OK && code != ERR_NO_COLLECTION) {
        if (err != NULL)
            *err = missing;
        return code;
    }
    code = snapshot != NULL ? fit_existing(import, snapshot_facts(snapshot), err)
                            : fit_new(import, err);
    if (code == ERR_OK && import->request->ids == NULL)
        code = choose_ids(import, snapshot, err);
    snapshot_unref(snapshot);
    if (code == ERR_OK)
        import->row_size = metric_row_size(import->metric, import->request->dim);
    return code;
}

/* The request as a source collection, cut into segments. */
static enum err_code describe(struct import *import, struct err *err)
{
    const struct import_request *request = import->request;
    const char *partition = request->partition != NULL ? request->partition : PARTITION_DEFAULT;
    const bool is_default = strcmp(partition, PARTITION_DEFAULT) == 0;
    uint64_t rows_max = IMPORT_SEGMENT_SIZE / import->row_size;
    const size_t count = (size_t)((request->rows + rows_max - 1) / rows_max);
    struct source_segment *segments = arena_array(&import->arena, count + 1, sizeof *segments);
    if (segments == NULL)
        return err_nomem(err, "import");
    for (size_t k = 0; k < count; k++) {
        const uint64_t left = request->rows - k * rows_max;
        segments[k].name = arena_printf(&import->arena, "import/%zu", k);
        segments[k].partition = is_default ? 0 : 1;
        segments[k].order = k;
        segments[k].rows = left < rows_max ? left : rows_max;
        segments[k].live_rows = segments[k].rows;
        if (segments[k].name == NULL)
            return err_nomem(err, "import");
    }
    import->partitions[0].tag = PARTITION_DEFAULT;
    import->partitions[1].tag = partition;
    import->collection = (struct source_collection){
        .name = request->collection,
        .metric = import->metric,
        .dim = request->dim,
        .row_size = import->row_size,
        .has_auto_ids = request->ids == NULL,
        .index_type = "",
        .index_params = "{}",
        .partitions = import->partitions,
        .partition_count = is_default ? 1 : 2,
        .segments = segments,
        .segment_count = count,
        .live_rows = request->rows,
        .duplicate_ids = request->ids != NULL, /* unknown, that is */
    };
    return ERR_OK;
}

static enum err_code put_all(struct import *import, struct staging *staging, struct err *err)
{
    struct memory_reader reader;
    enum err_code code = memory_open(&reader, import->request, import->row_size, err);
    reader.first_id = import->first_id;
    for (size_t k = 0; code == ERR_OK && k < import->collection.segment_count; k++) {
        const struct source_segment *segment = &import->collection.segments[k];
        reader.base.rows = segment->rows;
        reader.next_row = 0;
        const struct staged_segment staged = {
            .collection = import->collection.name,
            .partition = import->partitions[segment->partition].tag,
            .source = segment,
            .reader = &reader.base,
            .live_rows = segment->rows,
        };
        code = staging_put(staging, &staged, import->request->meter, err);
        reader.first += segment->rows;
    }
    memory_close(&reader.base);
    return code;
}

static enum err_code write_and_publish(struct import *import, struct err *err)
{
    struct staging *staging = NULL;
    const struct staged_collection staged = {
        .name = import->request->collection,
        .source = &import->collection,
        .if_exists = IF_EXISTS_APPEND,
    };
    enum err_code code = staging_discard(import->database, TOKEN, err);
    if (code == ERR_OK)
        code = staging_open(import->database, TOKEN, false, &staging, err);
    if (code == ERR_OK)
        code = staging_collection(staging, &staged, err);
    if (code == ERR_OK)
        code = put_all(import, staging, err);
    if (code == ERR_OK)
        code = staging_publish(staging, err);
    staging_close(staging);
    if (code != ERR_OK) {
        struct err ignored = {0}; /* what stays is invisible, and the next import removes it */
        (void)!staging_discard(import->database, TOKEN, &ignored);
    }
    return code;
}

enum err_code import_rows(struct database *database, const struct import_request *request,
                          struct import_result *ret_result, struct err *err)
{
    struct import import = {.database = database, .request = request};
    arena_init(&import.arena, (size_t)256 << 20);
    enum err_code code = decide(&import, err);
    if (code == ERR_OK)
        code = describe(&import, err);
    if (code == ERR_OK)
        code = write_and_publish(&import, err);
    arena_release(&import.arena);
    if (code == ERR_OK)
        *ret_result = (struct import_result){request->rows, import.first_id, import.is_new};
    return code;
}
