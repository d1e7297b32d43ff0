/* bits_build.h: makes the index file of one segment of binary vectors.
 *
 * The steps are those of lists_build.h; there is nothing to measure and nothing to encode, rows are
 * only laid out list by list. Each step is parallel and gives the same bytes whatever the number of
 * threads. What is held beside the mapped segment is about 12 bytes a row, 5 bytes for each bit of
 * each list, and the codes of one part of the file, within `memory_max`: where that is little,
 * there are fewer lists. */
#ifndef GODWIT_ENGINE_BITS_BUILD_H
#define GODWIT_ENGINE_BITS_BUILD_H

#include "base/err.h"
#include "engine/lists_build.h"

/* Writes `path` (all or nothing). Errors: ERR_CORRUPT of the segment, ERR_NO_SPACE, ERR_IO,
 * ERR_NOMEM, ERR_INTERRUPTED. */
enum err_code bits_build(const struct lists_build_options *options, const char *path,
                         struct err *err) MUST_USE;

#endif
