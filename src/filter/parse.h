/* parse.h: from text to tree. lexer.re makes tokens, grammar.y says how they combine, and each of
 * its rules calls one of the builders below, which check types as they go.
 *
 * A builder returns NULL when it fails or when it is given NULL; the first sentence stays in
 * parse->err. Everything is allocated in parse->arena. */
#ifndef GODWIT_FILTER_PARSE_H
#define GODWIT_FILTER_PARSE_H

#include "base/mem.h"
#include "filter/tree.h"

#define PARSE_ARGUMENTS_MAX 4
#define LITERAL_ARRAY_DEPTH_MAX 16 /* arrays in arrays, of templates and lists */

struct token {
    const char *text;
    size_t size;
};

struct parse {
    const char *start; /* the expression, terminated; for places in sentences */
    const struct schema *schema;
    const struct filter_templates *templates;
    struct arena *arena;
    struct tree *root;
    struct expr *spare; /* a node that is used again: of the last item of a list */
    struct err *err;
    enum err_code code;
};

enum expr_kind {
    EXPR_VALUE,   /* a constant, or a list of constants */
    EXPR_OPERAND, /* a field or what is computed of it */
    EXPR_TREE     /* a condition */
};

/* What a part of the text means. */
struct expr {
    enum expr_kind kind;
    struct token token; /* where it begins */
    struct filter_value value;
    size_t capacity; /* of value.items while a list grows */
    struct operand operand;
    struct tree *tree;
    bool is_half_range; /* tree is `constant < field`, which another `< constant` may follow */
    bool is_descending; /* it was > or >= */
};

struct arguments {
    struct expr *items[PARSE_ARGUMENTS_MAX];
    size_t count;
};

/* Written operators. */
enum op { OP_LT, OP_LE, OP_GT, OP_GE, OP_EQ, OP_NE };

/* Parses `size` bytes; parse->root is set. `parse` holds schema, templates, arena and err, the rest
 * is zero. ERR_INVALID with the detail, or ERR_NOMEM. */
enum err_code parse_text(struct parse *parse, const char *text, size_t size) MUST_USE;

/* Keeps the first failure; returns NULL, so that `return parse_fail(...)` reads well. */
void *parse_fail(struct parse *parse, const char *format, ...) PRINTF_LIKE(2, 3);
/* How many of `size` bytes of UTF-8 a sentence shows: at most `max`, no character cut. */
size_t parse_shown(const char *text, size_t size, size_t max);
/* Memory of the arena; NULL after a failure is noted. */
void *parse_array(struct parse *parse, size_t count, size_t size) MUST_USE;
struct expr *parse_expr(struct parse *parse, enum expr_kind kind, struct token token) MUST_USE;
/* A condition of one test, to be filled. */
struct expr *parse_test(struct parse *parse, enum test_kind kind, struct token token) MUST_USE;

/* lexer.re: the next token of *at .. end, where a NUL stands; 0 at the end. Numbers: grammar.h. */
int lexer_next(const char **at, const char *end, struct token *ret_token);

/* grammar.y: one text's automaton; parse_text() feeds it. */
void grammar_run(struct parse *parse, const char *text, size_t size);

/* literal.c: constants and names as they are written. */
struct expr *literal_int(struct parse *parse, struct token token, bool is_negated);
struct expr *literal_float(struct parse *parse, struct token token);
struct expr *literal_string(struct parse *parse, struct token token);
struct expr *literal_bool(struct parse *parse, struct token token);
struct expr *literal_template(struct parse *parse, struct token token);
/* An identifier, or one with ["key"] and [index] behind it. */
struct expr *literal_reference(struct parse *parse, struct token token);

/* build_value.c: lists, arithmetic and what can be computed at once. */
struct expr *build_list(struct parse *parse, struct token token);
struct expr *build_list_add(struct parse *parse, struct expr *list, struct expr *item);
struct expr *build_negative(struct parse *parse, struct expr *right);
struct expr *build_positive(struct parse *parse, struct expr *right);
struct expr *build_power(struct parse *parse, struct expr *left, struct expr *right);
struct expr *build_arith(struct parse *parse, enum arith arith, struct expr *left,
                         struct expr *right);
struct expr *build_refused(struct parse *parse, struct token op);
/* Compares two constants: < 0, 0, > 0 as strcmp does, and 2 when they have no order or one is NaN.
 */
int value_compare(const struct filter_value *left, const struct filter_value *right);

/* build_test.c: conditions on one operand. */
struct expr *build_compare(struct parse *parse, enum op op, struct expr *left, struct expr *right);
struct expr *build_in(struct parse *parse, struct expr *left, struct expr *right, bool is_not);
struct expr *build_like(struct parse *parse, struct expr *left, struct expr *right);
struct expr *build_null(struct parse *parse, struct expr *operand, bool is_not);
struct expr *build_exists(struct parse *parse, struct expr *operand);
/* Makes a constant fit an operand's type, or fails. */
bool value_fit(struct parse *parse, const struct operand *operand, struct filter_value *value);
/* Makes the items of a list fit the operand, or the elements of the ARRAY that it is, or fails. A
 * JSON operand takes lists in the list as well. */
bool items_fit(struct parse *parse, const struct operand *operand, struct filter_value *list);
/* How sentences call an operand: its field's name, or a dynamic key. */
const char *operand_name(const struct parse *parse, const struct operand *operand);

/* build_call.c: functions. */
struct expr *build_call(struct parse *parse, struct token name, const struct arguments *arguments);

/* build_logic.c */
struct expr *build_and(struct parse *parse, struct expr *left, struct expr *right);
struct expr *build_or(struct parse *parse, struct expr *left, struct expr *right);
struct expr *build_not(struct parse *parse, struct expr *right);
/* The whole filter: a condition that is no constant. */
struct tree *build_root(struct parse *parse, struct expr *expr);

#endif
