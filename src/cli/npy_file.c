/* npy_file.c: writing .npy files (see vectors.h): temporary name, rows, header, sync, rename. */
#include <string.h>

#include "base/mem.h"
#include "base/npy.h"
#include "base/path.h"
#include "cli/vectors.h"

#define BUFFER_SIZE ((size_t)1 << 20)

struct npy_writer {
    char *path;
    char *temporary;
    uint8_t *buffer;
    size_t used;
    uint64_t offset; /* where the buffer belongs */
    enum npy_column column;
    size_t columns;
    int fd; /* -1: closed */
    bool is_published;
};

enum err_code npy_writer_open(const char *path, enum npy_column column, size_t columns,
                              struct npy_writer **ret_writer, struct err *err)
{
    struct npy_writer *w = mem_zalloc(1, sizeof *w);
    if (w == NULL)
        return err_nomem(err, path);
    *w = (struct npy_writer){.path = mem_strdup(path),
                             .temporary = mem_printf("%s.tmp", path),
                             .buffer = mem_alloc(BUFFER_SIZE, 1),
                             .offset = NPY_HEADER_SIZE,
                             .column = column,
                             .columns = columns,
                             .fd = -1};
    enum err_code code = ERR_OK;
    if (w->path == NULL || w->temporary == NULL || w->buffer == NULL)
        code = err_nomem(err, path);
    if (code == ERR_OK)
        code = file_create(w->temporary, &w->fd, err);
    if (code != ERR_OK) {
        w->is_published = w->fd < 0; /* nothing to remove */
        npy_writer_close(w);
        return code;
    }
    *ret_writer = w;
    return ERR_OK;
}

static enum err_code flush(struct npy_writer *w, struct err *err)
{
    const enum err_code code =
        file_write_at(w->fd, w->temporary, w->buffer, w->used, w->offset, err);
    w->offset += w->used;
    w->used = 0;
    return code;
}

enum err_code npy_writer_add(struct npy_writer *writer, const void *data, size_t size,
                             struct err *err)
{
    enum err_code code = ERR_OK;
    if (size > BUFFER_SIZE - writer->used && writer->used > 0)
        code = flush(writer, err);
    if (code != ERR_OK || size == 0)
        return code;
    if (size >= BUFFER_SIZE) {
        code = file_write_at(writer->fd, writer->temporary, data, size, writer->offset, err);
        writer->offset += size;
        return code;
    }
    memcpy(writer->buffer + writer->used, data, size);
    writer->used += size;
    return ERR_OK;
}

enum err_code npy_writer_finish(struct npy_writer *writer, uint64_t rows, struct err *err)
{
    static const enum npy_type types[] = {[NPY_COLUMN_IDS] = NPY_INT64,
                                          [NPY_COLUMN_FLOATS] = NPY_FLOAT32,
                                          [NPY_COLUMN_BYTES] = NPY_UINT8};
    const struct npy_header header = {.type = types[writer->column],
                                      .rows = rows,
                                      .columns = writer->columns > 0 ? writer->columns : 1,
                                      .dimensions = writer->columns > 0 ? 2 : 1};
    uint8_t head[NPY_HEADER_SIZE];
    npy_header_encode(&header, head);
    enum err_code code = writer->used > 0 ? flush(writer, err) : ERR_OK;
    if (code == ERR_OK)
        code = file_write_at(writer->fd, writer->temporary, head, sizeof head, 0, err);
    if (code == ERR_OK)
        code = file_sync(writer->fd, writer->temporary, err);
    return code;
}

enum err_code npy_writer_publish(struct npy_writer *writer, struct err *err)
{
    const enum err_code code = file_rename(writer->temporary, writer->path, err);
    writer->is_published = code == ERR_OK;
    return code;
}

void npy_writer_close(struct npy_writer *writer)
{
    if (writer == NULL)
        return;
    if (writer->fd >= 0)
        file_close(writer->fd);
    struct err ignored;
    if (!writer->is_published && file_remove(writer->temporary, &ignored) != ERR_OK)
        writer->is_published = false; /* it stays, under a name that nobody takes for a result */
    mem_free(writer->path);
    mem_free(writer->temporary);
    mem_free(writer->buffer);
    mem_free(writer);
}
