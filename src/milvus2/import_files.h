/* import_files.h: the files of a bulk import, as columns. Operations: see op.h.
 *
 * A set is one JSON file (an array of rows, or {"rows": [...]}), or NumPy files, one for each
 * field, named after it. Files are mapped; plain columns lie in the mapping. Types and wording of
 * errors: Milvus's importer. */
#ifndef GODWIT_MILVUS2_IMPORT_FILES_H
#define GODWIT_MILVUS2_IMPORT_FILES_H

#include "base/file.h"
#include "milvus2/op.h"

#define IMPORT_FILES_MAX 1024
#define IMPORT_JSON_SIZE_MAX ((size_t)2 << 30)

struct import_set {
    struct column *columns; /* of the schema's fields */
    size_t rows;
    uint64_t size; /* bytes of the files */
    struct file_map maps[SCHEMA_FIELDS_MAX];
    size_t map_count;
};

/* Which file this is: ".npy", ".json". Others are refused by name (status 2100 or 1100). */
bool import_check_files(struct op *op, const struct name_list *files);
/* Reads a set; paths are complete. import_set_release in every case. */
bool import_set_read(struct op *op, const struct view *view, const struct name_list *paths,
                     struct import_set *ret_set);
void import_set_release(struct import_set *set);

#endif
