/* live.c: see live.h. Reading it from the catalog is in live_load.c, snapshots are made in
 * live_publish.c. */
#include "engine/live.h"

#include "engine/dead_rows.h"

struct collection_meta *collection_meta_ref(struct collection_meta *meta)
{
    (void)atomic_fetch_add_explicit(&meta->references, 1, memory_order_relaxed);
    return meta;
}

void collection_meta_unref(struct collection_meta *meta)
{
    if (meta == NULL || atomic_fetch_sub_explicit(&meta->references, 1, memory_order_acq_rel) != 1)
        return;
    arena_release(&meta->arena);
    mem_free(meta);
}

void live_block_free(struct live_block *block)
{
    if (block == NULL)
        return;
    row_buffer_unref(block->buffer);
    dead_rows_unref(block->dead);
    mem_free(block->batches);
    mem_free(block);
}

void live_free(struct live *live)
{
    if (live == NULL)
        return;
    for (size_t k = 0; k < live->segment_count; k++)
        segment_close(&live->segments[k].segment);
    for (size_t k = 0; k < live->block_count; k++)
        live_block_free(live->blocks[k]);
    mem_free(live->segments);
    mem_free(live->blocks);
    collection_meta_unref(live->meta);
    mem_free(live);
}

size_t live_find_segment(const struct live *live, int64_t id)
{
    for (size_t k = 0; k < live->segment_count; k++)
        if (live->segments[k].segment.id == id)
            return k;
    return SIZE_MAX;
}

struct live_block *live_find_batch(const struct live *live, int64_t batch, size_t *ret_index)
{
    for (size_t k = live->block_count; k-- > 0;) {
        struct live_block *block = live->blocks[k];
        for (size_t b = block->batch_count; b-- > 0;) {
            if (block->batches[b].id == batch) {
                *ret_index = b;
                return block;
            }
        }
    }
    return NULL;
}

/* The block of a partition that takes rows, or NULL. One of other columns takes no more. */
static struct live_block *find_open(struct live *live, size_t partition,
                                    const struct row_layout *layout)
{
    for (size_t k = live->block_count; k-- > 0;) {
        struct live_block *block = live->blocks[k];
        if (block->partition != partition || block->is_frozen)
            continue;
        if (row_layout_is_equal(&block->buffer->layout, layout))
            return block;
        block->is_frozen = true;
    }
    return NULL;
}

static enum err_code add_block(struct live *live, const struct live_append *append,
                               struct live_block **ret_block, struct err *err)
{
    if (!mem_grow(&live->blocks, &live->block_capacity, live->block_count, sizeof *live->blocks))
        return err_nomem(err, "growing rows");
    struct live_block *block = mem_zalloc(1, sizeof *block);
    if (block == NULL)
        return err_nomem(err, "growing rows");
    block->partition = append->partition;
    const enum err_code code =
        row_buffer_new(append->layout, append->rows->rows, NULL, &block->buffer, err);
    if (code != ERR_OK) {
        live_block_free(block);
        return code;
    }
    live->blocks[live->block_count++] = block;
    *ret_block = block;
    return ERR_OK;
}

enum err_code live_append(struct live *live, const struct live_append *append,
                          struct live_block **ret_block, struct err *err)
{
    struct live_block *block = find_open(live, append->partition, append->layout);
    enum err_code code = ERR_OK;
    if (block == NULL)
        code = add_block(live, append, &block, err);
    if (code != ERR_OK)
        return code;
    if (!mem_grow(&block->batches, &block->batch_capacity, block->batch_count,
                  sizeof *block->batches))
        return err_nomem(err, "growing rows");
    code = row_buffer_reserve(&block->buffer, append->rows, err);
    if (code != ERR_OK)
        return code;
    block->batches[block->batch_count++] =
        (struct live_batch){append->batch, block->buffer->rows, append->rows->rows};
    row_buffer_append(block->buffer, append->rows);
    *ret_block = block;
    return ERR_OK;
}

enum err_code live_kill_sealed(struct live *live, size_t segment, uint64_t row, bool *ret_is_new,
                               struct err *err)
{
    struct segment *at = &live->segments[segment].segment;
    const size_t rows = (size_t)at->facts.rows;
    enum err_code code = ERR_OK;
    if (at->dead_rows == NULL)
        code = dead_rows_new(at->dead, rows, rows, &at->dead_rows, err);
    else
        code = dead_rows_own(&at->dead_rows, rows, err);
    if (code != ERR_OK)
        return code;
    *ret_is_new = dead_rows_mark(at->dead_rows, (size_t)row);
    at->dead = at->dead_rows->words;
    at->facts.dead_rows = at->dead_rows->count;
    return ERR_OK;
}

enum err_code live_kill_growing(struct live_block *block, size_t row, bool *ret_is_new,
                                struct err *err)
{
    const enum err_code code = dead_rows_own(&block->dead, block->buffer->rows, err);
    if (code == ERR_OK)
        *ret_is_new = dead_rows_mark(block->dead, row);
    return code;
}
