/* define_write.h: writes down what a collection is: its detail and field rows. Inside a
 * transaction. Threads: as catalog.h. */
#ifndef GODWIT_ENGINE_WRITE_DEFINE_WRITE_H
#define GODWIT_ENGINE_WRITE_DEFINE_WRITE_H

#include "base/sql.h"
#include "engine/collection.h"

/* Rows of `detail` and `field`, which must not be there yet. `info->metrics` are as of the fields.
 */
enum err_code define_write_info(struct sql *sql, const struct collection_info *info,
                                struct err *err) MUST_USE;
enum err_code define_write_field(struct sql *sql, int64_t collection, size_t order,
                                 const struct field *field, enum metric_type metric,
                                 struct err *err) MUST_USE;
enum err_code define_write_index(struct sql *sql, int64_t collection,
                                 const struct declared_index *index, struct err *err) MUST_USE;

#endif
