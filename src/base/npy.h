/* npy.h: the header of a NumPy .npy file, versions 1.0 to 3.0 read, 1.0 written.
 *
 * Format: magic, version, header length, a Python literal {'descr','fortran_order','shape'}, padded
 * so that data starts at a multiple of 64. Source: numpy.lib.format. Only C order, one or two
 * dimensions, and the types below. */
#ifndef GODWIT_BASE_NPY_H
#define GODWIT_BASE_NPY_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"

enum npy_type {
    NPY_FLOAT32,
    NPY_FLOAT64,
    NPY_INT64,
    NPY_INT32,
    NPY_UINT8,
    /* Only npy_header_decode_any() gives these: */
    NPY_BOOL,
    NPY_INT8,
    NPY_INT16,
    NPY_UNICODE, /* text of a fixed number of 4-byte characters, zeros behind it */
    NPY_BYTES    /* text of a fixed number of bytes, likewise */
};

struct npy_header {
    enum npy_type type;
    uint64_t rows;
    uint64_t columns; /* 1 for a one-dimensional array */
    int dimensions;   /* 1 or 2 */
    size_t data_offset;
    size_t item_size; /* bytes of an element */
};

#define NPY_HEADER_SIZE 128      /* what npy_header_encode writes, always */
#define NPY_HEADER_SIZE_MAX 4096 /* what a reader looks at */

size_t npy_item_size(enum npy_type type);
/* `in` is the start of a file, at least its header. ERR_CORRUPT with offset, found, expected. */
enum err_code npy_header_decode(struct bytes in, struct npy_header *ret_header,
                                struct err *err) MUST_USE;
/* The same for all types of the list. */
enum err_code npy_header_decode_any(struct bytes in, struct npy_header *ret_header,
                                    struct err *err) MUST_USE;
/* Exactly NPY_HEADER_SIZE bytes into `buffer`; data_offset of the argument is ignored. */
void npy_header_encode(const struct npy_header *header, uint8_t *buffer);

#endif
