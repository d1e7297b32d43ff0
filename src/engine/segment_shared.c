/* segment_shared.c: see segment_shared.h. */
#include "engine/segment_shared.h"

#include "base/mem.h"
#include "engine/dead_rows.h"
#include "engine/key_index.h"
#include "engine/row_buffer.h"

enum err_code segment_share(struct segment *segment, struct err *err)
{
    struct segment_shared *shared = mem_zalloc(1, sizeof *shared);
    if (shared == NULL)
        return err_nomem(err, "segment");
    atomic_init(&shared->references, 1);
    atomic_init(&shared->keys, NULL);
    (void)pthread_mutex_init(&shared->lock, NULL);
    shared->original = *segment;
    segment->shared = shared;
    return ERR_OK;
}

void segment_copy(const struct segment *from, struct dead_rows *dead, struct segment *ret_segment)
{
    *ret_segment = *from;
    if (from->shared != NULL)
        (void)atomic_fetch_add_explicit(&from->shared->references, 1, memory_order_relaxed);
    else
        (void)row_buffer_ref(from->buffer);
    if (dead == NULL)
        dead = from->dead_rows;
    ret_segment->dead_rows = dead_rows_ref(dead);
    if (dead != NULL) {
        ret_segment->dead = dead->words;
        ret_segment->facts.dead_rows = dead->count;
    }
}

void segment_shared_unref(struct segment_shared *shared)
{
    if (shared == NULL ||
        atomic_fetch_sub_explicit(&shared->references, 1, memory_order_acq_rel) != 1)
        return;
    segment_close(&shared->original);
    key_index_free(atomic_load(&shared->keys));
    (void)pthread_mutex_destroy(&shared->lock);
    mem_free(shared);
}
