/* fuzz_npy.c: the header of a .npy file. What is read, written and read again is the same. */
#include "base/npy.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct npy_header header;
    struct err err;
    if (npy_header_decode((struct bytes){data, size}, &header, &err) != ERR_OK) {
        FUZZ_CHECK(err.code == ERR_CORRUPT && err.msg[0] != '\0');
        return 0;
    }
    FUZZ_CHECK(header.data_offset <= size && npy_item_size(header.type) > 0);
    uint8_t encoded[NPY_HEADER_SIZE];
    npy_header_encode(&header, encoded);
    struct npy_header again;
    FUZZ_CHECK(npy_header_decode((struct bytes){encoded, sizeof encoded}, &again, &err) == ERR_OK);
    FUZZ_CHECK(again.type == header.type && again.rows == header.rows);
    FUZZ_CHECK(again.columns == header.columns && again.dimensions == header.dimensions);
    return 0;
}
