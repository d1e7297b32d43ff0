/* stored_reader.h: a stored segment as a flow/source.h reader: batches in row order, each block
 * checked against its checksum, in bounded memory (no mapping). For verifying what was written, and
 * for migrating out of a database. */
#ifndef GODWIT_ENGINE_STORED_READER_H
#define GODWIT_ENGINE_STORED_READER_H

#include "base/err.h"
#include "engine/segment.h"
#include "flow/source.h"

/* The reader has extents. Errors: ERR_NOT_FOUND when a file is missing, ERR_CORRUPT, ERR_IO,
 * ERR_NOMEM. */
enum err_code stored_reader_open(const char *folder, const struct segment_facts *facts,
                                 struct segment_reader **ret_reader, struct err *err) MUST_USE;

#endif
