/* difference.h: which rows of one partition differ between two sides.
 *
 * A first reading sums up the rows of each side by buckets of the id's hash; buckets that agree are
 * done with. The rows of the others are read again, as many buckets at a time as fit in memory,
 * sorted and merged. */
#ifndef GODWIT_MIGRATE_DIFFERENCE_H
#define GODWIT_MIGRATE_DIFFERENCE_H

#include <stdatomic.h>
#include <stddef.h>

#include "base/err.h"
#include "base/mem.h"
#include "flow/source.h"
#include "migrate/compare.h"
#include "migrate/duplicates.h"
#include "migrate/verify.h"

struct difference_inputs {
    struct source *source;
    struct source *target;
    const struct losers *losers; /* of the source; may be NULL */
    const struct compare_item *items;
    size_t item_count; /* of all partitions */
    size_t threads;
    const atomic_bool *stop;
    size_t pairs_max; /* rows a side that one pass keeps; DIFFERENCE_PAIRS_MAX but in tests */
};

#define DIFFERENCE_PAIRS_MAX ((size_t)2 << 20)

/* Fills missing, extra, changed of result->collections[row].partitions[partition], whose tallies
 * differ. Errors: whatever reading gives, ERR_NOMEM, ERR_INTERRUPTED. */
enum err_code difference_find(const struct difference_inputs *inputs, struct verify_result *result,
                              size_t row, size_t partition, struct err *err) MUST_USE;

#endif
