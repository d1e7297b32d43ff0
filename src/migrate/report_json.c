/* report_json.c: the report for machines. docs/report.md describes it; readers ignore keys they do
 * not know, so keys are only ever added. */
#include "base/clock.h"
#include "migrate/report_parts.h"

#define REPORT_VERSION 1

static void add_time(struct text *text, const char *key, int64_t time_us)
{
    char buffer[CLOCK_TEXT_SIZE];
    clock_format_utc(time_us, buffer);
    json_add_string(text, key, buffer);
}

static void add_ids(struct text *text, const char *key, const struct id_list *list)
{
    json_open(text, key, '{');
    json_add_uint(text, "count", list->count);
    json_open(text, "ids", '[');
    for (size_t k = 0; k < list->kept; k++)
        json_add_int(text, NULL, list->ids[k]);
    json_close(text, ']');
    json_close(text, '}');
}

static void add_partition(struct text *text, const struct compared_partition *partition)
{
    char checksum[REPORT_CHECKSUM_SIZE];
    json_open(text, NULL, '{');
    json_add_string(text, "tag", partition->tag);
    json_add_string(text, "present_in", report_presence(partition->presence));
    json_add_bool(text, "equal", partition->is_equal);
    json_add_uint(text, "source_rows", partition->source.rows);
    json_add_uint(text, "target_rows", partition->target.rows);
    json_add_uint(text, "non_finite_rows", partition->source.non_finite);
    report_checksum(&partition->source, checksum);
    json_add_string(text, "source_checksum", checksum);
    report_checksum(&partition->target, checksum);
    json_add_string(text, "target_checksum", checksum);
    json_add_bool(text, "partial", partition->is_partial);
    add_ids(text, "missing", &partition->missing);
    add_ids(text, "extra", &partition->extra);
    add_ids(text, "changed", &partition->changed);
    json_close(text, '}');
}

static void add_collection(struct text *text, const struct compared_collection *collection)
{
    json_open(text, NULL, '{');
    json_add_string(text, "name", collection->name);
    json_add_string(text, "target_name", collection->target_name);
    json_add_string(text, "present_in", report_presence(collection->presence));
    json_add_bool(text, "equal", collection->is_equal);
    json_add_string(text, "source_metric", metric_name(collection->source_metric));
    json_add_uint(text, "source_dimension", collection->source_dim);
    json_add_string(text, "target_metric", metric_name(collection->target_metric));
    json_add_uint(text, "target_dimension", collection->target_dim);
    json_add_uint(text, "source_rows", collection->source_rows);
    json_add_uint(text, "target_rows", collection->target_rows);
    json_add_uint(text, "deleted_rows", collection->deleted_rows);
    json_add_uint(text, "log_rows", collection->log_rows);
    json_add_uint(text, "duplicate_rows", collection->duplicate_rows);
    json_add_uint(text, "dropped_rows", collection->dropped_rows);
    json_add_uint(text, "left_out_rows", collection->left_out_rows);
    json_add_uint(text, "non_finite_rows", collection->non_finite_rows);
    json_add_uint(text, "bytes", collection->size);
    json_add_uint(text, "segments", collection->segments);
    json_open(text, "partitions", '[');
    for (size_t p = 0; p < collection->partition_count; p++)
        add_partition(text, &collection->partitions[p]);
    json_close(text, ']');
    json_close(text, '}');
}

static void add_finding(struct text *text, const struct finding *finding)
{
    json_open(text, NULL, '{');
    json_add_string(text, "severity", finding_severity_name(finding->severity));
    json_add_string(text, "code", finding->code);
    json_add_string(text, "collection", finding->collection);
    json_add_string(text, "partition", finding->partition);
    json_add_string(text, "path", finding->path);
    if (finding->has_offset)
        json_add_uint(text, "offset", finding->offset);
    json_add_string(text, "found", finding->found);
    json_add_string(text, "expected", finding->expected);
    json_add_string(text, "consequence", finding->consequence);
    json_add_uint(text, "rows", finding->rows);
    json_close(text, '}');
}

static void add_source(struct text *text, const struct source_description *source)
{
    json_open(text, "source", '{');
    json_add_string(text, "kind", source->kind);
    json_add_string(text, "location", source->location);
    json_add_string(text, "version", source->version);
    json_add_string(text, "meta", source->meta);
    json_add_string(text, "log", source->log);
    json_close(text, '}');
}

static void add_job(struct text *text, const struct migrate_result *migrate)
{
    json_open(text, "job", '{');
    json_add_int(text, "id", migrate->job);
    json_add_bool(text, "resumed", migrate->was_resumed);
    json_add_uint(text, "bytes_needed", migrate->size_needed);
    json_add_uint(text, "bytes_free", migrate->size_free);
    json_add_uint(text, "segments_found", migrate->segments_found);
    json_add_uint(text, "segments_retried", migrate->segments_retried);
    json_close(text, '}');
}

static void add_totals(struct text *text, const struct verify_result *verify)
{
    json_open(text, "totals", '{');
    json_add_uint(text, "source_rows", verify->source_rows);
    json_add_uint(text, "target_rows", verify->target_rows);
    json_add_uint(text, "non_finite_rows", verify->non_finite_rows);
    json_add_uint(text, "bytes", verify->size);
    json_add_uint(text, "segments", verify->segments);
    json_add_uint(text, "left_out_segments", verify->left_out_segments);
    json_add_uint(text, "unreadable_segments", verify->unreadable_segments);
    json_add_string(text, "unreadable", verify->unreadable);
    json_close(text, '}');
}

void report_add_json(struct text *text, const struct report *report)
{
    const struct verify_result *verify = report->verify;
    const struct finding_list *findings = &report->source->findings;
    const struct err_mapping *mapping = err_mapping(report->code);
    json_open(text, NULL, '{');
    json_add_int(text, "version", REPORT_VERSION);
    json_add_string(text, "program", GODWIT_VERSION);
    json_add_string(text, "verb", report->verb);
    json_add_string(text, "verdict", report_verdict(report));
    json_add_string(text, "code", mapping->name);
    json_add_int(text, "exit", mapping->exit_status);
    json_add_string(text, "reason", report->sentence);
    add_time(text, "started", report->started_us);
    add_time(text, "ended", report->ended_us);
    json_add_double(text, "seconds", (double)verify->elapsed_ns / 1e9);
    add_source(text, report->source);
    json_add_string(text, "target", report->target);
    if (report->migrate != NULL)
        add_job(text, report->migrate);
    add_totals(text, verify);
    json_open(text, "collections", '[');
    for (size_t k = 0; k < verify->collection_count; k++)
        add_collection(text, &verify->collections[k]);
    json_close(text, ']');
    json_open(text, "findings", '[');
    for (size_t k = 0; k < findings->count; k++)
        add_finding(text, &findings->items[k]);
    json_close(text, ']');
    json_add_uint(text, "findings_not_kept", findings->dropped);
    json_close(text, '}');
}
