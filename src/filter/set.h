/* set.h: the constants of a list, found by value. Numbers are found by their value, whether written
 * as integers or not; NaN is found by nothing. Built once, then only read: threads any. */
#ifndef GODWIT_FILTER_SET_H
#define GODWIT_FILTER_SET_H

#include "base/mem.h"
#include "filter/scalar.h"

#define SET_NOT_FOUND SIZE_MAX

struct set_number {
    int64_t key;    /* the integer, or the bits of a double that is none */
    uint32_t place; /* index of the constant, plus 1; 0: empty */
};

struct set_string {
    uint64_t hash;
    const uint8_t *data;
    size_t size;
    uint32_t place;
};

struct set {
    size_t count; /* distinct constants; each has an index below */
    struct set_number *integers;
    struct set_number *reals;
    struct set_string *strings;
    uint64_t integer_mask; /* slots - 1; slots are a power of two */
    uint64_t real_mask;
    uint64_t string_mask;
    size_t boolean_index[2];
    uint64_t *dense; /* when the integers lie close together: bit k: dense_min + k is one */
    int64_t dense_min;
    uint64_t dense_span; /* greatest minus smallest */
};

/* Arrays among the items are skipped. False when the arena is full or memory ends. */
bool set_build(struct set *set, struct arena *arena, const struct filter_value *items,
               size_t count) MUST_USE;
/* The index of a value, or SET_NOT_FOUND. */
size_t set_find(const struct set *set, const struct scalar *scalar);

static inline uint64_t set_hash_number(int64_t key)
{
    uint64_t hash = (uint64_t)key;
    hash = (hash ^ hash >> 32) * 0xD6E8FEB86659FD93U;
    hash = (hash ^ hash >> 32) * 0xD6E8FEB86659FD93U;
    return hash ^ hash >> 32;
}

static inline size_t set_find_number(const struct set_number *slots, uint64_t mask, int64_t key)
{
    for (uint64_t slot = set_hash_number(key) & mask;; slot = (slot + 1) & mask) {
        if (slots[slot].place == 0)
            return SET_NOT_FOUND;
        if (slots[slot].key == key)
            return slots[slot].place - 1;
    }
}

static inline bool set_has_integer(const struct set *set, int64_t key)
{
    if (set->dense == NULL)
        return set_find_number(set->integers, set->integer_mask, key) != SET_NOT_FOUND;
    const uint64_t bit = (uint64_t)key - (uint64_t)set->dense_min;
    return bit <= set->dense_span && (set->dense[bit / 64] >> (bit % 64) & 1) != 0;
}

bool set_has_real(const struct set *set, double real);
bool set_has_string(const struct set *set, const uint8_t *data, size_t size);

#endif
