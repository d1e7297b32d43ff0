/* wal.c: see wal.h. */
#include "milvus1/wal.h"

#include <string.h>

#include "milvus1/mxlog.h"

#define WINDOW_SIZE ((size_t)1 << 18)

_Static_assert(WINDOW_SIZE >= WAL_HEAD_SIZE_MAX, "a record's head fits the window");

static enum err_code read_mxlog(const struct layout *layout, struct wal *wal, struct err *err)
{
    struct store_file file;
    enum err_code code = store_file_open(layout->store, wal->mxlog_path, &file, err);
    if (code == ERR_NOT_FOUND)
        return ERR_OK;
    if (code != ERR_OK)
        return code;
    uint8_t data[MXLOG_SIZE];
    wal->is_mxlog_short = file.size < MXLOG_SIZE;
    if (!wal->is_mxlog_short) {
        code = store_file_read(&file, data, sizeof data, 0, err);
        if (code == ERR_OK)
            wal->has_mxlog = mxlog_decode((struct bytes){data, sizeof data}, &wal->mxlog_lsn);
    }
    store_file_close(&file);
    return code;
}

enum err_code wal_find(const struct layout *layout, struct arena *arena, struct wal *ret_wal,
                       struct err *err)
{
    struct wal wal = {.store = layout->store, .mxlog_path = layout_mxlog_path(layout, arena)};
    if (wal.mxlog_path == NULL)
        return err_nomem(err, layout->log_folder);
    struct layout_log_file *files = NULL;
    enum err_code code = layout_log_files(layout, arena, &files, &wal.file_count, err);
    wal.files = files;
    if (code == ERR_OK)
        code = read_mxlog(layout, &wal, err);
    if (code == ERR_OK)
        *ret_wal = wal;
    return code;
}

enum err_code wal_cursor_open(struct wal_cursor *cursor, uint32_t number, struct err *err)
{
    if (cursor->log_file != NULL && cursor->log_file->number == number)
        return ERR_OK;
    const struct wal *wal = cursor->wal;
    size_t low = 0, high = wal->file_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (wal->files[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == wal->file_count || wal->files[low].number != number)
        return err_set(err, ERR_NOT_FOUND, "there is no log file %u.wal", number);
    struct store_file file;
    const enum err_code code = store_file_open(wal->store, wal->files[low].path, &file, err);
    if (code != ERR_OK)
        return code;
    store_file_close(&cursor->file);
    cursor->file = file;
    cursor->log_file = &wal->files[low];
    cursor->offset = 0;
    cursor->window_size = 0;
    return ERR_OK;
}

/* Makes the window cover `size` bytes (at most WINDOW_SIZE) from `offset`, all inside the file. */
static enum err_code fill_window(struct wal_cursor *cursor, size_t size, uint64_t offset,
                                 struct err *err)
{
    if (offset >= cursor->window_offset &&
        offset + size <= cursor->window_offset + cursor->window_size)
        return ERR_OK;
    if (cursor->window == NULL && (cursor->window = mem_alloc(WINDOW_SIZE, 1)) == NULL)
        return err_nomem(err, cursor->file.path);
    const uint64_t left = cursor->file.size - offset;
    const size_t wanted = left < WINDOW_SIZE ? (size_t)left : WINDOW_SIZE;
    cursor->window_size = 0;
    const enum err_code code = store_file_read(&cursor->file, cursor->window, wanted, offset, err);
    if (code != ERR_OK) /* the file became shorter while it was read */
        return code == ERR_CORRUPT ? err_recode(err, ERR_SOURCE) : code;
    cursor->window_offset = offset;
    cursor->window_size = wanted;
    return ERR_OK;
}

enum err_code wal_cursor_next(struct wal_cursor *cursor, struct wal_record *ret_record,
                              bool *ret_is_end, struct flaw *ret_flaw, struct err *err)
{
    const uint64_t file_size = cursor->file.size, offset = cursor->offset;
    *ret_is_end = offset >= file_size;
    if (*ret_is_end)
        return ERR_OK;
    const uint64_t left = file_size - offset;
    size_t wanted = left < WAL_HEADER_SIZE ? (size_t)left : WAL_HEADER_SIZE;
    enum err_code code = fill_window(cursor, wanted, offset, err);
    if (code != ERR_OK)
        return code;
    if (left >= WAL_HEADER_SIZE) {
        const uint8_t *head = cursor->window + (offset - cursor->window_offset);
        wanted += (size_t)get_u16(head + 9) + get_u16(head + 11);
        code = fill_window(cursor, left < wanted ? (size_t)left : wanted, offset, err);
        if (code != ERR_OK)
            return code;
    }
    const struct wal_place place = {
        .file_number = cursor->log_file->number, .offset = offset, .file_size = file_size};
    const size_t skip = (size_t)(offset - cursor->window_offset);
    const struct bytes in = {cursor->window + skip, cursor->window_size - skip};
    code = wal_record_decode(in, &place, ret_record, ret_flaw);
    if (code == ERR_OK)
        cursor->offset += ret_record->size;
    return code;
}

enum err_code wal_cursor_read(struct wal_cursor *cursor, void *buffer, size_t size, uint64_t offset,
                              struct err *err)
{
    enum err_code code = ERR_OK;
    if (size > WINDOW_SIZE / 2) {
        code = store_file_read(&cursor->file, buffer, size, offset, err);
        return code == ERR_CORRUPT ? err_recode(err, ERR_SOURCE) : code;
    }
    if (offset > cursor->file.size || size > cursor->file.size - offset)
        return err_set(err, ERR_SOURCE, "%s: it became shorter while it was read",
                       cursor->file.path);
    if (size == 0)
        return ERR_OK;
    code = fill_window(cursor, size, offset, err);
    if (code == ERR_OK)
        memcpy(buffer, cursor->window + (offset - cursor->window_offset), size);
    return code;
}

void wal_cursor_release(struct wal_cursor *cursor)
{
    store_file_close(&cursor->file);
    mem_free(cursor->window);
    *cursor = (struct wal_cursor){0};
}
