/* partitions.h: partitions and their names; loading and releasing. Operations: see op.h.
 *
 * Tags of Milvus 1.x need not be names that 2.x clients can type: such a partition is shown under a
 * legal name, and found by both. With a partition key clients see "_default_0" ... instead, and
 * may not name partitions. Everything is always ready to be searched; "loaded" is a mark that
 * clients set, wait for and ask for. */
#ifndef GODWIT_MILVUS2_PARTITIONS_H
#define GODWIT_MILVUS2_PARTITIONS_H

#include "milvus2/op.h"

struct partition_item {
    const char *name; /* as shown */
    int64_t id;
    uint64_t rows;
    int64_t created_us;
    bool is_loaded;
};
bool partitions_list(struct op *op, const struct view *view, struct partition_item **ret_items,
                     size_t *ret_count);
bool partitions_create(struct op *op, const char *collection, const char *name);
/* A missing partition is no error; a loaded one is. */
bool partitions_drop(struct op *op, const char *collection, const char *name);
bool partitions_has(struct op *op, const char *collection, const char *name, bool *ret_has);

/* Index into facts->partitions of a shown name or a tag; SIZE_MAX, and no status, when there is
 * none. */
size_t partitions_find(struct op *op, const struct view *view, const char *name);
/* The tag of a partition that must exist (status 200 else). */
bool partitions_tag(struct op *op, const struct view *view, const char *name, const char **ret_tag);
/* Tags of the partitions that a request names; none named: count 0. Refuses names with a partition
 * key. */
bool partitions_choose(struct op *op, const struct view *view, const struct name_list *names,
                       struct name_list *ret_tags);

/* Loading. Needs an index on every vector field. */
bool loads_load(struct op *op, const char *collection, const struct name_list *partitions);
bool loads_release(struct op *op, const char *collection, const struct name_list *partitions);
enum load_state { LOAD_NOT_EXIST = 0, LOAD_NOT_LOADED = 1, LOAD_LOADING = 2, LOAD_LOADED = 3 };
/* A missing collection is LOAD_NOT_EXIST, no error. */
bool loads_state(struct op *op, const char *collection, const struct name_list *partitions,
                 enum load_state *ret_state);
/* 100 when loaded; else an error. */
bool loads_progress(struct op *op, const char *collection, const struct name_list *partitions,
                    int64_t *ret_percent);
/* Must be loaded, as searches and queries need: status 101 else. Narrows the tags that a request
 * names (partitions_choose) to those that are loaded, when only some are. */
bool loads_check(struct op *op, const struct view *view, struct name_list *tags);

#endif
