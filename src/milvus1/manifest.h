/* manifest.h: the list of files of a package, with sizes and checksums: `manifest.json`.
 *
 *     {"version":1,"generator":"godwit 0.1.0","files":[
 *       {"path":"meta.json","size":123,"xxh3":"0123456789abcdef"}, ...]}
 *
 * Paths are relative to the package, with '/'. xxh3 is XXH3-64 of the whole file, seed 0. While a
 * package is being made it holds MANIFEST_PARTIAL_NAME instead, so that half a package is never
 * taken for a whole one. */
#ifndef GODWIT_MILVUS1_MANIFEST_H
#define GODWIT_MILVUS1_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/store.h"
#include "base/text.h"

#define MANIFEST_NAME "manifest.json"
#define MANIFEST_PARTIAL_NAME "manifest.json.part"
#define MANIFEST_VERSION 1
#define MANIFEST_SIZE_MAX ((size_t)1 << 30)
#define MANIFEST_FILES_MAX 40000000

struct manifest_file {
    const char *path;
    uint64_t size;
    uint64_t checksum;
};

struct manifest {
    struct arena arena; /* owns every text */
    const char *folder;
    struct manifest_file *files; /* ascending path; heap */
    size_t count;
    size_t capacity;
};

/* Reads FOLDER/manifest.json and checks that every file is there in its size, and meta.json and the
 * log by checksum; the rest is left to manifest_check_file. ERR_CORRUPT, ERR_UNSUPPORTED (a newer
 * version), ERR_SOURCE, ERR_NOMEM. Freed by manifest_close (NULL accepted). */
enum err_code manifest_open(const struct store *store, const char *folder,
                            struct manifest **ret_manifest, struct err *err) MUST_USE;
void manifest_close(struct manifest *manifest);

/* For the maker of a package: an empty one, files added in any order, written as text. */
enum err_code manifest_new(const char *folder, struct manifest **ret_manifest,
                           struct err *err) MUST_USE;
enum err_code manifest_add(struct manifest *manifest, const struct manifest_file *file,
                           struct err *err) MUST_USE;
void manifest_write(struct manifest *manifest, struct text *text);

/* The files of a manifest's text, nothing checked against a disk. */
enum err_code manifest_decode(const char *text, size_t size, struct manifest *manifest,
                              struct err *err) MUST_USE;
/* The entry of a relative path; NULL when absent. */
const struct manifest_file *manifest_find(const struct manifest *manifest, const char *path);

/* Reads a whole file and compares it with its entry. `path` begins with the package's folder. */
enum err_code manifest_check_file(const struct manifest *manifest, const struct store *store,
                                  const char *path, struct err *err) MUST_USE;

#endif
