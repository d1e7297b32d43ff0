/* single_deletes.c: a quirk of the old server that we do not copy, told where it shows.
 *
 * A request that deletes exactly one id erased only the first row of that id in memory; further
 * copies that were inserted since the last flush lived on. We delete every earlier copy, as the
 * request asked and as the server does on disk. It can only be seen when an id was inserted more
 * than once without a flush between. Source: milvus-io/milvus v0.9.0..1.1,
 * core/src/db/insert/MemTableFile.cpp, Delete(id). (format spec 5.6 i) */
#include <inttypes.h>

#include "milvus1/installation.h"
#include "milvus1/report.h"

#define IDS_CHUNK ((size_t)8192)

/* Ids of pending single deletes of one table, and how many pending rows of each came before. */
struct singles {
    struct kill_set ids;
    uint32_t *rows;
    uint64_t surplus; /* rows beyond the first of each id */
};

static enum err_code gather(struct wal_cursor *cursor, const struct log_list *deletes,
                            uint64_t threshold, struct kill_set *set, struct err *err)
{
    for (size_t k = 0; k < deletes->count; k++) {
        const struct log_batch *batch = &deletes->items[k];
        if (batch->count != 1 || batch->lsn <= threshold)
            continue;
        int64_t id;
        enum err_code code = replay_read_ids(cursor, batch, 0, 1, &id, err);
        if (code == ERR_OK)
            code = kill_set_add(set, &id, 1, batch->lsn, err);
        if (code != ERR_OK)
            return code;
    }
    return ERR_OK;
}

static void count_ids(struct singles *singles, const struct log_batch *batch, const int64_t *ids,
                      size_t count)
{
    for (size_t k = 0; k < count; k++) {
        size_t index;
        if (kill_set_find(&singles->ids, ids[k], &index) &&
            batch->lsn < singles->ids.kills[index].lsn && singles->rows[index]++ > 0)
            singles->surplus++;
    }
}

static enum err_code count_table(struct wal_cursor *cursor, const struct replay_table *table,
                                 struct singles *singles, struct err *err)
{
    singles->rows = mem_zalloc(singles->ids.count, sizeof *singles->rows);
    int64_t *ids = mem_alloc(IDS_CHUNK, sizeof *ids);
    enum err_code code =
        singles->rows != NULL && ids != NULL ? ERR_OK : err_nomem(err, "write-ahead log");
    for (size_t k = replay_pending_first(table); k < table->inserts.count && code == ERR_OK; k++) {
        const struct log_batch *batch = &table->inserts.items[k];
        for (uint32_t first = 0; first < batch->count && code == ERR_OK;) {
            const size_t left = batch->count - first;
            const size_t count = left < IDS_CHUNK ? left : IDS_CHUNK;
            code = replay_read_ids(cursor, batch, first, count, ids, err);
            if (code == ERR_OK)
                count_ids(singles, batch, ids, count);
            first += (uint32_t)count;
        }
    }
    mem_free(ids);
    return code;
}

static enum err_code report(struct installation *installation, size_t table, uint64_t rows,
                            struct err *err)
{
    const struct catalog1_table *entry = &installation->catalog.tables[table];
    const struct catalog1_collection *collection =
        &installation->catalog.collections[entry->collection];
    return finding_add(
        &installation->base.description.findings,
        &(struct finding){.severity = FINDING_NOTE,
                          .code = "log-single-delete",
                          .collection = collection->row->table_id,
                          .partition = collection->tags[entry->partition],
                          .path = installation->located.log_folder,
                          .found = REPORT_TEXT("%" PRIu64 " further rows of ids that were inserted "
                                               "repeatedly and deleted one by one",
                                               rows),
                          .expected = "ids inserted once between two flushes",
                          .consequence = "all earlier rows of a deleted id are deleted; the old "
                                         "server may have kept these rows",
                          .rows = rows},
        err);
}

enum err_code single_deletes_report(struct installation *installation, struct err *err)
{
    const struct replay *replay = &installation->replay;
    struct wal_cursor cursor = {.wal = &replay->wal};
    enum err_code code = ERR_OK;
    for (size_t k = 0; k < installation->catalog.table_count && code == ERR_OK; k++) {
        const struct replay_table *table = &replay->tables[k];
        const size_t collection = installation->catalog.tables[k].collection;
        struct singles singles = {0};
        if (replay_pending_first(table) == table->inserts.count)
            continue;
        code = gather(&cursor, &replay->collections[collection].deletes, table->threshold,
                      &singles.ids, err);
        if (code == ERR_OK)
            code = gather(&cursor, &table->deletes, table->threshold, &singles.ids, err);
        if (code == ERR_OK)
            code = kill_set_seal(&singles.ids, err);
        if (code == ERR_OK && singles.ids.count > 0)
            code = count_table(&cursor, table, &singles, err);
        if (code == ERR_OK && singles.surplus > 0)
            code = report(installation, k, singles.surplus, err);
        kill_set_release(&singles.ids);
        mem_free(singles.rows);
    }
    wal_cursor_release(&cursor);
    return code;
}
