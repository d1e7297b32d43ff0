/* names.h: which names and numbers Milvus accepts, and what it says of the others. */
#ifndef GODWIT_MILVUS2_NAMES_H
#define GODWIT_MILVUS2_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "milvus2/status.h"

#define NAME_SIZE_MAX 255
#define LIMIT_ROWS 16384 /* nq, topk, limit + offset, batches of iterators */
#define LIMIT_COLLECTIONS 65536
#define LIMIT_DATABASES 64
#define LIMIT_PARTITIONS 1024
#define LIMIT_SHARDS 16
#define LIMIT_VECTOR_FIELDS 4
#define LIMIT_VARCHAR 65535
#define LIMIT_CAPACITY 4096
#define LIMIT_DIM 32768
#define LIMIT_DIM_BITS (LIMIT_DIM * 8)
#define LIMIT_PARTITION_KEYS 1024
#define LIMIT_USERS 100
#define PARTITION_KEYS_DEFAULT 16

/* Each: true, or false with the status set. */
bool name_check_collection(struct status *status, const char *name);
bool name_check_alias(struct status *status, const char *name);
bool name_check_database(struct status *status, const char *name);
bool name_check_field(struct status *status, const char *name);
bool name_check_partition(struct status *status, const char *name);
bool name_check_index(struct status *status, const char *name);
bool name_check_user(struct status *status, const char *name);
bool name_check_password(struct status *status, const char *password);

/* limit > 0, offset >= 0, limit + offset <= LIMIT_ROWS. */
bool limit_check_window(struct status *status, int64_t limit, int64_t offset);

/* A whole decimal number; blanks around it are fine. False when it is none. */
bool number_parse_int(const char *text, int64_t *ret_value);
bool number_parse_double(const char *text, double *ret_value);
/* "true", "True", "1"... ; anything else is false. */
bool number_parse_bool(const char *text);

#endif
