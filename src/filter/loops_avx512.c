/* loops_avx512.c: the loops of loops.h for AVX512. */
#define LOOPS_TABLE loops_avx512
#define LOOPS_ISA "avx512"
#include "filter/loops_body.h"
