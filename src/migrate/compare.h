/* compare.h: the table of collections and partitions with what both ends hold. migrate_run fills it
 * segment by segment, verify_run from two sources. */
#ifndef GODWIT_MIGRATE_COMPARE_H
#define GODWIT_MIGRATE_COMPARE_H

#include "base/err.h"
#include "flow/source.h"
#include "migrate/plan.h"
#include "migrate/verify.h"

/* One segment of one side. */
struct compare_item {
    bool is_target;
    size_t row;       /* in result->collections */
    size_t partition; /* in its partitions */
    size_t collection;
    size_t segment; /* both in the side's own description */
    uint64_t size;
    struct tally tally;
    bool is_unreadable;
};

struct compare_items {
    struct compare_item *items;
    size_t count;
    size_t capacity;
};

/* An empty result that can be released. */
void compare_init(struct verify_result *result);
/* Rows for the collections of the plan with their partitions, the source's facts filled in; sets
 * partition_at of the plan. ERR_NOMEM only, like everything here. */
enum err_code compare_add_source(struct verify_result *result, struct plan *plan,
                                 struct err *err) MUST_USE;
/* Adds what the other side has; its segments are appended to `items`. Collections that the plan
 * does not name become rows of their own when has_extra. */
enum err_code compare_add_target(struct verify_result *result, const struct plan *plan,
                                 const struct source *target, bool has_extra,
                                 struct compare_items *items, struct err *err) MUST_USE;
enum err_code compare_add_item(struct compare_items *items, const struct compare_item *item,
                               struct err *err) MUST_USE;
/* Indexes of the items, largest first, equal ones in their order; mem_free. NULL: no memory. */
size_t *compare_order(const struct compare_items *items) MUST_USE;
/* Sums up partitions into collections and all, and decides what is equal. */
void compare_finish(struct verify_result *result);

#endif
