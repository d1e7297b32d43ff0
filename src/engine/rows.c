/* rows.c: see rows.h. */
#include "engine/rows.h"

void rows_scratch_release(struct rows_scratch *scratch)
{
    mem_free(scratch->values);
    mem_free(scratch->offsets);
    mem_free(scratch->valid);
    *scratch = (struct rows_scratch){0};
}

void row_set_release(struct row_set *rows)
{
    arena_release(&rows->arena);
    *rows = (struct row_set){0};
}
