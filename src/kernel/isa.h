/* isa.h: the tables that select.c chooses from; each is built with its own compiler flags.
 *
 * Nothing outside select.c and the ISA files includes this. A table may only be called after the
 * machine was asked (select.c). */
#ifndef GODWIT_KERNEL_ISA_H
#define GODWIT_KERNEL_ISA_H

#include "kernel/kernel.h"

extern const struct kernel kernel_scalar;
#ifdef GODWIT_HAVE_X86_64
extern const struct kernel kernel_avx2;
extern const struct kernel kernel_avx512;
extern const struct kernel kernel_avx512_popcnt;

/* Parts that several tables share. */
kernel_score_fn avx2_squared_distance;
kernel_score_fn avx2_inner_product;
kernel_product_norm_fn avx2_product_norm;
kernel_within_fn avx512_within;
kernel_match_fn avx512_match_ids;
kernel_pack_fn avx512_pack;
kernel_tile_fn avx512_tile;
#endif

#endif
