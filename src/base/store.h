/* store.h: where the files of a source are. The one interface for every read of a source.
 *
 * Paths are opaque to a store: for a local store they are file system paths, for an object store
 * keys. A store has no operation that writes. Errors: ERR_NOT_FOUND when nothing is there,
 * ERR_SOURCE for anything else (the sentence names the path), ERR_NOMEM. Threads: any; one
 * store_file may be read by several threads at once. */
#ifndef GODWIT_BASE_STORE_H
#define GODWIT_BASE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct store;

struct store_file {
    const struct store *store;
    char *path;
    uint64_t size; /* when it was opened */
    int fd;        /* a local descriptor, or -1: then only store_file_read works */
    void *state;   /* the store's own */
};

struct store_ops {
    enum err_code (*open)(const struct store *store, const char *path, struct store_file *ret_file,
                          struct err *err);
    enum err_code (*read)(const struct store_file *file, void *buffer, size_t size, uint64_t offset,
                          struct err *err);
    void (*close)(struct store_file *file);
    /* Names directly below a folder, sorted; one block, see folder_list(). */
    enum err_code (*list)(const struct store *store, const char *path, size_t names_max,
                          char ***ret_names, size_t *ret_count, struct err *err);
    bool (*is_folder)(const struct store *store, const char *path);
    bool (*exists)(const struct store *store, const char *path);
};

struct store {
    const struct store_ops *ops;
    void *state;
};

/* The local file system; static, never freed. */
const struct store *store_local(void);

enum err_code store_file_open(const struct store *store, const char *path,
                              struct store_file *ret_file, struct err *err) MUST_USE;
/* Exactly `size` bytes; ERR_CORRUPT "path: offset O: N bytes expected, the file holds M" when past
 * the end. */
enum err_code store_file_read(const struct store_file *file, void *buffer, size_t size,
                              uint64_t offset, struct err *err) MUST_USE;
/* Idempotent; a zeroed store_file may be closed. */
void store_file_close(struct store_file *file);
/* The whole file, at most size_max bytes, plus a zero byte; mem_free. */
enum err_code store_read_all(const struct store *store, const char *path, size_t size_max,
                             void **ret_data, size_t *ret_size, struct err *err) MUST_USE;

#endif
