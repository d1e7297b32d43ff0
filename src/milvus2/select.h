/* select.h: the rows of a collection that a filter selects. Operations: see op.h.
 *
 * A filter on nothing but primary keys finds its rows by the key index; any other is evaluated
 * block by block over the columns that it reads, by as many threads as there are processors. */
#ifndef GODWIT_MILVUS2_SELECT_H
#define GODWIT_MILVUS2_SELECT_H

#include "filter/filter.h"
#include "milvus2/op.h"

struct selection {
    struct filter *filter; /* freed by select_release */
    bool is_all;           /* the filter is blank: `bits` is NULL */
    /* For each segment of the snapshot a bitmap of its rows, dead ones cleared; NULL: of rows that
     * are not wanted at all (another partition). */
    uint64_t **bits;
    size_t segment_count;
    const struct filter_keys *keys; /* the filter names keys and nothing else; or NULL */
};

/* Compiles. `what` ("query", "search", "delete") is for the sentence of an error. */
bool select_compile(struct op *op, const struct view *view, const char *text,
                    const struct filter_templates *templates, const char *what,
                    struct selection *ret_selection);
/* Evaluates: fills `bits`, also for a blank filter. `tags`: partitions; count 0: all. */
bool select_run(struct op *op, const struct view *view, const struct name_list *tags,
                struct selection *selection);
void select_release(struct selection *selection); /* zeroed accepted */

/* The keys of the filter as a column of the primary key's type. */
bool select_keys(struct op *op, const struct selection *selection, struct column *ret_keys);
/* Flags for partitions, as rows_find wants them; NULL in *ret_flags: all. */
bool select_partitions(struct op *op, const struct view *view, const struct name_list *tags,
                       const bool **ret_flags);
uint64_t select_count(const struct view *view, const struct selection *selection);
/* Whether a segment is of one of the partitions. */
bool select_wants(const struct view *view, const struct rows_segment *facts,
                  const struct name_list *tags);

#endif
