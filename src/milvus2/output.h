/* output.h: which fields an answer shows, and their values.
 *
 * Names that a client asks for become fields of the schema, keys of the dynamic field, or both;
 * what is answered is always the expanded list, never "*". */
#ifndef GODWIT_MILVUS2_OUTPUT_H
#define GODWIT_MILVUS2_OUTPUT_H

#include "milvus2/op.h"

struct output {
    struct name_list names; /* for the answer's output_fields: fields, then dynamic keys */
    const size_t *fields;   /* indexes into view->schema.fields; the dynamic field is the last */
    size_t field_count;
    struct name_list dynamic_keys; /* of the dynamic field; count 0: the whole object */
    bool is_count;                 /* "count(*)" alone was asked for */
};

/* Reads what a client asked for. `with_key`: the primary key is shown in any case. */
bool output_choose(struct op *op, const struct view *view, const struct name_list *asked,
                   bool with_key, struct output *ret_output);

/* The values of rows, column k of output->fields[k]; dynamic objects reduced to the keys asked for.
 * Lives until op_end(). */
bool output_fetch(struct op *op, const struct view *view, const struct output *output,
                  const struct place *places, size_t count, struct column **ret_columns);

#endif
