/* layout.c: see layout.h and docs/database-format.md. */
#include "engine/layout.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/path.h"

#define CATALOG "catalog.sqlite"
#define INDEX "index" /* files of the folder about its indexes */
#define TEMPORARY ".tmp"

char *layout_catalog(const char *folder)
{
    return path_join(folder, CATALOG);
}

char *layout_lock(const char *folder)
{
    return path_join(folder, "lock");
}

char *layout_index_lock(const char *folder)
{
    return path_join(folder, INDEX ".lock");
}

char *layout_index_status(const char *folder)
{
    return path_join(folder, INDEX ".json");
}

char *layout_index_wanted(const char *folder)
{
    return path_join(folder, INDEX ".wanted");
}

char *layout_index_log(const char *folder)
{
    return path_join(folder, INDEX ".log");
}

char *layout_segments(const char *folder)
{
    return path_join(folder, "segments");
}

char *layout_segment_folder(const char *folder, uint64_t segment_folder)
{
    return mem_printf("%s/segments/%" PRIu64, folder, segment_folder);
}

char *layout_segment_stem(const char *folder, uint64_t segment_folder, uint64_t number)
{
    return mem_printf("%s/segments/%" PRIu64 "/%06" PRIu64, folder, segment_folder, number);
}

char *layout_file(const char *stem, const char *extension)
{
    return mem_printf("%s.%s", stem, extension);
}

char *layout_index_file(const char *stem, int64_t vector_field, const char *extension)
{
    if (vector_field == 0)
        return layout_file(stem, extension);
    return mem_printf("%s.f%" PRId64 ".%s", stem, vector_field, extension);
}

/* Digits only, no sign or space; `*ret_end` is what follows them. */
static bool parse_number(const char *text, uint64_t *ret_number, const char **ret_end)
{
    const size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 18)
        return false;
    *ret_number = strtoull(text, NULL, 10);
    *ret_end = text + digits;
    return true;
}

bool layout_parse_folder(const char *name, uint64_t *ret_segment_folder)
{
    const char *end = NULL;
    return parse_number(name, ret_segment_folder, &end) && *end == '\0';
}

/* Is the ending one of these? They end with NULL. */
static bool is_among(const char *end, size_t size, const char *const *endings)
{
    for (size_t k = 0; endings[k] != NULL; k++)
        if (strlen(endings[k]) == size && memcmp(end, endings[k], size) == 0)
            return true;
    return false;
}

/* The ending of an index file, of whichever field. */
static bool is_index_ending(const char *end, size_t size)
{
    static const char *const endings[] = {"." LAYOUT_LISTS, "." LAYOUT_GRAPH, "." LAYOUT_BUILT,
                                          "." LAYOUT_BITS, NULL};
    uint64_t field = 0;
    const char *rest = end;
    if (size > 2 && strncmp(end, ".f", 2) == 0 && !parse_number(end + 2, &field, &rest))
        return false;
    const size_t skipped = (size_t)(rest - end);
    return skipped < size && is_among(rest, size - skipped, endings);
}

bool layout_parse_file(const char *name, uint64_t *ret_number)
{
    static const char *const endings[] = {"." LAYOUT_IDS,  "." LAYOUT_VECTORS, "." LAYOUT_SUMS,
                                          "." LAYOUT_DEAD, "." LAYOUT_COLUMNS, NULL};
    const char *end = NULL;
    return parse_number(name, ret_number, &end) &&
           (is_among(end, strlen(end), endings) || is_index_ending(end, strlen(end)));
}

bool layout_parse_index_temporary(const char *name, uint64_t *ret_number)
{
    const char *end = NULL;
    return path_has_suffix(name, TEMPORARY) && parse_number(name, ret_number, &end) &&
           is_index_ending(end, strlen(end) - strlen(TEMPORARY));
}

bool layout_is_own_name(const char *name)
{
    return strcmp(name, "lock") == 0 || strcmp(name, "segments") == 0 ||
           strncmp(name, INDEX ".", strlen(INDEX ".")) == 0 ||
           strncmp(name, CATALOG, strlen(CATALOG)) == 0;
}
