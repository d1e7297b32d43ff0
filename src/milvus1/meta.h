/* meta.h: the metadata of a Milvus 0.9-1.x installation as plain rows, wherever they came from.
 *
 * Tables `Tables`, `TableFiles`, `Environment`, `Fields`; the same columns in every version and in
 * SQLite and MySQL. A loader copies rows and checks their types; what the rows mean is decided in
 * catalog1.c. Source: milvus-io/milvus v0.9.0..1.1, core/src/db/meta/ (MetaTypes.h,
 * SqliteMetaImpl.cpp, MySQLMetaImpl.cpp). */
#ifndef GODWIT_MILVUS1_META_H
#define GODWIT_MILVUS1_META_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/store.h"

#define META_ROWS_MAX 10000000 /* rows of one table */
#define META_TEXT_MAX 65535    /* bytes of one text */

enum meta_table_state { META_TABLE_NORMAL = 0, META_TABLE_TO_DELETE = 1 };

enum meta_file_type {
    META_FILE_NEW = 0,
    META_FILE_RAW = 1,
    META_FILE_TO_INDEX = 2,
    META_FILE_INDEX = 3,
    META_FILE_TO_DELETE = 4,
    META_FILE_NEW_MERGE = 5,
    META_FILE_NEW_INDEX = 6,
    META_FILE_BACKUP = 7
};

struct meta_table {
    int64_t id;
    const char *table_id;
    int64_t state;
    int64_t dimension;
    int64_t created_on; /* microseconds */
    int64_t flag;
    int64_t index_file_size; /* bytes */
    int64_t engine_type;
    const char *index_params;
    int64_t metric_type;
    const char *owner_table; /* "" for a collection */
    const char *partition_tag;
    const char *version;
    uint64_t flush_lsn;
};

struct meta_file {
    int64_t id;
    const char *table_id;
    const char *segment_id;
    int64_t engine_type;
    const char *file_id;
    int64_t file_type;
    int64_t file_size;
    int64_t row_count; /* clamped; unreliable in 1.x, for display only */
    int64_t updated_time;
    int64_t created_on;
};

/* Was the server's write-ahead log switched on? Only its config file knows; our meta.json keeps it.
 */
enum log_state { LOG_UNKNOWN, LOG_ON, LOG_OFF };

enum meta_kind { META_SQLITE, META_MYSQL, META_JSON };

struct meta {
    struct arena arena; /* owns every text below */
    enum meta_kind kind;
    const char *where; /* path, or URI without password */
    struct meta_table *tables;
    size_t table_count;
    struct meta_file *files; /* ascending id */
    size_t file_count;
    bool has_global_lsn;
    uint64_t global_lsn;
    enum log_state log_state;   /* of a meta.json that tells it; also what meta_json_write writes */
    const char **hybrid_tables; /* distinct collection_id of Fields */
    size_t hybrid_table_count;
    size_t repaired_texts; /* names decoded out of a client's wrong character set (MySQL) */
    bool is_lean;          /* meta.json of the old tool: no partitions, tags, flags, LSNs, index */
};

/* Each fills `ret_meta` (released by meta_release) or leaves it untouched.
 * ERR_NOT_FOUND, ERR_SOURCE, ERR_CORRUPT, ERR_UNSUPPORTED (a 0.11 installation), ERR_CONFIG,
 * ERR_NOMEM. Threads: any. */

/* Copies `path` and a left-over `-wal` into a private folder and reads the copy: nothing beside
 * the source is made or changed, and committed rows of the `-wal` are seen. */
enum err_code meta_sqlite_load(const struct store *store, const char *path, struct meta *ret_meta,
                               struct err *err) MUST_USE;

/* How to reach a MySQL or MariaDB server. The password comes from the URI, a file or the
 * environment and never appears in an error or in `where`. */
struct meta_mysql {
    char host[256];
    unsigned port;    /* 0: default */
    char socket[256]; /* unix socket path, or "" */
    char user[256];
    char password[256];
    char database[256];
};
/* URI of Milvus (`mysql://user:pw@host:port/db`, parsed from the right) or Go DSN
 * (`user:pw@tcp(host:port)/db?...`, `unix(/path)`). */
enum err_code meta_mysql_parse(const char *text, struct meta_mysql *ret_mysql,
                               struct err *err) MUST_USE;
enum err_code meta_mysql_load(const struct meta_mysql *mysql, struct meta *ret_meta,
                              struct err *err) MUST_USE;
/* meta.json: ours with all fields, or the old tool's lean form. */
enum err_code meta_json_load(const struct store *store, const char *path, struct meta *ret_meta,
                             struct err *err) MUST_USE;
enum err_code meta_json_decode(const char *text, size_t size, struct meta *ret_meta,
                               struct err *err) MUST_USE;
void meta_release(struct meta *meta);

#endif
