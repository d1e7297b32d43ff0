/* report_parts.h: what the pages and the JSON of a report share. */
#ifndef GODWIT_MIGRATE_REPORT_PARTS_H
#define GODWIT_MIGRATE_REPORT_PARTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "migrate/report.h"

/* How it ended, in one word: "equal", "left_out", "differs", "interrupted", "failed". */
const char *report_verdict(const struct report *report);
const char *report_presence(enum presence presence); /* "both", "source", "target" */
/* 32 hexadecimal digits and a zero. */
#define REPORT_CHECKSUM_SIZE 33
void report_checksum(const struct tally *tally, char *buffer);

/* The whole page. */
void report_add_html(struct text *text, const struct report *report);
/* Text for element content and attribute values: &, <, >, quotes escaped, control characters
 * replaced; bytes that are no UTF-8 are taken as U+0080..U+00FF. */
void report_add_escaped(struct text *text, const char *value);
void report_add_count(struct text *text, uint64_t count); /* 1,234,567 */
void report_add_size(struct text *text, uint64_t size);   /* 1.2 GB */

/* One line of a picture: two values on one scale. */
struct svg_bar {
    const char *label;
    uint64_t first;
    uint64_t second;
};
/* Horizontal bars as inline SVG, the largest SVG_BARS_MAX of them. is_stacked: second is drawn
 * behind the end of first, otherwise below it. is_size: values are bytes. */
#define SVG_BARS_MAX 30
struct svg_chart {
    const char *title;
    const char *first_name;
    const char *second_name; /* NULL: only one value */
    const struct svg_bar *bars;
    size_t count;
    bool is_stacked;
    bool is_size;
};
void report_add_svg(struct text *text, const struct svg_chart *chart);

#endif
