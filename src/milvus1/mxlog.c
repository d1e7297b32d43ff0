/* mxlog.c: see mxlog.h. */
#include "milvus1/mxlog.h"

bool mxlog_decode(struct bytes in, uint64_t *ret_lsn)
{
    if (in.size < MXLOG_SIZE)
        return false;
    const uint64_t first = get_u64(in.data);
    const uint64_t second = get_u64(in.data + 8);
    const uint64_t third = get_u64(in.data + 16);
    *ret_lsn = third == second ? third : first;
    return true;
}
