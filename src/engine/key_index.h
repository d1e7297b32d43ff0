/* key_index.h: the rows of a sealed segment by primary key: a hash table of row numbers.
 *
 * Made in memory when it is first asked for, from the key column alone, dead rows included; 4 bytes
 * for each of the 1.5 to 3 places a row. A found row is compared with the key itself. Threads: any;
 * two that ask first at once wait for one another. */
#ifndef GODWIT_ENGINE_KEY_INDEX_H
#define GODWIT_ENGINE_KEY_INDEX_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "engine/segment.h"

struct key_index;
void key_index_free(struct key_index *index); /* NULL accepted */

/* One key: of an Int64 key `id`; of a VarChar key its bytes, and field_id says where they are. */
struct row_key {
    bool is_text;
    int64_t field_id;
    int64_t id;
    struct bytes text;
};

/* Walks the rows of a key in a shared segment, in no order. Start with `*position` 0; false in
 * *ret_found at the end. Errors: ERR_CORRUPT, ERR_IO, ERR_NOMEM. */
struct key_walk {
    uint64_t position;
    bool is_started;
};
enum err_code key_index_next(struct segment *segment, const struct row_key *key,
                             struct key_walk *walk, bool *ret_found, uint64_t *ret_row,
                             struct err *err) MUST_USE;

/* What a key is found by. */
uint64_t row_key_hash_of(const struct row_key *key);
uint64_t row_id_hash(int64_t id);

#endif
