/* bit_select.c: which table of bit.h runs beside which table of kernel.h. */
#include <string.h>

#include "kernel/bit_isa.h"

const struct bit_kernel *bit_kernel_for(const struct kernel *kernel)
{
#ifdef GODWIT_HAVE_X86_64
    if (strcmp(kernel->name, "avx512+vpopcntdq") == 0)
        return &bit_avx512_popcnt;
    if (strcmp(kernel->isa, "avx512") == 0)
        return &bit_avx512;
    if (strcmp(kernel->isa, "avx2") == 0)
        return &bit_avx2;
#else
    (void)kernel;
#endif
    return &bit_scalar;
}

size_t bit_kernel_list(const struct bit_kernel *ret_kernels[BIT_TABLES_MAX])
{
    const struct kernel *kernels[KERNEL_TABLES_MAX];
    const size_t count = kernel_list(kernels);
    for (size_t i = 0; i < count; i++) /* each has its own */
        ret_kernels[i] = bit_kernel_for(kernels[i]);
    return count;
}
