/* snapshot_segments.h: a snapshot's segments one by one, for a source that reads a database back.
 */
#ifndef GODWIT_ENGINE_SNAPSHOT_SEGMENTS_H
#define GODWIT_ENGINE_SNAPSHOT_SEGMENTS_H

#include "base/err.h"
#include "engine/segment.h"
#include "engine/snapshot.h"
#include "flow/source.h"

/* index < snapshot_facts()->segment_count, by order; borrowed. */
const struct segment_facts *snapshot_segment_facts(const struct snapshot *snapshot, size_t index);
/* Reads it through the files, checked, in bounded memory (stored_reader.h); growing rows, and rows
 * that died since, as the snapshot has them. */
enum err_code snapshot_open_segment(struct snapshot *snapshot, const char *folder, size_t index,
                                    struct segment_reader **ret_reader, struct err *err) MUST_USE;

#endif
