/* uid.c: see uid.h. */
#include "milvus1/uid.h"

#include "milvus1/column.h"

_Static_assert(UID_HEADER_SIZE == COLUMN_HEADER_SIZE, "one header");

enum err_code uid_check(struct bytes head, uint64_t file_size, uint64_t *ret_rows,
                        struct flaw *ret_flaw)
{
    return column_check(head, file_size, sizeof(int64_t), "ids", ret_rows, ret_flaw);
}

void uid_decode(int64_t *ids, size_t count)
{
    if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
        return;
    for (size_t k = 0; k < count; k++)
        ids[k] = get_i64((const uint8_t *)&ids[k]);
}
