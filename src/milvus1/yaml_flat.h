/* yaml_flat.h: a small YAML file as a flat list of scalars: "storage.path" -> "/var/lib/milvus".
 *
 * Nested mappings are joined by dots (a key that holds a dot itself, as Milvus's `bind.port`, looks
 * the same); what stands in sequences is skipped. Anchors and aliases are refused, so nothing can
 * grow out of a small file. libyaml's event parser does the reading; its header is included here
 * only. */
#ifndef GODWIT_MILVUS1_YAML_FLAT_H
#define GODWIT_MILVUS1_YAML_FLAT_H

#include <stddef.h>

#include "base/err.h"
#include "base/mem.h"

#define YAML_SIZE_MAX ((size_t)1 << 20)
#define YAML_DEPTH_MAX 16
#define YAML_ENTRIES_MAX 10000
#define YAML_PATH_MAX 1024 /* bytes of a joined path */

struct yaml_entry {
    const char *path;  /* keys as written, joined by '.' */
    const char *value; /* "" for an empty scalar */
    size_t line;       /* from 1 */
};

struct yaml_flat {
    struct arena arena;         /* owns every text */
    struct yaml_entry *entries; /* in the order of the file; heap */
    size_t count;
    size_t capacity;
};

/* Fills `ret_flat` (released by yaml_flat_release) or leaves it untouched. ERR_CONFIG with the line
 * for anything that cannot be understood or is too large, too deep or an alias; ERR_NOMEM.
 * Threads: any. */
enum err_code yaml_flat_decode(const char *text, size_t size, struct yaml_flat *ret_flat,
                               struct err *err) MUST_USE;
void yaml_flat_release(struct yaml_flat *flat);

#endif
