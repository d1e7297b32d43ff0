/* live.c: see live.h. Sorting does all the joining: tables by name to look owners up, file rows by
 * (table, segment) to keep one of each segment. */
#include "milvus1/live.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* A file row and its table's place in live.tables. */
struct place {
    size_t table;
    const struct meta_file *file;
};

/* To look a table up by its id. */
struct name {
    const char *table_id;
    size_t table;
};

static int compare_numbers(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

/* The order within a collection. A dropped collection is of no kind. */
enum kind { KIND_COLLECTION, KIND_PARTITION, KIND_DROPPED_PARTITION, KIND_NONE };

static enum kind kind_of(const struct meta_table *row)
{
    const bool is_dropped = row->state == META_TABLE_TO_DELETE;
    if (*row->owner_table == '\0')
        return is_dropped ? KIND_NONE : KIND_COLLECTION;
    return is_dropped ? KIND_DROPPED_PARTITION : KIND_PARTITION;
}

static bool is_live_type(int64_t type)
{
    return type == META_FILE_RAW || type == META_FILE_TO_INDEX || type == META_FILE_INDEX ||
           type == META_FILE_BACKUP;
}

static const char *collection_of(const struct meta_table *row)
{
    return *row->owner_table != '\0' ? row->owner_table : row->table_id;
}

/* A collection, then its partitions; two rows of one name by id. */
static int compare_tables(const void *a, const void *b)
{
    const struct meta_table *row_a = ((const struct live_table *)a)->row;
    const struct meta_table *row_b = ((const struct live_table *)b)->row;
    const int order = strcmp(collection_of(row_a), collection_of(row_b));
    if (order != 0)
        return order;
    const int kind = (int)kind_of(row_a) - (int)kind_of(row_b);
    return kind != 0 ? kind : compare_numbers(row_a->id, row_b->id);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const struct name *)a)->table_id, ((const struct name *)b)->table_id);
}

static bool is_raw(const struct meta_file *file)
{
    return file->file_type != META_FILE_INDEX;
}

/* The row that stands for a segment comes first among its rows. */
static int compare_segments(const void *a, const void *b)
{
    const struct place *place_a = a;
    const struct place *place_b = b;
    if (place_a->table != place_b->table)
        return place_a->table < place_b->table ? -1 : 1;
    const int order = strcmp(place_a->file->segment_id, place_b->file->segment_id);
    if (order != 0)
        return order;
    const int kind = is_raw(place_b->file) - is_raw(place_a->file);
    return kind != 0 ? kind : compare_numbers(place_a->file->id, place_b->file->id);
}

static int compare_places(const void *a, const void *b)
{
    const struct place *place_a = a;
    const struct place *place_b = b;
    if (place_a->table != place_b->table)
        return place_a->table < place_b->table ? -1 : 1;
    return compare_numbers(place_a->file->id, place_b->file->id);
}

/* Drops partitions whose owner is not before them, and counts the others to their owner. */
static void keep_owned(struct live *live)
{
    size_t kept = 0;
    struct live_table *owner = NULL;
    for (size_t k = 0; k < live->table_count; k++) {
        const struct live_table table = live->tables[k];
        const enum kind kind = kind_of(table.row);
        if (kind != KIND_COLLECTION &&
            (owner == NULL || strcmp(owner->row->table_id, table.row->owner_table) != 0))
            continue;
        live->tables[kept] = table;
        if (kind == KIND_COLLECTION)
            owner = &live->tables[kept];
        else if (kind == KIND_PARTITION)
            owner->partition_count++;
        else
            owner->dropped_count++;
        kept++;
    }
    live->table_count = kept;
}

static enum err_code select_tables(const struct meta *meta, struct live *live, struct err *err)
{
    live->tables = mem_zalloc(meta->table_count, sizeof *live->tables);
    if (live->tables == NULL)
        return err_nomem(err, "collections");
    for (size_t k = 0; k < meta->table_count; k++) {
        const struct meta_table *row = &meta->tables[k];
        if (kind_of(row) != KIND_NONE)
            live->tables[live->table_count++].row = row;
    }
    qsort(live->tables, live->table_count, sizeof *live->tables, compare_tables);
    keep_owned(live);
    return ERR_OK;
}

/* The rows of living files of visible tables. `places` has room for all file rows. */
static size_t collect_places(const struct meta *meta, const struct name *names, size_t name_count,
                             struct place *places)
{
    size_t count = 0;
    for (size_t k = 0; k < meta->file_count; k++) {
        const struct meta_file *file = &meta->files[k];
        const struct name wanted = {.table_id = file->table_id};
        if (!is_live_type(file->file_type))
            continue;
        const struct name *name = bsearch(&wanted, names, name_count, sizeof *names, compare_names);
        if (name != NULL)
            places[count++] = (struct place){.table = name->table, .file = file};
    }
    return count;
}

static size_t keep_one_of_each(struct place *places, size_t count)
{
    size_t kept = 0;
    qsort(places, count, sizeof *places, compare_segments);
    for (size_t k = 0; k < count; k++) {
        const struct place *last = kept > 0 ? &places[kept - 1] : NULL;
        if (last == NULL || last->table != places[k].table ||
            strcmp(last->file->segment_id, places[k].file->segment_id) != 0)
            places[kept++] = places[k];
    }
    qsort(places, kept, sizeof *places, compare_places);
    return kept;
}

static enum err_code select_segments(const struct meta *meta, struct live *live, struct err *err)
{
    struct name *names = mem_alloc(live->table_count, sizeof *names);
    struct place *places = mem_alloc(meta->file_count, sizeof *places);
    live->segments = mem_alloc(meta->file_count, sizeof *live->segments);
    enum err_code code = ERR_OK;
    if (names == NULL || places == NULL || live->segments == NULL) {
        code = err_nomem(err, "segments");
        goto out;
    }
    size_t name_count = 0;
    for (size_t k = 0; k < live->table_count; k++)
        if (kind_of(live->tables[k].row) != KIND_DROPPED_PARTITION)
            names[name_count++] =
                (struct name){.table_id = live->tables[k].row->table_id, .table = k};
    qsort(names, name_count, sizeof *names, compare_names);
    size_t count = collect_places(meta, names, name_count, places);
    count = keep_one_of_each(places, count);
    for (size_t k = 0; k < count; k++) {
        struct live_table *table = &live->tables[places[k].table];
        if (table->segment_count++ == 0)
            table->first_segment = k;
        live->segments[k] = places[k].file;
    }
    live->segment_count = count;
out:
    mem_free(names);
    mem_free(places);
    return code;
}

enum err_code live_select(const struct meta *meta, struct live *ret_live, struct err *err)
{
    struct live live = {0};
    enum err_code code = select_tables(meta, &live, err);
    if (code == ERR_OK)
        code = select_segments(meta, &live, err);
    if (code == ERR_OK)
        *ret_live = live;
    else
        live_release(&live);
    return code;
}

void live_release(struct live *live)
{
    mem_free(live->tables);
    mem_free(live->segments);
    *live = (struct live){0};
}
