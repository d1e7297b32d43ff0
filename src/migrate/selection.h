/* selection.h: which part of a source is meant, and under which names it is wanted.
 *
 * What --collections, --rename, --duplicates and --skip-damaged say; migrate and verify share it,
 * so that both mean the same rows. All text is copied into the selection. */
#ifndef GODWIT_MIGRATE_SELECTION_H
#define GODWIT_MIGRATE_SELECTION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/mem.h"

/* What happens to an id that occurs more than once in a collection (over all its partitions). */
enum duplicates_policy {
    DUPLICATES_KEEP,  /* every row is kept, as 1.x counts them */
    DUPLICATES_FIRST, /* the row that get() would return is kept */
    DUPLICATES_FAIL   /* nothing is migrated */
};

struct selection_rename {
    const char *from;
    const char *to;
};

struct selection {
    const char **collections; /* names in the source; none: all */
    size_t collection_count;
    struct selection_rename *renames;
    size_t rename_count;
    enum duplicates_policy duplicates;
    bool skip_damaged; /* go on without what cannot be read; the result is then ERR_LEFT_OUT */
    /* private */
    size_t collection_capacity;
    size_t rename_capacity;
    struct arena arena;
};

void selection_init(struct selection *selection);
void selection_release(struct selection *selection);
/* Adds the names of a comma-separated list, without blanks around them; a name may come twice.
 * ERR_USAGE when a name is empty, ERR_NOMEM. */
enum err_code selection_add_collections(struct selection *selection, const char *list,
                                        struct err *err) MUST_USE;
/* Adds "OLD=NEW". ERR_USAGE when it has no such form, when OLD is renamed twice, or when NEW is no
 * name of a collection ([A-Za-z_][A-Za-z0-9_]*, at most 255 bytes). */
enum err_code selection_add_rename(struct selection *selection, const char *pair,
                                   struct err *err) MUST_USE;
/* The policy of "keep", "first", "fail"; false when the name is another. */
bool duplicates_from_name(const char *name, enum duplicates_policy *ret_policy);
const char *duplicates_name(enum duplicates_policy policy);
/* The name that a collection of the source gets; borrowed. */
const char *selection_target_name(const struct selection *selection, const char *name);
/* True when the collection is selected. */
bool selection_has(const struct selection *selection, const char *name);

#endif
