/* fuzz_rv.c: the header of a .rv file. What is accepted must be exactly the file. */
#include "fuzz.h"
#include "milvus1/rv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t row_sizes[] = {1, 4, 8, 64, 131072};
    for (size_t k = 0; k < sizeof row_sizes / sizeof *row_sizes; k++) {
        uint64_t rows = 0;
        struct flaw flaw;
        if (rv_check((struct bytes){data, size}, size, row_sizes[k], &rows, &flaw) == ERR_OK)
            FUZZ_CHECK(rows * row_sizes[k] + RV_HEADER_SIZE == size);
    }
    return 0;
}
