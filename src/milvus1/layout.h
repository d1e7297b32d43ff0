/* layout.h: the names of files and folders in an installation; the only file that knows them.
 *
 *     <root>/tables/<table_id>/<segment_id>/<segment_id>.rv, .uid, deleted_docs
 *     <log folder>/<N>.wal, mxlog.meta
 * <root> is `<installation>/db`, a secondary path of 0.9, or a migration_data folder. The server
 * takes `.rv` and `.uid` by extension; so do we, over all roots together (an index file in one root
 * hides the vectors in another from the old server, not from us). Source: milvus-io/milvus
 * v0.9.0..1.1, core/src/db/Utils.cpp, codecs/default/DefaultVectorsFormat.cpp. */
#ifndef GODWIT_MILVUS1_LAYOUT_H
#define GODWIT_MILVUS1_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/store.h"

#define LAYOUT_NAMES_MAX 1000000 /* names in one folder */
#define LAYOUT_ROOTS_MAX 64

struct layout {
    const struct store *store;
    const char *const *roots; /* borrowed; primary first */
    size_t root_count;
    const char *log_folder; /* NULL: none */
};

/* The files of one segment. Texts live in the arena given; "" and 0 when not there. */
struct layout_segment {
    const char *folder; /* where it was found, or where it should be: for messages */
    bool is_found;      /* a folder exists */
    const char *rv;     /* the first one */
    const char *uid;
    size_t rv_count; /* over all roots; more than one is damage */
    size_t uid_count;
    const char *deleted_docs[LAYOUT_ROOTS_MAX];
    size_t deleted_docs_count;
};

/* Finds the files of a segment. A folder that is not there is no error: look at is_found.
 * ERR_CORRUPT when an id cannot be a folder name; ERR_SOURCE, ERR_NOMEM. */
enum err_code layout_find_segment(const struct layout *layout, const char *table_id,
                                  const char *segment_id, struct arena *arena,
                                  struct layout_segment *ret_segment, struct err *err) MUST_USE;

struct layout_log_file {
    uint32_t number;
    const char *path;
};
/* The log files, ascending by number; names that are not the server's are passed over. */
enum err_code layout_log_files(const struct layout *layout, struct arena *arena,
                               struct layout_log_file **ret_files, size_t *ret_count,
                               struct err *err) MUST_USE;
/* Path of mxlog.meta, or of file N.wal, in the log folder. NULL when memory ends. */
const char *layout_mxlog_path(const struct layout *layout, struct arena *arena);
const char *layout_log_path(const struct layout *layout, struct arena *arena, uint32_t number);

/* Names below `tables/` of a root, or below `tables/<table_id>` (NULL: the former): one block, see
 * folder_list(). A folder that is not there has no names. */
enum err_code layout_list_tables(const struct layout *layout, size_t root, const char *table_id,
                                 char ***ret_names, size_t *ret_count, struct err *err) MUST_USE;

/* True when a text of the metadata may be used as one folder name: not empty, no slash, not "."
 * or "..". */
bool layout_name_is_safe(const char *name);

#endif
