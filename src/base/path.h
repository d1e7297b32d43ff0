/* path.h: text of paths; touches no file. */
#ifndef GODWIT_BASE_PATH_H
#define GODWIT_BASE_PATH_H

#include <stdbool.h>
#include <stddef.h>

/* Copies; false when it does not fit. */
bool path_copy(const char *path, char *buffer, size_t size);
/* The folder of a path: "a/b" -> "a", "a" -> ".", "/a" -> "/", "a/b/" -> "a". buffer may be path.
 */
bool path_parent(const char *path, char *buffer, size_t size);
/* What stands after the last slash; borrowed. */
const char *path_name(const char *path);
/* "FOLDER/NAME" without a doubled slash; mem_free. NULL when memory ends. */
char *path_join(const char *folder, const char *name);
bool path_has_suffix(const char *path, const char *suffix);

#endif
