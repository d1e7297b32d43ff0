/* column_file_write.h: writes the column file of a new segment (column_file_format.h).
 * Threads: any, on different stems. */
#ifndef GODWIT_ENGINE_WRITE_COLUMN_FILE_WRITE_H
#define GODWIT_ENGINE_WRITE_COLUMN_FILE_WRITE_H

#include "engine/write/rewrite.h"

/* From the live rows of request->sources, `live_rows` in all; the fields are those of
 * request->meta->layout. Temporary name, fsync, rename; the caller syncs the folder (segment_write
 * does). Errors: those of reading and writing; what is left of the file is the caller's to remove.
 */
enum err_code column_file_write(const char *stem, const struct rewrite_request *request,
                                uint64_t live_rows, struct column_file_facts *ret_facts,
                                struct err *err) MUST_USE;

#endif
