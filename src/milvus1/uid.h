/* uid.h: the row ids of one segment, file `<segment_id>.uid`.
 *
 * Format: u64 little-endian byte count (8 * rows), then i64 ids; id k belongs to row k of the
 * `.rv`. Not sorted, not unique, any i64. Source: milvus-io/milvus v0.9.0..1.1,
 * core/src/codecs/default/DefaultVectorsFormat.cpp. Bytes in, array out: no files. */
#ifndef GODWIT_MILVUS1_UID_H
#define GODWIT_MILVUS1_UID_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "milvus1/flaw.h"

#define UID_HEADER_SIZE 8 /* ids begin here */

/* How many ids a file holds; like rv_check. */
enum err_code uid_check(struct bytes head, uint64_t file_size, uint64_t *ret_rows,
                        struct flaw *ret_flaw) MUST_USE;

/* Turns `count` ids as they stand on disk into numbers of this machine, in place (the block was
 * read as bytes). */
void uid_decode(int64_t *ids, size_t count);

#endif
