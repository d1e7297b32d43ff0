/* fake.h: a source and a target in memory, for tests of the mover.
 *
 * The source is built row by row; its vectors follow from (id, salt). The target keeps its content
 * in a fake_disk, which outlives it like a folder outlives a process, and fails where it is told.
 */
#ifndef GODWIT_TEST_FAKE_H
#define GODWIT_TEST_FAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/metric.h"
#include "flow/source.h"
#include "flow/target.h"

#define FAKE_COLLECTIONS_MAX 8
#define FAKE_PARTITIONS_MAX 8
#define FAKE_SEGMENTS_MAX 64
#define FAKE_AREAS_MAX 8

struct fake_segment {
    char name[64];
    char tag[64];
    size_t rows;
    size_t row_size;
    int64_t *ids;
    uint8_t *vectors;
    uint64_t *dead;
    size_t dead_rows;
    int fd; /* >= 0: ids and vectors are in a file too, and readers have extents */
};

struct fake_collection {
    char name[64];
    enum metric_type metric;
    size_t dim;
    char tags[FAKE_PARTITIONS_MAX][64];
    size_t tag_count;
    struct fake_segment segments[FAKE_SEGMENTS_MAX];
    size_t segment_count;
    enum if_exists if_exists; /* in a staging area */
};

struct fake_source;
struct fake_source *fake_source_new(void);
/* Returns the index; the default partition is there already. */
size_t fake_add_collection(struct fake_source *source, const char *name, enum metric_type metric,
                           size_t dim);
size_t fake_add_partition(struct fake_source *source, size_t collection, const char *tag);
/* Rows with these ids; vectors follow from (id, salt). */
size_t fake_add_segment(struct fake_source *source, size_t collection, size_t partition,
                        const int64_t *ids, size_t rows, uint64_t salt);
void fake_delete(struct fake_source *source, size_t collection, size_t segment, size_t row);
void fake_change(struct fake_source *source, size_t collection, size_t segment, size_t row);
/* The last component of the row becomes infinite. */
void fake_make_infinite(struct fake_source *source, size_t collection, size_t segment, size_t row);
void fake_damage(struct fake_source *source, size_t collection, size_t segment);
void fake_refuse(struct fake_source *source, const char *found);
/* Makes get()'s order the reverse of the segments' own. */
void fake_reverse_order(struct fake_source *source, size_t collection);
/* Fills the description; after that nothing more is added. */
struct source *fake_finish(struct fake_source *source);

/* What would be on the disk of a target. */
struct fake_area {
    char token[64];
    struct fake_collection collections[FAKE_COLLECTIONS_MAX];
    size_t collection_count;
};
struct fake_disk {
    struct fake_area published;
    struct fake_area areas[FAKE_AREAS_MAX];
    size_t area_count;
    char folder[64]; /* a real one, for the catalog */
    char catalog[80];
    /* the call number fail_at (from 0) of all calls that write fails with ERR_IO, before or after
     * it has done its work; SIZE_MAX: none does */
    size_t fail_at;
    bool fails_after;
    size_t calls;
    size_t puts;       /* segments really written */
    size_t corrupt_at; /* the put of this number stores a wrong vector; SIZE_MAX: none */
    bool corrupts_always;
    uint64_t estimate;
};
void fake_disk_init(struct fake_disk *disk);
void fake_disk_release(struct fake_disk *disk); /* and the folder */
struct target *fake_target(struct fake_disk *disk);
/* Rows that are visible in a collection, 0 when it is not. */
size_t fake_visible_rows(const struct fake_disk *disk, const char *collection);

#endif
