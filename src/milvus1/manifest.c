/* manifest.c: see manifest.h. */
#include "milvus1/manifest.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/json.h"

#define MANIFEST_ARENA_MAX ((size_t)8 << 30)
#define CHECK_BUFFER_SIZE ((size_t)1 << 20)

enum err_code manifest_new(const char *folder, struct manifest **ret_manifest, struct err *err)
{
    struct manifest *manifest = mem_zalloc(1, sizeof *manifest);
    if (manifest == NULL)
        return err_nomem(err, folder);
    arena_init(&manifest->arena, MANIFEST_ARENA_MAX);
    manifest->folder = arena_strdup(&manifest->arena, folder);
    if (manifest->folder == NULL) {
        manifest_close(manifest);
        return err_nomem(err, folder);
    }
    *ret_manifest = manifest;
    return ERR_OK;
}

void manifest_close(struct manifest *manifest)
{
    if (manifest == NULL)
        return;
    mem_free(manifest->files);
    arena_release(&manifest->arena);
    mem_free(manifest);
}

enum err_code manifest_add(struct manifest *manifest, const struct manifest_file *file,
                           struct err *err)
{
    struct manifest_file copy = *file;
    copy.path = arena_strdup(&manifest->arena, file->path);
    if (copy.path == NULL ||
        !mem_grow(&manifest->files, &manifest->capacity, manifest->count, sizeof *manifest->files))
        return err_nomem(err, MANIFEST_NAME);
    manifest->files[manifest->count++] = copy;
    return ERR_OK;
}

static int compare_paths(const void *a, const void *b)
{
    const struct manifest_file *file_a = a;
    const struct manifest_file *file_b = b;
    return strcmp(file_a->path, file_b->path);
}

static void sort_files(struct manifest *manifest)
{
    if (manifest->count > 1)
        qsort(manifest->files, manifest->count, sizeof *manifest->files, compare_paths);
}

void manifest_write(struct manifest *manifest, struct text *text)
{
    sort_files(manifest);
    json_open(text, NULL, '{');
    json_add_int(text, "version", MANIFEST_VERSION);
    json_add_string(text, "generator", "godwit " GODWIT_VERSION);
    json_open(text, "files", '[');
    for (size_t k = 0; k < manifest->count; k++) {
        char checksum[17];
        (void)snprintf(checksum, sizeof checksum, "%016" PRIx64, manifest->files[k].checksum);
        json_open(text, NULL, '{');
        json_add_string(text, "path", manifest->files[k].path);
        json_add_uint(text, "size", manifest->files[k].size);
        json_add_string(text, "xxh3", checksum);
        json_close(text, '}');
    }
    json_close(text, ']');
    json_close(text, '}');
    text_add(text, "\n");
}

/* No absolute path and no way out of the package. */
static bool is_safe_path(const char *path)
{
    if (*path == '\0' || *path == '/' || strlen(path) >= 1024)
        return false;
    for (const char *part = path; part != NULL;) {
        if (strcmp(part, "..") == 0 || strncmp(part, "../", 3) == 0)
            return false;
        const char *slash = strchr(part, '/');
        part = slash != NULL ? slash + 1 : NULL;
    }
    return true;
}

static enum err_code decode_file(const struct json *entry, size_t index, struct manifest *manifest,
                                 struct err *err)
{
    const char *path = js_string(js_get(entry, "path"), "");
    const char *checksum = js_string(js_get(entry, "xxh3"), "");
    const int64_t size = js_int(js_get(entry, "size"), -1);
    char *end = NULL;
    const uint64_t value = strtoull(checksum, &end, 16);
    if (!is_safe_path(path) || size < 0 || strlen(checksum) != 16 || *end != '\0')
        return err_set(
            err, ERR_CORRUPT,
            "file number %zu of the list: a relative path, a size and 16 digits expected", index);
    const struct manifest_file file = {.path = path, .size = (uint64_t)size, .checksum = value};
    return manifest_add(manifest, &file, err);
}

static enum err_code decode_document(const struct json *document, struct manifest *manifest,
                                     struct err *err)
{
    const int64_t version = js_int(js_get(document, "version"), 0);
    if (version > MANIFEST_VERSION)
        return err_set(err, ERR_UNSUPPORTED,
                       "version %" PRId64 " found, this program reads up to %d; use a newer one",
                       version, MANIFEST_VERSION);
    const struct json *files = js_get(document, "files");
    if (version < 1 || !js_is_array(files))
        return err_set(err, ERR_CORRUPT, "no manifest of a package: version and files expected");
    if (js_size(files) > MANIFEST_FILES_MAX)
        return err_set(err, ERR_CORRUPT, "more than %d files", MANIFEST_FILES_MAX);
    enum err_code code = ERR_OK;
    for (size_t k = 0; code == ERR_OK && k < js_size(files); k++)
        code = decode_file(js_at(files, k), k, manifest, err);
    sort_files(manifest);
    for (size_t k = 1; code == ERR_OK && k < manifest->count; k++)
        if (strcmp(manifest->files[k - 1].path, manifest->files[k].path) == 0)
            code = err_set(err, ERR_CORRUPT, "%s is listed twice", manifest->files[k].path);
    return code;
}

enum err_code manifest_decode(const char *text, size_t size, struct manifest *manifest,
                              struct err *err)
{
    struct json *document = NULL;
    enum err_code code = js_parse(text, size, &document, err);
    if (code == ERR_OK)
        code = decode_document(document, manifest, err);
    js_free(document);
    return code;
}

const struct manifest_file *manifest_find(const struct manifest *manifest, const char *path)
{
    const struct manifest_file wanted = {.path = path};
    return manifest->count > 0 ? bsearch(&wanted, manifest->files, manifest->count,
                                         sizeof *manifest->files, compare_paths)
                               : NULL;
}

static enum err_code checksum_of(const struct store_file *file, uint64_t *ret_checksum,
                                 struct err *err)
{
    struct hasher *hasher = hasher_new(0);
    uint8_t *buffer = mem_alloc(CHECK_BUFFER_SIZE, 1);
    enum err_code code = ERR_OK;
    if (hasher == NULL || buffer == NULL)
        code = err_nomem(err, file->path);
    for (uint64_t at = 0; code == ERR_OK && at < file->size; at += CHECK_BUFFER_SIZE) {
        const uint64_t left = file->size - at;
        const size_t now = left < CHECK_BUFFER_SIZE ? (size_t)left : CHECK_BUFFER_SIZE;
        code = store_file_read(file, buffer, now, at, err);
        if (code == ERR_OK)
            hasher_add(hasher, buffer, now);
    }
    if (code == ERR_OK)
        *ret_checksum = hasher_get(hasher);
    mem_free(buffer);
    hasher_free(hasher);
    return code;
}

/* Opens a file of the list and compares its size, and its checksum too when asked. */
static enum err_code check_entry(const struct manifest *manifest, const struct store *store,
                                 const struct manifest_file *entry, bool with_checksum,
                                 struct err *err)
{
    char *path = mem_printf("%s/%s", manifest->folder, entry->path);
    if (path == NULL)
        return err_nomem(err, entry->path);
    struct store_file file = {.fd = -1};
    uint64_t checksum = entry->checksum;
    enum err_code code = store_file_open(store, path, &file, err);
    if (code == ERR_NOT_FOUND)
        code = err_set(err, ERR_CORRUPT, "%s: missing, but the manifest lists it; copy it again",
                       path);
    else if (code == ERR_OK && file.size != entry->size)
        code = err_set(err, ERR_CORRUPT,
                       "%s: %" PRIu64 " bytes found, the manifest says %" PRIu64 "; copy it again",
                       path, file.size, entry->size);
    else if (code == ERR_OK && with_checksum)
        code = checksum_of(&file, &checksum, err);
    if (code == ERR_OK && checksum != entry->checksum)
        code = err_set(err, ERR_CORRUPT,
                       "%s: checksum %016" PRIx64 " found, the manifest says %016" PRIx64
                       "; copy it again",
                       path, checksum, entry->checksum);
    store_file_close(&file);
    mem_free(path);
    return code;
}

static bool is_checked_at_open(const char *path)
{
    return strcmp(path, "meta.json") == 0 || strncmp(path, "wal/", 4) == 0;
}

enum err_code manifest_open(const struct store *store, const char *folder,
                            struct manifest **ret_manifest, struct err *err)
{
    struct manifest *manifest = NULL;
    enum err_code code = manifest_new(folder, &manifest, err);
    if (code != ERR_OK)
        return code;
    void *text = NULL;
    size_t size = 0;
    char *path = mem_printf("%s/%s", folder, MANIFEST_NAME);
    code = path != NULL ? store_read_all(store, path, MANIFEST_SIZE_MAX, &text, &size, err)
                        : err_nomem(err, folder);
    if (code == ERR_OK) {
        code = manifest_decode(text, size, manifest, err);
        if (code != ERR_OK && code != ERR_NOMEM)
            (void)err_wrap(err, "%s", path);
    }
    mem_free(text);
    mem_free(path);
    for (size_t k = 0; code == ERR_OK && k < manifest->count; k++)
        code = check_entry(manifest, store, &manifest->files[k],
                           is_checked_at_open(manifest->files[k].path), err);
    if (code == ERR_OK)
        *ret_manifest = manifest;
    else
        manifest_close(manifest);
    return code;
}

enum err_code manifest_check_file(const struct manifest *manifest, const struct store *store,
                                  const char *path, struct err *err)
{
    const size_t size = strlen(manifest->folder);
    const char *relative = path;
    if (strncmp(path, manifest->folder, size) == 0 && path[size] != '\0')
        relative = path + size;
    while (*relative == '/')
        relative++;
    const struct manifest_file *entry = manifest_find(manifest, relative);
    if (entry == NULL)
        return err_set(err, ERR_CORRUPT, "%s: not in the package's manifest", path);
    return check_entry(manifest, store, entry, true, err);
}
