/* cursor.c: see cursor.h. The index is an array of (id, ordinal), sorted; rows in id order already,
 * as auto-generated ids are, need no sorting. */
#include "engine/cursor.h"

#include <stdlib.h>
#include <string.h>

#include "base/bitmap.h"
#include "base/bytes.h"
#include "base/mem.h"
#include "engine/snapshot_internal.h"
#include "flow/source.h"

#define BATCH_ROWS_MAX ((size_t)65536)

struct entry {
    int64_t id;
    uint64_t ordinal;
};

struct cursor {
    struct snapshot *snapshot;
    struct entry *entries;
    uint64_t count;
    uint64_t next;
    bool is_sorted;
    size_t batch_rows; /* at most in a batch */
    int64_t *ids;
    uint8_t *vectors;
    uint32_t *partitions;
};

static int compare_entries(const void *a, const void *b)
{
    const struct entry *left = a;
    const struct entry *right = b;
    if (left->id != right->id)
        return left->id < right->id ? -1 : 1;
    return (left->ordinal > right->ordinal) - (left->ordinal < right->ordinal);
}

static enum err_code add_segment(struct cursor *cursor, size_t index, struct err *err)
{
    struct segment *segment = &cursor->snapshot->segments[index];
    const uint64_t rows = segment->facts.rows;
    const enum err_code code = segment_touch(&segment->ids, 0, rows, 8, err);
    if (code != ERR_OK)
        return code;
    for (uint64_t row = 0; row < rows; row++) {
        if (segment->dead != NULL && bitmap_get(segment->dead, (size_t)row))
            continue;
        const int64_t id = get_i64(segment->ids.data + row * 8);
        if (cursor->count > 0 && id < cursor->entries[cursor->count - 1].id)
            cursor->is_sorted = false;
        cursor->entries[cursor->count++] = (struct entry){id, cursor->snapshot->bases[index] + row};
    }
    return ERR_OK;
}

static enum err_code allocate(struct cursor *cursor, uint64_t rows, struct err *err)
{
    const size_t row_size = cursor->snapshot->facts.row_size;
    cursor->batch_rows = row_size < BATCH_SIZE ? BATCH_SIZE / row_size : 1;
    if (cursor->batch_rows > BATCH_ROWS_MAX)
        cursor->batch_rows = BATCH_ROWS_MAX;
    if (cursor->batch_rows > rows)
        cursor->batch_rows = (size_t)rows;
    cursor->entries = mem_alloc((size_t)rows, sizeof *cursor->entries);
    cursor->ids = mem_alloc(cursor->batch_rows, sizeof *cursor->ids);
    cursor->vectors = mem_alloc(cursor->batch_rows, row_size);
    cursor->partitions = mem_alloc(cursor->batch_rows, sizeof *cursor->partitions);
    if (cursor->entries == NULL || cursor->ids == NULL || cursor->vectors == NULL ||
        cursor->partitions == NULL)
        return err_nomem(err, "sorting rows by id");
    return ERR_OK;
}

static enum err_code fill(struct cursor *cursor, const char *partition, struct err *err)
{
    struct snapshot *snapshot = cursor->snapshot;
    uint64_t rows = snapshot->facts.rows;
    size_t only = 0;
    enum err_code code = ERR_OK;
    if (partition != NULL) {
        code = snapshot_partition(snapshot, partition, &only, err);
        rows = code == ERR_OK ? snapshot->facts.partitions[only].rows : 0;
    }
    if (code == ERR_OK)
        code = allocate(cursor, rows, err);
    for (size_t k = 0; code == ERR_OK && k < snapshot->segment_count; k++)
        if (partition == NULL || snapshot->segments[k].facts.partition == only)
            code = add_segment(cursor, k, err);
    if (code == ERR_OK && !cursor->is_sorted)
        qsort(cursor->entries, (size_t)cursor->count, sizeof *cursor->entries, compare_entries);
    return code;
}

enum err_code cursor_open(struct snapshot *snapshot, const char *partition,
                          struct cursor **ret_cursor, struct err *err)
{
    struct cursor *cursor = mem_zalloc(1, sizeof *cursor);
    if (cursor == NULL)
        return err_nomem(err, "cursor");
    cursor->snapshot = snapshot_ref(snapshot);
    cursor->is_sorted = true;
    const enum err_code code = fill(cursor, partition, err);
    if (code == ERR_OK)
        *ret_cursor = cursor;
    else
        cursor_close(cursor);
    return code;
}

uint64_t cursor_rows(const struct cursor *cursor)
{
    return cursor->count;
}

void cursor_count_duplicates(const struct cursor *cursor, uint64_t *ret_ids, uint64_t *ret_rows)
{
    uint64_t ids = 0;
    uint64_t rows = 0;
    for (uint64_t k = 1; k < cursor->count; k++) {
        const struct entry *entry = &cursor->entries[k];
        if (entry->id != entry[-1].id)
            continue;
        rows++;
        ids += k == 1 || entry[-2].id != entry->id;
    }
    *ret_ids = ids;
    *ret_rows = rows;
}

enum err_code cursor_next(struct cursor *cursor, struct cursor_batch *ret_batch, struct err *err)
{
    struct snapshot *snapshot = cursor->snapshot;
    const size_t row_size = snapshot->facts.row_size;
    const uint64_t left = cursor->count - cursor->next;
    const size_t rows = left < cursor->batch_rows ? (size_t)left : cursor->batch_rows;
    for (size_t k = 0; k < rows; k++) {
        const struct entry *entry = &cursor->entries[cursor->next + k];
        const size_t index = snapshot_segment_of(snapshot, entry->ordinal);
        struct segment *segment = &snapshot->segments[index];
        const uint64_t row = entry->ordinal - snapshot->bases[index];
        const enum err_code code = segment_touch(&segment->vectors, row, 1, row_size, err);
        if (code != ERR_OK)
            return code;
        cursor->ids[k] = entry->id;
        cursor->partitions[k] = (uint32_t)segment->facts.partition;
        memcpy(cursor->vectors + k * row_size, segment->vectors.data + row * row_size, row_size);
    }
    cursor->next += rows;
    *ret_batch = (struct cursor_batch){rows, cursor->ids, cursor->vectors, cursor->partitions};
    return ERR_OK;
}

void cursor_close(struct cursor *cursor)
{
    if (cursor == NULL)
        return;
    snapshot_unref(cursor->snapshot);
    mem_free(cursor->entries);
    mem_free(cursor->ids);
    mem_free(cursor->vectors);
    mem_free(cursor->partitions);
    mem_free(cursor);
}
