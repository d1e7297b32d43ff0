/* loops_select.c: which loops run on this machine, by what processor and system say. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "filter/loops.h"

size_t loops_list(const struct loops *ret_loops[LOOPS_TABLES_MAX])
{
    size_t count = 0;
    ret_loops[count++] = &loops_scalar;
#ifdef GODWIT_HAVE_X86_64
    const bool has_avx2 = __builtin_cpu_supports("avx2");
    if (has_avx2)
        ret_loops[count++] = &loops_avx2;
    if (has_avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        ret_loops[count++] = &loops_avx512;
#endif
    return count;
}

const struct loops *loops_best(void)
{
    const struct loops *loops[LOOPS_TABLES_MAX];
    const size_t count = loops_list(loops);
    const char *wanted = getenv("GODWIT_ISA");
    for (size_t i = 0; wanted != NULL && i < count; i++)
        if (strcmp(loops[i]->isa, wanted) == 0)
            return loops[i];
    return loops[count - 1];
}
