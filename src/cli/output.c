/* output.c: see output.h. */
#include "cli/output.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include "base/utf8.h"

#define LOG_LINE_SIZE 4096

static bool is_coloured[2]; /* stdout, stderr; set at start, only read afterwards */
static bool is_log_json;    /* likewise */

void output_start(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) == -1 && errno == EBADF)
            (void)open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY); /* the lowest free one is fd */
    (void)setlocale(LC_CTYPE, "C.UTF-8"); /* for wcwidth only; numbers stay as in "C" */
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    const bool is_allowed =
        (no_color == NULL || no_color[0] == '\0') && term != NULL && strcmp(term, "dumb") != 0;
    is_coloured[0] = is_allowed && isatty(STDOUT_FILENO) == 1;
    is_coloured[1] = is_allowed && isatty(STDERR_FILENO) == 1;
}

void output_forbid_colours(void)
{
    is_coloured[0] = is_coloured[1] = false;
}

bool output_is_terminal(void)
{
    return isatty(STDERR_FILENO) == 1;
}

static const char *colour_sequence(enum colour colour, bool is_on)
{
    static const char *const sequences[] = {"\033[0m",  "\033[1m",  "\033[2m",
                                            "\033[31m", "\033[32m", "\033[33m"};
    return is_on ? sequences[colour] : "";
}

const char *output_colour(enum colour colour)
{
    return colour_sequence(colour, is_coloured[0]);
}

const char *log_colour(enum colour colour)
{
    return colour_sequence(colour, is_coloured[1]);
}

/* A full disk behind stdout is not the target's: the answer is lost, retrying is not asked for. */
static enum err_code output_failed(struct err *err)
{
    (void)err_errno(err, errno != 0 ? errno : EIO, "standard output");
    return err_recode(err, ERR_IO);
}

enum err_code output_write(struct text *text, struct err *err)
{
    enum err_code code = ERR_OK;
    if (text_failed(text))
        code = err_nomem(err, "output");
    else if (text->size > 0 && fwrite(text->data, 1, text->size, stdout) != text->size)
        code = output_failed(err);
    text_release(text);
    text_init(text);
    return code;
}

enum err_code output_finish(struct err *err)
{
    return fflush(stdout) != 0 || ferror(stdout) != 0 ? output_failed(err) : ERR_OK;
}

void log_as_json(void)
{
    is_log_json = true;
}

bool log_is_json(void)
{
    return is_log_json;
}

static void log_object(const char *word, const char *line)
{
    struct text text;
    text_init(&text);
    json_open(&text, NULL, '{');
    json_add_string(&text, "log", word);
    json_add_string(&text, "message", line);
    json_close(&text, '}');
    if (!text_failed(&text))
        (void)fprintf(stderr, "%s\n", text_get(&text));
    text_release(&text);
}

/* "godwit: WORD: text", one line whatever the text holds. */
static void log_words(const char *word, enum colour colour, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));
static void log_words(const char *word, enum colour colour, const char *format, va_list args)
{
    char line[LOG_LINE_SIZE];
    (void)vsnprintf(line, sizeof line, format, args);
    for (char *p = line; *p != '\0'; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = '?';
    const bool has_word = word[0] != '\0';
    if (is_log_json)
        log_object(has_word ? word : "note", line);
    else
        (void)fprintf(stderr, "godwit: %s%s%s%s%s\n", has_word ? log_colour(colour) : "", word,
                      has_word ? ": " : "", has_word ? log_colour(COLOUR_NONE) : "", line);
}

void log_line(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    log_words("", COLOUR_NONE, format, args);
    va_end(args);
}

void log_error(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    log_words("error", COLOUR_RED, format, args);
    va_end(args);
}

const char *format_number(uint64_t value, char *buffer)
{
    char digits[24];
    const int length = snprintf(digits, sizeof digits, "%llu", (unsigned long long)value);
    char *out = buffer;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            *out++ = ',';
        *out++ = digits[i];
    }
    *out = '\0';
    return buffer;
}

const char *format_size(uint64_t size, char *buffer)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    double value = (double)size;
    size_t unit = 0;
    while (value >= 999.5 && unit + 1 < sizeof units / sizeof *units) {
        value /= 1000;
        unit++;
    }
    const bool is_short = unit > 0 && value < 99.95;
    (void)snprintf(buffer, NUMBER_SIZE, "%.*f %s", is_short ? 1 : 0, value, units[unit]);
    return buffer;
}

const char *format_duration(uint64_t seconds, char *buffer)
{
    const unsigned long long s = seconds;
    if (s >= 86400)
        (void)snprintf(buffer, NUMBER_SIZE, "%llud %02lluh", s / 86400, s / 3600 % 24);
    else if (s >= 3600)
        (void)snprintf(buffer, NUMBER_SIZE, "%lluh %02llum", s / 3600, s / 60 % 60);
    else if (s >= 60)
        (void)snprintf(buffer, NUMBER_SIZE, "%llum %02llus", s / 60, s % 60);
    else
        (void)snprintf(buffer, NUMBER_SIZE, "%llus", s);
    return buffer;
}

const char *format_seconds(uint64_t duration_ns, char *buffer)
{
    const double seconds = (double)duration_ns / 1e9;
    if (seconds >= 60)
        return format_duration((uint64_t)(seconds + 0.5), buffer);
    (void)snprintf(buffer, NUMBER_SIZE, "%.*f s", seconds < 10 ? 2 : 1, seconds);
    return buffer;
}

const char *plural(uint64_t count, const char *one, const char *many)
{
    return count == 1 ? one : many;
}

/* Length of the valid UTF-8 character at p, 0 when there is none. */
static size_t character_size(const char *p)
{
    for (size_t size = 1; size <= 4; size++) {
        if (utf8_is_valid(p, size))
            return size;
        if (p[size - 1] == '\0')
            break;
    }
    return 0;
}

void output_name(struct text *text, const char *name)
{
    for (const char *p = name; *p != '\0';) {
        const unsigned char c = (unsigned char)*p;
        const size_t size = character_size(p);
        const bool is_c1 = size == 2 && c == 0xc2 && (unsigned char)p[1] < 0xa0;
        if (c == '\n')
            text_add(text, "\\n");
        else if (c == '\t')
            text_add(text, "\\t");
        else if (c == '\\')
            text_add(text, "\\\\");
        else if (size == 0 || c < 0x20 || c == 0x7f)
            text_addf(text, "\\x%02x", c);
        else if (is_c1)
            text_addf(text, "\\x%02x", (unsigned char)p[1]);
        else
            text_add_bytes(text, p, size);
        p += size > 0 ? size : 1;
    }
}

size_t output_width(const char *text)
{
    size_t width = 0;
    mbstate_t state = {0};
    for (const char *p = text; *p != '\0';) {
        wchar_t character = 0;
        const size_t size = mbrtowc(&character, p, 4, &state);
        if (size == 0 || size > 4) { /* invalid: one column a byte */
            memset(&state, 0, sizeof state);
            width++;
            p++;
            continue;
        }
        const int columns = wcwidth(character);
        width += columns > 0 ? (size_t)columns : 0;
        p += size;
    }
    return width;
}

void table_init(struct table *table, const char *const *heads, size_t columns)
{
    assert(columns > 0 && columns <= TABLE_COLUMNS_MAX);
    *table = (struct table){.columns = columns};
    text_init(&table->cells);
    for (size_t i = 0; i < columns; i++) {
        table->is_right[i] = heads[i][0] == '>';
        table_cell(table, heads[i] + table->is_right[i]);
    }
}

void table_cell(struct table *table, const char *cell)
{
    text_add_bytes(&table->cells, cell, strlen(cell) + 1);
    table->cell_count++;
}

void table_cell_name(struct table *table, const char *indent, const char *name)
{
    text_add(&table->cells, indent);
    output_name(&table->cells, name);
    table_cell(table, "");
}

void table_cell_number(struct table *table, uint64_t value)
{
    char buffer[NUMBER_SIZE];
    table_cell(table, format_number(value, buffer));
}

void table_cell_size(struct table *table, uint64_t size)
{
    char buffer[NUMBER_SIZE];
    table_cell(table, format_size(size, buffer));
}

static void add_blanks(struct text *text, size_t count)
{
    for (size_t i = 0; i < count; i++)
        text_add(text, " ");
}

/* One line; `*cell` moves on. The last column gets no blanks behind it. */
static void write_row(const struct table *table, const size_t *widths, const char **cell,
                      struct text *text)
{
    size_t pending = 0;
    for (size_t i = 0; i < table->columns; i++) {
        const size_t width = output_width(*cell);
        const size_t fill = widths[i] - width;
        if (table->is_right[i])
            pending += fill;
        if (width > 0) {
            add_blanks(text, pending);
            text_add(text, *cell);
            pending = 0;
        } else {
            pending += width;
        }
        pending += (table->is_right[i] ? 0 : fill) + 2;
        *cell += strlen(*cell) + 1;
    }
}

void table_write(struct table *table, size_t indent, struct text *text)
{
    while (table->cell_count % table->columns != 0)
        table_cell(table, "");
    size_t widths[TABLE_COLUMNS_MAX] = {0};
    const char *cell = text_get(&table->cells);
    if (text_failed(&table->cells))
        text->has_failed = true;
    const size_t rows = text->has_failed ? 0 : table->cell_count / table->columns;
    for (size_t i = 0; i < rows * table->columns; i++, cell += strlen(cell) + 1) {
        const size_t width = output_width(cell);
        if (width > widths[i % table->columns])
            widths[i % table->columns] = width;
    }
    cell = text_get(&table->cells);
    for (size_t row = 0; row < rows; row++) {
        add_blanks(text, indent);
        text_add(text, row == 0 ? output_colour(COLOUR_BOLD) : "");
        write_row(table, widths, &cell, text);
        text_add(text, row == 0 ? output_colour(COLOUR_NONE) : "");
        text_add(text, "\n");
    }
    text_release(&table->cells);
}
