/* insert.h: rows in and out of a collection. Operations: see op.h.
 *
 * A protocol opens a view, makes one column for each field that the client gave (by the field's
 * declared type, columns_spread() where nulls were left out), and hands them over. Everything about
 * values is checked here: lengths, ranges, NaN, UTF-8, JSON, nulls, defaults, keys. */
#ifndef GODWIT_MILVUS2_INSERT_H
#define GODWIT_MILVUS2_INSERT_H

#include "filter/filter.h"
#include "milvus2/op.h"

struct insert_request {
    size_t rows;
    /* One for each field of view->schema; type FIELD_NONE: not given. The dynamic field's column
     * holds one JSON object a row. Each of `rows` rows, nulls marked in `valid`. */
    struct column *columns;
    const char *partition; /* shown name or tag; "" or NULL: the default one */
    bool is_upsert;
    bool is_partial; /* upsert: fields that are not given keep their values */
};
struct insert_answer {
    struct column ids; /* of the key's type, in the order of the rows */
    uint64_t rows;
    uint64_t timestamp;
};
/* Whether the rows could be inserted; fills columns that have defaults of ours. */
bool rows_check(struct op *op, const struct view *view, struct insert_request *request);
bool rows_insert(struct op *op, const struct view *view, struct insert_request *request,
                 struct insert_answer *ret_answer);

struct delete_request {
    const char *filter;
    struct filter_templates templates;
    const char *partition; /* "" or NULL: all */
};
struct delete_answer {
    uint64_t rows; /* by keys: as many as were named; else rows that were there */
    uint64_t timestamp;
};
bool rows_delete(struct op *op, const struct view *view, const struct delete_request *request,
                 struct delete_answer *ret_answer);

/* A column of `rows` rows from one that has only the rows marked in `valid` (or already has all).
 * In the op's arena. Status 1100 when the counts do not fit. */
bool columns_spread(struct op *op, const char *field, const struct column *compact,
                    const uint64_t *valid, size_t rows, struct column *ret_column);

#endif
