/* inflate.h: decompressing what came from outside (zlib; the only file that includes it).
 *
 * A small input can decompress to a thousand times its size, so the output has a maximum, grows
 * with what has come out of it, and asks before it grows. */
#ifndef GODWIT_BASE_INFLATE_H
#define GODWIT_BASE_INFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"

struct inflate_options {
    size_t size_max; /* of the output */
    bool is_gzip;    /* gzip, several members one after another allowed; else zlib ("deflate") */
    /* May the output take `size` more bytes? NULL: yes. */
    bool (*may_grow)(void *context, size_t size);
    void *context;
};

/* Decompresses all of `in` into a new block (mem_free; NULL when nothing comes out).
 * Errors: ERR_CORRUPT (damaged, cut, or followed by other bytes), ERR_INVALID (more than size_max
 * bytes), ERR_NOMEM (also when may_grow refused). */
enum err_code inflate_all(struct bytes in, const struct inflate_options *options,
                          uint8_t **ret_data, size_t *ret_size, struct err *err) MUST_USE;

#endif
