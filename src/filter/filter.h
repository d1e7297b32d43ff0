/* filter.h: the filter language of Milvus 2.x ("age > 10 and color == 'red'"; docs/filter.md).
 *
 * A filter is compiled once per request against a schema and then evaluated over columns, as often
 * and by as many threads as one likes. NULL makes a comparison unknown; a row is selected only when
 * the whole filter is true. What the columns hold is trusted to be as flow/column.h says, except
 * JSON texts and arrays, which may be damaged: such a row has no value, nothing is read beyond it.
 *
 * Order of use: filter_compile; filter_eval for each segment, some rows at a time; filter_free. */
#ifndef GODWIT_FILTER_FILTER_H
#define GODWIT_FILTER_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "flow/column.h"
#include "flow/schema.h"

#define FILTER_BLOCK_ROWS ((size_t)65536)       /* rows worth evaluating at a time */
#define FILTER_TEXT_SIZE_MAX ((size_t)16 << 20) /* bytes of an expression */
#define FILTER_MEMORY_MAX ((size_t)256 << 20)   /* bytes that one compiled filter may take */

enum filter_value_kind {
    FILTER_VALUE_BOOL,
    FILTER_VALUE_INT,
    FILTER_VALUE_DOUBLE,
    FILTER_VALUE_STRING,
    FILTER_VALUE_ARRAY
};

/* A constant: of a template, or inside one. Only the member of its kind may be read. */
struct filter_value {
    enum filter_value_kind kind;
    union {
        bool boolean;
        int64_t integer;
        double real;
        struct {
            const char *string; /* `size` bytes; need not be terminated */
            size_t size;
        };
        struct {
            const struct filter_value *items; /* of an ARRAY */
            size_t count;
        };
    };
};

/* {name} in the expression stands for this value. */
struct filter_template {
    const char *name;
    struct filter_value value;
};

struct filter_templates {
    const struct filter_template *items;
    size_t count;
};

struct filter;

/* Compiles `size` bytes of UTF-8 text.
 *   schema     what identifiers mean; needed during the call only
 *   templates  may be NULL; copied where the filter needs them
 *   ret        filter_free
 * A text of nothing but blanks selects every row. Errors: ERR_INVALID with the sentence "cannot
 * parse expression: <expr>, error: <detail>" (a long expression is cut), ERR_NOMEM. Threads: any.
 */
enum err_code filter_compile(const char *text, size_t size, const struct schema *schema,
                             const struct filter_templates *templates, struct filter **ret,
                             struct err *err) MUST_USE;
void filter_free(struct filter *filter);

/* The text was blank: every row is selected. */
bool filter_is_always_true(const struct filter *filter);

/* Whether filter_eval reads the column of a field (its index in the schema). */
bool filter_reads(const struct filter *filter, size_t field);

/* random_sample() draws anew for another seed; the default is 0. To be set before the filter is
 * shared. */
void filter_set_seed(struct filter *filter, uint64_t seed);

struct filter_string {
    const char *data; /* not terminated */
    size_t size;
};

/* The keys of a filter that is only `pk == x`, `pk in [...]` or an `or` of those on the primary
 * key; ascending (strings byte by byte), each once. A row is selected exactly when its key is among
 * them. */
struct filter_keys {
    size_t count;
    const int64_t *integers;             /* of an Int64 key; else NULL */
    const struct filter_string *strings; /* of a VarChar key; else NULL */
};
/* NULL when the filter is anything else. Lives as long as the filter. */
const struct filter_keys *filter_get_keys(const struct filter *filter);

/* Memory of one evaluating thread; grows with what it meets. Zero-initialise; may be used again
 * with any filter, one evaluation at a time. */
struct filter_scratch {
    void *words;
    size_t words_size;
    void *text;
    size_t text_size;
};
void filter_scratch_release(struct filter_scratch *scratch);

/* Selects among rows [first, first + count) of some columns.
 *   columns      by index in the schema; only those that filter_reads() names are looked at, and
 *                NULL there means a field that was added later: all rows are null
 *   row_base     what `first` is in the numbering that random_sample() draws by (a segment's salt
 *                or first row); any number, the same for the same rows
 *   ret_bits     bitmap_words(count) words: bit k is row first + k; bits past `count` are 0
 * Errors: ERR_NOMEM. Threads: any, each with its own scratch. */
struct filter_rows {
    const struct column *const *columns;
    size_t first;
    size_t count;
    uint64_t row_base;
};
enum err_code filter_eval(const struct filter *filter, struct filter_scratch *scratch,
                          const struct filter_rows *rows, uint64_t *ret_bits,
                          struct err *err) MUST_USE;

#endif
