/* wal_record.h: one record of a write-ahead log file `<N>.wal`.
 *
 * Records stand back to back from offset 0, without padding or checksum; packed, little-endian:
 *     0 u64 lsn   8 u8 type   9 u16 L1   11 u16 L2   13 u32 n   17 u32 D
 *     21 collection name (L1)   partition tag as the client sent it (L2)   n i64 ids   D vector
 * bytes lsn = N << 32 | offset of the byte AFTER the record: the one thing by which a torn or
 * stale record is known. Source: milvus-io/milvus v0.9.0..1.1, core/src/db/wal/WalBuffer.cpp,
 * WalDefinations.h. Bytes in, numbers out: no files. */
#ifndef GODWIT_MILVUS1_WAL_RECORD_H
#define GODWIT_MILVUS1_WAL_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "milvus1/flaw.h"

#define WAL_HEADER_SIZE 21
#define WAL_HEAD_SIZE_MAX (WAL_HEADER_SIZE + 2 * 65535) /* header and both names */
#define WAL_FILE_NUMBER_MAX 0x7fffffffU                 /* an lsn fits a signed 64-bit column */

enum wal_type {
    WAL_NONE = 0,
    WAL_INSERT_BINARY = 1,
    WAL_INSERT_VECTOR = 2,
    WAL_DELETE = 3,
    WAL_UPDATE = 4,
    WAL_FLUSH = 5,
    WAL_ENTITY = 6 /* hybrid; has another header, never written by a released server */
};

struct wal_record {
    uint64_t lsn;
    uint64_t size; /* of the whole record */
    unsigned type;
    struct bytes collection; /* borrowed from the input */
    struct bytes tag;        /* untrimmed; borrowed */
    uint32_t id_count;
    uint32_t data_size;
    uint64_t ids_offset;  /* in the file */
    uint64_t data_offset; /* in the file */
};

/* Where a record stands. */
struct wal_place {
    uint32_t file_number;
    uint64_t offset;
    uint64_t file_size;
};

/* Decodes the record at `place`.
 *   in   bytes from place.offset on: all of the record up to its ids, or to the end of the file
 * ERR_CORRUPT with `ret_flaw`: cut, or its lsn does not fit its place (torn or stale).
 * ERR_UNSUPPORTED: an entity record. ret_record is then unchanged. Threads: any. */
enum err_code wal_record_decode(struct bytes in, const struct wal_place *place,
                                struct wal_record *ret_record, struct flaw *ret_flaw) MUST_USE;

/* The tag without blanks, tabs and line ends around it, as the server looks it up. */
struct bytes wal_tag_trim(struct bytes tag);

#endif
