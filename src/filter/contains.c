/* contains.c: constants met in arrays, and arrays equal to constants. */
#include "filter/contains.h"

#include <string.h>

struct scalar json_scalar(const struct jvalue *value, struct block *block)
{
    bool has_escapes;
    struct scalar scalar = jscan_scalar(value, &has_escapes);
    if (!has_escapes || scalar.kind != SCALAR_STRING)
        return scalar;
    uint8_t *text = block_text(block, scalar.size);
    if (text == NULL)
        return (struct scalar){.kind = SCALAR_NONE};
    scalar.size = jscan_decode(scalar.data, scalar.size, text);
    scalar.data = text;
    return scalar;
}

/* Recursion: as deep as the constants nest, at most LITERAL_ARRAY_DEPTH_MAX. */
bool json_equals_array(const struct jvalue *value, const struct filter_value *items, size_t count,
                       struct block *block)
{
    struct jvalue item;
    size_t at = 0;
    if (!jscan_is_array(value))
        return false;
    for (bool ok = jscan_first(value, &item); ok; ok = jscan_next(&item), at++) {
        if (at == count)
            return false;
        const struct filter_value *wanted = &items[at];
        if (wanted->kind == FILTER_VALUE_ARRAY) {
            if (!json_equals_array(&item, wanted->items, wanted->count, block))
                return false;
            continue;
        }
        const struct scalar scalar = json_scalar(&item, block);
        if (scalar_compare(&scalar, wanted) != 0)
            return false;
    }
    return at == count;
}

struct met met_start(const struct leaf *leaf, struct block *block)
{
    const size_t count = leaf->set.count + leaf->array_count;
    if (!leaf->test->is_all)
        return (struct met){.leaf = leaf, .left = 1};
    if (count == 0)
        return (struct met){.leaf = leaf};
    uint64_t *seen =
        (uint64_t *)block->scratch->words + 2 * block->filter->plan->or_depth * PLAN_BLOCK_WORDS;
    memset(seen, 0, bitmap_words(count) * sizeof *seen);
    return (struct met){.leaf = leaf, .seen = seen, .left = count};
}

static void meet(struct met *met, size_t index)
{
    if (met->seen == NULL) {
        met->left = 0;
    } else if (!bitmap_get(met->seen, index)) {
        bitmap_set(met->seen, index);
        met->left--;
    }
}

bool met_scalar(struct met *met, const struct scalar *scalar)
{
    const size_t index = set_find(&met->leaf->set, scalar);
    if (index != SET_NOT_FOUND)
        meet(met, index);
    return met->left == 0;
}

bool met_array(struct met *met, const struct jvalue *value, struct block *block)
{
    for (size_t i = 0; i < met->leaf->array_count; i++) {
        const struct filter_value *wanted = met->leaf->arrays[i];
        if (json_equals_array(value, wanted->items, wanted->count, block))
            meet(met, met->leaf->set.count + i);
    }
    return met->left == 0;
}
