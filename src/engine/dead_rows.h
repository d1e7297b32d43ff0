/* dead_rows.h: which rows of a segment are dead, now: a bitmap that is copied before it is changed
 * while somebody else looks at it. Threads: references any; changes by the one who owns. */
#ifndef GODWIT_ENGINE_DEAD_ROWS_H
#define GODWIT_ENGINE_DEAD_ROWS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bitmap.h"
#include "base/err.h"

struct dead_rows {
    atomic_size_t references;
    size_t rows; /* that it has bits for */
    uint64_t count;
    uint64_t words[];
};

/* A bitmap of its own for `rows` rows, equal to `words` (NULL: none dead) of `from_rows` rows. */
enum err_code dead_rows_new(const uint64_t *words, size_t from_rows, size_t rows,
                            struct dead_rows **ret_dead, struct err *err) MUST_USE;
struct dead_rows *dead_rows_ref(struct dead_rows *dead); /* NULL gives NULL */
void dead_rows_unref(struct dead_rows *dead);            /* NULL accepted */
/* Makes `*dead` (NULL: none yet) one that has bits for `rows` rows and that nobody else sees. */
enum err_code dead_rows_own(struct dead_rows **dead, size_t rows, struct err *err) MUST_USE;
/* Marks a row of an own one; false when it is dead already. */
bool dead_rows_mark(struct dead_rows *dead, size_t row);

#endif
