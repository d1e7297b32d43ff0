/* object.h: the members of a JSON object, found in its text without parsing their values.
 *
 * The text is known to be valid JSON (it was checked when it came in); damaged text only ends the
 * walk early. Used for the dynamic field, whose objects are stored and sent as text. */
#ifndef GODWIT_MILVUS2_OBJECT_H
#define GODWIT_MILVUS2_OBJECT_H

#include <stdbool.h>

#include "base/bytes.h"

struct object_member {
    struct bytes key;   /* between the quotes, escapes as they stand */
    struct bytes value; /* the value's text, without blanks around it */
};
/* `*at` begins with 0; false at the end. */
bool object_next(struct bytes text, size_t *at, struct object_member *ret_member);

#endif
