/* rv.c: see rv.h. */
#include "milvus1/rv.h"

#include "milvus1/column.h"

_Static_assert(RV_HEADER_SIZE == COLUMN_HEADER_SIZE, "one header");

enum err_code rv_check(struct bytes head, uint64_t file_size, size_t row_size, uint64_t *ret_rows,
                       struct flaw *ret_flaw)
{
    return column_check(head, file_size, row_size, "vectors", ret_rows, ret_flaw);
}
