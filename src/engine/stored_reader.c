/* stored_reader.c: see stored_reader.h. Each column is a stream of whole blocks in a buffer. A row
 * that a block boundary cuts waits just before `base`, where the next blocks are read to: so reads
 * always begin at a page (mem.h: mem_pages). */
#include "engine/stored_reader.h"

#include <inttypes.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "engine/layout.h"
#include "engine/segment_format.h"

#define PAGE_SIZE ((size_t)4096)
#define READ_SIZE                                                                                  \
    (BATCH_SIZE + SUMS_BLOCK_SIZE) /* more than a batch, so that a batch can be full */

struct column_in {
    char *path;
    int fd;
    uint64_t offset; /* of the extent */
    uint64_t size;
    const uint64_t *sums;
    uint64_t read; /* bytes of the extent read so far; whole blocks, or all */
    size_t width;  /* bytes of a row */
    uint8_t *buffer;
    size_t base; /* a multiple of the page's size, at least a row */
    size_t capacity;
    size_t start; /* rows not yet handed out lie in buffer[start .. end) */
    size_t end;
};

struct stored_reader {
    struct segment_reader base;
    struct column_in ids;
    struct column_in vectors;
    uint64_t *sums;
    uint64_t *dead;
    uint64_t next_row;
};

static enum err_code column_in_open(struct column_in *in, const char *stem, const char *extension,
                                    struct err *err)
{
    in->fd = -1;
    in->base = (in->width + PAGE_SIZE - 1) / PAGE_SIZE * PAGE_SIZE;
    in->start = in->base;
    in->end = in->base;
    const uint64_t whole = sums_block_count(in->size) * SUMS_BLOCK_SIZE;
    in->capacity = in->base + (whole < READ_SIZE ? (size_t)whole : READ_SIZE);
    in->path = layout_file(stem, extension);
    in->buffer = mem_pages(in->capacity);
    if (in->path == NULL || in->buffer == NULL)
        return err_nomem(err, stem);
    uint64_t size = 0;
    enum err_code code = file_open_read(in->path, &in->fd, err);
    if (code == ERR_OK)
        code = file_size(in->fd, in->path, &size, err);
    if (code == ERR_OK && size < in->offset + in->size)
        code = err_set(err, ERR_CORRUPT,
                       "%s: offset %" PRIu64 ": the file ends, %" PRIu64 " bytes expected",
                       in->path, size, in->offset + in->size);
    return code;
}

static void column_in_close(struct column_in *in)
{
    file_close(in->fd);
    mem_free(in->path);
    mem_free(in->buffer);
}

/* Reads blocks as long as they fit. */
static enum err_code column_in_fill(struct column_in *in, struct err *err)
{
    const size_t rest = in->end - in->start; /* less than a row */
    memmove(in->buffer + in->base - rest, in->buffer + in->start, rest);
    in->start = in->base - rest;
    in->end = in->base;
    while (in->read < in->size) {
        const uint64_t left = in->size - in->read;
        const size_t now = left < SUMS_BLOCK_SIZE ? (size_t)left : (size_t)SUMS_BLOCK_SIZE;
        if (now > in->capacity - in->end)
            break;
        const uint64_t at = in->offset + in->read;
        const enum err_code code =
            file_read_at(in->fd, in->path, in->buffer + in->end, now, at, err);
        if (code != ERR_OK)
            return code;
        const uint64_t found = hash64(in->buffer + in->end, now, 0);
        const uint64_t expected = in->sums[in->read / SUMS_BLOCK_SIZE];
        if (found != expected)
            return err_set(err, ERR_CORRUPT,
                           "%s: offset %" PRIu64 ": %zu bytes have checksum %016" PRIx64
                           ", %016" PRIx64 " expected",
                           in->path, at, now, found, expected);
        in->read += now;
        in->end += now;
    }
    return ERR_OK;
}

static size_t column_in_rows(const struct column_in *in)
{
    return (in->end - in->start) / in->width;
}

static enum err_code next(struct segment_reader *base, struct batch *ret_batch, struct err *err)
{
    struct stored_reader *reader = (struct stored_reader *)base;
    enum err_code code = ERR_OK;
    if (column_in_rows(&reader->ids) == 0)
        code = column_in_fill(&reader->ids, err);
    if (code == ERR_OK && column_in_rows(&reader->vectors) == 0)
        code = column_in_fill(&reader->vectors, err);
    if (code != ERR_OK)
        return code;
    const size_t ids = column_in_rows(&reader->ids);
    const size_t vectors = column_in_rows(&reader->vectors);
    size_t rows = ids < vectors ? ids : vectors;
    const size_t rows_max = base->row_size < BATCH_SIZE ? BATCH_SIZE / base->row_size : 1;
    rows = rows < rows_max ? rows : rows_max;
    *ret_batch = (struct batch){
        .first_row = reader->next_row,
        .rows = rows,
        .ids = (const int64_t *)(const void *)(reader->ids.buffer + reader->ids.start),
        .vectors = reader->vectors.buffer + reader->vectors.start,
    };
    reader->ids.start += rows * 8;
    reader->vectors.start += rows * base->row_size;
    reader->next_row += rows;
    return ERR_OK;
}

static void close_reader(struct segment_reader *base)
{
    struct stored_reader *reader = (struct stored_reader *)base;
    column_in_close(&reader->ids);
    column_in_close(&reader->vectors);
    mem_free(reader->sums);
    mem_free(reader->dead);
    mem_free(reader);
}

static const struct segment_reader_ops reader_ops = {next, close_reader};

static enum err_code open_files(struct stored_reader *reader, const char *stem,
                                const struct segment_facts *facts, struct err *err)
{
    enum err_code code = segment_read_sums(stem, facts, &reader->sums, err);
    if (code == ERR_OK)
        code = segment_read_dead(stem, facts, &reader->dead, err);
    if (code == ERR_OK) {
        reader->ids.sums = reader->sums;
        reader->vectors.sums = reader->sums + sums_block_count(reader->ids.size);
        code = column_in_open(&reader->ids, stem, LAYOUT_IDS, err);
    }
    if (code == ERR_OK)
        code = column_in_open(&reader->vectors, stem, LAYOUT_VECTORS, err);
    return code;
}

static void fill_base(struct stored_reader *reader, const struct segment_facts *facts)
{
    struct segment_reader *base = &reader->base;
    base->rows = facts->rows;
    base->row_size = facts->row_size;
    base->dead = reader->dead;
    base->dead_rows = facts->dead_rows;
    base->has_extents = facts->rows > 0;
    base->ids = (struct file_extent){reader->ids.fd, reader->ids.path, reader->ids.offset,
                                     reader->ids.size};
    base->vectors = (struct file_extent){reader->vectors.fd, reader->vectors.path,
                                         reader->vectors.offset, reader->vectors.size};
}

enum err_code stored_reader_open(const char *folder, const struct segment_facts *facts,
                                 struct segment_reader **ret_reader, struct err *err)
{
    struct stored_reader *reader = mem_zalloc(1, sizeof *reader);
    char *stem = layout_segment_stem(folder, facts->folder, facts->number);
    enum err_code code = ERR_OK;
    if (reader == NULL || stem == NULL) {
        code = err_nomem(err, folder);
        mem_free(reader);
        mem_free(stem);
        return code;
    }
    reader->base.ops = &reader_ops;
    reader->ids = (struct column_in){
        .fd = -1, .offset = facts->ids_offset, .size = facts->rows * 8, .width = 8};
    reader->vectors = (struct column_in){.fd = -1,
                                         .offset = facts->vectors_offset,
                                         .size = facts->rows * facts->row_size,
                                         .width = facts->row_size};
    if (facts->rows > 0)
        code = open_files(reader, stem, facts, err);
    mem_free(stem);
    if (code != ERR_OK) {
        close_reader(&reader->base);
        return code;
    }
    fill_base(reader, facts);
    *ret_reader = &reader->base;
    return ERR_OK;
}
