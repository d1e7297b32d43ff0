/* lookup.c: see lookup.h. The ids column of each segment is compared with the set of wanted ids,
 * block by block, in order; the first live row of an id answers for it. */
#include "engine/lookup.h"

#include <stdlib.h>
#include <string.h>

#include "base/bitmap.h"
#include "base/bytes.h"
#include "base/mem.h"
#include "engine/snapshot_internal.h"
#include "kernel/id_set.h"
#include "kernel/kernel.h"

#define BLOCK_ROWS ((size_t)32768) /* 256 KiB of ids */

struct wanted {
    int64_t id;
    size_t index; /* in the caller's array */
};

struct lookup {
    struct snapshot *snapshot;
    const struct kernel *kernel;
    struct id_set set;
    struct wanted *wanted; /* sorted by id, then index */
    size_t count;
    size_t missing; /* distinct ids not found yet */
    struct lookup_result *result;
};

static int compare_wanted(const void *a, const void *b)
{
    const struct wanted *left = a;
    const struct wanted *right = b;
    if (left->id != right->id)
        return left->id < right->id ? -1 : 1;
    return (left->index > right->index) - (left->index < right->index);
}

/* The first entry of an id, or count. */
static size_t find_wanted(const struct lookup *lookup, int64_t id)
{
    size_t low = 0;
    size_t high = lookup->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (lookup->wanted[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static enum err_code take_row(struct lookup *lookup, struct segment *segment, uint64_t row,
                              struct err *err)
{
    struct lookup_result *result = lookup->result;
    const size_t row_size = result->row_size;
    const int64_t id = get_i64(segment->ids.data + row * 8);
    const size_t first = find_wanted(lookup, id);
    if (first == lookup->count || lookup->wanted[first].id != id ||
        result->found[lookup->wanted[first].index])
        return ERR_OK;
    const enum err_code code = segment_touch(&segment->vectors, row, 1, row_size, err);
    if (code != ERR_OK)
        return code;
    for (size_t k = first; k < lookup->count && lookup->wanted[k].id == id; k++) {
        const size_t index = lookup->wanted[k].index;
        result->found[index] = true;
        result->found_count++;
        result->partitions[index] = (uint32_t)segment->facts.partition;
        memcpy(result->vectors + index * row_size, segment->vectors.data + row * row_size,
               row_size);
    }
    lookup->missing--;
    return ERR_OK;
}

static enum err_code look_into(struct lookup *lookup, struct segment *segment, struct err *err)
{
    uint64_t marks[BLOCK_ROWS / 64];
    const uint64_t rows = segment->facts.rows;
    enum err_code code = ERR_OK;
    for (uint64_t first = 0; code == ERR_OK && lookup->missing > 0 && first < rows;
         first += BLOCK_ROWS) {
        const size_t count = rows - first < BLOCK_ROWS ? (size_t)(rows - first) : BLOCK_ROWS;
        code = segment_touch(&segment->ids, first, count, 8, err);
        if (code != ERR_OK || id_set_find(&lookup->set, lookup->kernel,
                                          segment->ids.data + first * 8, count, marks) == 0)
            continue;
        for (size_t k = bitmap_next(marks, count, 0, true); code == ERR_OK && k < count;
             k = bitmap_next(marks, count, k + 1, true))
            if (segment->dead == NULL || !bitmap_get(segment->dead, (size_t)first + k))
                code = take_row(lookup, segment, first + k, err);
    }
    return code;
}

static enum err_code lookup_init(struct lookup *lookup, const int64_t *ids, struct err *err)
{
    enum err_code code = kernel_select(NULL, &lookup->kernel, err);
    if (code != ERR_OK)
        return code;
    lookup->wanted = mem_alloc(lookup->count, sizeof *lookup->wanted);
    if (lookup->wanted == NULL)
        return err_nomem(err, "get");
    for (size_t k = 0; k < lookup->count; k++)
        lookup->wanted[k] = (struct wanted){ids[k], k};
    if (lookup->count > 1)
        qsort(lookup->wanted, lookup->count, sizeof *lookup->wanted, compare_wanted);
    for (size_t k = 0; k < lookup->count; k++)
        lookup->missing += k == 0 || lookup->wanted[k].id != lookup->wanted[k - 1].id;
    code = id_set_init(&lookup->set, ids, lookup->count, err);
    if (code != ERR_OK)
        mem_free(lookup->wanted);
    return code;
}

static enum err_code result_init(struct lookup_result *result, size_t count, size_t row_size,
                                 struct err *err)
{
    *result = (struct lookup_result){.count = count, .row_size = row_size};
    result->found = mem_zalloc(count, sizeof *result->found);
    result->partitions = mem_zalloc(count, sizeof *result->partitions);
    result->vectors = mem_zalloc(count, row_size);
    if (result->found == NULL || result->partitions == NULL || result->vectors == NULL)
        return err_nomem(err, "get");
    return ERR_OK;
}

static enum err_code run(struct lookup *lookup, const char *partition, const int64_t *ids,
                         struct err *err)
{
    struct snapshot *snapshot = lookup->snapshot;
    size_t only = 0;
    enum err_code code = ERR_OK;
    if (partition != NULL)
        code = snapshot_partition(snapshot, partition, &only, err);
    if (code == ERR_OK)
        code = lookup_init(lookup, ids, err);
    if (code != ERR_OK)
        return code;
    for (size_t k = 0; code == ERR_OK && lookup->missing > 0 && k < snapshot->segment_count; k++)
        if (partition == NULL || snapshot->segments[k].facts.partition == only)
            code = look_into(lookup, &snapshot->segments[k], err);
    id_set_release(&lookup->set);
    mem_free(lookup->wanted);
    return code;
}

enum err_code lookup_get(struct snapshot *snapshot, const char *partition, const int64_t *ids,
                         size_t count, struct lookup_result *ret_result, struct err *err)
{
    if (count > LOOKUP_IDS_MAX)
        return err_set(err, ERR_INVALID, "%zu ids asked for, at most %d at a time", count,
                       LOOKUP_IDS_MAX);
    struct lookup_result result;
    enum err_code code = result_init(&result, count, snapshot->facts.row_size, err);
    struct lookup lookup = {.snapshot = snapshot, .count = count, .result = &result};
    if (code == ERR_OK)
        code = run(&lookup, partition, ids, err);
    if (code == ERR_OK)
        *ret_result = result;
    else
        lookup_result_release(&result);
    return code;
}

void lookup_result_release(struct lookup_result *result)
{
    mem_free(result->found);
    mem_free(result->partitions);
    mem_free(result->vectors);
    *result = (struct lookup_result){0};
}

static enum err_code mark_segment(struct segment *segment, const struct id_set *set,
                                  const struct kernel *kernel, struct lookup_marks *marks,
                                  struct err *err)
{
    const uint64_t rows = segment->facts.rows;
    uint64_t *bitmap = mem_zalloc(bitmap_words((size_t)rows) + 1, sizeof *bitmap);
    if (bitmap == NULL)
        return err_nomem(err, "search");
    marks->bitmaps[marks->segment_count++] = bitmap;
    for (uint64_t first = 0; first < rows; first += BLOCK_ROWS) {
        const size_t count = rows - first < BLOCK_ROWS ? (size_t)(rows - first) : BLOCK_ROWS;
        const enum err_code code = segment_touch(&segment->ids, first, count, 8, err);
        if (code != ERR_OK)
            return code;
        marks->rows +=
            id_set_find(set, kernel, segment->ids.data + first * 8, count, bitmap + first / 64);
    }
    return ERR_OK;
}

enum err_code lookup_mark(struct snapshot *snapshot, const int64_t *ids, size_t count,
                          struct lookup_marks *ret_marks, struct err *err)
{
    const struct kernel *kernel = NULL;
    struct id_set set = {0};
    struct lookup_marks marks = {0};
    enum err_code code = kernel_select(NULL, &kernel, err);
    if (code == ERR_OK)
        code = id_set_init(&set, ids, count, err);
    if (code != ERR_OK)
        return code;
    marks.bitmaps = mem_zalloc(snapshot->segment_count + 1, sizeof *marks.bitmaps);
    if (marks.bitmaps == NULL)
        code = err_nomem(err, "search");
    for (size_t k = 0; code == ERR_OK && k < snapshot->segment_count; k++)
        code = mark_segment(&snapshot->segments[k], &set, kernel, &marks, err);
    id_set_release(&set);
    if (code == ERR_OK)
        *ret_marks = marks;
    else
        lookup_marks_release(&marks);
    return code;
}

void lookup_marks_release(struct lookup_marks *marks)
{
    for (size_t k = 0; k < marks->segment_count; k++)
        mem_free(marks->bitmaps[k]);
    mem_free(marks->bitmaps);
    *marks = (struct lookup_marks){0};
}

enum err_code lookup_count(const struct snapshot *snapshot, const char *partition,
                           uint64_t *ret_rows, struct err *err)
{
    size_t index = 0;
    if (partition == NULL) {
        *ret_rows = snapshot->facts.rows;
        return ERR_OK;
    }
    const enum err_code code = snapshot_partition(snapshot, partition, &index, err);
    if (code == ERR_OK)
        *ret_rows = snapshot->facts.partitions[index].rows;
    return code;
}
