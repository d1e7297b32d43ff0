/* mysql_crash.h: mends metadata that a crash left half done in MySQL.
 *
 * With SQLite a merge or compaction changes all its rows in one transaction. With MySQL each row
 * is an UPDATE of its own, so a crash can leave
 *  - a merge whose sources are TO_DELETE while its result is still NEW_MERGE: the server, started
 *    again, would lose these rows. The result is read when it is complete, else the sources;
 *  - a compaction whose result and original both live: the same rows twice. The original is left
 *    out when its living rows equal the result's, in order, ids and bytes.
 * Only rows of `struct meta` in memory are changed (file_type), before anybody asks what lives.
 * Source: milvus-io/milvus v0.9.0..1.1, core/src/db/meta/MySQLMetaImpl.cpp (UpdateCollectionFiles),
 * db/merge/MergeTask.cpp, db/DBImpl.cpp (CompactFile). */
#ifndef GODWIT_MILVUS1_MYSQL_CRASH_H
#define GODWIT_MILVUS1_MYSQL_CRASH_H

#include "base/err.h"
#include "flow/finding.h"
#include "milvus1/located.h"

/* Does nothing when the metadata is not MySQL's. ERR_SOURCE, ERR_NOMEM. Threads: one. */
enum err_code mysql_crash_mend(struct located *located, struct finding_list *findings,
                               struct err *err) MUST_USE;

#endif
