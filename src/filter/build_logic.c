/* build_logic.c: and, or, not.
 *
 * A chain of one operator becomes one node with many children, so that the depth of a tree is that
 * of the parentheses. random_sample() counts rows of the whole filter, so it may only be the last
 * term of the outermost `and` chain. */
#include "filter/parse.h"

static bool is_boolean(const struct expr *expr)
{
    return expr->kind == EXPR_VALUE && expr->value.kind == FILTER_VALUE_BOOL;
}

static void *refuse(struct parse *parse, const char *word, const struct expr *expr)
{
    if (expr->kind == EXPR_OPERAND)
        return parse_fail(
            parse,
            "'%s' can only be used between boolean expressions: the field \"%s\" must "
            "be compared with something",
            word, operand_name(parse, &expr->operand));
    return parse_fail(
        parse, "'%s' can only be used between boolean expressions that are no constants", word);
}

static struct tree *new_node(struct parse *parse, enum tree_kind kind, struct tree *first)
{
    struct tree *tree = parse_array(parse, 1, sizeof *tree);
    if (tree == NULL)
        return NULL;
    tree->kind = kind;
    tree->first = first;
    tree->last = first;
    tree->depth = first->depth + 1;
    tree->has_sample = first->has_sample;
    if (tree->depth > TREE_DEPTH_MAX)
        return parse_fail(parse, "the expression nests too deeply");
    return tree;
}

/* `left` becomes a node of this kind that ends with what `right` is. */
static struct tree *join(struct parse *parse, enum tree_kind kind, struct tree *left,
                         struct tree *right)
{
    if (left->kind != kind) {
        left = new_node(parse, kind, left);
        if (left == NULL)
            return NULL;
    }
    const size_t child_depth = right->kind == kind ? right->depth : right->depth + 1;
    left->last->next = right->kind == kind ? right->first : right;
    left->last = right->kind == kind ? right->last : right;
    left->depth = left->depth > child_depth ? left->depth : child_depth;
    left->has_sample = left->has_sample || right->has_sample;
    if (left->depth > TREE_DEPTH_MAX)
        return parse_fail(parse, "the expression nests too deeply");
    return left;
}

static struct expr *build_chain(struct parse *parse, enum tree_kind kind, struct expr *left,
                                struct expr *right)
{
    const char *word = kind == TREE_AND ? "and" : "or";
    if (left == NULL || right == NULL)
        return NULL;
    if (is_boolean(left) && is_boolean(right)) {
        left->value.boolean = kind == TREE_AND ? left->value.boolean && right->value.boolean
                                               : left->value.boolean || right->value.boolean;
        return left;
    }
    if (left->kind != EXPR_TREE)
        return refuse(parse, word, left);
    if (right->kind != EXPR_TREE)
        return refuse(parse, word, right);
    if (left->tree->has_sample || (kind == TREE_OR && right->tree->has_sample))
        return parse_fail(parse, "random_sample must be the last term of an 'and' chain");
    left->tree = join(parse, kind, left->tree, right->tree);
    left->is_half_range = false;
    return left->tree != NULL ? left : NULL;
}

struct expr *build_and(struct parse *parse, struct expr *left, struct expr *right)
{
    return build_chain(parse, TREE_AND, left, right);
}

struct expr *build_or(struct parse *parse, struct expr *left, struct expr *right)
{
    return build_chain(parse, TREE_OR, left, right);
}

struct expr *build_not(struct parse *parse, struct expr *right)
{
    if (right == NULL)
        return NULL;
    if (is_boolean(right)) {
        right->value.boolean = !right->value.boolean;
        return right;
    }
    if (right->kind != EXPR_TREE)
        return refuse(parse, "not", right);
    if (right->tree->has_sample)
        return parse_fail(parse, "random_sample cannot be negated");
    right->tree = new_node(parse, TREE_NOT, right->tree);
    right->is_half_range = false;
    return right->tree != NULL ? right : NULL;
}

struct tree *build_root(struct parse *parse, struct expr *expr)
{
    if (expr == NULL)
        return NULL;
    if (expr->kind == EXPR_TREE)
        return expr->tree;
    if (expr->kind == EXPR_OPERAND)
        return parse_fail(parse, "predicate is not a boolean expression: \"%s\", data type: %s",
                          operand_name(parse, &expr->operand), field_type_name(expr->operand.type));
    return parse_fail(parse, "predicate is a constant expression");
}
