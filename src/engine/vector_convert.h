/* vector_convert.h: vectors of declared types to and from the floats that are kept.
 *
 * Float16, BFloat16 and Int8 values become floats exactly; what came from them goes back to the
 * same bytes. Other floats are rounded to nearest, ties to even (Int8: and cut to -128..127).
 * Source: IEEE 754. Threads: any. */
#ifndef GODWIT_ENGINE_VECTOR_CONVERT_H
#define GODWIT_ENGINE_VECTOR_CONVERT_H

#include <stddef.h>
#include <stdint.h>

#include "flow/schema.h"

/* `count` components. Of binary vectors bits, of float vectors bytes are copied as they are. Any
 * alignment. */
void vector_to_kept(enum field_type type, const uint8_t *from, size_t count, uint8_t *kept);
void vector_from_kept(enum field_type type, const uint8_t *kept, size_t count, uint8_t *to);

#endif
