/* job_options.c: see job_options.h. Names are sorted, so their order on a command line is no
 * difference. */
#include "migrate/job_options.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"

static const char *const if_exists_names[] = {"fail", "append", "replace"};
static const char *const ways[] = {"copy", "link"};

static int compare_names(const void *a, const void *b)
{
    const char *const *name_a = a;
    const char *const *name_b = b;
    return strcmp(*name_a, *name_b);
}

/* "OLD=NEW" or NAME, sorted, as a JSON array. */
static bool add_sorted(struct text *text, const char *key, const char **names, size_t count)
{
    if (count > 1)
        qsort(names, count, sizeof *names, compare_names);
    json_open(text, key, '[');
    for (size_t k = 0; k < count; k++)
        json_add_string(text, NULL, names[k]);
    json_close(text, ']');
    return !text_failed(text);
}

static bool add_names(struct text *text, const struct selection *selection)
{
    struct arena arena;
    arena_init(&arena, (size_t)64 << 20);
    const char **names =
        arena_array(&arena, selection->collection_count + selection->rename_count, sizeof *names);
    bool is_made = names != NULL;
    for (size_t k = 0; is_made && k < selection->collection_count; k++)
        names[k] = selection->collections[k];
    is_made = is_made && add_sorted(text, "collections", names, selection->collection_count);
    for (size_t k = 0; is_made && k < selection->rename_count; k++) {
        names[k] =
            arena_printf(&arena, "%s=%s", selection->renames[k].from, selection->renames[k].to);
        is_made = names[k] != NULL;
    }
    is_made = is_made && add_sorted(text, "renames", names, selection->rename_count);
    arena_release(&arena);
    return is_made;
}

enum err_code job_options_write(const struct selection *selection, enum if_exists if_exists,
                                const char *way, char **ret_text, struct err *err)
{
    const struct selection everything = {0};
    const struct selection *from = selection != NULL ? selection : &everything;
    struct text text;
    text_init(&text);
    json_open(&text, NULL, '{');
    bool is_made = add_names(&text, from);
    json_add_string(&text, "duplicates", duplicates_name(from->duplicates));
    json_add_string(&text, "if_exists", if_exists_names[if_exists]);
    json_add_bool(&text, "skip_damaged", from->skip_damaged);
    json_add_string(&text, "way", way != NULL ? way : ways[0]);
    json_close(&text, '}');
    char *made = is_made ? text_take(&text) : NULL;
    text_release(&text);
    if (made == NULL)
        return err_nomem(err, "options of the job");
    *ret_text = made;
    return ERR_OK;
}

static bool find_word(const char *const *words, size_t count, const char *word, size_t *ret_index)
{
    for (size_t k = 0; k < count; k++) {
        if (strcmp(words[k], word) == 0) {
            *ret_index = k;
            return true;
        }
    }
    return false;
}

static enum err_code read_names(const struct json *document, struct selection *selection,
                                struct err *err)
{
    enum err_code code = ERR_OK;
    const struct json *names = js_get(document, "collections");
    for (size_t k = 0; code == ERR_OK && k < js_size(names); k++)
        code = selection_add_collections(selection, js_string(js_at(names, k), ""), err);
    names = js_get(document, "renames");
    for (size_t k = 0; code == ERR_OK && k < js_size(names); k++)
        code = selection_add_rename(selection, js_string(js_at(names, k), ""), err);
    return code;
}

enum err_code job_options_read(const char *text, struct selection *selection,
                               enum if_exists *ret_if_exists, const char **ret_way, struct err *err)
{
    struct json *document = NULL;
    enum err_code code = js_parse(text, strlen(text), &document, err);
    if (code != ERR_OK)
        return err_wrap(err, "options of the job");
    size_t if_exists = 0;
    size_t way = 0;
    if (!duplicates_from_name(js_string(js_get(document, "duplicates"), ""),
                              &selection->duplicates) ||
        !find_word(if_exists_names, 3, js_string(js_get(document, "if_exists"), ""), &if_exists) ||
        !find_word(ways, 2, js_string(js_get(document, "way"), ""), &way))
        code = err_set(err, ERR_CORRUPT, "options of the job: %s cannot be understood", text);
    if (code == ERR_OK)
        code = read_names(document, selection, err);
    if (code == ERR_OK) {
        selection->skip_damaged = js_is_true(js_get(document, "skip_damaged"));
        *ret_if_exists = (enum if_exists)if_exists;
        *ret_way = ways[way];
    }
    js_free(document);
    return code;
}
