/* jobs.h: the jobs of a target, for `godwit jobs`.
 *
 * Listing opens the catalog for reading only, beside a running job if there is one; cancelling
 * needs the opened (so: locked) target. */
#ifndef GODWIT_MIGRATE_JOBS_H
#define GODWIT_MIGRATE_JOBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "flow/target.h"
#include "migrate/selection.h"

struct job_view {
    int64_t id;
    const char *token;
    const char *state;  /* PENDING, MIGRATING, SUCCESSFUL, FAILED, CANCELLED */
    const char *phase;  /* "copying", "publishing", "ended" */
    const char *reason; /* what happened last, one sentence */
    const char *source; /* location */
    const char *source_kind;
    const char *fingerprint; /* collections, segments, rows of the source, and their checksum */
    const char *options;     /* JSON */
    const char *source_arguments; /* JSON, as given in migrate_options */
    int64_t started_us;           /* 0: not yet */
    int64_t updated_us;
    int64_t finished_us; /* 0: not yet */
    uint64_t rows;       /* verified so far */
    uint64_t size;
    uint64_t rows_total;
    uint64_t segments;
    uint64_t segments_done;
};

struct job_collection_view {
    const char *name;
    const char *target_name;
    uint64_t rows;
    uint64_t rows_total;
    uint64_t segments;
    uint64_t segments_done;
};

struct job_command_view {
    int64_t at_us;
    const char *command;
};

/* A job with its parts; jobs_list fills only `views`. */
struct job_list {
    struct job_view *views; /* newest last */
    size_t count;
    struct arena arena; /* private */
};
struct job_details {
    struct job_view view;
    struct job_collection_view *collections;
    size_t collection_count;
    struct job_command_view *commands;
    size_t command_count;
    struct arena arena; /* private */
};

/* All jobs of a catalog (target->catalog_path); an absent file or a catalog without jobs gives an
 * empty list. Release in every case. */
enum err_code jobs_list(const char *catalog_path, struct job_list *ret_list,
                        struct err *err) MUST_USE;
void job_list_release(struct job_list *list);
/* ERR_NOT_FOUND when there is no such job. Release in every case. */
enum err_code jobs_show(const char *catalog_path, int64_t id, struct job_details *ret_details,
                        struct err *err) MUST_USE;
void job_details_release(struct job_details *details);
/* Marks a job that no process works on CANCELLED and throws its staged work away. ERR_STATE when it
 * is finished or was about to be published; ERR_NOT_FOUND. */
enum err_code jobs_cancel(struct target *target, int64_t id, struct err *err) MUST_USE;
/* The stored options of a job that can be continued, for migrate_run(): fills the selection (made
 * with selection_init), if_exists and way ("copy" or "link"). ERR_STATE when the job is finished.
 */
enum err_code jobs_resume_options(const struct job_view *view, struct selection *selection,
                                  enum if_exists *ret_if_exists, const char **ret_way,
                                  struct err *err) MUST_USE;

#endif
