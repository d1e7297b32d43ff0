/* memory_store.h: a read-only store of a few files in memory, for tests and fuzz targets. */
#ifndef GODWIT_TESTS_UNIT_MILVUS1_MEMORY_STORE_H
#define GODWIT_TESTS_UNIT_MILVUS1_MEMORY_STORE_H

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/store.h"

#define MEMORY_FILES_MAX 64

struct memory_file {
    const char *path; /* "FOLDER/NAME"; folders are what stands before the last slash */
    struct bytes data;
};

struct memory_store {
    struct store store; /* first */
    struct memory_file files[MEMORY_FILES_MAX];
    size_t count;
};

static inline const struct memory_file *memory_find(const struct store *store, const char *path)
{
    const struct memory_store *memory = (const struct memory_store *)store;
    for (size_t k = 0; k < memory->count; k++)
        if (strcmp(memory->files[k].path, path) == 0)
            return &memory->files[k];
    return NULL;
}

static inline enum err_code memory_open(const struct store *store, const char *path,
                                        struct store_file *ret_file, struct err *err)
{
    const struct memory_file *file = memory_find(store, path);
    if (file == NULL)
        return err_set(err, ERR_NOT_FOUND, "%s: no such file", path);
    char *copy = mem_strdup(path);
    if (copy == NULL)
        return err_nomem(err, path);
    *ret_file =
        (struct store_file){.store = store, .path = copy, .size = file->data.size, .fd = -1};
    return ERR_OK;
}

static inline enum err_code memory_read(const struct store_file *file, void *buffer, size_t size,
                                        uint64_t offset, struct err *err)
{
    (void)err;
    memcpy(buffer, memory_find(file->store, file->path)->data.data + offset, size);
    return ERR_OK;
}

static inline void memory_close(struct store_file *file)
{
    (void)file;
}

/* The name below `folder` that a path begins with, or 0 bytes. */
static inline size_t memory_child(const char *folder, const char *path, const char **ret_name)
{
    const size_t size = strlen(folder);
    if (strncmp(path, folder, size) != 0 || path[size] != '/')
        return 0;
    *ret_name = path + size + 1;
    return strcspn(*ret_name, "/");
}

static inline enum err_code memory_list(const struct store *store, const char *path,
                                        size_t names_max, char ***ret_names, size_t *ret_count,
                                        struct err *err)
{
    const struct memory_store *memory = (const struct memory_store *)store;
    (void)names_max;
    size_t used = 0, count = 0;
    char **names = mem_alloc(1, MEMORY_FILES_MAX * (sizeof(char *) + 256));
    if (names == NULL)
        return err_nomem(err, path);
    char *texts = (char *)(names + MEMORY_FILES_MAX);
    for (size_t k = 0; k < memory->count; k++) {
        const char *name;
        const size_t size = memory_child(path, memory->files[k].path, &name);
        if (size == 0 || size > 255)
            continue;
        bool is_known = false;
        for (size_t i = 0; i < count; i++)
            is_known = is_known || (strlen(names[i]) == size && memcmp(names[i], name, size) == 0);
        if (is_known)
            continue;
        memcpy(texts + used, name, size);
        texts[used + size] = '\0';
        names[count++] = texts + used;
        used += size + 1;
    }
    if (count == 0) {
        mem_free(names);
        return err_set(err, ERR_NOT_FOUND, "%s: no such folder", path);
    }
    *ret_names = names;
    *ret_count = count;
    return ERR_OK;
}

static inline bool memory_is_folder(const struct store *store, const char *path)
{
    const struct memory_store *memory = (const struct memory_store *)store;
    const char *name;
    for (size_t k = 0; k < memory->count; k++)
        if (memory_child(path, memory->files[k].path, &name) > 0)
            return true;
    return false;
}

static inline bool memory_exists(const struct store *store, const char *path)
{
    return memory_find(store, path) != NULL || memory_is_folder(store, path);
}

static inline void memory_init(struct memory_store *memory)
{
    static const struct store_ops ops = {.open = memory_open,
                                         .read = memory_read,
                                         .close = memory_close,
                                         .list = memory_list,
                                         .is_folder = memory_is_folder,
                                         .exists = memory_exists};
    *memory = (struct memory_store){.store = {.ops = &ops}};
}

/* Path and data are borrowed. A file of that path is replaced. */
static inline void memory_put(struct memory_store *memory, const char *path, const void *data,
                              size_t size)
{
    size_t k = 0;
    while (k < memory->count && strcmp(memory->files[k].path, path) != 0)
        k++;
    memory->files[k] = (struct memory_file){path, {data, size}};
    memory->count += k == memory->count;
}

#endif
