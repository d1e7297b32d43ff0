/* crash_guard.c: see crash_guard.h. */
#include "milvus1/crash_guard.h"

#include <string.h>

#include "base/bitmap.h"

#define IDS_CHUNK ((size_t)8192)
#define RUN_MAX 64 /* newest segments that may belong to one flush */
#define PLAY_ROWS_MAX 0xfffffffeU

/* Rows played so far: a list with holes. Rows of one id hang in one chain. */
struct play {
    const struct replay *replay;
    size_t table;
    struct wal_cursor cursor;
    const struct log_batch *batches; /* the inserts played */
    size_t batch_count;
    size_t played;        /* batches so far */
    uint64_t *batch_rows; /* first row of each batch played */
    int64_t *ids;
    uint32_t *heads; /* by hash of the id: row + 1, 0 none */
    uint32_t *older; /* by row: the next of its chain */
    uint64_t *dead;
    uint32_t mask;
    size_t rows;
    size_t alive;
};

static uint32_t slot(const struct play *play, int64_t id)
{
    return (uint32_t)((uint64_t)id * 0x9e3779b97f4a7c15U >> 32) & play->mask;
}

static void play_release(struct play *play)
{
    wal_cursor_release(&play->cursor);
    mem_free(play->batch_rows);
    mem_free(play->ids);
    mem_free(play->heads);
    mem_free(play->older);
    mem_free(play->dead);
}

/* Memory for all rows of `batches`. ret_fits false: too many to play. */
static enum err_code play_init(struct play *play, bool *ret_fits, struct err *err)
{
    uint64_t rows = 0;
    for (size_t k = 0; k < play->batch_count; k++)
        rows += play->batches[k].count;
    *ret_fits = rows > 0 && rows <= PLAY_ROWS_MAX;
    if (!*ret_fits)
        return ERR_OK;
    uint64_t slots = 64;
    while (slots < rows && slots < (uint64_t)1 << 31)
        slots *= 2;
    play->mask = (uint32_t)(slots - 1);
    play->cursor.wal = &play->replay->wal;
    play->batch_rows = mem_alloc(play->batch_count, sizeof *play->batch_rows);
    play->ids = mem_alloc((size_t)rows, sizeof *play->ids);
    play->heads = mem_zalloc((size_t)slots, sizeof *play->heads);
    play->older = mem_alloc((size_t)rows, sizeof *play->older);
    play->dead = mem_zalloc(bitmap_words((size_t)rows), sizeof *play->dead);
    if (play->batch_rows == NULL || play->ids == NULL || play->heads == NULL ||
        play->older == NULL || play->dead == NULL)
        return err_nomem(err, "rows of the write-ahead log");
    return ERR_OK;
}

static enum err_code play_insert(struct play *play, size_t batch_index, struct err *err)
{
    const struct log_batch *batch = &play->batches[batch_index];
    int64_t *ids = play->ids + play->rows;
    play->batch_rows[batch_index] = play->rows;
    const enum err_code code = replay_read_ids(&play->cursor, batch, 0, batch->count, ids, err);
    if (code != ERR_OK)
        return code;
    for (size_t k = 0; k < batch->count; k++) {
        uint32_t *head = &play->heads[slot(play, ids[k])];
        play->older[play->rows + k] = *head;
        *head = (uint32_t)(play->rows + k + 1);
    }
    play->rows += batch->count;
    play->alive += batch->count;
    play->played = batch_index + 1;
    return ERR_OK;
}

static void kill_id(struct play *play, int64_t id)
{
    uint32_t *link = &play->heads[slot(play, id)];
    while (*link != 0) {
        const uint32_t row = *link - 1;
        if (play->ids[row] != id) {
            link = &play->older[row];
            continue;
        }
        *link = play->older[row];
        bitmap_set(play->dead, row);
        play->alive--;
    }
}

static enum err_code play_delete(struct play *play, const struct log_batch *batch, struct err *err)
{
    int64_t *ids = mem_alloc(IDS_CHUNK, sizeof *ids);
    if (ids == NULL)
        return err_nomem(err, "deletes of the write-ahead log");
    enum err_code code = ERR_OK;
    for (uint32_t first = 0; first < batch->count && code == ERR_OK;) {
        const size_t left = batch->count - first;
        const size_t count = left < IDS_CHUNK ? left : IDS_CHUNK;
        code = replay_read_ids(&play->cursor, batch, first, count, ids, err);
        for (size_t k = 0; k < count && code == ERR_OK; k++)
            kill_id(play, ids[k]);
        first += (uint32_t)count;
    }
    mem_free(ids);
    return code;
}

/* -------------------------------------------------------------------------------- comparing */

/* The newest segments, opened; run k is the last k + 1 of them. */
struct run {
    struct segment1 segments[RUN_MAX]; /* newest first */
    size_t count;
    uint64_t rows[RUN_MAX]; /* of the run that ends there */
};

/* Two buffers for ids and two for vectors, for a stretch of rows. */
struct compare {
    struct play *play;
    struct run *run;
    size_t row_size;
    size_t stretch_max;
    int64_t *ids;
    uint8_t *log_vectors;
    uint8_t *disk_vectors;
};

static enum err_code compare_init(struct compare *compare, struct err *err)
{
    compare->stretch_max = segment1_batch_rows(compare->row_size);
    if (compare->stretch_max > IDS_CHUNK)
        compare->stretch_max = IDS_CHUNK;
    compare->ids = mem_alloc(compare->stretch_max, sizeof *compare->ids);
    compare->log_vectors = mem_alloc(compare->stretch_max, compare->row_size);
    compare->disk_vectors = mem_alloc(compare->stretch_max, compare->row_size);
    if (compare->ids == NULL || compare->log_vectors == NULL || compare->disk_vectors == NULL)
        return err_nomem(err, "rows of the write-ahead log");
    return ERR_OK;
}

static void compare_release(struct compare *compare)
{
    mem_free(compare->ids);
    mem_free(compare->log_vectors);
    mem_free(compare->disk_vectors);
}

static size_t batch_of_row(const struct play *play, uint64_t row)
{
    size_t low = 0, high = play->played;
    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;
        if (play->batch_rows[middle] <= row)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* Rows side by side: `count` played ones from `row` (one batch, all alive), and the segment's from
 * `at`. */
struct stretch {
    const struct segment1 *segment;
    uint64_t at;
    size_t row;
    size_t count;
};

/* Are the two sides equal? */
static enum err_code compare_stretch(struct compare *compare, const struct stretch *stretch,
                                     bool *ret_equal, struct err *err)
{
    struct play *play = compare->play;
    const struct segment1 *segment = stretch->segment;
    const uint64_t at = stretch->at;
    const size_t row = stretch->row;
    const size_t count = stretch->count;
    *ret_equal = false;
    enum err_code code = segment1_read_ids(segment, at, count, compare->ids, err);
    if (code != ERR_OK || memcmp(compare->ids, play->ids + row, count * sizeof(int64_t)) != 0)
        return code;
    const size_t k = batch_of_row(play, row);
    code =
        replay_read_vectors(&play->cursor, &play->batches[k], (uint32_t)(row - play->batch_rows[k]),
                            (struct log_rows){count, compare->row_size}, compare->log_vectors, err);
    if (code == ERR_OK)
        code = segment1_read_vectors(segment, at, count, compare->disk_vectors, err);
    if (code == ERR_OK)
        *ret_equal =
            memcmp(compare->log_vectors, compare->disk_vectors, count * compare->row_size) == 0;
    return code;
}

/* Rows from `row` on that are alive, in one batch, at most `max`. */
static size_t stretch_from(const struct play *play, size_t row, size_t max)
{
    const size_t k = batch_of_row(play, row);
    const size_t batch_end = (size_t)play->batch_rows[k] + play->batches[k].count;
    size_t end =
        bitmap_next(play->dead, batch_end < play->rows ? batch_end : play->rows, row, true);
    return end - row < max ? end - row : max;
}

/* Does the run of the `count` newest segments equal the played rows, after `skip` living ones? */
static enum err_code compare_run(struct compare *compare, size_t count, uint64_t skip,
                                 bool *ret_equal, struct err *err)
{
    const struct play *play = compare->play;
    size_t row = bitmap_next(play->dead, play->rows, 0, false);
    for (; skip > 0; skip--)
        row = bitmap_next(play->dead, play->rows, row + 1, false);
    *ret_equal = true;
    for (size_t s = count; s > 0 && *ret_equal; s--) {
        const struct segment1 *segment = &compare->run->segments[s - 1];
        for (uint64_t at = 0; at < segment->rows && *ret_equal;) {
            const uint64_t left = segment->rows - at;
            const size_t max = left < compare->stretch_max ? (size_t)left : compare->stretch_max;
            if (row >= play->rows) {
                *ret_equal = false;
                break;
            }
            const struct stretch stretch = {segment, at, row, stretch_from(play, row, max)};
            const enum err_code code = compare_stretch(compare, &stretch, ret_equal, err);
            if (code != ERR_OK)
                return code;
            at += stretch.count;
            row = bitmap_next(play->dead, play->rows, row + stretch.count, false);
        }
    }
    return ERR_OK;
}

/* --------------------------------------------------------------------------------- guarding */

static enum err_code open_run(const struct crash_guard *guard, struct run *run, struct err *err)
{
    for (size_t k = guard->segment_count; k > 0 && run->count < RUN_MAX; k--) {
        const struct crash_guard_segment *segment = &guard->segments[k - 1];
        if (segment->has_deletes)
            break;
        if (segment->rows == 0)
            continue;
        const size_t n = run->count++;
        const enum err_code code = segment1_open(&segment->place, &run->segments[n], err);
        if (code != ERR_OK)
            return code == ERR_CORRUPT ? err_recode(err, ERR_SOURCE) : code;
        run->rows[n] = run->segments[n].rows + (n > 0 ? run->rows[n - 1] : 0);
    }
    return ERR_OK;
}

static void close_run(struct run *run)
{
    for (size_t k = 0; k < run->count; k++)
        segment1_close(&run->segments[k]);
}

/* The first record behind `from` in a list of deletes. */
static size_t first_behind(const struct log_list *list, uint64_t from)
{
    size_t k = 0;
    while (k < list->count && list->items[k].lsn <= from)
        k++;
    return k;
}

/* Plays records behind `from` up to `to` in order; after each one asks `reached`, which may stop.
 */
struct player {
    struct play *play;
    const struct log_list *deletes[2];
    uint64_t from;
    uint64_t to;
    enum err_code (*reached)(void *argument, uint64_t lsn, bool *ret_stop, struct err *err);
    void *argument;
};

static enum err_code play_records(struct player *player, struct err *err)
{
    struct play *play = player->play;
    size_t insert = 0;
    size_t at[2] = {first_behind(player->deletes[0], player->from),
                    first_behind(player->deletes[1], player->from)};
    for (bool is_over = false; !is_over;) {
        uint64_t lsn = insert < play->batch_count ? play->batches[insert].lsn : UINT64_MAX;
        size_t source = 2;
        for (size_t k = 0; k < 2; k++)
            if (at[k] < player->deletes[k]->count && player->deletes[k]->items[at[k]].lsn < lsn) {
                lsn = player->deletes[k]->items[at[k]].lsn;
                source = k;
            }
        if (lsn == UINT64_MAX || lsn > player->to)
            break;
        enum err_code code;
        if (source == 2)
            code = play_insert(play, insert++, err);
        else
            code = play_delete(play, &player->deletes[source]->items[at[source]++], err);
        if (code == ERR_OK && player->reached != NULL)
            code = player->reached(player->argument, lsn, &is_over, err);
        if (code != ERR_OK)
            return code;
    }
    return ERR_OK;
}

/* The newest row of the newest segment must be among the pending ones; mostly it is not, and then
 * nothing has to be played. */
static enum err_code may_match(const struct crash_guard *guard, const struct run *run,
                               bool *ret_may, struct err *err)
{
    const struct replay_table *table = &guard->replay->tables[guard->table];
    const struct segment1 *newest = &run->segments[0];
    struct wal_cursor cursor = {.wal = &guard->replay->wal};
    int64_t last;
    *ret_may = false;
    enum err_code code = segment1_read_ids(newest, newest->rows - 1, 1, &last, err);
    int64_t *ids = mem_alloc(IDS_CHUNK, sizeof *ids);
    if (code == ERR_OK && ids == NULL)
        code = err_nomem(err, "rows of the write-ahead log");
    for (size_t k = replay_pending_first(table); k < table->inserts.count && code == ERR_OK; k++) {
        const struct log_batch *batch = &table->inserts.items[k];
        for (uint32_t first = 0; first < batch->count && code == ERR_OK;) {
            const size_t left = batch->count - first;
            const size_t count = left < IDS_CHUNK ? left : IDS_CHUNK;
            code = replay_read_ids(&cursor, batch, first, count, ids, err);
            for (size_t i = 0; i < count && code == ERR_OK; i++)
                *ret_may = *ret_may || ids[i] == last;
            first += (uint32_t)count;
        }
    }
    mem_free(ids);
    wal_cursor_release(&cursor);
    return code;
}

struct search {
    struct compare *compare;
    bool is_found;
    uint64_t lsn;
    size_t run_count;
};

static enum err_code look_for_run(void *argument, uint64_t lsn, bool *ret_stop, struct err *err)
{
    struct search *search = argument;
    const struct run *run = search->compare->run;
    for (size_t k = 0; k < run->count && run->rows[k] <= search->compare->play->alive; k++) {
        if (run->rows[k] != search->compare->play->alive)
            continue;
        bool is_equal;
        const enum err_code code = compare_run(search->compare, k + 1, 0, &is_equal, err);
        if (code != ERR_OK)
            return code;
        if (is_equal) {
            search->is_found = *ret_stop = true;
            search->lsn = lsn;
            search->run_count = k + 1;
        }
    }
    return ERR_OK;
}

static struct player player_of(const struct crash_guard *guard, struct play *play)
{
    const struct replay *replay = guard->replay;
    const size_t collection = replay->catalog->tables[guard->table].collection;
    return (struct player){.play = play,
                           .deletes = {&replay->collections[collection].deletes,
                                       &replay->tables[guard->table].deletes}};
}

/* Plays the pending records and looks for the run. */
static enum err_code play_pending(const struct crash_guard *guard, struct compare *compare,
                                  struct search *search, struct err *err)
{
    const struct replay_table *table = &guard->replay->tables[guard->table];
    const size_t first = replay_pending_first(table);
    struct play play = {.replay = guard->replay,
                        .table = guard->table,
                        .batches =
                            table->inserts.count > first ? table->inserts.items + first : NULL,
                        .batch_count = table->inserts.count - first};
    bool fits;
    enum err_code code = play_init(&play, &fits, err);
    if (code == ERR_OK && fits) {
        compare->play = &play;
        struct player player = player_of(guard, &play);
        player.from = table->threshold;
        player.to = UINT64_MAX - 1;
        player.reached = look_for_run;
        player.argument = search;
        code = play_records(&player, err);
    }
    play_release(&play);
    return code;
}

/* Do the records up to the threshold end in the rows of the run? Then it is theirs. */
static enum err_code is_explained(const struct crash_guard *guard, struct compare *compare,
                                  size_t run_count, bool *ret_explained, struct err *err)
{
    const struct replay_table *table = &guard->replay->tables[guard->table];
    struct play play = {.replay = guard->replay,
                        .table = guard->table,
                        .batches = table->inserts.items,
                        .batch_count = replay_pending_first(table)};
    bool fits;
    *ret_explained = false;
    enum err_code code = play_init(&play, &fits, err);
    if (code == ERR_OK && fits) {
        compare->play = &play;
        struct player player = player_of(guard, &play);
        player.to = table->threshold;
        code = play_records(&player, err);
        const uint64_t rows = compare->run->rows[run_count - 1];
        if (code == ERR_OK && play.alive >= rows)
            code = compare_run(compare, run_count, play.alive - rows, ret_explained, err);
    }
    play_release(&play);
    return code;
}

enum err_code crash_guard_run(const struct crash_guard *guard, bool *ret_found,
                              uint64_t *ret_threshold, uint64_t *ret_rows, struct err *err)
{
    const struct replay *replay = guard->replay;
    const size_t collection = replay->catalog->tables[guard->table].collection;
    *ret_found = false;
    struct run *run = mem_zalloc(1, sizeof *run);
    if (run == NULL)
        return err_nomem(err, "newest segments");
    struct compare compare = {.run = run,
                              .row_size = replay->catalog->collections[collection].row_size};
    struct search search = {.compare = &compare};
    enum err_code code = open_run(guard, run, err);
    bool may = false;
    if (code == ERR_OK && run->count > 0)
        code = may_match(guard, run, &may, err);
    if (code == ERR_OK && may)
        code = compare_init(&compare, err);
    if (code == ERR_OK && may)
        code = play_pending(guard, &compare, &search, err);
    bool is_theirs = false;
    if (code == ERR_OK && search.is_found)
        code = is_explained(guard, &compare, search.run_count, &is_theirs, err);
    if (code == ERR_OK && search.is_found && !is_theirs) {
        *ret_found = true;
        *ret_threshold = search.lsn;
        *ret_rows = run->rows[search.run_count - 1];
    }
    compare_release(&compare);
    close_run(run);
    mem_free(run);
    return code;
}
