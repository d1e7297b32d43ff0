/* output.h: what people see: colours, numbers, tables, escaped names.
 *
 * stdout is the answer, stderr is everything else. Colours only where a terminal is and neither
 * NO_COLOR nor --no-color is set. Everything from outside (names, tags, paths) passes output_name()
 * before it is shown, so that it cannot move the cursor or forge a line. */
#ifndef GODWIT_CLI_OUTPUT_H
#define GODWIT_CLI_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"

enum colour { COLOUR_NONE, COLOUR_BOLD, COLOUR_DIM, COLOUR_RED, COLOUR_GREEN, COLOUR_YELLOW };

/* Once at start: makes sure that descriptors 0 to 2 are open (so no data file becomes "stdout"),
 * looks at both streams and at NO_COLOR. */
void output_start(void);
void output_forbid_colours(void);
bool output_is_terminal(void); /* stderr */

/* Control sequences, "" when there are no colours. For stdout / for stderr. */
const char *output_colour(enum colour colour);
const char *log_colour(enum colour colour);

/* Writes a text to stdout; the builder is cleared. A failed builder is ERR_NOMEM, a failed write
 * ERR_IO. */
enum err_code output_write(struct text *text, struct err *err) MUST_USE;
/* Flushes stdout. ERR_IO "standard output: ..."; called once at the end of every command. */
enum err_code output_finish(struct err *err) MUST_USE;
/* From now on a line on stderr is a JSON object, {"log": WORD, "message": TEXT}, so that whoever
 * asked for --progress json can parse all of it. */
void log_as_json(void);
bool log_is_json(void);
/* A line on stderr: "godwit: " or "godwit: error: " and the text. */
void log_line(const char *format, ...) PRINTF_LIKE(1, 2);
void log_error(const char *format, ...) PRINTF_LIKE(1, 2);

#define NUMBER_SIZE 32                                       /* room for any of the texts below */
const char *format_number(uint64_t value, char *buffer);     /* 1,234,567 */
const char *format_size(uint64_t size, char *buffer);        /* 1.2 GB (10^9) */
const char *format_duration(uint64_t seconds, char *buffer); /* 1h 02m, 3m 04s, 5s */
const char *format_seconds(uint64_t duration_ns, char *buffer); /* 0.42 s, 12.3 s, 3m 04s */

/* "row" or "rows". */
const char *plural(uint64_t count, const char *one, const char *many);

/* Appends a text from outside: control characters as \n, \t or \xNN; invalid UTF-8 as \xNN. */
void output_name(struct text *text, const char *name);
/* Columns that a text takes on a terminal. */
size_t output_width(const char *text);

/* A table with aligned columns. Cells are copied; missing cells are empty. */
#define TABLE_COLUMNS_MAX 16
struct table {
    size_t columns;
    bool is_right[TABLE_COLUMNS_MAX]; /* numbers stand right */
    struct text cells;                /* terminated cells one after the other */
    size_t cell_count;
};
/* `heads`: the head line, one cell a column; a head that starts with '>' is right-aligned. */
void table_init(struct table *table, const char *const *heads, size_t columns);
void table_cell(struct table *table, const char *cell); /* row by row */
void table_cell_name(struct table *table, const char *indent, const char *name);
void table_cell_number(struct table *table, uint64_t value);
void table_cell_size(struct table *table, uint64_t size);
/* Appends the table, `indent` blanks in front of each line, head line in bold; releases it. */
void table_write(struct table *table, size_t indent, struct text *text);

#endif
