/* graph_write.c: see graph_write.h. */
#include "engine/graph_write.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/pool.h"
#include "kernel/code.h"

struct section {
    const void *data;
    uint64_t size;
    uint64_t offset;
};

static enum err_code write_sections(const struct graph_content *c, const struct graph_layout *at,
                                    int fd, const char *path, struct err *err)
{
    const struct graph_header *h = c->header;
    const uint64_t group = code_group_size(at->head_lines);
    const struct section sections[] = {
        {c->codes->mean, at->space * 4, at->mean},
        {c->codes->step, at->space * 4, at->step},
        {c->heads->supers, h->supers / CODE_GROUP * group, at->supers},
        {c->heads->starts, (uint64_t)(h->supers + 1) * 4, at->starts},
        {c->heads->nodes, (uint64_t)h->head_groups * CODE_GROUP * 4, at->heads},
        {c->heads->groups, h->head_groups * group, at->groups},
        {c->rows, h->nodes * 4, at->rows},
        {c->norms, at->has_norms ? h->nodes * 4 : 0, at->norms},
        {c->row_codes, h->nodes * at->stride + CODE_LINE, at->codes},
        {c->links, h->nodes * h->degree * 4, at->links},
    };
    enum err_code code = ERR_OK;
    for (size_t i = 0; code == ERR_OK && i < sizeof sections / sizeof sections[0]; i++)
        if (sections[i].size > 0)
            code = file_write_at(fd, path, sections[i].data, (size_t)sections[i].size,
                                 sections[i].offset, err);
    return code;
}

struct summing {
    const struct graph_layout *at;
    struct file_map map;
    const char *path;
    uint64_t *sums;
};

static enum err_code sum_block(void *argument, size_t index, struct err *err)
{
    const struct summing *s = argument;
    const uint64_t from = GRAPH_HEADER_SIZE + index * GRAPH_BLOCK_SIZE;
    const uint64_t left = s->at->table - from;
    const uint64_t size = left < GRAPH_BLOCK_SIZE ? left : GRAPH_BLOCK_SIZE;
    const enum err_code code = file_map_populate(&s->map, s->path, from, size, err);
    if (code == ERR_OK)
        s->sums[index] = hash64(s->map.data + from, (size_t)size, 0);
    return code;
}

static enum err_code write_sums(const struct graph_content *c, const struct graph_layout *at,
                                int fd, const char *path, struct err *err)
{
    struct summing s = {.at = at, .path = path};
    s.sums = mem_alloc((size_t)at->blocks, sizeof *s.sums);
    if (s.sums == NULL)
        return err_nomem(err, path);
    enum err_code code = file_map_open(path, &s.map, err);
    if (code == ERR_OK)
        code = pool_run(c->threads, (size_t)at->blocks, sum_block, &s, err);
    file_map_close(&s.map);
    if (code == ERR_OK) {
        c->header->table_hash = hash64(s.sums, (size_t)at->blocks * 8, 0);
        code = file_write_at(fd, path, s.sums, (size_t)at->blocks * 8, at->table, err);
    }
    mem_free(s.sums);
    return code;
}

enum err_code graph_write_header(const struct graph_header *header, int fd, const char *path,
                                 struct err *err)
{
    uint8_t head[GRAPH_HEADER_SIZE];
    graph_header_encode(header, head);
    return file_write_at(fd, path, head, sizeof head, 0, err);
}

enum err_code graph_write(const struct graph_content *content, int fd, const char *path,
                          struct err *err)
{
    const struct graph_layout at = graph_layout_of(content->header);
    enum err_code code = write_sections(content, &at, fd, path, err);
    if (code == ERR_OK)
        code = write_sums(content, &at, fd, path, err);
    return code == ERR_OK ? graph_write_header(content->header, fd, path, err) : code;
}
