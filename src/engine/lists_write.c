/* lists_write.c: see lists_write.h. */
#include "engine/lists_write.h"

#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/pool.h"
#include "kernel/code.h"

#define PART_SIZE ((size_t)32 << 20) /* bytes of codes in memory at once */
#define PIECE_GROUPS 64              /* encoded by one thread at a time */

struct writer {
    const struct lists_content *content;
    struct lists_layout at;
    const char *path;
    int fd;
    uint8_t *part; /* groups of codes */
    uint64_t first_group;
    size_t part_groups;
    uint64_t *sums;
    struct file_map map; /* while checksums are made */
};

static enum err_code write_at(const struct writer *w, const void *data, uint64_t size,
                              uint64_t offset, struct err *err)
{
    return file_write_at(w->fd, w->path, data, (size_t)size, offset, err);
}

/* Centroids as searches want them: for IP only the product counts. */
static enum err_code write_centroids(const struct writer *w, struct err *err)
{
    const struct lists_header *header = w->content->header;
    const size_t group_size = code_group_size(w->at.centroid_lines);
    const size_t groups = header->lists / CODE_GROUP;
    uint8_t *copy = mem_alloc(groups, group_size);
    if (copy == NULL)
        return err_nomem(err, w->path);
    memcpy(copy, w->content->centroids, groups * group_size);
    for (size_t g = 0; g < groups && header->metric == METRIC_IP; g++)
        memset(copy + (g + 1) * group_size - CODE_LINE, 0, CODE_LINE);
    const enum err_code code = write_at(w, copy, groups * group_size, w->at.centroids, err);
    mem_free(copy);
    return code;
}

static enum err_code write_small(const struct writer *w, struct err *err)
{
    const struct lists_content *c = w->content;
    enum err_code code = write_at(w, c->codes->mean, w->at.space * 4, w->at.mean, err);
    if (code == ERR_OK)
        code = write_at(w, c->codes->step, w->at.space * 4, w->at.step, err);
    if (code == ERR_OK)
        code = write_at(w, c->starts, (uint64_t)(c->header->lists + 1) * 4, w->at.starts, err);
    if (code == ERR_OK)
        code = write_at(w, c->rows, c->header->groups * CODE_GROUP * 4, w->at.rows, err);
    return code == ERR_OK ? write_centroids(w, err) : code;
}

static void encode_group(const struct writer *w, uint64_t number, float *values, uint8_t *group)
{
    const struct lists_content *c = w->content;
    memset(group, 0, code_group_size(w->at.code_lines));
    for (size_t place = 0; place < CODE_GROUP; place++) {
        const uint32_t row = c->rows[number * CODE_GROUP + place];
        if (row == LISTS_NO_ROW) {
            codes_pack_nothing(c->codes, group, place);
            continue;
        }
        codes_row(c->codes, c->segment->vectors.data + row * c->segment->facts.row_size, values);
        codes_pack(c->codes, values, group, place);
    }
}

static enum err_code encode_piece(void *argument, size_t index, struct err *err)
{
    struct writer *w = argument;
    const size_t group_size = code_group_size(w->at.code_lines);
    const size_t first = index * PIECE_GROUPS;
    const size_t left = w->part_groups - first;
    const size_t count = left < PIECE_GROUPS ? left : PIECE_GROUPS;
    float *values = mem_alloc(w->at.space, sizeof *values);
    if (values == NULL)
        return err_nomem(err, w->path);
    for (size_t g = first; g < first + count; g++)
        encode_group(w, w->first_group + g, values, w->part + g * group_size);
    mem_free(values);
    return meter_pass(w->content->meter, count * CODE_GROUP * w->content->segment->facts.row_size,
                      count * CODE_GROUP, err);
}

static enum err_code write_codes(struct writer *w, struct err *err)
{
    const uint64_t groups = w->content->header->groups;
    const size_t group_size = code_group_size(w->at.code_lines);
    const size_t part = PART_SIZE / group_size + 1;
    enum err_code code = ERR_OK;
    w->part = mem_aligned(part, group_size);
    if (w->part == NULL)
        return err_nomem(err, w->path);
    for (; code == ERR_OK && w->first_group < groups; w->first_group += w->part_groups) {
        const uint64_t left = groups - w->first_group;
        w->part_groups = left < part ? (size_t)left : part;
        code = pool_run(w->content->threads, (w->part_groups + PIECE_GROUPS - 1) / PIECE_GROUPS,
                        encode_piece, w, err);
        if (code == ERR_OK)
            code = write_at(w, w->part, w->part_groups * group_size,
                            w->at.codes + w->first_group * group_size, err);
    }
    mem_free(w->part);
    return code;
}

static enum err_code sum_block(void *argument, size_t index, struct err *err)
{
    struct writer *w = argument;
    const uint64_t from = LISTS_HEADER_SIZE + index * LISTS_BLOCK_SIZE;
    const uint64_t left = w->at.table - from;
    const uint64_t size = left < LISTS_BLOCK_SIZE ? left : LISTS_BLOCK_SIZE;
    const enum err_code code = file_map_populate(&w->map, w->path, from, size, err);
    if (code == ERR_OK)
        w->sums[index] = hash64(w->map.data + from, (size_t)size, 0);
    return code;
}

static enum err_code write_sums(struct writer *w, struct err *err)
{
    w->sums = mem_alloc((size_t)w->at.blocks, sizeof *w->sums);
    if (w->sums == NULL)
        return err_nomem(err, w->path);
    enum err_code code = file_map_open(w->path, &w->map, err);
    if (code == ERR_OK)
        code = pool_run(w->content->threads, (size_t)w->at.blocks, sum_block, w, err);
    file_map_close(&w->map);
    if (code == ERR_OK) {
        w->content->header->table_hash = hash64(w->sums, (size_t)w->at.blocks * 8, 0);
        code = write_at(w, w->sums, w->at.blocks * 8, w->at.table, err);
    }
    mem_free(w->sums);
    return code;
}

enum err_code lists_write_header(const struct lists_header *header, int fd, const char *path,
                                 struct err *err)
{
    uint8_t head[LISTS_HEADER_SIZE];
    lists_header_encode(header, head);
    return file_write_at(fd, path, head, sizeof head, 0, err);
}

enum err_code lists_write(const struct lists_content *content, int fd, const char *path,
                          struct err *err)
{
    struct writer w = {
        .content = content, .at = lists_layout_of(content->header), .path = path, .fd = fd};
    enum err_code code = write_small(&w, err);
    if (code == ERR_OK)
        code = write_codes(&w, err);
    if (code == ERR_OK)
        code = write_sums(&w, err);
    return code == ERR_OK ? lists_write_header(content->header, fd, path, err) : code;
}
