/* difference.c: see difference.h. */
#include "migrate/difference.h"

#include <stdlib.h>
#include <string.h>

#include "base/bitmap.h"
#include "base/pool.h"
#include "migrate/rows.h"

#define BUCKETS_MAX ((size_t)1 << 20)
#define BUCKETS_MIN ((size_t)64)

struct pair {
    int64_t id;
    uint64_t hash;
};

struct bucket {
    atomic_uint_least64_t sum;
    atomic_uint_least64_t rows;
};

/* What one pass keeps of a side. */
struct side {
    struct bucket *buckets;
    struct pair *pairs;
    size_t room;
    atomic_size_t count; /* may pass the maximum: the rest was not kept */
};

struct search {
    const struct difference_inputs *inputs;
    struct compared_partition *partition;
    struct arena *arena;
    size_t *items; /* those of the partition */
    size_t item_count;
    struct side sides[2]; /* source, target */
    size_t bucket_count;  /* a power of two */
    size_t from;          /* buckets of this pass: [from, to) */
    size_t to;
    bool is_collecting;
};

struct item_context {
    struct search *search;
    struct side *side;
};

static size_t bucket_of(const struct search *search, int64_t id)
{
    uint64_t x = (uint64_t)id * UINT64_C(0x9e3779b97f4a7c15);
    x ^= x >> 29;
    x *= UINT64_C(0xbf58476d1ce4e5b9);
    return (size_t)(x >> 40) & (search->bucket_count - 1);
}

static bool differs(const struct search *search, size_t bucket)
{
    const struct bucket *a = &search->sides[0].buckets[bucket];
    const struct bucket *b = &search->sides[1].buckets[bucket];
    return atomic_load_explicit(&a->sum, memory_order_relaxed) !=
               atomic_load_explicit(&b->sum, memory_order_relaxed) ||
           atomic_load_explicit(&a->rows, memory_order_relaxed) !=
               atomic_load_explicit(&b->rows, memory_order_relaxed);
}

static enum err_code take_row(void *argument, int64_t id, struct hash128 hash, struct err *err)
{
    (void)err;
    const struct item_context *context = argument;
    const struct search *search = context->search;
    struct side *side = context->side;
    const size_t bucket = bucket_of(search, id);
    if (!search->is_collecting) {
        atomic_fetch_add_explicit(&side->buckets[bucket].sum, hash.low, memory_order_relaxed);
        atomic_fetch_add_explicit(&side->buckets[bucket].rows, 1, memory_order_relaxed);
        return ERR_OK;
    }
    if (bucket < search->from || bucket >= search->to || !differs(search, bucket))
        return ERR_OK;
    const size_t at = atomic_fetch_add_explicit(&side->count, 1, memory_order_relaxed);
    if (at < side->room)
        side->pairs[at] = (struct pair){.id = id, .hash = hash.low};
    return ERR_OK;
}

static enum err_code read_item(void *argument, size_t index, struct err *err)
{
    struct search *search = argument;
    const struct compare_item *item = &search->inputs->items[search->items[index]];
    struct source *source = item->is_target ? search->inputs->target : search->inputs->source;
    struct item_context context = {.search = search, .side = &search->sides[item->is_target]};
    const struct rows_watch watch = {.stop = search->inputs->stop};
    struct live_segment live = {0};
    enum err_code code = live_open(item->is_target ? NULL : search->inputs->losers, source,
                                   item->collection, item->segment, &live, err);
    if (code == ERR_OK)
        code = rows_each_hash(live.reader, live.dead, &watch, take_row, &context, err);
    live_close(&live);
    return code;
}

static int compare_pairs(const void *a, const void *b)
{
    const struct pair *pa = a;
    const struct pair *pb = b;
    if (pa->id != pb->id)
        return pa->id < pb->id ? -1 : 1;
    return pa->hash < pb->hash ? -1 : pa->hash > pb->hash;
}

/* Keeps the smallest ids, ascending. */
static bool add_id(struct id_list *list, struct arena *arena, int64_t id)
{
    list->count++;
    if (list->ids == NULL)
        list->ids = arena_array(arena, VERIFY_IDS_MAX, sizeof *list->ids);
    if (list->ids == NULL)
        return false;
    if (list->kept == VERIFY_IDS_MAX && id >= list->ids[list->kept - 1])
        return true;
    size_t at = list->kept < VERIFY_IDS_MAX ? list->kept++ : list->kept - 1;
    while (at > 0 && list->ids[at - 1] > id) {
        list->ids[at] = list->ids[at - 1];
        at--;
    }
    list->ids[at] = id;
    return true;
}

/* Rows of one id: those with equal hashes cancel; of the others as many as both sides have are
 * changed, the rest is missing or extra. */
static bool merge_id(struct search *search, const struct pair *a, size_t a_count,
                     const struct pair *b, size_t b_count)
{
    const int64_t id = a_count > 0 ? a->id : b->id;
    size_t a_left = a_count;
    size_t b_left = b_count;
    for (size_t i = 0, k = 0; i < a_count && k < b_count;) {
        if (a[i].hash == b[k].hash) {
            a_left--;
            b_left--;
            i++;
            k++;
        } else if (a[i].hash < b[k].hash) {
            i++;
        } else {
            k++;
        }
    }
    bool is_kept = true;
    for (; is_kept && a_left > 0 && b_left > 0; a_left--, b_left--)
        is_kept = add_id(&search->partition->changed, search->arena, id);
    for (; is_kept && a_left > 0; a_left--)
        is_kept = add_id(&search->partition->missing, search->arena, id);
    for (; is_kept && b_left > 0; b_left--)
        is_kept = add_id(&search->partition->extra, search->arena, id);
    return is_kept;
}

static size_t run_of_id(const struct pair *pairs, size_t count, int64_t id)
{
    size_t k = 0;
    while (k < count && pairs[k].id == id)
        k++;
    return k;
}

static enum err_code merge_pass(struct search *search, struct err *err)
{
    const struct pair *a = search->sides[0].pairs;
    const struct pair *b = search->sides[1].pairs;
    size_t a_count = atomic_load(&search->sides[0].count);
    size_t b_count = atomic_load(&search->sides[1].count);
    if (a_count > 1)
        qsort(search->sides[0].pairs, a_count, sizeof *a, compare_pairs);
    if (b_count > 1)
        qsort(search->sides[1].pairs, b_count, sizeof *b, compare_pairs);
    while (a_count > 0 || b_count > 0) {
        const int64_t id = b_count == 0 || (a_count > 0 && a->id < b->id) ? a->id : b->id;
        const size_t a_run = run_of_id(a, a_count, id);
        const size_t b_run = run_of_id(b, b_count, id);
        if (!merge_id(search, a, a_run, b, b_run))
            return err_nomem(err, "differing ids");
        a += a_run;
        a_count -= a_run;
        b += b_run;
        b_count -= b_run;
    }
    return ERR_OK;
}

static uint64_t bucket_rows(const struct search *search, int side, size_t bucket)
{
    return differs(search, bucket) ? atomic_load(&search->sides[side].buckets[bucket].rows) : 0;
}

/* Buckets from `from` on that fit together; false when not even the first one does. */
static bool choose_pass(struct search *search, size_t from)
{
    uint64_t a = 0;
    uint64_t b = 0;
    search->from = from;
    search->to = from;
    while (search->to < search->bucket_count) {
        a += bucket_rows(search, 0, search->to);
        b += bucket_rows(search, 1, search->to);
        if (a > search->inputs->pairs_max || b > search->inputs->pairs_max)
            break;
        search->to++;
    }
    return search->to > from;
}

/* One id that fills more than memory: only the difference of the counts is told. */
static void count_crowded(struct search *search, size_t bucket)
{
    const uint64_t a = bucket_rows(search, 0, bucket);
    const uint64_t b = bucket_rows(search, 1, bucket);
    search->partition->is_partial = true;
    search->partition->missing.count += a > b ? a - b : 0;
    search->partition->extra.count += b > a ? b - a : 0;
    search->partition->changed.count += a == b;
}

static bool any_differs(const struct search *search)
{
    for (size_t k = search->from; k < search->to; k++)
        if (differs(search, k))
            return true;
    return false;
}

static enum err_code run_passes(struct search *search, struct err *err)
{
    const size_t threads = search->inputs->threads;
    enum err_code code = pool_run(threads, search->item_count, read_item, search, err);
    search->is_collecting = true;
    size_t at = 0;
    while (code == ERR_OK && at < search->bucket_count) {
        if (!choose_pass(search, at)) {
            count_crowded(search, at++);
            continue;
        }
        at = search->to;
        if (!any_differs(search))
            continue;
        atomic_store(&search->sides[0].count, 0);
        atomic_store(&search->sides[1].count, 0);
        code = pool_run(threads, search->item_count, read_item, search, err);
        if (code == ERR_OK && (atomic_load(&search->sides[0].count) > search->sides[0].room ||
                               atomic_load(&search->sides[1].count) > search->sides[1].room))
            code = err_set(err, ERR_TEMPORARY, "rows changed while they were compared; run again");
        if (code == ERR_OK)
            code = merge_pass(search, err);
    }
    return code;
}

static void choose_items(struct search *search, size_t row, size_t partition)
{
    for (size_t k = 0; k < search->inputs->item_count; k++) {
        const struct compare_item *item = &search->inputs->items[k];
        if (item->row == row && item->partition == partition && !item->is_unreadable)
            search->items[search->item_count++] = k;
    }
}

static bool make_sides(struct search *search, const struct compared_partition *partition)
{
    const uint64_t rows[2] = {partition->source.rows, partition->target.rows};
    const size_t pairs_max = search->inputs->pairs_max;
    bool is_made = true;
    for (int k = 0; k < 2; k++) {
        const size_t room = rows[k] < pairs_max ? (size_t)rows[k] : pairs_max;
        search->sides[k].buckets = mem_zalloc(search->bucket_count, sizeof(struct bucket));
        search->sides[k].pairs = mem_alloc(room, sizeof(struct pair));
        search->sides[k].room = room;
        is_made &= search->sides[k].buckets != NULL && search->sides[k].pairs != NULL;
    }
    return is_made;
}

enum err_code difference_find(const struct difference_inputs *inputs, struct verify_result *result,
                              size_t row, size_t partition, struct err *err)
{
    struct compared_partition *at = &result->collections[row].partitions[partition];
    struct search search = {
        .inputs = inputs, .partition = at, .arena = &result->arena, .bucket_count = BUCKETS_MIN};
    while (search.bucket_count < BUCKETS_MAX &&
           search.bucket_count < at->source.rows + at->target.rows)
        search.bucket_count *= 2;
    search.items = mem_alloc(inputs->item_count, sizeof *search.items);
    enum err_code code = ERR_OK;
    if (search.items == NULL || !make_sides(&search, at))
        code = err_nomem(err, "differing rows");
    if (code == ERR_OK) {
        choose_items(&search, row, partition);
        code = run_passes(&search, err);
    }
    for (int k = 0; k < 2; k++) {
        mem_free(search.sides[k].buckets);
        mem_free(search.sides[k].pairs);
    }
    mem_free(search.items);
    return code;
}
