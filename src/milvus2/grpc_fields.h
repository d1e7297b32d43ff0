/* grpc_fields.h: FieldData, the wire's columns, to flow/column.h and back. */
#ifndef GODWIT_MILVUS2_GRPC_FIELDS_H
#define GODWIT_MILVUS2_GRPC_FIELDS_H

#include "milvus2/grpc.h"
#include "milvus2/output.h"

/* A column of `rows` rows of a field, from what a client sent. Plain types of the same width are
 * borrowed from the message, the rest is in the arena. Nulls may be left out or stand as
 * placeholders; both are accepted. */
bool grpc_column(struct op *op, const struct field *field, const Mv__FieldData *data, size_t rows,
                 struct column *ret_column);

/* The other way, aligned to rows; the column is borrowed. */
Mv__FieldData *grpc_field_data(struct op *op, const struct field *field,
                               const struct column *column);
/* All columns of an answer. */
bool grpc_put_fields(struct op *op, const struct view *view, const struct output *output,
                     const struct column *columns, Mv__FieldData ***ret_items, size_t *ret_count);
/* Primary keys. */
Mv__IDs *grpc_ids(struct op *op, const struct column *keys);
/* Primary keys of a request as a column. */
bool grpc_keys(struct op *op, const Mv__IDs *ids, struct column *ret_keys);

#endif
