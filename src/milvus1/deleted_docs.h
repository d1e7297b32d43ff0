/* deleted_docs.h: which rows of one segment are deleted, file `deleted_docs`.
 *
 * Format: u64 little-endian byte count (4 * n), then n i32 row offsets from 0, in no order, maybe
 * repeated (servers up to 1.0 append at every flush). The count is the authority: bytes after it
 * are stale, since the server rewrites the file without truncating it. Source: milvus-io/milvus
 * v0.9.0..1.1, core/src/codecs/default/DefaultDeletedDocsFormat.cpp.
 * Bytes in, bitmap out: no files. What a missing file means is decided in segment.c. */
#ifndef GODWIT_MILVUS1_DELETED_DOCS_H
#define GODWIT_MILVUS1_DELETED_DOCS_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "milvus1/flaw.h"

#define DELETED_DOCS_HEADER_SIZE 8 /* offsets begin here */

/* How many offsets a file holds.
 *   head   the file's first bytes, at least min(file_size, DELETED_DOCS_HEADER_SIZE)
 * ERR_CORRUPT with `ret_flaw` when the header is short or its count is no multiple of 4 or passes
 * the end of the file. Threads: any. */
enum err_code deleted_docs_check(struct bytes head, uint64_t file_size, uint64_t *ret_offsets,
                                 struct flaw *ret_flaw) MUST_USE;

/* What the offsets were; add up over pieces of one file and over files of one segment. */
struct deleted_docs_counts {
    uint64_t offsets;       /* all that were looked at */
    uint64_t deleted;       /* rows newly marked */
    uint64_t outside;       /* offsets that no row has: ignored, the caller reports them */
    uint64_t outside_index; /* number of the first of those, from 0 */
    int32_t outside_value;  /* and the offset itself */
};

/* Marks rows in `bitmap` (bit k = row k; (rows + 63) / 64 words, owned by the caller, cleared by it
 * before the first piece).
 *   offsets   a piece of the file behind its header, whole offsets (size a multiple of 4) */
void deleted_docs_mark(struct bytes offsets, uint64_t rows, uint64_t *bitmap,
                       struct deleted_docs_counts *counts);

#endif
