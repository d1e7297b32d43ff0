/* catalog_forget.h: takes rows, or a whole collection, out of the catalog, from every table that
 * knows them. Call inside a transaction; files are the caller's. Threads: as catalog.h. */
#ifndef GODWIT_ENGINE_CATALOG_FORGET_H
#define GODWIT_ENGINE_CATALOG_FORGET_H

#include <stdint.h>

#include "base/err.h"
#include "base/sql.h"

/* Segments, pending and dead rows of a partition; of all when it is 0. */
enum err_code catalog_forget_rows(struct sql *sql, int64_t collection, int64_t partition,
                                  struct err *err) MUST_USE;
/* Published or staged. */
enum err_code catalog_forget_collection(struct sql *sql, int64_t collection,
                                        struct err *err) MUST_USE;

#endif
