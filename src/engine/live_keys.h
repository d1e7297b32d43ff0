/* live_keys.h: the growing rows of a collection by primary key, for the one who changes them.
 *
 * A hash table from keys to their latest row. A key whose row died stays until the table is made
 * anew: look at the block's dead rows. Threads: one at a time. */
#ifndef GODWIT_ENGINE_LIVE_KEYS_H
#define GODWIT_ENGINE_LIVE_KEYS_H

#include "engine/key_index.h"
#include "engine/live.h"

struct live_key {
    uint64_t hash;
    struct live_block *block; /* NULL: free */
    size_t row;
};
struct live_keys {
    struct live_key *entries;
    size_t capacity; /* a power of two */
    size_t count;
};

void live_keys_release(struct live_keys *keys);
/* Makes it anew from all growing rows that live. ERR_NOMEM leaves it as it was. */
enum err_code live_keys_rebuild(struct live_keys *keys, const struct live *live,
                                struct err *err) MUST_USE;
/* The entry of a key, or NULL. */
struct live_key *live_keys_find(const struct live_keys *keys, const struct row_key *key);
/* Room for `count` more. */
enum err_code live_keys_reserve(struct live_keys *keys, size_t count, struct err *err) MUST_USE;
/* A key that is not there. There is room. */
void live_keys_add(struct live_keys *keys, const struct live_key *entry);

/* The key of a growing row. `is_text`, `field_id` as in row_key. */
struct row_key live_row_key(const struct row_buffer *buffer, size_t row);

#endif
