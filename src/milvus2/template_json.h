/* template_json.h: JSON values as values of a filter's templates (REST's exprParams, and JSON
 * inside gRPC's). Operations: see op.h. */
#ifndef GODWIT_MILVUS2_TEMPLATE_JSON_H
#define GODWIT_MILVUS2_TEMPLATE_JSON_H

#include "base/bytes.h"
#include "base/json.h"
#include "filter/filter.h"
#include "milvus2/op.h"

/* Copies what it needs. Objects and null are refused (1100). */
bool template_from_json(struct op *op, const struct json *value, struct filter_value *ret_value);
bool template_from_text(struct op *op, struct bytes text, struct filter_value *ret_value);
/* The members of an object: name to value. NULL gives none. */
bool templates_from_json(struct op *op, const struct json *object,
                         struct filter_templates *ret_templates);

#endif
