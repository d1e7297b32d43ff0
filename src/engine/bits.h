/* bits.h: an index file of the plan BITS, mapped: lists of binary rows around centroids.
 *
 * A segment's live rows are put into lists by k-means over their bits; a list holds its rows as
 * groups of 16 (kernel/bit.h), so a scan of it reads memory in order and needs no rerank: the copy
 * gives exact scores. The copy pays: rows of 32 or 128 bytes read one by one in the segment's order
 * cost 5 to 10 times as much as the same rows in a row. A table says which row each place holds.
 *
 * The file is derived, as lists.h says of its own. Threads: any. */
#ifndef GODWIT_ENGINE_BITS_H
#define GODWIT_ENGINE_BITS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/file.h"
#include "engine/bits_format.h"
#include "engine/lists.h"

struct bits {
    char *path;
    struct file_map map;
    struct bits_header header;
    struct bits_layout at;
    const uint32_t *starts;
    const float *norms;
    const uint8_t *weights;
    const uint32_t *rows; /* BITS_NO_ROW: none; else to be compared with header.rows */
    const uint8_t *groups;
    atomic_int state;
};

/* Maps a file and reads its head. ERR_NOT_FOUND, ERR_CORRUPT, ERR_UNSUPPORTED (another version),
 * ERR_STATE (of another segment), ERR_IO, ERR_NOMEM: the caller goes on without. */
enum err_code bits_open(const char *path, const struct lists_identity *identity,
                        struct bits **ret_bits, struct err *err) MUST_USE;
void bits_close(struct bits *bits); /* NULL accepted */

/* False when the file is damaged. The first call reads all of it. NULL: false. */
bool bits_are_sound(struct bits *bits);

#endif
