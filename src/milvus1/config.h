/* config.h: what a server_config.yaml of Milvus 0.9-1.1 says about where its data is.
 *
 * Both generations of keys: `db_config.backend_url`, `storage_config.*`, `wal_config.*`,
 * `server_config.deploy_mode` (0.9) and `general.meta_uri`, `storage.*`, `wal.*`, `cluster.*` (0.10
 * to 1.1). Source: milvus-io/milvus v0.9.0..1.1, core/src/config/Config.cpp. */
#ifndef GODWIT_MILVUS1_CONFIG_H
#define GODWIT_MILVUS1_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/store.h"

/* A missing key is NULL; what the server then does is in the comment. */
struct server_config {
    struct arena arena;         /* owns every text */
    const char *path;           /* where it was read */
    const char *meta_uri;       /* may hold a password; NULL: SQLite */
    const char *data_path;      /* NULL: /tmp/milvus */
    const char *secondary_path; /* 0.9 only; literal, see format spec 1.2 */
    const char *wal_path;       /* NULL: /tmp/milvus/wal */
    bool wal_enabled;           /* true when the key is missing */
    bool is_read_only_node;     /* a reader of a cluster: it writes no log and takes no lock */
    bool s3_enabled;            /* 1.1: segments are in a bucket */
    const char *s3_address;
    const char *s3_bucket;
};

/* Each fills `ret_config` (released by server_config_release) or leaves it untouched.
 * ERR_NOT_FOUND, ERR_SOURCE, ERR_CONFIG (file and line), ERR_NOMEM. Threads: any. */
enum err_code server_config_load(const struct store *store, const char *path,
                                 struct server_config *ret_config, struct err *err) MUST_USE;
enum err_code server_config_decode(const char *text, size_t size, struct server_config *ret_config,
                                   struct err *err) MUST_USE;
void server_config_release(struct server_config *config);

#endif
