/* row_layout.h: where the values of each field of a schema are kept.
 *
 *   the Int64 key       the ids column (.ids). Without one it holds numbers made up by the engine
 *   the first vector    the vector column (.vec)
 *   everything else     an extra column each (.col): scalars, a VarChar key, further vectors
 *
 * Float16, BFloat16 and Int8 vectors are kept, and searched, as floats: converting there and back
 * gives the same bytes. Threads: any, nothing is written. */
#ifndef GODWIT_ENGINE_ROW_LAYOUT_H
#define GODWIT_ENGINE_ROW_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flow/schema.h"

#define ROW_FIELDS_MAX (SCHEMA_FIELDS_MAX + 1) /* and the dynamic field */
#define ROW_LAYOUT_NONE SIZE_MAX

enum field_home { HOME_IDS, HOME_VECTOR, HOME_EXTRA };

/* A column beside .ids and .vec. */
struct extra_layout {
    size_t field;     /* index into the schema; ROW_LAYOUT_NONE when the layout comes from a file */
    int64_t field_id; /* what it is known by on disk */
    enum field_type type; /* as kept: of vectors FloatVector or BinaryVector */
    enum field_type element;
    size_t width; /* bytes a row; 0: rows differ */
    bool is_nullable;
};

struct row_layout {
    size_t field_count;
    enum field_home homes[ROW_FIELDS_MAX];
    size_t extra_of[ROW_FIELDS_MAX]; /* index into extras, of HOME_EXTRA */
    size_t extra_count;
    struct extra_layout extras[ROW_FIELDS_MAX];
    size_t vector;       /* field of the first vector */
    size_t vector_width; /* bytes a row, as kept */
    size_t key_extra;    /* of a VarChar key; ROW_LAYOUT_NONE: the Int64 key stands in the ids */
};

/* The schema is possible (define_check_schema). */
void row_layout_init(struct row_layout *layout, const struct schema *schema);

/* Of a vector field: bytes a row as kept. */
size_t row_layout_vector_width(enum field_type type, size_t dim);

/* Do rows of both have the same columns? (Where in the schema they stand does not matter.) */
bool row_layout_is_equal(const struct row_layout *a, const struct row_layout *b);

#endif
