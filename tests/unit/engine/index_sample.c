/* index_sample.c: see index_sample.h. */
#include "index_sample.h"

#include <string.h>

#include "base/file.h"
#include "base/mem.h"

#define CENTRES 60

static uint64_t next(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *seed >> 33;
}

/* Roughly normal, variance 1. */
static float noise(uint64_t *seed)
{
    float sum = 0.0F;
    for (size_t i = 0; i < 12; i++)
        sum += (float)next(seed) * 0x1p-31F;
    return sum - 6.0F;
}

void fill(float *rows, enum data_kind kind)
{
    static float centres[CENTRES * DIM];
    uint64_t seed = 1 + (uint64_t)kind;
    for (size_t i = 0; i < CENTRES * DIM; i++)
        centres[i] = noise(&seed);
    for (size_t i = 0; i < ROWS + QUERIES; i++) {
        float *row = rows + i * DIM;
        const float *centre = centres + next(&seed) % CENTRES * DIM;
        const bool is_strange = kind == DATA_OTHER_QUERIES && i >= ROWS;
        for (size_t j = 0; j < DIM; j++) {
            row[j] = is_strange ? 1.2F * noise(&seed) : centre[j] + 0.3F * noise(&seed);
            if (kind == DATA_UNIFORM)
                row[j] = (float)next(&seed) * 0x1p-31F;
        }
        if (kind == DATA_OUTLIER)
            row[7] = 1000.0F + 30.0F * noise(&seed);
        if (kind == DATA_TWINS && i >= 1000 && i < ROWS)
            memcpy(row, rows + i % 1000 * DIM, DIM * sizeof *row);
    }
}

int setup(void **state)
{
    struct fixture *fixture = mem_zalloc(1, sizeof *fixture);
    assert_non_null(fixture);
    fixture->folder = scratch_make();
    fixture->rows = mem_alloc((ROWS + QUERIES) * DIM, sizeof *fixture->rows);
    assert_non_null(fixture->rows);
    *state = fixture;
    return 0;
}

int teardown(void **state)
{
    struct fixture *fixture = *state;
    scratch_remove(fixture->folder);
    mem_free(fixture->rows);
    mem_free(fixture);
    return 0;
}

void import_data(const struct fixture *fixture, const char *name, enum metric_type metric,
                 const int64_t *ids, size_t rows)
{
    struct database *database = NULL;
    struct import_result result;
    const struct import_request request = {.collection = name,
                                           .metric = metric,
                                           .dim = DIM,
                                           .ids = ids,
                                           .vectors = (const uint8_t *)fixture->rows,
                                           .rows = rows};
    expect_ok(database_open(fixture->folder, DATABASE_CREATE, &database, err));
    expect_ok(import_rows(database, &request, &result, err));
    database_close(database);
}

enum err_code build(const struct fixture *fixture, const char *name,
                    const struct index_options *options, size_t *ret_built, struct err *err)
{
    struct database *database = NULL;
    struct snapshot *snapshot = NULL;
    struct index_counts counts = {0};
    enum err_code code = database_open(fixture->folder, DATABASE_WRITE, &database, err);
    if (code == ERR_OK)
        code = database_snapshot(database, name, &snapshot, err);
    if (code == ERR_OK)
        code = index_build(database, snapshot, options, &counts, err);
    snapshot_unref(snapshot);
    database_close(database);
    *ret_built = counts.built;
    return code;
}

void search(const struct fixture *fixture, const char *name, unsigned level, int64_t *ret_ids,
            const char **ret_plan)
{
    struct database *database = NULL;
    struct snapshot *snapshot = NULL;
    expect_ok(database_open(fixture->folder, DATABASE_READ, &database, err));
    expect_ok(database_snapshot(database, name, &snapshot, err));
    for (size_t q = 0; q < QUERIES; q++) {
        struct search_result result;
        const struct search_request request = {.queries = fixture->rows + (ROWS + q) * DIM,
                                               .query_count = 1,
                                               .dim = DIM,
                                               .k = K,
                                               .level = level};
        expect_ok(search_run(snapshot, &request, &result, err));
        for (size_t i = 0; i < K; i++)
            ret_ids[q * K + i] = i < result.counts[0] ? result.ids[i] : -1;
        *ret_plan = result.stats.plan;
        search_result_release(&result);
    }
    snapshot_unref(snapshot);
    database_close(database);
}

double recall_of(const int64_t *found, const int64_t *expected)
{
    size_t hits = 0;
    for (size_t q = 0; q < QUERIES; q++)
        for (size_t i = 0; i < K; i++)
            for (size_t j = 0; j < K; j++)
                hits += found[q * K + i] == expected[q * K + j];
    return (double)hits / (QUERIES * K);
}

void *read_file(const struct fixture *fixture, const char *file, size_t *ret_size)
{
    char *path = scratch_path(fixture->folder, file);
    void *data = NULL;
    expect_ok(file_read_all(path, 1 << 26, &data, ret_size, err));
    mem_free(path);
    return data;
}

void write_file(const struct fixture *fixture, const char *file, const void *data, size_t size)
{
    char *path = scratch_path(fixture->folder, file);
    expect_ok(file_replace(path, data, size, err));
    mem_free(path);
}
