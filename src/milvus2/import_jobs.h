/* import_jobs.h: bulk import of NumPy and JSON files, as jobs. Operations: see op.h. */
#ifndef GODWIT_MILVUS2_IMPORT_JOBS_H
#define GODWIT_MILVUS2_IMPORT_JOBS_H

#include "milvus2/op.h"

struct jobs;
enum err_code jobs_open(struct api *api, struct jobs **ret_jobs, struct err *err) MUST_USE;
void jobs_close(struct jobs *jobs); /* cancels what runs */

/* One set of files makes one part of the rows: a JSON file, or a .npy file for each field. */
struct import_spec {
    const char *collection;
    const char *partition; /* "": default */
    const struct name_list *sets;
    size_t set_count;
    struct pair_list options;
};
bool imports_create(struct op *op, const struct import_spec *spec, int64_t *ret_id);

enum import_state { IMPORT_PENDING, IMPORT_RUNNING, IMPORT_COMPLETED, IMPORT_FAILED };
struct import_view {
    int64_t id;
    int64_t collection_id;
    const char *collection;
    const char *database;
    const char *partition;
    struct name_list files;
    enum import_state state;
    int progress; /* percent */
    uint64_t rows;
    uint64_t rows_total;
    uint64_t size;      /* bytes of the files */
    const char *reason; /* of a failure; else "" */
    int64_t created_us;
    int64_t finished_us; /* 0 while it runs */
};
/* Status 2100 when there is no such job. */
bool imports_describe(struct op *op, int64_t id, struct import_view *ret_view);
/* Newest first; of one collection, or of all in the database with "". */
bool imports_list(struct op *op, const char *collection, struct import_view **ret_items,
                  size_t *ret_count);

#endif
