/* lists_build.c: see lists_build.h. */
#include "engine/lists_build.h"

#include <inttypes.h>
#include <string.h>

#include "base/bitmap.h"
#include "base/bytes.h"
#include "base/mem.h"
#include "base/pool.h"
#include "engine/calibrate.h"
#include "engine/codes.h"
#include "engine/kmeans.h"
#include "engine/lists.h"
#include "engine/lists_write.h"

#define LIST_ROWS 160 /* wanted in a list */
#define LISTS_MIN 16
#define LISTS_WANTED_MAX 16384
#define SAMPLE_ROWS 40 /* of a list, for k-means */
#define MEASURE_ROWS ((size_t)50000)
#define READ_ROWS ((uint64_t)16384) /* checked together */

struct build {
    const struct lists_build_options *options;
    struct segment *segment;
    uint32_t *live; /* numbers of the live rows */
    size_t live_count;
    uint32_t *list_of; /* of each live row */
    uint32_t *sample;  /* numbers of rows */
    size_t sample_count;
    int8_t *sample_bytes;
    struct codes_memory measured;
    struct kmeans kmeans;
    struct lists_content content;
};

static const uint8_t *row_at(const struct build *build, uint32_t row)
{
    return build->segment->vectors.data + row * build->segment->facts.row_size;
}

static enum err_code pass_rows(const struct build *build, uint64_t rows, struct err *err)
{
    return meter_pass(build->options->meter, rows * build->segment->facts.row_size, rows, err);
}

static enum err_code read_part(void *argument, size_t index, struct err *err)
{
    const struct build *build = argument;
    struct segment *segment = build->segment;
    const uint64_t first = index * READ_ROWS;
    const uint64_t left = segment->facts.rows - first;
    const uint64_t rows = left < READ_ROWS ? left : READ_ROWS;
    enum err_code code =
        segment_touch(&segment->vectors, first, rows, segment->facts.row_size, err);
    if (code == ERR_OK)
        code = segment_touch(&segment->ids, first, rows, sizeof(int64_t), err);
    return code == ERR_OK ? pass_rows(build, rows, err) : code;
}

static uint64_t mix(uint64_t value)
{
    value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
    return value ^ value >> 31;
}

/* One row of each of sample_count equal parts, so that order of arrival does not matter. */
static void draw_sample(struct build *build)
{
    for (size_t i = 0; i < build->sample_count; i++) {
        const size_t from = i * build->live_count / build->sample_count;
        const size_t end = (i + 1) * build->live_count / build->sample_count;
        build->sample[i] = build->live[from + mix(i + 1) % (end - from)];
    }
}

static size_t choose_lists(size_t live_count)
{
    size_t lists = live_count / LIST_ROWS / CODE_GROUP * CODE_GROUP;
    lists = lists < LISTS_WANTED_MAX ? lists : LISTS_WANTED_MAX;
    return lists > LISTS_MIN ? lists : LISTS_MIN;
}

static enum err_code choose_rows(struct build *build, struct err *err)
{
    const uint64_t rows = build->segment->facts.rows;
    const size_t space = build->options->dim + (build->options->metric == METRIC_IP);
    build->live = mem_alloc((size_t)rows, sizeof *build->live);
    if (build->live == NULL)
        return err_nomem(err, "index");
    for (uint64_t row = 0; row < rows; row++)
        if (build->segment->dead == NULL || !bitmap_get(build->segment->dead, (size_t)row))
            build->live[build->live_count++] = (uint32_t)row;
    struct kmeans *kmeans = &build->kmeans;
    kmeans->space = space;
    kmeans->stride = kmeans_stride(space);
    kmeans->lists = choose_lists(build->live_count);
    size_t count = kmeans->lists * SAMPLE_ROWS;
    const size_t affordable = build->options->memory_max / 2 / kmeans->stride;
    count = count < affordable ? count : affordable;
    count = count > kmeans->lists ? count : kmeans->lists;
    build->sample_count = count < build->live_count ? count : build->live_count;
    if (build->sample_count < kmeans->lists)
        return err_set(err, ERR_INVALID, "%zu live rows are too few for an index",
                       build->live_count);
    build->sample = mem_alloc(build->sample_count, sizeof *build->sample);
    build->sample_bytes = mem_alloc(build->sample_count, kmeans->stride);
    build->list_of = mem_alloc(build->live_count, sizeof *build->list_of);
    if (build->sample == NULL || build->sample_bytes == NULL || build->list_of == NULL)
        return err_nomem(err, "index");
    draw_sample(build);
    return ERR_OK;
}

static enum err_code measure(struct build *build, struct err *err)
{
    const size_t count = build->sample_count < MEASURE_ROWS ? build->sample_count : MEASURE_ROWS;
    const uint8_t **rows = mem_alloc(count, sizeof *rows);
    if (rows == NULL)
        return err_nomem(err, "index");
    for (size_t i = 0; i < count; i++)
        rows[i] = row_at(build, build->sample[i * build->sample_count / count]);
    const enum err_code code = codes_measure(build->options->metric, build->options->dim, rows,
                                             count, &build->measured, err);
    mem_free(rows);
    return code;
}

/* Signed bytes of some rows, by number. `values`: space floats. */
static void encode_bytes(const struct build *build, const uint32_t *numbers, size_t count,
                         float *values, int8_t *ret_bytes)
{
    const struct codes *codes = &build->measured.codes;
    const size_t stride = build->kmeans.stride;
    for (size_t i = 0; i < count; i++) {
        codes_row(codes, row_at(build, numbers[i]), values);
        codes_bytes(values, codes->space, stride, codes->range, ret_bytes + i * stride);
    }
}

static enum err_code encode_sample(void *argument, size_t index, struct err *err)
{
    struct build *build = argument;
    const size_t first = index * KMEANS_BATCH;
    const size_t left = build->sample_count - first;
    float *values = mem_alloc(build->kmeans.stride, sizeof *values);
    if (values == NULL)
        return err_nomem(err, "index");
    encode_bytes(build, build->sample + first, left < KMEANS_BATCH ? left : KMEANS_BATCH, values,
                 build->sample_bytes + first * build->kmeans.stride);
    mem_free(values);
    return ERR_OK;
}

static enum err_code assign_rows(void *argument, size_t index, struct err *err)
{
    struct build *build = argument;
    const size_t first = index * KMEANS_BATCH;
    const size_t left = build->live_count - first;
    const size_t count = left < KMEANS_BATCH ? left : KMEANS_BATCH;
    float *values = mem_alloc(build->kmeans.stride, sizeof *values);
    int8_t *bytes = mem_aligned(KMEANS_BATCH, build->kmeans.stride);
    enum err_code code = ERR_OK;
    if (values == NULL || bytes == NULL) {
        code = err_nomem(err, "index");
    } else {
        encode_bytes(build, build->live + first, count, values, bytes);
        kmeans_assign(&build->kmeans, bytes, count, build->list_of + first, NULL);
        code = pass_rows(build, count, err);
    }
    mem_free(values);
    mem_free(bytes);
    return code;
}

/* Places of all rows: list by list, within a list by number; each list fills whole groups. */
static enum err_code arrange(struct build *build, struct err *err)
{
    const size_t lists = build->kmeans.lists;
    struct lists_content *content = &build->content;
    uint64_t *next = mem_zalloc(lists + 1, sizeof *next);
    content->starts = mem_zalloc(lists + 1, sizeof *content->starts);
    if (next == NULL || content->starts == NULL) {
        mem_free(next);
        return err_nomem(err, "index");
    }
    for (size_t i = 0; i < build->live_count; i++)
        next[build->list_of[i]]++;
    uint32_t groups = 0;
    for (size_t list = 0; list < lists; list++) {
        const uint64_t rows = next[list];
        next[list] = (uint64_t)groups * CODE_GROUP;
        groups += (uint32_t)((rows + CODE_GROUP - 1) / CODE_GROUP);
        content->starts[list + 1] = groups;
    }
    content->rows = mem_alloc((size_t)groups * CODE_GROUP, sizeof *content->rows);
    if (content->rows != NULL) {
        for (size_t place = 0; place < (size_t)groups * CODE_GROUP; place++)
            content->rows[place] = LISTS_NO_ROW;
        for (size_t i = 0; i < build->live_count; i++)
            content->rows[next[build->list_of[i]]++] = build->live[i];
    }
    mem_free(next);
    return content->rows != NULL ? ERR_OK : err_nomem(err, "index");
}

static size_t batches(size_t count)
{
    return (count + KMEANS_BATCH - 1) / KMEANS_BATCH;
}

static enum err_code make_lists(struct build *build, struct err *err)
{
    const size_t threads = build->options->threads;
    const uint64_t parts = (build->segment->facts.rows + READ_ROWS - 1) / READ_ROWS;
    enum err_code code = pool_run(threads, (size_t)parts, read_part, build, err);
    if (code == ERR_OK)
        code = choose_rows(build, err);
    if (code == ERR_OK)
        code = measure(build, err);
    if (code == ERR_OK)
        code = pool_run(threads, batches(build->sample_count), encode_sample, build, err);
    if (code == ERR_OK) {
        build->kmeans.kernel = code_kernel_for(build->options->kernel);
        build->kmeans.threads = threads;
        build->kmeans.rows = build->sample_bytes;
        build->kmeans.row_count = build->sample_count;
        code = kmeans_run(&build->kmeans, err);
    }
    if (code == ERR_OK)
        code = pool_run(threads, batches(build->live_count), assign_rows, build, err);
    return code == ERR_OK ? arrange(build, err) : code;
}

static struct lists_header make_header(const struct build *build)
{
    const struct segment_facts *facts = &build->segment->facts;
    const struct codes *codes = &build->measured.codes;
    return (struct lists_header){
        .metric = codes->metric,
        .dim = codes->dim,
        .rows = facts->rows,
        .live_rows = build->live_count,
        .sums_hash = facts->sums_hash,
        .dead_hash = facts->dead_hash,
        .lists = (uint32_t)build->kmeans.lists,
        .groups = build->content.starts[build->kmeans.lists],
        .is_rotated = codes->is_rotated,
        .range = codes->range,
        .longest = codes->longest,
    };
}

/* The ladder is measured on the file itself, then written into its head. */
static enum err_code calibrate_file(const struct build *build, const char *path,
                                    struct lists_header *header, struct err *err)
{
    const struct lists_identity identity = {header->metric, header->dim, header->rows,
                                            header->sums_hash, header->dead_hash};
    struct lists *lists = NULL;
    enum err_code code = lists_open(path, &identity, &lists, err);
    if (code == ERR_OK && !lists_are_sound(lists))
        code = err_set(err, ERR_IO, "%s: what was written is not what is read", path);
    if (code == ERR_OK)
        code = calibrate(build->options, lists, &header->ladder, err);
    lists_close(lists);
    return code;
}

static enum err_code write_file(struct build *build, const char *temporary, struct err *err)
{
    struct lists_header header = make_header(build);
    build->content.header = &header;
    build->content.codes = &build->measured.codes;
    build->content.centroids = build->kmeans.groups;
    build->content.segment = build->segment;
    build->content.meter = build->options->meter;
    build->content.threads = build->options->threads;
    int fd = -1;
    enum err_code code = file_remove(temporary, err);
    if (code == ERR_OK)
        code = file_create(temporary, &fd, err);
    if (code == ERR_OK)
        code = lists_write(&build->content, fd, temporary, err);
    if (code == ERR_OK)
        code = calibrate_file(build, temporary, &header, err);
    if (code == ERR_OK)
        code = lists_write_header(&header, fd, temporary, err);
    if (code == ERR_OK)
        code = file_sync(fd, temporary, err);
    file_close(fd);
    return code;
}

static void release(struct build *build)
{
    mem_free(build->live);
    mem_free(build->list_of);
    mem_free(build->sample);
    mem_free(build->sample_bytes);
    mem_free(build->content.starts);
    mem_free(build->content.rows);
    codes_release(&build->measured);
    kmeans_release(&build->kmeans);
}

enum err_code lists_build(const struct lists_build_options *options, const char *path,
                          struct err *err)
{
    struct build build = {.options = options, .segment = options->segment};
    char *temporary = mem_printf("%s.tmp", path);
    if (temporary == NULL)
        return err_nomem(err, path);
    enum err_code code = make_lists(&build, err);
    if (code == ERR_OK)
        code = write_file(&build, temporary, err);
    if (code == ERR_OK)
        code = file_rename(temporary, path, err);
    if (code != ERR_OK) {
        struct err ignored;
        (void)!file_remove(temporary, &ignored);
    }
    mem_free(temporary);
    release(&build);
    return code;
}
