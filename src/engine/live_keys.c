/* live_keys.c: see live_keys.h. */
#include "engine/live_keys.h"

#include <string.h>

#include "engine/dead_rows.h"

#define CAPACITY_MIN ((size_t)256)

void live_keys_release(struct live_keys *keys)
{
    mem_free(keys->entries);
    *keys = (struct live_keys){0};
}

struct row_key live_row_key(const struct row_buffer *buffer, size_t row)
{
    const size_t extra = buffer->layout.key_extra;
    if (extra == ROW_LAYOUT_NONE)
        return (struct row_key){.id = buffer->ids[row]};
    const struct row_buffer_column *column = &buffer->extras[extra];
    const uint64_t from = column->offsets[row];
    return (struct row_key){
        .is_text = true,
        .field_id = buffer->layout.extras[extra].field_id,
        .text = {column->values + from, (size_t)(column->offsets[row + 1] - from)}};
}

static bool is_equal(const struct row_key *a, const struct row_key *b)
{
    if (!a->is_text)
        return a->id == b->id;
    return a->text.size == b->text.size &&
           (a->text.size == 0 || memcmp(a->text.data, b->text.data, a->text.size) == 0);
}

struct live_key *live_keys_find(const struct live_keys *keys, const struct row_key *key)
{
    if (keys->count == 0)
        return NULL;
    const uint64_t hash = row_key_hash_of(key);
    for (size_t at = hash & (keys->capacity - 1);; at = (at + 1) & (keys->capacity - 1)) {
        struct live_key *entry = &keys->entries[at];
        if (entry->block == NULL)
            return NULL;
        if (entry->hash != hash)
            continue;
        const struct row_key found = live_row_key(entry->block->buffer, entry->row);
        if (is_equal(&found, key))
            return entry;
    }
}

void live_keys_add(struct live_keys *keys, const struct live_key *entry)
{
    size_t at = entry->hash & (keys->capacity - 1);
    while (keys->entries[at].block != NULL)
        at = (at + 1) & (keys->capacity - 1);
    keys->entries[at] = *entry;
    keys->count++;
}

enum err_code live_keys_reserve(struct live_keys *keys, size_t count, struct err *err)
{
    size_t capacity = keys->capacity > 0 ? keys->capacity : CAPACITY_MIN;
    while (capacity / 2 < keys->count + count)
        capacity *= 2;
    if (capacity == keys->capacity)
        return ERR_OK;
    struct live_keys larger = {.entries = mem_zalloc(capacity, sizeof *larger.entries),
                               .capacity = capacity};
    if (larger.entries == NULL)
        return err_nomem(err, "keys");
    for (size_t k = 0; k < keys->capacity; k++)
        if (keys->entries[k].block != NULL)
            live_keys_add(&larger, &keys->entries[k]);
    live_keys_release(keys);
    *keys = larger;
    return ERR_OK;
}

enum err_code live_keys_rebuild(struct live_keys *keys, const struct live *live, struct err *err)
{
    struct live_keys made = {0};
    size_t rows = 0;
    for (size_t k = 0; k < live->block_count; k++)
        rows += live->blocks[k]->buffer->rows;
    const enum err_code code = live_keys_reserve(&made, rows, err);
    if (code != ERR_OK)
        return code;
    for (size_t k = 0; k < live->block_count; k++) {
        struct live_block *block = live->blocks[k];
        for (size_t row = 0; row < block->buffer->rows; row++) {
            if (block->dead != NULL && row < block->dead->rows &&
                bitmap_get(block->dead->words, row))
                continue;
            const struct row_key key = live_row_key(block->buffer, row);
            const struct live_key entry = {row_key_hash_of(&key), block, row};
            live_keys_add(&made, &entry);
        }
    }
    live_keys_release(keys);
    *keys = made;
    return ERR_OK;
}
