/* keys.c: filters that name primary keys and nothing else. */
#include <stdlib.h>

#include "filter/parse.h"
#include "filter/plan.h"

struct keys {
    size_t field;
    int64_t *integers;
    struct filter_string *strings;
    size_t count;
};

/* The constants that the test asks the key to be; false when it asks something else. */
static bool key_values(const struct test *test, size_t field, const struct filter_value **ret,
                       size_t *ret_count)
{
    if (test->kind == TEST_SAMPLE || test->operand.field != field ||
        test->operand.arith != ARITH_NONE)
        return false;
    if (test->kind == TEST_IN) {
        *ret = test->items;
        *ret_count = test->count;
        return true;
    }
    const bool is_closed = test->kind == TEST_RANGE && test->low.is_set && test->high.is_set &&
                           !test->low.is_open && !test->high.is_open;
    if (!is_closed || value_compare(&test->low.value, &test->high.value) != 0)
        return false;
    *ret = &test->low.value;
    *ret_count = 1;
    return true;
}

/* The tests of `k == x or k in [...]`; a single test is a chain of one. */
static const struct tree *first_test(const struct tree *tree)
{
    return tree->kind == TREE_OR ? tree->first : tree;
}

static bool count_keys(const struct tree *tree, size_t field, size_t *ret_count)
{
    *ret_count = 0;
    for (const struct tree *child = first_test(tree); child != NULL; child = child->next) {
        const struct filter_value *values;
        size_t count;
        if (child->kind != TREE_TEST || !key_values(&child->test, field, &values, &count))
            return false;
        *ret_count += count;
        if (tree->kind != TREE_OR)
            break;
    }
    return true;
}

static void take_keys(const struct tree *tree, struct keys *keys)
{
    for (const struct tree *child = first_test(tree); child != NULL; child = child->next) {
        const struct filter_value *values = NULL;
        size_t count = 0;
        (void)key_values(&child->test, keys->field, &values, &count);
        for (size_t i = 0; i < count; i++, keys->count++) {
            if (keys->integers != NULL)
                keys->integers[keys->count] = values[i].integer;
            else
                keys->strings[keys->count] =
                    (struct filter_string){values[i].string, values[i].size};
        }
        if (tree->kind != TREE_OR)
            break;
    }
}

static int by_integer(const void *left, const void *right)
{
    const int64_t a = *(const int64_t *)left;
    const int64_t b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

static int by_string(const void *left, const void *right)
{
    const struct filter_string *a = left;
    const struct filter_string *b = right;
    return bytes_compare((const uint8_t *)a->data, a->size, b->data, b->size);
}

static void sort_keys(struct keys *keys)
{
    size_t kept = 0;
    if (keys->integers != NULL) {
        qsort(keys->integers, keys->count, sizeof *keys->integers, by_integer);
        for (size_t i = 0; i < keys->count; i++)
            if (kept == 0 || keys->integers[kept - 1] != keys->integers[i])
                keys->integers[kept++] = keys->integers[i];
    } else {
        qsort(keys->strings, keys->count, sizeof *keys->strings, by_string);
        for (size_t i = 0; i < keys->count; i++)
            if (kept == 0 || by_string(&keys->strings[kept - 1], &keys->strings[i]) != 0)
                keys->strings[kept++] = keys->strings[i];
    }
    keys->count = kept;
}

bool keys_build(struct filter *filter, const struct tree *tree, const struct schema *schema)
{
    size_t count;
    const size_t field = schema->primary;
    if (field >= schema->field_count || !count_keys(tree, field, &count))
        return true;
    struct keys keys = {.field = field};
    const enum field_type type = schema->fields[field].type;
    if (type == FIELD_INT64)
        keys.integers = arena_array(&filter->arena, count, sizeof *keys.integers);
    else if (type == FIELD_VARCHAR)
        keys.strings = arena_array(&filter->arena, count, sizeof *keys.strings);
    else
        return true;
    if (keys.integers == NULL && keys.strings == NULL)
        return false;
    take_keys(tree, &keys);
    sort_keys(&keys);
    filter->keys = (struct filter_keys){keys.count, keys.integers, keys.strings};
    filter->has_keys = true;
    return true;
}
