/* segment_write.h: the files of one new segment, from a reader.
 *
 * Three ways, in this order:
 *   link   a hard link to each column's file; dead rows become a bitmap. The file is never written.
 *   copy   the kernel copies the extents (no dead rows); each piece is checksummed as it lies there
 *   pack   live rows go through a buffer, dead ones are left out
 * All files get temporary names, are synced, then renamed, then their folder is synced. What bears
 * a name we are about to create is unlinked first, never truncated: a dead run with --link may have
 * left a hard link to the source there.
 * Memory: about 2 MiB, whatever the segment's size. Threads: any, on different stems. */
#ifndef GODWIT_ENGINE_SEGMENT_WRITE_H
#define GODWIT_ENGINE_SEGMENT_WRITE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/segment.h"
#include "flow/meter.h"
#include "flow/source.h"

struct segment_write_request {
    const char *stem;              /* layout_segment_stem(); its folder exists */
    struct segment_reader *reader; /* at its start */
    const uint64_t *dead;          /* rows to leave out, NULL: none */
    uint64_t live_rows;            /* how many remain */
    bool link;                     /* asks for hard links where the reader has extents */
    struct meter *meter;           /* or NULL */
};

/* ret_facts: everything but folder, number and partition. live_rows 0: rows is 0 and there are no
 * files. Errors: those of the reader; ERR_UNSUPPORTED when links are not possible; ERR_NO_SPACE,
 * ERR_IO, ERR_NOMEM; ERR_INTERRUPTED from the meter. Temporary files are then removed. */
enum err_code segment_write(const struct segment_write_request *request,
                            struct segment_facts *ret_facts, bool *ret_is_linked,
                            struct err *err) MUST_USE;
/* Removes the files of a segment, finished or not. */
enum err_code segment_remove(const char *stem, struct err *err) MUST_USE;

#endif
