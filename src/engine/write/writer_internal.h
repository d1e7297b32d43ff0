/* writer_internal.h: shared by the files that make up the writer.
 *
 *   writer.c       life, the queue, the thread, names of collections
 *   writer_open.c  collections that are open: loading, publishing, forgetting
 *   apply.c        changes of rows
 *   settle.c       sealing, merging, rewriting: what to do, and putting it in place
 *   rewrite.c      the files of one new segment
 *   define*.c      everything else that a catalog holds
 *
 * Who may do what: `live` and `keys` of an open collection belong to the writer's thread, and so
 * does the catalog for writing. Everybody else gets snapshots, under the lock. */
#ifndef GODWIT_ENGINE_WRITE_WRITER_INTERNAL_H
#define GODWIT_ENGINE_WRITE_WRITER_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "engine/live.h"
#include "engine/live_keys.h"
#include "engine/write/writer.h"

#define WRITER_GROUP_MAX 256                      /* changes committed together */
#define WRITER_GROUP_SIZE_MAX ((size_t)128 << 20) /* bytes of their rows */
#define WRITER_SYNC_NS ((uint64_t)50 * 1000 * 1000)

struct open_collection {
    int64_t id;
    struct live *live; /* NULL: to be loaded when it is wanted */
    struct live_keys keys;
    bool has_keys;
    bool is_changed;     /* since it was published */
    int64_t next_number; /* of a segment's files; 0: not known yet */
    /* guarded by writer.lock */
    struct snapshot *snapshot; /* what it shows; NULL: to be loaded */
    char *name;                /* qualified */
    size_t frozen;             /* blocks that wait to be sealed */
};

struct command;
typedef enum err_code command_fn(struct writer *writer, struct command *command, struct err *err);

/* Something for the writer's thread. `run` is called in it; in a transaction when `in_transaction`.
 * Those with `may_group` share one: when one fails after it has changed anything, all fail. */
struct command {
    command_fn *prepare; /* before the transaction: opens what is needed, checks; may be NULL */
    command_fn *run;
    bool in_transaction;
    bool may_group;
    bool changes_published; /* the seal is written anew; synced whatever the durability */
    size_t size;            /* bytes of rows */
    /* set by the thread */
    struct err err;
    enum err_code code;
    bool is_synced; /* changes_published: it will survive the machine */
    bool is_done;
    struct command *next;
};

struct writer {
    struct database *database;
    struct writer_options options;
    pthread_t thread;
    pthread_t background;
    bool has_thread;
    bool has_background;
    pthread_mutex_t lock;
    pthread_cond_t wake;        /* there are commands */
    pthread_cond_t done;        /* commands are done, or a job was put in place */
    pthread_cond_t wake_settle; /* the background thread may have work */
    /* guarded by lock */
    struct command *first;
    struct command *last;
    bool is_stopping;
    bool is_settle_wanted;
    struct open_collection **open;
    size_t open_count;
    size_t open_capacity;
    uint64_t jobs_done;     /* counts up */
    bool is_settle_failing; /* the last job of the background thread failed */
    int64_t next_id;
    int64_t reserved_id; /* ids below are taken from the catalog */
    /* of the writer's thread */
    int64_t version;
    int64_t next_batch;
    bool is_unsynced; /* committed, not yet synced (relaxed) */
    uint64_t changes; /* database->changes that `open` knows of; guarded by lock for writing */
};

/* Runs a command in the writer's thread and waits. Errors: the command's; ERR_STATE after
 * writer_stop(). */
enum err_code writer_run(struct writer *writer, struct command *command, struct err *err) MUST_USE;

/* ---- of the writer's thread */

/* The id of the published collection of a name or an alias. ERR_NO_COLLECTION. */
enum err_code writer_resolve(struct writer *writer, struct collection_name name, bool allow_alias,
                             int64_t *ret_id, struct err *err) MUST_USE;
/* An open collection whose `live` is there. */
enum err_code writer_open_collection(struct writer *writer, int64_t id,
                                     struct open_collection **ret_open, struct err *err) MUST_USE;
enum err_code writer_open_keys(struct open_collection *open, struct err *err) MUST_USE;
struct open_collection *writer_find_open(struct writer *writer, int64_t id);
/* Loads it again when somebody asks. Snapshots that are held stay valid. */
void writer_forget(struct writer *writer, struct open_collection *open);
/* It was dropped. */
void writer_remove(struct writer *writer, struct open_collection *open);
/* Shows what has changed; cannot fail: what cannot be shown now is loaded again later. */
void writer_publish(struct writer *writer);
/* Metadata changed: reads it again inside the transaction. */
enum err_code writer_reload_meta(struct writer *writer, struct open_collection *open,
                                 struct err *err) MUST_USE;
/* Forgets everything when somebody else (an import) changed the catalog. */
void writer_notice_changes(struct writer *writer);
void writer_close_all(struct writer *writer);

/* ---- any thread */

/* The collection's snapshot, with its id. */
enum err_code writer_find_snapshot(struct writer *writer, struct collection_name name,
                                   struct snapshot **ret_snapshot, struct err *err) MUST_USE;

/* ---- settle.c */

/* Seals, merges and rewrites what is due, again and again. The background thread. */
void *settle_main(void *argument);
/* Of the writer's thread: counts what waits in an open collection; true when something is due. */
bool settle_look(struct open_collection *open);
/* Waits while a collection has too many blocks that are not sealed. Any thread. */
void settle_throttle(struct writer *writer, const struct snapshot *snapshot);

/* ---- define_write.c */

/* Writes down what a collection that came from Milvus 1.x is by itself, when that is not done yet.
 * Inside a transaction. */
enum err_code define_ensure_detail(struct sql *sql, const struct collection_meta *meta,
                                   struct err *err) MUST_USE;

#endif
