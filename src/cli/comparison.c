/* comparison.c: what verification found, for people; reports (see move.h). */
#include "cli/findings.h"
#include "cli/move.h"
#include "cli/output.h"

#include <stdio.h>

#define FINDINGS_LOGGED 10

static const char *presence_word(enum presence presence, bool is_equal)
{
    if (presence == PRESENT_IN_SOURCE)
        return "missing in the target";
    if (presence == PRESENT_IN_TARGET)
        return "only in the target";
    return is_equal ? "equal" : "different";
}

static void add_partition(struct table *table, const struct compared_collection *c,
                          const struct compared_partition *p)
{
    table_cell_name(table, "", c->target_name != NULL ? c->target_name : c->name);
    table_cell_name(table, "", p->tag);
    table_cell_number(table, p->source.rows);
    table_cell_number(table, p->target.rows);
    table_cell(table, presence_word(p->presence, p->is_equal));
}

static void add_ids(struct text *text, const char *word, const struct id_list *list)
{
    char count[NUMBER_SIZE];
    if (list->count == 0)
        return;
    text_addf(text, "    %s %s: ", format_number(list->count, count), word);
    for (size_t i = 0; i < list->kept && i < VERIFY_IDS_TEXT; i++)
        text_addf(text, "%s%lld", i > 0 ? ", " : "", (long long)list->ids[i]);
    text_add(text, list->count > VERIFY_IDS_TEXT ? ", ...\n" : "\n");
}

static void add_difference(struct text *text, const struct compared_collection *c)
{
    if (c->presence == PRESENT_IN_BOTH &&
        (c->source_metric != c->target_metric || c->source_dim != c->target_dim)) {
        text_add(text, "  ");
        output_name(text, c->name);
        text_addf(text, ": %s %zu in the source, %s %zu in the target\n",
                  metric_name(c->source_metric), c->source_dim, metric_name(c->target_metric),
                  c->target_dim);
    }
    for (size_t i = 0; i < c->partition_count; i++) {
        const struct compared_partition *p = &c->partitions[i];
        if (p->is_equal)
            continue;
        text_add(text, "  ");
        output_name(text, c->name);
        text_add(text, " / ");
        output_name(text, p->tag);
        text_addf(text, "%s\n",
                  p->is_partial ? ": too much differs, the lists are incomplete" : "");
        add_ids(text, "missing in the target", &p->missing);
        add_ids(text, "only in the target", &p->extra);
        add_ids(text, "with another vector", &p->changed);
    }
}

/* Moved as they are, so the verdict stays; but a search may never find them. */
static void add_non_finite(struct text *text, const struct verify_result *result)
{
    char count[NUMBER_SIZE];
    for (size_t i = 0; i < result->collection_count; i++) {
        const struct compared_collection *c = &result->collections[i];
        if (c->non_finite_rows == 0)
            continue;
        text_addf(text, "%swarning:%s ", output_colour(COLOUR_YELLOW), output_colour(COLOUR_NONE));
        output_name(text, c->name);
        text_addf(text, ": %s %s NaN or infinite components; kept bit for bit\n",
                  format_number(c->non_finite_rows, count),
                  plural(c->non_finite_rows, "row holds", "rows hold"));
    }
}

void comparison_write(const struct verify_result *result, struct text *text)
{
    static const char *const heads[] = {"collection", "partition", ">source rows", ">target rows",
                                        "result"};
    struct table table;
    table_init(&table, heads, sizeof heads / sizeof *heads);
    for (size_t i = 0; i < result->collection_count; i++) {
        const struct compared_collection *c = &result->collections[i];
        for (size_t k = 0; k < c->partition_count; k++)
            add_partition(&table, c, &c->partitions[k]);
    }
    table_write(&table, 0, text);
    add_non_finite(text, result);
    if (result->is_equal)
        return;
    text_add(text, "\ndifferences:\n");
    for (size_t i = 0; i < result->collection_count; i++)
        if (!result->collections[i].is_equal)
            add_difference(text, &result->collections[i]);
    if (result->unreadable_segments > 0) {
        text_addf(text, "  %llu %s of the target cannot be read: ",
                  (unsigned long long)result->unreadable_segments,
                  plural(result->unreadable_segments, "segment", "segments"));
        output_name(text, result->unreadable);
        text_add(text, "\n");
    }
}

enum err_code reports_write(struct arguments *arguments, const struct report *report,
                            struct err *err)
{
    const char **paths = NULL;
    size_t count = 0;
    enum err_code code = arguments_all(arguments, "report", &paths, &count, err);
    for (size_t i = 0; code == ERR_OK && i < count; i++) {
        code = report_write(paths[i], report, err);
        if (code == ERR_OK)
            log_line("report: %s", paths[i]);
        else
            (void)err_wrap(err, "--report");
    }
    return code;
}

void findings_log(const struct source_description *description)
{
    struct text text;
    text_init(&text);
    if (log_is_json()) {
        json_open(&text, NULL, '{');
        json_add_string(&text, "log", "findings");
        findings_add_json(&description->findings, &text);
        json_close(&text, '}');
        if (!text_failed(&text) && description->findings.count > 0)
            (void)fprintf(stderr, "%s\n", text_get(&text));
        text_release(&text);
        return;
    }
    findings_write(&description->findings, FINDING_WARNING, FINDINGS_LOGGED, &text);
    if (!text_failed(&text) && text.size > 0)
        (void)fprintf(stderr, "godwit: found in the source (godwit inspect shows all):\n%s",
                      text_get(&text));
    text_release(&text);
}
