/* labels.c: see labels.h. */
#include "cli/labels.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "cli/options.h"

static int by_id(const void *a, const void *b)
{
    const struct label *left = a, *right = b;
    if (left->id != right->id)
        return left->id < right->id ? -1 : 1;
    return left->text < right->text ? -1 : left->text > right->text; /* order in the file */
}

/* One line, terminated; its fields are cut in place. */
static enum err_code add_line(struct labels *labels, size_t *capacity, char *line, size_t number,
                              struct err *err)
{
    char *tab = strchr(line, '\t');
    if (tab != NULL)
        *tab = '\0';
    int64_t id = 0;
    if (tab == NULL || !parse_id(line, &id)) {
        if (number == 1 && tab != NULL)
            return ERR_OK; /* names of the columns */
        return err_set(err, ERR_INVALID, "line %zu: ID, a tab and a label expected", number);
    }
    char *label = tab + 1;
    label[strcspn(label, "\t")] = '\0';
    if (!mem_grow(&labels->items, capacity, labels->count, sizeof *labels->items))
        return err_nomem(err, "labels");
    labels->items[labels->count++] = (struct label){.id = id, .text = label};
    return ERR_OK;
}

enum err_code labels_load(const char *path, struct labels *ret_labels, struct err *err)
{
    struct labels labels = {0};
    void *data = NULL;
    size_t size = 0, capacity = 0, number = 0;
    enum err_code code = file_read_all(path, LABELS_SIZE_MAX, &data, &size, err);
    if (code != ERR_OK)
        return code;
    labels.data = data;
    for (char *line = data, *next = NULL; code == ERR_OK && *line != '\0'; line = next) {
        const size_t length = strcspn(line, "\n");
        next = line + length + (line[length] == '\n');
        line[length] = '\0';
        if (length > 0 && line[length - 1] == '\r')
            line[length - 1] = '\0';
        number++;
        if (line[0] != '\0')
            code = add_line(&labels, &capacity, line, number, err);
    }
    if (code != ERR_OK) {
        (void)err_wrap(err, "%s", path);
        labels_release(&labels);
        return code;
    }
    if (labels.count > 0)
        qsort(labels.items, labels.count, sizeof *labels.items, by_id);
    *ret_labels = labels;
    return ERR_OK;
}

void labels_release(struct labels *labels)
{
    mem_free(labels->items);
    mem_free(labels->data);
    *labels = (struct labels){0};
}

const char *labels_get(const struct labels *labels, int64_t id)
{
    size_t low = 0, high = labels->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (labels->items[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < labels->count && labels->items[low].id == id ? labels->items[low].text : NULL;
}

bool labels_find(const struct labels *labels, const char *text, int64_t *ret_id)
{
    for (size_t i = 0; i < labels->count; i++)
        if (strcmp(labels->items[i].text, text) == 0) {
            *ret_id = labels->items[i].id;
            return true;
        }
    return false;
}
