/* dead_write.c: see dead_write.h. */
#include "engine/write/dead_write.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/mem.h"

enum err_code dead_list_add(struct dead_list *list, const struct dead_entry *entry, struct err *err)
{
    if (!mem_grow(&list->entries, &list->capacity, list->count, sizeof *list->entries))
        return err_nomem(err, "dead rows");
    list->entries[list->count++] = *entry;
    return ERR_OK;
}

void dead_list_release(struct dead_list *list)
{
    mem_free(list->entries);
    *list = (struct dead_list){0};
}

static int compare_entries(const void *a, const void *b)
{
    const struct dead_entry *left = a;
    const struct dead_entry *right = b;
    if (left->segment != right->segment)
        return left->segment < right->segment ? -1 : 1;
    if (left->batch != right->batch)
        return left->batch < right->batch ? -1 : 1;
    return (left->row > right->row) - (left->row < right->row);
}

/* Entries first .. end - 1, of one segment or batch. */
static enum err_code write_run(const struct dead_entry *entries, size_t count,
                               struct sql_statement *statement, int64_t collection, struct err *err)
{
    const size_t size = count * 4;
    uint8_t *data = mem_alloc(size, 1);
    if (data == NULL)
        return err_nomem(err, "dead rows");
    for (size_t k = 0; k < count; k++)
        put_u32(data + 4 * k, entries[k].row);
    const int64_t owner = entries->segment != 0 ? entries->segment : entries->batch;
    sql_bind_int(statement, 1, collection);
    sql_bind_int(statement, 2, entries->segment);
    sql_bind_int(statement, 3, entries->batch);
    sql_bind_int(statement, 4, (int64_t)hash64(data, size, (uint64_t)owner));
    sql_bind_blob(statement, 5, data, size);
    const enum err_code code = sql_run(statement, err);
    mem_free(data);
    return code;
}

enum err_code dead_list_write(struct dead_list *list, struct sql *sql, int64_t collection,
                              struct err *err)
{
    struct sql_statement *statement = NULL;
    if (list->count == 0)
        return ERR_OK;
    qsort(list->entries, list->count, sizeof *list->entries, compare_entries);
    enum err_code code = sql_prepare(sql,
                                     "INSERT INTO dead (collection, segment, batch, hash, data)"
                                     " VALUES (?1, ?2, ?3, ?4, ?5)",
                                     &statement, err);
    for (size_t first = 0; code == ERR_OK && first < list->count;) {
        const struct dead_entry *entry = &list->entries[first];
        size_t end = first + 1;
        while (end < list->count && list->entries[end].segment == entry->segment &&
               list->entries[end].batch == entry->batch)
            end++;
        code = write_run(entry, end - first, statement, collection, err);
        first = end;
    }
    sql_finalize(statement);
    return code;
}
