/* rest_values.h: query vectors from JSON, and columns to JSON rows (rows to columns: rows_json.h).
 *
 * Query vectors are arrays of numbers, or base64 of their bytes for all but FloatVector. In answers
 * vectors other than FloatVector are base64, and a JSON field is a string of JSON, as Milvus
 * answers them. */
#ifndef GODWIT_MILVUS2_REST_VALUES_H
#define GODWIT_MILVUS2_REST_VALUES_H

#include "milvus2/output.h"
#include "milvus2/rest.h"

/* Vectors to search for: an array of them in the encoding of `field`'s rows.
 *   ret_type     the type that they come in: the field's, or FLOAT_VECTOR for arrays of numbers
 *   ret_queries  one string of bytes each */
bool rest_read_queries(struct rest *rest, const struct field *field, const struct json *data,
                       int *ret_type, const struct bytes **ret_queries, size_t *ret_count);

/* One value, under a key (NULL in arrays). */
void rest_add_value(struct rest *rest, const char *key, const struct column *column, size_t row);
/* The members of the object of one row, for the output's fields and dynamic keys. */
void rest_add_row(struct rest *rest, const struct view *view, const struct output *output,
                  const struct column *columns, size_t row);

#endif
