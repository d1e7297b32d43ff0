/* mysql_crash.c: see mysql_crash.h. */
#include "milvus1/mysql_crash.h"

#include <inttypes.h>
#include <string.h>

#include "base/bitmap.h"
#include "milvus1/catalog1.h"
#include "milvus1/report.h"
#include "milvus1/segment.h"

#define CATALOG_SIZE_MAX ((size_t)1 << 32)
#define IDS_CHUNK ((size_t)8192)

struct mend {
    struct located *located;
    struct layout layout;
    struct catalog1 catalog;
    struct finding_list *findings;
    struct err *err;
};

/* A segment with its dead rows. */
struct opened {
    struct segment1 segment;
    struct segment1_dead dead;
    bool is_complete;
};

static enum err_code open_one(struct mend *mend, size_t table, const char *segment_id,
                              struct opened *ret_opened)
{
    const struct catalog1_table *entry = &mend->catalog.tables[table];
    const struct segment1_place place = {.layout = &mend->layout,
                                         .table_id = entry->row->table_id,
                                         .segment_id = segment_id,
                                         .row_size =
                                             mend->catalog.collections[entry->collection].row_size};
    const struct kill_view nothing = {0};
    *ret_opened = (struct opened){.is_complete = true};
    enum err_code code = segment1_open(&place, &ret_opened->segment, mend->err);
    if (code == ERR_OK)
        code = segment1_find_dead(&ret_opened->segment, &nothing, &ret_opened->dead, mend->err);
    if (code == ERR_CORRUPT) {
        ret_opened->is_complete = false;
        code = ERR_OK;
    }
    return code;
}

static void close_one(struct opened *opened)
{
    segment1_close(&opened->segment);
    mem_free(opened->dead.bitmap);
}

static bool is_alive(const struct opened *opened, uint64_t row)
{
    return opened->dead.bitmap == NULL || !bitmap_get(opened->dead.bitmap, (size_t)row);
}

/* Calls `work` for each piece of ids; it may end the walk. */
static enum err_code each_id(struct mend *mend, const struct opened *opened,
                             enum err_code (*work)(void *argument, const struct opened *opened,
                                                   uint64_t first, const int64_t *ids, size_t count,
                                                   struct err *err),
                             void *argument)
{
    int64_t *ids = mem_alloc(IDS_CHUNK, sizeof *ids);
    if (ids == NULL)
        return err_nomem(mend->err, "ids of a segment");
    enum err_code code = ERR_OK;
    for (uint64_t row = 0; row < opened->segment.rows && code == ERR_OK; row += IDS_CHUNK) {
        const uint64_t left = opened->segment.rows - row;
        const size_t count = left < IDS_CHUNK ? (size_t)left : IDS_CHUNK;
        code = segment1_read_ids(&opened->segment, row, count, ids, mend->err);
        if (code == ERR_OK)
            code = work(argument, opened, row, ids, count, mend->err);
    }
    mem_free(ids);
    return code;
}

/* ----------------------------------------------------------------------------------- merges */

/* The ids of one segment, and whether a living segment has any of them. */
struct overlap {
    struct kill_set ids; /* no kills, but the same sorted set */
    bool is_found;
};

static enum err_code gather(void *argument, const struct opened *opened, uint64_t first,
                            const int64_t *ids, size_t count, struct err *err)
{
    struct overlap *overlap = argument;
    for (size_t k = 0; k < count; k++) {
        if (!is_alive(opened, first + k))
            continue;
        const enum err_code code = kill_set_add(&overlap->ids, ids + k, 1, 1, err);
        if (code != ERR_OK)
            return code;
    }
    return ERR_OK;
}

static enum err_code look_up(void *argument, const struct opened *opened, uint64_t first,
                             const int64_t *ids, size_t count, struct err *err)
{
    (void)opened, (void)first, (void)err;
    struct overlap *overlap = argument;
    size_t index;
    for (size_t k = 0; k < count && !overlap->is_found; k++)
        overlap->is_found = kill_set_find(&overlap->ids, ids[k], &index);
    return ERR_OK;
}

/* Is the segment complete, not empty, and in no way part of what lives already? */
static enum err_code is_lost(struct mend *mend, size_t table, const char *segment_id,
                             bool *ret_is_lost, uint64_t *ret_rows)
{
    struct opened candidate;
    struct overlap overlap = {0};
    *ret_is_lost = false;
    enum err_code code = open_one(mend, table, segment_id, &candidate);
    if (code == ERR_OK && candidate.is_complete) {
        *ret_rows = candidate.segment.rows - candidate.dead.rows;
        code = each_id(mend, &candidate, gather, &overlap);
        if (code == ERR_OK)
            code = kill_set_seal(&overlap.ids, mend->err);
        const struct catalog1_table *entry = &mend->catalog.tables[table];
        for (size_t k = 0; k < entry->segment_count && code == ERR_OK && !overlap.is_found; k++) {
            struct opened living;
            code = open_one(mend, table, entry->segments[k].segment_id, &living);
            if (code == ERR_OK && living.is_complete)
                code = each_id(mend, &living, look_up, &overlap);
            close_one(&living);
        }
        *ret_is_lost = *ret_rows > 0 && !overlap.is_found;
    }
    kill_set_release(&overlap.ids);
    close_one(&candidate);
    return code;
}

static enum err_code report_merge(struct mend *mend, size_t table, const struct meta_file *file,
                                  uint64_t rows)
{
    const struct catalog1_table *entry = &mend->catalog.tables[table];
    const struct catalog1_collection *collection = &mend->catalog.collections[entry->collection];
    return finding_add(
        mend->findings,
        &(struct finding){.severity = FINDING_WARNING,
                          .code = "merge-interrupted",
                          .collection = collection->row->table_id,
                          .partition = collection->tags[entry->partition],
                          .path = mend->located->meta.where,
                          .found = REPORT_TEXT("segment %s in state %" PRId64
                                               ", left by a crash in a merge, with %" PRIu64
                                               " rows that no live segment holds",
                                               file->segment_id, file->file_type, rows),
                          .expected = "a merge that is done or not begun",
                          .consequence = "migrated; the old server would lose these rows when it "
                                         "is started again",
                          .rows = rows},
        mend->err);
}

static enum err_code revive(struct mend *mend, size_t table, struct meta_file *file,
                            bool *ret_is_revived)
{
    uint64_t rows = 0;
    enum err_code code = is_lost(mend, table, file->segment_id, ret_is_revived, &rows);
    if (code != ERR_OK || !*ret_is_revived)
        return code;
    code = report_merge(mend, table, file, rows);
    file->file_type = META_FILE_RAW;
    return code;
}

static bool is_source_of(const struct meta_file *file, const struct meta_file *result)
{
    return file->file_type == META_FILE_TO_DELETE &&
           strcmp(file->table_id, result->table_id) == 0 &&
           strcmp(file->segment_id, file->file_id) == 0 && file->updated_time >= result->created_on;
}

/* The result of a merge, still NEW_MERGE. Its sources were not TO_DELETE before it was begun. */
static enum err_code mend_merge(struct mend *mend, size_t table, struct meta_file *result)
{
    struct meta *meta = &mend->located->meta;
    bool has_sources = false, is_revived = false;
    for (size_t k = 0; k < meta->file_count && !has_sources; k++)
        has_sources = is_source_of(&meta->files[k], result);
    enum err_code code = has_sources ? revive(mend, table, result, &is_revived) : ERR_OK;
    if (!has_sources || is_revived)
        return code;
    for (size_t k = 0; k < meta->file_count && code == ERR_OK; k++)
        if (is_source_of(&meta->files[k], result))
            code = revive(mend, table, &meta->files[k], &is_revived);
    return code;
}

/* ------------------------------------------------------------------------------ compactions */

/* Rows of an original against those of its compacted copy. */
struct twins {
    const struct opened *copy;
    uint64_t next; /* row of the copy */
    bool is_equal;
};

static enum err_code compare_rows(void *argument, const struct opened *opened, uint64_t first,
                                  const int64_t *ids, size_t count, struct err *err)
{
    struct twins *twins = argument;
    const size_t row_size = opened->segment.row_size;
    uint8_t *vectors = mem_alloc(2, row_size);
    if (vectors == NULL)
        return err_nomem(err, "a vector");
    enum err_code code = ERR_OK;
    for (size_t k = 0; k < count && twins->is_equal && code == ERR_OK; k++) {
        if (!is_alive(opened, first + k))
            continue;
        int64_t id = 0;
        code = segment1_read_ids(&twins->copy->segment, twins->next, 1, &id, err);
        if (code == ERR_OK && id == ids[k])
            code = segment1_read_vectors(&opened->segment, first + k, 1, vectors, err);
        if (code == ERR_OK && id == ids[k])
            code = segment1_read_vectors(&twins->copy->segment, twins->next, 1, vectors + row_size,
                                         err);
        twins->is_equal = id == ids[k] && memcmp(vectors, vectors + row_size, row_size) == 0;
        twins->next++;
    }
    mem_free(vectors);
    return code;
}

static enum err_code are_twins(struct mend *mend, const struct opened *original,
                               const struct opened *copy, bool *ret_are)
{
    struct twins twins = {.copy = copy, .is_equal = true};
    *ret_are = false;
    if (!original->is_complete || !copy->is_complete || original->dead.rows == 0 ||
        copy->dead.rows != 0 || copy->segment.rows == 0 ||
        original->segment.rows - original->dead.rows != copy->segment.rows)
        return ERR_OK;
    const enum err_code code = each_id(mend, original, compare_rows, &twins);
    *ret_are = twins.is_equal;
    return code;
}

static enum err_code leave_out(struct mend *mend, size_t table, const char *original,
                               const char *copy)
{
    struct meta *meta = &mend->located->meta;
    const struct catalog1_table *entry = &mend->catalog.tables[table];
    const struct catalog1_collection *collection = &mend->catalog.collections[entry->collection];
    for (size_t k = 0; k < meta->file_count; k++)
        if (strcmp(meta->files[k].table_id, entry->row->table_id) == 0 &&
            strcmp(meta->files[k].segment_id, original) == 0)
            meta->files[k].file_type = META_FILE_TO_DELETE;
    return finding_add(
        mend->findings,
        &(struct finding){
            .severity = FINDING_WARNING,
            .code = "compaction-interrupted",
            .collection = collection->row->table_id,
            .partition = collection->tags[entry->partition],
            .path = mend->located->meta.where,
            .found = REPORT_TEXT("segments %s and %s with the same living rows", original, copy),
            .expected = "one of them; a crash in a compaction left both",
            .consequence = "migrated once, from the compacted one"},
        mend->err);
}

/* Pairs of live segments of one table, the original older than its copy. */
static enum err_code mend_compactions(struct mend *mend, size_t table)
{
    const struct catalog1_table *entry = &mend->catalog.tables[table];
    enum err_code code = ERR_OK;
    for (size_t k = 0; k + 1 < entry->segment_count && code == ERR_OK; k++) {
        struct opened original;
        code = open_one(mend, table, entry->segments[k].segment_id, &original);
        bool are_twins_here = false;
        const bool may_be = original.is_complete && original.dead.rows > 0;
        for (size_t n = k + 1; n < entry->segment_count && code == ERR_OK && may_be; n++) {
            struct opened copy;
            code = open_one(mend, table, entry->segments[n].segment_id, &copy);
            if (code == ERR_OK)
                code = are_twins(mend, &original, &copy, &are_twins_here);
            close_one(&copy);
            if (code == ERR_OK && are_twins_here) {
                code = leave_out(mend, table, entry->segments[k].segment_id,
                                 entry->segments[n].segment_id);
                break;
            }
        }
        close_one(&original);
    }
    return code;
}

static enum err_code mend_tables(struct mend *mend)
{
    struct meta *meta = &mend->located->meta;
    enum err_code code = ERR_OK;
    for (size_t t = 0; t < mend->catalog.table_count && code == ERR_OK; t++) {
        const char *table_id = mend->catalog.tables[t].row->table_id;
        for (size_t k = 0; k < meta->file_count && code == ERR_OK; k++)
            if (meta->files[k].file_type == META_FILE_NEW_MERGE &&
                strcmp(meta->files[k].table_id, table_id) == 0)
                code = mend_merge(mend, t, &meta->files[k]);
        if (code == ERR_OK)
            code = mend_compactions(mend, t);
    }
    return code;
}

enum err_code mysql_crash_mend(struct located *located, struct finding_list *findings,
                               struct err *err)
{
    if (located->meta.kind != META_MYSQL)
        return ERR_OK;
    struct mend mend = {.located = located, .findings = findings, .err = err};
    mend.layout = (struct layout){.store = located->store,
                                  .roots = located->data_roots,
                                  .root_count = located->data_root_count};
    struct arena arena;
    arena_init(&arena, CATALOG_SIZE_MAX);
    struct finding_list unheard; /* the reader itself will tell them */
    finding_list_init(&unheard, &arena);
    enum err_code code = catalog1_build(&located->meta, &arena, &unheard, &mend.catalog, err);
    if (code == ERR_OK)
        code = mend_tables(&mend);
    finding_list_release(&unheard);
    arena_release(&arena);
    return code;
}
