/* rewrite.c: see rewrite.h. Ids and the first vector go through segment_write(), which knows how to
 * pack rows from a reader; the rest through column_file_write(). */
#include "engine/write/rewrite.h"

#include <string.h>

#include "base/bitmap.h"
#include "engine/layout.h"
#include "engine/segment_write.h"
#include "engine/write/column_file_write.h"
#include "flow/source.h"

#define BATCH_ROWS_MAX ((size_t)65536)

/* The live rows of all sources, one after another. */
struct live_reader {
    struct segment_reader base;
    const struct rewrite_request *request;
    size_t source;
    uint64_t row; /* the next to look at */
    uint64_t done;
    size_t batch_rows;
    int64_t *ids;
    uint8_t *vectors;
};

/* The next run of live rows in the current source, or an empty one at its end. */
static void next_run(const struct segment *segment, uint64_t from, uint64_t most,
                     uint64_t *ret_first, uint64_t *ret_end)
{
    const size_t rows = (size_t)segment->facts.rows;
    size_t first = (size_t)from;
    size_t end = rows;
    if (segment->dead != NULL) {
        first = bitmap_next(segment->dead, rows, first, false);
        end = bitmap_next(segment->dead, rows, first, true);
    }
    if (end - first > most)
        end = first + (size_t)most;
    *ret_first = first;
    *ret_end = end;
}

static enum err_code take_run(struct live_reader *reader, struct segment *segment, size_t at,
                              size_t *ret_rows, struct err *err)
{
    const size_t width = reader->base.row_size;
    uint64_t first = 0;
    uint64_t end = 0;
    next_run(segment, reader->row, reader->batch_rows - at, &first, &end);
    const size_t rows = (size_t)(end - first);
    enum err_code code = segment_touch(&segment->ids, first, rows, 8, err);
    if (code == ERR_OK)
        code = segment_touch(&segment->vectors, first, rows, width, err);
    if (code != ERR_OK)
        return code;
    if (rows > 0) {
        memcpy(reader->ids + at, segment->ids.data + first * 8, rows * 8);
        memcpy(reader->vectors + at * width, segment->vectors.data + first * width, rows * width);
    }
    reader->row = end;
    *ret_rows = rows;
    return ERR_OK;
}

static enum err_code reader_next(struct segment_reader *base, struct batch *ret_batch,
                                 struct err *err)
{
    struct live_reader *reader = (struct live_reader *)base;
    size_t count = 0;
    while (count < reader->batch_rows && reader->source < reader->request->source_count) {
        struct segment *segment = &reader->request->sources[reader->source];
        size_t rows = 0;
        const enum err_code code = take_run(reader, segment, count, &rows, err);
        if (code != ERR_OK)
            return code;
        count += rows;
        if (reader->row >= segment->facts.rows) {
            reader->source++;
            reader->row = 0;
        }
    }
    *ret_batch = (struct batch){reader->done, count, reader->ids, reader->vectors};
    reader->done += count;
    return ERR_OK;
}

static void reader_close(struct segment_reader *base)
{
    struct live_reader *reader = (struct live_reader *)base;
    mem_free(reader->ids);
    mem_free(reader->vectors);
}

static const struct segment_reader_ops reader_ops = {reader_next, reader_close};

static enum err_code reader_open(struct live_reader *reader, const struct rewrite_request *request,
                                 uint64_t live_rows, struct err *err)
{
    const size_t width = request->meta->layout.vector_width;
    *reader = (struct live_reader){
        .base = {.ops = &reader_ops, .rows = live_rows, .row_size = width}, .request = request};
    reader->batch_rows = width < BATCH_SIZE ? BATCH_SIZE / width : 1;
    if (reader->batch_rows > BATCH_ROWS_MAX)
        reader->batch_rows = BATCH_ROWS_MAX;
    reader->ids = mem_alloc(reader->batch_rows, sizeof *reader->ids);
    reader->vectors = mem_alloc(reader->batch_rows, width);
    if (reader->ids == NULL || reader->vectors == NULL) {
        reader_close(&reader->base);
        return err_nomem(err, "a segment");
    }
    return ERR_OK;
}

static enum err_code make_folder(const struct rewrite_request *request, struct err *err)
{
    char *folder = layout_segment_folder(request->folder, request->segment_folder);
    const enum err_code code =
        folder != NULL ? folder_make(folder, err) : err_nomem(err, request->folder);
    mem_free(folder);
    return code;
}

static enum err_code write_rows(const struct rewrite_request *request, const char *stem,
                                uint64_t live_rows, struct segment_facts *ret_facts,
                                struct err *err)
{
    struct live_reader reader;
    bool is_linked = false;
    enum err_code code = reader_open(&reader, request, live_rows, err);
    if (code != ERR_OK)
        return code;
    const struct segment_write_request write = {
        .stem = stem, .reader = &reader.base, .live_rows = live_rows};
    code = segment_write(&write, ret_facts, &is_linked, err);
    reader_close(&reader.base);
    return code;
}

enum err_code rewrite_segments(const struct rewrite_request *request,
                               struct rewrite_result *ret_result, struct err *err)
{
    struct rewrite_result result = {0};
    uint64_t live_rows = 0;
    for (size_t k = 0; k < request->source_count; k++)
        live_rows += request->sources[k].facts.rows - request->sources[k].facts.dead_rows;
    if (live_rows == 0) {
        *ret_result = result;
        return ERR_OK;
    }
    char *stem = layout_segment_stem(request->folder, request->segment_folder, request->number);
    enum err_code code = stem != NULL ? make_folder(request, err) : err_nomem(err, request->folder);
    result.has_columns = request->meta->layout.extra_count > 0;
    if (code == ERR_OK && result.has_columns)
        code = column_file_write(stem, request, live_rows, &result.columns, err);
    if (code == ERR_OK)
        code = write_rows(request, stem, live_rows, &result.facts, err);
    result.facts.folder = request->segment_folder;
    result.facts.number = request->number;
    if (code == ERR_OK) {
        *ret_result = result;
    } else if (stem != NULL) {
        struct err ignored;
        (void)!segment_remove(stem, &ignored);
    }
    mem_free(stem);
    return code;
}
