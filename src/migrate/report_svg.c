/* report_svg.c: bars as inline SVG. Colours come from the page's style sheet (classes first,
 * second, label), so one picture serves light, dark and paper. */
#include <stdlib.h>

#include "base/mem.h"
#include "migrate/report_parts.h"

#define CHART_WIDTH 720.0
#define LABEL_WIDTH 190.0
#define VALUE_WIDTH 110.0
#define BAR_WIDTH (CHART_WIDTH - LABEL_WIDTH - VALUE_WIDTH)
#define BAR_HEIGHT 9.0
#define TOP_HEIGHT 26.0
#define LABEL_CHARACTERS 26 /* what fits before the bars */

static uint64_t bar_total(const struct svg_chart *chart, const struct svg_bar *bar)
{
    if (chart->is_stacked)
        return bar->first + bar->second;
    return bar->first > bar->second ? bar->first : bar->second;
}

struct ranked_bar {
    uint64_t total;
    size_t index;
};

static int compare_bars(const void *a, const void *b)
{
    const struct ranked_bar *ra = a;
    const struct ranked_bar *rb = b;
    if (ra->total != rb->total)
        return ra->total > rb->total ? -1 : 1;
    return ra->index < rb->index ? -1 : ra->index > rb->index;
}

static void add_value(struct text *text, const struct svg_chart *chart, uint64_t value)
{
    if (chart->is_size)
        report_add_size(text, value);
    else
        report_add_count(text, value);
}

static void add_rect(struct text *text, const char *kind, double x, double y, double width)
{
    if (width > 0)
        text_addf(text,
                  "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" "
                  "rx=\"1\"/>",
                  kind, x, y, width < 1 ? 1.0 : width, BAR_HEIGHT);
}

/* A label cut at a character of UTF-8, with dots. */
static void add_label(struct text *text, const char *label)
{
    char shown[LABEL_CHARACTERS * 4 + 4];
    size_t size = 0;
    size_t characters = 0;
    while (label[size] != '\0' && size < sizeof shown - 8) {
        const bool is_start = ((unsigned char)label[size] & 0xc0) != 0x80;
        if (is_start && ++characters > LABEL_CHARACTERS)
            break;
        shown[size] = label[size];
        size++;
    }
    shown[size] = '\0';
    report_add_escaped(text, shown);
    if (label[size] != '\0')
        text_add(text, "…");
}

static void add_bar(struct text *text, const struct svg_chart *chart, const struct svg_bar *bar,
                    double y, uint64_t largest)
{
    const double scale = largest > 0 ? BAR_WIDTH / (double)largest : 0;
    const double first = (double)bar->first * scale;
    const double second = (double)bar->second * scale;
    text_add(text, "<g><title>");
    report_add_escaped(text, bar->label);
    text_addf(text, ": %s ", chart->first_name);
    add_value(text, chart, bar->first);
    if (chart->second_name != NULL) {
        text_addf(text, ", %s ", chart->second_name);
        add_value(text, chart, bar->second);
    }
    text_addf(text, "</title><text class=\"label\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">",
              LABEL_WIDTH - 8, y + BAR_HEIGHT);
    add_label(text, bar->label);
    text_add(text, "</text>");
    add_rect(text, "first", LABEL_WIDTH, y, first);
    if (chart->second_name != NULL && chart->is_stacked)
        add_rect(text, "second", LABEL_WIDTH + first, y, second);
    else if (chart->second_name != NULL)
        add_rect(text, "second", LABEL_WIDTH, y + BAR_HEIGHT + 1, second);
    text_addf(text, "<text class=\"label\" x=\"%.1f\" y=\"%.1f\">", LABEL_WIDTH + BAR_WIDTH + 8,
              y + BAR_HEIGHT);
    add_value(text, chart, bar_total(chart, bar));
    text_add(text, "</text></g>");
}

static void add_legend(struct text *text, const struct svg_chart *chart)
{
    double x = LABEL_WIDTH;
    const char *const names[] = {chart->first_name, chart->second_name};
    const char *const kinds[] = {"first", "second"};
    for (int k = 0; k < 2 && names[k] != NULL; k++) {
        add_rect(text, kinds[k], x, 6, BAR_HEIGHT);
        text_addf(text, "<text class=\"label\" x=\"%.1f\" y=\"%.1f\">%s</text>", x + 14, 15.0,
                  names[k]);
        x += 140;
    }
}

void report_add_svg(struct text *text, const struct svg_chart *chart)
{
    struct ranked_bar *ranked = mem_alloc(chart->count, sizeof *ranked);
    if (ranked == NULL) {
        text->has_failed = true;
        return;
    }
    for (size_t k = 0; k < chart->count; k++)
        ranked[k] = (struct ranked_bar){bar_total(chart, &chart->bars[k]), k};
    if (chart->count > 1)
        qsort(ranked, chart->count, sizeof *ranked, compare_bars);
    const size_t shown = chart->count < SVG_BARS_MAX ? chart->count : SVG_BARS_MAX;
    const double step =
        chart->is_stacked || chart->second_name == NULL ? BAR_HEIGHT + 9 : 2 * BAR_HEIGHT + 10;
    const double height = TOP_HEIGHT + step * (double)shown + 4;
    text_addf(text, "<figure><figcaption>%s", chart->title);
    if (shown < chart->count)
        text_addf(text, " (the largest %zu of %zu)", shown, chart->count);
    text_addf(text,
              "</figcaption><svg role=\"img\" aria-label=\"%s\" viewBox=\"0 0 %.0f %.0f\" "
              "xmlns=\"http://www.w3.org/2000/svg\">",
              chart->title, CHART_WIDTH, height);
    add_legend(text, chart);
    for (size_t k = 0; k < shown; k++)
        add_bar(text, chart, &chart->bars[ranked[k].index], TOP_HEIGHT + step * (double)k,
                ranked[0].total);
    text_add(text, "</svg></figure>\n");
    mem_free(ranked);
}
