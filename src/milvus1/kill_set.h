/* kill_set.h: which ids the write-ahead log deletes, and at which position last.
 *
 * A delete kills every earlier copy of an id and no later one. So one number an id is enough: the
 * position (lsn) of its last delete. A row that came into being at position `born` is dead exactly
 * when its id's last delete lies behind it. A row in a segment counts as born at its table's flush
 * position, a row in the log at its record's. 16 bytes an id; look-ups of absent ids mostly end in
 * a small filter. Threads: add and seal on one, then kill_set_kills on any. */
#ifndef GODWIT_MILVUS1_KILL_SET_H
#define GODWIT_MILVUS1_KILL_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct kill {
    int64_t id;
    uint64_t lsn;
};

struct kill_set {
    struct kill *kills; /* sealed: ascending ids, each once, with its highest lsn */
    size_t count;
    size_t capacity;
    uint64_t *filter; /* a bit for hash(id); NULL while empty */
    uint64_t filter_mask;
    uint64_t last; /* the highest lsn of all */
};

/* Zero-initialise. Adds ids deleted at `lsn`. ERR_NOMEM. */
enum err_code kill_set_add(struct kill_set *set, const int64_t *ids, size_t count, uint64_t lsn,
                           struct err *err) MUST_USE;
/* Call once after the last add. ERR_NOMEM. */
enum err_code kill_set_seal(struct kill_set *set, struct err *err) MUST_USE;
/* True when `id` is deleted at a position behind `born`. */
bool kill_set_kills(const struct kill_set *set, int64_t id, uint64_t born);
/* Where an id stands in the sealed set; false when it is not there. */
bool kill_set_find(const struct kill_set *set, int64_t id, size_t *ret_index);
void kill_set_release(struct kill_set *set);

/* What concerns the rows of one table: deletes of its whole collection and its own, both sealed,
 * and when its rows were born. Sets may be NULL. */
struct kill_view {
    const struct kill_set *sets[2];
    uint64_t born;
};
bool kill_view_kills(const struct kill_view *view, int64_t id);
/* False when nothing is deleted behind `born`: no row needs to be looked at. */
bool kill_view_is_active(const struct kill_view *view);

#endif
