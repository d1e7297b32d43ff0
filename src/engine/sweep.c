/* sweep.c: see sweep.h. */
#include "engine/sweep.h"

#include <stdlib.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "engine/catalog.h"
#include "engine/database_internal.h"
#include "engine/layout.h"

#define NAMES_MAX ((size_t)1 << 26)

static int compare_numbers(const void *a, const void *b)
{
    const uint64_t left = *(const uint64_t *)a;
    const uint64_t right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

/* Numbers of the segments that are stored in a folder, sorted. */
struct numbers {
    uint64_t *items; /* mem_free */
    size_t count;
};

static bool is_stored(const struct numbers *stored, uint64_t number)
{
    return bsearch(&number, stored->items, stored->count, sizeof number, compare_numbers) != NULL;
}

static enum err_code stored_numbers(struct sql *sql, uint64_t folder, struct numbers *ret_numbers,
                                    struct err *err)
{
    struct sql_statement *statement = NULL;
    uint64_t *numbers = NULL;
    size_t count = 0;
    size_t capacity = 0;
    bool has_row = true;
    enum err_code code = sql_prepare(
        sql, "SELECT number FROM segment WHERE folder = ?1 AND is_stored = 1 AND rows > 0",
        &statement, err);
    if (code == ERR_OK)
        sql_bind_int(statement, 1, (int64_t)folder);
    while (code == ERR_OK && has_row) {
        code = sql_step(statement, &has_row, err);
        if (code != ERR_OK || !has_row)
            break;
        if (mem_grow(&numbers, &capacity, count, sizeof *numbers))
            numbers[count++] = (uint64_t)sql_column_int(statement, 0);
        else
            code = err_nomem(err, sql_path(sql));
    }
    sql_finalize(statement);
    if (code != ERR_OK) {
        mem_free(numbers);
        return code;
    }
    if (count > 0)
        qsort(numbers, count, sizeof *numbers, compare_numbers);
    *ret_numbers = (struct numbers){numbers, count};
    return ERR_OK;
}

/* Is this what a builder of indexes is writing now? One that died left it: then its lock is free,
 * and ours from here on. A builder that wants it meanwhile tries again. */
static bool is_being_built(struct database *database, int *lock_fd)
{
    struct err ignored;
    char *path = *lock_fd < 0 ? layout_index_lock(database->folder) : NULL;
    const bool is_free =
        *lock_fd >= 0 || (path != NULL && file_lock(path, lock_fd, &ignored) == ERR_OK);
    mem_free(path);
    return !is_free;
}

static enum err_code sweep_names(struct database *database, const char *folder, char **names,
                                 size_t name_count, const struct numbers *stored, struct err *err)
{
    enum err_code code = ERR_OK;
    int lock_fd = -1;
    for (size_t k = 0; code == ERR_OK && k < name_count; k++) {
        uint64_t number = 0;
        const bool is_temporary = layout_parse_index_temporary(names[k], &number);
        if ((is_temporary || layout_parse_file(names[k], &number)) && is_stored(stored, number) &&
            (!is_temporary || is_being_built(database, &lock_fd)))
            continue;
        char *path = path_join(folder, names[k]);
        code = path != NULL ? file_remove(path, err) : err_nomem(err, folder);
        mem_free(path);
    }
    file_close(lock_fd);
    return code;
}

static enum err_code sweep_folder(struct database *database, uint64_t number, struct err *err)
{
    struct numbers stored = {0};
    char **names = NULL;
    size_t name_count = 0;
    char *folder = layout_segment_folder(database->folder, number);
    if (folder == NULL)
        return err_nomem(err, database->folder);
    enum err_code code = stored_numbers(database->sql, number, &stored, err);
    if (code == ERR_OK && stored.count == 0) {
        code = folder_remove(folder, err);
    } else if (code == ERR_OK) {
        code = folder_list(folder, NAMES_MAX, &names, &name_count, err);
        if (code == ERR_OK)
            code = sweep_names(database, folder, names, name_count, &stored, err);
    }
    mem_free(names);
    mem_free(stored.items);
    mem_free(folder);
    return code;
}

enum err_code sweep_files(struct database *database, struct err *err)
{
    char **names = NULL;
    size_t count = 0;
    char *segments = layout_segments(database->folder);
    if (segments == NULL)
        return err_nomem(err, database->folder);
    database_lock(database);
    if (database->making > 0) { /* another sweep will come */
        database_unlock(database);
        mem_free(segments);
        return ERR_OK;
    }
    enum err_code code = folder_list(segments, NAMES_MAX, &names, &count, err);
    for (size_t k = 0; code == ERR_OK && k < count; k++) {
        uint64_t number = 0;
        if (layout_parse_folder(names[k], &number))
            code = sweep_folder(database, number, err);
    }
    database_unlock(database);
    mem_free(names);
    mem_free(segments);
    return code;
}
