/* rewrite.h: one new segment from the live rows of others, growing or sealed: sealing, merging and
 * rewriting are all this. Rows keep their order, source by source.
 *
 * Files get temporary names, are synced, then renamed; the catalog is the caller's. Memory: about
 * 4 MiB and a bit a row. Threads: any, on different numbers. */
#ifndef GODWIT_ENGINE_WRITE_REWRITE_H
#define GODWIT_ENGINE_WRITE_REWRITE_H

#include "engine/live.h"

struct rewrite_request {
    const char *folder;      /* of the database */
    uint64_t segment_folder; /* of the new files; made when absent */
    uint64_t number;
    const struct collection_meta *meta;
    struct segment *sources; /* segment.dead: rows to leave out */
    size_t source_count;
};

struct rewrite_result {
    struct segment_facts facts; /* rows 0: nothing was left, there are no files */
    bool has_columns;
    struct column_file_facts columns;
};

/* Errors: those of reading the sources and writing; the new files are then removed. */
enum err_code rewrite_segments(const struct rewrite_request *request,
                               struct rewrite_result *ret_result, struct err *err) MUST_USE;

#endif
