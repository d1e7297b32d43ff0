/* graph_format.c: see graph_format.h and docs/database-format.md. */
#include "engine/graph_format.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "engine/codes.h"
#include "kernel/code.h"

#define MAGIC "GODWGRF1"
#define VERSION 1
#define AT_VERSION 8
#define AT_METRIC 12
#define AT_DIM 16
#define AT_BITS 20
#define AT_ROWS 24
#define AT_NODES 32
#define AT_SUMS_HASH 40
#define AT_DEAD_HASH 48
#define AT_DEGREE 56
#define AT_SUPERS 60
#define AT_ROTATED 64
#define AT_RANGE 68
#define AT_LONGEST 72
#define AT_FAR 76
#define AT_TABLE_HASH 80
#define AT_HEAD_GROUPS 88
#define AT_LADDER 128
#define AT_HASH (GRAPH_HEADER_SIZE - 8)
#define RUNGS ((size_t)GRAPH_KINDS * GRAPH_K_CLASSES * GRAPH_LEVELS)
#define RUNG_SIZE 16

static uint64_t up(uint64_t offset)
{
    return (offset + 63) / 64 * 64;
}

/* Rows never straddle more lines than they need: up to a line they fill an even share of one. */
static void lay_rows(struct graph_layout *at)
{
    const size_t whole = at->width + sizeof(float);
    if (whole <= CODE_LINE) {
        at->stride = 16;
        while (at->stride < whole)
            at->stride *= 2;
        return;
    }
    at->has_norms = at->width % CODE_LINE == 0 || at->width % CODE_LINE > CODE_LINE - 4;
    at->stride = (size_t)up(at->has_norms ? at->width : whole);
}

struct graph_layout graph_layout_of(const struct graph_header *header)
{
    struct graph_layout at = {.space = header->dim + (header->metric == METRIC_IP)};
    at.head_lines = code7_lines(at.space);
    at.is_4 = header->bits == 4;
    at.width = at.is_4 ? (at.space + 1) / 2 : at.space;
    lay_rows(&at);
    if (header->nodes == 0) {
        at.table = at.size = GRAPH_HEADER_SIZE;
        return at;
    }
    at.mean = GRAPH_HEADER_SIZE;
    at.step = up(at.mean + at.space * 4);
    at.supers = up(at.step + at.space * 4);
    at.starts = at.supers + header->supers / CODE_GROUP * code_group_size(at.head_lines);
    at.heads = up(at.starts + (uint64_t)(header->supers + 1) * 4);
    at.groups = at.heads + (uint64_t)header->head_groups * CODE_GROUP * 4;
    at.rows = at.groups + header->head_groups * code_group_size(at.head_lines);
    at.norms = up(at.rows + header->nodes * 4);
    at.codes = up(at.norms + (at.has_norms ? header->nodes * 4 : 0));
    at.links = up(at.codes + header->nodes * at.stride + CODE_LINE);
    at.table = at.links + header->nodes * header->degree * 4;
    at.blocks = (at.table - GRAPH_HEADER_SIZE + GRAPH_BLOCK_SIZE - 1) / GRAPH_BLOCK_SIZE;
    at.size = at.table + at.blocks * 8;
    return at;
}

void graph_header_encode(const struct graph_header *header, uint8_t *buffer)
{
    memset(buffer, 0, GRAPH_HEADER_SIZE);
    memcpy(buffer, MAGIC, 8);
    put_u32(buffer + AT_VERSION, VERSION);
    put_u32(buffer + AT_METRIC, (uint32_t)header->metric);
    put_u32(buffer + AT_DIM, (uint32_t)header->dim);
    put_u32(buffer + AT_BITS, header->bits);
    put_u64(buffer + AT_ROWS, header->rows);
    put_u64(buffer + AT_NODES, header->nodes);
    put_u64(buffer + AT_SUMS_HASH, header->sums_hash);
    put_u64(buffer + AT_DEAD_HASH, header->dead_hash);
    put_u32(buffer + AT_DEGREE, header->degree);
    put_u32(buffer + AT_SUPERS, header->supers);
    put_u32(buffer + AT_ROTATED, header->is_rotated);
    put_f32(buffer + AT_RANGE, header->range);
    put_f32(buffer + AT_LONGEST, header->longest);
    put_f32(buffer + AT_FAR, header->ladder.far);
    put_u64(buffer + AT_TABLE_HASH, header->table_hash);
    put_u32(buffer + AT_HEAD_GROUPS, header->head_groups);
    const struct graph_rung *rungs = &header->ladder.rungs[0][0][0];
    for (size_t i = 0; i < RUNGS; i++) {
        put_u32(buffer + AT_LADDER + RUNG_SIZE * i, rungs[i].ef);
        put_u32(buffer + AT_LADDER + RUNG_SIZE * i + 4, rungs[i].rerank);
        put_u32(buffer + AT_LADDER + RUNG_SIZE * i + 8, rungs[i].steps);
        put_f32(buffer + AT_LADDER + RUNG_SIZE * i + 12, rungs[i].spread);
    }
    put_u64(buffer + AT_HASH, hash64(buffer, AT_HASH, 0));
}

static enum err_code bad(struct err *err, size_t at, uint64_t found, const char *expected)
{
    return err_set(err, ERR_CORRUPT, "offset %zu: %" PRIu64 " found, %s expected", at, found,
                   expected);
}

static enum err_code check_ladder(const struct graph_header *h, struct err *err)
{
    const struct graph_rung *rungs = &h->ladder.rungs[0][0][0];
    for (size_t i = 0; i < RUNGS; i++)
        if (rungs[i].ef > h->nodes || rungs[i].rerank > rungs[i].ef)
            return bad(err, AT_LADDER + RUNG_SIZE * i, rungs[i].ef, "no more than all nodes");
    return ERR_OK;
}

static enum err_code check_counts(const struct graph_header *h, struct err *err)
{
    if (h->rows == 0 || h->rows >= UINT32_MAX)
        return bad(err, AT_ROWS, h->rows, "1 to 4294967294 rows");
    if (h->nodes > h->rows || h->nodes >= GRAPH_NODES_MAX)
        return bad(err, AT_NODES, h->nodes, "at most the segment's rows");
    if (h->bits != 4 && h->bits != 7)
        return bad(err, AT_BITS, h->bits, "4 or 7 bits");
    if (h->degree == 0 || h->degree > GRAPH_DEGREE_MAX || h->degree % 16 != 0)
        return bad(err, AT_DEGREE, h->degree, "16, 32, 48 or 64 links");
    if (h->supers == 0 || h->supers > GRAPH_SUPERS_MAX || h->supers % CODE_GROUP != 0)
        return bad(err, AT_SUPERS, h->supers, "16 to 1024, a multiple of 16,");
    return ERR_OK;
}

static enum err_code check_shape(const struct graph_header *h, struct err *err)
{
    if (h->head_groups > h->nodes / CODE_GROUP + h->supers + 1)
        return bad(err, AT_HEAD_GROUPS, h->head_groups, "as many groups as the heads need");
    if (!(h->range > 0.0F) || !isfinite(h->range))
        return bad(err, AT_RANGE, 0, "a positive range");
    return check_ladder(h, err);
}

enum err_code graph_header_decode(struct bytes in, struct graph_header *ret_header, struct err *err)
{
    if (in.size < GRAPH_HEADER_SIZE || memcmp(in.data, MAGIC, 8) != 0)
        return bad(err, 0, in.size, "a file that begins with " MAGIC);
    const uint32_t version = get_u32(in.data + AT_VERSION);
    if (version != VERSION)
        return err_set(err, ERR_UNSUPPORTED, "offset 8: version %u found, %d expected", version,
                       VERSION);
    if (get_u64(in.data + AT_HASH) != hash64(in.data, AT_HASH, 0))
        return bad(err, AT_HASH, get_u64(in.data + AT_HASH), "the checksum of the head");
    struct graph_header h = {
        .metric = (enum metric_type)get_u32(in.data + AT_METRIC),
        .dim = get_u32(in.data + AT_DIM),
        .bits = get_u32(in.data + AT_BITS),
        .rows = get_u64(in.data + AT_ROWS),
        .nodes = get_u64(in.data + AT_NODES),
        .sums_hash = get_u64(in.data + AT_SUMS_HASH),
        .dead_hash = get_u64(in.data + AT_DEAD_HASH),
        .degree = get_u32(in.data + AT_DEGREE),
        .supers = get_u32(in.data + AT_SUPERS),
        .head_groups = get_u32(in.data + AT_HEAD_GROUPS),
        .is_rotated = get_u32(in.data + AT_ROTATED) != 0,
        .range = get_f32(in.data + AT_RANGE),
        .longest = get_f32(in.data + AT_LONGEST),
        .table_hash = get_u64(in.data + AT_TABLE_HASH),
    };
    h.ladder.far = get_f32(in.data + AT_FAR);
    struct graph_rung *rungs = &h.ladder.rungs[0][0][0];
    for (size_t i = 0; i < RUNGS; i++)
        rungs[i] = (struct graph_rung){get_u32(in.data + AT_LADDER + RUNG_SIZE * i),
                                       get_u32(in.data + AT_LADDER + RUNG_SIZE * i + 4),
                                       get_u32(in.data + AT_LADDER + RUNG_SIZE * i + 8),
                                       get_f32(in.data + AT_LADDER + RUNG_SIZE * i + 12)};
    if (!codes_support(h.metric))
        return bad(err, AT_METRIC, (uint64_t)h.metric, "a metric of floats");
    if (!metric_dim_is_valid(h.metric, (long long)h.dim))
        return bad(err, AT_DIM, h.dim, "a dimension");
    enum err_code code = check_counts(&h, err);
    if (code == ERR_OK)
        code = check_shape(&h, err);
    if (code == ERR_OK)
        *ret_header = h;
    return code;
}

/* The first group of heads of each super: from 0 up to all groups, never down. */
static enum err_code check_starts(struct bytes in, const struct graph_header *header,
                                  const struct graph_layout *at, struct err *err)
{
    uint32_t before = 0;
    for (uint32_t i = 0; i <= header->supers; i++) {
        const uint64_t offset = at->starts + (uint64_t)i * 4;
        const uint32_t start = get_u32(in.data + offset);
        if (start < before || start > header->head_groups || (i == 0 && start != 0) ||
            (i == header->supers && start != header->head_groups))
            return bad(err, (size_t)offset, start, "the first group of some heads");
        before = start;
    }
    return ERR_OK;
}

static enum err_code check_numbers(struct bytes in, uint64_t offset, uint64_t count, uint64_t end,
                                   struct err *err)
{
    uint32_t most = 0;
    for (uint64_t i = 0; i < count; i++) {
        const uint32_t number = get_u32(in.data + offset + i * 4);
        most = number > most ? number : most;
    }
    return count == 0 || most < end ? ERR_OK : bad(err, (size_t)offset, most, "smaller numbers");
}

enum err_code graph_file_check(struct bytes in, const struct graph_header *header, struct err *err)
{
    const struct graph_layout at = graph_layout_of(header);
    if (in.size != at.size)
        return bad(err, 0, in.size, "as many bytes as the head says");
    if (header->nodes == 0)
        return ERR_OK;
    if (hash64(in.data + at.table, (size_t)(at.blocks * 8), 0) != header->table_hash)
        return bad(err, (size_t)at.table, at.blocks, "checksums that the head knows");
    for (uint64_t block = 0; block < at.blocks; block++) {
        const uint64_t from = GRAPH_HEADER_SIZE + block * GRAPH_BLOCK_SIZE;
        const uint64_t left = at.table - from;
        const size_t size = left < GRAPH_BLOCK_SIZE ? (size_t)left : GRAPH_BLOCK_SIZE;
        if (hash64(in.data + from, size, 0) != get_u64(in.data + at.table + block * 8))
            return bad(err, (size_t)from, size, "bytes with another checksum");
    }
    enum err_code code = check_starts(in, header, &at, err);
    if (code == ERR_OK)
        code = check_numbers(in, at.heads, (uint64_t)header->head_groups * CODE_GROUP,
                             header->nodes, err);
    if (code == ERR_OK)
        code = check_numbers(in, at.rows, header->nodes, header->rows, err);
    if (code == ERR_OK)
        code = check_numbers(in, at.links, header->nodes * header->degree, header->nodes, err);
    return code;
}
