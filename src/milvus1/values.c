/* values.c: looks for NaN and infinities among the living vectors. See milvus1.h.
 *
 * Only a batch with a hit is looked at row by row. */
#include <inttypes.h>
#include <string.h>

#include "base/bitmap.h"
#include "base/finite.h"
#include "base/pool.h"
#include "flow/meter.h"
#include "milvus1/column.h"
#include "milvus1/installation.h"
#include "milvus1/milvus1.h"
#include "milvus1/report.h"

#define EXPONENT 0x7f800000U

/* One segment to look at, and what was seen. */
struct look {
    size_t collection;
    size_t segment;
    uint64_t rows; /* living rows with a NaN or an infinity */
    uint64_t first_row;
    size_t first_component;
    int64_t first_id;
    bool is_first_nan;
};

struct looks {
    struct installation *installation;
    struct meter *progress;
    struct look *items;
    size_t count;
};

static void look_at_row(struct look *look, const struct batch *batch, size_t row, size_t dim)
{
    const uint8_t *vector = batch->vectors + row * dim * sizeof(float);
    if (floats_are_finite(vector, dim) || look->rows++ > 0)
        return;
    look->first_row = batch->first_row + row;
    look->first_id = batch->ids[row];
    for (size_t k = 0; k < dim; k++)
        if (!floats_are_finite(vector + 4 * k, 1)) {
            uint32_t bits;
            memcpy(&bits, vector + 4 * k, sizeof bits);
            look->first_component = k;
            look->is_first_nan = (bits & ~EXPONENT & 0x7fffffffU) != 0;
            return;
        }
}

static enum err_code look_at_segment(void *argument, size_t index, struct err *err)
{
    struct looks *looks = argument;
    struct look *look = &looks->items[index];
    struct source *source = &looks->installation->base;
    const size_t dim = source->description.collections[look->collection].dim;
    struct segment_reader *reader = NULL;
    enum err_code code = source_open_segment(source, look->collection, look->segment, &reader, err);
    while (code == ERR_OK) {
        struct batch batch;
        code = segment_reader_next(reader, &batch, err);
        if (code != ERR_OK || batch.rows == 0)
            break;
        if (!floats_are_finite(batch.vectors, batch.rows * dim))
            for (size_t k = 0; k < batch.rows; k++)
                if (reader->dead == NULL || !bitmap_get(reader->dead, (size_t)batch.first_row + k))
                    look_at_row(look, &batch, k, dim);
        code = meter_pass(looks->progress, batch.rows * reader->row_size, batch.rows, err);
    }
    segment_reader_close(reader);
    return code;
}

/* File and offset of a component, for the one who wants to look at it. */
static enum err_code find_place(struct installation *installation, const struct look *look,
                                struct arena *arena, struct finding *finding, struct err *err)
{
    const struct installation_segment *where =
        &installation->segments[look->collection][look->segment];
    const size_t row_size = installation->base.description.collections[look->collection].row_size;
    finding->has_offset = true;
    if (where->is_log) {
        finding->path =
            replay_row_path(&installation->replay, where->table, look->first_row, &finding->offset);
    } else {
        const struct segment1_place place =
            installation_place(installation, where->table, where->index);
        struct layout_segment paths;
        const enum err_code code = layout_find_segment(&installation->layout, place.table_id,
                                                       place.segment_id, arena, &paths, err);
        if (code != ERR_OK)
            return code;
        finding->path = paths.rv;
        finding->offset = COLUMN_HEADER_SIZE + look->first_row * row_size;
    }
    finding->offset += look->first_component * sizeof(float);
    return ERR_OK;
}

static enum err_code report(struct installation *installation, const struct look *look,
                            struct err *err)
{
    const struct source_collection *collection =
        &installation->base.description.collections[look->collection];
    struct finding finding = {
        .severity = FINDING_WARNING,
        .code = "not-a-number",
        .collection = collection->name,
        .partition = collection->partitions[collection->segments[look->segment].partition].tag,
        .expected = "finite numbers",
        .consequence = "migrated bit for bit; a Milvus 2.x target refuses such rows",
        .rows = look->rows};
    struct arena arena;
    arena_init(&arena, (size_t)1 << 20);
    enum err_code code = find_place(installation, look, &arena, &finding, err);
    if (code == ERR_OK) {
        const struct report_text found = report_format(
            "%" PRIu64 " row(s) with NaN or infinite components; the first is id %" PRId64
            ", component %zu: %s",
            look->rows, look->first_id, look->first_component,
            look->is_first_nan ? "not a number" : "infinite");
        finding.found = found.text;
        code = finding_add(&installation->base.description.findings, &finding, err);
    }
    arena_release(&arena);
    return code;
}

static size_t count_looks(const struct source_description *description, struct look *items)
{
    size_t count = 0;
    for (size_t c = 0; c < description->collection_count; c++) {
        const struct source_collection *collection = &description->collections[c];
        if (metric_is_binary(collection->metric))
            continue;
        for (size_t s = 0; s < collection->segment_count; s++) {
            if (collection->segments[s].is_damaged || collection->segments[s].live_rows == 0)
                continue;
            if (items != NULL)
                items[count] = (struct look){.collection = c, .segment = s};
            count++;
        }
    }
    return count;
}

enum err_code milvus1_scan_values(struct source *source, size_t threads, struct meter *progress,
                                  struct err *err)
{
    struct installation *installation = (struct installation *)source;
    struct looks looks = {.installation = installation,
                          .progress = progress,
                          .count = count_looks(&source->description, NULL)};
    looks.items = mem_alloc(looks.count, sizeof *looks.items);
    if (looks.items == NULL)
        return err_nomem(err, "segments");
    count_looks(&source->description, looks.items);
    enum err_code code = pool_run(threads, looks.count, look_at_segment, &looks, err);
    for (size_t k = 0; k < looks.count && code == ERR_OK; k++)
        if (looks.items[k].rows > 0)
            code = report(installation, &looks.items[k], err);
    mem_free(looks.items);
    return code;
}
