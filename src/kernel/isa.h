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

#define AVX512_TILE_ROWS 32
#define AVX512_TILE_GROUP 12
#define AVX512_TILE_STEP 2
#define AVX512_FILTER_MIN 12

/* Parts that several tables share. */
kernel_score_fn avx2_squared_distance;
kernel_score_fn avx2_inner_product;
kernel_product_norm_fn avx2_product_norm;
kernel_xor_fn avx2_xor_bits;
kernel_and_fn avx2_and_bits;
kernel_within_fn avx512_within;
kernel_match_fn avx512_match_ids;
kernel_pack_fn avx512_pack;
kernel_tile_fn avx512_tile;
#endif

#endif
