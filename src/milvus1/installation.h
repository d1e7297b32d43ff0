/* installation.h: an opened installation or package, as the files of this folder share it.
 * The outside sees only the struct source in it. */
#ifndef GODWIT_MILVUS1_INSTALLATION_H
#define GODWIT_MILVUS1_INSTALLATION_H

#include "base/mem.h"
#include "flow/source.h"
#include "milvus1/catalog1.h"
#include "milvus1/layout.h"
#include "milvus1/located.h"
#include "milvus1/replay.h"
#include "milvus1/segment.h"

/* What a look at the files of a segment told; parallel to catalog1_table.segments. */
struct segment_facts {
    uint64_t rows;
    uint64_t deleted; /* rows in deleted_docs */
    uint64_t killed;  /* of the others: rows that the log deletes */
    bool is_damaged;
    bool is_empty; /* holds no row: nothing to move */
};

/* Which segment a struct source_segment is. */
struct installation_segment {
    size_t table; /* index into catalog.tables */
    size_t index; /* into the table's segments; unused when the rows are in the log */
    bool is_log;
};

struct installation {
    struct source base;
    struct arena arena; /* owns all texts and arrays below and in the description */
    struct milvus1_options options;
    struct located located;
    struct layout layout;
    struct catalog1 catalog;
    struct replay replay;
    struct segment_facts **facts;           /* by table */
    struct installation_segment **segments; /* by collection, like the description's */
    bool has_located;                       /* `located` is to be released */
};

/* An empty one; NULL when memory ends. Freed by source_close. */
struct installation *installation_new(const struct milvus1_options *options) MUST_USE;
/* From `located`, which is set, to a described source. Errors: those of milvus1_open. */
enum err_code installation_fill(struct installation *installation, struct err *err) MUST_USE;

/* Place of one segment on disk. */
struct segment1_place installation_place(const struct installation *installation, size_t table,
                                         size_t index);

/* survey.c: opens every live segment, fills the facts, reports what is wrong. */
enum err_code survey_segments(struct installation *installation, struct err *err) MUST_USE;
/* survey.c: settles dimensions that MySQL's SMALLINT could not hold. Before the former. */
enum err_code survey_dimensions(struct installation *installation, struct err *err) MUST_USE;
/* survey.c: counts folders that no metadata row names. */
enum err_code survey_debris(struct installation *installation, struct err *err) MUST_USE;

/* thresholds.c: true thresholds after a crash, tables whose log must not be replayed. */
enum err_code thresholds_settle(struct installation *installation, struct err *err) MUST_USE;

/* single_deletes.c: where the server's single-id delete would have left rows that we delete (5.6
 * i). */
enum err_code single_deletes_report(struct installation *installation, struct err *err) MUST_USE;

/* skipped.c: rows of the log that the server passed over (format spec 5.6 j). */
enum err_code skipped_find(struct installation *installation, struct err *err) MUST_USE;

/* describe.c: fills the description from all of it. */
enum err_code installation_describe(struct installation *installation, struct err *err) MUST_USE;

#endif
