/* tree.h: a filter as a typed tree. Every node is a condition; what it compares has been resolved
 * against the schema, its constants have the types that the fields ask for, templates are replaced.
 *
 * Chains of one operator are one node, however long; the depth is at most TREE_DEPTH_MAX, so that
 * walking a tree by recursion is safe. All of it lives in the filter's arena. */
#ifndef GODWIT_FILTER_TREE_H
#define GODWIT_FILTER_TREE_H

#include "filter/filter.h"

#define TREE_DEPTH_MAX 200

/* One step into a JSON value: a member of an object, or an element of an array. */
struct step {
    const char *key;
    size_t size;
    size_t index;  /* SIZE_MAX: the key is no index */
    bool is_plain; /* in JSON the key may be written as it is, without escapes */
};

enum arith { ARITH_NONE, ARITH_ADD, ARITH_SUB, ARITH_MUL, ARITH_DIV, ARITH_MOD };

enum operand_shape {
    OPERAND_COLUMN,  /* the field itself */
    OPERAND_ELEMENT, /* field[index] of an ARRAY */
    OPERAND_PATH     /* a value inside a JSON field */
};

/* What a condition looks at in each row. */
struct operand {
    size_t field;
    enum operand_shape shape;
    enum field_type type; /* of the value: the field's, or the element's */
    const struct step *steps;
    size_t step_count;
    size_t index;
    enum arith arith; /* first the value is combined with `by` */
    struct filter_value by;
    bool is_length; /* the number of elements instead of the value */
};

enum test_kind {
    TEST_RANGE,    /* low <= value <= high, each side optional */
    TEST_IN,       /* the value is one of items */
    TEST_EQUAL,    /* the value is the array `items` */
    TEST_CONTAINS, /* the value is an array that holds any of items, or all */
    TEST_LIKE,     /* text is a pattern */
    TEST_WORDS,    /* text_match */
    TEST_PHRASE,   /* phrase_match */
    TEST_NULL,     /* a column is null */
    TEST_EXISTS,   /* a path leads to something that is not JSON null */
    TEST_COLUMNS,  /* operand `compare` other */
    TEST_SAMPLE    /* a share of all rows, by chance */
};

enum compare { COMPARE_LT, COMPARE_LE, COMPARE_EQ };

struct bound {
    bool is_set;
    bool is_open; /* the value itself is outside */
    struct filter_value value;
};

struct test {
    enum test_kind kind;
    struct operand operand;
    struct operand other;
    enum compare compare;
    struct bound low;
    struct bound high;
    const struct filter_value *items;
    size_t count;
    bool is_all;
    struct filter_value text;
    size_t slop;
    double share;
};

enum tree_kind { TREE_AND, TREE_OR, TREE_NOT, TREE_TEST };

struct tree {
    enum tree_kind kind;
    struct tree *next; /* the parent's next child */
    struct tree *first;
    struct tree *last;
    size_t depth;
    bool has_sample;
    struct test test;
};

#endif
