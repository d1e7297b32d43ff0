/* fuzz_column_file.c: the head of a column file. Bytes that pass all checks have sections within
 * the file; a head that is read, written and read again is the same. The first eight bytes say how
 * many rows are expected. */
#include <string.h>

#include "base/mem.h"
#include "engine/column_file_format.h"
#include "fuzz.h"

static void check_section(const struct column_section *section, uint64_t end)
{
    FUZZ_CHECK(section->size == 0 ||
               (section->offset <= end && section->size <= end - section->offset));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct column_file_head head;
    static struct column_file_head again;
    struct err err;
    if (size < 8)
        return 0;
    const uint64_t rows = get_u64(data) >> 33;
    const struct bytes in = {data + 8, size - 8};
    if (column_file_decode(in, rows, in.size, &head, &err) != ERR_OK)
        return 0;
    FUZZ_CHECK(head.sums_offset + 8 * column_file_sum_count(&head) == in.size);
    for (size_t k = 0; k < head.field_count; k++) {
        check_section(&head.fields[k].values, head.sums_offset);
        check_section(&head.fields[k].offsets, head.sums_offset);
        check_section(&head.fields[k].valid, head.sums_offset);
    }
    /* The same file with the head written by us: unnamed bytes become 0, nothing else changes. */
    uint8_t *copy = mem_alloc(in.size, 1);
    if (copy == NULL)
        return 0;
    memcpy(copy, in.data, in.size);
    column_file_encode(&head, copy);
    FUZZ_CHECK(column_file_decode((struct bytes){copy, in.size}, rows, in.size, &again, &err) ==
               ERR_OK);
    FUZZ_CHECK(again.field_count == head.field_count && again.sums_offset == head.sums_offset);
    for (size_t k = 0; k < head.field_count; k++)
        FUZZ_CHECK(memcmp(&again.fields[k].values, &head.fields[k].values,
                          sizeof head.fields[k].values) == 0);
    mem_free(copy);
    return 0;
}
