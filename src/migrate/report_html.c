/* report_html.c: the report for people: one page that needs nothing else and runs nothing.
 * All text that comes from outside goes through report_add_escaped(). */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "migrate/report_parts.h"

#define FINDINGS_SHOWN 500
#define PARTITIONS_SHOWN 2000

static const char style[] =
    ":root{color-scheme:light dark;--back:#fff;--ink:#1c2430;--soft:#5b6675;--line:#d9dee5;"
    "--card:#f5f7fa;--first:#2f6fde;--second:#e08a2e;--good:#19794a;--bad:#b3261e;--warn:#96640a}"
    "@media(prefers-color-scheme:dark){:root{--back:#14181e;--ink:#e6eaf0;--soft:#9aa6b5;"
    "--line:#303843;--card:#1c222a;--first:#6a9cf5;--second:#eda95c;--good:#58c08c;--bad:#f2857d;"
    "--warn:#e0b050}}"
    "@media print{:root{--back:#fff;--ink:#000;--soft:#444;--line:#bbb;--card:#fff}"
    "table,figure{break-inside:avoid}}"
    "body{background:var(--back);color:var(--ink);font:15px/1.5 system-ui,sans-serif;margin:0}"
    "main{max-width:70rem;margin:0 auto;padding:2rem 1.25rem}"
    "h1{font-size:1.5rem;margin:0 0 1rem}h2{font-size:1.15rem;margin:2.2rem 0 .6rem}"
    ".verdict{border-left:.4rem solid var(--bad);background:var(--card);padding:.8rem 1rem}"
    ".verdict b{color:var(--bad);font-size:1.1rem}.verdict.good{border-color:var(--good)}"
    ".verdict.good b{color:var(--good)}.verdict.warn{border-color:var(--warn)}"
    ".verdict.warn b{color:var(--warn)}"
    ".wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.85rem}"
    "th,td{text-align:left;padding:.3rem .5rem;border-bottom:1px solid var(--line);"
    "vertical-align:top}th{color:var(--soft);font-weight:600}"
    "td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}"
    "td.ok{color:var(--good)}td.bad{color:var(--bad);font-weight:600}"
    "code{font:.85em ui-monospace,monospace;word-break:break-all}"
    "figure{margin:1rem 0}figcaption{color:var(--soft);margin-bottom:.3rem}"
    "svg{width:100%;height:auto}svg .first{fill:var(--first)}svg .second{fill:var(--second)}"
    "svg .label{fill:var(--ink);font-size:11px}footer{color:var(--soft);margin-top:2.5rem}";

static void add_character(struct text *text, unsigned char c, bool is_utf8)
{
    switch (c) {
    case '&':
        text_add(text, "&amp;");
        return;
    case '<':
        text_add(text, "&lt;");
        return;
    case '>':
        text_add(text, "&gt;");
        return;
    case '"':
        text_add(text, "&quot;");
        return;
    case '\'':
        text_add(text, "&#39;");
        return;
    default:
        break;
    }
    if (c < 0x20 || c == 0x7f)
        text_add(text, "&#65533;");
    else if (c >= 0x80 && !is_utf8)
        text_addf(text, "&#%u;", (unsigned)c);
    else
        text_add_bytes(text, (const char *)&c, 1);
}

void report_add_escaped(struct text *text, const char *value)
{
    const size_t size = strlen(value);
    const bool is_utf8 = utf8_is_valid(value, size);
    for (size_t k = 0; k < size; k++)
        add_character(text, (unsigned char)value[k], is_utf8);
}

void report_add_count(struct text *text, uint64_t count)
{
    char digits[24];
    const int size = snprintf(digits, sizeof digits, "%" PRIu64, count);
    for (int k = 0; k < size; k++) {
        if (k > 0 && (size - k) % 3 == 0)
            text_add(text, ",");
        text_add_bytes(text, &digits[k], 1);
    }
}

void report_add_size(struct text *text, uint64_t size)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
    double value = (double)size;
    size_t unit = 0;
    while (value >= 1000 && unit + 1 < sizeof units / sizeof *units) {
        value /= 1000;
        unit++;
    }
    text_addf(text, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
}

static void add_count_cell(struct text *text, uint64_t count)
{
    text_add(text, "<td class=\"n\">");
    report_add_count(text, count);
    text_add(text, "</td>");
}

static void add_text_cell(struct text *text, const char *value)
{
    text_add(text, "<td>");
    report_add_escaped(text, value);
    text_add(text, "</td>");
}

static void add_fact(struct text *text, const char *name, const char *value)
{
    if (*value == '\0')
        return;
    text_addf(text, "<tr><th>%s</th><td>", name);
    report_add_escaped(text, value);
    text_add(text, "</td></tr>");
}

static void add_verdict(struct text *text, const struct report *report)
{
    static const char *const words[][3] = {
        {"equal", "good", "Every row was read back and agrees."},
        {"left_out", "warn", "What could be read agrees; some of the source was left out."},
        {"differs", "bad", "Source and target differ."},
        {"interrupted", "warn", "Stopped before the end."},
        {"failed", "bad", "This did not work."}};
    const char *verdict = report_verdict(report);
    for (size_t k = 0; k < sizeof words / sizeof *words; k++)
        if (strcmp(words[k][0], verdict) == 0)
            text_addf(text, "<p class=\"verdict %s\"><b>%s</b>", words[k][1], words[k][2]);
    if (*report->sentence != '\0') {
        text_add(text, "<br>");
        report_add_escaped(text, report->sentence);
    }
    text_add(text, "</p>\n");
}

static void add_rate(struct text *text, const struct verify_result *verify)
{
    const double seconds = (double)verify->elapsed_ns / 1e9;
    text_addf(text, "<tr><th>Time</th><td>%.1f s", seconds);
    if (seconds > 0) {
        text_add(text, ", ");
        report_add_size(text, (uint64_t)((double)verify->size / seconds));
        text_add(text, "/s");
    }
    text_add(text, "</td></tr>");
}

static void add_summary(struct text *text, const struct report *report)
{
    const struct verify_result *verify = report->verify;
    char started[CLOCK_TEXT_SIZE];
    clock_format_utc(report->started_us, started);
    text_add(text, "<div class=\"wide\"><table>");
    text_add(text, "<tr><th>Source</th><td>");
    report_add_escaped(text, report->source->kind);
    text_add(text, ", <code>");
    report_add_escaped(text, report->source->location);
    text_add(text, "</code></td></tr>");
    add_fact(text, "Version hints", report->source->version);
    add_fact(text, "Metadata", report->source->meta);
    add_fact(text, "Write-ahead log", report->source->log);
    text_add(text, "<tr><th>Target</th><td><code>");
    report_add_escaped(text, report->target);
    text_add(text, "</code></td></tr><tr><th>Rows in source and target</th><td>");
    report_add_count(text, verify->source_rows);
    text_add(text, " and ");
    report_add_count(text, verify->target_rows);
    text_addf(text, "</td></tr><tr><th>Collections, segments</th><td>%zu, %" PRIu64,
              verify->collection_count, verify->segments);
    text_add(text, "</td></tr><tr><th>Size of ids and vectors</th><td>");
    report_add_size(text, verify->size);
    text_add(text, "</td></tr>");
    add_fact(text, "Started (UTC)", started);
    add_rate(text, verify);
    if (report->migrate != NULL && report->migrate->job != 0)
        text_addf(text,
                  "<tr><th>Job</th><td>%" PRId64 "%s; %" PRIu64 " segments found from an earlier "
                  "run, %" PRIu64 " copied twice</td></tr>",
                  report->migrate->job, report->migrate->was_resumed ? ", continued" : "",
                  report->migrate->segments_found, report->migrate->segments_retried);
    text_add(text, "</table></div>\n");
}

static void add_collection_row(struct text *text, const struct compared_collection *collection)
{
    text_add(text, "<tr>");
    text_add(text, "<td>");
    report_add_escaped(text, collection->name);
    if (strcmp(collection->name, collection->target_name) != 0) {
        text_add(text, " → ");
        report_add_escaped(text, collection->target_name);
    }
    const bool is_known = collection->presence != PRESENT_IN_TARGET;
    const size_t dim = is_known ? collection->source_dim : collection->target_dim;
    text_addf(text, "</td><td class=\"%s\">%s", collection->is_equal ? "ok" : "bad",
              collection->is_equal ? "equal" : "differs");
    text_addf(text, "</td><td>%s</td><td class=\"n\">%zu</td>",
              metric_name(is_known ? collection->source_metric : collection->target_metric), dim);
    add_count_cell(text, collection->source_rows);
    add_count_cell(text, collection->target_rows);
    add_count_cell(text, collection->deleted_rows);
    add_count_cell(text, collection->log_rows);
    add_count_cell(text, collection->duplicate_rows);
    add_count_cell(text, collection->dropped_rows + collection->left_out_rows);
    text_add(text, "<td class=\"n\">");
    report_add_size(text, collection->size);
    text_add(text, "</td></tr>\n");
}

static void add_collections(struct text *text, const struct verify_result *verify)
{
    text_add(text, "<h2>Collections</h2>\n<div class=\"wide\"><table><tr><th>Collection</th>"
                   "<th>Result</th><th>Metric</th><th class=\"n\">Dimension</th>"
                   "<th class=\"n\">Source rows</th><th class=\"n\">Target rows</th>"
                   "<th class=\"n\">Deleted</th><th class=\"n\">Only in log</th>"
                   "<th class=\"n\">Duplicates</th><th class=\"n\">Left out</th>"
                   "<th class=\"n\">Size</th></tr>\n");
    for (size_t k = 0; k < verify->collection_count; k++)
        add_collection_row(text, &verify->collections[k]);
    text_add(text, "</table></div>\n");
}

static void add_ids(struct text *text, const char *word, const struct id_list *list)
{
    if (list->count == 0)
        return;
    report_add_count(text, list->count);
    text_addf(text, " %s", word);
    for (size_t k = 0; k < list->kept && k < VERIFY_IDS_TEXT; k++)
        text_addf(text, "%s%" PRId64, k > 0 ? ", " : ": ", list->ids[k]);
    text_add(text, list->count > VERIFY_IDS_TEXT ? ", …<br>" : "<br>");
}

static void add_partition_row(struct text *text, const struct compared_collection *collection,
                              const struct compared_partition *partition)
{
    char checksums[2][REPORT_CHECKSUM_SIZE];
    report_checksum(&partition->source, checksums[0]);
    report_checksum(&partition->target, checksums[1]);
    text_add(text, "<tr>");
    add_text_cell(text, collection->name);
    add_text_cell(text, partition->tag);
    add_count_cell(text, partition->source.rows);
    add_count_cell(text, partition->target.rows);
    text_addf(text, "<td><code>%s</code>", checksums[0]);
    if (strcmp(checksums[0], checksums[1]) != 0)
        text_addf(text, "<br><code>%s</code>", checksums[1]);
    text_addf(text, "</td><td class=\"%s\">", partition->is_equal ? "ok" : "bad");
    if (partition->is_equal)
        text_add(text, "equal");
    else if (partition->presence != PRESENT_IN_BOTH)
        text_addf(text, "only in the %s<br>", report_presence(partition->presence));
    add_ids(text, "missing", &partition->missing);
    add_ids(text, "extra", &partition->extra);
    add_ids(text, "changed", &partition->changed);
    if (partition->is_partial)
        text_add(text, "at least; one id fills too many rows to be told apart");
    text_add(text, "</td></tr>\n");
}

/* A table only of the partitions that hold such rows; nothing when there are none. */
static void add_non_finite(struct text *text, const struct verify_result *verify)
{
    if (verify->non_finite_rows == 0)
        return;
    size_t shown = 0;
    text_add(text, "<h2>Not finite</h2>\n<p class=\"verdict warn\"><b>");
    report_add_count(text, verify->non_finite_rows);
    text_add(text, verify->non_finite_rows == 1 ? " row holds" : " rows hold");
    text_add(text, " NaN or infinite components; kept bit for bit.</b></p>\n"
                   "<div class=\"wide\"><table><tr><th>Collection</th><th>Partition</th>"
                   "<th class=\"n\">Such rows</th></tr>\n");
    for (size_t k = 0; k < verify->collection_count; k++) {
        const struct compared_collection *collection = &verify->collections[k];
        for (size_t p = 0; p < collection->partition_count && shown < PARTITIONS_SHOWN; p++) {
            if (collection->partitions[p].source.non_finite == 0)
                continue;
            text_add(text, "<tr>");
            add_text_cell(text, collection->name);
            add_text_cell(text, collection->partitions[p].tag);
            add_count_cell(text, collection->partitions[p].source.non_finite);
            text_add(text, "</tr>\n");
            shown++;
        }
    }
    text_add(text, "</table></div>\n");
}

static void add_partitions(struct text *text, const struct verify_result *verify)
{
    size_t shown = 0;
    size_t all = 0;
    text_add(text, "<h2>Partitions</h2>\n<div class=\"wide\"><table><tr><th>Collection</th>"
                   "<th>Partition</th><th class=\"n\">Source rows</th><th class=\"n\">Target rows"
                   "</th><th>Checksum</th><th>Result</th></tr>\n");
    for (size_t k = 0; k < verify->collection_count; k++) {
        const struct compared_collection *collection = &verify->collections[k];
        for (size_t p = 0; p < collection->partition_count; p++, all++) {
            const bool is_equal = collection->partitions[p].is_equal;
            if (shown >= PARTITIONS_SHOWN && is_equal)
                continue;
            add_partition_row(text, collection, &collection->partitions[p]);
            shown++;
        }
    }
    text_add(text, "</table></div>\n");
    if (shown < all)
        text_addf(text, "<p>%zu more partitions are equal; the JSON report lists them.</p>\n",
                  all - shown);
}

static void add_pictures(struct text *text, const struct verify_result *verify)
{
    const size_t count = verify->collection_count;
    struct svg_bar *bars = mem_zalloc(count, sizeof *bars);
    if (bars == NULL || count == 0) {
        text->has_failed |= bars == NULL;
        mem_free(bars);
        return;
    }
    text_add(text, "<h2>Pictures</h2>\n");
    for (size_t k = 0; k < count; k++)
        bars[k] =
            (struct svg_bar){verify->collections[k].target_name, verify->collections[k].source_rows,
                             verify->collections[k].target_rows};
    report_add_svg(text, &(struct svg_chart){.title = "Rows per collection",
                                             .first_name = "source",
                                             .second_name = "target",
                                             .bars = bars,
                                             .count = count});
    for (size_t k = 0; k < count; k++)
        bars[k].second = verify->collections[k].deleted_rows;
    report_add_svg(text, &(struct svg_chart){.title = "Live and deleted rows in the source",
                                             .first_name = "live",
                                             .second_name = "deleted",
                                             .bars = bars,
                                             .count = count,
                                             .is_stacked = true});
    for (size_t k = 0; k < count; k++)
        bars[k] = (struct svg_bar){bars[k].label, verify->collections[k].size, 0};
    report_add_svg(text, &(struct svg_chart){.title = "Size of ids and vectors in the source",
                                             .first_name = "bytes",
                                             .bars = bars,
                                             .count = count,
                                             .is_size = true});
    mem_free(bars);
}

static void add_finding_row(struct text *text, const struct finding *finding)
{
    text_add(text, "<tr>");
    add_text_cell(text, finding_severity_name(finding->severity));
    text_add(text, "<td>");
    report_add_escaped(text, finding->collection);
    if (*finding->partition != '\0') {
        text_add(text, " / ");
        report_add_escaped(text, finding->partition);
    }
    if (*finding->path != '\0') {
        text_add(text, "<br><code>");
        report_add_escaped(text, finding->path);
        if (finding->has_offset)
            text_addf(text, " @ %" PRIu64, finding->offset);
        text_add(text, "</code>");
    }
    text_add(text, "</td>");
    add_text_cell(text, finding->found);
    add_text_cell(text, finding->expected);
    add_text_cell(text, finding->consequence);
    text_add(text, "</tr>\n");
}

static void add_findings(struct text *text, const struct finding_list *findings)
{
    text_add(text, "<h2>Findings</h2>\n");
    if (findings->count == 0) {
        text_add(text, "<p>Nothing unusual was found in the source.</p>\n");
        return;
    }
    text_add(text, "<div class=\"wide\"><table><tr><th>Kind</th><th>Where</th><th>Found</th>"
                   "<th>Expected</th><th>What happens to it</th></tr>\n");
    for (size_t k = 0; k < findings->count && k < FINDINGS_SHOWN; k++)
        add_finding_row(text, &findings->items[k]);
    text_add(text, "</table></div>\n");
    if (findings->count > FINDINGS_SHOWN)
        text_addf(text, "<p>%zu more findings are in the JSON report.</p>\n",
                  findings->count - FINDINGS_SHOWN);
}

void report_add_html(struct text *text, const struct report *report)
{
    const bool is_migrate = report->migrate != NULL;
    text_addf(text,
              "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
              "<meta name=\"viewport\" content=\"width=device-width\">"
              "<title>Godwit: %s</title><style>%s</style></head>\n<body><main>\n<h1>%s</h1>\n",
              is_migrate ? "migration" : "comparison", style,
              is_migrate ? "Migration report" : "Comparison report");
    add_verdict(text, report);
    add_summary(text, report);
    add_collections(text, report->verify);
    add_pictures(text, report->verify);
    add_partitions(text, report->verify);
    add_non_finite(text, report->verify);
    add_findings(text, &report->source->findings);
    text_add(text, "<footer>Godwit " GODWIT_VERSION ". A checksum is the sum, modulo 2<sup>128"
                   "</sup>, of a 128-bit hash over (id, bytes of the vector) of every live row: "
                   "neither order nor segmentation changes it.</footer>\n"
                   "</main></body></html>\n");
}
