/* literal.c: constants and names as they are written, and what the names mean.
 *
 * The lexer has checked the form: digits are digits of their base, escapes are complete. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "filter/parse.h"

static int digit_of(char c)
{
    return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

struct expr *literal_int(struct parse *parse, struct token token, bool is_negated)
{
    const bool has_prefix = token.size > 2 && token.text[0] == '0' && token.text[1] > '9';
    const bool is_hex = has_prefix && (token.text[1] | 0x20) == 'x';
    const uint64_t base = is_hex ? 16 : has_prefix ? 2 : token.text[0] == '0' ? 8 : 10;
    const uint64_t max = (uint64_t)INT64_MAX + (is_negated ? 1 : 0);
    uint64_t value = 0;
    for (size_t i = has_prefix ? 2 : 0; i < token.size; i++) {
        const uint64_t digit = (uint64_t)digit_of(token.text[i]);
        if (value > (max - digit) / base)
            return parse_fail(parse, "the integer %.*s is out of range",
                              token.size < 64 ? (int)token.size : 64, token.text);
        value = value * base + digit;
    }
    struct expr *expr = parse_expr(parse, EXPR_VALUE, token);
    if (expr != NULL)
        expr->value = (struct filter_value){.kind = FILTER_VALUE_INT, .integer = (int64_t)value};
    return expr;
}

struct expr *literal_float(struct parse *parse, struct token token)
{
    errno = 0;
    const double real = strtod(token.text, NULL);
    if (!isfinite(real))
        return parse_fail(parse, "the number %.*s is out of range",
                          token.size < 64 ? (int)token.size : 64, token.text);
    struct expr *expr = parse_expr(parse, EXPR_VALUE, token);
    if (expr != NULL)
        expr->value = (struct filter_value){.kind = FILTER_VALUE_DOUBLE, .real = real};
    return expr;
}

struct expr *literal_bool(struct parse *parse, struct token token)
{
    struct expr *expr = parse_expr(parse, EXPR_VALUE, token);
    if (expr != NULL)
        expr->value = (struct filter_value){.kind = FILTER_VALUE_BOOL,
                                            .boolean = (token.text[0] | 0x20) == 't'};
    return expr;
}

/* Up to `digits` digits of a base from *at on. */
static uint32_t escape_number(const char **at, const char *end, size_t digits, uint32_t base)
{
    uint32_t value = 0;
    for (size_t i = 0; i < digits && *at < end; i++, (*at)++) {
        const char c = **at;
        const bool is_digit =
            base == 8 ? c >= '0' && c <= '7'
                      : (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
        if (!is_digit)
            break;
        value = value * base + (uint32_t)digit_of(c);
    }
    return value;
}

static size_t put_utf8(char *to, uint32_t code)
{
    if (code < 0x80) {
        to[0] = (char)code;
        return 1;
    }
    const size_t size = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const uint8_t lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = size; i-- > 1; code >>= 6)
        to[i] = (char)(0x80 | (code & 0x3F));
    to[0] = (char)(lead[size] | code);
    return size;
}

/* One escape, its backslash already read. False when it names no character. */
static bool put_escape(const char **at, const char *end, char *to, size_t *size)
{
    static const char names[] = "abfnrtv";
    static const char bytes[] = "\a\b\f\n\r\t\v";
    const char c = *(*at)++;
    const char *name = strchr(names, c);
    uint32_t code;
    if (c == 'u' || c == 'U') {
        code = escape_number(at, end, c == 'u' ? 4 : 8, 16);
        if (code > 0x10FFFF || (code >= 0xD800 && code < 0xE000))
            return false;
        *size += put_utf8(to + *size, code);
        return true;
    }
    if (c == 'x' || c == 'X') {
        code = escape_number(at, end, 2, 16);
    } else if (c >= '0' && c <= '7') {
        (*at)--;
        code = escape_number(at, end, 3, 8);
    } else {
        code = (uint8_t)(name != NULL ? bytes[name - names] : c);
    }
    if (code > 255)
        return false;
    to[(*size)++] = (char)code;
    return true;
}

/* The content of a quoted string; never longer than it was written. NULL after a failure. */
static char *unquote(struct parse *parse, const char *text, size_t size, size_t *ret_size)
{
    char *to = parse_array(parse, size, 1);
    size_t to_size = 0;
    const char *end = text + size - 1;
    for (const char *at = text + 1; to != NULL && at < end;) {
        if (*at != '\\') {
            to[to_size++] = *at++;
            continue;
        }
        at++;
        if (!put_escape(&at, end, to, &to_size))
            return parse_fail(parse, "an escape in the string names no character");
    }
    *ret_size = to_size;
    return to;
}

struct expr *literal_string(struct parse *parse, struct token token)
{
    struct expr *expr = parse_expr(parse, EXPR_VALUE, token);
    if (expr == NULL)
        return NULL;
    expr->value.kind = FILTER_VALUE_STRING;
    expr->value.string = unquote(parse, token.text, token.size, &expr->value.size);
    return expr->value.string != NULL ? expr : NULL;
}

/* Copies a template's value with everything below it; `depth` levels of arrays at most. */
static bool copy_value(struct parse *parse, const struct filter_value *from, size_t depth,
                       struct filter_value *to)
{
    *to = *from;
    if (from->kind == FILTER_VALUE_STRING) {
        char *copy = parse_array(parse, from->size + 1, 1);
        if (copy != NULL && from->size > 0)
            memcpy(copy, from->string, from->size);
        to->string = copy;
        return copy != NULL;
    }
    if (from->kind != FILTER_VALUE_ARRAY)
        return true;
    if (depth == 0) {
        parse_fail(parse, "the arrays of a template nest too deeply");
        return false;
    }
    struct filter_value *items = parse_array(parse, from->count, sizeof *items);
    if (items == NULL)
        return false;
    for (size_t i = 0; i < from->count; i++)
        if (!copy_value(parse, &from->items[i], depth - 1, &items[i]))
            return false;
    to->items = items;
    return true;
}

static char *copy_name(struct parse *parse, const char *text, size_t size)
{
    char *name = parse_array(parse, size + 1, 1);
    if (name != NULL)
        memcpy(name, text, size);
    return name;
}

struct expr *literal_template(struct parse *parse, struct token token)
{
    static const char not_name[] = "{} \t\r\n\f\v";
    const char *start = token.text + strspn(token.text, not_name);
    char *name = copy_name(parse, start, strcspn(start, not_name));
    if (name == NULL)
        return NULL;
    for (size_t i = 0; parse->templates != NULL && i < parse->templates->count; i++) {
        if (strcmp(parse->templates->items[i].name, name) != 0)
            continue;
        struct expr *expr = parse_expr(parse, EXPR_VALUE, token);
        if (expr == NULL || !copy_value(parse, &parse->templates->items[i].value,
                                        LITERAL_ARRAY_DEPTH_MAX, &expr->value))
            return NULL;
        return expr;
    }
    return parse_fail(parse, "the value of expression template variable name {%s} is not found",
                      name);
}

/* "12" is an index too, "012" is not. */
static size_t index_of(const char *text, size_t size)
{
    size_t index = 0;
    if (size == 0 || size > 9 || (size > 1 && text[0] == '0'))
        return SIZE_MAX;
    for (size_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '9')
            return SIZE_MAX;
        index = index * 10 + (size_t)(text[i] - '0');
    }
    return index;
}

static bool is_plain(const char *key, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if ((uint8_t)key[i] < 0x20 || key[i] == '"' || key[i] == '\\')
            return false;
    return true;
}

/* One ["key"] or [index] from *at on. False after a failure. */
static bool take_step(struct parse *parse, const char **at, struct step *step, bool *is_index)
{
    static const char blanks[] = " \t\r\n\f\v";
    const char *start = *at + 1 + strspn(*at + 1, blanks);
    const char *end = start;
    *is_index = *start != '"' && *start != '\'';
    if (*is_index) {
        end += strspn(start, "0123456789");
        step->key = start;
        step->size = (size_t)(end - start);
    } else {
        for (end++; *end != *start; end++)
            end += *end == '\\';
        end++;
        step->key = unquote(parse, start, (size_t)(end - start), &step->size);
    }
    *at = end + strspn(end, blanks) + 1;
    if (step->key == NULL)
        return false;
    step->index = index_of(step->key, step->size);
    step->is_plain = is_plain(step->key, step->size);
    if (*is_index && step->index == SIZE_MAX) {
        parse_fail(parse, "the index %.*s is out of range", step->size < 64 ? (int)step->size : 64,
                   step->key);
        return false;
    }
    return true;
}

/* What the steps mean for the type of the field. */
static bool resolve(struct parse *parse, struct operand *operand, const struct field *field,
                    bool first_is_index)
{
    operand->type = field->type;
    if (field_type_is_vector(field->type)) {
        parse_fail(parse, "the field \"%s\" is a vector, which a filter cannot use", field->name);
        return false;
    }
    if (operand->step_count == 0)
        return true;
    if (field->type == FIELD_JSON) {
        operand->shape = OPERAND_PATH;
        return true;
    }
    if (field->type != FIELD_ARRAY || operand->step_count > 1 || !first_is_index) {
        parse_fail(parse, "%s data type not supported accessed with [] that way: \"%s\"",
                   field_type_name(field->type), field->name);
        return false;
    }
    operand->shape = OPERAND_ELEMENT;
    operand->index = operand->steps[0].index;
    operand->type = field->element;
    return true;
}

struct expr *literal_reference(struct parse *parse, struct token token)
{
    const size_t name_size =
        strcspn(token.text, "[") < token.size ? strcspn(token.text, "[") : token.size;
    char *name = copy_name(parse, token.text, name_size);
    struct expr *expr = name != NULL ? parse_expr(parse, EXPR_OPERAND, token) : NULL;
    if (expr == NULL)
        return NULL;
    size_t step_max = 1;
    for (size_t i = name_size; i < token.size; i++)
        step_max += token.text[i] == '[';
    struct step *steps = parse_array(parse, step_max, sizeof *steps);
    if (steps == NULL)
        return NULL;
    struct operand *operand = &expr->operand;
    operand->steps = steps;
    operand->field = schema_find(parse->schema, name);
    if (operand->field == SIZE_MAX) {
        operand->field =
            parse->schema->has_dynamic ? schema_find(parse->schema, SCHEMA_DYNAMIC_NAME) : SIZE_MAX;
        if (operand->field == SIZE_MAX)
            return parse_fail(parse, "field %s not exist", name);
        steps[operand->step_count++] = (struct step){name, name_size, SIZE_MAX, true};
    }
    bool first_is_index = false;
    for (const char *at = token.text + name_size; at < token.text + token.size;) {
        bool is_index;
        if (!take_step(parse, &at, &steps[operand->step_count], &is_index))
            return NULL;
        first_is_index = operand->step_count == 0 ? is_index : first_is_index;
        operand->step_count++;
    }
    const struct field *field = &parse->schema->fields[operand->field];
    return resolve(parse, operand, field, first_is_index) ? expr : NULL;
}
