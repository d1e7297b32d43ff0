/* located.h: where everything of one installation or package is, and its metadata.
 *
 * locate.c finds it out (config file, probing, what the user said); installation.c, export.c and
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

/* Was the write-ahead log switched on? Only a config file knows. */
enum log_state { LOG_UNKNOWN, LOG_ON, LOG_OFF };

struct located {
    struct arena arena; /* owns every text here */
    const struct store *store;
    const char *location; /* what the user named */
    /* Folders that hold `tables/`, primary first, then secondary paths of 0.9 that exist. Always at
     * least one, even when `tables/` is absent in it (an installation without rows). */
    const char **data_roots;
    size_t data_root_count;
    const char *log_folder;   /* folder of N.wal and mxlog.meta that exists, or NULL */
    const char *log_expected; /* where it was looked for; for messages, never NULL */
    enum log_state log_state;
    bool is_package; /* a migration_data folder */
    struct meta meta;
};

/* Finds all of it and loads the metadata. Refuses a running server (ERR_LOCKED, unless
 * allow_running) and a 0.11 layout (ERR_UNSUPPORTED). What is odd but no error is added to
 * `findings`, which the caller has initialised. Errors: those of milvus1_open. Threads: any. */
enum err_code located_find(const struct milvus1_options *options, struct finding_list *findings,
                           struct located *ret_located, struct err *err) MUST_USE;
void located_release(struct located *located);

#endif
