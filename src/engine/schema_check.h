/* schema_check.h: is a schema one that the engine can keep? Names and limits of the API are not
 * judged here. Threads: any. */
#ifndef GODWIT_ENGINE_SCHEMA_CHECK_H
#define GODWIT_ENGINE_SCHEMA_CHECK_H

#include "base/err.h"
#include "flow/schema.h"

/* ERR_INVALID: not one Int64 or VarChar key, no vector field, more than SCHEMA_FIELDS_MAX or
 * SCHEMA_VECTORS_MAX, a dimension that is not possible, sparse vectors, null vectors or keys,
 * fields of one name. */
enum err_code schema_check(const struct schema *schema, struct err *err) MUST_USE;

#endif
