/* milvus1.h: opening a Milvus 0.9-1.x installation, or a migration_data package, as a source. */
#ifndef GODWIT_MILVUS1_MILVUS1_H
#define GODWIT_MILVUS1_MILVUS1_H

#include <stdbool.h>

#include "base/err.h"
#include "base/store.h"
#include "flow/source.h"

/* What the user said. Only `path` is needed; NULL means "find it". */
struct milvus1_options {
    const struct store *store;   /* where `path` is; NULL: the local file system */
    const char *path;            /* installation root, its db folder, or a migration_data folder */
    const char *config;          /* server_config.yaml */
    const char *meta;            /* mysql://..., Go DSN, a meta.sqlite or a meta.json file */
    const char *meta_password;   /* overrides the one in `meta`; from a file or the environment */
    const char *wal;             /* folder of the write-ahead log */
    bool allow_running;          /* go on although a server seems to run */
    bool include_unacknowledged; /* format spec 5.6 (h): mxlog.meta lost, take records by the chain
                                    check alone */
    bool rescue_skipped; /* format spec 5.6 (j): rows whose tag the server could not resolve */
    bool log_enabled_unknown_is_off; /* 5.6 (k): the operator says the log was disabled */
    bool skip_damaged; /* milvus1_package: leave damaged segments out instead of refusing */
};

/* Reads and checks everything but the vectors. ERR_NOT_FOUND, ERR_SOURCE, ERR_CORRUPT,
 * ERR_UNSUPPORTED, ERR_CONFIG, ERR_LOCKED (a running server), ERR_NOMEM. Damage of single segments
 * is no error here: it is a finding. The result is closed by source_close. */
enum err_code milvus1_open(const struct milvus1_options *options, struct source **ret_source,
                           struct err *err) MUST_USE;

/* Looks at every live component of the float collections of an opened installation or package and
 * adds a finding for each segment that holds NaN or infinities: 2.x servers refuse them. Reads all
 * vectors. ERR_SOURCE, ERR_NOMEM, ERR_INTERRUPTED. Threads: on one, while nobody reads the
 * findings; it uses `threads` of its own. `progress` may be NULL. */
struct meter;
enum err_code milvus1_scan_values(struct source *source, size_t threads, struct meter *progress,
                                  struct err *err) MUST_USE;

/* Writes DIR/meta.json: the old tool's fields plus ours. Reads metadata only. */
enum err_code milvus1_export(const struct milvus1_options *options, const char *folder,
                             struct err *err) MUST_USE;

/* Writes a migration_data folder that milvus1_open accepts with an equal result: meta.json,
 * tables/, wal/ unless the log was off, manifest.json with sizes and checksums. Run again, it
 * continues and keeps what is equal. `progress` may be NULL. ERR_EXISTS: the folder holds something
 * else; ERR_CORRUPT: a damaged segment, unless skip_damaged; ERR_LEFT_OUT: done, `err` names what
 * was left out. */
enum err_code milvus1_package(const struct milvus1_options *options, const char *folder,
                              struct meter *progress, struct err *err) MUST_USE;

#endif
