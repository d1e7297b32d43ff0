/* mxlog.h: the position up to which a server had applied its write-ahead log, file `mxlog.meta`.
 *
 * Format: three u64 little-endian: previous, current, current. It is rewritten in place, so a crash
 * may leave a new second and an old third: then the first counts. Source: milvus-io/milvus
 * v0.9.0..1.1, core/src/db/wal/WalMetaHandler.cpp. */
#ifndef GODWIT_MILVUS1_MXLOG_H
#define GODWIT_MILVUS1_MXLOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

#define MXLOG_SIZE 24

/* False (and ret_lsn unchanged) when there are fewer than MXLOG_SIZE bytes: the position is lost.
 * More bytes are ignored, as the server does. */
bool mxlog_decode(struct bytes in, uint64_t *ret_lsn);

#endif
