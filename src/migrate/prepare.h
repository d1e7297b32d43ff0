/* prepare.h: what migrate and verify do alike before they begin: losers of all selected
 * collections, the totals of the progress. */
#ifndef GODWIT_MIGRATE_PREPARE_H
#define GODWIT_MIGRATE_PREPARE_H

#include <stdatomic.h>

#include "base/err.h"
#include "flow/source.h"
#include "migrate/duplicates.h"
#include "migrate/plan.h"
#include "migrate/progress.h"
#include "migrate/selection.h"
#include "migrate/verify.h"

struct prepare_inputs {
    struct source *source;
    const struct plan *plan;
    const struct selection *selection; /* may be NULL */
    const atomic_bool *stop;
};

/* Finds the losers when the policy needs them (`*ret_losers` is NULL for keep; losers_free, also
 * after an error) and notes their number in the rows of `result`. ERR_TARGET under fail when there
 * is one. */
enum err_code prepare_losers(const struct prepare_inputs *inputs, struct verify_result *result,
                             struct losers **ret_losers, struct err *err) MUST_USE;
/* Tells the progress how much there is to do. */
enum err_code prepare_progress(struct migrate_progress *progress, const struct plan *plan,
                               struct err *err) MUST_USE;

#endif
