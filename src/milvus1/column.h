/* column.h: what `.rv` and `.uid` share: a u64 byte count, then that many bytes of equal items. */
#ifndef GODWIT_MILVUS1_COLUMN_H
#define GODWIT_MILVUS1_COLUMN_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "milvus1/flaw.h"

#define COLUMN_HEADER_SIZE 8

/* Items in the file; `items` names them in a flaw ("vectors"). See rv_check for the rest. */
enum err_code column_check(struct bytes head, uint64_t file_size, size_t item_size,
                           const char *items, uint64_t *ret_count, struct flaw *ret_flaw) MUST_USE;

#endif
