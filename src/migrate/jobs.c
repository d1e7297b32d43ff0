/* jobs.c: see jobs.h. */
#include "migrate/jobs.h"

#include <inttypes.h>
#include <string.h>

#include "base/file.h"
#include "base/sql.h"
#include "migrate/catalog.h"
#include "migrate/job_options.h"

#define JOBS_SIZE_MAX ((size_t)256 << 20)

#define JOB_COLUMNS                                                                                \
    "SELECT id, token, state, phase, reason, source, source_kind, fingerprint, options,"           \
    " source_arguments, started, updated, finished, rows, bytes, rows_total,"                      \
    " (SELECT count(*) FROM job_segment WHERE job = job.id),"                                      \
    " (SELECT count(*) FROM job_segment WHERE job = job.id AND state = 'done') FROM job"

/* A catalog that may be absent or know no jobs: then `*ret_sql` stays NULL. */
static enum err_code open_jobs(const char *path, struct sql **ret_sql, struct err *err)
{
    struct sql *sql = NULL;
    enum err_code code = sql_open_readonly(path, &sql, err);
    if (code == ERR_NOT_FOUND)
        return ERR_OK;
    struct sql_statement *statement = NULL;
    bool has_row = false;
    if (code == ERR_OK)
        code = sql_prepare(sql,
                           "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'job'"
                           " AND EXISTS (SELECT 1 FROM sqlite_master WHERE name = 'job_version')",
                           &statement, err);
    if (code == ERR_OK)
        code = sql_step(statement, &has_row, err);
    sql_finalize(statement);
    if (code != ERR_OK || !has_row) {
        sql_close(sql);
        return code;
    }
    *ret_sql = sql;
    return ERR_OK;
}

static bool copy_texts(struct sql_statement *statement, struct arena *arena, struct job_view *view)
{
    const char **texts[] = {&view->token,       &view->state,   &view->phase,
                            &view->reason,      &view->source,  &view->source_kind,
                            &view->fingerprint, &view->options, &view->source_arguments};
    for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) {
        *texts[k] = arena_strdup(arena, sql_column_text(statement, (int)k + 1));
        if (*texts[k] == NULL)
            return false;
    }
    return true;
}

static enum err_code read_view(struct sql_statement *statement, struct arena *arena,
                               struct job_view *ret_view, struct err *err)
{
    struct job_view view = {.id = sql_column_int(statement, 0),
                            .started_us = sql_column_int(statement, 10),
                            .updated_us = sql_column_int(statement, 11),
                            .finished_us = sql_column_int(statement, 12),
                            .rows = (uint64_t)sql_column_int(statement, 13),
                            .size = (uint64_t)sql_column_int(statement, 14),
                            .rows_total = (uint64_t)sql_column_int(statement, 15),
                            .segments = (uint64_t)sql_column_int(statement, 16),
                            .segments_done = (uint64_t)sql_column_int(statement, 17)};
    if (!copy_texts(statement, arena, &view))
        return err_nomem(err, "list of jobs");
    *ret_view = view;
    return ERR_OK;
}

static enum err_code read_views(struct sql *sql, struct job_list *list, struct err *err)
{
    struct sql_statement *statement = NULL;
    size_t capacity = 0;
    bool has_row = true;
    enum err_code code = sql_prepare(sql, JOB_COLUMNS " ORDER BY id", &statement, err);
    while (code == ERR_OK) {
        code = sql_step(statement, &has_row, err);
        if (code != ERR_OK || !has_row)
            break;
        if (!mem_grow(&list->views, &capacity, list->count, sizeof *list->views))
            code = err_nomem(err, "list of jobs");
        else
            code = read_view(statement, &list->arena, &list->views[list->count], err);
        list->count += code == ERR_OK;
    }
    sql_finalize(statement);
    return code;
}

enum err_code jobs_list(const char *catalog_path, struct job_list *ret_list, struct err *err)
{
    *ret_list = (struct job_list){0};
    arena_init(&ret_list->arena, JOBS_SIZE_MAX);
    struct sql *sql = NULL;
    enum err_code code = open_jobs(catalog_path, &sql, err);
    if (code == ERR_OK && sql != NULL)
        code = read_views(sql, ret_list, err);
    sql_close(sql);
    return code;
}

void job_list_release(struct job_list *list)
{
    mem_free(list->views);
    arena_release(&list->arena);
    *list = (struct job_list){0};
}

static enum err_code no_such_job(int64_t id, struct err *err)
{
    return err_set(err, ERR_NOT_FOUND, "there is no job %" PRId64, id);
}

static enum err_code read_one(struct sql *sql, int64_t id, struct job_details *details,
                              struct err *err)
{
    struct sql_statement *statement = NULL;
    bool has_row = false;
    enum err_code code = sql_prepare(sql, JOB_COLUMNS " WHERE id = ?1", &statement, err);
    if (code != ERR_OK)
        return code;
    sql_bind_int(statement, 1, id);
    code = sql_step(statement, &has_row, err);
    if (code == ERR_OK && !has_row)
        code = no_such_job(id, err);
    if (code == ERR_OK)
        code = read_view(statement, &details->arena, &details->view, err);
    sql_finalize(statement);
    return code;
}

/* One row of a list of parts; NULL fields: memory ended. */
static bool read_collection(struct sql_statement *statement, struct arena *arena,
                            struct job_collection_view *view)
{
    *view = (struct job_collection_view){.name = arena_strdup(arena, sql_column_text(statement, 0)),
                                         .target_name =
                                             arena_strdup(arena, sql_column_text(statement, 1)),
                                         .rows_total = (uint64_t)sql_column_int(statement, 2),
                                         .segments = (uint64_t)sql_column_int(statement, 3),
                                         .segments_done = (uint64_t)sql_column_int(statement, 4),
                                         .rows = (uint64_t)sql_column_int(statement, 5)};
    return view->name != NULL && view->target_name != NULL;
}

static enum err_code read_collections(struct sql *sql, int64_t id, struct job_details *details,
                                      struct err *err)
{
    struct sql_statement *statement = NULL;
    size_t capacity = 0;
    bool has_row = true;
    enum err_code code =
        sql_prepare(sql,
                    "SELECT name, target_name, rows_total, count(segment),"
                    " count(CASE WHEN state = 'done' THEN 1 END), coalesce(sum(rows), 0)"
                    " FROM job_collection AS c LEFT JOIN job_segment AS s"
                    " ON s.job = c.job AND s.collection = c.name WHERE c.job = ?1"
                    " GROUP BY c.name ORDER BY c.position",
                    &statement, err);
    if (code == ERR_OK)
        sql_bind_int(statement, 1, id);
    while (code == ERR_OK) {
        code = sql_step(statement, &has_row, err);
        if (code != ERR_OK || !has_row)
            break;
        if (!mem_grow(&details->collections, &capacity, details->collection_count,
                      sizeof *details->collections) ||
            !read_collection(statement, &details->arena,
                             &details->collections[details->collection_count]))
            code = err_nomem(err, "collections of the job");
        details->collection_count += code == ERR_OK;
    }
    sql_finalize(statement);
    return code;
}

static enum err_code read_commands(struct sql *sql, int64_t id, struct job_details *details,
                                   struct err *err)
{
    struct sql_statement *statement = NULL;
    size_t capacity = 0;
    bool has_row = true;
    enum err_code code = sql_prepare(
        sql, "SELECT at, command FROM job_command WHERE job = ?1 ORDER BY rowid", &statement, err);
    if (code == ERR_OK)
        sql_bind_int(statement, 1, id);
    while (code == ERR_OK) {
        code = sql_step(statement, &has_row, err);
        if (code != ERR_OK || !has_row)
            break;
        const char *command = arena_strdup(&details->arena, sql_column_text(statement, 1));
        if (command == NULL || !mem_grow(&details->commands, &capacity, details->command_count,
                                         sizeof *details->commands))
            code = err_nomem(err, "commands of the job");
        else
            details->commands[details->command_count++] = (struct job_command_view){
                .at_us = sql_column_int(statement, 0), .command = command};
    }
    sql_finalize(statement);
    return code;
}

enum err_code jobs_show(const char *catalog_path, int64_t id, struct job_details *ret_details,
                        struct err *err)
{
    *ret_details = (struct job_details){0};
    arena_init(&ret_details->arena, JOBS_SIZE_MAX);
    struct sql *sql = NULL;
    enum err_code code = open_jobs(catalog_path, &sql, err);
    if (code == ERR_OK && sql == NULL)
        code = no_such_job(id, err);
    if (code == ERR_OK)
        code = read_one(sql, id, ret_details, err);
    if (code == ERR_OK)
        code = read_collections(sql, id, ret_details, err);
    if (code == ERR_OK)
        code = read_commands(sql, id, ret_details, err);
    sql_close(sql);
    return code;
}

void job_details_release(struct job_details *details)
{
    mem_free(details->collections);
    mem_free(details->commands);
    arena_release(&details->arena);
    *details = (struct job_details){0};
}

static enum err_code check_cancel(const struct job_view *view, struct err *err)
{
    enum job_state state = JOB_PENDING;
    if (!job_state_from_name(view->state, &state) || job_find_step(state, JOB_CANCEL) == NULL)
        return err_set(err, ERR_STATE, "job %" PRId64 " is %s, so it cannot be cancelled", view->id,
                       view->state);
    if (strcmp(view->phase, "publishing") == 0)
        return err_set(err, ERR_STATE,
                       "job %" PRId64 " has verified everything and was about to show it, so it "
                       "cannot be cancelled; run its command again to end it, or add --restart",
                       view->id);
    return ERR_OK;
}

enum err_code jobs_cancel(struct target *target, int64_t id, struct err *err)
{
    struct job_details details;
    enum err_code code = jobs_show(target->catalog_path, id, &details, err);
    if (code == ERR_OK)
        code = check_cancel(&details.view, err);
    if (code == ERR_OK)
        code = target->ops->discard(target, details.view.token, err);
    struct catalog *catalog = NULL;
    if (code == ERR_OK)
        code = catalog_open(target->catalog_path, &catalog, err);
    if (code == ERR_OK)
        code = catalog_step(catalog, id, JOB_CANCEL, NULL, err);
    catalog_close(catalog);
    job_details_release(&details);
    return code;
}

enum err_code jobs_resume_options(const struct job_view *view, struct selection *selection,
                                  enum if_exists *ret_if_exists, const char **ret_way,
                                  struct err *err)
{
    enum job_state state = JOB_PENDING;
    if (!job_state_from_name(view->state, &state) || !job_is_open(state))
        return err_set(err, ERR_STATE, "job %" PRId64 " is %s, so it cannot be continued", view->id,
                       view->state);
    return job_options_read(view->options, selection, ret_if_exists, ret_way, err);
}
