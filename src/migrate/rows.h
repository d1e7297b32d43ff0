/* rows.h: reading the rows of a segment: only the ids, or ids and vectors summed up. */
#ifndef GODWIT_MIGRATE_ROWS_H
#define GODWIT_MIGRATE_ROWS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "flow/source.h"
#include "migrate/progress.h"
#include "migrate/verify.h"

/* Who is told about rows that pass, and who may stop them. */
struct rows_watch {
    const atomic_bool *stop;           /* may be NULL */
    struct migrate_progress *progress; /* counts as verified; may be NULL */
    size_t collection;
    bool has_floats; /* rows_tally counts rows with NaN or infinite components */
};

/* ERR_INTERRUPTED once the flag is set; the flag may be NULL. */
enum err_code rows_check_stop(const atomic_bool *stop, struct err *err) MUST_USE;

/* Row by row: `dead` bits are left out (NULL: none are). Returns at the first error. */
typedef enum err_code (*rows_id_function)(void *argument, uint64_t row, int64_t id,
                                          struct err *err);
typedef enum err_code (*rows_hash_function)(void *argument, int64_t id, struct hash128 hash,
                                            struct err *err);

/* Calls for each live row, ascending. Reads only the ids where they lie in a file of their own. The
 * reader must be at its start; it is not closed. */
enum err_code rows_each_id(struct segment_reader *reader, const uint64_t *dead,
                           const atomic_bool *stop, rows_id_function function, void *argument,
                           struct err *err) MUST_USE;

/* Calls with the hash_row() of each live row. */
enum err_code rows_each_hash(struct segment_reader *reader, const uint64_t *dead,
                             const struct rows_watch *watch, rows_hash_function function,
                             void *argument, struct err *err) MUST_USE;

/* Counts and sums the live rows of the rest of a reader; ret_tally is set only on success. */
enum err_code rows_tally(struct segment_reader *reader, const uint64_t *dead,
                         const struct rows_watch *watch, struct tally *ret_tally,
                         struct err *err) MUST_USE;

#endif
