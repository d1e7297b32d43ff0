/* truth.c: see truth.h. */
#include "engine/truth.h"

#include <string.h>

#include "base/mem.h"
#include "base/pool.h"

#define PART_ROWS ((uint64_t)16384)

struct search {
    const struct lists_build_options *options;
    const struct truth *truth;
    struct topk *topks; /* threads x queries */
    size_t topk_count;
    atomic_size_t next_part;
};

static enum err_code scan_parts(void *argument, size_t thread, struct err *err)
{
    struct search *search = argument;
    const struct segment *segment = search->options->segment;
    struct scan_scratch scratch;
    enum err_code code = scan_scratch_init(&scratch, &search->truth->scan, err);
    const uint64_t rows = segment->facts.rows;
    while (code == ERR_OK) {
        const uint64_t first = atomic_fetch_add(&search->next_part, 1) * PART_ROWS;
        if (first >= rows)
            break;
        const struct scan_rows part = {
            .rows = segment->vectors.data + first * segment->facts.row_size,
            .row_count = rows - first < PART_ROWS ? (size_t)(rows - first) : PART_ROWS,
            .first_ordinal = first,
            .dead = segment->dead,
            .first_bit = (size_t)first,
        };
        scan_block(&search->truth->scan, &part, &scratch,
                   search->topks + thread * search->truth->query_count);
        code = meter_pass(search->options->meter, 0, 0, err);
    }
    scan_scratch_release(&scratch);
    return code;
}

/* Neighbours of a query, nearest first, without the query itself and without its twins. */
static void collect(struct search *search, struct truth *truth, size_t query)
{
    struct topk *best = &search->topks[query];
    for (size_t thread = 1; thread < search->options->threads; thread++)
        topk_merge(best, &search->topks[thread * truth->query_count + query]);
    const size_t found = topk_finish(best);
    const struct segment *segment = search->options->segment;
    const size_t row_size = segment->facts.row_size;
    size_t count = 0;
    for (size_t i = 0; i < found && count < truth->wanted; i++)
        if (memcmp(segment->vectors.data + best->hits[i].ordinal * row_size,
                   truth->queries + query * row_size, row_size) != 0)
            truth->rows[query * truth->wanted + count++] = (uint32_t)best->hits[i].ordinal;
    truth->counts[query] = count;
}

static enum err_code find_neighbours(const struct lists_build_options *options, struct truth *truth,
                                     struct err *err)
{
    struct search search = {.options = options, .truth = truth};
    const size_t topk_count = options->threads * truth->query_count;
    const struct scan_request request = {.kernel = options->kernel,
                                         .metric = options->metric,
                                         .dim = options->dim,
                                         .queries = truth->queries,
                                         .query_count = truth->query_count};
    search.topks = mem_alloc(topk_count, sizeof *search.topks);
    if (search.topks == NULL)
        return err_nomem(err, "index");
    enum err_code code = scan_init(&truth->scan, &request, err);
    while (code == ERR_OK && search.topk_count < topk_count) {
        code = topk_init(&search.topks[search.topk_count], truth->wanted + 1, false, err);
        search.topk_count += code == ERR_OK;
    }
    if (code == ERR_OK)
        code = pool_run(options->threads, options->threads, scan_parts, &search, err);
    for (size_t query = 0; code == ERR_OK && query < truth->query_count; query++)
        collect(&search, truth, query);
    for (size_t i = 0; i < search.topk_count; i++)
        topk_release(&search.topks[i]);
    mem_free(search.topks);
    return code;
}

static void draw_rows(struct truth *truth, const uint32_t *places, uint64_t place_count,
                      uint64_t rows)
{
    const uint64_t step = truth_step(place_count);
    for (uint64_t at = step / 2; at < place_count && truth->near_count < TRUTH_NEAR; at += step) {
        uint64_t place = at;
        while (place < place_count && places[place] >= rows)
            place++;
        if (place < place_count)
            truth->query_rows[truth->near_count++] = places[place];
    }
}

static void make_queries(const struct segment *segment, enum metric_type metric,
                         struct truth *truth)
{
    const size_t row_size = segment->facts.row_size;
    const size_t width = metric_is_binary(metric) ? 1 : sizeof(float); /* of a component */
    for (size_t q = 0; q < truth->near_count; q++)
        memcpy(truth->queries + q * row_size,
               segment->vectors.data + truth->query_rows[q] * row_size, row_size);
    truth->query_count = truth->near_count > 0 ? truth->near_count + TRUTH_FAR : 0;
    uint64_t random = 1;
    for (size_t q = truth->near_count; q < truth->query_count; q++) {
        truth->query_rows[q] = TRUTH_NO_ROW;
        for (size_t at = 0; at < row_size; at += width) {
            random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            const size_t from = (size_t)(random >> 33) % truth->near_count;
            memcpy(truth->queries + q * row_size + at, truth->queries + from * row_size + at,
                   width);
        }
    }
}

enum err_code truth_make(const struct lists_build_options *options, const uint32_t *places,
                         uint64_t place_count, size_t wanted, struct truth *truth, struct err *err)
{
    const struct segment *segment = options->segment;
    *truth = (struct truth){.wanted = wanted};
    truth->queries = mem_alloc(TRUTH_QUERIES, segment->facts.row_size);
    if (truth->queries == NULL)
        return err_nomem(err, "index");
    draw_rows(truth, places, place_count, segment->facts.rows);
    make_queries(segment, options->metric, truth);
    if (truth->query_count == 0)
        return ERR_OK;
    truth->rows = mem_zalloc(truth->query_count * wanted, sizeof *truth->rows);
    truth->counts = mem_zalloc(truth->query_count, sizeof *truth->counts);
    if (truth->rows == NULL || truth->counts == NULL)
        return err_nomem(err, "index");
    return find_neighbours(options, truth, err);
}

void truth_release(struct truth *truth)
{
    scan_release(&truth->scan);
    mem_free(truth->queries);
    mem_free(truth->rows);
    mem_free(truth->counts);
    *truth = (struct truth){0};
}
