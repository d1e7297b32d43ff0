/* lists_format.c: see lists_format.h and docs/database-format.md. */
#include "engine/lists_format.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "engine/codes.h"
#include "engine/kmeans.h"
#include "kernel/code.h"

#define MAGIC "GODWLST1"
#define VERSION 2
#define AT_VERSION 8
#define AT_METRIC 12
#define AT_DIM 16
#define AT_LISTS 20
#define AT_ROWS 24
#define AT_LIVE 32
#define AT_SUMS_HASH 40
#define AT_DEAD_HASH 48
#define AT_GROUPS 56
#define AT_ROTATED 64
#define AT_RANGE 68
#define AT_LONGEST 72
#define AT_FAR 76
#define AT_TABLE_HASH 80
#define AT_LADDER 128
#define AT_HASH (LISTS_HEADER_SIZE - 8)
#define RUNG_SIZE 12
#define RUNGS (LISTS_LADDERS * LISTS_K_CLASSES * LISTS_LEVELS)

static uint64_t up(uint64_t offset)
{
    return (offset + 63) / 64 * 64;
}

struct lists_layout lists_layout_of(const struct lists_header *header)
{
    struct lists_layout at = {.space = header->dim + (header->metric == METRIC_IP)};
    at.centroid_lines = code7_lines(at.space);
    at.code_lines = code4_lines(at.space);
    at.mean = LISTS_HEADER_SIZE;
    at.step = up(at.mean + at.space * 4);
    at.starts = up(at.step + at.space * 4);
    at.centroids = up(at.starts + (uint64_t)(header->lists + 1) * 4);
    at.rows = at.centroids + header->lists / CODE_GROUP * code_group_size(at.centroid_lines);
    at.codes = at.rows + header->groups * CODE_GROUP * 4;
    at.table = at.codes + header->groups * code_group_size(at.code_lines);
    at.blocks = (at.table - LISTS_HEADER_SIZE + LISTS_BLOCK_SIZE - 1) / LISTS_BLOCK_SIZE;
    at.size = at.table + at.blocks * 8;
    return at;
}

void lists_header_encode(const struct lists_header *header, uint8_t *buffer)
{
    memset(buffer, 0, LISTS_HEADER_SIZE);
    memcpy(buffer, MAGIC, 8);
    put_u32(buffer + AT_VERSION, VERSION);
    put_u32(buffer + AT_METRIC, (uint32_t)header->metric);
    put_u32(buffer + AT_DIM, (uint32_t)header->dim);
    put_u32(buffer + AT_LISTS, header->lists);
    put_u64(buffer + AT_ROWS, header->rows);
    put_u64(buffer + AT_LIVE, header->live_rows);
    put_u64(buffer + AT_SUMS_HASH, header->sums_hash);
    put_u64(buffer + AT_DEAD_HASH, header->dead_hash);
    put_u64(buffer + AT_GROUPS, header->groups);
    put_u32(buffer + AT_ROTATED, header->is_rotated);
    put_f32(buffer + AT_RANGE, header->range);
    put_f32(buffer + AT_LONGEST, header->longest);
    put_u64(buffer + AT_TABLE_HASH, header->table_hash);
    put_f32(buffer + AT_FAR, header->ladder.far);
    const struct lists_rung *rungs = &header->ladder.rungs[0][0][0];
    for (size_t i = 0; i < RUNGS; i++) {
        uint8_t *at = buffer + AT_LADDER + RUNG_SIZE * i;
        put_u32(at, rungs[i].probes);
        put_u32(at + 4, rungs[i].rerank);
        put_f32(at + 8, rungs[i].reach);
    }
    put_u64(buffer + AT_HASH, hash64(buffer, AT_HASH, 0));
}

static enum err_code bad(struct err *err, size_t at, uint64_t found, const char *expected)
{
    return err_set(err, ERR_CORRUPT, "offset %zu: %" PRIu64 " found, %s expected", at, found,
                   expected);
}

static enum err_code check_ladder(const struct lists_header *h, struct err *err)
{
    const struct lists_rung *rungs = &h->ladder.rungs[0][0][0];
    for (size_t i = 0; i < RUNGS; i++)
        if (rungs[i].probes > h->lists || rungs[i].rerank > h->rows ||
            (rungs[i].probes > 0 && rungs[i].rerank == 0))
            return bad(err, AT_LADDER + RUNG_SIZE * i, rungs[i].probes,
                       "no more probes than lists, and rows to score");
    return ERR_OK;
}

static enum err_code check_counts(const struct lists_header *h, struct err *err)
{
    if (h->rows == 0 || h->rows >= UINT32_MAX)
        return bad(err, AT_ROWS, h->rows, "1 to 4294967294 rows");
    if (h->live_rows > h->rows)
        return bad(err, AT_LIVE, h->live_rows, "at most the segment's rows");
    if (h->lists == 0 || h->lists > LISTS_MAX || h->lists % CODE_GROUP != 0)
        return bad(err, AT_LISTS, h->lists, "16 to 65536 lists, a multiple of 16");
    if (h->groups * CODE_GROUP < h->live_rows ||
        h->groups > h->live_rows / CODE_GROUP + h->lists + 1)
        return bad(err, AT_GROUPS, h->groups, "as many groups as the rows need");
    if (!(h->range > 0.0F) || !isfinite(h->range))
        return bad(err, AT_RANGE, 0, "a positive range");
    return check_ladder(h, err);
}

enum err_code lists_header_decode(struct bytes in, struct lists_header *ret_header, struct err *err)
{
    if (in.size < LISTS_HEADER_SIZE || memcmp(in.data, MAGIC, 8) != 0)
        return bad(err, 0, in.size, "a file that begins with " MAGIC);
    const uint32_t version = get_u32(in.data + AT_VERSION);
    if (version != VERSION)
        return err_set(err, ERR_UNSUPPORTED, "offset 8: version %u found, %d expected", version,
                       VERSION);
    if (get_u64(in.data + AT_HASH) != hash64(in.data, AT_HASH, 0))
        return bad(err, AT_HASH, get_u64(in.data + AT_HASH), "the checksum of the head");
    struct lists_header h = {
        .metric = (enum metric_type)get_u32(in.data + AT_METRIC),
        .dim = get_u32(in.data + AT_DIM),
        .lists = get_u32(in.data + AT_LISTS),
        .rows = get_u64(in.data + AT_ROWS),
        .live_rows = get_u64(in.data + AT_LIVE),
        .sums_hash = get_u64(in.data + AT_SUMS_HASH),
        .dead_hash = get_u64(in.data + AT_DEAD_HASH),
        .groups = get_u64(in.data + AT_GROUPS),
        .is_rotated = get_u32(in.data + AT_ROTATED) != 0,
        .range = get_f32(in.data + AT_RANGE),
        .longest = get_f32(in.data + AT_LONGEST),
        .table_hash = get_u64(in.data + AT_TABLE_HASH),
    };
    h.ladder.far = get_f32(in.data + AT_FAR);
    struct lists_rung *rungs = &h.ladder.rungs[0][0][0];
    for (size_t i = 0; i < RUNGS; i++) {
        const uint8_t *at = in.data + AT_LADDER + RUNG_SIZE * i;
        rungs[i] = (struct lists_rung){get_u32(at), get_u32(at + 4), get_f32(at + 8)};
    }
    if (!codes_support(h.metric))
        return bad(err, AT_METRIC, (uint64_t)h.metric, "a metric of floats");
    if (!metric_dim_is_valid(h.metric, (long long)h.dim))
        return bad(err, AT_DIM, h.dim, "a dimension");
    const enum err_code code = check_counts(&h, err);
    if (code == ERR_OK)
        *ret_header = h;
    return code;
}

/* The first group of each list: from 0 up to all groups, never down. */
static enum err_code check_starts(struct bytes in, const struct lists_header *header,
                                  const struct lists_layout *at, struct err *err)
{
    uint32_t before = 0;
    for (uint32_t list = 0; list <= header->lists; list++) {
        const uint64_t offset = at->starts + (uint64_t)list * 4;
        const uint32_t start = get_u32(in.data + offset);
        const bool is_end = list == header->lists;
        if (start < before || start > header->groups || (list == 0 && start != 0) ||
            (is_end && start != header->groups))
            return bad(err, (size_t)offset, start, "the first group of a list");
        before = start;
    }
    return ERR_OK;
}

enum err_code lists_file_check(struct bytes in, const struct lists_header *header, struct err *err)
{
    const struct lists_layout at = lists_layout_of(header);
    if (in.size != at.size)
        return bad(err, 0, in.size, "as many bytes as the head says");
    if (hash64(in.data + at.table, (size_t)(at.blocks * 8), 0) != header->table_hash)
        return bad(err, (size_t)at.table, at.blocks, "checksums that the head knows");
    for (uint64_t block = 0; block < at.blocks; block++) {
        const uint64_t from = LISTS_HEADER_SIZE + block * LISTS_BLOCK_SIZE;
        const uint64_t left = at.table - from;
        const size_t size = left < LISTS_BLOCK_SIZE ? (size_t)left : LISTS_BLOCK_SIZE;
        if (hash64(in.data + from, size, 0) != get_u64(in.data + at.table + block * 8))
            return bad(err, (size_t)from, size, "bytes with another checksum");
    }
    return check_starts(in, header, &at, err);
}
