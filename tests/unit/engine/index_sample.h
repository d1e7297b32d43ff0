/* index_sample.h: data of several kinds in a scratch database, indexes over it, and searches. */
#ifndef GODWIT_TESTS_INDEX_SAMPLE_H
#define GODWIT_TESTS_INDEX_SAMPLE_H

#include "sample.h"

#include "engine/import.h"
#include "engine/index.h"
#include "engine/search.h"

#define ROWS 16000
#define QUERIES 200
#define DIM 48
#define K 10
#define LISTS_FILE "segments/1/000000.lists"
#define GRAPH_FILE "segments/1/000000.graph"

enum data_kind { DATA_CLUSTERS, DATA_UNIFORM, DATA_TWINS, DATA_OUTLIER, DATA_OTHER_QUERIES };

struct fixture {
    char *folder;
    float *rows; /* ROWS + QUERIES: the last ones are queries */
};

void fill(float *rows, enum data_kind kind);
int setup(void **state);
int teardown(void **state);
void import_data(const struct fixture *fixture, const char *name, enum metric_type metric,
                 const int64_t *ids, size_t rows);
enum err_code build(const struct fixture *fixture, const char *name,
                    const struct index_options *options, size_t *ret_built, struct err *err);

/* Ids of all queries' hits, one query a search; -1 where there are fewer. */
void search(const struct fixture *fixture, const char *name, unsigned level, int64_t *ret_ids,
            const char **ret_plan);
double recall_of(const int64_t *found, const int64_t *expected);

/* A file of the database; mem_free. */
void *read_file(const struct fixture *fixture, const char *file, size_t *ret_size);
void write_file(const struct fixture *fixture, const char *file, const void *data, size_t size);

#endif
