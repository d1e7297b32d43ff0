/* sample.c: see sample.h. */
#include "sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bitmap.h"
#include "base/bytes.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/pool.h"
#include "engine/cursor.h"

#define HEADER_SIZE 8

char *scratch_make(void)
{
    char *folder = NULL;
    expect_ok(folder_make_temporary(&folder, err));
    return folder;
}

void scratch_remove(char *folder)
{
    expect_ok(folder_remove(folder, err));
    mem_free(folder);
}

char *scratch_path(const char *folder, const char *name)
{
    char *path = mem_printf("%s/%s", folder, name);
    assert_non_null(path);
    return path;
}

static uint32_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(*state >> 33);
}

/* A file as 1.x writes them: the size of what follows, then the data. */
static char *make_file(const char *folder, size_t k, const char *extension, const void *data,
                       size_t size)
{
    char *path = mem_printf("%s/source_%zu.%s", folder, k, extension);
    uint8_t header[HEADER_SIZE];
    int fd = -1;
    put_u64(header, size);
    expect_ok(file_create(path, &fd, err));
    expect_ok(file_write_at(fd, path, header, sizeof header, 0, err));
    expect_ok(file_write_at(fd, path, data, size, HEADER_SIZE, err));
    file_close(fd);
    return path;
}

static void fill_segment(struct sample *sample, size_t k, const struct sample_options *options)
{
    struct sample_segment *data = &sample->data[k];
    const size_t row_size = sample->collection.row_size;
    uint64_t state = options->seed * 1000 + k + 1;
    data->rows = options->rows;
    data->ids = mem_alloc(options->rows, sizeof *data->ids);
    data->vectors = mem_alloc(options->rows, row_size);
    data->dead = options->has_dead ? mem_zalloc(bitmap_words(options->rows) + 1, 8) : NULL;
    for (size_t row = 0; row < options->rows; row++) {
        const size_t turned = (row * 7 + 3) % options->rows;
        data->ids[row] = options->first_id +
                         (int64_t)(k * options->rows + (options->rows % 7 != 0 ? turned : row));
        for (size_t at = 0; at < row_size; at += 4) {
            const float value = (float)(next_random(&state) % 2000) / 100.0F - 10.0F;
            const uint32_t bits = next_random(&state) & next_random(&state);
            if (metric_is_binary(options->metric))
                memcpy(data->vectors + row * row_size + at, &bits,
                       row_size - at < 4 ? row_size - at : 4);
            else
                memcpy(data->vectors + row * row_size + at, &value, sizeof value);
        }
        if (data->dead != NULL && next_random(&state) % 5 == 0)
            bitmap_set(data->dead, row);
    }
    if (options->folder != NULL) {
        data->ids_path = make_file(options->folder, k, "uid", data->ids, options->rows * 8);
        data->vectors_path =
            make_file(options->folder, k, "rv", data->vectors, options->rows * row_size);
    }
}

void sample_init(struct sample *sample, const struct sample_options *options)
{
    static const char *const names[] = {"100/1", "100/2", "101/7", "wal/100"};
    static const char *const tags[] = {PARTITION_DEFAULT, "a b", "\xe7\x8c\xab"};
    *sample = (struct sample){0};
    sample->collection = (struct source_collection){
        .name = "sample",
        .metric = options->metric,
        .dim = options->dim,
        .row_size = metric_row_size(options->metric, options->dim),
        .index_type = "IVF_SQ8",
        .index_params = "{\"nlist\":16384}",
        .index_file_size = 1024,
        .created_us = 1600000000000000,
        .partitions = sample->partitions,
        .partition_count = 3,
        .segments = sample->segments,
        .segment_count = options->segments,
    };
    for (size_t k = 0; k < 3; k++)
        sample->partitions[k].tag = tags[k];
    for (size_t k = 0; k < options->segments; k++) {
        struct source_segment *segment = &sample->segments[k];
        fill_segment(sample, k, options);
        const uint64_t *dead = sample->data[k].dead;
        segment->name = names[k];
        segment->partition = k % 3;
        segment->order = k;
        segment->rows = options->rows;
        segment->live_rows = options->rows - (dead != NULL ? bitmap_count(dead, options->rows) : 0);
        sample->collection.live_rows += segment->live_rows;
        sample->partitions[k % 3].rows += segment->live_rows;
    }
}

void sample_release(struct sample *sample)
{
    for (size_t k = 0; k < SAMPLE_SEGMENTS_MAX; k++) {
        mem_free(sample->data[k].ids);
        mem_free(sample->data[k].vectors);
        mem_free(sample->data[k].dead);
        mem_free(sample->data[k].ids_path);
        mem_free(sample->data[k].vectors_path);
    }
    *sample = (struct sample){0};
}

bool sample_is_live(const struct sample *sample, size_t k, size_t row)
{
    return sample->data[k].dead == NULL || !bitmap_get(sample->data[k].dead, row);
}

#define BATCH_ROWS 100

struct sample_reader {
    struct segment_reader base;
    const struct sample_segment *data;
    size_t next_row;
};

static enum err_code reader_next(struct segment_reader *base, struct batch *ret_batch,
                                 struct err *err)
{
    struct sample_reader *reader = (struct sample_reader *)base;
    (void)err;
    const size_t left = reader->data->rows - reader->next_row;
    *ret_batch = (struct batch){
        .first_row = reader->next_row,
        .rows = left < BATCH_ROWS ? left : BATCH_ROWS,
        .ids = reader->data->ids + reader->next_row,
        .vectors = reader->data->vectors + reader->next_row * base->row_size,
    };
    reader->next_row += ret_batch->rows;
    return ERR_OK;
}

static void reader_close(struct segment_reader *base)
{
    file_close(base->ids.fd);
    file_close(base->vectors.fd);
    free(base);
}

static const struct segment_reader_ops reader_ops = {reader_next, reader_close};

/* Not by mem.h and base/file.h: the faults under test are the engine's, not the source's. */
static struct file_extent open_extent(const char *path, uint64_t size)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    struct file_extent extent = {dup(fileno(file)), path, HEADER_SIZE, size};
    (void)fclose(file);
    return extent;
}

struct segment_reader *sample_reader(const struct sample *sample, size_t k)
{
    const struct sample_segment *data = &sample->data[k];
    struct sample_reader *reader = calloc(1, sizeof *reader);
    assert_non_null(reader);
    reader->data = data;
    reader->base.ops = &reader_ops;
    reader->base.rows = data->rows;
    reader->base.row_size = sample->collection.row_size;
    reader->base.dead = data->dead;
    reader->base.dead_rows = data->rows - sample->segments[k].live_rows;
    reader->base.ids.fd = -1;
    reader->base.vectors.fd = -1;
    if (data->ids_path != NULL) {
        reader->base.has_extents = true;
        reader->base.ids = open_extent(data->ids_path, data->rows * 8);
        reader->base.vectors = open_extent(data->vectors_path, data->rows * reader->base.row_size);
    }
    return &reader->base;
}

static enum err_code put_segment(struct staging *staging, const struct sample *sample, size_t k,
                                 const char *name, struct err *err)
{
    struct segment_reader *reader = sample_reader(sample, k);
    const struct staged_segment staged = {
        .collection = name,
        .partition = sample->partitions[k % 3].tag,
        .source = &sample->segments[k],
        .reader = reader,
        .dead = sample->data[k].dead,
        .live_rows = sample->segments[k].live_rows,
    };
    const enum err_code code = staging_put(staging, &staged, NULL, err);
    reader->ops->close(reader);
    return code;
}

struct putting {
    struct staging *staging;
    const struct sample *sample;
    const char *name;
};

static enum err_code put_one(void *argument, size_t k, struct err *err)
{
    const struct putting *putting = argument;
    return put_segment(putting->staging, putting->sample, k, putting->name, err);
}

enum err_code sample_migrate(struct database *database, const struct sample *sample,
                             const struct sample_job *job, struct err *err)
{
    struct staging *staging = NULL;
    const struct staged_collection collection = {
        .name = job->name, .source = &sample->collection, .if_exists = job->if_exists};
    enum err_code code = staging_open(database, job->token, job->link, &staging, err);
    if (code == ERR_OK)
        code = staging_collection(staging, &collection, err);
    struct putting putting = {staging, sample, job->name};
    if (code == ERR_OK)
        code = pool_run(job->threads, sample->collection.segment_count, put_one, &putting, err);
    if (code == ERR_OK && !job->is_not_published)
        code = staging_publish(staging, err);
    staging_close(staging);
    return code;
}

enum err_code sample_migrate_to(const char *folder, const struct sample *sample,
                                const struct sample_job *job, struct err *err)
{
    struct database *database = NULL;
    enum err_code code = database_open(folder, DATABASE_CREATE, &database, err);
    if (code == ERR_OK)
        code = sample_migrate(database, sample, job, err);
    database_close(database);
    return code;
}

struct row {
    int64_t id;
    const char *partition;
    const uint8_t *vector;
    size_t place; /* order among rows of one id */
};

static int compare_rows(const void *a, const void *b)
{
    const struct row *left = a;
    const struct row *right = b;
    if (left->id != right->id)
        return left->id < right->id ? -1 : 1;
    return (left->place > right->place) - (left->place < right->place);
}

static size_t collect_rows(const struct sample *const *samples, size_t count, struct row *rows)
{
    size_t total = 0;
    for (size_t s = 0; s < count; s++) {
        const struct sample *sample = samples[s];
        for (size_t k = 0; k < sample->collection.segment_count; k++) {
            for (size_t row = 0; row < sample->data[k].rows; row++) {
                if (!sample_is_live(sample, k, row))
                    continue;
                rows[total] = (struct row){
                    sample->data[k].ids[row], sample->partitions[k % 3].tag,
                    sample->data[k].vectors + row * sample->collection.row_size, total};
                total++;
            }
        }
    }
    qsort(rows, total, sizeof *rows, compare_rows);
    return total;
}

static void expect_rows(struct snapshot *snapshot, const struct row *rows, size_t total)
{
    const struct collection_facts *facts = snapshot_facts(snapshot);
    struct cursor *cursor = NULL;
    struct cursor_batch batch = {.rows = 1};
    size_t seen = 0;
    assert_int_equal(facts->rows, total);
    expect_ok(cursor_open(snapshot, NULL, &cursor, err));
    while (batch.rows > 0) {
        expect_ok(cursor_next(cursor, &batch, err));
        for (size_t k = 0; k < batch.rows; k++, seen++) {
            assert_true(seen < total);
            assert_true(batch.ids[k] == rows[seen].id);
            assert_string_equal(facts->partitions[batch.partitions[k]].name, rows[seen].partition);
            assert_memory_equal(batch.vectors + k * facts->row_size, rows[seen].vector,
                                facts->row_size);
        }
    }
    assert_int_equal(seen, total);
    cursor_close(cursor);
}

void sample_expect(struct database *database, const char *name, const struct sample *const *samples,
                   size_t sample_count)
{
    struct snapshot *snapshot = NULL;
    struct row *rows = calloc(SAMPLE_SEGMENTS_MAX * SAMPLE_ROWS_MAX * sample_count, sizeof *rows);
    const size_t total = collect_rows(samples, sample_count, rows);
    expect_ok(database_snapshot(database, name, &snapshot, err));
    expect_rows(snapshot, rows, total);
    snapshot_unref(snapshot);
    free(rows);
}

void sample_expect_snapshot(struct snapshot *snapshot, const struct sample *sample)
{
    struct row *rows = calloc(SAMPLE_SEGMENTS_MAX * SAMPLE_ROWS_MAX, sizeof *rows);
    expect_rows(snapshot, rows, collect_rows(&sample, 1, rows));
    free(rows);
}

void sample_expect_in(const char *folder, const char *name, const struct sample *sample)
{
    struct database *database = NULL;
    expect_ok(database_open(folder, DATABASE_READ, &database, err));
    sample_expect(database, name, &sample, 1);
    database_close(database);
}
