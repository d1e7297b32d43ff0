/* layout.c: see layout.h. */
#include "milvus1/layout.h"

#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "milvus1/wal_record.h"

#define TABLES_FOLDER "tables"
#define LOG_SUFFIX ".wal"

bool layout_name_is_safe(const char *name)
{
    return *name != '\0' && strchr(name, '/') == NULL && strcmp(name, ".") != 0 &&
           strcmp(name, "..") != 0;
}

/* Takes the names of one folder into `segment`. False when memory ends. */
static bool take_names(struct layout_segment *segment, const char *folder, char **names,
                       size_t count, struct arena *arena)
{
    for (size_t k = 0; k < count; k++) {
        const bool is_rv = path_has_suffix(names[k], ".rv");
        const bool is_uid = path_has_suffix(names[k], ".uid");
        const bool is_deleted = strcmp(names[k], "deleted_docs") == 0;
        if (!is_rv && !is_uid && !is_deleted)
            continue;
        const char *path = arena_printf(arena, "%s/%s", folder, names[k]);
        if (path == NULL)
            return false;
        if (is_rv && segment->rv_count++ == 0)
            segment->rv = path;
        if (is_uid && segment->uid_count++ == 0)
            segment->uid = path;
        if (is_deleted && segment->deleted_docs_count < LAYOUT_ROOTS_MAX)
            segment->deleted_docs[segment->deleted_docs_count++] = path;
    }
    return true;
}

enum err_code layout_find_segment(const struct layout *layout, const char *table_id,
                                  const char *segment_id, struct arena *arena,
                                  struct layout_segment *ret_segment, struct err *err)
{
    if (!layout_name_is_safe(table_id) || !layout_name_is_safe(segment_id))
        return err_set(err, ERR_CORRUPT, "\"%s\" / \"%s\" cannot be the folder of a segment",
                       table_id, segment_id);
    struct layout_segment segment = {.folder = "", .rv = "", .uid = ""};
    for (size_t k = 0; k < layout->root_count; k++) {
        const char *folder = arena_printf(arena, "%s/" TABLES_FOLDER "/%s/%s", layout->roots[k],
                                          table_id, segment_id);
        if (folder == NULL)
            return err_nomem(err, segment_id);
        char **names = NULL;
        size_t count = 0;
        const enum err_code code =
            layout->store->ops->list(layout->store, folder, LAYOUT_NAMES_MAX, &names, &count, err);
        if (code == ERR_NOT_FOUND) {
            segment.folder = k == 0 ? folder : segment.folder;
            continue;
        }
        if (code != ERR_OK)
            return code;
        if (!segment.is_found)
            segment.folder = folder;
        segment.is_found = true;
        const bool taken = take_names(&segment, folder, names, count, arena);
        mem_free(names);
        if (!taken)
            return err_nomem(err, folder);
    }
    *ret_segment = segment;
    return ERR_OK;
}

/* "17.wal" -> 17. The server writes no leading zeros. */
static bool parse_log_name(const char *name, uint32_t *ret_number)
{
    const size_t digits = strspn(name, "0123456789");
    if (digits == 0 || digits > 10 || strcmp(name + digits, LOG_SUFFIX) != 0 ||
        (digits > 1 && name[0] == '0'))
        return false;
    const unsigned long number = strtoul(name, NULL, 10);
    if (number > WAL_FILE_NUMBER_MAX)
        return false;
    *ret_number = (uint32_t)number;
    return true;
}

static int compare_numbers(const void *a, const void *b)
{
    const struct layout_log_file *x = a, *y = b;
    return (x->number > y->number) - (x->number < y->number);
}

enum err_code layout_log_files(const struct layout *layout, struct arena *arena,
                               struct layout_log_file **ret_files, size_t *ret_count,
                               struct err *err)
{
    char **names = NULL;
    size_t name_count = 0;
    const enum err_code code = layout->store->ops->list(layout->store, layout->log_folder,
                                                        LAYOUT_NAMES_MAX, &names, &name_count, err);
    if (code != ERR_OK)
        return code;
    struct layout_log_file *files = arena_array(arena, name_count, sizeof *files);
    size_t count = 0;
    bool is_complete = files != NULL;
    for (size_t k = 0; k < name_count && is_complete; k++) {
        if (!parse_log_name(names[k], &files[count].number))
            continue;
        files[count].path = layout_log_path(layout, arena, files[count].number);
        is_complete = files[count++].path != NULL;
    }
    mem_free(names);
    if (!is_complete)
        return err_nomem(err, layout->log_folder);
    qsort(files, count, sizeof *files, compare_numbers);
    *ret_files = files;
    *ret_count = count;
    return ERR_OK;
}

const char *layout_mxlog_path(const struct layout *layout, struct arena *arena)
{
    return arena_printf(arena, "%s/mxlog.meta", layout->log_folder);
}

const char *layout_log_path(const struct layout *layout, struct arena *arena, uint32_t number)
{
    return arena_printf(arena, "%s/%u" LOG_SUFFIX, layout->log_folder, number);
}

enum err_code layout_list_tables(const struct layout *layout, size_t root, const char *table_id,
                                 char ***ret_names, size_t *ret_count, struct err *err)
{
    char *folder = table_id == NULL
                       ? mem_printf("%s/" TABLES_FOLDER, layout->roots[root])
                       : mem_printf("%s/" TABLES_FOLDER "/%s", layout->roots[root], table_id);
    if (folder == NULL)
        return err_nomem(err, layout->roots[root]);
    enum err_code code = layout->store->ops->list(layout->store, folder, LAYOUT_NAMES_MAX,
                                                  ret_names, ret_count, err);
    if (code == ERR_NOT_FOUND) {
        *ret_names = NULL;
        *ret_count = 0;
        code = ERR_OK;
    }
    mem_free(folder);
    return code;
}
