/* dead_write.h: rows that have just died, collected, and written to the catalog: one entry for each
 * segment or pending batch. Threads: one at a time. */
#ifndef GODWIT_ENGINE_WRITE_DEAD_WRITE_H
#define GODWIT_ENGINE_WRITE_DEAD_WRITE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/sql.h"

struct dead_entry {
    int64_t segment; /* id in the catalog; 0: of a batch */
    int64_t batch;   /* id in the catalog; 0: of a segment */
    uint32_t row;    /* of the segment or batch */
};

struct dead_list { /* zero-initialise */
    struct dead_entry *entries;
    size_t count;
    size_t capacity;
};

enum err_code dead_list_add(struct dead_list *list, const struct dead_entry *entry,
                            struct err *err) MUST_USE;
/* Inside a transaction; sorts the list. */
enum err_code dead_list_write(struct dead_list *list, struct sql *sql, int64_t collection,
                              struct err *err) MUST_USE;
void dead_list_release(struct dead_list *list);

#endif
