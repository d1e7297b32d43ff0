/* writer.c: see writer.h. The thread: takes what waits, runs it in one transaction, commits, shows
 * the new snapshots, tells those who wait.
 *
 * A command that fails before it has changed anything fails alone. When one fails later, or the
 * commit does, the transaction is rolled back, what was changed in memory is forgotten (it is
 * loaded again from what is durable), and all commands of the group fail. */
#include "engine/write/writer.h"

#include <errno.h>
#include <time.h>

#include "base/clock.h"
#include "engine/catalog.h"
#include "engine/database_internal.h"
#include "engine/sweep.h"
#include "engine/write/writer_internal.h"

#define IDS_RESERVED 1000000
#define CHECKPOINT "PRAGMA wal_autocheckpoint = 8192" /* pages: 32 MiB */

/* -------------------------------------------------------------------------- the queue */

enum err_code writer_run(struct writer *writer, struct command *command, struct err *err)
{
    (void)pthread_mutex_lock(&writer->lock);
    if (writer->is_stopping) {
        (void)pthread_mutex_unlock(&writer->lock);
        return err_set(err, ERR_STATE, "the database is being closed");
    }
    command->next = NULL;
    if (writer->last != NULL)
        writer->last->next = command;
    else
        writer->first = command;
    writer->last = command;
    (void)pthread_cond_signal(&writer->wake);
    while (!command->is_done)
        (void)pthread_cond_wait(&writer->done, &writer->lock);
    (void)pthread_mutex_unlock(&writer->lock);
    if (command->code != ERR_OK && err != NULL)
        *err = command->err;
    return command->code;
}

/* Whether the log was committed without a sync and one is due. Returns false to wait longer. */
static bool wait_for_work(struct writer *writer)
{
    if (!writer->is_unsynced) {
        (void)pthread_cond_wait(&writer->wake, &writer->lock);
        return true;
    }
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += (long)WRITER_SYNC_NS;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    return pthread_cond_timedwait(&writer->wake, &writer->lock, &until) != ETIMEDOUT;
}

/* The next group: one command, or several that may share a transaction. NULL when stopping. */
static struct command *take_group(struct writer *writer, bool *ret_sync_is_due)
{
    *ret_sync_is_due = false;
    (void)pthread_mutex_lock(&writer->lock);
    while (writer->first == NULL && !writer->is_stopping && !*ret_sync_is_due)
        *ret_sync_is_due = !wait_for_work(writer);
    struct command *group = writer->first;
    if (group != NULL) {
        struct command *end = group;
        size_t count = 1;
        size_t size = group->size;
        while (group->may_group && end->next != NULL && end->next->may_group &&
               count < WRITER_GROUP_MAX && size + end->next->size < WRITER_GROUP_SIZE_MAX) {
            end = end->next;
            size += end->size;
            count++;
        }
        writer->first = end->next;
        if (writer->first == NULL)
            writer->last = NULL;
        end->next = NULL;
    }
    (void)pthread_mutex_unlock(&writer->lock);
    return group;
}

static void finish_group(struct writer *writer, struct command *group)
{
    (void)pthread_mutex_lock(&writer->lock);
    while (group != NULL) {
        struct command *next = group->next; /* the waiter may be gone right after */
        group->is_done = true;
        group = next;
    }
    (void)pthread_cond_broadcast(&writer->done);
    (void)pthread_mutex_unlock(&writer->lock);
}

/* ------------------------------------------------------------------------- the thread */

/* The log of a relaxed writer, while somebody waits for at most WRITER_SYNC_NS. */
static enum err_code sync_log(struct writer *writer, struct err *err)
{
    char *path = mem_printf("%s-wal", writer->database->catalog_path);
    int fd = -1;
    enum err_code code = path != NULL ? file_open_read(path, &fd, err) : err_nomem(err, "sync");
    if (code == ERR_OK)
        code = file_sync(fd, path, err);
    if (code == ERR_NOT_FOUND) /* merged into the database, which was synced */
        code = ERR_OK;
    file_close(fd);
    mem_free(path);
    if (code == ERR_OK)
        writer->is_unsynced = false;
    return code;
}

static enum err_code commit(struct writer *writer, bool changes_published, struct err *err)
{
    struct sql *sql = writer->database->sql;
    enum err_code code = catalog_run(sql, err, "UPDATE meta SET value = ?1 WHERE key = 'version'",
                                     "i", writer->version + 1);
    if (code == ERR_OK)
        code = catalog_run(sql, err, "UPDATE meta SET value = ?1 WHERE key = 'next_batch'", "i",
                           writer->next_batch);
    if (code == ERR_OK && changes_published)
        code = catalog_seal_update(sql, err);
    if (code == ERR_OK)
        code = sql_commit(sql, err);
    if (code == ERR_OK) {
        writer->version++;
        writer->is_unsynced = writer->options.durability == WRITER_RELAXED;
    }
    return code;
}

static void forget_changed(struct writer *writer)
{
    for (size_t k = 0; k < writer->open_count; k++)
        if (writer->open[k]->is_changed)
            writer_forget(writer, writer->open[k]);
}

static void fail_all(struct command *group, enum err_code code, const struct err *err)
{
    for (; group != NULL; group = group->next) {
        if (group->code != ERR_OK)
            continue;
        group->code = code;
        group->err = *err;
    }
}

static enum err_code run_in_transaction(struct writer *writer, struct command *group,
                                        struct err *err)
{
    struct sql *sql = writer->database->sql;
    bool changes_published = false;
    enum err_code code = sql_begin(sql, err);
    for (struct command *at = group; code == ERR_OK && at != NULL; at = at->next) {
        if (at->code != ERR_OK)
            continue;
        changes_published = changes_published || at->changes_published;
        code = at->run(writer, at, err);
    }
    if (code == ERR_OK)
        code = commit(writer, changes_published, err);
    sql_rollback(sql);
    struct err ignored;
    if (code == ERR_OK && changes_published && writer->is_unsynced)
        (void)!sync_log(writer, &ignored);
    group->is_synced = !writer->is_unsynced;
    return code;
}

static void run_group(struct writer *writer, struct command *group)
{
    bool has_work = false;
    bool in_transaction = false;
    database_lock(writer->database);
    writer_notice_changes(writer);
    for (struct command *at = group; at != NULL; at = at->next) {
        at->code = at->prepare != NULL ? at->prepare(writer, at, &at->err) : ERR_OK;
        has_work = has_work || (at->code == ERR_OK && at->run != NULL);
        in_transaction = in_transaction || at->in_transaction;
    }
    if (has_work && in_transaction) {
        struct err err = {0};
        const enum err_code code = run_in_transaction(writer, group, &err);
        if (code != ERR_OK) {
            forget_changed(writer);
            fail_all(group, code, &err);
        }
    } else if (has_work) {
        group->code = group->run(writer, group, &group->err);
    }
    database_unlock(writer->database);
    writer_publish(writer);
    finish_group(writer, group);
}

static void *writer_main(void *argument)
{
    struct writer *writer = argument;
    for (;;) {
        bool sync_is_due = false;
        struct command *group = take_group(writer, &sync_is_due);
        struct err ignored;
        if (group != NULL)
            run_group(writer, group);
        else if (sync_is_due)
            (void)!sync_log(writer, &ignored);
        else
            break;
    }
    struct err ignored;
    if (writer->is_unsynced)
        (void)!sync_log(writer, &ignored);
    return NULL;
}

/* ------------------------------------------------------------------------------- life */

static enum err_code ask(struct writer *writer, const char *statement, int64_t *ret_value,
                         struct err *err)
{
    struct catalog_answer answer = {0};
    const enum err_code code = catalog_ask(writer->database->sql, &answer, err, statement, "");
    if (code == ERR_OK)
        *ret_value = answer.value;
    return code;
}

/* Numbers that nobody had before: those of the catalog, and never below the clock's, so that they
 * look like those that clients know: milliseconds, and 18 bits to count. */
static enum err_code read_numbers(struct writer *writer, struct err *err)
{
    int64_t largest = 0;
    int64_t next_id = 0;
    enum err_code code =
        ask(writer, "SELECT value FROM meta WHERE key = 'version'", &writer->version, err);
    if (code == ERR_OK)
        code = ask(writer, "SELECT value FROM meta WHERE key = 'next_batch'", &writer->next_batch,
                   err);
    if (code == ERR_OK)
        code = ask(writer, "SELECT coalesce(max(id), 0) FROM pending", &largest, err);
    if (code == ERR_OK)
        code = ask(writer, "SELECT value FROM meta WHERE key = 'next_id'", &next_id, err);
    if (writer->next_batch <= largest)
        writer->next_batch = largest + 1;
    const int64_t now = (clock_now_us() / 1000) << 18;
    writer->next_id = next_id > now ? next_id : now;
    writer->reserved_id = writer->next_id;
    return code;
}

static enum err_code prepare_catalog(struct writer *writer, struct err *err)
{
    struct sql *sql = writer->database->sql;
    database_lock(writer->database);
    enum err_code code = catalog_upgrade(sql, err);
    if (code == ERR_OK)
        code = sql_exec(sql, CHECKPOINT, err);
    if (code == ERR_OK && writer->options.durability == WRITER_RELAXED)
        code = sql_exec(sql, "PRAGMA synchronous = NORMAL", err);
    if (code == ERR_OK)
        code = read_numbers(writer, err);
    database_unlock(writer->database);
    return code == ERR_OK ? sweep_files(writer->database, err) : code;
}

static enum err_code start_threads(struct writer *writer, struct err *err)
{
    int failure = pthread_create(&writer->thread, NULL, writer_main, writer);
    writer->has_thread = failure == 0;
    if (failure == 0 && !writer->options.no_background) {
        writer->has_background = true; /* before it starts: it ends when it is not so */
        failure = pthread_create(&writer->background, NULL, settle_main, writer);
        if (failure != 0)
            writer->has_background = false;
    }
    return failure == 0 ? ERR_OK : err_errno(err, failure, "a thread cannot be started");
}

enum err_code writer_start(struct database *database, const struct writer_options *options,
                           struct writer **ret_writer, struct err *err)
{
    enum err_code code = database_expect_writer(database, err);
    if (code != ERR_OK)
        return code;
    if (database->writer != NULL)
        return err_set(err, ERR_STATE, "%s: has a writer already", database->folder);
    struct writer *writer = mem_zalloc(1, sizeof *writer);
    if (writer == NULL)
        return err_nomem(err, database->folder);
    writer->database = database;
    writer->options = *options;
    if (writer->options.segment_rows == 0)
        writer->options.segment_rows = WRITER_SEGMENT_ROWS;
    (void)pthread_mutex_init(&writer->lock, NULL);
    (void)pthread_cond_init(&writer->wake, NULL);
    (void)pthread_cond_init(&writer->done, NULL);
    (void)pthread_cond_init(&writer->wake_settle, NULL);
    writer->changes = atomic_load(&database->changes);
    code = prepare_catalog(writer, err);
    if (code == ERR_OK)
        code = start_threads(writer, err);
    if (code != ERR_OK) {
        writer_stop(writer);
        return code;
    }
    database->writer = writer;
    *ret_writer = writer;
    return ERR_OK;
}

void writer_stop(struct writer *writer)
{
    if (writer == NULL)
        return;
    (void)pthread_mutex_lock(&writer->lock);
    writer->is_settle_wanted = true;
    const bool has_background = writer->has_background;
    writer->has_background = false; /* it ends when it sees this */
    (void)pthread_cond_broadcast(&writer->wake_settle);
    (void)pthread_mutex_unlock(&writer->lock);
    if (has_background)
        (void)pthread_join(writer->background, NULL);
    (void)pthread_mutex_lock(&writer->lock);
    writer->is_stopping = true;
    (void)pthread_cond_broadcast(&writer->wake);
    (void)pthread_cond_broadcast(&writer->done);
    (void)pthread_mutex_unlock(&writer->lock);
    if (writer->has_thread)
        (void)pthread_join(writer->thread, NULL);
    if (writer->database->writer == writer)
        writer->database->writer = NULL;
    writer_close_all(writer);
    (void)pthread_cond_destroy(&writer->wake_settle);
    (void)pthread_cond_destroy(&writer->done);
    (void)pthread_cond_destroy(&writer->wake);
    (void)pthread_mutex_destroy(&writer->lock);
    mem_free(writer);
}

/* ------------------------------------------------------------------------ made up keys */

struct reserve_command {
    struct command command;
    int64_t until;
};

static enum err_code reserve_run(struct writer *writer, struct command *command, struct err *err)
{
    const struct reserve_command *self = (const struct reserve_command *)command;
    return catalog_run(writer->database->sql, err,
                       "UPDATE meta SET value = max(value, ?1) WHERE key = 'next_id'", "i",
                       self->until);
}

enum err_code writer_take_ids(struct writer *writer, size_t count, int64_t *ret_first,
                              struct err *err)
{
    for (;;) {
        (void)pthread_mutex_lock(&writer->lock);
        const int64_t first = writer->next_id;
        const int64_t end = first + (int64_t)count;
        const bool is_reserved = end <= writer->reserved_id;
        if (is_reserved)
            writer->next_id = end;
        (void)pthread_mutex_unlock(&writer->lock);
        if (is_reserved) {
            *ret_first = first;
            return ERR_OK;
        }
        struct reserve_command reserve = {
            .command = {.run = reserve_run, .in_transaction = true, .may_group = true},
            .until = end + IDS_RESERVED};
        const enum err_code code = writer_run(writer, &reserve.command, err);
        if (code != ERR_OK)
            return code;
        (void)pthread_mutex_lock(&writer->lock);
        if (reserve.until > writer->reserved_id)
            writer->reserved_id = reserve.until;
        (void)pthread_mutex_unlock(&writer->lock);
    }
}
