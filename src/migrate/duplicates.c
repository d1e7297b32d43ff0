/* duplicates.c: see duplicates.h.
 *
 * The segments are read in the order in which get() looks at them; an id that is in the set already
 * is a loser, otherwise it enters the set. The set has a fixed size: of more ids only those of one
 * part of the hash range are looked at, and the ids are read again for each further part. Ids are
 * mixed by a bijection, so the set compares mixed ids and nothing is lost. */
#include "migrate/duplicates.h"

#include <stdlib.h>
#include <string.h>

#include "base/bitmap.h"
#include "base/bytes.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "migrate/rows.h"

#define SLOTS_MIN ((size_t)1024)
#define WORD_SIZE 8U
#define MARK_WORDS ((size_t)8192) /* words that one file access moves */

struct losers {
    struct source *source;
    size_t slots_max;
    int fd; /* -1 until there is a loser */
    size_t collection_count;
    uint64_t **offsets; /* per collection and segment: where its bits begin in the file */
    uint64_t **counts;
};

void losers_free(struct losers *losers)
{
    if (losers == NULL)
        return;
    file_close(losers->fd);
    for (size_t k = 0; k < losers->collection_count; k++) {
        mem_free(losers->offsets[k]);
        mem_free(losers->counts[k]);
    }
    mem_free(losers->offsets);
    mem_free(losers->counts);
    mem_free(losers);
}

static bool make_tables(struct losers *losers, const struct source_description *description)
{
    uint64_t offset = 0;
    for (size_t k = 0; k < description->collection_count; k++) {
        const struct source_collection *collection = &description->collections[k];
        losers->offsets[k] = mem_zalloc(collection->segment_count, sizeof **losers->offsets);
        losers->counts[k] = mem_zalloc(collection->segment_count, sizeof **losers->counts);
        if (losers->offsets[k] == NULL || losers->counts[k] == NULL)
            return false;
        for (size_t s = 0; s < collection->segment_count; s++) {
            losers->offsets[k][s] = offset;
            offset += bitmap_words((size_t)collection->segments[s].rows) * WORD_SIZE;
        }
    }
    return true;
}

enum err_code losers_new(struct source *source, size_t slots_max, struct losers **ret_losers,
                         struct err *err)
{
    const size_t count = source->description.collection_count;
    struct losers *losers = mem_zalloc(1, sizeof *losers);
    if (losers == NULL)
        return err_nomem(err, "duplicate ids");
    losers->source = source;
    losers->slots_max = slots_max;
    losers->fd = -1;
    losers->offsets = mem_zalloc(count, sizeof *losers->offsets);
    losers->counts = mem_zalloc(count, sizeof *losers->counts);
    losers->collection_count = losers->offsets != NULL && losers->counts != NULL ? count : 0;
    if (losers->collection_count != count || !make_tables(losers, &source->description)) {
        losers_free(losers);
        return err_nomem(err, "duplicate ids");
    }
    *ret_losers = losers;
    return ERR_OK;
}

/* A file that vanishes with its last descriptor. */
static enum err_code make_file(struct losers *losers, struct err *err)
{
    char *folder = NULL;
    enum err_code code = folder_make_temporary(&folder, err);
    if (code != ERR_OK)
        return code;
    char *path = path_join(folder, "losers");
    code = path != NULL ? file_create(path, &losers->fd, err) : err_nomem(err, folder);
    struct err cleanup;
    const enum err_code removed = folder_remove(folder, &cleanup);
    if (code == ERR_OK && removed != ERR_OK) {
        *err = cleanup;
        code = removed;
    }
    mem_free(path);
    mem_free(folder);
    return code;
}

/* Words never written yet are past the end of the file, or a hole in it: zeros. */
static enum err_code read_words(const struct losers *losers, uint64_t offset, uint64_t *words,
                                size_t count, struct err *err)
{
    memset(words, 0, count * WORD_SIZE);
    uint64_t size = 0;
    enum err_code code = file_size(losers->fd, "duplicate ids", &size, err);
    if (code != ERR_OK || size <= offset)
        return code;
    const uint64_t left = size - offset;
    const size_t now = left < count * WORD_SIZE ? (size_t)left : count * WORD_SIZE;
    return file_read_at(losers->fd, "duplicate ids", words, now, offset, err);
}

/* One id of a pass. */
struct pass {
    struct losers *losers;
    struct duplicate_counts *counts;
    const atomic_bool *stop;
    size_t collection;
    size_t segment;
    uint64_t parts; /* the hash range is cut into so many */
    uint64_t part;  /* this one is looked at */
    uint64_t *slots;
    uint64_t *is_reported; /* bit: the id in this slot has a loser already */
    size_t slot_mask;
    size_t used;
    size_t used_max;
    bool has_zero; /* the id whose mix is 0, which marks a free slot */
    bool is_zero_reported;
    bool is_full;
    /* losers of the current window of MARK_WORDS words */
    uint64_t *window;
    uint64_t window_at; /* its number in the segment */
    bool is_window_used;
};

/* Every step can be undone, so two ids never mix to the same value. */
static uint64_t mix_id(int64_t id)
{
    uint64_t x = (uint64_t)id;
    x ^= x >> 32;
    x *= UINT64_C(0xd6e8feb86659fd93);
    x ^= x >> 32;
    x *= UINT64_C(0xd6e8feb86659fd93);
    x ^= x >> 32;
    return x;
}

static void count_loser(struct pass *pass, int64_t id, bool is_first_of_id)
{
    struct duplicate_counts *counts = pass->counts;
    counts->rows++;
    if (!is_first_of_id)
        return;
    counts->ids++;
    if (counts->example_count < DUPLICATES_EXAMPLES)
        counts->examples[counts->example_count++] = id;
}

/* True when the id was there before; it is then counted. */
static bool enter(struct pass *pass, uint64_t mixed, int64_t id)
{
    if (mixed == 0) {
        const bool was_there = pass->has_zero;
        if (was_there)
            count_loser(pass, id, !pass->is_zero_reported);
        pass->is_zero_reported |= was_there;
        pass->has_zero = true;
        return was_there;
    }
    size_t at = (size_t)mixed & pass->slot_mask;
    while (pass->slots[at] != 0 && pass->slots[at] != mixed)
        at = (at + 1) & pass->slot_mask;
    if (pass->slots[at] == mixed) {
        count_loser(pass, id, !bitmap_get(pass->is_reported, at));
        bitmap_set(pass->is_reported, at);
        return true;
    }
    pass->is_full = pass->used == pass->used_max;
    if (!pass->is_full) {
        pass->slots[at] = mixed;
        pass->used++;
    }
    return false;
}

/* Writes the losers of the window; adds to what earlier passes found there. */
static enum err_code flush_window(struct pass *pass, struct err *err)
{
    if (!pass->is_window_used)
        return ERR_OK;
    pass->is_window_used = false;
    struct losers *losers = pass->losers;
    const uint64_t offset =
        losers->offsets[pass->collection][pass->segment] + pass->window_at * MARK_WORDS * WORD_SIZE;
    enum err_code code = losers->fd < 0 ? make_file(losers, err) : ERR_OK;
    uint64_t *old = code == ERR_OK ? mem_alloc(MARK_WORDS, WORD_SIZE) : NULL;
    if (code == ERR_OK && old == NULL)
        code = err_nomem(err, "duplicate ids");
    if (code == ERR_OK)
        code = read_words(losers, offset, old, MARK_WORDS, err);
    size_t last = 0;
    for (size_t k = 0; code == ERR_OK && k < MARK_WORDS; k++) {
        last = pass->window[k] != 0 ? k : last;
        old[k] |= pass->window[k];
    }
    /* Not past the last word in use: the next segment's bits follow. */
    if (code == ERR_OK)
        code = file_write_at(losers->fd, "duplicate ids", old, (last + 1) * WORD_SIZE, offset, err);
    memset(pass->window, 0, MARK_WORDS * WORD_SIZE);
    mem_free(old);
    return code;
}

static enum err_code look_at_id(void *argument, uint64_t row, int64_t id, struct err *err)
{
    struct pass *pass = argument;
    const uint64_t mixed = mix_id(id);
    if ((mixed >> 32) * pass->parts >> 32 != pass->part || !enter(pass, mixed, id))
        return pass->is_full ? err_set(err, ERR_STATE, "the set of ids is full") : ERR_OK;
    const uint64_t window_at = row / 64 / MARK_WORDS;
    if (pass->is_window_used && pass->window_at != window_at) {
        const enum err_code code = flush_window(pass, err);
        if (code != ERR_OK)
            return code;
    }
    pass->window_at = window_at;
    pass->is_window_used = true;
    bitmap_set(pass->window, (size_t)(row % (MARK_WORDS * 64)));
    pass->losers->counts[pass->collection][pass->segment]++;
    return ERR_OK;
}

static enum err_code look_at_segment(struct pass *pass, struct err *err)
{
    struct source *source = pass->losers->source;
    const struct source_segment *segment =
        &source->description.collections[pass->collection].segments[pass->segment];
    struct segment_reader *reader = NULL;
    enum err_code code = source_open_segment(source, pass->collection, pass->segment, &reader, err);
    if (code == ERR_OK && reader->rows != segment->rows)
        code = err_set(err, ERR_CORRUPT, "the number of rows changed while it was read");
    if (code == ERR_OK)
        code = rows_each_id(reader, reader->dead, pass->stop, look_at_id, pass, err);
    if (code == ERR_OK)
        code = flush_window(pass, err);
    segment_reader_close(reader);
    if (code != ERR_OK && !pass->is_full && code != ERR_INTERRUPTED)
        return err_wrap(err, "segment %s", segment->name);
    return code;
}

struct ranked {
    uint64_t order;
    size_t index;
};

static int compare_order(const void *a, const void *b)
{
    const struct ranked *ra = a;
    const struct ranked *rb = b;
    if (ra->order != rb->order)
        return ra->order < rb->order ? -1 : 1;
    return ra->index < rb->index ? -1 : ra->index > rb->index;
}

/* Readable segments as get() looks at them. */
static struct ranked *rank_segments(const struct source_collection *collection, size_t *ret_count)
{
    struct ranked *ranked = mem_alloc(collection->segment_count, sizeof *ranked);
    size_t count = 0;
    for (size_t s = 0; ranked != NULL && s < collection->segment_count; s++)
        if (!collection->segments[s].is_damaged)
            ranked[count++] = (struct ranked){.order = collection->segments[s].order, .index = s};
    if (count > 1)
        qsort(ranked, count, sizeof *ranked, compare_order);
    *ret_count = count;
    return ranked;
}

static enum err_code run_passes(struct pass *pass, const struct ranked *ranked, size_t count,
                                struct err *err)
{
    enum err_code code = ERR_OK;
    for (pass->part = 0; code == ERR_OK && pass->part < pass->parts; pass->part++) {
        memset(pass->slots, 0, (pass->slot_mask + 1) * WORD_SIZE);
        memset(pass->is_reported, 0, bitmap_words(pass->slot_mask + 1) * WORD_SIZE);
        pass->used = 0;
        pass->has_zero = false;
        pass->is_zero_reported = false;
        for (size_t k = 0; code == ERR_OK && k < count; k++) {
            pass->segment = ranked[k].index;
            code = look_at_segment(pass, err);
        }
    }
    return code;
}

static void forget(struct losers *losers, const struct source_collection *collection, size_t index,
                   struct duplicate_counts *counts)
{
    *counts = (struct duplicate_counts){0};
    memset(losers->counts[index], 0, collection->segment_count * sizeof **losers->counts);
}

enum err_code losers_find(struct losers *losers, size_t collection, const atomic_bool *stop,
                          struct duplicate_counts *ret_counts, struct err *err)
{
    const struct source_collection *from = &losers->source->description.collections[collection];
    size_t slots = SLOTS_MIN < losers->slots_max ? SLOTS_MIN : losers->slots_max;
    while (slots < losers->slots_max && slots / 4 * 3 < from->live_rows)
        slots *= 2;
    struct duplicate_counts counts = {0};
    struct pass pass = {.losers = losers,
                        .counts = &counts,
                        .stop = stop,
                        .collection = collection,
                        .parts = from->live_rows / (slots / 2) + 1,
                        .slot_mask = slots - 1,
                        .used_max = slots / 4 * 3};
    size_t count = 0;
    struct ranked *ranked = rank_segments(from, &count);
    pass.slots = mem_alloc(slots, WORD_SIZE);
    pass.is_reported = mem_alloc(bitmap_words(slots), WORD_SIZE);
    pass.window = mem_zalloc(MARK_WORDS, WORD_SIZE);
    enum err_code code = ERR_OK;
    if (ranked == NULL || pass.slots == NULL || pass.is_reported == NULL || pass.window == NULL)
        code = err_nomem(err, "duplicate ids");
    if (code == ERR_OK)
        code = run_passes(&pass, ranked, count, err);
    /* More ids than the counts in the description promised, or an unlucky spread: smaller parts.
     * Bits that are set stay right. */
    while (pass.is_full && code == ERR_STATE) {
        pass.parts *= 2;
        pass.is_full = false;
        forget(losers, from, collection, &counts);
        code = run_passes(&pass, ranked, count, err);
    }
    mem_free(ranked);
    mem_free(pass.slots);
    mem_free(pass.is_reported);
    mem_free(pass.window);
    if (code == ERR_OK)
        *ret_counts = counts;
    return code;
}

uint64_t losers_count(const struct losers *losers, size_t collection, size_t segment)
{
    return losers != NULL ? losers->counts[collection][segment] : 0;
}

static enum err_code add_losers(const struct losers *losers, size_t collection, size_t segment,
                                struct live_segment *live, struct err *err)
{
    const size_t words = bitmap_words((size_t)live->reader->rows);
    live->owned = mem_alloc(words, WORD_SIZE);
    if (live->owned == NULL)
        return err_nomem(err, "duplicate ids");
    const enum err_code code =
        read_words(losers, losers->offsets[collection][segment], live->owned, words, err);
    for (size_t k = 0; code == ERR_OK && live->reader->dead != NULL && k < words; k++)
        live->owned[k] |= live->reader->dead[k];
    live->dead = live->owned;
    return code;
}

enum err_code live_open(const struct losers *losers, struct source *source, size_t collection,
                        size_t segment, struct live_segment *ret_live, struct err *err)
{
    struct live_segment live = {0};
    enum err_code code = source_open_segment(source, collection, segment, &live.reader, err);
    if (code != ERR_OK)
        return code;
    live.dead = live.reader->dead;
    if (losers_count(losers, collection, segment) > 0)
        code = add_losers(losers, collection, segment, &live, err);
    if (code == ERR_OK)
        *ret_live = live;
    else
        live_close(&live);
    return code;
}

void live_close(struct live_segment *live)
{
    segment_reader_close(live->reader);
    mem_free(live->owned);
    *live = (struct live_segment){0};
}
