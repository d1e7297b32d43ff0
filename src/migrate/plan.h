/* plan.h: what a migration will move, decided before anything is written. */
#ifndef GODWIT_MIGRATE_PLAN_H
#define GODWIT_MIGRATE_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "flow/source.h"
#include "flow/target.h"
#include "migrate/selection.h"

struct plan_collection {
    size_t index; /* in the source's description */
    const struct source_collection *source;
    const char *target_name;
    size_t *partition_at; /* per partition of the source: its row in the table of compare.h; several
                             of one tag share it */
    uint64_t base_rows;   /* live rows that the target has under this name already (append) */
};

/* One readable segment with live rows, or without: the latter are done at once. */
struct plan_segment {
    size_t collection; /* in plan->collections */
    size_t segment;    /* in the source's collection */
    const struct source_segment *source;
};

struct plan {
    struct plan_collection *collections; /* the source's order */
    size_t collection_count;
    struct plan_segment *segments; /* by collection, then as in the source */
    size_t segment_count;
    uint64_t left_out_segments;
    uint64_t left_out_rows;
    const char *left_out; /* sentence part that names damaged segments; "" when none */
    char *fingerprint;    /* of what is selected: counts for people, checksum for machines */
    struct arena arena;
};

/* Chooses and checks. Errors: see migrate_run. `plan` is to be released in every case. */
enum err_code plan_make(const struct source *source, const struct selection *selection,
                        struct plan *plan, struct err *err) MUST_USE;
void plan_release(struct plan *plan);
/* The target's side: which names exist there, and what `if_exists` says to it; fills base_rows. */
enum err_code plan_check_target(struct plan *plan, struct target *target, enum if_exists if_exists,
                                struct err *err) MUST_USE;
/* Is there room for the plan? `remaining` of 0..1 of it is still to be written. Fills the sizes. */
enum err_code plan_check_space(const struct plan *plan, const struct target *target,
                               double remaining, uint64_t *ret_needed, uint64_t *ret_free,
                               struct err *err) MUST_USE;
/* The finding that refuses the source or a selected collection of it (NULL: all are), as an error;
 * ERR_OK when there is none. A refused collection is no error when damage may be skipped. */
enum err_code plan_check_findings(const struct source *source, const struct selection *selection,
                                  struct err *err) MUST_USE;

#endif
