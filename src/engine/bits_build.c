/* bits_build.c: see bits_build.h. */
#include "engine/bits_build.h"

#include <string.h>

#include "base/bitmap.h"
#include "base/mem.h"
#include "base/pool.h"
#include "engine/bits.h"
#include "engine/bits_calibrate.h"
#include "engine/bits_kmeans.h"
#include "engine/bits_write.h"

#define LIST_ROWS 80 /* wanted in a list */
#define LISTS_WANTED_MAX 16384
#define SAMPLE_ROWS 40              /* of a list, for k-means */
#define READ_ROWS ((uint64_t)16384) /* checked together */
#define LIST_BIT_SIZE 5             /* bytes that k-means holds for each bit of each list */

struct build {
    const struct lists_build_options *options;
    struct segment *segment;
    uint32_t *live; /* numbers of the live rows */
    size_t live_count;
    uint32_t *list_of; /* of each live row */
    const uint8_t **sample;
    size_t sample_count;
    struct bits_kmeans kmeans;
    struct bits_content content;
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
        build->sample[i] = row_at(build, build->live[from + mix(i + 1) % (end - from)]);
    }
}

static size_t choose_lists(const struct build *build)
{
    const size_t wanted = build->live_count / LIST_ROWS;
    const size_t affordable = build->options->memory_max / 2 / LIST_BIT_SIZE / build->options->dim;
    size_t lists = wanted < LISTS_WANTED_MAX ? wanted : LISTS_WANTED_MAX;
    lists = (lists < affordable ? lists : affordable) / BIT_LANES * BIT_LANES;
    return lists > BIT_LANES ? lists : BIT_LANES;
}

static enum err_code choose_rows(struct build *build, struct err *err)
{
    const uint64_t rows = build->segment->facts.rows;
    const uint64_t *dead = build->segment->dead;
    build->live = mem_alloc((size_t)rows, sizeof *build->live);
    if (build->live == NULL)
        return err_nomem(err, "index");
    for (uint64_t row = 0; row < rows; row++)
        if (dead == NULL || !bitmap_get(dead, (size_t)row))
            build->live[build->live_count++] = (uint32_t)row;
    build->kmeans.lists = choose_lists(build);
    const size_t count = build->kmeans.lists * SAMPLE_ROWS;
    build->sample_count = count < build->live_count ? count : build->live_count;
    if (build->sample_count < build->kmeans.lists)
        return err_set(err, ERR_INVALID, "%zu live rows are too few for an index",
                       build->live_count);
    build->sample = mem_alloc(build->sample_count, sizeof *build->sample);
    build->list_of = mem_alloc(build->live_count, sizeof *build->list_of);
    if (build->sample == NULL || build->list_of == NULL)
        return err_nomem(err, "index");
    draw_sample(build);
    return ERR_OK;
}

static enum err_code assign_rows(void *argument, size_t index, struct err *err)
{
    struct build *build = argument;
    const size_t first = index * BITS_KMEANS_BATCH;
    const size_t left = build->live_count - first;
    const size_t count = left < BITS_KMEANS_BATCH ? left : BITS_KMEANS_BATCH;
    const uint8_t *rows[BITS_KMEANS_BATCH];
    uint16_t *bits = mem_alloc(BITS_KMEANS_BATCH * build->options->dim, sizeof *bits);
    if (bits == NULL)
        return err_nomem(err, "index");
    for (size_t i = 0; i < count; i++)
        rows[i] = row_at(build, build->live[first + i]);
    bits_kmeans_assign(&build->kmeans, rows, count, bits, build->list_of + first, NULL);
    mem_free(bits);
    return pass_rows(build, count, err);
}

/* Places of all rows: list by list, within a list by number; each list fills whole groups. */
static enum err_code arrange(struct build *build, struct err *err)
{
    const size_t lists = build->kmeans.lists;
    struct bits_content *content = &build->content;
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
        next[list] = (uint64_t)groups * BIT_GROUP;
        groups += (uint32_t)((rows + BIT_GROUP - 1) / BIT_GROUP);
        content->starts[list + 1] = groups;
    }
    content->rows = mem_alloc((size_t)groups * BIT_GROUP, sizeof *content->rows);
    if (content->rows != NULL) {
        memset(content->rows, 255, (size_t)groups * BIT_GROUP * sizeof *content->rows);
        for (size_t i = 0; i < build->live_count; i++)
            content->rows[next[build->list_of[i]]++] = build->live[i];
    }
    mem_free(next);
    return content->rows != NULL ? ERR_OK : err_nomem(err, "index");
}

static enum err_code make_lists(struct build *build, struct err *err)
{
    const struct lists_build_options *options = build->options;
    const uint64_t parts = (build->segment->facts.rows + READ_ROWS - 1) / READ_ROWS;
    enum err_code code = pool_run(options->threads, (size_t)parts, read_part, build, err);
    if (code == ERR_OK)
        code = choose_rows(build, err);
    if (code == ERR_OK) {
        build->kmeans.kernel = bit_kernel_for(options->kernel);
        build->kmeans.code_kernel = code_kernel_for(options->kernel);
        build->kmeans.meter = options->meter;
        build->kmeans.threads = options->threads;
        build->kmeans.dim = options->dim;
        build->kmeans.rows = build->sample;
        build->kmeans.row_count = build->sample_count;
        code = bits_kmeans_run(&build->kmeans, err);
    }
    if (code == ERR_OK)
        code = pool_run(options->threads,
                        (build->live_count + BITS_KMEANS_BATCH - 1) / BITS_KMEANS_BATCH,
                        assign_rows, build, err);
    return code == ERR_OK ? arrange(build, err) : code;
}

static struct bits_header make_header(const struct build *build)
{
    const struct segment_facts *facts = &build->segment->facts;
    return (struct bits_header){
        .metric = build->options->metric,
        .dim = build->options->dim,
        .rows = facts->rows,
        .live_rows = build->live_count,
        .sums_hash = facts->sums_hash,
        .dead_hash = facts->dead_hash,
        .lists = (uint32_t)build->kmeans.lists,
        .groups = build->content.starts[build->kmeans.lists],
    };
}

/* The ladder is measured on the file itself, then written into its head. */
static enum err_code calibrate_file(const struct build *build, const char *path,
                                    struct bits_header *header, struct err *err)
{
    const struct lists_identity identity = {header->metric, header->dim, header->rows,
                                            header->sums_hash, header->dead_hash};
    struct bits *bits = NULL;
    enum err_code code = bits_open(path, &identity, &bits, err);
    if (code == ERR_OK && !bits_are_sound(bits))
        code = err_set(err, ERR_IO, "%s: what was written is not what is read", path);
    if (code == ERR_OK)
        code = bits_calibrate(build->options, bits, &header->ladder, err);
    bits_close(bits);
    return code;
}

static enum err_code write_file(struct build *build, const char *temporary, struct err *err)
{
    struct bits_header header = make_header(build);
    build->content.header = &header;
    build->content.weights = build->kmeans.weights;
    build->content.norms = build->kmeans.norms;
    build->content.options = build->options;
    int fd = -1;
    enum err_code code = file_remove(temporary, err);
    if (code == ERR_OK)
        code = file_create(temporary, &fd, err);
    if (code == ERR_OK)
        code = bits_write(&build->content, fd, temporary, err);
    if (code == ERR_OK)
        code = calibrate_file(build, temporary, &header, err);
    if (code == ERR_OK)
        code = bits_write_header(&header, fd, temporary, err);
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
    mem_free(build->content.starts);
    mem_free(build->content.rows);
    bits_kmeans_release(&build->kmeans);
}

enum err_code bits_build(const struct lists_build_options *options, const char *path,
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
