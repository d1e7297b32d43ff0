/* select.c: which table of kernels runs on this machine.
 *
 * The choice is by what the processor and the operating system say (CPUID and XCR0, through the
 * compiler's run-time support), never by how the program was built. */
#include <stdbool.h>
#include <string.h>

#include "kernel/isa.h"
#include "kernel/kernel.h"

static bool has_scalar(void)
{
    return true;
}

#ifdef GODWIT_HAVE_X86_64
static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static bool has_avx512(void)
{
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

static bool has_avx512_popcnt(void)
{
    return has_avx512() && __builtin_cpu_supports("avx512vpopcntdq");
}
#endif

static const struct {
    const struct kernel *kernel;
    bool (*is_available)(void);
} tables[] = {
    {&kernel_scalar, has_scalar},
#ifdef GODWIT_HAVE_X86_64
    {&kernel_avx2, has_avx2},
    {&kernel_avx512, has_avx512},
    {&kernel_avx512_popcnt, has_avx512_popcnt},
#endif
};

size_t kernel_list(const struct kernel *ret_kernels[KERNEL_TABLES_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
        if (tables[i].is_available())
            ret_kernels[count++] = tables[i].kernel;
    return count;
}

static bool is_known(const char *isa)
{
    return strcmp(isa, "scalar") == 0 || strcmp(isa, "avx2") == 0 || strcmp(isa, "avx512") == 0;
}

enum err_code kernel_select(const char *isa, const struct kernel **ret_kernel, struct err *err)
{
    const struct kernel *kernels[KERNEL_TABLES_MAX];
    const size_t count = kernel_list(kernels);
    if (isa == NULL || isa[0] == '\0') {
        *ret_kernel = kernels[count - 1];
        return ERR_OK;
    }
    for (size_t i = count; i-- > 0;) {
        if (strcmp(kernels[i]->isa, isa) == 0) {
            *ret_kernel = kernels[i];
            return ERR_OK;
        }
    }
    if (!is_known(isa))
        return err_set(err, ERR_CONFIG,
                       "GODWIT_ISA is \"%s\"; it can be scalar, avx2 or avx512, or be left unset",
                       isa);
    return err_set(err, ERR_UNSUPPORTED,
                   "GODWIT_ISA is \"%s\", which this machine cannot run; its best is %s: unset "
                   "GODWIT_ISA to use that",
                   isa, kernels[count - 1]->isa);
}
