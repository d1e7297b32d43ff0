/* field_default.h: a column of nothing but a field's default, or null.
 * Threads: any; a scratch belongs to one at a time. */
#ifndef GODWIT_ENGINE_FIELD_DEFAULT_H
#define GODWIT_ENGINE_FIELD_DEFAULT_H

#include "engine/rows.h"

/* The column lives in the scratch. A nullable field without a default is null, the dynamic field is
 * {}. Errors: ERR_INVALID when the field has no default and cannot be null, or its default is none
 * of its type; ERR_NOMEM. */
enum err_code field_default_column(const struct field *field, size_t rows,
                                   struct rows_scratch *scratch, struct column *ret_column,
                                   struct err *err) MUST_USE;

/* Room in a scratch for so many bytes, or numbers, or bits; NULL when memory ends. */
uint8_t *rows_scratch_values(struct rows_scratch *scratch, size_t size);
uint64_t *rows_scratch_offsets(struct rows_scratch *scratch, size_t count);
uint64_t *rows_scratch_valid(struct rows_scratch *scratch, size_t rows);

#endif
