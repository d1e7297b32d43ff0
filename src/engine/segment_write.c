/* segment_write.c: see segment_write.h. One struct column_out for each of the two columns. */
#include "engine/segment_write.h"

#include <inttypes.h>
#include <string.h>

#include "base/bitmap.h"
#include "base/bytes.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/path.h"
#include "engine/layout.h"
#include "engine/segment_format.h"

#define PIECE_SIZE                                                                                 \
    (4 * SUMS_BLOCK_SIZE) /* bytes copied, then hashed while they are cached: 1 MiB */
#define PREFETCH_SIZE ((uint64_t)16 << 20)
#define HEADER_KEPT_MAX 64 /* an extent that begins this early keeps its place in a copy */

struct column_out {
    char *path; /* final name */
    char *temporary;
    int fd;
    uint64_t offset; /* of the extent in the file */
    uint64_t size;   /* bytes of the extent written so far */
    uint64_t *sums;
    size_t sum_count;
    size_t sum_capacity;
    uint8_t *buffer; /* PIECE_SIZE bytes; packing collects here */
    size_t used;
};

struct writer {
    const struct segment_write_request *request;
    struct column_out ids;
    struct column_out vectors;
    int sums_fd; /* the small files, open until they are synced; -1: none */
    int dead_fd;
    uint64_t rows; /* of the new segment */
    uint64_t dead_rows;
};

static enum err_code out_init(struct column_out *out, const char *stem, const char *extension,
                              struct err *err)
{
    out->fd = -1;
    out->path = layout_file(stem, extension);
    out->temporary = out->path != NULL ? mem_printf("%s.tmp", out->path) : NULL;
    out->buffer = mem_pages(PIECE_SIZE);
    if (out->path == NULL || out->temporary == NULL || out->buffer == NULL)
        return err_nomem(err, stem);
    const enum err_code code = file_remove(out->temporary, err);
    return code == ERR_OK ? file_remove(out->path, err) : code;
}

static void out_release(struct column_out *out)
{
    file_close(out->fd);
    mem_free(out->path);
    mem_free(out->temporary);
    mem_free(out->buffer);
    mem_free(out->sums);
    *out = (struct column_out){.fd = -1};
}

/* Checksums of the next bytes of the column; all but the last call give whole blocks. */
static enum err_code out_hash(struct column_out *out, const uint8_t *data, size_t size,
                              struct err *err)
{
    for (size_t at = 0; at < size; at += SUMS_BLOCK_SIZE) {
        const size_t left = size - at;
        const size_t now = left < SUMS_BLOCK_SIZE ? left : (size_t)SUMS_BLOCK_SIZE;
        if (!mem_grow(&out->sums, &out->sum_capacity, out->sum_count, sizeof out->sums[0]))
            return err_nomem(err, out->path);
        out->sums[out->sum_count++] = hash64(data + at, now, 0);
    }
    out->size += size;
    return ERR_OK;
}

/* Reads what is stored in the column's file back, block by block (that is, within a cache of the
 * processor), and checksums it. */
static enum err_code hash_stored(struct column_out *out, uint64_t offset, size_t size,
                                 struct err *err)
{
    enum err_code code = ERR_OK;
    for (size_t at = 0; code == ERR_OK && at < size; at += SUMS_BLOCK_SIZE) {
        const size_t left = size - at;
        const size_t now = left < SUMS_BLOCK_SIZE ? left : (size_t)SUMS_BLOCK_SIZE;
        code = file_read_at(out->fd, out->temporary, out->buffer, now, offset + at, err);
        if (code == ERR_OK)
            code = out_hash(out, out->buffer, now, err);
    }
    return code;
}

/* Live rows among rows first .. first + count - 1. */
static uint64_t count_live(const uint64_t *dead, uint64_t first, uint64_t count)
{
    uint64_t live = count;
    if (dead == NULL)
        return live;
    const size_t end = (size_t)(first + count);
    for (size_t row = bitmap_next(dead, end, (size_t)first, true); row < end;
         row = bitmap_next(dead, end, row + 1, true))
        live--;
    return live;
}

static enum err_code create(struct column_out *out, struct err *err)
{
    return file_create(out->temporary, &out->fd, err);
}

/* Goes through an extent piece by piece. is_copied: the bytes are first copied into out->fd. Then
 * they are read back from there (or from the linked file) and checksummed. */
static enum err_code take_extent(struct writer *writer, struct column_out *out,
                                 const struct file_extent *from, bool is_copied, struct err *err)
{
    const struct segment_write_request *request = writer->request;
    const bool is_vectors = out == &writer->vectors;
    const size_t width = is_vectors ? request->reader->row_size : 8;
    enum err_code code = ERR_OK;
    for (uint64_t at = 0; code == ERR_OK && at < from->size; at += PIECE_SIZE) {
        const uint64_t left = from->size - at;
        const size_t now = left < PIECE_SIZE ? (size_t)left : (size_t)PIECE_SIZE;
        const struct file_extent piece = {from->fd, from->path, from->offset + at, now};
        if (at % PREFETCH_SIZE == 0) /* the disk reads on while we hash */
            file_will_read(from->fd, from->offset + at + PREFETCH_SIZE, PREFETCH_SIZE);
        if (is_copied)
            code = file_copy_extent(&piece, out->fd, out->temporary, out->offset + at, err);
        if (code == ERR_OK && is_copied)
            file_start_writeback(out->fd, out->offset + at, now);
        if (code == ERR_OK)
            code = hash_stored(out, out->offset + at, now, err);
        const uint64_t first = at / width;
        const uint64_t rows = count_live(request->dead, first, (at + now) / width - first);
        if (code == ERR_OK)
            code = meter_pass(request->meter, rows * width, is_vectors ? rows : 0, err);
    }
    return code;
}

/* Bytes before an extent that begins early are copied too, so that the rest keeps its alignment and
 * a file system with shared extents can share them. They mean nothing. */
static enum err_code copy_column(struct writer *writer, struct column_out *out,
                                 const struct file_extent *from, struct err *err)
{
    enum err_code code = create(out, err);
    if (code == ERR_OK && from->offset <= HEADER_KEPT_MAX && from->offset > 0) {
        const struct file_extent header = {from->fd, from->path, 0, from->offset};
        out->offset = from->offset;
        code = file_copy_extent(&header, out->fd, out->temporary, 0, err);
    }
    return code == ERR_OK ? take_extent(writer, out, from, true, err) : code;
}

static enum err_code link_column(struct writer *writer, struct column_out *out,
                                 const struct file_extent *from, struct err *err)
{
    enum err_code code = file_link(from->path, out->temporary, err);
    if (code == ERR_UNSUPPORTED) {
        (void)err_wrap(err, "linking needs source and target in one mount of one filesystem, and "
                            "the right to link; run with --restart and without --link to copy");
        return err_recode(err, ERR_TARGET);
    }
    out->offset = from->offset;
    if (code == ERR_OK)
        code = file_open_read(out->temporary, &out->fd, err);
    return code == ERR_OK ? take_extent(writer, out, from, false, err) : code;
}

static enum err_code out_flush(struct column_out *out, struct err *err)
{
    const uint64_t at = out->size;
    enum err_code code = file_write_at(out->fd, out->temporary, out->buffer, out->used, at, err);
    if (code != ERR_OK)
        return code;
    file_start_writeback(out->fd, at, out->used);
    code = out_hash(out, out->buffer, out->used, err);
    out->used = 0;
    return code;
}

static enum err_code out_add(struct column_out *out, const uint8_t *data, size_t size,
                             struct err *err)
{
    enum err_code code = ERR_OK;
    while (code == ERR_OK && size > 0) {
        const size_t room = PIECE_SIZE - out->used;
        const size_t now = size < room ? size : room;
        memcpy(out->buffer + out->used, data, now);
        out->used += now;
        data += now;
        size -= now;
        if (out->used == PIECE_SIZE)
            code = out_flush(out, err);
    }
    return code;
}

/* The live rows of a batch, run by run. */
static enum err_code pack_batch(struct writer *writer, const struct batch *batch, struct err *err)
{
    const uint64_t *dead = writer->request->dead;
    const size_t row_size = writer->request->reader->row_size;
    const size_t first = (size_t)batch->first_row;
    const size_t end = first + batch->rows;
    enum err_code code = ERR_OK;
    uint64_t rows = 0;
    for (size_t row = first; code == ERR_OK && row < end;) {
        const size_t from = dead != NULL ? bitmap_next(dead, end, row, false) : row;
        row = dead != NULL ? bitmap_next(dead, end, from, true) : end;
        const size_t at = from - first;
        code = out_add(&writer->ids, (const uint8_t *)(batch->ids + at), (row - from) * 8, err);
        if (code == ERR_OK)
            code = out_add(&writer->vectors, batch->vectors + at * row_size,
                           (row - from) * row_size, err);
        rows += row - from;
    }
    writer->rows += rows;
    return code == ERR_OK ? meter_pass(writer->request->meter, rows * (8 + row_size), rows, err)
                          : code;
}

static enum err_code pack(struct writer *writer, struct err *err)
{
    enum err_code code = create(&writer->ids, err);
    if (code == ERR_OK)
        code = create(&writer->vectors, err);
    struct batch batch = {.rows = 1};
    while (code == ERR_OK && batch.rows > 0) {
        code = segment_reader_next(writer->request->reader, &batch, err);
        if (code == ERR_OK && batch.rows > 0)
            code = pack_batch(writer, &batch, err);
    }
    if (code == ERR_OK && writer->vectors.used > 0)
        code = out_flush(&writer->vectors, err);
    if (code == ERR_OK && writer->ids.used > 0)
        code = out_flush(&writer->ids, err);
    return code;
}

/* A small file under its temporary name; `*ret_fd` stays open for sync_all(). */
static enum err_code write_small(const char *stem, const char *extension, struct bytes data,
                                 int *ret_fd, struct err *err)
{
    char *temporary = mem_printf("%s.%s.tmp", stem, extension);
    if (temporary == NULL)
        return err_nomem(err, stem);
    enum err_code code = file_remove(temporary, err);
    if (code == ERR_OK)
        code = file_create(temporary, ret_fd, err);
    if (code == ERR_OK)
        code = file_write_at(*ret_fd, temporary, data.data, data.size, 0, err);
    mem_free(temporary);
    return code;
}

static enum err_code write_sums(struct writer *writer, uint64_t *ret_hash, struct err *err)
{
    const char *stem = writer->request->stem;
    const size_t size = (size_t)sums_file_size(writer->ids.size, writer->vectors.size);
    uint8_t *data = mem_alloc(size, 1);
    if (data == NULL)
        return err_nomem(err, stem);
    sums_encode(writer->ids.size, writer->ids.sums, writer->vectors.size, writer->vectors.sums,
                data);
    *ret_hash = hash64(data, size, 0);
    const enum err_code code =
        write_small(stem, LAYOUT_SUMS, (struct bytes){data, size}, &writer->sums_fd, err);
    mem_free(data);
    return code;
}

static enum err_code write_dead(struct writer *writer, uint64_t *ret_hash, struct err *err)
{
    const char *stem = writer->request->stem;
    const size_t size = (size_t)dead_file_size(writer->rows);
    uint8_t *data = mem_alloc(size, 1);
    if (data == NULL)
        return err_nomem(err, stem);
    dead_encode(writer->request->dead, writer->rows, writer->dead_rows, data);
    *ret_hash = hash64(data, size, 0);
    const enum err_code code =
        write_small(stem, LAYOUT_DEAD, (struct bytes){data, size}, &writer->dead_fd, err);
    mem_free(data);
    return code;
}

/* When everything is written: a journalling file system then commits the names and sizes of all
 * four with the first, and the others have little left to wait for. Linked columns too: whoever
 * wrote them may have done so a moment ago, and the old installation may be deleted once we are
 * done. */
static enum err_code sync_all(struct writer *writer, struct err *err)
{
    enum err_code code = file_sync(writer->vectors.fd, writer->vectors.temporary, err);
    if (code == ERR_OK)
        code = file_sync(writer->ids.fd, writer->ids.temporary, err);
    if (code == ERR_OK)
        code = file_sync(writer->sums_fd, writer->request->stem, err);
    if (code == ERR_OK && writer->dead_fd >= 0)
        code = file_sync(writer->dead_fd, writer->request->stem, err);
    return code;
}

static enum err_code rename_file(const char *stem, const char *extension, struct err *err)
{
    char *path = layout_file(stem, extension);
    char *temporary = mem_printf("%s.%s.tmp", stem, extension);
    enum err_code code = ERR_OK;
    if (path == NULL || temporary == NULL)
        code = err_nomem(err, stem);
    else
        code = file_move(temporary, path, err);
    mem_free(path);
    mem_free(temporary);
    return code;
}

static enum err_code rename_all(const char *stem, bool has_dead, struct err *err)
{
    char parent[FILE_PATH_MAX];
    if (!path_parent(stem, parent, sizeof parent))
        return err_set(err, ERR_USAGE, "%s: the path is too long", stem);
    enum err_code code = rename_file(stem, LAYOUT_IDS, err);
    if (code == ERR_OK)
        code = rename_file(stem, LAYOUT_VECTORS, err);
    if (code == ERR_OK)
        code = rename_file(stem, LAYOUT_SUMS, err);
    if (code == ERR_OK && has_dead)
        code = rename_file(stem, LAYOUT_DEAD, err);
    return code == ERR_OK ? folder_sync(parent, err) : code;
}

/* Which of the three ways, and the columns by it. */
static enum err_code write_columns(struct writer *writer, bool *ret_is_linked, struct err *err)
{
    const struct segment_write_request *request = writer->request;
    const struct segment_reader *reader = request->reader;
    const bool has_extents = reader->has_extents && reader->ids.size == reader->rows * 8 &&
                             reader->vectors.size == reader->rows * reader->row_size;
    *ret_is_linked = request->link && has_extents;
    if (!has_extents || (!request->link && request->live_rows != reader->rows))
        return pack(writer, err);
    writer->rows = reader->rows;
    writer->dead_rows = reader->rows - request->live_rows;
    enum err_code code = ERR_OK;
    if (*ret_is_linked) {
        code = link_column(writer, &writer->ids, &reader->ids, err);
        return code == ERR_OK ? link_column(writer, &writer->vectors, &reader->vectors, err) : code;
    }
    code = copy_column(writer, &writer->ids, &reader->ids, err);
    return code == ERR_OK ? copy_column(writer, &writer->vectors, &reader->vectors, err) : code;
}

static enum err_code write_files(struct writer *writer, struct segment_facts *ret_facts,
                                 bool *ret_is_linked, struct err *err)
{
    const struct segment_write_request *request = writer->request;
    struct segment_facts facts = {.row_size = request->reader->row_size};
    bool is_linked = false;
    enum err_code code = write_columns(writer, &is_linked, err);
    if (code == ERR_OK && writer->rows - writer->dead_rows != request->live_rows)
        code = err_set(err, ERR_INTERNAL, "%s: %" PRIu64 " live rows written, %" PRIu64 " expected",
                       request->stem, writer->rows - writer->dead_rows, request->live_rows);
    if (code == ERR_OK)
        code = write_sums(writer, &facts.sums_hash, err);
    if (code == ERR_OK && writer->dead_rows > 0)
        code = write_dead(writer, &facts.dead_hash, err);
    if (code == ERR_OK)
        code = sync_all(writer, err);
    if (code == ERR_OK)
        code = rename_all(request->stem, writer->dead_rows > 0, err);
    if (code != ERR_OK)
        return code;
    facts.rows = writer->rows;
    facts.dead_rows = writer->dead_rows;
    facts.ids_offset = writer->ids.offset;
    facts.vectors_offset = writer->vectors.offset;
    *ret_facts = facts;
    *ret_is_linked = is_linked;
    return ERR_OK;
}

enum err_code segment_write(const struct segment_write_request *request,
                            struct segment_facts *ret_facts, bool *ret_is_linked, struct err *err)
{
    if (request->live_rows == 0) {
        *ret_facts = (struct segment_facts){.row_size = request->reader->row_size};
        *ret_is_linked = false;
        return ERR_OK;
    }
    struct writer writer = {
        .request = request, .ids.fd = -1, .vectors.fd = -1, .sums_fd = -1, .dead_fd = -1};
    enum err_code code = out_init(&writer.ids, request->stem, LAYOUT_IDS, err);
    if (code == ERR_OK)
        code = out_init(&writer.vectors, request->stem, LAYOUT_VECTORS, err);
    if (code == ERR_OK)
        code = write_files(&writer, ret_facts, ret_is_linked, err);
    out_release(&writer.ids);
    out_release(&writer.vectors);
    file_close(writer.sums_fd);
    file_close(writer.dead_fd);
    if (code != ERR_OK) {
        struct err ignored = {
            0}; /* the first failure is the one to tell; a sweep removes the rest */
        (void)!segment_remove(request->stem, &ignored);
    }
    return code;
}

enum err_code segment_remove(const char *stem, struct err *err)
{
    static const char *const extensions[] = {LAYOUT_IDS,   LAYOUT_VECTORS, LAYOUT_SUMS,
                                             LAYOUT_DEAD,  LAYOUT_COLUMNS, LAYOUT_LISTS,
                                             LAYOUT_GRAPH, LAYOUT_BITS,    LAYOUT_BUILT};
    enum err_code code = ERR_OK;
    for (size_t k = 0; code == ERR_OK && k < sizeof extensions / sizeof extensions[0]; k++) {
        char *path = layout_file(stem, extensions[k]);
        char *temporary = mem_printf("%s.%s.tmp", stem, extensions[k]);
        if (path == NULL || temporary == NULL)
            code = err_nomem(err, stem);
        if (code == ERR_OK)
            code = file_remove(path, err);
        if (code == ERR_OK)
            code = file_remove(temporary, err);
        mem_free(path);
        mem_free(temporary);
    }
    return code;
}
