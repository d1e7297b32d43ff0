/* segment.h: a sealed segment, open for search: two mapped columns, checked as they are touched.
 *
 * Idea: a file is mapped whole and its extent used in place. Each block of 256 KiB has a checksum;
 * whoever is about to look at rows touches them first, and the first touch of a block compares. The
 * answer is kept in a bitmap, so later scans pay one load a block. Damage is ERR_CORRUPT with file
 * and offset, never a wrong row.
 *
 * Threads: any. Two threads may check one block at once; both come to the same answer. */
#ifndef GODWIT_ENGINE_SEGMENT_H
#define GODWIT_ENGINE_SEGMENT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/file.h"
#include "base/metric.h"
#include "flow/schema.h"

/* What the catalog says about a segment. */
struct segment_facts {
    uint64_t folder; /* the files: segments/FOLDER/NUMBER.* */
    uint64_t number;
    uint64_t rows; /* 0: there are no files */
    uint64_t dead_rows;
    uint64_t ids_offset;
    uint64_t vectors_offset;
    uint64_t sums_hash;
    uint64_t dead_hash;
    size_t row_size;
    size_t partition; /* index; the catalog's reader sets it */
};

struct segment_column {
    char *path;
    struct file_map map;
    const uint8_t *data; /* the extent, in the map */
    uint64_t offset;     /* of the extent in the file */
    uint64_t size;
    const uint64_t *sums;           /* one a block; borrowed. NULL: memory, never damaged */
    atomic_uint_least64_t *checked; /* bit a block */
};

/* A field of a segment beside ids and vectors: sections of its column file, or of memory. */
struct segment_extra {
    int64_t field_id;
    enum field_type type; /* as kept, row_layout.h */
    enum field_type element;
    size_t width;                  /* 0: rows differ */
    struct segment_column values;  /* rows x width, or bytes */
    struct segment_column offsets; /* rows that differ: (rows + 1) x 8 */
    struct segment_column valid;   /* bitmap_words(rows) x 8; size 0: no row is null */
};

struct column_file;
struct dead_rows;
struct bits;
struct graph;
struct lists;
struct row_buffer;
struct segment_shared;

/* The index of a vector field beyond the first. */
struct segment_index {
    int64_t field_id;
    struct lists *lists; /* each NULL when there is none */
    struct graph *graph;
    struct bits *bits;
};

struct segment {
    struct segment_facts facts;
    struct segment_column ids;     /* rows x 8 bytes, little-endian */
    struct segment_column vectors; /* rows x row_size */
    uint64_t *dead;                /* bit k: row k is dead; NULL: none */
    uint64_t *sums;                /* of both columns */
    struct lists *lists;           /* its index; NULL: none */
    struct graph *graph;           /* its second one; NULL: none */
    struct bits *bits;             /* that of binary vectors; NULL: none */
    int64_t vector_field;          /* whose vectors and indexes these are: an id; 0: the first's */
    struct segment_extra *extras;
    size_t extra_count;
    struct segment_index *indexes; /* of the further vector fields; for whoever makes views */
    size_t index_count;
    int64_t id; /* in the catalog; 0: growing rows */
    /* Who owns all this. `dead_rows`: the bitmap that `dead` points into, when it is one that
     * changes. `shared`: the files, when several snapshots have this segment. `buffer`: rows in
     * memory, there are no files. Else it owns the files alone. */
    struct dead_rows *dead_rows;
    struct segment_shared *shared;
    struct row_buffer *buffer;
    struct column_file *columns;
};

/* Opens the files below the database folder. Errors: ERR_NOT_FOUND when a file is missing (a writer
 * may have removed it), ERR_CORRUPT, ERR_IO, ERR_NOMEM; then nothing is to be closed. */
enum err_code segment_open(const char *folder, const struct segment_facts *facts,
                           struct segment *ret_segment, struct err *err) MUST_USE;
void segment_close(struct segment *segment);

/* Opens the indexes of the segment's vector field, those that are there and fit it; anything else
 * is as if there were none. */
void segment_open_indexes(struct segment *segment, const char *folder, enum metric_type metric,
                          size_t dim);
/* The segment's entry of a further vector field, or NULL. */
struct segment_index *segment_find_index(const struct segment *segment, int64_t field_id);

/* Checks the blocks that hold these rows of a column; `width` is the bytes of a row in it. */
enum err_code segment_touch(struct segment_column *column, uint64_t first_row, uint64_t rows,
                            size_t width, struct err *err) MUST_USE;

/* The two small files, for whoever reads columns by other means; freed by mem_free. `*ret_dead` is
 * NULL when no row is dead. */
enum err_code segment_read_sums(const char *stem, const struct segment_facts *facts,
                                uint64_t **ret_sums, struct err *err) MUST_USE;
enum err_code segment_read_dead(const char *stem, const struct segment_facts *facts,
                                uint64_t **ret_dead, struct err *err) MUST_USE;

#endif
