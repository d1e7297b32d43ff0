/* selection.c: see selection.h. */
#include "migrate/selection.h"

#include <string.h>

#define SELECTION_SIZE_MAX ((size_t)16 << 20)
#define COLLECTION_NAME_MAX 255

static const char *const policy_names[] = {"keep", "first", "fail"};

void selection_init(struct selection *selection)
{
    *selection = (struct selection){0};
    arena_init(&selection->arena, SELECTION_SIZE_MAX);
}

void selection_release(struct selection *selection)
{
    mem_free(selection->collections);
    mem_free(selection->renames);
    arena_release(&selection->arena);
    *selection = (struct selection){0};
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The piece [from, to) without blanks around it, in the arena. */
static char *trimmed(struct arena *arena, const char *from, const char *to)
{
    while (from < to && is_blank(*from))
        from++;
    while (to > from && is_blank(to[-1]))
        to--;
    return arena_strndup(arena, from, (size_t)(to - from));
}

bool selection_has(const struct selection *selection, const char *name)
{
    if (selection == NULL || selection->collection_count == 0)
        return true;
    for (size_t k = 0; k < selection->collection_count; k++)
        if (strcmp(selection->collections[k], name) == 0)
            return true;
    return false;
}

static enum err_code add_collection(struct selection *selection, const char *from, const char *to,
                                    struct err *err)
{
    const char *name = trimmed(&selection->arena, from, to);
    if (name == NULL)
        return err_nomem(err, "selected collections");
    if (*name == '\0')
        return err_set(err, ERR_USAGE, "an empty name in the list of collections");
    if (selection->collection_count > 0 && selection_has(selection, name))
        return ERR_OK;
    if (!mem_grow(&selection->collections, &selection->collection_capacity,
                  selection->collection_count, sizeof *selection->collections))
        return err_nomem(err, "selected collections");
    selection->collections[selection->collection_count++] = name;
    return ERR_OK;
}

enum err_code selection_add_collections(struct selection *selection, const char *list,
                                        struct err *err)
{
    for (;;) {
        const char *end = strchr(list, ',');
        const char *to = end != NULL ? end : list + strlen(list);
        const enum err_code code = add_collection(selection, list, to, err);
        if (code != ERR_OK || end == NULL)
            return code;
        list = end + 1;
    }
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_collection_name(const char *name)
{
    const size_t size = strlen(name);
    if (size == 0 || size > COLLECTION_NAME_MAX || !is_letter(name[0]))
        return false;
    for (size_t k = 1; k < size; k++)
        if (!is_letter(name[k]) && !(name[k] >= '0' && name[k] <= '9'))
            return false;
    return true;
}

enum err_code selection_add_rename(struct selection *selection, const char *pair, struct err *err)
{
    const char *equal = strchr(pair, '=');
    if (equal == NULL)
        return err_set(err, ERR_USAGE, "rename %s: OLD=NEW expected", pair);
    const char *from = trimmed(&selection->arena, pair, equal);
    const char *to = trimmed(&selection->arena, equal + 1, pair + strlen(pair));
    if (from == NULL || to == NULL)
        return err_nomem(err, "renames");
    if (*from == '\0')
        return err_set(err, ERR_USAGE, "rename %s: OLD=NEW expected", pair);
    if (!is_collection_name(to))
        return err_set(err, ERR_USAGE,
                       "rename %s: %s is no name of a collection (letters, digits and _, no digit "
                       "first, at most %d)",
                       pair, to, COLLECTION_NAME_MAX);
    for (size_t k = 0; k < selection->rename_count; k++)
        if (strcmp(selection->renames[k].from, from) == 0)
            return err_set(err, ERR_USAGE, "rename %s: %s is renamed to %s already", pair, from,
                           selection->renames[k].to);
    if (!mem_grow(&selection->renames, &selection->rename_capacity, selection->rename_count,
                  sizeof *selection->renames))
        return err_nomem(err, "renames");
    selection->renames[selection->rename_count++] =
        (struct selection_rename){.from = from, .to = to};
    return ERR_OK;
}

bool duplicates_from_name(const char *name, enum duplicates_policy *ret_policy)
{
    for (size_t k = 0; k < sizeof policy_names / sizeof *policy_names; k++) {
        if (strcmp(policy_names[k], name) == 0) {
            *ret_policy = (enum duplicates_policy)k;
            return true;
        }
    }
    return false;
}

const char *duplicates_name(enum duplicates_policy policy)
{
    return policy_names[policy];
}

const char *selection_target_name(const struct selection *selection, const char *name)
{
    if (selection == NULL)
        return name;
    for (size_t k = 0; k < selection->rename_count; k++)
        if (strcmp(selection->renames[k].from, name) == 0)
            return selection->renames[k].to;
    return name;
}
