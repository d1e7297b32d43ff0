/* block.c: statistics of a block of rows (filter.h): smallest and greatest value, nulls, NaN. */
#include <string.h>

#include "filter/filter.h"

struct span {
    const struct column *column;
    size_t first;
    size_t end;
};

static void add_integer(struct filter_block *block, int64_t value)
{
    if (block->has_range == 0 || value < block->min.integer)
        block->min.integer = value;
    if (block->has_range == 0 || value > block->max.integer)
        block->max.integer = value;
    block->has_range = 1;
}

static void add_real(struct filter_block *block, double value)
{
    if (value != value) {
        block->has_nan = 1;
        return;
    }
    if (block->has_range == 0 || value < block->min.real)
        block->min.real = value;
    if (block->has_range == 0 || value > block->max.real)
        block->max.real = value;
    block->has_range = 1;
}

static void add_text(struct filter_block *block, const uint8_t *text, size_t size)
{
    union filter_bound bound = {.prefix = {0}};
    if (size > 0)
        memcpy(bound.prefix, text, size < sizeof bound.prefix ? size : sizeof bound.prefix);
    if (block->has_range == 0 || memcmp(bound.prefix, block->min.prefix, sizeof bound.prefix) < 0)
        block->min = bound;
    if (block->has_range == 0 || memcmp(bound.prefix, block->max.prefix, sizeof bound.prefix) > 0)
        block->max = bound;
    block->has_range = 1;
}

/* One loop for each type, so that the compiler sees plain arrays. */
#define ADD_PLAIN(type, add)                                                                       \
    do {                                                                                           \
        const type *values = span.column->values;                                                  \
        for (size_t row = span.first; row < span.end; row++)                                       \
            if (!column_is_null(span.column, row))                                                 \
                add(block, values[row]);                                                           \
    } while (0)

static void add_integers(struct span span, struct filter_block *block)
{
    switch (span.column->width) {
    case 1:
        ADD_PLAIN(int8_t, add_integer);
        break;
    case 2:
        ADD_PLAIN(int16_t, add_integer);
        break;
    case 4:
        ADD_PLAIN(int32_t, add_integer);
        break;
    default:
        ADD_PLAIN(int64_t, add_integer);
        break;
    }
}

static void add_texts(struct span span, struct filter_block *block)
{
    for (size_t row = span.first; row < span.end; row++) {
        size_t size;
        const uint8_t *text = column_bytes(span.column, row, &size);
        if (!column_is_null(span.column, row))
            add_text(block, text, size);
    }
}

void filter_block_compute(const struct column *column, size_t first, size_t count,
                          struct filter_block *ret)
{
    const struct span span = {column, first, first + count};
    *ret = (struct filter_block){.rows = count};
    for (size_t row = first; row < span.end; row++)
        ret->nulls += column_is_null(column, row);
    switch (column->type) {
    case FIELD_BOOL:
    case FIELD_INT8:
    case FIELD_INT16:
    case FIELD_INT32:
    case FIELD_INT64:
        add_integers(span, ret);
        break;
    case FIELD_FLOAT: {
        struct filter_block *block = ret;
        ADD_PLAIN(float, add_real);
        break;
    }
    case FIELD_DOUBLE: {
        struct filter_block *block = ret;
        ADD_PLAIN(double, add_real);
        break;
    }
    case FIELD_VARCHAR:
        add_texts(span, ret);
        break;
    default:
        break;
    }
}
