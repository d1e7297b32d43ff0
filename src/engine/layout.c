/* layout.c: see layout.h and docs/database-format.md. */
#include "engine/layout.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/path.h"

#define CATALOG "catalog.sqlite"

char *layout_catalog(const char *folder)
{
    return path_join(folder, CATALOG);
}

char *layout_lock(const char *folder)
{
    return path_join(folder, "lock");
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

bool layout_parse_file(const char *name, uint64_t *ret_number)
{
    static const char *const endings[] = {"." LAYOUT_IDS, "." LAYOUT_VECTORS, "." LAYOUT_SUMS,
                                          "." LAYOUT_DEAD, "." LAYOUT_LISTS};
    const char *end = NULL;
    if (!parse_number(name, ret_number, &end))
        return false;
    for (size_t k = 0; k < sizeof endings / sizeof endings[0]; k++)
        if (strcmp(end, endings[k]) == 0)
            return true;
    return false;
}

bool layout_is_own_name(const char *name)
{
    return strcmp(name, "lock") == 0 || strcmp(name, "segments") == 0 ||
           strncmp(name, CATALOG, strlen(CATALOG)) == 0;
}
