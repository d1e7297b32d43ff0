/* graph_write.h: writes a graph file: sections, checksums, head. */
#ifndef GODWIT_ENGINE_GRAPH_WRITE_H
#define GODWIT_ENGINE_GRAPH_WRITE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/codes.h"
#include "engine/graph_format.h"
#include "engine/graph_walk.h"

struct graph_content {
    struct graph_header *header; /* table_hash is set here */
    const struct codes *codes;
    const struct graph_heads *heads;
    const uint32_t *rows;
    const float *norms; /* NULL: rows have their own */
    const uint8_t *row_codes;
    const uint32_t *links;
    size_t threads;
};

/* The whole file into an empty one that is open for writing; not yet synced. Errors: ERR_IO,
 * ERR_NO_SPACE, ERR_NOMEM. */
enum err_code graph_write(const struct graph_content *content, int fd, const char *path,
                          struct err *err) MUST_USE;
/* Writes the head (again). */
enum err_code graph_write_header(const struct graph_header *header, int fd, const char *path,
                                 struct err *err) MUST_USE;

#endif
