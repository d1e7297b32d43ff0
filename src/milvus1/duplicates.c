/* duplicates.c: see duplicates.h. */
#include "milvus1/duplicates.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define PASSES_MAX ((uint64_t)1 << 20)

/* One pass: the ids whose hash falls into one of `passes` ranges. */
struct pass {
    struct id_sink sink;
    uint64_t passes;
    uint64_t number;
    uint64_t *ids; /* `capacity` of them, and as many again for sorting */
    uint64_t *scratch;
    size_t (*histogram)[256]; /* by byte of an id */
    size_t capacity;
    size_t count;
    bool is_ascending; /* all ids so far, in the order in which they came */
    bool is_full;      /* too many ids: more passes are needed */
    int64_t last;
    uint64_t seen;
    uint64_t surplus; /* rows of ids that were collapsed to two entries */
};

static uint64_t mix(uint64_t x)
{
    x ^= x >> 33;
    x *= 0xff51afd7ed558ccdU;
    x ^= x >> 33;
    x *= 0xc4ceb9fe1a85ec53U;
    return x ^ x >> 33;
}

/* Least significant byte first; bytes that are the same in all ids cost nothing. Only equal ids
 * have to end up side by side, so the sign does not matter. */
static void sort_ids(struct pass *pass)
{
    size_t(*histogram)[256] = pass->histogram;
    uint64_t *from = pass->ids, *to = pass->scratch;
    memset(histogram, 0, 8 * sizeof *histogram);
    for (size_t k = 0; k < pass->count; k++)
        for (unsigned byte = 0; byte < 8; byte++)
            histogram[byte][from[k] >> (8 * byte) & 255]++;
    for (unsigned byte = 0; byte < 8; byte++) {
        size_t *starts = histogram[byte];
        if (pass->count > 0 && starts[from[0] >> (8 * byte) & 255] == pass->count)
            continue;
        size_t sum = 0;
        for (size_t k = 0; k < 256; k++) {
            const size_t here = starts[k];
            starts[k] = sum;
            sum += here;
        }
        for (size_t k = 0; k < pass->count; k++)
            to[starts[from[k] >> (8 * byte) & 255]++] = from[k];
        uint64_t *swap = from;
        from = to;
        to = swap;
    }
    pass->ids = from;
    pass->scratch = to;
}

/* Sorts, and keeps of each id at most two entries; the others are counted. */
static void collapse(struct pass *pass)
{
    sort_ids(pass);
    size_t kept = 0;
    for (size_t k = 0; k < pass->count; k++) {
        if (kept >= 2 && pass->ids[kept - 1] == pass->ids[k] && pass->ids[kept - 2] == pass->ids[k])
            pass->surplus++;
        else
            pass->ids[kept++] = pass->ids[k];
    }
    pass->count = kept;
}

static enum err_code take(struct id_sink *sink, const int64_t *ids, size_t count, struct err *err)
{
    (void)err;
    struct pass *pass = (struct pass *)sink;
    for (size_t k = 0; k < count && !pass->is_full; k++) {
        pass->is_ascending = pass->is_ascending && (pass->seen == 0 || ids[k] > pass->last);
        pass->last = ids[k];
        pass->seen++;
        if (pass->passes > 1 && mix((uint64_t)ids[k]) % pass->passes != pass->number)
            continue;
        if (pass->count == pass->capacity) {
            collapse(pass);
            pass->is_full = pass->is_full || pass->count > pass->capacity / 8 * 7;
        }
        if (!pass->is_full)
            pass->ids[pass->count++] = (uint64_t)ids[k];
    }
    return ERR_OK;
}

static void count_pass(struct pass *pass, uint64_t *ids, uint64_t *rows)
{
    collapse(pass);
    *rows += pass->surplus;
    for (size_t k = 1; k < pass->count; k++)
        if (pass->ids[k] == pass->ids[k - 1]) {
            ++*ids;
            ++*rows;
        }
}

/* ------------------------------------------------------------------------- nothing to be sorted */

/* A stretch of ids in ascending order. */
struct stretch {
    int64_t first;
    int64_t last;
};

/* The whole stream as ascending stretches: as a rule one for each insert, flush or merge. */
struct stretches {
    struct id_sink sink;
    struct stretch *items;
    size_t count;
    size_t capacity; /* never grows: past it there is too much disorder */
    bool is_full;
};

static enum err_code take_stretch(struct id_sink *sink, const int64_t *ids, size_t count,
                                  struct err *err)
{
    (void)err;
    struct stretches *stretches = (struct stretches *)sink;
    for (size_t k = 0; k < count && !stretches->is_full; k++) {
        struct stretch *last =
            stretches->count > 0 ? &stretches->items[stretches->count - 1] : NULL;
        if (last != NULL && ids[k] > last->last)
            last->last = ids[k];
        else if (stretches->count < stretches->capacity)
            stretches->items[stretches->count++] = (struct stretch){ids[k], ids[k]};
        else
            stretches->is_full = true;
    }
    return ERR_OK;
}

static int compare_stretches(const void *a, const void *b)
{
    const struct stretch *x = a, *y = b;
    return (x->first > y->first) - (x->first < y->first);
}

/* Ascending stretches that do not overlap: no two ids are equal, and no id had to be kept to know
 * it. ret_are_distinct false means only that it is not known. */
static enum err_code look_at_order(const struct id_stream *stream, bool *ret_are_distinct,
                                   struct err *err)
{
    struct stretches stretches = {.sink = {take_stretch},
                                  .capacity = stream->memory / sizeof(struct stretch)};
    *ret_are_distinct = false;
    stretches.items = mem_alloc(stretches.capacity, sizeof *stretches.items);
    if (stretches.items == NULL)
        return err_nomem(err, "counting duplicate ids");
    const enum err_code code = stream->read(stream->argument, &stretches.sink, err);
    if (code == ERR_OK && !stretches.is_full) {
        qsort(stretches.items, stretches.count, sizeof *stretches.items, compare_stretches);
        *ret_are_distinct = true;
        for (size_t k = 1; k < stretches.count && *ret_are_distinct; k++)
            *ret_are_distinct = stretches.items[k].first > stretches.items[k - 1].last;
    }
    mem_free(stretches.items);
    return code;
}

static enum err_code run_passes(const struct id_stream *stream, struct pass *pass, uint64_t passes,
                                uint64_t *ret_ids, uint64_t *ret_rows, struct err *err)
{
    uint64_t ids = 0, rows = 0;
    for (uint64_t number = 0; number < passes; number++) {
        *pass = (struct pass){.sink = {take},
                              .passes = passes,
                              .number = number,
                              .ids = pass->ids,
                              .scratch = pass->scratch,
                              .histogram = pass->histogram,
                              .capacity = pass->capacity,
                              .is_ascending = true};
        const enum err_code code = stream->read(stream->argument, &pass->sink, err);
        if (code != ERR_OK)
            return code;
        if (pass->is_ascending && passes == 1)
            break;
        if (!pass->is_full)
            count_pass(pass, &ids, &rows);
        if (pass->is_full)
            return ERR_OK;
    }
    *ret_ids = ids;
    *ret_rows = rows;
    return ERR_OK;
}

/* Passes over all ids, more of them until each fits the memory. */
static enum err_code sort_and_count(const struct id_stream *stream, struct pass *pass,
                                    uint64_t passes, uint64_t *ret_ids, uint64_t *ret_rows,
                                    struct err *err)
{
    for (; passes <= PASSES_MAX; passes *= 2) {
        const enum err_code code = run_passes(stream, pass, passes, ret_ids, ret_rows, err);
        if (code != ERR_OK || !pass->is_full)
            return code;
    }
    return err_nomem(err, "counting duplicate ids");
}

enum err_code duplicates_count(const struct id_stream *stream, uint64_t *ret_ids,
                               uint64_t *ret_rows, struct err *err)
{
    const uint64_t room = stream->memory / sizeof(uint64_t) / 2;
    uint64_t passes = 1;
    while (passes * (room / 4 * 3) < stream->rows && passes < PASSES_MAX)
        passes++;
    bool are_distinct = stream->rows < 2;
    enum err_code code = passes > 1 ? look_at_order(stream, &are_distinct, err) : ERR_OK;
    if (code != ERR_OK)
        return code;
    if (are_distinct) {
        *ret_ids = *ret_rows = 0;
        return ERR_OK;
    }
    const uint64_t wanted = stream->rows < room ? stream->rows : room;
    struct pass pass = {.capacity = (size_t)wanted};
    uint64_t *const first = pass.ids = mem_alloc(pass.capacity, sizeof *pass.ids);
    uint64_t *const second = pass.scratch = mem_alloc(pass.capacity, sizeof *pass.scratch);
    pass.histogram = mem_alloc(8, sizeof *pass.histogram);
    if (first == NULL || second == NULL || pass.histogram == NULL)
        code = err_nomem(err, "counting duplicate ids");
    else
        code = sort_and_count(stream, &pass, passes, ret_ids, ret_rows, err);
    mem_free(first);
    mem_free(second);
    mem_free(pass.histogram);
    return code;
}
