/* bits_write.c: see bits_write.h. */
#include "engine/bits_write.h"

#include <string.h>

#include "base/bytes.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/pool.h"
#include "kernel/bit.h"

#define PART_SIZE ((size_t)16 << 20) /* bytes of groups in memory at once */
#define PIECE_GROUPS 64              /* made by one thread at a time */

struct writer {
    const struct bits_content *content;
    struct bits_layout at;
    const char *path;
    int fd;
    uint8_t *part; /* groups */
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

static enum err_code write_small(const struct writer *w, struct err *err)
{
    const struct bits_content *c = w->content;
    const uint64_t lists = c->header->lists;
    enum err_code code = write_at(w, c->starts, (lists + 1) * 4, w->at.starts, err);
    if (code == ERR_OK)
        code = write_at(w, c->norms, lists * sizeof *c->norms, w->at.norms, err);
    if (code == ERR_OK)
        code = write_at(w, c->weights, lists * c->header->dim, w->at.weights, err);
    if (code == ERR_OK)
        code = write_at(w, c->rows, c->header->groups * BIT_GROUP * 4, w->at.rows, err);
    return code;
}

static uint32_t put_row(const uint8_t *row, size_t size, uint8_t *places)
{
    uint32_t bits = 0;
    for (size_t at = 0; at < size; at += 4) {
        uint32_t word = 0;
        memcpy(&word, row + at, size - at < 4 ? size - at : 4);
        memcpy(places + at / 4 * BIT_LINE, &word, sizeof word);
        bits += (uint32_t)__builtin_popcount(word);
    }
    return bits;
}

static void make_group(const struct writer *w, uint64_t number, uint8_t *group)
{
    const struct bits_content *c = w->content;
    const struct segment *segment = c->options->segment;
    memset(group, 0, w->at.group_size);
    for (size_t place = 0; place < BIT_GROUP; place++) {
        const uint32_t row = c->rows[number * BIT_GROUP + place];
        if (row == BITS_NO_ROW)
            continue;
        const size_t size = segment->facts.row_size;
        const uint32_t bits = put_row(segment->vectors.data + row * size, size, group + 4 * place);
        if (w->at.has_counts)
            put_u32(group + w->at.lines * BIT_LINE + 4 * place, bits);
    }
}

static enum err_code make_piece(void *argument, size_t index, struct err *err)
{
    struct writer *w = argument;
    const size_t first = index * PIECE_GROUPS;
    const size_t left = w->part_groups - first;
    const size_t count = left < PIECE_GROUPS ? left : PIECE_GROUPS;
    for (size_t g = first; g < first + count; g++)
        make_group(w, w->first_group + g, w->part + g * w->at.group_size);
    const struct lists_build_options *options = w->content->options;
    return meter_pass(options->meter, count * BIT_GROUP * options->segment->facts.row_size,
                      count * BIT_GROUP, err);
}

static enum err_code write_groups(struct writer *w, struct err *err)
{
    const uint64_t groups = w->content->header->groups;
    const size_t part = PART_SIZE / w->at.group_size + 1;
    enum err_code code = ERR_OK;
    w->part = mem_aligned(part, w->at.group_size);
    if (w->part == NULL)
        return err_nomem(err, w->path);
    for (; code == ERR_OK && w->first_group < groups; w->first_group += w->part_groups) {
        const uint64_t left = groups - w->first_group;
        w->part_groups = left < part ? (size_t)left : part;
        code = pool_run(w->content->options->threads,
                        (w->part_groups + PIECE_GROUPS - 1) / PIECE_GROUPS, make_piece, w, err);
        if (code == ERR_OK)
            code = write_at(w, w->part, w->part_groups * w->at.group_size,
                            w->at.codes + w->first_group * w->at.group_size, err);
    }
    mem_free(w->part);
    return code;
}

static enum err_code sum_block(void *argument, size_t index, struct err *err)
{
    struct writer *w = argument;
    const uint64_t from = BITS_HEADER_SIZE + index * BITS_BLOCK_SIZE;
    const uint64_t left = w->at.table - from;
    const uint64_t size = left < BITS_BLOCK_SIZE ? left : BITS_BLOCK_SIZE;
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
        code = pool_run(w->content->options->threads, (size_t)w->at.blocks, sum_block, w, err);
    file_map_close(&w->map);
    if (code == ERR_OK) {
        w->content->header->table_hash = hash64(w->sums, (size_t)w->at.blocks * 8, 0);
        code = write_at(w, w->sums, w->at.blocks * 8, w->at.table, err);
    }
    mem_free(w->sums);
    return code;
}

enum err_code bits_write_header(const struct bits_header *header, int fd, const char *path,
                                struct err *err)
{
    uint8_t head[BITS_HEADER_SIZE];
    bits_header_encode(header, head);
    return file_write_at(fd, path, head, sizeof head, 0, err);
}

enum err_code bits_write(const struct bits_content *content, int fd, const char *path,
                         struct err *err)
{
    struct writer w = {
        .content = content, .at = bits_layout_of(content->header), .path = path, .fd = fd};
    enum err_code code = write_small(&w, err);
    if (code == ERR_OK)
        code = write_groups(&w, err);
    if (code == ERR_OK)
        code = write_sums(&w, err);
    return code == ERR_OK ? bits_write_header(content->header, fd, path, err) : code;
}
