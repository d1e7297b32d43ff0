/* path.c: see path.h. */
#include "base/path.h"

#include <string.h>

#include "base/mem.h"

bool path_copy(const char *path, char *buffer, size_t size)
{
    const size_t length = strlen(path);
    if (length >= size)
        return false;
    memmove(buffer, path, length + 1);
    return true;
}

bool path_parent(const char *path, char *buffer, size_t size)
{
    if (!path_copy(path, buffer, size))
        return false;
    size_t length = strlen(buffer);
    while (length > 1 && buffer[length - 1] == '/')
        length--;
    while (length > 0 && buffer[length - 1] != '/')
        length--;
    while (length > 1 && buffer[length - 1] == '/')
        length--;
    if (length == 0)
        return path_copy(".", buffer, size);
    buffer[length] = '\0';
    return true;
}

const char *path_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

char *path_join(const char *folder, const char *name)
{
    const size_t length = strlen(folder);
    const bool has_slash = length > 0 && folder[length - 1] == '/';
    return mem_printf("%s%s%s", folder, has_slash || length == 0 ? "" : "/", name);
}

bool path_has_suffix(const char *path, const char *suffix)
{
    const size_t length = strlen(path);
    const size_t end = strlen(suffix);
    return length >= end && strcmp(path + length - end, suffix) == 0;
}
