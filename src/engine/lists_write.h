/* lists_write.h: writes an index file: sections, checksums, head. The codes are made here, a few
 * lists at a time, so that they never are in memory all at once. */
#ifndef GODWIT_ENGINE_LISTS_WRITE_H
#define GODWIT_ENGINE_LISTS_WRITE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/codes.h"
#include "engine/lists_format.h"
#include "engine/segment.h"
#include "flow/meter.h"

struct lists_content {
    struct lists_header *header; /* table_hash is set here */
    const struct codes *codes;
    const uint8_t *centroids; /* groups of 7-bit codes */
    uint32_t *starts;         /* lists + 1 */
    uint32_t *rows;           /* 16 x groups */
    const struct segment *segment;
    struct meter *meter; /* may be NULL */
    size_t threads;
};

/* The whole file into an empty one that is open for writing; not yet synced. Errors: ERR_IO,
 * ERR_NO_SPACE, ERR_NOMEM, ERR_INTERRUPTED. */
enum err_code lists_write(const struct lists_content *content, int fd, const char *path,
                          struct err *err) MUST_USE;
/* Writes the head (again). */
enum err_code lists_write_header(const struct lists_header *header, int fd, const char *path,
                                 struct err *err) MUST_USE;

#endif
