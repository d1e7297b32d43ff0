/* vectors.h: vectors and ids that people hand in, as text or as .npy files, in the form that the
 * engine takes. */
#ifndef GODWIT_CLI_VECTORS_H
#define GODWIT_CLI_VECTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/file.h"
#include "base/text.h"

/* Rows of float singles or of bytes (binary). */
struct vectors {
    const uint8_t *data; /* rows x row_size */
    uint64_t rows;
    size_t dim; /* components, or bits */
    size_t row_size;
    bool is_binary;
    struct file_map map; /* private: where the data is, when it is a file as it is */
    void *memory;        /* private: or here */
};

/* "[1.5, 2, ...]", or for a binary collection "[0, 255, ...]" (bytes) or hexadecimal digits.
 * `where` begins the error. ERR_INVALID, ERR_NOMEM. */
enum err_code vectors_from_text(const char *where, const char *text, bool is_binary,
                                struct vectors *ret_vectors, struct err *err) MUST_USE;
/* A .npy file: float32 or float64 (converted) of (n, dim) or (dim,); uint8 of (n, dim / 8) or
 * (dim / 8,) for binary. ERR_INVALID, ERR_CORRUPT, ERR_NOT_FOUND, ERR_NOMEM. */
enum err_code vectors_from_npy(const char *path, struct vectors *ret_vectors,
                               struct err *err) MUST_USE;
void vectors_release(struct vectors *vectors); /* zeroed accepted */

/* Ids of a .npy file: int64 or int32 of (n,). Freed by ids_release. */
struct ids {
    const int64_t *items;
    uint64_t count;
    struct file_map map; /* private */
    void *memory;        /* private */
};
enum err_code ids_from_npy(const char *path, struct ids *ret_ids, struct err *err) MUST_USE;
void ids_release(struct ids *ids);

/* One vector as a JSON array of numbers, or of bytes. */
void vector_add_json(struct text *text, const char *key, const uint8_t *vector, size_t row_size,
                     bool is_binary);
/* The same for people: at most `shown_max` components, hexadecimal digits for bits. */
void vector_add_text(struct text *text, const uint8_t *vector, size_t row_size, bool is_binary,
                     size_t shown_max);

/* A .npy file under a temporary name. */
struct npy_writer;
enum npy_column { NPY_COLUMN_IDS, NPY_COLUMN_FLOATS, NPY_COLUMN_BYTES };
/* Writes FOLDER/NAME or any path; `columns` 0: a one-dimensional array. The header is written at
 * the end. NULL-safe close removes an unfinished file. */
enum err_code npy_writer_open(const char *path, enum npy_column column, size_t columns,
                              struct npy_writer **ret_writer, struct err *err) MUST_USE;
enum err_code npy_writer_add(struct npy_writer *writer, const void *data, size_t size,
                             struct err *err) MUST_USE;
/* Header, sync; the file is complete under its temporary name. */
enum err_code npy_writer_finish(struct npy_writer *writer, uint64_t rows, struct err *err) MUST_USE;
/* Gives the finished file its name. */
enum err_code npy_writer_publish(struct npy_writer *writer, struct err *err) MUST_USE;
void npy_writer_close(struct npy_writer *writer);

#endif
