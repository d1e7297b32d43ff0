/* fuzz_uid.c: the header of a .uid file and its ids. */
#include <string.h>

#include "base/mem.h"
#include "fuzz.h"
#include "milvus1/uid.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t rows = 0;
    struct flaw flaw;
    if (uid_check((struct bytes){data, size}, size, &rows, &flaw) != ERR_OK)
        return 0;
    FUZZ_CHECK(rows * 8 + UID_HEADER_SIZE == size);
    int64_t *ids = mem_alloc((size_t)rows, sizeof *ids);
    FUZZ_CHECK(ids != NULL);
    if (rows > 0)
        memcpy(ids, data + UID_HEADER_SIZE, (size_t)rows * 8);
    uid_decode(ids, (size_t)rows);
    for (size_t k = 0; k < rows; k++)
        FUZZ_CHECK(ids[k] == get_i64(data + UID_HEADER_SIZE + 8 * k));
    mem_free(ids);
    return 0;
}
