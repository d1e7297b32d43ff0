/* bits_format.c: see bits_format.h and docs/database-format.md. */
#include "engine/bits_format.h"

#include <inttypes.h>
#include <string.h>

#include "base/hash.h"
#include "kernel/bit.h"

#define MAGIC "GODWBIT1"
#define VERSION 1
#define AT_VERSION 8
#define AT_METRIC 12
#define AT_DIM 16
#define AT_LISTS 20
#define AT_ROWS 24
#define AT_LIVE 32
#define AT_SUMS_HASH 40
#define AT_DEAD_HASH 48
#define AT_GROUPS 56
#define AT_TABLE_HASH 64
#define AT_FAR 72
#define AT_LADDER 128
#define PROBES ((size_t)LISTS_KINDS * LISTS_K_CLASSES * LISTS_LEVELS)
#define MEANS ((size_t)LISTS_K_CLASSES * LISTS_LEVELS)
#define AT_MEANS (AT_LADDER + 4 * PROBES)
#define AT_HASH (BITS_HEADER_SIZE - 8)

bool bits_support(enum metric_type metric)
{
    return metric == METRIC_HAMMING || metric == METRIC_JACCARD || metric == METRIC_TANIMOTO;
}

static uint64_t up(uint64_t offset)
{
    return (offset + 63) / 64 * 64;
}

struct bits_layout bits_layout_of(const struct bits_header *header)
{
    const uint64_t lists = header->lists;
    struct bits_layout at = {.lines = bit_lines(header->dim / 8),
                             .has_counts = header->metric != METRIC_HAMMING};
    at.group_size = bit_group_size(at.lines, at.has_counts);
    at.starts = BITS_HEADER_SIZE;
    at.norms = up(at.starts + (lists + 1) * 4);
    at.weights = at.norms + lists * 4;
    at.rows = at.weights + lists * header->dim;
    at.codes = at.rows + header->groups * BIT_GROUP * 4;
    at.table = at.codes + header->groups * at.group_size;
    at.blocks = (at.table - BITS_HEADER_SIZE + BITS_BLOCK_SIZE - 1) / BITS_BLOCK_SIZE;
    at.size = at.table + at.blocks * 8;
    return at;
}

void bits_header_encode(const struct bits_header *header, uint8_t *buffer)
{
    memset(buffer, 0, BITS_HEADER_SIZE);
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
    put_u64(buffer + AT_TABLE_HASH, header->table_hash);
    put_f32(buffer + AT_FAR, header->ladder.far);
    for (size_t i = 0; i < PROBES; i++)
        put_u32(buffer + AT_LADDER + 4 * i, (&header->ladder.probes[0][0][0])[i]);
    for (size_t i = 0; i < MEANS; i++)
        put_f32(buffer + AT_MEANS + 4 * i, (&header->ladder.rows[0][0])[i]);
    put_u64(buffer + AT_HASH, hash64(buffer, AT_HASH, 0));
}

static enum err_code bad(struct err *err, size_t at, uint64_t found, const char *expected)
{
    return err_set(err, ERR_CORRUPT, "offset %zu: %" PRIu64 " found, %s expected", at, found,
                   expected);
}

static enum err_code check_counts(const struct bits_header *h, struct err *err)
{
    if (h->rows == 0 || h->rows >= UINT32_MAX)
        return bad(err, AT_ROWS, h->rows, "1 to 4294967294 rows");
    if (h->live_rows > h->rows)
        return bad(err, AT_LIVE, h->live_rows, "at most the segment's rows");
    if (h->lists == 0 || h->lists > BITS_LISTS_MAX || h->lists % BIT_LANES != 0)
        return bad(err, AT_LISTS, h->lists, "64 to 65536 lists, a multiple of 64");
    if (h->groups * BIT_GROUP < h->live_rows || h->groups > h->live_rows / BIT_GROUP + h->lists + 1)
        return bad(err, AT_GROUPS, h->groups, "as many groups as the rows need");
    const uint32_t *probes = &h->ladder.probes[0][0][0];
    for (size_t i = 0; i < PROBES; i++)
        if (probes[i] > h->lists)
            return bad(err, AT_LADDER + 4 * i, probes[i], "no more probes than lists");
    return ERR_OK;
}

enum err_code bits_header_decode(struct bytes in, struct bits_header *ret_header, struct err *err)
{
    if (in.size < BITS_HEADER_SIZE || memcmp(in.data, MAGIC, 8) != 0)
        return bad(err, 0, in.size, "a file that begins with " MAGIC);
    const uint32_t version = get_u32(in.data + AT_VERSION);
    if (version != VERSION)
        return err_set(err, ERR_UNSUPPORTED, "offset 8: version %u found, %d expected", version,
                       VERSION);
    if (get_u64(in.data + AT_HASH) != hash64(in.data, AT_HASH, 0))
        return bad(err, AT_HASH, get_u64(in.data + AT_HASH), "the checksum of the head");
    struct bits_header h = {
        .metric = (enum metric_type)get_u32(in.data + AT_METRIC),
        .dim = get_u32(in.data + AT_DIM),
        .lists = get_u32(in.data + AT_LISTS),
        .rows = get_u64(in.data + AT_ROWS),
        .live_rows = get_u64(in.data + AT_LIVE),
        .sums_hash = get_u64(in.data + AT_SUMS_HASH),
        .dead_hash = get_u64(in.data + AT_DEAD_HASH),
        .groups = get_u64(in.data + AT_GROUPS),
        .table_hash = get_u64(in.data + AT_TABLE_HASH),
    };
    h.ladder.far = get_f32(in.data + AT_FAR);
    for (size_t i = 0; i < PROBES; i++)
        (&h.ladder.probes[0][0][0])[i] = get_u32(in.data + AT_LADDER + 4 * i);
    for (size_t i = 0; i < MEANS; i++)
        (&h.ladder.rows[0][0])[i] = get_f32(in.data + AT_MEANS + 4 * i);
    if (!bits_support(h.metric))
        return bad(err, AT_METRIC, (uint64_t)h.metric, "HAMMING, JACCARD or TANIMOTO");
    if (!metric_dim_is_valid(h.metric, (long long)h.dim))
        return bad(err, AT_DIM, h.dim, "a dimension, a multiple of 8");
    const enum err_code code = check_counts(&h, err);
    if (code == ERR_OK)
        *ret_header = h;
    return code;
}

/* The first group of each list: from 0 up to all groups, never down. */
static enum err_code check_starts(struct bytes in, const struct bits_header *header,
                                  const struct bits_layout *at, struct err *err)
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

enum err_code bits_file_check(struct bytes in, const struct bits_header *header, struct err *err)
{
    const struct bits_layout at = bits_layout_of(header);
    if (in.size != at.size)
        return bad(err, 0, in.size, "as many bytes as the head says");
    if (hash64(in.data + at.table, (size_t)(at.blocks * 8), 0) != header->table_hash)
        return bad(err, (size_t)at.table, at.blocks, "checksums that the head knows");
    for (uint64_t block = 0; block < at.blocks; block++) {
        const uint64_t from = BITS_HEADER_SIZE + block * BITS_BLOCK_SIZE;
        const uint64_t left = at.table - from;
        const size_t size = left < BITS_BLOCK_SIZE ? (size_t)left : BITS_BLOCK_SIZE;
        if (hash64(in.data + from, size, 0) != get_u64(in.data + at.table + block * 8))
            return bad(err, (size_t)from, size, "bytes with another checksum");
    }
    return check_starts(in, header, &at, err);
}
