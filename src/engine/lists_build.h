/* lists_build.h: makes the index file of one segment.
 *
 *   1 read      every block of the columns is checked once
 *   2 measure   mean, spread, rotation, from up to 50,000 rows
 *   3 k-means   on 40 rows a list, at most
 *   4 assign    each live row to its nearest centroid
 *   5 encode    list after list, straight into the file
 *   6 calibrate the ladder (calibrate.h)
 *   7 publish   fsync, rename
 * Each step is parallel and gives the same bytes whatever the number of threads. Rows are read from
 * the map again and again, never copied; what is held beside it is about 12 bytes a row and the
 * sample, which is kept within `memory_max`. A build that is killed leaves a .tmp file, which the
 * next writer sweeps. */
#ifndef GODWIT_ENGINE_LISTS_BUILD_H
#define GODWIT_ENGINE_LISTS_BUILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/metric.h"
#include "engine/segment.h"
#include "flow/meter.h"
#include "kernel/kernel.h"

struct lists_build_options {
    struct segment *segment;
    enum metric_type metric;
    size_t dim;
    size_t threads;
    size_t memory_max; /* bytes to be held at once, roughly */
    struct meter
        *meter; /* counts each row three times; its stop flag ends the build; may be NULL */
    const struct kernel *kernel;
    bool keeps_graph; /* for graph_build(): also where the lists serve as well */
};

/* Writes `path` (all or nothing). Errors: ERR_CORRUPT of the segment, ERR_NO_SPACE, ERR_IO,
 * ERR_NOMEM, ERR_INTERRUPTED. */
enum err_code lists_build(const struct lists_build_options *options, const char *path,
                          struct err *err) MUST_USE;

#endif
