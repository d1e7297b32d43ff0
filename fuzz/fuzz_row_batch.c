/* fuzz_row_batch.c: a pending batch of rows. Bytes that pass all checks lie within the input: a
 * buffer takes the rows, and encoding them gives a batch that is read back as the same. */
#include <string.h>

#include "base/mem.h"
#include "engine/batch_format.h"
#include "fuzz.h"

static void check(const struct batch_rows *batch)
{
    struct row_buffer *buffer = NULL;
    struct row_columns columns;
    struct batch_rows again;
    struct err err;
    const size_t size = batch_size(&batch->layout, &batch->columns);
    uint8_t *encoded = mem_alloc(size + 1, 1);
    if (encoded == NULL ||
        row_buffer_new(&batch->layout, batch->columns.rows, NULL, &buffer, &err) != ERR_OK ||
        row_buffer_reserve(&buffer, &batch->columns, &err) != ERR_OK) {
        row_buffer_unref(buffer);
        mem_free(encoded);
        return;
    }
    row_buffer_append(buffer, &batch->columns);
    row_buffer_columns(buffer, &columns);
    FUZZ_CHECK(columns.rows == batch->columns.rows);
    batch_encode(&batch->layout, &batch->columns, encoded);
    FUZZ_CHECK(batch_decode((struct bytes){encoded, size}, &again, &err) == ERR_OK);
    FUZZ_CHECK(again.columns.rows == columns.rows);
    FUZZ_CHECK(row_layout_is_equal(&again.layout, &batch->layout));
    batch_rows_release(&again);
    row_buffer_unref(buffer);
    mem_free(encoded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct batch_rows batch;
    struct err err;
    if (size > 1 << 20 || batch_decode((struct bytes){data, size}, &batch, &err) != ERR_OK)
        return 0;
    check(&batch);
    batch_rows_release(&batch);
    return 0;
}
