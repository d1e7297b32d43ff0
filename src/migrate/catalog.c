/* catalog.c: see catalog.h. */
#include "migrate/catalog.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/sql.h"

#define CATALOG_VERSION 1

struct catalog {
    struct sql *sql;
    struct sql_statement *segment_update;
    struct sql_statement *segment_read;
};

static const char *const tables =
    "CREATE TABLE IF NOT EXISTS job_version(version INTEGER NOT NULL);"
    "INSERT INTO job_version SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM job_version);"
    "CREATE TABLE IF NOT EXISTS job("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, token TEXT NOT NULL, state TEXT NOT NULL,"
    " phase TEXT NOT NULL, reason TEXT NOT NULL, source TEXT NOT NULL, source_kind TEXT NOT NULL,"
    " fingerprint TEXT NOT NULL, options TEXT NOT NULL, source_arguments TEXT NOT NULL,"
    " started INTEGER, updated INTEGER NOT NULL, finished INTEGER,"
    " rows INTEGER NOT NULL, bytes INTEGER NOT NULL, rows_total INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS job_collection("
    " job INTEGER NOT NULL REFERENCES job(id), position INTEGER NOT NULL, name TEXT NOT NULL,"
    " target_name TEXT NOT NULL, rows_total INTEGER NOT NULL, base_rows INTEGER NOT NULL,"
    " PRIMARY KEY(job, name)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS job_segment("
    " job INTEGER NOT NULL REFERENCES job(id), collection TEXT NOT NULL, segment TEXT NOT NULL,"
    " state TEXT NOT NULL, rows INTEGER NOT NULL, non_finite INTEGER NOT NULL,"
    " checksum TEXT NOT NULL, attempt INTEGER NOT NULL, PRIMARY KEY(job, collection, segment)) "
    "WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS job_command("
    " job INTEGER NOT NULL REFERENCES job(id), at INTEGER NOT NULL, command TEXT NOT NULL);";

static enum err_code read_int(struct sql *sql, const char *query, int64_t *ret_value,
                              struct err *err)
{
    struct sql_statement *statement = NULL;
    bool has_row = false;
    enum err_code code = sql_prepare(sql, query, &statement, err);
    if (code == ERR_OK)
        code = sql_step(statement, &has_row, err);
    if (code == ERR_OK && has_row)
        *ret_value = sql_column_int(statement, 0);
    sql_finalize(statement);
    return code;
}

/* Ends a transaction: commits when `code` is good, otherwise undoes everything. */
static enum err_code end_transaction(struct sql *sql, enum err_code code, struct err *err)
{
    if (code == ERR_OK)
        return sql_commit(sql, err);
    sql_rollback(sql);
    return code;
}

static enum err_code make_tables(struct sql *sql, struct err *err)
{
    int64_t count = 0;
    enum err_code code = read_int(
        sql, "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'job_version'",
        &count, err);
    if (code != ERR_OK)
        return code;
    if (count == 0) {
        code = sql_begin(sql, err);
        if (code == ERR_OK)
            code = end_transaction(sql, sql_exec(sql, tables, err), err);
        if (code != ERR_OK)
            return code;
    }
    int64_t version = 0;
    code = read_int(sql, "SELECT version FROM job_version", &version, err);
    if (code == ERR_OK && version != CATALOG_VERSION)
        code = err_set(err, ERR_UNSUPPORTED,
                       "%s: jobs of version %" PRId64 " found, %d expected; use a newer program",
                       sql_path(sql), version, CATALOG_VERSION);
    return code;
}

enum err_code catalog_open(const char *path, struct catalog **ret_catalog, struct err *err)
{
    struct catalog *catalog = mem_zalloc(1, sizeof *catalog);
    if (catalog == NULL)
        return err_nomem(err, path);
    enum err_code code = sql_open(path, &catalog->sql, err);
    if (code == ERR_OK)
        code = make_tables(catalog->sql, err);
    if (code == ERR_OK)
        code = sql_prepare(catalog->sql,
                           "UPDATE job_segment SET state = ?4, rows = ?5, checksum = ?6,"
                           " attempt = attempt + ?7, non_finite = ?8"
                           " WHERE job = ?1 AND collection = ?2 AND segment = ?3",
                           &catalog->segment_update, err);
    if (code == ERR_OK)
        code = sql_prepare(catalog->sql,
                           "SELECT state, rows, checksum, attempt, non_finite FROM job_segment"
                           " WHERE job = ?1 AND collection = ?2 AND segment = ?3",
                           &catalog->segment_read, err);
    if (code != ERR_OK) {
        catalog_close(catalog);
        return code;
    }
    *ret_catalog = catalog;
    return ERR_OK;
}

void catalog_close(struct catalog *catalog)
{
    if (catalog == NULL)
        return;
    sql_finalize(catalog->segment_update);
    sql_finalize(catalog->segment_read);
    sql_close(catalog->sql);
    mem_free(catalog);
}

/* Copies a text column; NULL when memory ends. */
static const char *copy_column(struct arena *arena, struct sql_statement *statement, int index)
{
    return arena_strdup(arena, sql_column_text(statement, index));
}

static enum err_code read_job(struct sql_statement *statement, struct arena *arena,
                              struct open_job *job, const char *path, struct err *err)
{
    job->id = sql_column_int(statement, 0);
    job->token = copy_column(arena, statement, 1);
    job->is_publishing = strcmp(sql_column_text(statement, 3), "publishing") == 0;
    job->facts = (struct job_facts){.source = copy_column(arena, statement, 4),
                                    .source_kind = copy_column(arena, statement, 5),
                                    .fingerprint = copy_column(arena, statement, 6),
                                    .options = copy_column(arena, statement, 7),
                                    .source_arguments = copy_column(arena, statement, 8)};
    const struct job_facts *facts = &job->facts;
    if (job->token == NULL || facts->source == NULL || facts->source_kind == NULL ||
        facts->fingerprint == NULL || facts->options == NULL || facts->source_arguments == NULL)
        return err_nomem(err, path);
    const char *state = sql_column_text(statement, 2);
    if (!job_state_from_name(state, &job->state))
        return err_set(err, ERR_CORRUPT, "%s: job %" PRId64 ": unknown state %s", path, job->id,
                       state);
    job->is_finished = job->state == JOB_SUCCESSFUL;
    return ERR_OK;
}

#define FIND_JOB                                                                                   \
    "SELECT id, token, state, phase, source, source_kind, fingerprint, options, source_arguments"  \
    " FROM job"

static enum err_code find_job(struct catalog *catalog, const char *query, struct arena *arena,
                              struct open_job *ret_job, struct err *err)
{
    struct sql_statement *statement = NULL;
    struct open_job job = {0};
    bool has_row = false;
    enum err_code code = sql_prepare(catalog->sql, query, &statement, err);
    if (code == ERR_OK)
        code = sql_step(statement, &has_row, err);
    if (code == ERR_OK && has_row)
        code = read_job(statement, arena, &job, sql_path(catalog->sql), err);
    sql_finalize(statement);
    if (code == ERR_OK)
        *ret_job = job;
    return code;
}

enum err_code catalog_find_open(struct catalog *catalog, struct arena *arena,
                                struct open_job *ret_job, struct err *err)
{
    return find_job(catalog,
                    FIND_JOB " WHERE state IN ('PENDING', 'MIGRATING', 'FAILED')"
                             " ORDER BY id DESC LIMIT 1",
                    arena, ret_job, err);
}

enum err_code catalog_find_last(struct catalog *catalog, struct arena *arena,
                                struct open_job *ret_job, struct err *err)
{
    return find_job(catalog, FIND_JOB " ORDER BY id DESC LIMIT 1", arena, ret_job, err);
}

static enum err_code insert_job(struct sql *sql, const struct job_facts *facts, uint64_t rows_total,
                                int64_t *ret_id, struct err *err)
{
    struct sql_statement *statement = NULL;
    enum err_code code =
        sql_prepare(sql,
                    "INSERT INTO job(token, state, phase, reason, source, source_kind, fingerprint,"
                    " options, source_arguments, updated, rows, bytes, rows_total) VALUES('',"
                    " 'PENDING', 'copying', 'planned', ?1, ?2, ?3, ?4, ?5, ?6, 0, 0, ?7)",
                    &statement, err);
    if (code != ERR_OK)
        return code;
    sql_bind_text(statement, 1, facts->source);
    sql_bind_text(statement, 2, facts->source_kind);
    sql_bind_text(statement, 3, facts->fingerprint);
    sql_bind_text(statement, 4, facts->options);
    sql_bind_text(statement, 5, facts->source_arguments);
    sql_bind_int(statement, 6, clock_now_us());
    sql_bind_int(statement, 7, (int64_t)rows_total);
    code = sql_run(statement, err);
    sql_finalize(statement);
    if (code == ERR_OK)
        *ret_id = sql_last_row(sql);
    return code;
}

/* The token names the staging area; the same source and options give the same one for job N. */
static enum err_code set_token(struct sql *sql, int64_t id, const char *token, struct err *err)
{
    struct sql_statement *statement = NULL;
    enum err_code code =
        sql_prepare(sql, "UPDATE job SET token = ?2 WHERE id = ?1", &statement, err);
    if (code != ERR_OK)
        return code;
    sql_bind_int(statement, 1, id);
    sql_bind_text(statement, 2, token);
    code = sql_run(statement, err);
    sql_finalize(statement);
    return code;
}

static enum err_code insert_collections(struct sql *sql, int64_t id, const struct plan *plan,
                                        struct err *err)
{
    struct sql_statement *statement = NULL;
    enum err_code code = sql_prepare(
        sql,
        "INSERT INTO job_collection(job, position, name, target_name, rows_total, base_rows)"
        " VALUES(?1, ?2, ?3, ?4, ?5, 0)",
        &statement, err);
    for (size_t k = 0; code == ERR_OK && k < plan->collection_count; k++) {
        const struct plan_collection *collection = &plan->collections[k];
        sql_bind_int(statement, 1, id);
        sql_bind_int(statement, 2, (int64_t)k);
        sql_bind_text(statement, 3, collection->source->name);
        sql_bind_text(statement, 4, collection->target_name);
        sql_bind_int(statement, 5, (int64_t)collection->source->live_rows);
        code = sql_run(statement, err);
    }
    sql_finalize(statement);
    return code;
}

static enum err_code insert_segments(struct sql *sql, int64_t id, const struct plan *plan,
                                     struct err *err)
{
    struct sql_statement *statement = NULL;
    enum err_code code = sql_prepare(
        sql,
        "INSERT INTO job_segment(job, collection, segment, state, rows, non_finite, checksum,"
        " attempt) VALUES(?1, ?2, ?3, 'waiting', 0, 0, '', 0)",
        &statement, err);
    for (size_t k = 0; code == ERR_OK && k < plan->segment_count; k++) {
        const struct plan_segment *segment = &plan->segments[k];
        sql_bind_int(statement, 1, id);
        sql_bind_text(statement, 2, plan->collections[segment->collection].source->name);
        sql_bind_text(statement, 3, segment->source->name);
        code = sql_run(statement, err);
    }
    sql_finalize(statement);
    return code;
}

enum err_code catalog_add_job(struct catalog *catalog, const struct job_facts *facts,
                              const struct plan *plan, struct arena *arena,
                              struct open_job *ret_job, struct err *err)
{
    uint64_t rows = 0;
    for (size_t k = 0; k < plan->collection_count; k++)
        rows += plan->collections[k].source->live_rows;
    struct open_job job = {.state = JOB_PENDING, .facts = *facts};
    struct sql *sql = catalog->sql;
    enum err_code code = sql_begin(sql, err);
    if (code != ERR_OK)
        return code;
    code = insert_job(sql, facts, rows, &job.id, err);
    if (code == ERR_OK) {
        const uint64_t mixed = hash64(facts->fingerprint, strlen(facts->fingerprint), 0) ^
                               hash64(facts->options, strlen(facts->options), 1);
        job.token = arena_printf(arena, "job%" PRId64 "-%08" PRIx32, job.id, (uint32_t)mixed);
        code = job.token != NULL ? set_token(sql, job.id, job.token, err)
                                 : err_nomem(err, sql_path(sql));
    }
    if (code == ERR_OK)
        code = insert_collections(sql, job.id, plan, err);
    if (code == ERR_OK)
        code = insert_segments(sql, job.id, plan, err);
    code = end_transaction(sql, code, err);
    if (code == ERR_OK)
        *ret_job = job;
    return code;
}

static enum err_code read_state(struct sql *sql, int64_t job, enum job_state *ret_state,
                                struct err *err)
{
    struct sql_statement *statement = NULL;
    bool has_row = false;
    enum err_code code = sql_prepare(sql, "SELECT state FROM job WHERE id = ?1", &statement, err);
    if (code != ERR_OK)
        return code;
    sql_bind_int(statement, 1, job);
    code = sql_step(statement, &has_row, err);
    if (code == ERR_OK && !has_row)
        code = err_set(err, ERR_NOT_FOUND, "there is no job %" PRId64, job);
    if (code == ERR_OK && !job_state_from_name(sql_column_text(statement, 0), ret_state))
        code = err_set(err, ERR_CORRUPT, "%s: job %" PRId64 ": unknown state %s", sql_path(sql),
                       job, sql_column_text(statement, 0));
    sql_finalize(statement);
    return code;
}

static enum err_code write_step(struct sql *sql, int64_t job, const struct job_step *step,
                                const char *detail, struct err *err)
{
    struct sql_statement *statement = NULL;
    enum err_code code = sql_prepare(
        sql,
        "UPDATE job SET state = ?2, reason = ?3, updated = ?4,"
        " started = CASE WHEN ?2 = 'MIGRATING' AND started IS NULL THEN ?4 ELSE started END,"
        " phase = CASE WHEN ?2 IN ('SUCCESSFUL', 'CANCELLED') THEN 'ended' ELSE phase END,"
        " finished = CASE WHEN ?2 IN ('SUCCESSFUL', 'FAILED', 'CANCELLED') THEN ?4 END"
        " WHERE id = ?1",
        &statement, err);
    if (code != ERR_OK)
        return code;
    char reason[2 * ERR_MSG_SIZE];
    (void)snprintf(reason, sizeof reason, "%s%s%s", step->sentence, detail != NULL ? ": " : "",
                   detail != NULL ? detail : "");
    sql_bind_int(statement, 1, job);
    sql_bind_text(statement, 2, job_state_name(step->to));
    sql_bind_text(statement, 3, reason);
    sql_bind_int(statement, 4, clock_now_us());
    code = sql_run(statement, err);
    sql_finalize(statement);
    return code;
}

enum err_code catalog_step(struct catalog *catalog, int64_t job, enum job_event event,
                           const char *detail, struct err *err)
{
    struct sql *sql = catalog->sql;
    enum err_code code = sql_begin(sql, err);
    if (code != ERR_OK)
        return code;
    enum job_state state = JOB_PENDING;
    code = read_state(sql, job, &state, err);
    const struct job_step *step = code == ERR_OK ? job_find_step(state, event) : NULL;
    if (code == ERR_OK && step == NULL)
        code = err_set(err, ERR_STATE, "job %" PRId64 " is %s, so it cannot %s", job,
                       job_state_name(state), job_event_name(event));
    if (code == ERR_OK)
        code = write_step(sql, job, step, detail, err);
    return end_transaction(sql, code, err);
}

static enum err_code write_base_rows(struct sql *sql, int64_t job, const struct plan *plan,
                                     struct err *err)
{
    struct sql_statement *statement = NULL;
    enum err_code code =
        sql_prepare(sql, "UPDATE job_collection SET base_rows = ?3 WHERE job = ?1 AND name = ?2",
                    &statement, err);
    for (size_t k = 0; code == ERR_OK && k < plan->collection_count; k++) {
        sql_bind_int(statement, 1, job);
        sql_bind_text(statement, 2, plan->collections[k].source->name);
        sql_bind_int(statement, 3, (int64_t)plan->collections[k].base_rows);
        code = sql_run(statement, err);
    }
    sql_finalize(statement);
    return code;
}

enum err_code catalog_begin_publishing(struct catalog *catalog, int64_t job,
                                       const struct plan *plan, struct err *err)
{
    struct sql *sql = catalog->sql;
    enum err_code code = sql_begin(sql, err);
    if (code != ERR_OK)
        return code;
    struct sql_statement *statement = NULL;
    code = sql_prepare(sql, "UPDATE job SET phase = 'publishing', updated = ?2 WHERE id = ?1",
                       &statement, err);
    if (code == ERR_OK) {
        sql_bind_int(statement, 1, job);
        sql_bind_int(statement, 2, clock_now_us());
        code = sql_run(statement, err);
    }
    sql_finalize(statement);
    if (code == ERR_OK)
        code = write_base_rows(sql, job, plan, err);
    return end_transaction(sql, code, err);
}

enum err_code catalog_read_base_rows(struct catalog *catalog, int64_t job, struct plan *plan,
                                     struct err *err)
{
    struct sql_statement *statement = NULL;
    enum err_code code = sql_prepare(
        catalog->sql, "SELECT base_rows FROM job_collection WHERE job = ?1 AND name = ?2",
        &statement, err);
    for (size_t k = 0; code == ERR_OK && k < plan->collection_count; k++) {
        bool has_row = false;
        sql_bind_int(statement, 1, job);
        sql_bind_text(statement, 2, plan->collections[k].source->name);
        code = sql_step(statement, &has_row, err);
        if (code == ERR_OK && has_row)
            plan->collections[k].base_rows = (uint64_t)sql_column_int(statement, 0);
        sql_reset(statement);
    }
    sql_finalize(statement);
    return code;
}

enum err_code catalog_log_command(struct catalog *catalog, int64_t job, const char *command,
                                  struct err *err)
{
    struct sql_statement *statement = NULL;
    enum err_code code = sql_begin(catalog->sql, err);
    if (code != ERR_OK)
        return code;
    code = sql_prepare(catalog->sql, "INSERT INTO job_command(job, at, command) VALUES(?1, ?2, ?3)",
                       &statement, err);
    if (code == ERR_OK) {
        sql_bind_int(statement, 1, job);
        sql_bind_int(statement, 2, clock_now_us());
        sql_bind_text(statement, 3, command);
        code = sql_run(statement, err);
    }
    sql_finalize(statement);
    return end_transaction(catalog->sql, code, err);
}

static void read_note(struct sql_statement *statement, struct segment_note *note)
{
    *note = (struct segment_note){.attempts = sql_column_int(statement, 3)};
    const char *checksum = sql_column_text(statement, 2);
    if (!job_segment_state_from_name(sql_column_text(statement, 0), &note->state) ||
        note->state != SEGMENT_DONE)
        return;
    note->tally.rows = (uint64_t)sql_column_int(statement, 1);
    note->tally.non_finite = (uint64_t)sql_column_int(statement, 4);
    if (sscanf(checksum, "%16" SCNx64 "%16" SCNx64, &note->tally.sum.high, &note->tally.sum.low) !=
        2)
        note->state = SEGMENT_COPIED; /* an unreadable note is none */
}

enum err_code catalog_read_segment(struct catalog *catalog, int64_t job, const char *collection,
                                   const char *segment, struct segment_note *ret_note,
                                   struct err *err)
{
    struct sql_statement *statement = catalog->segment_read;
    struct segment_note note = {0};
    bool has_row = false;
    sql_bind_int(statement, 1, job);
    sql_bind_text(statement, 2, collection);
    sql_bind_text(statement, 3, segment);
    const enum err_code code = sql_step(statement, &has_row, err);
    if (code == ERR_OK && has_row)
        read_note(statement, &note);
    sql_reset(statement);
    if (code == ERR_OK)
        *ret_note = note;
    return code;
}

static enum err_code update_segment(struct catalog *catalog, int64_t job,
                                    const struct segment_change *change, struct err *err)
{
    char checksum[33] = "";
    if (change->state == SEGMENT_DONE)
        (void)snprintf(checksum, sizeof checksum, "%016" PRIx64 "%016" PRIx64,
                       change->tally.sum.high, change->tally.sum.low);
    struct sql_statement *statement = catalog->segment_update;
    sql_bind_int(statement, 1, job);
    sql_bind_text(statement, 2, change->collection);
    sql_bind_text(statement, 3, change->segment);
    sql_bind_text(statement, 4, job_segment_state_name(change->state));
    sql_bind_int(statement, 5, (int64_t)change->tally.rows);
    sql_bind_text(statement, 6, checksum);
    sql_bind_int(statement, 7, change->state == SEGMENT_CLAIMED);
    sql_bind_int(statement, 8, (int64_t)change->tally.non_finite);
    return sql_run(statement, err);
}

static enum err_code update_counts(struct sql *sql, int64_t job,
                                   const struct segment_change *change, struct err *err)
{
    struct sql_statement *statement = NULL;
    enum err_code code = sql_prepare(
        sql, "UPDATE job SET rows = ?2, bytes = ?3, updated = ?4 WHERE id = ?1", &statement, err);
    if (code != ERR_OK)
        return code;
    sql_bind_int(statement, 1, job);
    sql_bind_int(statement, 2, (int64_t)change->job_rows);
    sql_bind_int(statement, 3, (int64_t)change->job_size);
    sql_bind_int(statement, 4, clock_now_us());
    code = sql_run(statement, err);
    sql_finalize(statement);
    return code;
}

enum err_code catalog_write_segment(struct catalog *catalog, int64_t job,
                                    const struct segment_change *change, struct err *err)
{
    /* A claim or a copy that is forgotten costs a look, so it need not reach the disk now. */
    enum err_code code = sql_exec(catalog->sql,
                                  change->state == SEGMENT_DONE ? "PRAGMA synchronous=FULL"
                                                                : "PRAGMA synchronous=NORMAL",
                                  err);
    if (code == ERR_OK)
        code = sql_begin(catalog->sql, err);
    if (code != ERR_OK)
        return code;
    code = update_segment(catalog, job, change, err);
    if (code == ERR_OK && change->state == SEGMENT_DONE)
        code = update_counts(catalog->sql, job, change, err);
    code = end_transaction(catalog->sql, code, err);
    if (code == ERR_OK)
        code = sql_exec(catalog->sql, "PRAGMA synchronous=FULL", err);
    return code;
}
