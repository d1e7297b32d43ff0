/* segment.h: one segment of an installation: its files, checked, and its rows as batches.
 *
 * Complete means: one `.rv` and one `.uid`, each exactly as long as its header says, as many ids as
 * vectors, and `deleted_docs` (every one, over all roots) at least as long as announced. Anything
 * else is damage: no row of it is read. A missing `deleted_docs` means no deletes; the caller tells
 * the user. Vectors and ids stay in their files. Source: milvus-io/milvus v0.9.0..1.1,
 * core/src/segment/SegmentWriter.cpp (order of writing), codecs/default/. */
#ifndef GODWIT_MILVUS1_SEGMENT_H
#define GODWIT_MILVUS1_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/store.h"
#include "flow/source.h"
#include "milvus1/deleted_docs.h"
#include "milvus1/flaw.h"
#include "milvus1/kill_set.h"
#include "milvus1/layout.h"

struct segment1_place {
    const struct layout *layout;
    const char *table_id;
    const char *segment_id;
    size_t row_size; /* 0: not known yet, vectors and ids are then not compared */
};

struct segment1 {
    struct arena arena; /* owns the paths */
    struct layout_segment paths;
    struct store_file rv;
    struct store_file uid;
    size_t row_size;
    uint64_t rows;
    uint64_t vector_size;    /* bytes of all vectors */
    const char *flawed_path; /* after ERR_CORRUPT: which file, and what is wrong with it */
    struct flaw flaw;
    bool is_unreadable; /* what is wrong: the system does not let us read its folder or a file */
};

/* Opens and checks. ERR_CORRUPT: damaged or unreadable, see flawed_path and flaw; ERR_NOMEM. Call
 * segment1_close whatever it returned. */
enum err_code segment1_open(const struct segment1_place *place, struct segment1 *ret_segment,
                            struct err *err) MUST_USE;
void segment1_close(struct segment1 *segment);

struct segment1_dead {
    uint64_t *bitmap; /* NULL when every row lives; freed by mem_free */
    uint64_t rows;    /* set bits */
    uint64_t killed;  /* of these: only by the write-ahead log */
    struct deleted_docs_counts offsets;
    const char *outside_path; /* file of the first offset that no row has */
};
/* Finds the dead rows: deleted_docs, then `kills` (which reads all ids when it is active). */
enum err_code segment1_find_dead(struct segment1 *segment, const struct kill_view *kills,
                                 struct segment1_dead *ret_dead, struct err *err) MUST_USE;

/* Ids of rows [first, first + count). */
enum err_code segment1_read_ids(const struct segment1 *segment, uint64_t first, size_t count,
                                int64_t *ret_ids, struct err *err) MUST_USE;
/* Bytes of the vectors of these rows. */
enum err_code segment1_read_vectors(const struct segment1 *segment, uint64_t first, size_t count,
                                    uint8_t *ret_vectors, struct err *err) MUST_USE;

/* A reader over all its rows, dead ones marked. */
enum err_code segment1_read(const struct segment1_place *place, const struct kill_view *kills,
                            struct segment_reader **ret_reader, struct err *err) MUST_USE;

/* Rows in a batch: at most BATCH_SIZE bytes of vectors, and not too many ids. */
size_t segment1_batch_rows(size_t row_size);

#endif
