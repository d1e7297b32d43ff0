/* thresholds.c: up to where the log of each table is in its segments, when the stored position
 * cannot be believed: after a crash in a flush (crash_guard.h), or with a log that was probably
 * switched off. See installation.h. */
#include <inttypes.h>

#include "milvus1/crash_guard.h"
#include "milvus1/installation.h"
#include "milvus1/report.h"

static struct finding about(const struct installation *installation, size_t table)
{
    const struct catalog1_table *entry = &installation->catalog.tables[table];
    const struct catalog1_collection *collection =
        &installation->catalog.collections[entry->collection];
    return (struct finding){.collection = collection->row->table_id,
                            .partition = collection->tags[entry->partition],
                            .path = installation->located.log_folder};
}

static bool has_rows(const struct installation *installation, size_t table)
{
    for (size_t k = 0; k < installation->catalog.tables[table].segment_count; k++) {
        const struct segment_facts *facts = &installation->facts[table][k];
        if (facts->is_damaged || facts->rows > 0)
            return true;
    }
    return false;
}

/* No configuration at hand, rows in segments, and the flush position never moved: the server
 * probably ran with its log switched off, and the log files are older than the segments. */
static bool is_doubtful(const struct installation *installation, size_t table)
{
    return installation->located.log_state == LOG_UNKNOWN &&
           installation->catalog.tables[table].row->flush_lsn == 0 && has_rows(installation, table);
}

static enum err_code guard_table(const struct installation *installation, size_t table,
                                 bool *ret_found, uint64_t *ret_threshold, uint64_t *ret_rows,
                                 struct err *err)
{
    const size_t count = installation->catalog.tables[table].segment_count;
    struct crash_guard_segment *segments = mem_alloc(count, sizeof *segments);
    if (segments == NULL)
        return err_nomem(err, "segments");
    size_t used = 0;
    for (size_t k = 0; k < count; k++) {
        const struct segment_facts *facts = &installation->facts[table][k];
        if (facts->is_damaged) {
            used = 0; /* what stands before it is not the newest without a hole */
            continue;
        }
        if (facts->is_empty)
            continue;
        segments[used++] =
            (struct crash_guard_segment){.place = installation_place(installation, table, k),
                                         .rows = facts->rows,
                                         .has_deletes = facts->deleted > 0};
    }
    const struct crash_guard guard = {.replay = &installation->replay,
                                      .table = table,
                                      .segments = segments,
                                      .segment_count = used};
    *ret_found = false;
    const enum err_code code =
        used > 0 ? crash_guard_run(&guard, ret_found, ret_threshold, ret_rows, err) : ERR_OK;
    mem_free(segments);
    return code;
}

static enum err_code report_found(struct installation *installation, size_t table, uint64_t rows,
                                  struct err *err)
{
    struct finding finding = about(installation, table);
    const struct report_text found =
        report_format("%" PRIu64 " rows of the newest segment(s) once more in the log", rows);
    finding.severity = FINDING_NOTE;
    finding.code = "log-already-flushed";
    finding.found = found.text;
    finding.expected = "a flush position behind them; the server died before it wrote it";
    finding.consequence = "migrated once; the old server would have shown them twice";
    finding.rows = rows;
    return finding_add(&installation->base.description.findings, &finding, err);
}

static enum err_code hold(struct installation *installation, size_t table, struct err *err)
{
    struct replay_table *replay = &installation->replay.tables[table];
    const uint64_t rows = replay_pending_rows(replay);
    struct finding finding = about(installation, table);
    const struct report_text found = report_format(
        "flush position 0 beside segments, and records in the log (%" PRIu64 " rows)", rows);
    finding.severity = FINDING_WARNING;
    finding.code = "log-probably-off";
    finding.found = found.text;
    finding.expected = "a flush position, unless the log was switched off";
    finding.consequence = "the log is not replayed for it: its rows are probably in the segments "
                          "already; give the server's configuration with --config to decide it";
    finding.rows = rows;
    replay->is_held = true;
    replay->threshold = UINT64_MAX;
    return finding_add(&installation->base.description.findings, &finding, err);
}

enum err_code thresholds_settle(struct installation *installation, struct err *err)
{
    struct replay *replay = &installation->replay;
    if (!replay->is_enabled)
        return ERR_OK;
    for (size_t table = 0; table < installation->catalog.table_count; table++) {
        const bool has_inserts = replay_pending_rows(&replay->tables[table]) > 0;
        const bool has_deletes = replay_has_pending_deletes(replay, table);
        bool is_found = false;
        uint64_t threshold = 0, rows = 0;
        enum err_code code = ERR_OK;
        if (has_inserts && has_rows(installation, table))
            code = guard_table(installation, table, &is_found, &threshold, &rows, err);
        if (code == ERR_OK && is_found) {
            replay->tables[table].threshold = threshold;
            code = report_found(installation, table, rows, err);
        } else if (code == ERR_OK && (has_inserts || has_deletes) &&
                   is_doubtful(installation, table)) {
            code = hold(installation, table, err);
        }
        if (code != ERR_OK)
            return code;
    }
    return ERR_OK;
}
