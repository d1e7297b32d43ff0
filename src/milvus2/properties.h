/* properties.h: settings as the catalog keeps them (a JSON object of strings) and as protocols
 * carry them (pairs). Unknown ones are kept and shown again. */
#ifndef GODWIT_MILVUS2_PROPERTIES_H
#define GODWIT_MILVUS2_PROPERTIES_H

#include "milvus2/op.h"

/* The members of a JSON object as pairs, in its order; values that are no strings as their JSON
 * text. */
bool properties_list(struct op *op, const char *json, struct pair_list *ret_pairs);
/* Pairs as a JSON object of strings, in the arena; of equal keys the last counts. */
bool properties_text(struct op *op, const struct pair_list *pairs, const char **ret_text);
/* A JSON object of strings with some members set and others removed. */
bool properties_change(struct op *op, const char *json, const struct pair_list *set,
                       const struct name_list *removed, const char **ret_text);

#endif
