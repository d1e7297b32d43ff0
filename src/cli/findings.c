/* findings.c: see findings.h. */
#include "cli/findings.h"

#include "cli/output.h"

static enum colour severity_colour(enum finding_severity severity)
{
    if (severity == FINDING_NOTE)
        return COLOUR_DIM;
    return severity == FINDING_WARNING ? COLOUR_YELLOW : COLOUR_RED;
}

static void add_field(struct text *text, const char *head, const char *value)
{
    if (value[0] == '\0')
        return;
    text_addf(text, "    %-12s ", head);
    output_name(text, value);
    text_add(text, "\n");
}

static void add_place(struct text *text, const struct finding *f)
{
    if (f->path[0] == '\0')
        return;
    text_add(text, "    file         ");
    output_name(text, f->path);
    if (f->has_offset)
        text_addf(text, ", offset %llu", (unsigned long long)f->offset);
    text_add(text, "\n");
}

static void finding_write(const struct finding *f, struct text *text)
{
    char rows[NUMBER_SIZE];
    text_addf(text, "  %s%s%s  %s", output_colour(severity_colour(f->severity)),
              finding_severity_name(f->severity), output_colour(COLOUR_NONE), f->code);
    if (f->collection[0] != '\0') {
        text_add(text, "  ");
        output_name(text, f->collection);
    }
    if (f->partition[0] != '\0') {
        text_add(text, " / ");
        output_name(text, f->partition);
    }
    if (f->rows > 0)
        text_addf(text, "  (%s %s)", format_number(f->rows, rows), plural(f->rows, "row", "rows"));
    text_add(text, "\n");
    add_place(text, f);
    add_field(text, "found", f->found);
    add_field(text, "expected", f->expected);
    add_field(text, "so", f->consequence);
}

void findings_count_words(const struct finding_list *findings, struct text *text)
{
    static const struct {
        enum finding_severity severity;
        const char *one;
        const char *many;
    } words[] = {{FINDING_REFUSED, "reason to refuse", "reasons to refuse"},
                 {FINDING_DAMAGE, "damage", "damages"},
                 {FINDING_WARNING, "warning", "warnings"},
                 {FINDING_NOTE, "note", "notes"}};
    size_t written = 0;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        const size_t count = finding_count(findings, words[i].severity);
        if (count > 0)
            text_addf(text, "%s%zu %s", written++ > 0 ? ", " : "", count,
                      plural(count, words[i].one, words[i].many));
    }
    if (written == 0)
        text_add(text, "none");
}

void findings_write(const struct finding_list *findings, enum finding_severity least,
                    size_t shown_max, struct text *text)
{
    static const enum finding_severity order[] = {FINDING_REFUSED, FINDING_DAMAGE, FINDING_WARNING,
                                                  FINDING_NOTE};
    size_t shown = 0;
    uint64_t hidden = findings->dropped;
    for (size_t i = 0; i < sizeof order / sizeof *order && order[i] >= least; i++)
        for (size_t k = 0; k < findings->count; k++) {
            if (findings->items[k].severity != order[i])
                continue;
            if (shown < shown_max)
                finding_write(&findings->items[k], text);
            else
                hidden++;
            shown++;
        }
    if (hidden > 0)
        text_addf(text, "  ... and %llu more; --json lists them\n", (unsigned long long)hidden);
}

void findings_add_json(const struct finding_list *findings, struct text *text)
{
    json_open(text, "findings", '[');
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *f = &findings->items[i];
        json_open(text, NULL, '{');
        json_add_string(text, "severity", finding_severity_name(f->severity));
        json_add_string(text, "code", f->code);
        json_add_string(text, "collection", f->collection);
        json_add_string(text, "partition", f->partition);
        json_add_string(text, "path", f->path);
        if (f->has_offset)
            json_add_uint(text, "offset", f->offset);
        json_add_string(text, "found", f->found);
        json_add_string(text, "expected", f->expected);
        json_add_string(text, "consequence", f->consequence);
        json_add_uint(text, "rows", f->rows);
        json_close(text, '}');
    }
    json_close(text, ']');
    json_add_uint(text, "findings_left_out", findings->dropped);
}
