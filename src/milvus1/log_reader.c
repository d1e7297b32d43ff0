/* log_reader.c: rows that stand only in the write-ahead log, read as one segment. See replay.h.
 *
 * Nothing is copied beforehand: a batch of rows is gathered from as many records as fit. */
#include <string.h>

#include "base/bitmap.h"
#include "milvus1/replay.h"
#include "milvus1/segment.h"

#define IDS_CHUNK ((size_t)8192)

struct log_reader {
    struct segment_reader base;
    const struct replay_table *table;
    size_t pending_first;
    struct wal_cursor ids_cursor; /* two windows, so that ids and vectors do not push out each */
    struct wal_cursor vectors_cursor; /* other */
    uint64_t *dead;
    size_t batch;      /* the next row's record: rescued ones, then pending ones */
    uint32_t batch_at; /* and its row in it */
    uint64_t next_row;
    size_t batch_rows;
    int64_t *ids;
    uint8_t *vectors;
};

/* Record number k of the segment, or NULL past the last. */
static const struct log_batch *batch_of(const struct replay_table *table, size_t pending_first,
                                        size_t k)
{
    if (k < table->rescued.count)
        return &table->rescued.items[k];
    k += pending_first - table->rescued.count;
    return k < table->inserts.count ? &table->inserts.items[k] : NULL;
}

static uint64_t total_rows(const struct replay_table *table)
{
    uint64_t rows = replay_pending_rows(table);
    for (size_t k = 0; k < table->rescued.count; k++)
        rows += table->rescued.items[k].count;
    return rows;
}

/* Marks rows of one record that were deleted later in the log. */
static enum err_code mark_batch(struct log_reader *reader, const struct kill_view *kills,
                                const struct log_batch *batch, uint64_t row, struct err *err)
{
    int64_t *ids = mem_alloc(IDS_CHUNK, sizeof *ids);
    if (ids == NULL)
        return err_nomem(err, "write-ahead log");
    enum err_code code = ERR_OK;
    for (uint32_t first = 0; first < batch->count && code == ERR_OK;) {
        const size_t left = batch->count - first;
        const size_t count = left < IDS_CHUNK ? left : IDS_CHUNK;
        code = replay_read_ids(&reader->ids_cursor, batch, first, count, ids, err);
        for (size_t k = 0; k < count && code == ERR_OK; k++)
            if (kill_view_kills(kills, ids[k])) {
                bitmap_set(reader->dead, (size_t)(row + first + k));
                reader->base.dead_rows++;
            }
        first += (uint32_t)count;
    }
    mem_free(ids);
    return code;
}

static enum err_code mark_dead(struct log_reader *reader, const struct replay *replay, size_t table,
                               struct err *err)
{
    reader->dead = mem_zalloc(bitmap_words((size_t)reader->base.rows), sizeof(uint64_t));
    if (reader->dead == NULL)
        return err_nomem(err, "write-ahead log");
    struct kill_view kills = replay_kills(replay, table);
    enum err_code code = ERR_OK;
    uint64_t row = 0;
    for (size_t k = 0; code == ERR_OK; k++) {
        const struct log_batch *batch = batch_of(reader->table, reader->pending_first, k);
        if (batch == NULL)
            break;
        kills.born = batch->lsn;
        if (k < reader->table->rescued.count) {
            for (uint64_t r = row; r < row + batch->count; r++)
                if (bitmap_get(reader->table->rescued_dead, (size_t)r)) {
                    bitmap_set(reader->dead, (size_t)r);
                    reader->base.dead_rows++;
                }
        } else if (kill_view_is_active(&kills)) {
            code = mark_batch(reader, &kills, batch, row, err);
        }
        row += batch->count;
    }
    reader->base.dead = reader->base.dead_rows > 0 ? reader->dead : NULL;
    return code;
}

static enum err_code reader_next(struct segment_reader *base, struct batch *ret_batch,
                                 struct err *err)
{
    struct log_reader *reader = (struct log_reader *)base;
    if (reader->ids == NULL)
        reader->ids = mem_alloc(reader->batch_rows, sizeof *reader->ids);
    if (reader->vectors == NULL)
        reader->vectors = mem_aligned(reader->batch_rows, base->row_size);
    if (reader->ids == NULL || reader->vectors == NULL)
        return err_nomem(err, "write-ahead log");
    size_t rows = 0;
    while (rows < reader->batch_rows) {
        const struct log_batch *batch =
            batch_of(reader->table, reader->pending_first, reader->batch);
        if (batch == NULL)
            break;
        const size_t left = batch->count - reader->batch_at;
        const size_t room = reader->batch_rows - rows;
        const size_t count = left < room ? left : room;
        enum err_code code = replay_read_ids(&reader->ids_cursor, batch, reader->batch_at, count,
                                             reader->ids + rows, err);
        if (code == ERR_OK)
            code = replay_read_vectors(&reader->vectors_cursor, batch, reader->batch_at,
                                       (struct log_rows){count, base->row_size},
                                       reader->vectors + rows * base->row_size, err);
        if (code != ERR_OK)
            return code;
        rows += count;
        reader->batch += count == left;
        reader->batch_at = count == left ? 0 : reader->batch_at + (uint32_t)count;
    }
    *ret_batch = (struct batch){.first_row = reader->next_row,
                                .rows = rows,
                                .ids = reader->ids,
                                .vectors = reader->vectors};
    reader->next_row += rows;
    return ERR_OK;
}

static void reader_close(struct segment_reader *base)
{
    struct log_reader *reader = (struct log_reader *)base;
    wal_cursor_release(&reader->ids_cursor);
    wal_cursor_release(&reader->vectors_cursor);
    mem_free(reader->dead);
    mem_free(reader->ids);
    mem_free(reader->vectors);
    mem_free(reader);
}

static const struct segment_reader_ops reader_ops = {.next = reader_next, .close = reader_close};

enum err_code replay_read_table(const struct replay *replay, size_t table,
                                struct segment_reader **ret_reader, struct err *err)
{
    const struct catalog1 *catalog = replay->catalog;
    struct log_reader *reader = mem_zalloc(1, sizeof *reader);
    if (reader == NULL)
        return err_nomem(err, "write-ahead log");
    reader->table = &replay->tables[table];
    reader->pending_first = replay_pending_first(reader->table);
    reader->ids_cursor.wal = reader->vectors_cursor.wal = &replay->wal;
    reader->base = (struct segment_reader){
        .ops = &reader_ops,
        .rows = total_rows(reader->table),
        .row_size = catalog->collections[catalog->tables[table].collection].row_size};
    reader->batch_rows = segment1_batch_rows(reader->base.row_size);
    if (reader->base.rows < reader->batch_rows)
        reader->batch_rows = reader->base.rows > 0 ? (size_t)reader->base.rows : 1;
    const enum err_code code = mark_dead(reader, replay, table, err);
    if (code != ERR_OK) {
        reader_close(&reader->base);
        return code;
    }
    *ret_reader = &reader->base;
    return ERR_OK;
}

const char *replay_row_path(const struct replay *replay, size_t table, uint64_t row,
                            uint64_t *ret_offset)
{
    const struct catalog1 *catalog = replay->catalog;
    const struct replay_table *rows = &replay->tables[table];
    const size_t row_size = catalog->collections[catalog->tables[table].collection].row_size;
    const size_t pending_first = replay_pending_first(rows);
    *ret_offset = 0;
    for (size_t k = 0;; k++) {
        const struct log_batch *batch = batch_of(rows, pending_first, k);
        if (batch == NULL)
            return "";
        if (row >= batch->count) {
            row -= batch->count;
            continue;
        }
        *ret_offset = batch->ids_at + (uint64_t)8 * batch->count + row * row_size;
        for (size_t f = 0; f < replay->wal.file_count; f++)
            if (replay->wal.files[f].number == batch->lsn >> 32)
                return replay->wal.files[f].path;
        return "";
    }
}
