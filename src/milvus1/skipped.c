/* skipped.c: rows that the server passed over although it had acknowledged them.
 *
 * A server may fail to find a partition by its tag (created with blanks around the tag, or
 * "_default" up to 1.0): it skips the record, and a later flush moves the position past it. Such
 * rows lie in no segment and were not deleted; only old log files still have them. So every insert
 * that names a tag, up to the threshold, is looked up by id in the segments of its table. The same
 * picture is left by a partition that was dropped and made again, hence --rescue-skipped and not
 * by default. (format spec 5.6 j) */
#include <inttypes.h>
#include <string.h>

#include "base/bitmap.h"
#include "milvus1/installation.h"
#include "milvus1/report.h"

#define IDS_CHUNK ((size_t)8192)
#define GROUP_IDS_MAX ((size_t)1 << 21) /* ids looked up in one pass over the segments */

/* A group of records whose ids are looked up together. */
struct group {
    struct installation *installation;
    size_t table;
    struct wal_cursor cursor;
    struct kill_set ids; /* ids not deleted later, sorted; not kills here */
    uint64_t *found;     /* a bit for each that some segment holds */
    uint64_t skipped;    /* rows, over all groups */
    uint64_t first_lsn;  /* of the first such record */
    uint64_t rescued_rows;
    bool is_rescuing;
    struct err *err;
};

/* Calls `work` for pieces of the ids of one record. */
static enum err_code each_id(struct group *group, const struct log_batch *batch,
                             enum err_code (*work)(struct group *group,
                                                   const struct log_batch *batch, uint32_t first,
                                                   const int64_t *ids, size_t count))
{
    int64_t *ids = mem_alloc(IDS_CHUNK, sizeof *ids);
    if (ids == NULL)
        return err_nomem(group->err, "rows of the write-ahead log");
    enum err_code code = ERR_OK;
    for (uint32_t first = 0; first < batch->count && code == ERR_OK;) {
        const size_t left = batch->count - first;
        const size_t count = left < IDS_CHUNK ? left : IDS_CHUNK;
        code = replay_read_ids(&group->cursor, batch, first, count, ids, group->err);
        if (code == ERR_OK)
            code = work(group, batch, first, ids, count);
        first += (uint32_t)count;
    }
    mem_free(ids);
    return code;
}

static enum err_code gather(struct group *group, const struct log_batch *batch, uint32_t first,
                            const int64_t *ids, size_t count)
{
    (void)first;
    struct kill_view kills = replay_kills(&group->installation->replay, group->table);
    kills.born = batch->lsn;
    for (size_t k = 0; k < count; k++) {
        if (kill_view_kills(&kills, ids[k]))
            continue;
        const enum err_code code = kill_set_add(&group->ids, ids + k, 1, 1, group->err);
        if (code != ERR_OK)
            return code;
    }
    return ERR_OK;
}

static enum err_code look_up(struct group *group, const struct segment1_place *place)
{
    struct segment1 segment;
    enum err_code code = segment1_open(place, &segment, group->err);
    int64_t *ids = mem_alloc(IDS_CHUNK, sizeof *ids);
    if (code == ERR_OK && ids == NULL)
        code = err_nomem(group->err, "ids of a segment");
    for (uint64_t row = 0; row < segment.rows && code == ERR_OK; row += IDS_CHUNK) {
        const uint64_t left = segment.rows - row;
        const size_t count = left < IDS_CHUNK ? (size_t)left : IDS_CHUNK;
        code = segment1_read_ids(&segment, row, count, ids, group->err);
        for (size_t k = 0; k < count && code == ERR_OK; k++) {
            size_t index;
            if (kill_set_find(&group->ids, ids[k], &index))
                bitmap_set(group->found, index);
        }
    }
    mem_free(ids);
    segment1_close(&segment);
    return code;
}

/* Room for `rows` more bits, zeroed. */
static bool grow_bits(struct replay_table *table, uint64_t old_rows, uint64_t rows)
{
    const size_t old_words = bitmap_words((size_t)old_rows);
    const size_t words = bitmap_words((size_t)(old_rows + rows));
    uint64_t *bits = mem_realloc(table->rescued_dead, words, sizeof *bits);
    if (bits == NULL)
        return false;
    memset(bits + old_words, 0, (words - old_words) * sizeof *bits);
    table->rescued_dead = bits;
    return true;
}

static bool is_skipped(const struct group *group, int64_t id)
{
    size_t index;
    return kill_set_find(&group->ids, id, &index) && !bitmap_get(group->found, index);
}

static enum err_code count_skipped(struct group *group, const struct log_batch *batch,
                                   uint32_t first, const int64_t *ids, size_t count)
{
    (void)first;
    for (size_t k = 0; k < count; k++)
        if (is_skipped(group, ids[k]) && group->skipped++ == 0)
            group->first_lsn = batch->lsn;
    return ERR_OK;
}

static enum err_code mark_others(struct group *group, const struct log_batch *batch, uint32_t first,
                                 const int64_t *ids, size_t count)
{
    (void)batch;
    struct replay_table *table = &group->installation->replay.tables[group->table];
    for (size_t k = 0; k < count; k++)
        if (!is_skipped(group, ids[k]))
            bitmap_set(table->rescued_dead, (size_t)(group->rescued_rows + first + k));
    return ERR_OK;
}

static enum err_code judge_batch(struct group *group, const struct log_batch *batch)
{
    struct replay_table *table = &group->installation->replay.tables[group->table];
    const uint64_t before = group->skipped;
    enum err_code code = each_id(group, batch, count_skipped);
    if (code != ERR_OK || !group->is_rescuing || group->skipped == before)
        return code;
    if (!mem_grow(&table->rescued.items, &table->rescued.capacity, table->rescued.count,
                  sizeof *table->rescued.items) ||
        !grow_bits(table, group->rescued_rows, batch->count))
        return err_nomem(group->err, "rows of the write-ahead log");
    code = each_id(group, batch, mark_others);
    if (code == ERR_OK) {
        table->rescued.items[table->rescued.count++] = *batch;
        group->rescued_rows += batch->count;
    }
    return code;
}

/* Calls `work` for the records [from, to) of the table that name a tag. */
static enum err_code each_tagged(struct group *group, size_t from, size_t to,
                                 enum err_code (*work)(struct group *group,
                                                       const struct log_batch *batch))
{
    const struct replay_table *table = &group->installation->replay.tables[group->table];
    enum err_code code = ERR_OK;
    for (size_t k = from; k < to && code == ERR_OK; k++)
        if (table->inserts.items[k].is_tagged)
            code = work(group, &table->inserts.items[k]);
    return code;
}

static enum err_code gather_batch(struct group *group, const struct log_batch *batch)
{
    return each_id(group, batch, gather);
}

/* Marks the ids that some segment of the table holds. */
static enum err_code look_up_all(struct group *group)
{
    struct installation *installation = group->installation;
    group->found = mem_zalloc(bitmap_words(group->ids.count), sizeof(uint64_t));
    if (group->found == NULL)
        return err_nomem(group->err, "rows of the write-ahead log");
    const size_t segments = installation->catalog.tables[group->table].segment_count;
    enum err_code code = ERR_OK;
    for (size_t k = 0; k < segments && code == ERR_OK; k++) {
        const struct segment_facts *facts = &installation->facts[group->table][k];
        const struct segment1_place place = installation_place(installation, group->table, k);
        if (!facts->is_damaged && !facts->is_empty)
            code = look_up(group, &place);
    }
    return code;
}

static enum err_code run_group(struct group *group, size_t from, size_t to)
{
    enum err_code code = each_tagged(group, from, to, gather_batch);
    if (code == ERR_OK)
        code = kill_set_seal(&group->ids, group->err);
    if (code == ERR_OK && group->ids.count > 0) {
        code = look_up_all(group);
        if (code == ERR_OK)
            code = each_tagged(group, from, to, judge_batch);
    }
    kill_set_release(&group->ids);
    mem_free(group->found);
    group->found = NULL;
    return code;
}

/* A dropped partition of the same tag is the better explanation while its row still stands. */
static bool was_made_again(const struct installation *installation, size_t table)
{
    const struct meta *meta = &installation->located.meta;
    const struct meta_table *row = installation->catalog.tables[table].row;
    for (size_t k = 0; k < meta->table_count; k++)
        if (meta->tables[k].state == META_TABLE_TO_DELETE && *meta->tables[k].owner_table != '\0' &&
            strcmp(meta->tables[k].owner_table, row->owner_table) == 0 &&
            strcmp(meta->tables[k].partition_tag, row->partition_tag) == 0)
            return true;
    return false;
}

static enum err_code report(const struct group *group, bool was_dropped)
{
    struct installation *installation = group->installation;
    const struct catalog1_table *entry = &installation->catalog.tables[group->table];
    const struct catalog1_collection *collection =
        &installation->catalog.collections[entry->collection];
    return finding_add(
        &installation->base.description.findings,
        &(struct finding){
            .severity = was_dropped ? FINDING_NOTE : FINDING_WARNING,
            .code = was_dropped ? "log-dropped-partition" : "log-skipped-rows",
            .collection = collection->row->table_id,
            .partition = collection->tags[entry->partition],
            .path = installation->located.log_folder,
            .found = REPORT_TEXT("%" PRIu64 " rows in the log, from position %" PRIu64
                                 ", that are in no segment and were not deleted",
                                 group->skipped, group->first_lsn),
            .expected = "rows up to the flush position in segments",
            .consequence =
                was_dropped ? "not migrated: they belong to a dropped partition of this tag"
                : group->is_rescuing
                    ? "migrated, as --rescue-skipped asks"
                    : "not migrated: the server skipped them over their tag, or they belong to an "
                      "earlier partition of this tag; --rescue-skipped takes them",
            .rows = group->skipped},
        group->err);
}

static enum err_code search_table(struct installation *installation, size_t table, struct err *err)
{
    const struct replay_table *replay = &installation->replay.tables[table];
    const size_t end = replay_pending_first(replay);
    const bool was_dropped = was_made_again(installation, table);
    struct group group = {.installation = installation,
                          .table = table,
                          .cursor = {.wal = &installation->replay.wal},
                          .is_rescuing = installation->options.rescue_skipped && !was_dropped,
                          .err = err};
    enum err_code code = ERR_OK;
    for (size_t from = 0; from < end && code == ERR_OK;) {
        size_t to = from, ids = 0;
        while (to < end && (to == from || ids + replay->inserts.items[to].count <= GROUP_IDS_MAX)) {
            ids += replay->inserts.items[to].is_tagged ? replay->inserts.items[to].count : 0;
            to++;
        }
        if (ids > 0)
            code = run_group(&group, from, to);
        from = to;
    }
    wal_cursor_release(&group.cursor);
    return code == ERR_OK && group.skipped > 0 ? report(&group, was_dropped) : code;
}

enum err_code skipped_find(struct installation *installation, struct err *err)
{
    enum err_code code = ERR_OK;
    for (size_t k = 0; k < installation->catalog.table_count && code == ERR_OK; k++)
        if (!installation->replay.tables[k].is_held)
            code = search_table(installation, k, err);
    return code;
}
