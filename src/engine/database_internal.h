/* database_internal.h: what the files of engine/ share about an open database. Nobody else
 * includes it. */
#ifndef GODWIT_ENGINE_DATABASE_INTERNAL_H
#define GODWIT_ENGINE_DATABASE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/sql.h"
#include "engine/database.h"

struct writer;

struct database {
    char *folder;
    char *catalog_path;
    enum database_mode mode;
    int lock_fd;                   /* -1 when opened for reading */
    struct writer *writer;         /* who changes its rows; NULL: nobody */
    atomic_uint_least64_t changes; /* of what is published, by others than the writer */
    pthread_mutex_t lock;
    /* guarded by lock */
    struct sql *sql;
    size_t making; /* segments in the making that no catalog row names: nothing may be swept */
    struct snapshot **cached; /* at most one a name, each with a reference of ours */
    size_t cached_count;
    size_t cached_capacity;
};

/* ERR_STATE when it was opened for reading. */
enum err_code database_expect_writer(const struct database *database, struct err *err) MUST_USE;
void database_lock(struct database *database);
void database_unlock(struct database *database);

#endif
