/* code_select.c: which table of code.h runs beside which table of kernel.h. */
#include <stdbool.h>
#include <string.h>

#include "kernel/code_isa.h"

#ifdef GODWIT_HAVE_X86_64
static bool has_vnni(void)
{
    return __builtin_cpu_supports("avx512vnni");
}
#endif

const struct code_kernel *code_kernel_for(const struct kernel *kernel)
{
#ifdef GODWIT_HAVE_X86_64
    if (strcmp(kernel->isa, "avx512") == 0)
        return has_vnni() ? &code_vnni : &code_avx512;
    if (strcmp(kernel->isa, "avx2") == 0)
        return &code_avx2;
#else
    (void)kernel;
#endif
    return &code_scalar;
}

static void add(const struct code_kernel *kernel, const struct code_kernel **kernels, size_t *count)
{
    for (size_t i = 0; i < *count; i++)
        if (kernels[i] == kernel)
            return;
    kernels[(*count)++] = kernel;
}

size_t code_kernel_list(const struct code_kernel *ret_kernels[CODE_TABLES_MAX])
{
    const struct kernel *kernels[KERNEL_TABLES_MAX];
    const size_t kernel_count = kernel_list(kernels);
    size_t count = 0;
    for (size_t i = 0; i < kernel_count; i++) {
#ifdef GODWIT_HAVE_X86_64
        if (strcmp(kernels[i]->isa, "avx512") == 0)
            add(&code_avx512, ret_kernels, &count);
#endif
        add(code_kernel_for(kernels[i]), ret_kernels, &count);
    }
    return count;
}
