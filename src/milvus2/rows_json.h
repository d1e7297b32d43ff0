/* rows_json.h: rows as JSON objects to columns: REST inserts and JSON imports. Operations: see
 * op.h.
 *
 * Numbers that are too large for a field, strings where numbers stand, vectors of another dimension
 * are found here; what values_check() finds is left to rows_insert(). Keys that the schema does not
 * have go to the dynamic field; without one they are an error, or skipped. */
#ifndef GODWIT_MILVUS2_ROWS_JSON_H
#define GODWIT_MILVUS2_ROWS_JSON_H

#include "base/json.h"
#include "milvus2/op.h"

struct rows_json_options {
    bool skips_unknown; /* keys that nothing is there for: skipped (imports), or an error (REST) */
    enum milvus_code code; /* of errors: MILVUS_REST_INSERT or MILVUS_IMPORT */
};
/* `rows` is an array of objects. *ret_columns: one for each field of the schema, FIELD_NONE where
 * no row has it, for insert_request.columns; in the arena. Vectors are number arrays; 16-bit float,
 * binary and int8 vectors also base64 of their bytes. JSON fields take any value. */
bool rows_from_json(struct op *op, const struct view *view, const struct json *rows,
                    const struct rows_json_options *options, struct column **ret_columns);

#endif
