/* located.h: where everything of one installation or package is, and its metadata.
 *
 * located.c finds it out (config file, probing, what the user said); installation.c, export.c and
 * package.c work from it. No vectors and no log records are read here. */
#ifndef GODWIT_MILVUS1_LOCATED_H
#define GODWIT_MILVUS1_LOCATED_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/store.h"
#include "flow/finding.h"
#include "milvus1/meta.h"
#include "milvus1/milvus1.h"

struct manifest;

struct located {
    struct arena arena; /* owns every text here */
    const struct store *store;
    const char *location; /* what the user named */
    /* Folders that hold `tables/`, primary first, then secondary paths of 0.9 that exist. Always at
     * least one, even when `tables/` is absent in it (an installation without rows). */
    const char **data_roots;
    size_t data_root_count;
    const char *log_folder;    /* folder of N.wal and mxlog.meta that exists, or NULL */
    const char *log_expected;  /* where it was looked for; for messages, never NULL */
    enum log_state log_state;  /* of the config file, else as a meta.json of ours says */
    bool is_package;           /* a migration_data folder */
    struct manifest *manifest; /* of a package that `godwit package` made; NULL: none */
    struct meta meta;
};

/* Finds all of it and loads the metadata. Refuses a running server (ERR_LOCKED, unless
 * allow_running) and a 0.11 layout (ERR_UNSUPPORTED). What is odd but no error is added to
 * `findings`, which the caller has initialised. Errors: those of milvus1_open. Threads: any. */
enum err_code located_find(const struct milvus1_options *options, struct finding_list *findings,
                           struct located *ret_located, struct err *err) MUST_USE;
void located_release(struct located *located);

/* Compares a whole file below a data root or the log folder with the package's manifest; ERR_OK
 * when there is none. To be called before a segment file of a package is read. ERR_CORRUPT names
 * both checksums. Threads: any, at once. */
enum err_code located_check_file(const struct located *located, const char *path,
                                 struct err *err) MUST_USE;

#endif
