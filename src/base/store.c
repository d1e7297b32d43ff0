/* store.c: see store.h. The local store, and what all stores share. */
#include "base/store.h"

#include <inttypes.h>

#include "base/file.h"
#include "base/mem.h"

/* Failing to read a source is the source's trouble (exit 3), whatever errno said. */
static enum err_code as_source_error(enum err_code code, struct err *err)
{
    return code == ERR_IO || code == ERR_NO_SPACE ? err_recode(err, ERR_SOURCE) : code;
}

static enum err_code local_open(const struct store *store, const char *path,
                                struct store_file *ret_file, struct err *err)
{
    struct store_file file = {.store = store, .fd = -1};
    enum err_code code = file_open_read(path, &file.fd, err);
    if (code != ERR_OK)
        return as_source_error(code, err);
    code = file_size(file.fd, path, &file.size, err);
    if (code == ERR_OK && (file.path = mem_strdup(path)) == NULL)
        code = err_nomem(err, path);
    if (code != ERR_OK) {
        file_close(file.fd);
        return as_source_error(code, err);
    }
    *ret_file = file;
    return ERR_OK;
}

static enum err_code local_read(const struct store_file *file, void *buffer, size_t size,
                                uint64_t offset, struct err *err)
{
    const enum err_code code = file_read_at(file->fd, file->path, buffer, size, offset, err);
    return as_source_error(code, err);
}

static void local_close(struct store_file *file)
{
    file_close(file->fd);
}

static enum err_code local_list(const struct store *store, const char *path, size_t names_max,
                                char ***ret_names, size_t *ret_count, struct err *err)
{
    (void)store;
    return as_source_error(folder_list(path, names_max, ret_names, ret_count, err), err);
}

static bool local_is_folder(const struct store *store, const char *path)
{
    (void)store;
    return file_is_folder(path);
}

static bool local_exists(const struct store *store, const char *path)
{
    (void)store;
    return file_exists(path);
}

static const struct store_ops local_ops = {.open = local_open,
                                           .read = local_read,
                                           .close = local_close,
                                           .list = local_list,
                                           .is_folder = local_is_folder,
                                           .exists = local_exists};

const struct store *store_local(void)
{
    static const struct store local = {.ops = &local_ops};
    return &local;
}

enum err_code store_file_open(const struct store *store, const char *path,
                              struct store_file *ret_file, struct err *err)
{
    return store->ops->open(store, path, ret_file, err);
}

enum err_code store_file_read(const struct store_file *file, void *buffer, size_t size,
                              uint64_t offset, struct err *err)
{
    if (offset > file->size || size > file->size - offset)
        return err_set(err, ERR_CORRUPT,
                       "%s: offset %" PRIu64 ": %zu bytes expected, the file ends at %" PRIu64,
                       file->path, offset, size, file->size);
    return size > 0 ? file->store->ops->read(file, buffer, size, offset, err) : ERR_OK;
}

void store_file_close(struct store_file *file)
{
    if (file->store == NULL)
        return;
    file->store->ops->close(file);
    mem_free(file->path);
    *file = (struct store_file){.fd = -1};
}

enum err_code store_read_all(const struct store *store, const char *path, size_t size_max,
                             void **ret_data, size_t *ret_size, struct err *err)
{
    struct store_file file;
    enum err_code code = store_file_open(store, path, &file, err);
    if (code != ERR_OK)
        return code;
    char *data = NULL;
    if (file.size > size_max)
        code = err_set(err, ERR_CORRUPT, "%s: %" PRIu64 " bytes found, at most %zu expected", path,
                       file.size, size_max);
    else if ((data = mem_alloc((size_t)file.size + 1, 1)) == NULL)
        code = err_nomem(err, path);
    else
        code = store_file_read(&file, data, (size_t)file.size, 0, err);
    if (code == ERR_OK) {
        data[file.size] = '\0';
        *ret_data = data;
        *ret_size = (size_t)file.size;
    } else {
        mem_free(data);
    }
    store_file_close(&file);
    return code;
}
