/* lists.h: an index file of the plan LISTS, mapped: k-means lists of 4-bit codes.
 *
 * A segment's live rows are put into lists around centroids; each list is some groups of codes
 * (kernel/code.h). A search ranks the centroids, scans the codes of the nearest lists, and scores
 * the best rows exactly from the segment's own columns, which stay in arrival order: a table says
 * which row each place holds.
 *
 * The file is derived: a missing, damaged, older or foreign one only means that the segment is
 * scanned whole. Checksums are compared once, when the file is first needed.
 *
 * Threads: any; two may check at once and come to the same answer. */
#ifndef GODWIT_ENGINE_LISTS_H
#define GODWIT_ENGINE_LISTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/file.h"
#include "engine/codes.h"
#include "engine/lists_format.h"

struct lists {
    char *path;
    struct file_map map;
    struct lists_header header;
    struct codes codes; /* points into the map */
    const uint32_t *starts;
    const uint8_t *centroids;
    const uint32_t *rows; /* LISTS_NO_ROW: none; else to be compared with header.rows */
    const uint8_t *groups;
    size_t centroid_lines;
    size_t code_lines;
    size_t group_size; /* bytes of a group of codes */
    atomic_int state;
};

/* What the file must be about. */
struct lists_identity {
    enum metric_type metric;
    size_t dim;
    uint64_t rows;
    uint64_t sums_hash;
    uint64_t dead_hash;
};

/* Maps a file and reads its head. ERR_NOT_FOUND, ERR_CORRUPT, ERR_UNSUPPORTED (another version),
 * ERR_STATE (of another segment), ERR_IO, ERR_NOMEM: the caller goes on without. */
enum err_code lists_open(const char *path, const struct lists_identity *identity,
                         struct lists **ret_lists, struct err *err) MUST_USE;
void lists_close(struct lists *lists); /* NULL accepted */

/* False when the file is damaged. The first call reads all of it. NULL: false. */
bool lists_are_sound(struct lists *lists);

#endif
