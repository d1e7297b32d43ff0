/* rows_find.c: places of primary keys. Sealed segments have an index of their keys (key_index.h);
 * growing ones are looked through, each row's hash compared with those that are wanted. */
#include <stdlib.h>
#include <string.h>

#include "base/bitmap.h"
#include "base/bytes.h"
#include "engine/key_index.h"
#include "engine/live.h"
#include "engine/row_buffer.h"
#include "engine/rows.h"
#include "engine/snapshot_internal.h"

#define SIEVE_BITS 65536

struct wanted {
    uint64_t hash;
    size_t index; /* of the key */
};

struct find {
    struct snapshot *snapshot;
    const struct column *keys;
    struct row_key like;   /* type and field of all keys */
    struct wanted *wanted; /* sorted by hash; made for the first growing segment */
    uint64_t *sieve;       /* a bit for the low bits of each hash */
    struct place *places;
};

static struct row_key key_at(const struct find *find, size_t index)
{
    struct row_key key = find->like;
    if (key.is_text)
        key.text.data = column_bytes(find->keys, index, &key.text.size);
    else
        key.id = get_i64((const uint8_t *)find->keys->values + index * 8);
    return key;
}

static bool is_dead(const struct segment *segment, uint64_t row)
{
    return segment->dead != NULL && bitmap_get(segment->dead, (size_t)row);
}

/* The lowest live row of each key that has no place yet. */
static enum err_code look_into_sealed(struct find *find, size_t index, struct err *err)
{
    struct segment *segment = &find->snapshot->segments[index];
    enum err_code code = ERR_OK;
    for (size_t k = 0; code == ERR_OK && k < find->keys->rows; k++) {
        struct place *place = &find->places[k];
        if (place->segment != PLACE_NONE && place->segment != index)
            continue;
        const struct row_key key = key_at(find, k);
        struct key_walk walk = {0};
        bool found = true;
        while (code == ERR_OK && found) {
            uint64_t row = 0;
            code = key_index_next(segment, &key, &walk, &found, &row, err);
            if (code != ERR_OK || !found || is_dead(segment, row))
                continue;
            if (place->segment == PLACE_NONE || row < place->row)
                *place = (struct place){(uint32_t)index, row};
        }
    }
    return code;
}

static int compare_wanted(const void *a, const void *b)
{
    const struct wanted *left = a;
    const struct wanted *right = b;
    return (left->hash > right->hash) - (left->hash < right->hash);
}

static enum err_code prepare(struct find *find, struct err *err)
{
    const size_t count = find->keys->rows;
    if (find->wanted != NULL)
        return ERR_OK;
    find->wanted = mem_alloc(count + 1, sizeof *find->wanted);
    find->sieve = mem_zalloc(SIEVE_BITS / 64, sizeof *find->sieve);
    if (find->wanted == NULL || find->sieve == NULL)
        return err_nomem(err, "keys");
    for (size_t k = 0; k < count; k++) {
        const struct row_key key = key_at(find, k);
        find->wanted[k] = (struct wanted){row_key_hash_of(&key), k};
        bitmap_set(find->sieve, find->wanted[k].hash % SIEVE_BITS);
    }
    qsort(find->wanted, count, sizeof *find->wanted, compare_wanted);
    return ERR_OK;
}

static bool is_key_of(const struct row_buffer *buffer, size_t row, const struct row_key *key)
{
    if (!key->is_text)
        return buffer->ids[row] == key->id;
    const struct row_buffer_column *column = &buffer->extras[buffer->layout.key_extra];
    const uint64_t from = column->offsets[row];
    return column->offsets[row + 1] - from == key->text.size &&
           (key->text.size == 0 ||
            memcmp(column->values + from, key->text.data, key->text.size) == 0);
}

static void take_row(struct find *find, size_t index, size_t row, uint64_t hash)
{
    const struct segment *segment = &find->snapshot->segments[index];
    size_t low = 0;
    size_t high = find->keys->rows;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (find->wanted[middle].hash < hash)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < find->keys->rows && find->wanted[low].hash == hash; low++) {
        struct place *place = &find->places[find->wanted[low].index];
        const struct row_key key = key_at(find, find->wanted[low].index);
        if (place->segment == PLACE_NONE && is_key_of(segment->buffer, row, &key))
            *place = (struct place){(uint32_t)index, row};
    }
}

static enum err_code look_into_growing(struct find *find, size_t index, struct err *err)
{
    const struct segment *segment = &find->snapshot->segments[index];
    const struct row_buffer *buffer = segment->buffer;
    const enum err_code code = prepare(find, err);
    if (code != ERR_OK)
        return code;
    for (size_t row = 0; row < segment->facts.rows; row++) {
        const uint64_t hash =
            find->like.is_text ? buffer->key_hashes[row] : row_id_hash(buffer->ids[row]);
        if (bitmap_get(find->sieve, hash % SIEVE_BITS) && !is_dead(segment, row))
            take_row(find, index, row, hash);
    }
    return ERR_OK;
}

enum err_code rows_find(struct snapshot *snapshot, const struct column *keys,
                        const bool *partitions, struct place *ret_places, struct err *err)
{
    const struct schema *schema = &snapshot->meta->info.schema;
    const struct field *primary = &schema->fields[schema->primary];
    if (keys->type != primary->type)
        return err_set(err, ERR_INVALID, "keys are %s, field %s is %s", field_type_name(keys->type),
                       primary->name, field_type_name(primary->type));
    struct find find = {
        .snapshot = snapshot,
        .keys = keys,
        .like = {.is_text = primary->type == FIELD_VARCHAR, .field_id = primary->id},
        .places = ret_places};
    for (size_t k = 0; k < keys->rows; k++)
        ret_places[k] = (struct place){PLACE_NONE, 0};
    enum err_code code = ERR_OK;
    for (size_t k = 0; code == ERR_OK && k < snapshot->segment_count; k++) {
        if (partitions != NULL && !partitions[snapshot->segments[k].facts.partition])
            continue;
        if (snapshot->segments[k].buffer != NULL)
            code = look_into_growing(&find, k, err);
        else
            code = look_into_sealed(&find, k, err);
    }
    mem_free(find.wanted);
    mem_free(find.sieve);
    return code;
}
