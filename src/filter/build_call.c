/* build_call.c: functions, by name. */
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "filter/parse.h"
#include "filter/words.h"

struct call {
    const char *name;
    struct token token;
    const struct arguments *arguments;
    int detail; /* of the row of `functions` */
};

/* The first argument: an array field or a place in a JSON document. */
static const struct operand *array_operand(struct parse *parse, const struct call *call)
{
    const struct expr *expr = call->arguments->items[0];
    const struct operand *operand = &expr->operand;
    const bool is_array = operand->shape == OPERAND_COLUMN && operand->type == FIELD_ARRAY;
    if (expr->kind == EXPR_OPERAND && operand->arith == ARITH_NONE && !operand->is_length &&
        (is_array || operand->type == FIELD_JSON))
        return operand;
    return parse_fail(parse, "%s operation is only supported on json or array fields", call->name);
}

enum { CONTAINS_ONE, CONTAINS_ANY, CONTAINS_ALL };

static struct expr *call_contains(struct parse *parse, const struct call *call)
{
    const struct operand *operand = array_operand(parse, call);
    const struct expr *second = call->arguments->items[1];
    if (operand == NULL)
        return NULL;
    if (second->kind != EXPR_VALUE)
        return parse_fail(parse, "%s: the second argument must be a constant", call->name);
    struct filter_value list = second->value;
    if (call->detail == CONTAINS_ONE)
        list =
            (struct filter_value){.kind = FILTER_VALUE_ARRAY, .items = &second->value, .count = 1};
    if (list.kind != FILTER_VALUE_ARRAY)
        return parse_fail(parse, "%s: the second argument must be a list", call->name);
    struct expr *expr = parse_test(parse, TEST_CONTAINS, call->token);
    if (expr == NULL || !items_fit(parse, operand, &list))
        return NULL;
    struct test *test = &expr->tree->test;
    test->operand = *operand;
    test->items = list.items;
    test->count = list.count;
    test->is_all = call->detail == CONTAINS_ALL;
    return expr;
}

static struct expr *call_length(struct parse *parse, const struct call *call)
{
    const struct operand *operand = array_operand(parse, call);
    struct expr *expr = operand != NULL ? parse_expr(parse, EXPR_OPERAND, call->token) : NULL;
    if (expr == NULL)
        return NULL;
    expr->operand = *operand;
    expr->operand.is_length = true;
    return expr;
}

/* Whether the type parameters say "enable_match": true, or "true". */
static bool has_match(struct parse *parse, const struct field *field)
{
    struct json *params = NULL;
    struct err err;
    if (field->params == NULL)
        return false;
    const enum err_code code = js_parse(field->params, strlen(field->params), &params, &err);
    if (code == ERR_NOMEM && parse->code == ERR_OK)
        parse->code = err_nomem(parse->err, "filter");
    if (code != ERR_OK)
        return false;
    const struct json *value = js_get(params, "enable_match");
    const bool is_on = js_is_true(value) || strcasecmp(js_string(value, ""), "true") == 0;
    js_free(params);
    return is_on;
}

static struct expr *call_match(struct parse *parse, const struct call *call)
{
    const struct expr *first = call->arguments->items[0];
    const struct expr *second = call->arguments->items[1];
    if (first->kind != EXPR_OPERAND || first->operand.shape != OPERAND_COLUMN ||
        first->operand.type != FIELD_VARCHAR)
        return parse_fail(parse, "%s operation on a non-string field is not supported", call->name);
    if (!has_match(parse, &parse->schema->fields[first->operand.field]))
        return parse_fail(parse, "field \"%s\" does not enable match",
                          operand_name(parse, &first->operand));
    if (second->kind != EXPR_VALUE || second->value.kind != FILTER_VALUE_STRING)
        return parse_fail(parse, "%s: the second argument must be a string", call->name);
    struct expr *expr = parse_test(parse, (enum test_kind)call->detail, call->token);
    if (expr == NULL)
        return NULL;
    struct test *test = &expr->tree->test;
    test->operand = first->operand;
    test->text = second->value;
    if (call->arguments->count < 3)
        return expr;
    const struct expr *third = call->arguments->items[2];
    if (third->kind != EXPR_VALUE || third->value.kind != FILTER_VALUE_INT ||
        third->value.integer < 0 || third->value.integer > WORDS_SLOP_MAX)
        return parse_fail(parse, "%s: the third argument, slop, must be an integer from 0 to %d",
                          call->name, WORDS_SLOP_MAX);
    test->slop = (size_t)third->value.integer;
    return expr;
}

static struct expr *call_sample(struct parse *parse, const struct call *call)
{
    const struct expr *first = call->arguments->items[0];
    const bool is_share = first->kind == EXPR_VALUE && first->value.kind == FILTER_VALUE_DOUBLE &&
                          first->value.real > 0 && first->value.real < 1;
    if (!is_share)
        return parse_fail(parse,
                          "the sample factor must be a constant between 0 and 1, both excluded");
    struct expr *expr = parse_test(parse, TEST_SAMPLE, call->token);
    if (expr == NULL)
        return NULL;
    expr->tree->has_sample = true;
    expr->tree->test.share = first->value.real;
    return expr;
}

static struct expr *call_refused(struct parse *parse, const struct call *call)
{
    return parse_fail(parse, "function %s is not supported", call->name);
}

static const struct {
    const char *name;
    size_t count_min;
    size_t count_max;
    int detail;
    struct expr *(*build)(struct parse *parse, const struct call *call);
} functions[] = {
    {"json_contains", 2, 2, CONTAINS_ONE, call_contains},
    {"array_contains", 2, 2, CONTAINS_ONE, call_contains},
    {"json_contains_any", 2, 2, CONTAINS_ANY, call_contains},
    {"array_contains_any", 2, 2, CONTAINS_ANY, call_contains},
    {"json_contains_all", 2, 2, CONTAINS_ALL, call_contains},
    {"array_contains_all", 2, 2, CONTAINS_ALL, call_contains},
    {"array_length", 1, 1, 0, call_length},
    {"text_match", 2, 2, TEST_WORDS, call_match},
    {"phrase_match", 2, 3, TEST_PHRASE, call_match},
    {"random_sample", 1, 1, 0, call_sample},
    {"element_filter", 0, PARSE_ARGUMENTS_MAX, 0, call_refused},
    {"match_all", 0, PARSE_ARGUMENTS_MAX, 0, call_refused},
    {"match_any", 0, PARSE_ARGUMENTS_MAX, 0, call_refused},
    {"match_exact", 0, PARSE_ARGUMENTS_MAX, 0, call_refused},
    {"match_least", 0, PARSE_ARGUMENTS_MAX, 0, call_refused},
    {"match_most", 0, PARSE_ARGUMENTS_MAX, 0, call_refused},
};

struct expr *build_call(struct parse *parse, struct token name, const struct arguments *arguments)
{
    for (size_t i = 0; i < arguments->count; i++)
        if (arguments->items[i] == NULL)
            return NULL;
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        if (strlen(functions[i].name) != name.size ||
            strncasecmp(functions[i].name, name.text, name.size) != 0)
            continue;
        if (arguments->count < functions[i].count_min || arguments->count > functions[i].count_max)
            return parse_fail(parse, "function %s takes %zu argument(s), not %zu",
                              functions[i].name, functions[i].count_min, arguments->count);
        const struct call call = {functions[i].name, name, arguments, functions[i].detail};
        return functions[i].build(parse, &call);
    }
    if (name.size > 3 && strncasecmp(name.text, "st_", 3) == 0)
        return parse_fail(parse, "geometry function %.*s is not supported",
                          (int)(name.size < 64 ? name.size : 64), name.text);
    return parse_fail(parse, "function %.*s not found", (int)(name.size < 64 ? name.size : 64),
                      name.text);
}
