/* parse.c: the frame around lexer and grammar: memory, failures, new nodes. */
#include "filter/parse.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

void *parse_fail(struct parse *parse, const char *format, ...)
{
    if (parse->code != ERR_OK)
        return NULL;
    char detail[ERR_MSG_SIZE];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(detail, sizeof detail, format, args);
    va_end(args);
    parse->code = err_set(parse->err, ERR_INVALID, "%s", detail);
    return NULL;
}

size_t parse_shown(const char *text, size_t size, size_t max)
{
    if (size <= max)
        return size;
    while (max > 0 && ((uint8_t)text[max] & 0xC0) == 0x80)
        max--;
    return max;
}

void *parse_array(struct parse *parse, size_t count, size_t size)
{
    void *block = arena_array(parse->arena, count, size);
    if (block != NULL)
        return block;
    const size_t left = parse->arena->used_max - parse->arena->used;
    if (size > 0 && count > left / size)
        return parse_fail(parse,
                          "the expression is too large: it needs more than %zu MiB of memory",
                          parse->arena->used_max >> 20);
    if (parse->code == ERR_OK)
        parse->code = err_nomem(parse->err, "filter");
    return NULL;
}

struct expr *parse_expr(struct parse *parse, enum expr_kind kind, struct token token)
{
    struct expr *expr = parse->spare != NULL ? parse->spare : parse_array(parse, 1, sizeof *expr);
    parse->spare = NULL;
    if (expr != NULL)
        *expr = (struct expr){.kind = kind, .token = token};
    return expr;
}

struct expr *parse_test(struct parse *parse, enum test_kind kind, struct token token)
{
    struct expr *expr = parse_expr(parse, EXPR_TREE, token);
    struct tree *tree = expr != NULL ? parse_array(parse, 1, sizeof *tree) : NULL;
    if (tree == NULL)
        return NULL;
    tree->kind = TREE_TEST;
    tree->depth = 1;
    tree->test.kind = kind;
    expr->tree = tree;
    return expr;
}

enum err_code parse_text(struct parse *parse, const char *text, size_t size)
{
    if (!utf8_is_valid(text, size)) {
        parse_fail(parse, "the expression is not valid UTF-8");
        return parse->code;
    }
    char *copy = parse_array(parse, size + 1, 1);
    if (copy == NULL)
        return parse->code;
    if (size > 0)
        memcpy(copy, text, size);
    parse->start = copy;
    grammar_run(parse, copy, size);
    if (parse->code == ERR_OK && parse->root == NULL)
        parse_fail(parse, "syntax error");
    return parse->code;
}
