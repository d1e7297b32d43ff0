/* partial.h: partial upserts: what a request does not give stays as it is. Operations: see op.h. */
#ifndef GODWIT_MILVUS2_PARTIAL_H
#define GODWIT_MILVUS2_PARTIAL_H

#include "milvus2/insert.h"

/* Fills the columns that are not given from the rows that give way; a dynamic object gets the keys
 * that it does not name. The key must be given. All rows must be there, or none: rows that are new
 * need all that an insert needs. */
bool partial_complete(struct op *op, const struct view *view, struct insert_request *request);

#endif
