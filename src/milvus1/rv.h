/* rv.h: the raw vectors of one segment, file `<segment_id>.rv`.
 *
 * Format: u64 little-endian count of payload bytes, then rows back to back (4 * dim bytes of
 * IEEE-754 singles, or dim / 8 bytes of a binary collection). No magic, no checksum. Source:
 * milvus-io/milvus v0.9.0..1.1, core/src/codecs/default/DefaultVectorsFormat.cpp.
 * A server that lost power or disk space may leave a file shorter than its count; the old server
 * then served zeros for the missing rows, we call it damage. Bytes in, a number out: no files. */
#ifndef GODWIT_MILVUS1_RV_H
#define GODWIT_MILVUS1_RV_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "milvus1/flaw.h"

#define RV_HEADER_SIZE 8 /* rows begin here */

/* How many rows a file holds.
 *   head      the file's first bytes, at least min(file_size, RV_HEADER_SIZE)
 *   row_size  bytes of a row, not 0
 * ERR_CORRUPT with `ret_flaw` when header, length and row size disagree or there are more than
 * SEGMENT_ROWS_MAX rows; ret_rows is then unchanged. Threads: any. */
enum err_code rv_check(struct bytes head, uint64_t file_size, size_t row_size, uint64_t *ret_rows,
                       struct flaw *ret_flaw) MUST_USE;

#endif
