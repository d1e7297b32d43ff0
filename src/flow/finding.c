/* finding.c: see finding.h. */
#include "flow/finding.h"

void finding_list_init(struct finding_list *list, struct arena *arena)
{
    *list = (struct finding_list){.arena = arena};
}

void finding_list_release(struct finding_list *list)
{
    mem_free(list->items);
    *list = (struct finding_list){0};
}

static bool copy_text(struct arena *arena, const char **text)
{
    *text = arena_strdup(arena, *text != NULL ? *text : "");
    return *text != NULL;
}

enum err_code finding_add(struct finding_list *list, const struct finding *finding, struct err *err)
{
    if (list->count == FINDINGS_MAX) {
        list->dropped++;
        return ERR_OK;
    }
    struct finding copy = *finding;
    struct arena *arena = list->arena;
    if (!mem_grow(&list->items, &list->capacity, list->count, sizeof *list->items) ||
        !copy_text(arena, &copy.code) || !copy_text(arena, &copy.collection) ||
        !copy_text(arena, &copy.partition) || !copy_text(arena, &copy.path) ||
        !copy_text(arena, &copy.found) || !copy_text(arena, &copy.expected) ||
        !copy_text(arena, &copy.consequence))
        return err_nomem(err, "list of findings");
    list->items[list->count++] = copy;
    return ERR_OK;
}

const char *finding_severity_name(enum finding_severity severity)
{
    static const char *const names[] = {"note", "warning", "damage", "refused"};
    return names[severity];
}

size_t finding_count(const struct finding_list *list, enum finding_severity severity)
{
    size_t count = 0;
    for (size_t k = 0; k < list->count; k++)
        count += list->items[k].severity == severity;
    return count;
}
