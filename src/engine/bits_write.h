/* bits_write.h: lays out an index file of binary vectors, part by part. */
#ifndef GODWIT_ENGINE_BITS_WRITE_H
#define GODWIT_ENGINE_BITS_WRITE_H

#include "base/err.h"
#include "engine/bits_format.h"
#include "engine/lists_build.h"

struct bits_content {
    struct bits_header *header; /* table_hash is set here */
    const uint8_t *weights;
    const float *norms;
    uint32_t *starts; /* lists + 1 */
    uint32_t *rows;   /* 16 x groups */
    const struct lists_build_options *options;
};

/* The whole file into an empty one that is open for writing; not yet synced. Errors: ERR_IO,
 * ERR_NO_SPACE, ERR_NOMEM, ERR_INTERRUPTED. */
enum err_code bits_write(const struct bits_content *content, int fd, const char *path,
                         struct err *err) MUST_USE;
/* Writes the head (again). */
enum err_code bits_write_header(const struct bits_header *header, int fd, const char *path,
                                struct err *err) MUST_USE;

#endif
