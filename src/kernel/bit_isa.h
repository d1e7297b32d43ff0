/* bit_isa.h: the tables that bit_select.c chooses from; nobody else includes this. */
#ifndef GODWIT_KERNEL_BIT_ISA_H
#define GODWIT_KERNEL_BIT_ISA_H

#include "kernel/bit.h"

/* Bits that are weighed before 8-bit sums are widened, and such steps before 16-bit sums
 * are: 4 x 63 and 256 x 252 still fit. */
#define BIT_STEP 4
#define BIT_STEPS 256

extern const struct bit_kernel bit_scalar;
#ifdef GODWIT_HAVE_X86_64
extern const struct bit_kernel bit_avx2;
extern const struct bit_kernel bit_avx512;
extern const struct bit_kernel bit_avx512_popcnt;
#endif

#endif
