/* scan.c: see scan.h. Rows are taken in blocks of KERNEL_BLOCK (one word of the bitmaps): pointers
 * to the live ones, their keys, a mask of keys within the limit, and only then single rows. */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/mem.h"
#include "kernel/scan.h"

#define FETCH_SIZE 2048 /* bytes of the next rows to ask for early */
#define DIRECT_MAX 64   /* sieve blocks scored directly before the sieve is tried again */

/* Some rows about to be scored, at most KERNEL_BLOCK. */
struct candidates {
    const uint8_t *rows[KERNEL_BLOCK];
    uint32_t index[KERNEL_BLOCK]; /* place in scan_rows */
    size_t count;
    const uint8_t *next; /* what will be read after them ... */
    size_t next_size;    /* ... so many bytes of it, 0: nothing */
};

static bool is_structure(enum metric_type metric)
{
    return metric == METRIC_SUBSTRUCTURE || metric == METRIC_SUPERSTRUCTURE;
}

static const float *float_query(const struct scan *scan, size_t query)
{
    return (const float *)(const void *)(scan->queries + query * scan->query_size);
}

static void negate(float *keys, size_t count)
{
    for (size_t i = 0; i < count; i++)
        keys[i] = -keys[i];
}

/* The cosine where the sums of squares overflow or underflow in single precision. */
static float careful_cosine(const float *query, const uint8_t *row, size_t dim)
{
    double product = 0.0;
    double query_norm = 0.0;
    double row_norm = 0.0;
    for (size_t k = 0; k < dim; k++) {
        float value;
        memcpy(&value, row + k * sizeof value, sizeof value);
        product += (double)query[k] * (double)value;
        query_norm += (double)query[k] * (double)query[k];
        row_norm += (double)value * (double)value;
    }
    if (query_norm == 0.0 || row_norm == 0.0)
        return 0.0F;
    return (float)(product / (sqrt(query_norm) * sqrt(row_norm)));
}

static unsigned is_plain_norm(float norm)
{
    return (unsigned)(norm >= 0x1p-80F) & (unsigned)(norm <= 0x1p80F);
}

/* Loops without branches, so that compilers use vectors for the square roots. */
static void cosine_keys(const struct scan *scan, size_t query, const uint8_t *const *rows,
                        size_t count, float *ret_keys)
{
    float norms[KERNEL_BLOCK];
    const float *values = float_query(scan, query);
    const float query_norm = scan->query_norms[query];
    scan->kernel->product_norm(values, scan->dim, rows, count, ret_keys, norms);
    /* The product of two singles is exact in double, so equal vectors score exactly 1. */
    for (size_t i = 0; i < count; i++)
        ret_keys[i] = (float)(-(double)ret_keys[i] / sqrt((double)query_norm * (double)norms[i]));
    unsigned is_plain = is_plain_norm(query_norm);
    for (size_t i = 0; i < count; i++)
        is_plain &= is_plain_norm(norms[i]);
    for (size_t i = 0; i < count && !is_plain; i++)
        if (!is_plain_norm(query_norm) || !is_plain_norm(norms[i]))
            ret_keys[i] = -careful_cosine(values, rows[i], scan->dim);
}

static void structure_keys(const uint32_t *both, const uint32_t *whole, size_t count,
                           float *ret_keys)
{
    for (size_t i = 0; i < count; i++)
        ret_keys[i] = both[i] == whole[i] ? 0.0F : NAN;
}

static void jaccard_keys(uint32_t query_bits, const uint32_t *both, const uint32_t *alone,
                         size_t count, float *ret_keys)
{
    for (size_t i = 0; i < count; i++) {
        const int32_t any = (int32_t)(query_bits + alone[i] - both[i]);
        const float part = (float)(any - (int32_t)both[i]) / (float)any;
        ret_keys[i] = any == 0 ? 1.0F : part;
    }
}

static void bit_keys(const struct scan *scan, size_t query, const uint8_t *const *rows,
                     size_t count, float *ret_keys)
{
    uint32_t both[KERNEL_BLOCK];
    uint32_t alone[KERNEL_BLOCK];
    const uint8_t *bytes = scan->queries + query * scan->query_size;
    const uint32_t query_bits = scan->query_bits[query];
    if (scan->metric == METRIC_HAMMING) {
        scan->kernel->xor_bits(bytes, scan->row_size, rows, count, both);
        for (size_t i = 0; i < count; i++)
            ret_keys[i] = (float)(int32_t)both[i];
        return;
    }
    scan->kernel->and_bits(bytes, scan->row_size, rows, count, both, alone);
    if (scan->metric == METRIC_SUBSTRUCTURE)
        for (size_t i = 0; i < count; i++)
            alone[i] = query_bits;
    if (is_structure(scan->metric))
        structure_keys(both, alone, count, ret_keys);
    else
        jaccard_keys(query_bits, both, alone, count, ret_keys);
}

void scan_keys(const struct scan *scan, size_t query, const uint8_t *const *rows, size_t count,
               float *ret_keys)
{
    switch (scan->metric) {
    case METRIC_L2:
        scan->kernel->squared_distance(float_query(scan, query), scan->dim, rows, count, ret_keys);
        break;
    case METRIC_IP:
        scan->kernel->inner_product(float_query(scan, query), scan->dim, rows, count, ret_keys);
        negate(ret_keys, count);
        break;
    case METRIC_COSINE:
        cosine_keys(scan, query, rows, count, ret_keys);
        break;
    default:
        bit_keys(scan, query, rows, count, ret_keys);
        break;
    }
}

float scan_score(enum metric_type metric, float key)
{
    switch (metric) {
    case METRIC_IP:
    case METRIC_COSINE:
        return 0.0F - key; /* never -0 */
    case METRIC_TANIMOTO:
        return (float)(0.0 - log2(1.0 - (double)key));
    default:
        return key;
    }
}

/* Bits from .. from + 63 of a bitmap; those at or past `end` are not read. */
static uint64_t bits_at(const uint64_t *words, size_t from, size_t end)
{
    const size_t shift = from % 64;
    uint64_t bits = words[from / 64] >> shift;
    if (shift != 0 && from / 64 * 64 + 64 < end)
        bits |= words[from / 64 + 1] << (64 - shift);
    return bits;
}

/* Which of the rows from .. from + 63 are to be looked at. */
static uint64_t live_rows(const struct scan_rows *rows, size_t from)
{
    const size_t left = rows->row_count - from;
    const size_t end = rows->first_bit + rows->row_count;
    uint64_t live = left < 64 ? ((uint64_t)1 << left) - 1 : ~(uint64_t)0;
    if (rows->dead != NULL)
        live &= ~bits_at(rows->dead, rows->first_bit + from, end);
    if (rows->allow != NULL)
        live &= bits_at(rows->allow, rows->first_bit + from, end);
    return live;
}

/* Appends the live rows to lists of pointers and places; returns how many. */
static size_t list_rows(const struct scan *scan, const struct scan_rows *rows, size_t from,
                        uint64_t live, const uint8_t **ret_rows, uint32_t *ret_index)
{
    size_t count = 0;
    if (live == ~(uint64_t)0) {
        for (; count < 64; count++) {
            ret_rows[count] = rows->rows + (from + count) * scan->row_size;
            ret_index[count] = (uint32_t)(from + count);
        }
        return count;
    }
    for (; live != 0; live &= live - 1) {
        const size_t index = from + (size_t)__builtin_ctzll(live);
        ret_rows[count] = rows->rows + index * scan->row_size;
        ret_index[count++] = (uint32_t)index;
    }
    return count;
}

static void push(const struct scan_rows *rows, size_t index, float key, struct topk *topk)
{
    const uint64_t ordinal = rows->first_ordinal + index;
    int64_t id = (int64_t)ordinal;
    if (rows->ids != NULL)
        memcpy(&id, (const uint8_t *)rows->ids + index * sizeof id, sizeof id);
    topk_push(topk, key, id, ordinal);
}

/* Asks for what comes next, so that memory does not idle while keys are compared (measured: 6 %).
 */
static void fetch_next(const struct candidates *candidates)
{
    for (size_t at = 0; at < candidates->next_size; at += 64)
        __builtin_prefetch(candidates->next + at);
}

/* Scores the candidates (in order of ordinal) for one query and keeps those within its limit. */
static void offer(const struct scan *scan, const struct scan_rows *rows, size_t query,
                  const struct candidates *candidates, struct topk *topk)
{
    const float limit = topk_limit(topk, rows->first_ordinal + candidates->index[0]);
    const bool can_be_negative = scan->metric == METRIC_IP || scan->metric == METRIC_COSINE;
    if (limit < 0.0F && !can_be_negative)
        return;
    float keys[KERNEL_BLOCK];
    scan_keys(scan, query, candidates->rows, candidates->count, keys);
    fetch_next(candidates);
    for (size_t i = candidates->count; i < KERNEL_BLOCK; i++)
        keys[i] = NAN;
    for (uint64_t mask = scan->kernel->within(keys, limit); mask != 0; mask &= mask - 1) {
        const size_t i = (size_t)__builtin_ctzll(mask);
        push(rows, candidates->index[i], keys[i], topk);
    }
}

static void set_next(const struct scan *scan, const struct scan_rows *rows, size_t from,
                     struct candidates *candidates)
{
    const size_t left = from < rows->row_count ? (rows->row_count - from) * scan->row_size : 0;
    candidates->next_size = left < FETCH_SIZE ? left : FETCH_SIZE;
    candidates->next = rows->rows + (left == 0 ? 0 : from * scan->row_size);
}

/* Scores what was listed for all queries; `next` is the row that comes after it. */
static void offer_all(const struct scan *scan, const struct scan_rows *rows, size_t next,
                      struct candidates *candidates, struct topk *topks)
{
    candidates->next_size = 0;
    for (size_t q = 0; q + 1 < scan->query_count; q++)
        offer(scan, rows, q, candidates, &topks[q]);
    set_next(scan, rows, next, candidates);
    offer(scan, rows, scan->query_count - 1, candidates, &topks[scan->query_count - 1]);
    candidates->count = 0;
}

/* Scores rows from .. end for all queries; `from` is where a block begins. Rows that are few and
 * far between are listed over several blocks. */
static void scan_directly(const struct scan *scan, const struct scan_rows *rows, size_t from,
                          size_t end, struct topk *topks)
{
    struct candidates candidates;
    candidates.count = 0;
    for (; from < end; from += KERNEL_BLOCK) {
        const uint64_t live = live_rows(rows, from);
        if (live == 0)
            continue;
        if (candidates.count + (size_t)__builtin_popcountll(live) > KERNEL_BLOCK)
            offer_all(scan, rows, from, &candidates, topks);
        candidates.count += list_rows(scan, rows, from, live, candidates.rows + candidates.count,
                                      candidates.index + candidates.count);
    }
    if (candidates.count != 0)
        offer_all(scan, rows, end, &candidates, topks);
}

/* Offers the rows that passed for one query; returns how many. */
static size_t offer_passed(const struct scan *scan, const struct scan_rows *rows, size_t query,
                           const struct sieve_scratch *scratch, const struct sieve_passed *passed,
                           struct topk *topk)
{
    const size_t width = scan->kernel->tile_rows;
    const size_t column = query % scan->kernel->tile_group;
    struct candidates candidates;
    candidates.count = candidates.next_size = 0;
    size_t count = 0;
    for (size_t from = 0; from < scratch->count; from += width) {
        for (uint32_t mask = passed->masks[from / width][column]; mask != 0; mask &= mask - 1) {
            const size_t r = from + (size_t)__builtin_ctz(mask);
            candidates.rows[candidates.count] = scratch->rows[r];
            candidates.index[candidates.count++] = scratch->index[r];
            count++;
            if (candidates.count == KERNEL_BLOCK) {
                offer(scan, rows, query, &candidates, topk);
                candidates.count = 0;
            }
        }
    }
    if (candidates.count != 0)
        offer(scan, rows, query, &candidates, topk);
    return count;
}

/* All queries over the rows listed in scratch; returns how many pairs passed. */
static size_t filter_listed(const struct scan *scan, const struct scan_rows *rows,
                            struct sieve_scratch *scratch, struct topk *topks)
{
    const uint64_t ordinal = rows->first_ordinal + scratch->index[0];
    size_t passed_count = 0;
    sieve_pack(scan->sieve, scratch);
    for (size_t group = 0; group < scan->sieve->group_count; group++) {
        const size_t first = group * scan->kernel->tile_group;
        float limits[KERNEL_TILE_GROUP] = {0};
        for (size_t q = 0; q < scan->kernel->tile_group && first + q < scan->query_count; q++)
            limits[q] = topk_limit(&topks[first + q], ordinal);
        struct sieve_passed passed;
        const size_t count = sieve_group(scan->sieve, scratch, group, limits, &passed);
        for (size_t q = 0; q < count; q++)
            passed_count +=
                offer_passed(scan, rows, first + q, scratch, &passed, &topks[first + q]);
    }
    return passed_count;
}

/* When more than a quarter of the pairs passes, the sieve costs more than it saves: score the next
 * blocks directly, twice as many each time. */
static void judge_filter(const struct scan *scan, struct scan_scratch *scratch, size_t passed)
{
    if (passed <= scratch->sieve.count * scan->query_count / 4) {
        scratch->direct_count = 0;
        return;
    }
    scratch->direct_count = scratch->direct_count == 0 ? 1 : scratch->direct_count * 2;
    if (scratch->direct_count > DIRECT_MAX)
        scratch->direct_count = DIRECT_MAX;
    scratch->direct_left = scratch->direct_count;
}

/* Lists the next live rows, at most a sieve block of them; returns where the rest begins. */
static size_t list_block(const struct scan *scan, const struct scan_rows *rows, size_t from,
                         struct sieve_scratch *block)
{
    block->count = 0;
    while (from < rows->row_count && block->count + KERNEL_BLOCK <= scan->sieve->block_rows) {
        block->count += list_rows(scan, rows, from, live_rows(rows, from),
                                  block->rows + block->count, block->index + block->count);
        from += KERNEL_BLOCK;
    }
    return from;
}

static void scan_filtered(const struct scan *scan, const struct scan_rows *rows,
                          struct scan_scratch *scratch, struct topk *topks)
{
    struct sieve_scratch *block = &scratch->sieve;
    const size_t step = scan->sieve->block_rows;
    for (size_t from = 0; from < rows->row_count;) {
        if (scratch->direct_left > 0) {
            const size_t end = rows->row_count - from < step ? rows->row_count : from + step;
            scan_directly(scan, rows, from, end, topks);
            scratch->direct_left--;
            from += step;
            continue;
        }
        from = list_block(scan, rows, from, block);
        if (block->count != 0)
            judge_filter(scan, scratch, filter_listed(scan, rows, block, topks));
    }
}

static enum err_code check_request(const struct scan_request *request, struct err *err)
{
    if (request->metric <= METRIC_NONE || request->metric >= METRIC_COUNT)
        return err_set(err, ERR_INVALID, "metric type %d; it can be 1 to %d", (int)request->metric,
                       METRIC_COUNT - 1);
    if (request->dim > DIMENSION_MAX ||
        !metric_dim_is_valid(request->metric, (long long)request->dim))
        return err_set(err, ERR_INVALID, "dimension %zu is not possible for metric %s",
                       request->dim, metric_name(request->metric));
    if (request->query_count == 0 || request->query_count > SCAN_QUERIES_MAX)
        return err_set(err, ERR_INVALID, "%zu queries at once; it can be 1 to %d",
                       request->query_count, SCAN_QUERIES_MAX);
    return ERR_OK;
}

static void set_query_norms(struct scan *scan)
{
    for (size_t q = 0; q < scan->query_count; q++) {
        const uint8_t *row = scan->queries + q * scan->query_size;
        float product;
        scan->kernel->product_norm(float_query(scan, q), scan->dim, &row, 1, &product,
                                   &scan->query_norms[q]);
    }
}

static void set_query_bits(struct scan *scan)
{
    for (size_t q = 0; q < scan->query_count; q++) {
        const uint8_t *row = scan->queries + q * scan->query_size;
        uint32_t both;
        scan->kernel->and_bits(row, scan->row_size, &row, 1, &both, &scan->query_bits[q]);
    }
}

/* Copies the queries and works out what each metric needs; false when memory ends. */
static bool prepare(struct scan *scan, const struct scan_request *request)
{
    const bool is_binary = metric_is_binary(scan->metric);
    scan->queries = mem_aligned(scan->query_count, scan->query_size);
    if (scan->queries == NULL)
        return false;
    memset(scan->queries, 0, scan->query_count * scan->query_size);
    for (size_t q = 0; q < scan->query_count; q++)
        memcpy(scan->queries + q * scan->query_size,
               (const uint8_t *)request->queries + q * scan->row_size, scan->row_size);
    if (is_binary) {
        scan->query_bits = mem_alloc(scan->query_count, sizeof(uint32_t));
        if (scan->query_bits == NULL)
            return false;
        set_query_bits(scan);
        return true;
    }
    if (scan->metric == METRIC_COSINE) {
        scan->query_norms = mem_alloc(scan->query_count, sizeof(float));
        if (scan->query_norms == NULL)
            return false;
        set_query_norms(scan);
    }
    if (scan->query_count < scan->kernel->filter_min)
        return true;
    scan->sieve = sieve_new(scan->kernel, scan->metric, scan->dim, float_query(scan, 0),
                            scan->query_size / sizeof(float), scan->query_count);
    return scan->sieve != NULL;
}

enum err_code scan_init(struct scan *scan, const struct scan_request *request, struct err *err)
{
    if (check_request(request, err) != ERR_OK)
        return ERR_INVALID;
    struct scan made = {.kernel = request->kernel,
                        .metric = request->metric,
                        .dim = request->dim,
                        .row_size = metric_row_size(request->metric, request->dim),
                        .query_count = request->query_count};
    made.query_size = (made.row_size + 63) / 64 * 64;
    if (!prepare(&made, request)) {
        scan_release(&made);
        return err_nomem(err, "search queries");
    }
    *scan = made;
    return ERR_OK;
}

void scan_release(struct scan *scan)
{
    mem_free(scan->queries);
    mem_free(scan->query_norms);
    mem_free(scan->query_bits);
    sieve_free(scan->sieve);
    *scan = (struct scan){0};
}

enum err_code scan_scratch_init(struct scan_scratch *scratch, const struct scan *scan,
                                struct err *err)
{
    *scratch = (struct scan_scratch){0};
    if (scan->sieve == NULL)
        return ERR_OK;
    return sieve_scratch_init(&scratch->sieve, scan->sieve, err);
}

void scan_scratch_release(struct scan_scratch *scratch)
{
    sieve_scratch_release(&scratch->sieve);
}

void scan_block(const struct scan *scan, const struct scan_rows *rows, struct scan_scratch *scratch,
                struct topk *topks)
{
    if (scan->sieve != NULL)
        scan_filtered(scan, rows, scratch, topks);
    else
        scan_directly(scan, rows, 0, rows->row_count, topks);
}
