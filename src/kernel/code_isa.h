/* code_isa.h: the tables that code_select.c chooses from; nobody else includes this. */
#ifndef GODWIT_KERNEL_CODE_ISA_H
#define GODWIT_KERNEL_CODE_ISA_H

#include "kernel/code.h"

extern const struct code_kernel code_scalar;
#ifdef GODWIT_HAVE_X86_64
extern const struct code_kernel code_avx2;
extern const struct code_kernel code_avx512;
extern const struct code_kernel code_vnni;
#endif

#endif
