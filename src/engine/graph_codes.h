/* graph_codes.h: codes of single rows, one row after another, and queries for them.
 *
 * 4 bits: the levels of codes.h. 7 bits: 128 levels, a fifth of those steps apart, for data whose
 * neighbours lie so close together that 16 levels cannot tell them apart. */
#ifndef GODWIT_ENGINE_GRAPH_CODES_H
#define GODWIT_ENGINE_GRAPH_CODES_H

#include <stddef.h>
#include <stdint.h>

#include "engine/codes.h"
#include "engine/graph_format.h"

/* Writes the codes of a row into `stride` zeroed bytes; ret_norm: its norm, which is also written
 * where the row holds it.
 *   values  from codes_row() */
void graph_codes_pack(const struct codes *codes, const struct graph_layout *at, const float *values,
                      uint8_t *row, float *ret_norm);
/* Bytes of a query for rows4 or rows7. */
size_t graph_codes_query_size(const struct graph_layout *at);
/* Prepares a query; returns the scale.
 *   values  from codes_query(); overwritten
 *   ret_lack  what keys lack to be |x|^2 - 2 x q: they count codes from 0, not from the middle */
float graph_codes_query(const struct codes *codes, const struct graph_layout *at, float *values,
                        int8_t *ret_bytes, float *ret_lack);

#endif
