/* graph_build.h: makes the graph file of one segment, from the segment's lists.
 *
 *   1 encode     every live row, list by list (graph_base.h)
 *   2 link       near rows, pruning, the other way (graph_links.h)
 *   3 heads      the middle row of each list, around super heads; what they do not lead to is
 *                connected
 *   4 write      sections and checksums
 *   5 calibrate  the ladder (graph_calibrate.h); where the lists serve every level as well, only
 *                the head is kept, which says so
 *   6 publish    fsync, rename
 * Each step gives the same bytes whatever the number of threads. What is held at once is a bit more
 * than two bytes a dimension and 400 bytes a row; where that is more than `memory_max`, no graph is
 * made. A build that is killed leaves a .tmp file, which the next writer sweeps. */
#ifndef GODWIT_ENGINE_GRAPH_BUILD_H
#define GODWIT_ENGINE_GRAPH_BUILD_H

#include "base/err.h"
#include "engine/lists_build.h"

/* Writes `path` (all or nothing; nothing where there is no room, and no error then).
 *   lists  the segment's, sound
 *   options->meter counts each row seven times
 * Errors: those of lists_build(). */
enum err_code graph_build(const struct lists_build_options *options, const struct lists *lists,
                          const char *path, struct err *err) MUST_USE;

#endif
