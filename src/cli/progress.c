/* progress.c: see progress.h.
 *
 * One thread draws: it wakes up every INTERVAL, takes the numbers, writes one buffer. Rates are
 * those of the last RATE_WINDOW samples, so that the ETA follows what happens now; work found from
 * an earlier run counts as done but not as speed. */
#include "cli/progress.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/ticker.h"
#include "cli/output.h"

#define INTERVAL_BARS_NS 200000000ULL
#define INTERVAL_PLAIN_NS 3000000000ULL
#define INTERVAL_JSON_NS 1000000000ULL
#define RATE_WINDOW 32
#define BAR_WIDTH 24
#define NAME_WIDTH_MAX 28
#define SHARES 1000          /* of the work of an index */
#define BLOCK_COLLECTIONS 12 /* collections drawn at once */

enum form { FORM_BARS, FORM_PLAIN, FORM_JSON };

struct sample {
    uint64_t at_ns;
    uint64_t size; /* done in this run */
};

struct progress_display {
    const char *verb;
    const struct migrate_progress *progress;
    const struct meter *meter;
    const struct index_watch *watch; /* one of the three is set */
    enum form form;
    uint64_t started_ns;
    struct sample window[RATE_WINDOW]; /* ring; used by the thread only */
    size_t samples;
    size_t lines_drawn;
    enum progress_phase last_phase;
    struct ticker *ticker;
};

/* What one drawing needs. */
struct moment {
    struct progress_view view;
    uint64_t now_ns;
    uint64_t rate; /* bytes of the data a second */
    uint64_t done; /* bytes copied and verified */
    uint64_t total;
    bool has_eta;
    uint64_t eta_s;
};

static uint64_t interval_ns(enum form form)
{
    return form == FORM_BARS ? INTERVAL_BARS_NS
                             : (form == FORM_JSON ? INTERVAL_JSON_NS : INTERVAL_PLAIN_NS);
}

static bool is_comparing(enum progress_phase phase)
{
    return phase == PROGRESS_COMPARING || phase == PROGRESS_SEARCHING;
}

/* Bytes a second over the window. */
static uint64_t take_rate(struct progress_display *d, uint64_t now_ns, uint64_t size)
{
    const struct sample now = {.at_ns = now_ns, .size = size};
    d->window[d->samples++ % RATE_WINDOW] = now;
    const size_t oldest = d->samples > RATE_WINDOW ? d->samples % RATE_WINDOW : 0;
    const struct sample *then = &d->window[oldest];
    const uint64_t passed_ns = now_ns - then->at_ns;
    if (passed_ns < 1000000 || size < then->size)
        return 0;
    return (uint64_t)((double)(size - then->size) * 1e9 / (double)passed_ns);
}

/* Work of an index is no bytes: a share, and the time that it took so far. */
static void take_index(const struct progress_display *d, struct moment *m)
{
    struct index_progress p;
    index_watch_get(d->watch, &p);
    struct progress_numbers *all = &m->view.all;
    m->view.phase = PROGRESS_COPYING;
    m->total = SHARES;
    m->done = (uint64_t)(p.done * SHARES);
    all->rows_total = p.rows_total;
    all->rows_copied = p.rows_done;
    all->segments_total = p.segments_total;
    all->segments_done = p.segments_done;
    m->has_eta = p.has_eta;
    m->eta_s = p.eta_s;
}

static void take_moment(struct progress_display *d, struct moment *m)
{
    *m = (struct moment){.now_ns = clock_monotonic_ns()};
    if (d->watch != NULL) {
        take_index(d, m);
        return;
    }
    if (d->meter != NULL) {
        m->view.phase = PROGRESS_COPYING;
        m->view.all.size_copied = atomic_load(&d->meter->size);
        m->view.all.rows_copied = atomic_load(&d->meter->rows);
        m->done = m->view.all.size_copied;
        m->rate = take_rate(d, m->now_ns, m->done);
        return;
    }
    migrate_progress_get(d->progress, &m->view);
    const struct progress_numbers *all = &m->view.all;
    m->done = all->size_copied + all->size_verified;
    m->total = is_comparing(m->view.phase) ? all->size_total : 2 * all->size_total;
    if (is_comparing(m->view.phase))
        m->done = all->size_verified;
    const uint64_t worked = m->done > all->size_found ? m->done - all->size_found : 0;
    m->rate = take_rate(d, m->now_ns, worked);
    m->has_eta = m->rate > 0 && m->total >= m->done;
    m->eta_s = m->has_eta ? (m->total - m->done + m->rate - 1) / m->rate : 0;
    if (!is_comparing(m->view.phase))
        m->rate /= 2; /* of the data, which is copied and read back */
}

static unsigned percent(uint64_t done, uint64_t total)
{
    if (total == 0)
        return 0;
    return done >= total ? 100 : (unsigned)((double)done * 100.0 / (double)total);
}

static void add_bar(struct text *text, unsigned part)
{
    const size_t full = (size_t)part * BAR_WIDTH / 100;
    text_add(text, log_colour(COLOUR_GREEN));
    for (size_t i = 0; i < BAR_WIDTH; i++) {
        if (i == full)
            text_addf(text, "%s%s", log_colour(COLOUR_NONE), log_colour(COLOUR_DIM));
        text_add(text, i < full ? "━" : "─");
    }
    text_add(text, log_colour(COLOUR_NONE));
}

/* The name, cut or filled to NAME_WIDTH_MAX columns. */
static void add_name(struct text *text, const char *name)
{
    struct text shown;
    text_init(&shown);
    output_name(&shown, name);
    const char *start = text_get(&shown);
    size_t width = output_width(start);
    if (width > NAME_WIDTH_MAX) { /* the end tells names with one prefix apart */
        text_add(text, "…");
        for (; width > NAME_WIDTH_MAX - 1; width = output_width(start))
            for (start++; ((unsigned char)*start & 0xc0) == 0x80;)
                start++;
        width++;
    }
    text_addf(text, "%s%*s", start, (int)(NAME_WIDTH_MAX - width), "");
    text_release(&shown);
}

static void add_numbers(struct text *text, const struct progress_numbers *n, bool compares)
{
    char rows[NUMBER_SIZE], total[NUMBER_SIZE];
    const uint64_t done = compares || n->rows_verified > 0 ? n->rows_verified : n->rows_copied;
    text_addf(text, " %s of %s rows", format_number(done, rows),
              format_number(n->rows_total, total));
}

static void add_rate(struct text *text, const struct moment *m)
{
    char rate[NUMBER_SIZE], left[NUMBER_SIZE];
    if (m->rate > 0)
        text_addf(text, "  %s/s", format_size(m->rate, rate));
    if (m->has_eta)
        text_addf(text, "  %s left", format_duration(m->eta_s, left));
}

static void draw_collection(struct text *text, const struct progress_collection *c, bool compares)
{
    const struct progress_numbers *n = &c->numbers;
    const uint64_t done = compares ? n->size_verified : n->size_copied + n->size_verified;
    const unsigned part = percent(done, compares ? n->size_total : 2 * n->size_total);
    text_add(text, "  ");
    add_name(text, c->name);
    text_add(text, " ");
    add_bar(text, part);
    text_addf(text, " %3u %% ", part);
    add_numbers(text, n, compares);
    text_add(text, "\033[K\n");
}

static bool is_under_way(const struct progress_numbers *n)
{
    return n->size_copied + n->size_verified > 0 && n->segments_done < n->segments_total;
}

static const char *phase_name(const struct progress_display *d, const struct moment *m)
{
    return d->progress != NULL ? progress_phase_name(m->view.phase) : d->verb;
}

static void draw_block(struct progress_display *d, const struct moment *m, struct text *text)
{
    const bool compares = is_comparing(m->view.phase);
    size_t lines = 0;
    if (d->lines_drawn > 0)
        text_addf(text, "\033[%zuA", d->lines_drawn);
    for (size_t i = 0; i < m->view.collection_count && lines < BLOCK_COLLECTIONS; i++) {
        struct progress_collection c;
        migrate_progress_get_collection(d->progress, i, &c);
        if (!is_under_way(&c.numbers))
            continue;
        draw_collection(text, &c, compares);
        lines++;
    }
    const unsigned part = percent(m->done, m->total);
    text_addf(text, "%s%-30s%s ", log_colour(COLOUR_BOLD), phase_name(d, m),
              log_colour(COLOUR_NONE));
    if (m->total > 0) {
        add_bar(text, part);
        text_addf(text, " %3u %% ", part);
        add_numbers(text, &m->view.all, compares);
    } else if (m->done > 0) {
        char size[NUMBER_SIZE];
        text_add(text, format_size(m->done, size));
    }
    add_rate(text, m);
    text_add(text, "\033[K\n\033[J");
    d->lines_drawn = lines + 1;
}

/* "godwit: copying: 12 %, 1,000 of 8,000 rows, 1.2 GB of 9.0 GB, 210 MB/s, 32s left" */
static void draw_line(const struct progress_display *d, const struct moment *m, struct text *text)
{
    char size[NUMBER_SIZE], total[NUMBER_SIZE];
    text_addf(text, "godwit: %s:", phase_name(d, m));
    if (m->total > 0) {
        text_addf(text, " %u %%,", percent(m->done, m->total));
        add_numbers(text, &m->view.all, is_comparing(m->view.phase));
        if (d->watch == NULL)
            text_addf(text, ", %s of %s", format_size(m->view.all.size_copied, size),
                      format_size(m->view.all.size_total, total));
    } else {
        text_addf(text, " %s", format_size(m->done, size));
    }
    add_rate(text, m);
    text_add(text, "\n");
}

static void json_numbers(struct text *text, const struct progress_numbers *n)
{
    json_add_uint(text, "rows_total", n->rows_total);
    json_add_uint(text, "rows_copied", n->rows_copied);
    json_add_uint(text, "rows_verified", n->rows_verified);
    json_add_uint(text, "size_total", n->size_total);
    json_add_uint(text, "size_copied", n->size_copied);
    json_add_uint(text, "size_verified", n->size_verified);
    json_add_uint(text, "segments_total", n->segments_total);
    json_add_uint(text, "segments_done", n->segments_done);
}

static void draw_json(const struct progress_display *d, const struct moment *m, struct text *text)
{
    json_open(text, NULL, '{');
    json_add_string(text, "verb", d->verb);
    json_add_string(text, "phase", phase_name(d, m));
    json_add_int(text, "job", m->view.job);
    json_add_double(text, "elapsed_s", (double)(m->now_ns - d->started_ns) / 1e9);
    json_numbers(text, &m->view.all);
    json_add_uint(text, "rate", m->rate);
    if (m->has_eta)
        json_add_uint(text, "eta_s", m->eta_s);
    json_open(text, "collections", '[');
    for (size_t i = 0; i < m->view.collection_count; i++) {
        struct progress_collection c;
        migrate_progress_get_collection(d->progress, i, &c);
        json_open(text, NULL, '{');
        json_add_string(text, "name", c.name);
        json_numbers(text, &c.numbers);
        json_close(text, '}');
    }
    json_close(text, ']');
    json_close(text, '}');
    text_add(text, "\n");
}

static void draw(struct progress_display *d, bool is_last)
{
    struct moment m;
    take_moment(d, &m);
    struct text text;
    text_init(&text);
    if (d->form == FORM_JSON)
        draw_json(d, &m, &text);
    else if (d->form == FORM_BARS && !is_last) {
        text_add(&text, "\033[?7l"); /* a long line is cut: wrapped, it would spoil the count */
        draw_block(d, &m, &text);
        text_add(&text, "\033[?7h");
    } else if (d->form == FORM_BARS && d->lines_drawn > 0)
        text_addf(&text, "\033[%zuA\033[J", d->lines_drawn); /* the summary takes its place */
    else if (d->form == FORM_PLAIN && !is_last)
        draw_line(d, &m, &text);
    if (!text_failed(&text) && text.size > 0) {
        (void)fwrite(text.data, 1, text.size, stderr);
        (void)fflush(stderr);
    }
    text_release(&text);
}

static void show(void *argument)
{
    draw(argument, false);
}

/* Takes over the display that is wanted, unless the form is none. */
static struct progress_display *start(const struct arguments *arguments,
                                      const struct progress_display *wanted)
{
    const char *name = arguments_text(arguments, "progress");
    if (name != NULL && strcmp(name, "none") == 0)
        return NULL;
    struct progress_display *d = mem_zalloc(1, sizeof *d);
    if (d == NULL)
        return NULL;
    *d = *wanted;
    d->started_ns = clock_monotonic_ns();
    d->window[d->samples++] = (struct sample){.at_ns = d->started_ns};
    d->form = FORM_PLAIN;
    if (name != NULL && strcmp(name, "json") == 0)
        d->form = FORM_JSON;
    else if ((name == NULL || strcmp(name, "auto") == 0) && output_is_terminal())
        d->form = FORM_BARS;
    d->ticker = ticker_start(interval_ns(d->form), show, d);
    if (d->ticker != NULL)
        return d;
    mem_free(d);
    return NULL;
}

struct progress_display *progress_start(const struct arguments *arguments, const char *verb,
                                        const struct migrate_progress *progress,
                                        const struct meter *meter)
{
    const struct progress_display wanted = {.verb = verb, .progress = progress, .meter = meter};
    return progress != NULL || meter != NULL ? start(arguments, &wanted) : NULL;
}

struct progress_display *progress_start_index(const struct arguments *arguments,
                                              const struct index_watch *watch)
{
    const struct progress_display wanted = {.verb = "index", .watch = watch};
    return start(arguments, &wanted);
}

void progress_stop(struct progress_display *display)
{
    if (display == NULL)
        return;
    ticker_stop(display->ticker);
    draw(display, true);
    mem_free(display);
}
