/* compile.c: filter_compile and what else concerns a filter as a whole. */
#include <string.h>

#include "base/utf8.h"
#include "filter/parse.h"
#include "filter/plan.h"

#define SHOWN_SIZE_MAX 300 /* bytes of an expression in a sentence */

static bool is_blank(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (memchr(" \t\r\n\f\v", text[i], 6) == NULL)
            return false;
    return true;
}

static enum err_code build(struct filter *filter, struct parse *parse, const char *text,
                           size_t size)
{
    enum err_code code = parse_text(parse, text, size);
    if (code == ERR_OK)
        code = plan_build(filter, parse->root, parse->schema, parse->err);
    if (code == ERR_OK && !keys_build(filter, parse->root, parse->schema))
        code = err_nomem(parse->err, "filter");
    return code;
}

/* "cannot parse expression: <expr>, error: <detail>" */
static enum err_code explain(struct err *err, const char *text, size_t size)
{
    if (!utf8_is_valid(text, size))
        return err_wrap(err, "cannot parse expression: (no text), error");
    const size_t shown = parse_shown(text, size, SHOWN_SIZE_MAX);
    return err_wrap(err, "cannot parse expression: %.*s%s, error", (int)shown, text,
                    shown < size ? "..." : "");
}

enum err_code filter_compile(const char *text, size_t size, const struct schema *schema,
                             const struct filter_templates *templates, struct filter **ret,
                             struct err *err)
{
    if (size > FILTER_TEXT_SIZE_MAX)
        return err_set(err, ERR_INVALID,
                       "cannot parse expression: (%zu bytes), error: at most %zu bytes are allowed",
                       size, FILTER_TEXT_SIZE_MAX);
    struct filter *filter = mem_zalloc(1, sizeof *filter);
    if (filter == NULL)
        return err_nomem(err, "filter");
    filter->loops = loops_best();
    arena_init(&filter->arena, FILTER_MEMORY_MAX);
    if (!is_blank(text, size)) {
        struct parse parse = {
            .schema = schema, .templates = templates, .arena = &filter->arena, .err = err};
        const enum err_code code = build(filter, &parse, text, size);
        if (code != ERR_OK) {
            filter_free(filter);
            return code == ERR_INVALID ? explain(err, text, size) : code;
        }
    }
    *ret = filter;
    return ERR_OK;
}

void filter_free(struct filter *filter)
{
    if (filter == NULL)
        return;
    arena_release(&filter->arena);
    mem_free(filter);
}

bool filter_is_always_true(const struct filter *filter)
{
    return filter->plan == NULL;
}

bool filter_reads(const struct filter *filter, size_t field)
{
    return field < filter->field_count && filter->reads[field];
}

void filter_set_seed(struct filter *filter, uint64_t seed)
{
    filter->seed = seed;
}

const struct filter_keys *filter_get_keys(const struct filter *filter)
{
    return filter->has_keys ? &filter->keys : NULL;
}
