/* values.h: whether the values of a column are what its field allows. Operations: see op.h. */
#ifndef GODWIT_MILVUS2_VALUES_H
#define GODWIT_MILVUS2_VALUES_H

#include "milvus2/op.h"

#define JSON_VALUE_SIZE_MAX 65536

/* True, or false with status 1100 that names field and row. Null rows are skipped. */
bool values_check(struct op *op, const struct field *field, const struct column *column);

/* Elements in the bytes of an array of that element type; SIZE_MAX when they are damaged. */
size_t array_count(enum field_type element, struct bytes array);

#endif
