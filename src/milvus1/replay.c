/* replay.c: see replay.h. The reader of its rows is log_reader.c. */
#include "milvus1/replay.h"

#include <inttypes.h>
#include <string.h>

#include "milvus1/report.h"
#include "milvus1/uid.h"

#define IDS_CHUNK ((size_t)8192)

/* What one scan of the log works on, and what it counts to be told at the end. */
struct scan {
    const struct replay_options *options;
    struct replay *replay;
    struct wal_cursor cursor;
    struct err *err;
    uint64_t read_end;       /* position behind the last good record */
    uint64_t needed_end;     /* positions up to here that some table still needs */
    uint64_t beyond_records; /* behind the applied position */
    uint64_t beyond_rows;
    uint64_t beyond_first;
    uint64_t foreign_records; /* of collections that are not visible */
    uint64_t *unknown_rows;   /* by collection: inserted under a tag that no partition has */
    const char **unknown_tags;
};

static enum err_code add(struct scan *scan, struct finding finding)
{
    return finding_add(scan->options->findings, &finding, scan->err);
}

static uint64_t threshold_min(const struct replay *replay)
{
    uint64_t least = UINT64_MAX;
    for (size_t k = 0; k < replay->catalog->table_count; k++)
        if (replay->tables[k].threshold < least)
            least = replay->tables[k].threshold;
    return least;
}

static const char *log_path(const struct replay *replay, uint32_t number)
{
    for (size_t k = 0; k < replay->wal.file_count; k++)
        if (replay->wal.files[k].number == number)
            return replay->wal.files[k].path;
    return "";
}

/* ------------------------------------------------------------------------------- one record */

static bool same_text(struct bytes bytes, const char *text)
{
    return strlen(text) == bytes.size && memcmp(text, bytes.data, bytes.size) == 0;
}

/* The table that an insert or a tagged delete means; false when its tag is unknown. A stored
 * partition "_default" is never meant: the server resolves that tag to the collection's own row. */
static bool resolve_tag(const struct scan *scan, const struct catalog1_collection *collection,
                        struct bytes tag, size_t *ret_table)
{
    const struct catalog1 *catalog = scan->replay->catalog;
    *ret_table = collection->first_table;
    if (tag.size == 0 || same_text(tag, PARTITION_DEFAULT))
        return true;
    for (size_t k = 1; k < collection->table_count; k++) {
        const size_t table = collection->first_table + k;
        if (catalog->tables[table].partition != 0 &&
            same_text(tag, catalog->tables[table].row->partition_tag)) {
            *ret_table = table;
            return true;
        }
    }
    return false;
}

static enum err_code append(struct scan *scan, struct log_list *list,
                            const struct wal_record *record)
{
    if (!mem_grow(&list->items, &list->capacity, list->count, sizeof *list->items))
        return err_nomem(scan->err, "write-ahead log");
    list->items[list->count++] = (struct log_batch){.lsn = record->lsn,
                                                    .ids_at = (uint32_t)record->ids_offset,
                                                    .count = record->id_count & 0x7fffffffU,
                                                    .is_tagged = record->tag.size > 0};
    return ERR_OK;
}

/* A record whose vectors do not fit the collection cannot be applied. */
static enum err_code report_shape(struct scan *scan, const struct catalog1_collection *collection,
                                  const struct wal_record *record)
{
    return add(
        scan, (struct finding){
                  .severity = FINDING_DAMAGE,
                  .code = "log-record-shape",
                  .collection = collection->row->table_id,
                  .path = scan->cursor.log_file->path,
                  .has_offset = true,
                  .offset = record->ids_offset,
                  .found = REPORT_TEXT(
                      "%" PRIu32 " bytes of %s vectors for %" PRIu32 " ids", record->data_size,
                      record->type == WAL_INSERT_BINARY ? "binary" : "float", record->id_count),
                  .expected = REPORT_TEXT("%s vectors of %zu bytes",
                                          metric_is_binary(collection->metric) ? "binary" : "float",
                                          collection->row_size),
                  .consequence = "the rows of this record are not migrated",
                  .rows = record->id_count});
}

static enum err_code take_insert(struct scan *scan, const struct catalog1_collection *collection,
                                 const struct wal_record *record)
{
    struct replay *replay = scan->replay;
    size_t table;
    if (!resolve_tag(scan, collection, wal_tag_trim(record->tag), &table)) {
        const size_t k = (size_t)(collection - replay->catalog->collections);
        if (record->lsn <= replay->global_lsn)
            return ERR_OK;
        scan->unknown_rows[k] += record->id_count;
        if (scan->unknown_tags[k] == NULL)
            scan->unknown_tags[k] = arena_strndup(scan->options->arena,
                                                  (const char *)record->tag.data, record->tag.size);
        return ERR_OK;
    }
    const bool is_binary = record->type == WAL_INSERT_BINARY;
    const bool fits = is_binary == metric_is_binary(collection->metric) &&
                      (uint64_t)record->id_count * collection->row_size == record->data_size;
    if (!fits)
        return record->lsn > replay->tables[table].threshold
                   ? report_shape(scan, collection, record)
                   : ERR_OK;
    return append(scan, &replay->tables[table].inserts, record);
}

static enum err_code take_record(struct scan *scan, const struct wal_record *record)
{
    struct replay *replay = scan->replay;
    const struct catalog1_collection *collection = catalog1_find(
        replay->catalog, (const char *)record->collection.data, record->collection.size);
    if (collection == NULL) {
        scan->foreign_records++;
        return ERR_OK;
    }
    if (record->type == WAL_INSERT_BINARY || record->type == WAL_INSERT_VECTOR)
        return take_insert(scan, collection, record);
    if (record->tag.size == 0) /* the raw tag: a delete tagged "_default" is for one table */
        return append(scan, &replay->collections[collection - replay->catalog->collections].deletes,
                      record);
    size_t table;
    if (!resolve_tag(scan, collection, wal_tag_trim(record->tag), &table))
        return ERR_OK;
    return append(scan, &replay->tables[table].deletes, record);
}

static void count_beyond(struct scan *scan, const struct wal_record *record)
{
    if (scan->beyond_records++ == 0)
        scan->beyond_first = record->lsn - record->size;
    if (record->type == WAL_INSERT_BINARY || record->type == WAL_INSERT_VECTOR)
        scan->beyond_rows += record->id_count;
}

/* --------------------------------------------------------------------------------- one file */

static enum err_code report_entity(struct scan *scan, const struct flaw *flaw)
{
    return report_flaw(scan->options->findings,
                       &(struct finding){.severity = FINDING_DAMAGE,
                                         .code = "log-hybrid-record",
                                         .path = scan->cursor.log_file->path,
                                         .consequence = "this record and the rest of the file are "
                                                        "not read; rows in it are not migrated"},
                       flaw, scan->err);
}

/* A record is cut or does not belong here. Harmless when everything acknowledged was read. */
static enum err_code report_tail(struct scan *scan, const struct flaw *flaw)
{
    const uint64_t here = (uint64_t)scan->cursor.log_file->number << 32 | flaw->offset;
    const bool is_lost = here < scan->replay->applied && here < scan->needed_end &&
                         scan->replay->applied != UINT64_MAX;
    return report_flaw(
        scan->options->findings,
        &(struct finding){.severity = FINDING_WARNING,
                          .code = is_lost ? "log-lost-records" : "log-torn-tail",
                          .path = scan->cursor.log_file->path,
                          .consequence =
                              is_lost ? "acknowledged requests behind this place are lost in this "
                                        "copy; look for a better copy of the log"
                                      : "nothing acknowledged is missing: the server was stopped "
                                        "while it wrote, or this is an older file's rest"},
        flaw, scan->err);
}

static enum err_code scan_file(struct scan *scan, const struct layout_log_file *file)
{
    enum err_code code = wal_cursor_open(&scan->cursor, file->number, scan->err);
    if (code == ERR_NOT_FOUND)
        code = err_recode(scan->err, ERR_SOURCE);
    while (code == ERR_OK) {
        struct wal_record record;
        struct flaw flaw;
        bool is_end;
        code = wal_cursor_next(&scan->cursor, &record, &is_end, &flaw, scan->err);
        if (code == ERR_CORRUPT)
            return report_tail(scan, &flaw);
        if (code == ERR_UNSUPPORTED)
            return report_entity(scan, &flaw);
        if (code != ERR_OK || is_end)
            break;
        const bool is_request = record.type == WAL_INSERT_BINARY ||
                                record.type == WAL_INSERT_VECTOR || record.type == WAL_DELETE;
        if (record.lsn > scan->replay->applied)
            count_beyond(scan, &record);
        else if (is_request && record.id_count > 0 && scan->replay->is_enabled)
            code = take_record(scan, &record);
        scan->read_end = record.lsn <= scan->replay->applied ? record.lsn : scan->read_end;
    }
    return code;
}

/* Files `from`..`to` should be there and are not. */
static enum err_code report_gap(struct scan *scan, uint32_t from, uint32_t to)
{
    const uint64_t end = ((uint64_t)to + 1) << 32;
    const uint64_t start = (uint64_t)from << 32;
    if (start >= scan->needed_end)
        return ERR_OK;
    const bool is_needed = end > threshold_min(scan->replay);
    const char *path = layout_log_path(scan->options->layout, scan->options->arena, from);
    return add(scan,
               (struct finding){
                   .severity = is_needed ? FINDING_WARNING : FINDING_NOTE,
                   .code = "log-file-missing",
                   .path = path,
                   .found = REPORT_TEXT("%" PRIu32 " missing log file(s)", to - from + 1),
                   .expected = "log files without a gap in their numbers",
                   .consequence = is_needed ? "requests that stood in them are lost in this "
                                              "copy, unless they were flushed"
                                            : "everything in them is in the segments already"});
}

/* ------------------------------------------------------------------------- after the last file */

static enum err_code report_end(struct scan *scan)
{
    const struct replay *replay = scan->replay;
    if (replay->applied == UINT64_MAX || scan->read_end >= replay->applied ||
        scan->needed_end < replay->applied || !scan->replay->is_enabled)
        return ERR_OK;
    const uint32_t number = (uint32_t)(replay->applied >> 32);
    const char *path = log_path(replay, number);
    for (size_t k = 0; k < scan->options->findings->count; k++) /* told where it broke off */
        if (strcmp(scan->options->findings->items[k].code, "log-lost-records") == 0)
            return ERR_OK;
    if (*path == '\0')
        path = layout_log_path(scan->options->layout, scan->options->arena, number);
    return add(scan, (struct finding){
                         .severity = FINDING_WARNING,
                         .code = "log-lost-records",
                         .path = path,
                         .has_offset = true,
                         .offset = scan->read_end & UINT32_MAX,
                         .found = REPORT_TEXT("records up to position %" PRIu64, scan->read_end),
                         .expected = REPORT_TEXT("up to position %" PRIu64 ", which was applied",
                                                 replay->applied),
                         .consequence = "acknowledged requests behind this place are lost in this "
                                        "copy, unless they were flushed"});
}

/* The position is lost, the records are not: never to be passed over in silence (5.6 h). */
static enum err_code report_lost_position(struct scan *scan)
{
    const struct wal *wal = &scan->replay->wal;
    return add(scan,
               (struct finding){
                   .severity = FINDING_REFUSED,
                   .code = "log-position-missing",
                   .path = wal->mxlog_path,
                   .found = REPORT_TEXT("mxlog.meta is %s, and %" PRIu64 " records (%" PRIu64
                                        " rows) stand in the log behind the last known position",
                                        wal->is_mxlog_short ? "too short" : "not there",
                                        scan->beyond_records, scan->beyond_rows),
                   .expected = "24 bytes: the position up to which requests were acknowledged",
                   .consequence = "they may or may not have been acknowledged: find mxlog.meta, "
                                  "or take them with --include-unacknowledged",
                   .rows = scan->beyond_rows});
}

static enum err_code report_beyond(struct scan *scan)
{
    if (scan->beyond_records == 0)
        return ERR_OK;
    if (!scan->replay->wal.has_mxlog)
        return report_lost_position(scan);
    return add(scan,
               (struct finding){
                   .severity = FINDING_WARNING,
                   .code = "log-unacknowledged",
                   .path = log_path(scan->replay, (uint32_t)(scan->beyond_first >> 32)),
                   .has_offset = true,
                   .offset = scan->beyond_first & UINT32_MAX,
                   .found = REPORT_TEXT("%" PRIu64 " records (%" PRIu64
                                        " rows) behind the applied position",
                                        scan->beyond_records, scan->beyond_rows),
                   .expected = REPORT_TEXT("none behind position %" PRIu64, scan->replay->applied),
                   .consequence = "not migrated: these requests were never acknowledged",
                   .rows = scan->beyond_rows});
}

static enum err_code report_unknown(struct scan *scan)
{
    const struct catalog1 *catalog = scan->replay->catalog;
    enum err_code code = ERR_OK;
    for (size_t k = 0; k < catalog->collection_count && code == ERR_OK; k++) {
        if (scan->unknown_rows[k] == 0)
            continue;
        code = add(scan, (struct finding){
                             .severity = FINDING_NOTE,
                             .code = "log-unknown-partition",
                             .collection = catalog->collections[k].row->table_id,
                             .partition = scan->unknown_tags[k],
                             .path = scan->options->located->log_folder,
                             .found = REPORT_TEXT("%" PRIu64 " rows in the log for partitions that "
                                                  "do not exist",
                                                  scan->unknown_rows[k]),
                             .expected = "partitions of the collection",
                             .consequence = "not migrated: the partition was dropped",
                             .rows = scan->unknown_rows[k]});
    }
    if (code == ERR_OK && scan->foreign_records > 0)
        code = add(scan, (struct finding){
                             .severity = FINDING_NOTE,
                             .code = "log-unknown-collection",
                             .path = scan->options->located->log_folder,
                             .found = REPORT_TEXT("%" PRIu64 " records of collections that do not "
                                                  "exist or are left out",
                                                  scan->foreign_records),
                             .expected = "living collections",
                             .consequence = "not migrated"});
    return code;
}

static enum err_code scan_files(struct scan *scan)
{
    const struct wal *wal = &scan->replay->wal;
    enum err_code code = ERR_OK;
    for (size_t k = 0; k < wal->file_count && code == ERR_OK; k++) {
        if (k > 0 && wal->files[k].number > wal->files[k - 1].number + 1)
            code = report_gap(scan, wal->files[k - 1].number + 1, wal->files[k].number - 1);
        if (code == ERR_OK)
            code = scan_file(scan, &wal->files[k]);
    }
    return code;
}

/* ------------------------------------------------------------------------------------ kills */

static enum err_code gather(struct wal_cursor *cursor, const struct log_list *deletes,
                            struct kill_set *set, struct err *err)
{
    int64_t *ids = mem_alloc(IDS_CHUNK, sizeof *ids);
    if (ids == NULL)
        return err_nomem(err, "deletes of the write-ahead log");
    enum err_code code = ERR_OK;
    for (size_t k = 0; k < deletes->count && code == ERR_OK; k++) {
        const struct log_batch *batch = &deletes->items[k];
        for (uint32_t first = 0; first < batch->count && code == ERR_OK;) {
            const size_t left = batch->count - first;
            const size_t count = left < IDS_CHUNK ? left : IDS_CHUNK;
            code = replay_read_ids(cursor, batch, first, count, ids, err);
            if (code == ERR_OK)
                code = kill_set_add(set, ids, count, batch->lsn, err);
            first += (uint32_t)count;
        }
    }
    mem_free(ids);
    return code == ERR_OK ? kill_set_seal(set, err) : code;
}

static enum err_code gather_kills(struct scan *scan)
{
    struct replay *replay = scan->replay;
    enum err_code code = ERR_OK;
    for (size_t k = 0; k < replay->catalog->collection_count && code == ERR_OK; k++)
        if (replay->collections[k].deletes.count > 0)
            code = gather(&scan->cursor, &replay->collections[k].deletes,
                          &replay->collections[k].kills, scan->err);
    for (size_t k = 0; k < replay->catalog->table_count && code == ERR_OK; k++)
        if (replay->tables[k].deletes.count > 0)
            code = gather(&scan->cursor, &replay->tables[k].deletes, &replay->tables[k].kills,
                          scan->err);
    return code;
}

/* ------------------------------------------------------------------------------------- open */

/* No log folder: fine when the log was off, otherwise unflushed rows may be gone. */
static enum err_code report_no_folder(struct scan *scan)
{
    const struct located *located = scan->options->located;
    const struct catalog1 *catalog = scan->options->catalog;
    size_t unfinished = 0;
    for (size_t k = 0; k < catalog->table_count; k++)
        unfinished += catalog->tables[k].new_rows;
    const bool was_used = catalog->flush_lsn_max > 0 || located->meta.global_lsn > 0;
    if (located->log_state == LOG_OFF || located->meta.is_lean || (!was_used && unfinished == 0))
        return ERR_OK;
    return add(scan, (struct finding){
                         .severity = FINDING_WARNING,
                         .code = "log-missing",
                         .path = located->log_expected,
                         .found = "no write-ahead log",
                         .expected = "the folder that wal.path (0.9: wal_config.wal_path) names",
                         .consequence =
                             unfinished > 0
                                 ? "the server did not stop cleanly: rows and deletes that were "
                                   "only in the log are lost unless --wal says where it is"
                                 : "if the server did not stop cleanly, rows and deletes that were "
                                   "only in the log are missing; --wal says where it is"});
}

static enum err_code report_lean(struct scan *scan)
{
    return add(scan, (struct finding){
                         .severity = FINDING_REFUSED,
                         .code = "log-without-positions",
                         .path = scan->options->located->log_folder,
                         .found = "a wal folder beside a meta.json of the old tool",
                         .expected = "flush positions, which only the installation or godwit "
                                     "package can give",
                         .consequence = "the log cannot be replayed: migrate from the installation "
                                        "itself, or take the wal folder away to go on without "
                                        "it"});
}

/* The log was switched off: flush positions went back to 0, so nothing may be replayed. */
static enum err_code report_off(struct scan *scan)
{
    if (scan->beyond_records == 0)
        return ERR_OK;
    return add(scan, (struct finding){
                         .severity = FINDING_NOTE,
                         .code = "log-switched-off",
                         .path = scan->options->located->log_folder,
                         .found = REPORT_TEXT("%" PRIu64 " records (%" PRIu64
                                              " rows) from before the log was switched off",
                                              scan->beyond_records, scan->beyond_rows),
                         .expected = "an empty log folder",
                         .consequence = "not replayed: their rows are in the segments already",
                         .rows = scan->beyond_rows});
}

static bool is_switched_off(const struct replay_options *options)
{
    return options->located->log_state == LOG_OFF || (options->located->log_state == LOG_UNKNOWN &&
                                                      options->user->log_enabled_unknown_is_off);
}

/* The position behind which nothing was acknowledged (5.6: A). With the log switched off: behind
 * which records are worth a word. */
static uint64_t find_applied(const struct replay_options *options, const struct replay *replay)
{
    const struct wal *wal = &replay->wal;
    uint64_t applied = replay->global_lsn;
    if (!replay->is_enabled)
        return applied;
    if (!wal->has_mxlog && options->user->include_unacknowledged)
        return UINT64_MAX;
    if (options->catalog->flush_lsn_max > applied)
        applied = options->catalog->flush_lsn_max;
    if (wal->has_mxlog && wal->mxlog_lsn > applied)
        applied = wal->mxlog_lsn;
    return applied;
}

static enum err_code scan_log(struct scan *scan)
{
    struct replay *replay = scan->replay;
    const struct replay_options *options = scan->options;
    enum err_code code = wal_find(options->layout, options->arena, &replay->wal, scan->err);
    if (code != ERR_OK)
        return code;
    const struct wal *wal = &replay->wal;
    scan->cursor.wal = wal;
    if (options->located->meta.is_lean)
        return wal->file_count > 0 ? report_lean(scan) : ERR_OK;
    replay->is_enabled = !is_switched_off(options);
    replay->applied = find_applied(options, replay);
    scan->needed_end = replay->applied > threshold_min(replay) ? replay->applied : 0;
    code = scan_files(scan);
    if (code != ERR_OK || !replay->is_enabled)
        return code == ERR_OK ? report_off(scan) : code;
    code = report_end(scan);
    if (code == ERR_OK)
        code = report_beyond(scan);
    if (code == ERR_OK)
        code = report_unknown(scan);
    return code == ERR_OK ? gather_kills(scan) : code;
}

enum err_code replay_open(const struct replay_options *options, struct replay *ret_replay,
                          struct err *err)
{
    const struct catalog1 *catalog = options->catalog;
    struct replay replay = {.catalog = catalog, .global_lsn = options->located->meta.global_lsn};
    struct scan scan = {.options = options, .replay = &replay, .err = err};
    replay.tables = mem_zalloc(catalog->table_count, sizeof *replay.tables);
    replay.collections = mem_zalloc(catalog->collection_count, sizeof *replay.collections);
    scan.unknown_rows =
        arena_array(options->arena, catalog->collection_count, sizeof *scan.unknown_rows);
    scan.unknown_tags = arena_array(options->arena, catalog->collection_count, sizeof(char *));
    enum err_code code = ERR_OK;
    if (replay.tables == NULL || replay.collections == NULL || scan.unknown_rows == NULL ||
        scan.unknown_tags == NULL) {
        mem_free(replay.tables);
        mem_free(replay.collections);
        return err_nomem(err, "write-ahead log");
    }
    for (size_t k = 0; k < catalog->table_count; k++) {
        const uint64_t flush_lsn = catalog->tables[k].row->flush_lsn;
        replay.tables[k].threshold = flush_lsn > replay.global_lsn ? flush_lsn : replay.global_lsn;
    }
    code = options->layout->log_folder == NULL ? report_no_folder(&scan) : scan_log(&scan);
    wal_cursor_release(&scan.cursor);
    if (code == ERR_OK)
        *ret_replay = replay;
    else
        replay_close(&replay);
    return code;
}

void replay_close(struct replay *replay)
{
    const size_t table_count = replay->catalog != NULL ? replay->catalog->table_count : 0;
    const size_t collection_count = replay->catalog != NULL ? replay->catalog->collection_count : 0;
    for (size_t k = 0; k < table_count; k++) {
        mem_free(replay->tables[k].inserts.items);
        mem_free(replay->tables[k].deletes.items);
        mem_free(replay->tables[k].rescued.items);
        mem_free(replay->tables[k].rescued_dead);
        kill_set_release(&replay->tables[k].kills);
    }
    for (size_t k = 0; k < collection_count; k++) {
        mem_free(replay->collections[k].deletes.items);
        kill_set_release(&replay->collections[k].kills);
    }
    mem_free(replay->tables);
    mem_free(replay->collections);
    *replay = (struct replay){0};
}

/* --------------------------------------------------------------------------------- questions */

struct kill_view replay_kills(const struct replay *replay, size_t table)
{
    const size_t collection = replay->catalog->tables[table].collection;
    return (struct kill_view){
        .sets = {&replay->collections[collection].kills, &replay->tables[table].kills},
        .born = replay->tables[table].threshold};
}

size_t replay_pending_first(const struct replay_table *table)
{
    size_t low = 0, high = table->inserts.count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (table->inserts.items[middle].lsn <= table->threshold)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint64_t replay_pending_rows(const struct replay_table *table)
{
    uint64_t rows = 0;
    for (size_t k = replay_pending_first(table); k < table->inserts.count; k++)
        rows += table->inserts.items[k].count;
    return rows;
}

bool replay_has_pending_deletes(const struct replay *replay, size_t table)
{
    const struct kill_view kills = replay_kills(replay, table);
    return kill_view_is_active(&kills);
}

enum err_code replay_read_ids(struct wal_cursor *cursor, const struct log_batch *batch,
                              uint32_t first, size_t count, int64_t *ret_ids, struct err *err)
{
    enum err_code code = wal_cursor_open(cursor, (uint32_t)(batch->lsn >> 32), err);
    if (code == ERR_OK)
        code = wal_cursor_read(cursor, ret_ids, count * sizeof *ret_ids,
                               batch->ids_at + (uint64_t)first * sizeof *ret_ids, err);
    if (code == ERR_OK)
        uid_decode(ret_ids, count);
    return code == ERR_NOT_FOUND ? err_recode(err, ERR_SOURCE) : code;
}

enum err_code replay_read_vectors(struct wal_cursor *cursor, const struct log_batch *batch,
                                  uint32_t first, struct log_rows rows, uint8_t *ret_vectors,
                                  struct err *err)
{
    enum err_code code = wal_cursor_open(cursor, (uint32_t)(batch->lsn >> 32), err);
    const uint64_t vectors_at = batch->ids_at + (uint64_t)8 * batch->count;
    if (code == ERR_OK)
        code = wal_cursor_read(cursor, ret_vectors, rows.count * rows.row_size,
                               vectors_at + (uint64_t)first * rows.row_size, err);
    return code == ERR_NOT_FOUND ? err_recode(err, ERR_SOURCE) : code;
}
