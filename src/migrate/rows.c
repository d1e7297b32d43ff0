/* rows.c: see rows.h. Runs of live rows are found word by word in the bitmap, so that a segment
 * without deletes costs nothing for them. */
#include "migrate/rows.h"

#include <inttypes.h>

#include "base/bitmap.h"
#include "base/bytes.h"
#include "base/finite.h"
#include "base/mem.h"
#include "migrate/progress_write.h"

#define IDS_CHUNK_ROWS ((size_t)64 * 1024)
#define ID_SIZE 8U
#define TALLY_PIECE_SIZE ((size_t)16 * 1024) /* stays in the first cache for a second look */

enum err_code rows_check_stop(const atomic_bool *stop, struct err *err)
{
    if (stop != NULL && atomic_load(stop))
        return err_set(err, ERR_INTERRUPTED, "stopped; run the same command again to continue");
    return ERR_OK;
}

/* The next run [*from, *to) of live rows in [first, end); false when there is none. */
static bool next_run(const uint64_t *dead, uint64_t first, uint64_t end, uint64_t *from,
                     uint64_t *to)
{
    *from = dead != NULL ? bitmap_next(dead, (size_t)end, (size_t)first, false) : first;
    if (*from >= end)
        return false;
    *to = dead != NULL ? bitmap_next(dead, (size_t)end, (size_t)*from, true) : end;
    return true;
}

/* A batch that does not continue where the last one ended would shift the bitmap: our own bug. */
static enum err_code next_batch(struct segment_reader *reader, uint64_t expected_row,
                                struct batch *ret_batch, struct err *err)
{
    const enum err_code code = segment_reader_next(reader, ret_batch, err);
    if (code != ERR_OK)
        return code;
    if (ret_batch->rows == 0 && expected_row != reader->rows)
        return err_set(err, ERR_CORRUPT, "%" PRIu64 " rows read, %" PRIu64 " expected",
                       expected_row, reader->rows);
    if (ret_batch->rows > 0 && (ret_batch->first_row != expected_row ||
                                ret_batch->rows > reader->rows - ret_batch->first_row))
        return err_set(err, ERR_INTERNAL, "batch of %zu rows at %" PRIu64 ", expected at %" PRIu64,
                       ret_batch->rows, ret_batch->first_row, expected_row);
    return ERR_OK;
}

static enum err_code ids_from_batches(struct segment_reader *reader, const uint64_t *dead,
                                      const atomic_bool *stop, rows_id_function function,
                                      void *argument, struct err *err)
{
    uint64_t row = 0;
    struct batch batch = {0};
    for (;;) {
        enum err_code code = rows_check_stop(stop, err);
        if (code == ERR_OK)
            code = next_batch(reader, row, &batch, err);
        if (code != ERR_OK || batch.rows == 0)
            return code;
        const uint64_t end = row + batch.rows;
        uint64_t from = row;
        uint64_t to = row;
        while (code == ERR_OK && next_run(dead, to, end, &from, &to))
            for (uint64_t k = from; code == ERR_OK && k < to; k++)
                code = function(argument, k, batch.ids[k - row], err);
        if (code != ERR_OK)
            return code;
        row = end;
    }
}

/* What rows_each_id was asked for. */
struct id_walk {
    const uint64_t *dead;
    rows_id_function function;
    void *argument;
};

static enum err_code ids_of_chunk(const struct id_walk *walk, const uint8_t *bytes, uint64_t row,
                                  uint64_t end, struct err *err)
{
    enum err_code code = ERR_OK;
    uint64_t from = row;
    uint64_t to = row;
    while (code == ERR_OK && next_run(walk->dead, to, end, &from, &to))
        for (uint64_t k = from; code == ERR_OK && k < to; k++)
            code = walk->function(walk->argument, k, get_i64(bytes + (k - row) * ID_SIZE), err);
    return code;
}

enum err_code rows_each_id(struct segment_reader *reader, const uint64_t *dead,
                           const atomic_bool *stop, rows_id_function function, void *argument,
                           struct err *err)
{
    if (!reader->has_extents)
        return ids_from_batches(reader, dead, stop, function, argument, err);
    const struct id_walk walk = {.dead = dead, .function = function, .argument = argument};
    uint8_t *bytes = mem_alloc(IDS_CHUNK_ROWS, ID_SIZE);
    if (bytes == NULL)
        return err_nomem(err, reader->ids.path);
    enum err_code code = ERR_OK;
    for (uint64_t row = 0; code == ERR_OK && row < reader->rows;) {
        const uint64_t left = reader->rows - row;
        const uint64_t now = left < IDS_CHUNK_ROWS ? left : IDS_CHUNK_ROWS;
        code = rows_check_stop(stop, err);
        if (code == ERR_OK)
            code = file_read_at(reader->ids.fd, reader->ids.path, bytes, (size_t)now * ID_SIZE,
                                reader->ids.offset + row * ID_SIZE, err);
        if (code == ERR_OK)
            code = ids_of_chunk(&walk, bytes, row, row + now, err);
        row += now;
    }
    mem_free(bytes);
    return code;
}

/* Live rows among the first of a batch, for the progress. */
static void tell(const struct rows_watch *watch, uint64_t live, size_t row_size)
{
    if (watch != NULL && watch->progress != NULL)
        progress_add_verified(watch->progress, watch->collection, live,
                              live * (row_size + ID_SIZE));
}

/* What rows_each_hash was asked for. */
struct hash_walk {
    const uint64_t *dead;
    size_t row_size;
    rows_hash_function function;
    void *argument;
};

static enum err_code hashes_of_batch(const struct hash_walk *walk, const struct batch *batch,
                                     uint64_t *ret_live, struct err *err)
{
    const uint64_t end = batch->first_row + batch->rows;
    enum err_code code = ERR_OK;
    uint64_t live = 0;
    uint64_t from = batch->first_row;
    uint64_t to = from;
    while (code == ERR_OK && next_run(walk->dead, to, end, &from, &to)) {
        for (uint64_t k = from; code == ERR_OK && k < to; k++) {
            const size_t at = (size_t)(k - batch->first_row);
            const void *vector = batch->vectors + at * walk->row_size;
            code = walk->function(walk->argument, batch->ids[at],
                                  hash_row(batch->ids[at], vector, walk->row_size), err);
        }
        live += to - from;
    }
    *ret_live = live;
    return code;
}

enum err_code rows_each_hash(struct segment_reader *reader, const uint64_t *dead,
                             const struct rows_watch *watch, rows_hash_function function,
                             void *argument, struct err *err)
{
    const struct hash_walk walk = {
        .dead = dead, .row_size = reader->row_size, .function = function, .argument = argument};
    uint64_t row = 0;
    struct batch batch = {0};
    for (;;) {
        enum err_code code = watch != NULL ? rows_check_stop(watch->stop, err) : ERR_OK;
        if (code == ERR_OK)
            code = next_batch(reader, row, &batch, err);
        if (code != ERR_OK || batch.rows == 0)
            return code;
        uint64_t live = 0;
        code = hashes_of_batch(&walk, &batch, &live, err);
        if (code != ERR_OK)
            return code;
        tell(watch, live, reader->row_size);
        row += batch.rows;
    }
}

/* The loop of rows_tally: hash_row() inlined into a sum, without a call through a pointer. */
static struct hash128 sum_of_rows(const int64_t *ids, const uint8_t *vectors, size_t rows,
                                  size_t row_size)
{
    struct hash128 sum = {0};
    for (size_t k = 0; k < rows; k++)
        sum = hash128_add(sum, hash_row(ids[k], vectors + k * row_size, row_size));
    return sum;
}

/* The same and what is not finite, piece by piece, so that memory is read once. */
static struct tally tally_of_floats(const int64_t *ids, const uint8_t *vectors, size_t rows,
                                    size_t row_size)
{
    struct tally tally = {.rows = rows};
    const size_t piece = row_size < TALLY_PIECE_SIZE ? TALLY_PIECE_SIZE / row_size : 1;
    for (size_t at = 0; at < rows; at += piece) {
        const size_t now = rows - at < piece ? rows - at : piece;
        const uint8_t *first = vectors + at * row_size;
        tally.sum = hash128_add(tally.sum, sum_of_rows(ids + at, first, now, row_size));
        tally.non_finite += floats_count_non_finite_rows(first, now, row_size / sizeof(float));
    }
    return tally;
}

static struct tally tally_of_batch(const struct batch *batch, size_t row_size, const uint64_t *dead,
                                   bool has_floats)
{
    struct tally tally = {0};
    const uint64_t end = batch->first_row + batch->rows;
    uint64_t from = batch->first_row;
    uint64_t to = from;
    while (next_run(dead, to, end, &from, &to)) {
        const int64_t *ids = batch->ids + (from - batch->first_row);
        const uint8_t *vectors = batch->vectors + (from - batch->first_row) * row_size;
        const size_t rows = (size_t)(to - from);
        struct tally part = {.rows = rows};
        if (has_floats)
            part = tally_of_floats(ids, vectors, rows, row_size);
        else
            part.sum = sum_of_rows(ids, vectors, rows, row_size);
        tally = tally_add(tally, part);
    }
    return tally;
}

enum err_code rows_tally(struct segment_reader *reader, const uint64_t *dead,
                         const struct rows_watch *watch, struct tally *ret_tally, struct err *err)
{
    struct tally tally = {0};
    uint64_t row = 0;
    struct batch batch = {0};
    for (;;) {
        enum err_code code = watch != NULL ? rows_check_stop(watch->stop, err) : ERR_OK;
        if (code == ERR_OK)
            code = next_batch(reader, row, &batch, err);
        if (code != ERR_OK)
            return code;
        if (batch.rows == 0)
            break;
        const struct tally part =
            tally_of_batch(&batch, reader->row_size, dead, watch != NULL && watch->has_floats);
        tally = tally_add(tally, part);
        tell(watch, part.rows, reader->row_size);
        row += batch.rows;
    }
    *ret_tally = tally;
    return ERR_OK;
}
