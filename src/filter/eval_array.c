/* eval_array.c: leaves over ARRAY columns. An element that is not there makes a test unknown. */
#include <string.h>

#include "filter/contains.h"

/* The elements of one row. */
struct elements {
    enum field_type type;
    const uint8_t *at;
    const uint8_t *end;
};

static struct elements elements_of(const struct column *column, size_t row)
{
    static const uint8_t nothing[1];
    size_t size;
    const uint8_t *bytes = column_bytes(column, row, &size);
    bytes = size > 0 ? bytes : nothing;
    return (struct elements){column->element, bytes, bytes + size};
}

#define TAKE(type, member)                                                                         \
    do {                                                                                           \
        type value;                                                                                \
        memcpy(&value, at, sizeof value);                                                          \
        ret->member = value;                                                                       \
    } while (0)

static void take_plain(enum field_type type, const uint8_t *at, struct scalar *ret)
{
    ret->kind = SCALAR_INT;
    switch (type) {
    case FIELD_BOOL:
        ret->kind = SCALAR_BOOL;
        ret->boolean = *at != 0;
        break;
    case FIELD_INT8:
        TAKE(int8_t, integer);
        break;
    case FIELD_INT16:
        TAKE(int16_t, integer);
        break;
    case FIELD_INT32:
        TAKE(int32_t, integer);
        break;
    case FIELD_INT64:
        TAKE(int64_t, integer);
        break;
    case FIELD_FLOAT:
        ret->kind = SCALAR_REAL;
        TAKE(float, real);
        break;
    case FIELD_DOUBLE:
        ret->kind = SCALAR_REAL;
        TAKE(double, real);
        break;
    default:
        ret->kind = SCALAR_NONE;
        break;
    }
}

/* The next element; false at the end, or where the bytes are no element. */
static bool take_element(struct elements *elements, struct scalar *ret)
{
    const size_t left = (size_t)(elements->end - elements->at);
    if (elements->type == FIELD_VARCHAR) {
        uint32_t size;
        if (left < sizeof size)
            return false;
        memcpy(&size, elements->at, sizeof size);
        if (size > left - sizeof size)
            return false;
        *ret = (struct scalar){
            .kind = SCALAR_STRING, .data = elements->at + sizeof size, .size = size};
        elements->at += sizeof size + size;
        return true;
    }
    const size_t width = field_type_width(elements->type, 0);
    if (width == 0 || left < width)
        return false;
    *ret = (struct scalar){.kind = SCALAR_NONE};
    take_plain(elements->type, elements->at, ret);
    elements->at += width;
    return true;
}

static size_t count_elements(struct elements elements)
{
    const size_t width = field_type_width(elements.type, 0);
    if (width > 0)
        return (size_t)(elements.end - elements.at) / width;
    struct scalar scalar;
    size_t count = 0;
    while (take_element(&elements, &scalar))
        count++;
    return count;
}

static enum answer has_element(const struct leaf *leaf, struct block *block,
                               const struct column *column, size_t row)
{
    (void)block;
    struct elements elements = elements_of(column, row);
    const size_t index = leaf->test->operand.index;
    const size_t width = field_type_width(elements.type, 0);
    struct scalar scalar = {.kind = SCALAR_NONE};
    size_t skipped = 0;
    if (width > 0 && index < (size_t)(elements.end - elements.at) / width) {
        elements.at += index * width;
        skipped = index;
    }
    for (; skipped <= index; skipped++)
        if (!take_element(&elements, &scalar))
            return ANSWER_UNKNOWN;
    return leaf_test_scalar(leaf, &scalar) ? ANSWER_YES : ANSWER_NO;
}

static enum answer has_length(const struct leaf *leaf, struct block *block,
                              const struct column *column, size_t row)
{
    (void)block;
    const size_t count = count_elements(elements_of(column, row));
    return (int64_t)count >= leaf->low && (int64_t)count <= leaf->high ? ANSWER_YES : ANSWER_NO;
}

static enum answer has_elements(const struct leaf *leaf, struct block *block,
                                const struct column *column, size_t row)
{
    struct elements elements = elements_of(column, row);
    struct met met = met_start(leaf, block);
    struct scalar scalar;
    bool is_done = met.left == 0;
    while (!is_done && take_element(&elements, &scalar))
        is_done = met_scalar(&met, &scalar);
    return is_done ? ANSWER_YES : ANSWER_NO;
}

static enum answer is_array(const struct leaf *leaf, struct block *block,
                            const struct column *column, size_t row)
{
    (void)block;
    struct elements elements = elements_of(column, row);
    struct scalar scalar;
    for (size_t i = 0; i < leaf->test->count; i++)
        if (!take_element(&elements, &scalar) ||
            scalar_compare(&scalar, &leaf->test->items[i]) != 0)
            return ANSWER_NO;
    return elements.at == elements.end ? ANSWER_YES : ANSWER_NO;
}

#define EVAL(name, test)                                                                           \
    static void name(const struct leaf *leaf, struct block *block, uint64_t *bits)                 \
    {                                                                                              \
        block_ask(leaf, block, NULL, test, bits);                                                  \
    }

EVAL(eval_element, has_element)
EVAL(eval_length, has_length)
EVAL(eval_elements, has_elements)
EVAL(eval_equal, is_array)

leaf_eval eval_array_for(const struct test *test)
{
    if (test->operand.is_length)
        return eval_length;
    switch (test->kind) {
    case TEST_CONTAINS:
        return eval_elements;
    case TEST_EQUAL:
        return eval_equal;
    default:
        return eval_element;
    }
}
