/* set.c: open hash tables, at most half full, one for each kind of constant. */
#include "filter/set.h"

#include <string.h>

#include "base/hash.h"

#define SET_COUNT_MAX ((size_t)1 << 30)
#define DENSE_SPAN_MIN 65536 /* bits that are always worth it */

/* Doubles that are integers are found among the integers. */
static bool integer_of(double real, int64_t *ret)
{
    if (!(real >= -0x1p63 && real < 0x1p63))
        return false;
    *ret = (int64_t)real;
    return (double)*ret == real;
}

static int64_t bits_of(double real)
{
    int64_t bits;
    memcpy(&bits, &real, sizeof bits);
    return bits;
}

static void *new_slots(struct arena *arena, size_t count, size_t size, uint64_t *ret_mask)
{
    size_t slots = 4;
    while (slots < 2 * count)
        slots *= 2;
    *ret_mask = slots - 1;
    return arena_array(arena, slots, size);
}

static void add_number(struct set *set, struct set_number *slots, uint64_t mask, int64_t key)
{
    uint64_t slot = set_hash_number(key) & mask;
    for (; slots[slot].place != 0; slot = (slot + 1) & mask)
        if (slots[slot].key == key)
            return;
    slots[slot] = (struct set_number){key, (uint32_t)++set->count};
}

static const struct set_string *string_slot(const struct set *set, const uint8_t *data, size_t size,
                                            uint64_t hash)
{
    for (uint64_t slot = hash & set->string_mask;; slot = (slot + 1) & set->string_mask) {
        const struct set_string *string = &set->strings[slot];
        if (string->place == 0 || (string->hash == hash && string->size == size &&
                                   (size == 0 || memcmp(string->data, data, size) == 0)))
            return string;
    }
}

static void add_string(struct set *set, const struct filter_value *value)
{
    const uint8_t *data = (const uint8_t *)value->string;
    const uint64_t hash = hash64(data, value->size, 0);
    const size_t slot = (size_t)(string_slot(set, data, value->size, hash) - set->strings);
    if (set->strings[slot].place == 0)
        set->strings[slot] = (struct set_string){hash, data, value->size, (uint32_t)++set->count};
}

static void add(struct set *set, const struct filter_value *value)
{
    int64_t integer;
    switch (value->kind) {
    case FILTER_VALUE_BOOL:
        if (set->boolean_index[value->boolean] == SET_NOT_FOUND)
            set->boolean_index[value->boolean] = set->count++;
        break;
    case FILTER_VALUE_INT:
        add_number(set, set->integers, set->integer_mask, value->integer);
        break;
    case FILTER_VALUE_DOUBLE:
        if (integer_of(value->real, &integer))
            add_number(set, set->integers, set->integer_mask, integer);
        else
            add_number(set, set->reals, set->real_mask, bits_of(value->real));
        break;
    case FILTER_VALUE_STRING:
        add_string(set, value);
        break;
    case FILTER_VALUE_ARRAY:
        break;
    }
}

/* A bit for each integer between the smallest and the greatest, if that is not too many. */
static bool build_dense(struct set *set, struct arena *arena, size_t count)
{
    int64_t min = INT64_MAX;
    int64_t max = INT64_MIN;
    for (uint64_t slot = 0; slot <= set->integer_mask; slot++) {
        if (set->integers[slot].place == 0)
            continue;
        min = set->integers[slot].key < min ? set->integers[slot].key : min;
        max = set->integers[slot].key > max ? set->integers[slot].key : max;
    }
    const uint64_t span = (uint64_t)max - (uint64_t)min;
    if (max < min || (span >= DENSE_SPAN_MIN && span / 64 >= count))
        return true;
    set->dense_min = min;
    set->dense_span = span;
    set->dense = arena_array(arena, (size_t)(span / 64 + 1), sizeof *set->dense);
    for (uint64_t slot = 0; set->dense != NULL && slot <= set->integer_mask; slot++) {
        const uint64_t bit = (uint64_t)set->integers[slot].key - (uint64_t)min;
        if (set->integers[slot].place != 0)
            set->dense[bit / 64] |= (uint64_t)1 << (bit % 64);
    }
    return set->dense != NULL;
}

bool set_build(struct set *set, struct arena *arena, const struct filter_value *items, size_t count)
{
    size_t integers = 0;
    size_t reals = 0;
    size_t strings = 0;
    int64_t integer;
    *set = (struct set){.boolean_index = {SET_NOT_FOUND, SET_NOT_FOUND}};
    for (size_t i = 0; i < count; i++) {
        const bool is_real = items[i].kind == FILTER_VALUE_DOUBLE;
        const bool is_integer = is_real && integer_of(items[i].real, &integer);
        integers += items[i].kind == FILTER_VALUE_INT || is_integer;
        reals += is_real && !is_integer;
        strings += items[i].kind == FILTER_VALUE_STRING;
    }
    if (count > SET_COUNT_MAX)
        return false;
    set->integers = new_slots(arena, integers, sizeof *set->integers, &set->integer_mask);
    set->reals = new_slots(arena, reals, sizeof *set->reals, &set->real_mask);
    set->strings = new_slots(arena, strings, sizeof *set->strings, &set->string_mask);
    if (set->integers == NULL || set->reals == NULL || set->strings == NULL)
        return false;
    for (size_t i = 0; i < count; i++)
        add(set, &items[i]);
    return build_dense(set, arena, integers);
}

static size_t find_real(const struct set *set, double real)
{
    int64_t integer;
    if (integer_of(real, &integer))
        return set_find_number(set->integers, set->integer_mask, integer);
    if (real != real)
        return SET_NOT_FOUND;
    return set_find_number(set->reals, set->real_mask, bits_of(real));
}

static size_t find_string(const struct set *set, const uint8_t *data, size_t size)
{
    const uint32_t place = string_slot(set, data, size, hash64(data, size, 0))->place;
    return place == 0 ? SET_NOT_FOUND : place - 1;
}

bool set_has_real(const struct set *set, double real)
{
    return find_real(set, real) != SET_NOT_FOUND;
}

bool set_has_string(const struct set *set, const uint8_t *data, size_t size)
{
    return find_string(set, data, size) != SET_NOT_FOUND;
}

size_t set_find(const struct set *set, const struct scalar *scalar)
{
    switch (scalar->kind) {
    case SCALAR_BOOL:
        return set->boolean_index[scalar->boolean];
    case SCALAR_INT:
        return set_find_number(set->integers, set->integer_mask, scalar->integer);
    case SCALAR_REAL:
        return find_real(set, scalar->real);
    case SCALAR_STRING:
        return find_string(set, scalar->data, scalar->size);
    case SCALAR_NONE:
        break;
    }
    return SET_NOT_FOUND;
}
