/* key_index.c: see key_index.h. Open addressing; a row stands at the first free place from where
 * its key's hash points, so all rows of one key lie in one run. */
#include "engine/key_index.h"

#include <string.h>

#include "base/mem.h"
#include "engine/row_buffer.h"
#include "engine/segment_field.h"
#include "engine/segment_shared.h"

#define FREE UINT32_MAX

struct key_index {
    uint64_t mask;
    uint32_t *places;
    int64_t id_min; /* of Int64 keys: a key outside is not here */
    int64_t id_max;
};

void key_index_free(struct key_index *index)
{
    if (index == NULL)
        return;
    mem_free(index->places);
    mem_free(index);
}

uint64_t row_id_hash(int64_t id)
{
    uint64_t hash = (uint64_t)id * 0x9e3779b97f4a7c15U;
    hash ^= hash >> 32;
    hash *= 0xd6e8feb86659fd93U;
    return hash ^ hash >> 32;
}

uint64_t row_key_hash_of(const struct row_key *key)
{
    return key->is_text ? row_key_hash(key->text.data, key->text.size) : row_id_hash(key->id);
}

static struct bytes text_at(const struct segment_extra *extra, uint64_t row)
{
    const uint64_t from = get_u64(extra->offsets.data + row * 8);
    const uint64_t to = get_u64(extra->offsets.data + row * 8 + 8);
    return (struct bytes){extra->values.data + from, (size_t)(to - from)};
}

static void put(struct key_index *index, uint64_t hash, uint32_t row)
{
    uint64_t at = hash & index->mask;
    while (index->places[at] != FREE)
        at = (at + 1) & index->mask;
    index->places[at] = row;
}

static enum err_code find_text_column(const struct segment *segment, int64_t field_id,
                                      struct segment_extra **ret_extra, struct err *err)
{
    struct segment_extra *extra = segment_find_extra(segment, field_id);
    if (extra == NULL || extra->type != FIELD_VARCHAR)
        return err_set(err, ERR_CORRUPT, "a segment has no column of the primary key");
    *ret_extra = extra;
    return ERR_OK;
}

static enum err_code fill(struct segment *segment, const struct row_key *like,
                          struct key_index *index, struct err *err)
{
    const uint64_t rows = segment->facts.rows;
    struct segment_extra *extra = NULL;
    enum err_code code = ERR_OK;
    if (!like->is_text) {
        code = segment_touch(&segment->ids, 0, rows, 8, err);
        for (uint64_t row = 0; code == ERR_OK && row < rows; row++) {
            const int64_t id = get_i64(segment->ids.data + row * 8);
            index->id_min = row == 0 || id < index->id_min ? id : index->id_min;
            index->id_max = row == 0 || id > index->id_max ? id : index->id_max;
            put(index, row_id_hash(id), (uint32_t)row);
        }
        return code;
    }
    code = find_text_column(segment, like->field_id, &extra, err);
    if (code == ERR_OK)
        code = segment_extra_touch(extra, 0, rows, err);
    for (uint64_t row = 0; code == ERR_OK && row < rows; row++) {
        const struct bytes text = text_at(extra, row);
        put(index, row_key_hash(text.data, text.size), (uint32_t)row);
    }
    return code;
}

static enum err_code make(struct segment *segment, const struct row_key *like,
                          struct key_index **ret_index, struct err *err)
{
    uint64_t places = 16;
    while (places < segment->facts.rows + segment->facts.rows / 2)
        places *= 2;
    struct key_index *index = mem_zalloc(1, sizeof *index);
    if (index == NULL || (index->places = mem_alloc(places, sizeof *index->places)) == NULL) {
        key_index_free(index);
        return err_nomem(err, "keys of a segment");
    }
    index->mask = places - 1;
    for (uint64_t k = 0; k < places; k++)
        index->places[k] = FREE;
    const enum err_code code = fill(segment, like, index, err);
    if (code == ERR_OK)
        *ret_index = index;
    else
        key_index_free(index);
    return code;
}

static enum err_code get(struct segment *segment, const struct row_key *like,
                         struct key_index **ret_index, struct err *err)
{
    struct segment_shared *shared = segment->shared;
    struct key_index *index = atomic_load_explicit(&shared->keys, memory_order_acquire);
    enum err_code code = ERR_OK;
    if (index == NULL) {
        (void)pthread_mutex_lock(&shared->lock);
        index = atomic_load_explicit(&shared->keys, memory_order_acquire);
        if (index == NULL && (code = make(segment, like, &index, err)) == ERR_OK)
            atomic_store_explicit(&shared->keys, index, memory_order_release);
        (void)pthread_mutex_unlock(&shared->lock);
    }
    if (code == ERR_OK)
        *ret_index = index;
    return code;
}

/* Is the key that of a row? `extra`: of text keys. */
static bool is_key_of(const struct segment *segment, const struct segment_extra *extra,
                      uint32_t row, const struct row_key *key)
{
    if (!key->is_text)
        return get_i64(segment->ids.data + (uint64_t)row * 8) == key->id;
    const struct bytes text = text_at(extra, row);
    return text.size == key->text.size &&
           (text.size == 0 || memcmp(text.data, key->text.data, text.size) == 0);
}

enum err_code key_index_next(struct segment *segment, const struct row_key *key,
                             struct key_walk *walk, bool *ret_found, uint64_t *ret_row,
                             struct err *err)
{
    struct key_index *index = NULL;
    struct segment_extra *extra = NULL;
    enum err_code code = get(segment, key, &index, err);
    if (code == ERR_OK && key->is_text)
        code = find_text_column(segment, key->field_id, &extra, err);
    if (code != ERR_OK)
        return code;
    *ret_found = false;
    if (!key->is_text && (key->id < index->id_min || key->id > index->id_max))
        return ERR_OK;
    if (!walk->is_started)
        walk->position = row_key_hash_of(key) & index->mask;
    walk->is_started = true;
    while (!*ret_found && index->places[walk->position] != FREE) {
        const uint32_t row = index->places[walk->position];
        walk->position = (walk->position + 1) & index->mask;
        if (is_key_of(segment, extra, row, key)) {
            *ret_found = true;
            *ret_row = row;
        }
    }
    return ERR_OK;
}
