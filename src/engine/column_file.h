/* column_file.h: a column file, mapped: the extra fields of a sealed segment. Sections are checked
 * as they are touched, like other columns (segment.h). Threads: any. */
#ifndef GODWIT_ENGINE_COLUMN_FILE_H
#define GODWIT_ENGINE_COLUMN_FILE_H

#include "engine/segment.h"

/* What the catalog says about it. */
struct column_file_facts {
    uint64_t size;
    uint64_t hash; /* XXH3-64 of the head, then the checksums */
};

struct column_file;

/* Opens NUMBER.col of a segment of `rows` rows. Errors: ERR_NOT_FOUND, ERR_CORRUPT, ERR_IO,
 * ERR_NOMEM. */
enum err_code column_file_open(const char *folder, const struct segment_facts *segment,
                               const struct column_file_facts *facts, struct column_file **ret_file,
                               struct err *err) MUST_USE;
void column_file_close(struct column_file *file); /* NULL accepted */

/* Its fields; borrowed. */
struct segment_extra *column_file_extras(const struct column_file *file, size_t *ret_count);

#endif
