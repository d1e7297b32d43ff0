/* segment.c: see segment.h. */
#include "engine/segment.h"

#include <inttypes.h>

#include "base/bitmap.h"
#include "base/hash.h"
#include "base/mem.h"
#include "engine/bits.h"
#include "engine/column_file.h"
#include "engine/dead_rows.h"
#include "engine/graph.h"
#include "engine/layout.h"
#include "engine/lists.h"
#include "engine/row_buffer.h"
#include "engine/segment_format.h"
#include "engine/segment_shared.h"

/* A whole small file whose checksum the catalog knows; mem_free(*ret_data). */
static enum err_code read_checked(const char *path, uint64_t expected_size, uint64_t expected_hash,
                                  void **ret_data, struct err *err)
{
    void *data = NULL;
    size_t size = 0;
    const enum err_code code = file_read_all(path, (size_t)expected_size, &data, &size, err);
    if (code != ERR_OK)
        return code;
    const uint64_t found = hash64(data, size, 0);
    if (size != expected_size || found != expected_hash) {
        mem_free(data);
        return err_set(err, ERR_CORRUPT,
                       "%s: offset 0: %zu bytes with checksum %016" PRIx64 " found, %" PRIu64
                       " bytes with %016" PRIx64 " expected; the file is damaged: restore it, or "
                       "migrate again",
                       path, size, found, expected_size, expected_hash);
    }
    *ret_data = data;
    return ERR_OK;
}

enum err_code segment_read_sums(const char *stem, const struct segment_facts *facts,
                                uint64_t **ret_sums, struct err *err)
{
    const uint64_t ids_size = facts->rows * 8;
    const uint64_t vectors_size = facts->rows * facts->row_size;
    const uint64_t size = sums_file_size(ids_size, vectors_size);
    char *path = layout_file(stem, LAYOUT_SUMS);
    uint64_t *sums = NULL;
    void *data = NULL;
    enum err_code code = ERR_OK;
    if (path == NULL)
        code = err_nomem(err, stem);
    if (code == ERR_OK)
        code = read_checked(path, size, facts->sums_hash, &data, err);
    if (code == ERR_OK && (sums = mem_alloc((size_t)(size / 8), sizeof *sums)) == NULL)
        code = err_nomem(err, path);
    if (code == ERR_OK) {
        const struct bytes in = {data, (size_t)size};
        code = sums_decode(in, ids_size, vectors_size, sums, err);
        code = code == ERR_OK ? code : err_wrap(err, "%s", path);
    }
    mem_free(data);
    mem_free(path);
    if (code == ERR_OK)
        *ret_sums = sums;
    else
        mem_free(sums);
    return code;
}

enum err_code segment_read_dead(const char *stem, const struct segment_facts *facts,
                                uint64_t **ret_dead, struct err *err)
{
    if (facts->dead_rows == 0) {
        *ret_dead = NULL;
        return ERR_OK;
    }
    const uint64_t size = dead_file_size(facts->rows);
    char *path = layout_file(stem, LAYOUT_DEAD);
    uint64_t *words = NULL;
    void *data = NULL;
    enum err_code code = ERR_OK;
    if (path == NULL)
        code = err_nomem(err, stem);
    if (code == ERR_OK)
        code = read_checked(path, size, facts->dead_hash, &data, err);
    if (code == ERR_OK &&
        (words = mem_alloc(bitmap_words((size_t)facts->rows), sizeof *words)) == NULL)
        code = err_nomem(err, path);
    if (code == ERR_OK) {
        const struct bytes in = {data, (size_t)size};
        code = dead_decode(in, facts->rows, facts->dead_rows, words, err);
        code = code == ERR_OK ? code : err_wrap(err, "%s", path);
    }
    mem_free(data);
    mem_free(path);
    if (code == ERR_OK)
        *ret_dead = words;
    else
        mem_free(words);
    return code;
}

static void column_close(struct segment_column *column)
{
    file_map_close(&column->map);
    mem_free(column->checked);
    mem_free(column->path);
    *column = (struct segment_column){0};
}

/* column->offset, size and sums are set. */
static enum err_code column_open(struct segment_column *column, const char *stem,
                                 const char *extension, struct err *err)
{
    const size_t blocks = (size_t)sums_block_count(column->size);
    column->path = layout_file(stem, extension);
    column->checked = mem_zalloc(bitmap_words(blocks), sizeof *column->checked);
    if (column->path == NULL || column->checked == NULL)
        return err_nomem(err, stem);
    const enum err_code code = file_map_open(column->path, &column->map, err);
    if (code != ERR_OK)
        return code;
    const uint64_t end = column->offset + column->size;
    if (column->map.size < end)
        return err_set(err, ERR_CORRUPT,
                       "%s: offset %" PRIu64 ": the file ends, %" PRIu64 " bytes expected",
                       column->path, column->map.size, end);
    column->data = column->map.data + column->offset;
    return ERR_OK;
}

enum err_code segment_open(const char *folder, const struct segment_facts *facts,
                           struct segment *ret_segment, struct err *err)
{
    struct segment segment = {.facts = *facts};
    if (facts->rows == 0) {
        *ret_segment = segment;
        return ERR_OK;
    }
    char *stem = layout_segment_stem(folder, facts->folder, facts->number);
    if (stem == NULL)
        return err_nomem(err, folder);
    enum err_code code = segment_read_sums(stem, facts, &segment.sums, err);
    if (code == ERR_OK)
        code = segment_read_dead(stem, facts, &segment.dead, err);
    if (code == ERR_OK) {
        segment.ids.offset = facts->ids_offset;
        segment.ids.size = facts->rows * 8;
        segment.ids.sums = segment.sums;
        code = column_open(&segment.ids, stem, LAYOUT_IDS, err);
    }
    if (code == ERR_OK) {
        segment.vectors.offset = facts->vectors_offset;
        segment.vectors.size = facts->rows * facts->row_size;
        segment.vectors.sums = segment.sums + sums_block_count(segment.ids.size);
        code = column_open(&segment.vectors, stem, LAYOUT_VECTORS, err);
    }
    mem_free(stem);
    if (code == ERR_OK)
        *ret_segment = segment;
    else
        segment_close(&segment);
    return code;
}

void segment_open_indexes(struct segment *segment, const char *folder, enum metric_type metric,
                          size_t dim)
{
    const struct segment_facts *facts = &segment->facts;
    const bool is_binary = bits_support(metric);
    if (facts->rows == 0 || !(codes_support(metric) || is_binary))
        return;
    const struct lists_identity identity = {metric, dim, facts->rows, facts->sums_hash,
                                            facts->dead_hash};
    char *stem = layout_segment_stem(folder, facts->folder, facts->number);
    const char *ending = is_binary ? LAYOUT_BITS : LAYOUT_LISTS;
    const int64_t field = segment->vector_field;
    char *lists = stem != NULL ? layout_index_file(stem, field, ending) : NULL;
    char *graph = stem != NULL ? layout_index_file(stem, field, LAYOUT_GRAPH) : NULL;
    struct err ignored; /* on failure the pointers stay NULL */
    if (lists != NULL && is_binary)
        (void)!bits_open(lists, &identity, &segment->bits, &ignored);
    else if (lists != NULL)
        (void)!lists_open(lists, &identity, &segment->lists, &ignored);
    if (graph != NULL && !is_binary)
        (void)!graph_open(graph, &identity, &segment->graph, &ignored);
    mem_free(lists);
    mem_free(graph);
    mem_free(stem);
}

struct segment_index *segment_find_index(const struct segment *segment, int64_t field_id)
{
    for (size_t k = 0; k < segment->index_count; k++)
        if (segment->indexes[k].field_id == field_id)
            return &segment->indexes[k];
    return NULL;
}

void segment_close(struct segment *segment)
{
    dead_rows_unref(segment->dead_rows);
    if (segment->shared != NULL || segment->buffer != NULL) {
        segment_shared_unref(segment->shared);
        row_buffer_unref(segment->buffer);
        *segment = (struct segment){0};
        return;
    }
    column_file_close(segment->columns);
    segment->columns = NULL;
    lists_close(segment->lists);
    graph_close(segment->graph);
    bits_close(segment->bits);
    segment->lists = NULL;
    segment->graph = NULL;
    segment->bits = NULL;
    for (size_t k = 0; k < segment->index_count; k++) {
        lists_close(segment->indexes[k].lists);
        graph_close(segment->indexes[k].graph);
        bits_close(segment->indexes[k].bits);
    }
    mem_free(segment->indexes);
    segment->indexes = NULL;
    segment->index_count = 0;
    column_close(&segment->ids);
    column_close(&segment->vectors);
    mem_free(segment->dead);
    mem_free(segment->sums);
    segment->dead = NULL;
    segment->sums = NULL;
}

static enum err_code check_block(struct segment_column *column, uint64_t block, struct err *err)
{
    const uint64_t from = block * SUMS_BLOCK_SIZE;
    const uint64_t left = column->size - from;
    const uint64_t size = left < SUMS_BLOCK_SIZE ? left : SUMS_BLOCK_SIZE;
    const enum err_code code =
        file_map_populate(&column->map, column->path, column->offset + from, size, err);
    if (code != ERR_OK)
        return code;
    const uint64_t found = hash64(column->data + from, (size_t)size, 0);
    if (found != column->sums[block])
        return err_set(err, ERR_CORRUPT,
                       "%s: offset %" PRIu64 ": %" PRIu64 " bytes have checksum %016" PRIx64
                       ", %016" PRIx64 " expected; the file is damaged: restore it, or migrate "
                       "again",
                       column->path, column->offset + from, size, found, column->sums[block]);
    (void)atomic_fetch_or_explicit(&column->checked[block / 64], (uint64_t)1 << block % 64,
                                   memory_order_release);
    return ERR_OK;
}

enum err_code segment_touch(struct segment_column *column, uint64_t first_row, uint64_t rows,
                            size_t width, struct err *err)
{
    if (rows == 0 || column->sums == NULL)
        return ERR_OK;
    const uint64_t last = ((first_row + rows) * width - 1) / SUMS_BLOCK_SIZE;
    for (uint64_t block = first_row * width / SUMS_BLOCK_SIZE; block <= last; block++) {
        const uint64_t word =
            atomic_load_explicit(&column->checked[block / 64], memory_order_acquire);
        if ((word >> block % 64 & 1) != 0)
            continue;
        const enum err_code code = check_block(column, block, err);
        if (code != ERR_OK)
            return code;
    }
    return ERR_OK;
}
