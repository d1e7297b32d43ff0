/* segment_shared.h: a sealed segment that several snapshots have: its files and what is derived
 * from them in memory, closed when the last one goes. Threads: any. */
#ifndef GODWIT_ENGINE_SEGMENT_SHARED_H
#define GODWIT_ENGINE_SEGMENT_SHARED_H

#include <pthread.h>
#include <stdatomic.h>

#include "engine/segment.h"

struct key_index;

struct segment_shared {
    atomic_size_t references;
    struct segment original;
    pthread_mutex_t lock;             /* held while `keys` is made */
    _Atomic(struct key_index *) keys; /* NULL until it is asked for (key_index.h) */
};

/* Moves an open segment into a shared one; `segment` becomes its first user. ERR_NOMEM leaves it as
 * it was. */
enum err_code segment_share(struct segment *segment, struct err *err) MUST_USE;
/* Another user of a segment that is shared or growing, to be closed like any.
 *   dead  which rows are dead for this one; NULL: those of `from`. A reference is taken */
void segment_copy(const struct segment *from, struct dead_rows *dead, struct segment *ret_segment);
void segment_shared_unref(struct segment_shared *shared); /* NULL accepted */

#endif
