/* wal.h: the files of a write-ahead log, read record by record, in order.
 *
 * Only this file opens them, one at a time for each cursor, however many there are. Which records
 * count is decided in replay.c. */
#ifndef GODWIT_MILVUS1_WAL_H
#define GODWIT_MILVUS1_WAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/store.h"
#include "milvus1/layout.h"
#include "milvus1/wal_record.h"

struct wal {
    const struct store *store;
    const struct layout_log_file *files; /* ascending by number */
    size_t file_count;
    const char *mxlog_path;
    bool has_mxlog; /* false: absent or short */
    bool is_mxlog_short;
    uint64_t mxlog_lsn;
};

/* Finds the log files and reads mxlog.meta. layout->log_folder must not be NULL. All memory lives
 * in the arena. ERR_SOURCE, ERR_NOMEM. */
enum err_code wal_find(const struct layout *layout, struct arena *arena, struct wal *ret_wal,
                       struct err *err) MUST_USE;

/* Reads in one file at a time. Zero-initialise with `wal` set; wal_cursor_release at the end. */
struct wal_cursor {
    const struct wal *wal;
    const struct layout_log_file *log_file; /* the one that is open, or NULL */
    struct store_file file;
    uint64_t offset; /* of the next record */
    uint8_t *window; /* a piece of the file, so that small records need no read of their own */
    uint64_t window_offset;
    size_t window_size;
};
/* Opens the file of this number, unless it is open; an opened one begins at its first record.
 * ERR_NOT_FOUND, ERR_SOURCE, ERR_NOMEM. */
enum err_code wal_cursor_open(struct wal_cursor *cursor, uint32_t number, struct err *err) MUST_USE;
/* The next record; texts live until the next call. ret_is_end true: nothing is left. ERR_CORRUPT
 * and ERR_UNSUPPORTED with `ret_flaw`: torn, stale or foreign, the file ends here for us.
 * ERR_SOURCE, ERR_NOMEM with `err`. */
enum err_code wal_cursor_next(struct wal_cursor *cursor, struct wal_record *ret_record,
                              bool *ret_is_end, struct flaw *ret_flaw, struct err *err) MUST_USE;
/* Bytes of the open file. ERR_SOURCE, ERR_NOMEM. */
enum err_code wal_cursor_read(struct wal_cursor *cursor, void *buffer, size_t size, uint64_t offset,
                              struct err *err) MUST_USE;
void wal_cursor_release(struct wal_cursor *cursor);

#endif
